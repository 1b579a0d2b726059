//! The sample data of the guide: one service, staging ahead of production by one image.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::World;
use super::github::{BranchRules, GitHubToken, TokenKind};

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
/// A token of somebody else, who may review what the other token proposes.
pub const REVIEWER_TOKEN: &str = "mock-reviewer-token";
/// The login behind [`REVIEWER_TOKEN`].
pub const REVIEWER: &str = "kim";

/// Adds somebody who may review in the sample's repository, and has its main branch ask for this many approvals.
pub fn add_reviewer(world: &mut World, approvals: u32) {
    let token = GitHubToken::full(TokenKind::FineGrained, REVIEWER);
    world.github.tokens.insert(REVIEWER_TOKEN, token);
    for repository in &mut world.github.repositories {
        repository.collaborators.insert(REVIEWER.to_owned());
        if approvals > 0 {
            let rules = BranchRules {
                required_approvals: approvals,
                require_pull_request: true,
                ..BranchRules::default()
            };
            let branch = repository.settings.default_branch.clone();
            repository.rules.insert(branch, rules);
        }
    }
}

/// The shape in which a catalog holds images, by what filled it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageShape {
    /// `registryId` is the whole name and `tags` has the tag: what a pipeline of one's own writes.
    #[default]
    Spelled,
    /// The title is the whole reference, as in the later versions of Port's guide.
    Titled,
    /// Amazon's registry, whose entities Port's guide has: the identifier is name and tag, `registryId` the account.
    Ecr,
    /// Argo CD's integration of Port: the identifier is the whole reference, and there are no properties.
    ArgoCd,
}

impl ImageShape {
    /// Returns the sample world with images of this shape, as a file.
    pub fn world_file(self) -> String {
        let references = |version: &str| match self {
            Self::Ecr => format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:{version}"),
            Self::Spelled | Self::Titled | Self::ArgoCd => format!("ghcr.io/acme/web:{version}"),
        };
        let mut text = SAMPLE.to_owned();
        if self == Self::Spelled {
            return text;
        }
        let Some((head, tail)) = text
            .split_once("[[port.entities]]\nblueprint = \"image\"")
            .and_then(|(head, rest)| Some((head, rest.split_once("[[port.runs]]")?.1)))
        else {
            return text;
        };
        let images = ["1.4.1", "1.4.2"].map(|version| self.entity(version));
        text = format!("{head}{}[[port.runs]]{tail}", images.concat());
        for version in ["1.4.1", "1.4.2"] {
            text = text
                .replace(
                    &format!("image = \"web-{version}\""),
                    &format!("image = \"{}\"", self.identifier(version)),
                )
                .replace(
                    &format!("image: ghcr.io/acme/web:{version}"),
                    &format!("image: {}", references(version)),
                );
        }
        text
    }

    fn identifier(self, version: &str) -> String {
        match self {
            Self::Spelled | Self::Titled => format!("web-{version}"),
            Self::Ecr => format!("web:{version}"),
            Self::ArgoCd => format!("ghcr.io/acme/web:{version}"),
        }
    }

    /// An image's entity in a world file.
    fn entity(self, version: &str) -> String {
        let more = match self {
            Self::Titled => format!(
                "title = \"ghcr.io/acme/web:{version}\"\nproperties = {{ tags = [\"{version}\"] }}\n"
            ),
            Self::Ecr => format!(
                "title = \"web:{version}\"\nproperties = {{ registryId = \"123456789012\", tags = [\"{version}\"] }}\n"
            ),
            Self::Spelled | Self::ArgoCd => String::new(),
        };
        let identifier = self.identifier(version);
        format!("[[port.entities]]\nblueprint = \"image\"\nidentifier = \"{identifier}\"\n{more}\n")
    }
}

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
