//! GitHub Apps, and where they are installed (GitHub REST, Apps).

use std::fmt;

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::{PermissionTable, RepositoryAccess, RequestCaller};
use super::shapes::{node_id, user_id};
use super::state::RepositoryState;

/// A GitHub App.
#[derive(Clone, PartialEq, Eq)]
pub struct GitHubApp {
    /// Id.
    pub id: u64,
    /// Client id, which may stand for the id in a claim.
    pub client_id: String,
    /// Name in addresses; its deeds are signed `slug[bot]`.
    pub slug: String,
    /// Login of its owner.
    pub owner: String,
    /// RSA public key in PKCS #1 DER form; without one, any signature is good.
    pub public_key: Option<Vec<u8>>,
    /// Where it is installed.
    pub installations: Vec<AppInstallation>,
}

impl fmt::Debug for GitHubApp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = out.debug_struct("App");
        shape.field("id", &self.id).field("slug", &self.slug);
        shape
            .field("installations", &self.installations)
            .finish_non_exhaustive()
    }
}

/// An App on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppInstallation {
    /// Id.
    pub id: u64,
    /// Login of the account.
    pub account: String,
    /// Repositories that it was given.
    pub access: RepositoryAccess,
    /// Permissions that it was given.
    pub permissions: PermissionTable,
    /// True if the account has suspended it.
    pub suspended: bool,
}

impl AppInstallation {
    pub(super) fn reaches(&self, repository: &RepositoryState) -> bool {
        repository.owner.eq_ignore_ascii_case(&self.account) && self.access.reaches(repository.id)
    }
}

pub(super) fn permissions_shape(permissions: &PermissionTable) -> Value {
    let named = permissions
        .iter()
        .map(|(name, level)| (name.clone(), level.name().into()));
    let metadata = ("metadata".to_owned(), "read".into());
    Value::Object(named.chain([metadata]).collect())
}

/// The App that calls; the route table lets nobody else through.
pub(super) fn caller<'g>(
    github: &'g GitHub,
    call: &GitHubCall<'_>,
) -> Result<&'g GitHubApp, GitHubAnswer> {
    match call.caller {
        RequestCaller::App(place) => Ok(&github.apps[place]),
        _ => Err(GitHubAnswer::unauthorized(
            "A JSON web token could not be decoded",
        )),
    }
}

pub(super) fn authenticated(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let app = caller(github, call)?;
    let held = app
        .installations
        .first()
        .map(|first| permissions_shape(&first.permissions));
    GitHubAnswer::ok(json!({
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": node_id("A", app.id),
        "owner": call.urls.account(&app.owner, "Organization"),
        "name": app.slug,
        "description": "",
        "external_url": call.urls.html,
        "html_url": format!("{}/apps/{}", call.urls.html, app.slug),
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "permissions": held.unwrap_or_else(|| json!({"metadata": "read"})),
        "events": [],
        "installations_count": app.installations.len(),
    }))
}

pub(super) fn repository_installation(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let app = caller(github, call)?;
    let repository = call.repository(github);
    let mut installations = app.installations.iter();
    let found = installations.find(|installation| installation.reaches(repository));
    GitHubAnswer::ok(shape(call, app, found.ok_or_else(GitHubAnswer::not_found)?))
}

pub(super) fn installation(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let app = caller(github, call)?;
    let id = call.number("installation")?;
    let found = app
        .installations
        .iter()
        .find(|installation| installation.id == id);
    GitHubAnswer::ok(shape(call, app, found.ok_or_else(GitHubAnswer::not_found)?))
}

pub(super) fn installations(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let app = caller(github, call)?;
    GitHubAnswer::ok(
        app.installations
            .iter()
            .map(|found| shape(call, app, found))
            .collect(),
    )
}

fn shape(call: &GitHubCall<'_>, app: &GitHubApp, found: &AppInstallation) -> Value {
    let suspended = found.suspended.then(|| call.urls.user("dana"));
    json!({
        "id": found.id,
        "client_id": app.client_id,
        "account": call.urls.account(&found.account, "Organization"),
        "repository_selection": if found.access == RepositoryAccess::All { "all" } else { "selected" },
        "access_tokens_url": format!("{}/app/installations/{}/access_tokens", call.urls.api, found.id),
        "repositories_url": format!("{}/installation/repositories", call.urls.api),
        "html_url": format!("{}/organizations/{}/settings/installations/{}", call.urls.html, found.account, found.id),
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": user_id(&found.account),
        "target_type": "Organization",
        "permissions": permissions_shape(&found.permissions),
        "events": [],
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": suspended,
        "suspended_at": found.suspended.then_some("2020-01-01T00:00:00Z"),
    })
}
