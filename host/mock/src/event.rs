//! Deeds of other people while a promotion runs: commits, reviews, checks, and the operator that syncs the cluster.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::port::{CatalogEntity, ChangeStamps, RelationTargets};
use super::{PathGlob, SecretText, ServiceName, World, github};
use promote_core::service::transport::HttpRequest;

/// An event with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedEvent {
    /// The time at which it happens.
    pub at: Timestamp,
    /// The event.
    pub then: WorldEvent,
}

/// An event that waits for a request, and happens once.
#[derive(Clone, Debug, PartialEq)]
pub struct AwaitedEvent {
    /// The request.
    pub when: RequestTrigger,
    /// The event.
    pub then: WorldEvent,
}

/// The request that an event comes just before or just after.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestTrigger {
    /// Before the next one that matches.
    Before(RequestPattern),
    /// After the next one that matches and is answered well.
    After(RequestPattern),
}

/// Requests by service, method and path.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestPattern {
    /// The service.
    pub service: ServiceName,
    /// The method; any if not given.
    #[serde(default)]
    pub method: Option<String>,
    /// The path, with `*` for a part of it and `**` for several.
    pub path: PathGlob,
}

impl RequestPattern {
    pub(super) fn matches(&self, service: ServiceName, request: &HttpRequest) -> bool {
        let method = self.method.as_deref();
        self.service == service
            && method.is_none_or(|method| request.method().as_str().eq_ignore_ascii_case(method))
            && self.path.matches(request.uri().path())
    }
}

impl fmt::Display for RequestTrigger {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, pattern) = match self {
            Self::Before(pattern) => ("before", pattern),
            Self::After(pattern) => ("after", pattern),
        };
        let method = pattern.method.as_deref().unwrap_or("any request");
        let path = String::from(pattern.path.clone());
        write!(to, "{word} {}: {method} {path}", pattern.service)
    }
}

/// A deed of somebody else; a world file writes it as the `then` of an event.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "super::file::ThenFile")]
pub enum WorldEvent {
    /// A GitOps operator brings the content of a branch into the cluster and reports to Port.
    Sync(OperatorSync),
    /// Somebody sends a request to one of the two services.
    Request(ForeignRequest),
    /// A deed at GitHub: a commit, a check, a review, a merge.
    GitHub(github::GitHubEvent),
    /// Port's tokens cease to work.
    RevokePortTokens,
    /// The tokens of registries cease to work.
    RevokeRegistryTokens,
    /// A token of GitHub ceases to work.
    ExpireToken(SecretText),
}

/// The sync of one runtime by a GitOps operator such as Argo CD or Flux.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OperatorSync {
    /// The runtime, an entity of the blueprint `running_service`.
    pub entity: String,
    /// The repository, `owner/name`.
    pub repository: String,
    /// The branch.
    #[serde(default = "main")]
    pub branch: String,
    /// The manifest.
    pub path: String,
    /// The health that the operator reports to Port.
    #[serde(default = "healthy")]
    pub health: String,
    /// The property of the runtime into which the operator writes the commit that it has synced.
    #[serde(default)]
    pub revision: Option<String>,
}

fn main() -> String {
    "main".to_owned()
}

fn healthy() -> String {
    "Healthy".to_owned()
}

/// A request of somebody else, with credentials of this world.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForeignRequest {
    /// The service.
    pub service: ServiceName,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body.
    #[serde(default)]
    pub body: Value,
}

impl WorldEvent {
    pub(super) fn happen(&self, world: &mut World) {
        match self {
            Self::Sync(sync) => sync.happen(world),
            Self::Request(foreign) => foreign.happen(world),
            Self::GitHub(event) => {
                let when = github::EventTrigger::At(world.now);
                let event = event.clone();
                world
                    .github
                    .schedule
                    .push(github::TriggeredEvent { when, event });
                world.github.catch_up(world.now);
            }
            Self::RevokePortTokens => world.port.revoke_tokens(),
            Self::RevokeRegistryTokens => world.registry.revoke_tokens(),
            Self::ExpireToken(token) => {
                world.github.tokens.revoke(token.text());
            }
        }
    }
}

impl OperatorSync {
    fn happen(&self, world: &mut World) {
        // A merge that no longer waits for anything happens before the operator looks.
        world.github.catch_up(world.now);
        let manifest = world
            .github
            .file_at(&self.repository, &self.branch, &self.path);
        let Some(manifest) = manifest else {
            return;
        };
        let deployed = world
            .port
            .entities
            .values()
            .filter(|entity| entity.blueprint == "image")
            .find(|image| references(image).iter().any(|it| holds(&manifest, it)))
            .map(|image| image.identifier.clone());
        let head = world.github.find(&self.repository);
        let head = head.and_then(|it| Some(it.branch(&self.branch)?.to_string()));
        let now = world.now;
        let key = ("running_service".to_owned(), self.entity.clone());
        let Some(runtime) = world.port.entities.get_mut(&key) else {
            return;
        };
        let mut set = |name: &str, value: &str| {
            runtime.properties.insert(name.to_owned(), json!(value));
        };
        match deployed {
            Some(image) => {
                if let (Some(property), Some(head)) = (&self.revision, &head) {
                    set(property, head);
                }
                set("syncStatus", "Synced");
                set("healthStatus", &self.health);
                runtime
                    .relations
                    .insert("image".to_owned(), RelationTargets::One(image));
            }
            // The catalog has no such image, so the operator cannot name it.
            None => set("syncStatus", "Unknown"),
        }
        runtime.stamps = ChangeStamps {
            updated_at: now,
            updated_by: "argocd".to_owned(),
            ..runtime.stamps.clone()
        };
    }
}

/// Returns the references by which a manifest may name an image of the catalog.
fn references(image: &CatalogEntity) -> Vec<String> {
    let text = |name: &str| image.properties.get(name).and_then(Value::as_str);
    let Some(registry) = text("registryId") else {
        return Vec::new();
    };
    let tags = image.properties.get("tags").and_then(Value::as_array);
    let tags = tags.into_iter().flatten().filter_map(Value::as_str);
    let tagged = tags.map(|tag| format!("{registry}:{tag}"));
    let digest = text("digest").map(|digest| format!("@{digest}"));
    tagged.chain(digest).collect()
}

/// Returns true if the text holds the whole reference, not only the beginning of a longer one.
fn holds(text: &str, reference: &str) -> bool {
    text.match_indices(reference).any(|(at, _)| {
        let next = text[at + reference.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '.' | '-' | '_'))
    })
}

impl ForeignRequest {
    fn happen(&self, world: &mut World) {
        let Some(token) = world.token(self.service) else {
            return;
        };
        let body = if self.body.is_null() {
            Vec::new()
        } else {
            self.body.to_string().into_bytes()
        };
        let request = http::Request::builder()
            .method(self.method.as_str())
            .uri(&self.path)
            .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::USER_AGENT, "somebody-else")
            .body(body);
        if let Ok(request) = request {
            world.serve(self.service, &request);
        }
    }
}

impl World {
    /// Makes an event happen now.
    pub fn happen(&mut self, event: &WorldEvent) {
        event.happen(self);
    }

    /// Returns a token for a request of somebody else.
    fn token(&mut self, service: ServiceName) -> Option<String> {
        match service {
            ServiceName::Port => self.port.token_of_first(self.now),
            ServiceName::GitHub => Some(self.github_token.as_ref()?.text().to_owned()),
            // Nobody writes to a registry here, and nobody else's reads matter.
            ServiceName::Registry => None,
        }
    }
}
