//! The sample data of the guide: one service, staging ahead of production by one image.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::World;

/// The sample world as a file; it documents the format.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The action run of the sample.
pub const RUN: &str = "r_Ab12Cd34Ef56Gh78";
/// The client id of the sample's Port.
pub const CLIENT_ID: &str = "mock-client-id";
/// The client secret of the sample's Port.
pub const CLIENT_SECRET: &str = "mock-client-secret";
/// The token of the sample's GitHub.
pub const GITHUB_TOKEN: &str = "mock-github-token";

static WORLD: LazyLock<World> = LazyLock::new(|| {
    World::from_toml(SAMPLE, Path::new("")).expect("the embedded sample is a world file")
});

impl World {
    /// The sample world.
    pub fn sample() -> Self {
        WORLD.clone()
    }
}

/// The message of Port that starts the sample's run, in its old shape (Port docs, "Control the payload").
pub fn payload() -> Value {
    json!({
        "action": "promote_to_production", "resourceType": "run", "status": "TRIGGERED",
        "trigger": {"by": {"orgId": "org_AbCd1234", "userId": "auth0|64f0c0ffee", "user": user()},
            "origin": "UI", "at": "2026-01-06T10:00:00.000Z"},
        "context": {"entity": "web", "blueprint": "service", "runId": RUN},
        "payload": {
            "entity": subject(),
            "action": {"invocationMethod": {"type": "GITHUB", "org": "acme", "repo": "gitops",
                "workflow": "promote-production.yml", "omitUserInputs": false, "omitPayload": false,
                "reportWorkflowStatus": false}, "trigger": "DAY-2"},
            "properties": {}, "censoredProperties": []},
    })
}

/// The message as the template of the sample's action makes it: the run, and the entity that it is about.
pub fn action_payload() -> Value {
    json!({"run_id": RUN, "blueprint": "service", "entity": "web"})
}

/// The same message as the templates of today's actions see it, for actions that send it whole (Port docs, "Set up the
/// backend").
pub fn templated_payload() -> Value {
    json!({
        "inputs": {},
        "trigger": {"by": {"orgId": "org_AbCd1234", "userId": "auth0|64f0c0ffee", "user": user()},
            "origin": "UI", "at": "2026-01-06T10:00:00.000Z", "operation": "DAY-2"},
        "event": null,
        "entity": subject(),
        "action": {"identifier": "promote_to_production", "blueprint": "service", "encryptedProperties": []},
        "run": {"id": RUN},
    })
}

fn user() -> Value {
    json!({"id": "auth0|64f0c0ffee", "email": "dana@acme.example", "firstName": "Dana", "lastName": "Ito",
        "phoneNumber": "", "picture": "", "providers": [], "status": "ACTIVE",
        "createdAt": "2025-03-01T08:00:00.000Z", "updatedAt": "2026-01-02T08:00:00.000Z"})
}

fn subject() -> Value {
    json!({"identifier": "web", "title": "Web", "icon": "Github", "blueprint": "service", "team": ["payments"],
        "properties": {"url": "https://github.com/acme/web", "language": "GO", "lifecycle": "Production",
            "locked_in_prod": false, "locked_reason_prod": null},
        "relations": {"test_runtime": "web-staging", "dev_runtime": null, "prod_runtime": "web-prod"},
        "createdAt": "2025-03-01T08:00:00.000Z", "createdBy": "auth0|64f0c0ffee",
        "updatedAt": "2026-01-02T08:00:00.000Z", "updatedBy": "auth0|64f0c0ffee"})
}
