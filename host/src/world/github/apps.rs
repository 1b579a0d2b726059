//! GitHub Apps, where they are installed, and the tokens they mint (GitHub REST, Apps).

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::GitHub;
use super::answer::{Answer, Reply};
use super::call::Call;
use super::identity::{Access, Caller, Level, Permissions, Token, TokenKind};
use super::shapes::{self, node_id, user_id};
use super::state::Repository;

/// How long a minted token lives.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// A GitHub App.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
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
    pub installations: Vec<Installation>,
}

impl fmt::Debug for App {
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
pub struct Installation {
    /// Id.
    pub id: u64,
    /// Login of the account.
    pub account: String,
    /// Repositories that it was given.
    pub access: Access,
    /// Permissions that it was given.
    pub permissions: Permissions,
    /// Whether the account has suspended it.
    pub suspended: bool,
}

impl Installation {
    fn reaches(&self, repository: &Repository) -> bool {
        repository.owner.eq_ignore_ascii_case(&self.account) && self.access.reaches(repository.id)
    }
}

fn permissions_shape(permissions: &Permissions) -> Value {
    let named = permissions
        .iter()
        .map(|(name, level)| (name.clone(), level.name().into()));
    let metadata = ("metadata".to_owned(), "read".into());
    Value::Object(named.chain([metadata]).collect())
}

/// The App that calls; the route table lets nobody else through.
fn caller<'g>(github: &'g GitHub, call: &Call<'_>) -> Result<&'g App, Answer> {
    match call.caller {
        Caller::App(place) => Ok(&github.apps[place]),
        _ => Err(Answer::unauthorized(
            "A JSON web token could not be decoded",
        )),
    }
}

pub(super) fn authenticated(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let app = caller(github, call)?;
    let held = app
        .installations
        .first()
        .map(|first| permissions_shape(&first.permissions));
    Answer::ok(json!({
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

pub(super) fn repository_installation(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let (app, repository) = (caller(github, call)?, call.repository(github));
    let mut installations = app.installations.iter();
    let found = installations.find(|installation| installation.reaches(repository));
    let found = found.ok_or_else(Answer::not_found)?;
    let suspended = found.suspended.then(|| call.urls.user("dana"));
    Answer::ok(json!({
        "id": found.id,
        "client_id": app.client_id,
        "account": call.urls.account(&found.account, "Organization"),
        "repository_selection": if found.access == Access::All { "all" } else { "selected" },
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
    }))
}

pub(super) fn create_token(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let (app, id) = (caller(github, call)?, call.number("installation")?);
    let found = app
        .installations
        .iter()
        .find(|installation| installation.id == id);
    let installation = found.ok_or_else(Answer::not_found)?.clone();
    let (app_id, login) = (app.id, format!("{}[bot]", app.slug));
    if installation.suspended {
        return Err(Answer::error(403, "This installation has been suspended"));
    }
    let access = narrowed_access(github, call, &installation)?;
    let permissions = narrowed_permissions(call, &installation)?;
    let long = call.header("x-github-stateless-s2s-token") == "enabled";
    let text = token_text(app_id, github.new_id(), call.now, long);
    let expires_at = call.now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
    let mut body = json!({
        "token": text,
        "expires_at": expires_at.to_string(),
        "permissions": permissions_shape(&permissions),
        "repository_selection": if access == Access::All { "all" } else { "selected" },
    });
    if let Access::Only(_) = access {
        let reached = github
            .repositories
            .iter()
            .filter(|repository| access.reaches(repository.id));
        let shapes =
            reached.map(|repository| shapes::repository(&call.urls, repository, call.newest));
        body["repositories"] = shapes.collect();
    }
    let kind = TokenKind::Installation { id };
    github.tokens.insert(
        text,
        Token {
            kind,
            login,
            access,
            permissions,
            expires_at: Some(expires_at),
        },
    );
    Ok(Answer::json(201, body))
}

/// The repositories asked for, by name or number; without either, all of the installation.
fn narrowed_access(
    github: &GitHub,
    call: &Call<'_>,
    installation: &Installation,
) -> Result<Access, Answer> {
    let names = call.texts("repositories")?.unwrap_or_default();
    let numbers = call.body.get("repository_ids").and_then(Value::as_array);
    let numbers: BTreeSet<u64> = numbers
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    let mine = || {
        github
            .repositories
            .iter()
            .filter(|repository| installation.reaches(repository))
    };
    if names.is_empty() && numbers.is_empty() {
        // Even a token for everything stays within the account.
        return Ok(match installation.access {
            Access::All
                if github
                    .repositories
                    .iter()
                    .all(|repository| installation.reaches(repository)) =>
            {
                Access::All
            }
            _ => Access::Only(mine().map(|repository| repository.id).collect()),
        });
    }
    let by_name = names
        .iter()
        .map(|name| mine().find(|repository| repository.name.eq_ignore_ascii_case(name)));
    let by_number = numbers
        .iter()
        .map(|id| mine().find(|repository| repository.id == *id));
    let found: Option<BTreeSet<u64>> = by_name
        .chain(by_number)
        .map(|found| found.map(|repository| repository.id))
        .collect();
    let message = "There is at least one repository that does not exist or is not accessible to the parent installation.";
    found
        .map(Access::Only)
        .ok_or_else(|| Answer::error(422, message))
}

/// The permissions asked for, none of them wider than the installation's.
fn narrowed_permissions(
    call: &Call<'_>,
    installation: &Installation,
) -> Result<Permissions, Answer> {
    let asked = match call.body.get("permissions") {
        None | Some(Value::Null) => return Ok(installation.permissions.clone()),
        Some(asked) => asked.as_object(),
    };
    // A misspelt name is answered like one that was not granted.
    let refused = || {
        Answer::error(
            422,
            "The permissions requested are not granted to this installation.",
        )
    };
    let mut narrowed = Permissions::new();
    for (name, level) in asked.ok_or_else(refused)? {
        let level = level.as_str().and_then(Level::parse).ok_or_else(refused)?;
        let granted = installation.permissions.get(name).copied() >= Some(level);
        let metadata = name == "metadata" && level == Level::Read;
        match granted || metadata {
            true => narrowed.insert(name.clone(), level),
            false => return Err(refused()),
        };
    }
    Ok(narrowed)
}

/// A token: the old form of forty characters, or the form of 2026 with dots in it.
fn token_text(app: u64, id: u64, now: Timestamp, long: bool) -> String {
    let digest = |part: u32| -> String {
        let hash = Sha1::digest(format!("{app}:{id}:{now}:{part}"));
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    if long {
        let parts: String = (0..11).map(digest).collect();
        return format!(
            "ghs_{app}_eyJhbGciOiJFUzI1NiJ9.{}.{}",
            &parts[..354],
            &parts[354..]
        );
    }
    format!("ghs_{}", &digest(0)[..36])
}

pub(super) fn revoke_token(github: &mut GitHub, call: &Call<'_>) -> Reply {
    match &call.caller {
        Caller::Token { text, token }
            if matches!(
                token.kind,
                TokenKind::Installation { .. } | TokenKind::Actions
            ) =>
        {
            github.tokens.revoke(&text.0);
            Answer::nothing()
        }
        _ => Err(Answer::error(
            403,
            "Resource not accessible by personal access token",
        )),
    }
}
