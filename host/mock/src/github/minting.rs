//! Tokens of installations: minted narrower than the installation at will, wider never (GitHub REST, Apps).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::apps::{AppInstallation, caller, permissions_shape};
use super::call::GitHubCall;
use super::identity::{
    GitHubToken, PermissionLevel, PermissionTable, RepositoryAccess, RequestCaller, TokenKind,
};
use super::repository_shape;
use super::shapes::with;

/// The lifetime of a minted token.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let app = caller(github, call)?;
    let id = call.number("installation")?;
    let found = app
        .installations
        .iter()
        .find(|installation| installation.id == id);
    let installation = found.ok_or_else(GitHubAnswer::not_found)?.clone();
    let app_id = app.id;
    let login = format!("{}[bot]", app.slug);
    if installation.suspended {
        return Err(GitHubAnswer::error(
            403,
            "This installation has been suspended",
        ));
    }
    let access = narrowed_access(github, call, &installation)?;
    let permissions = narrowed_permissions(call, &installation)?;
    let long = call.header("x-github-stateless-s2s-token") == "enabled";
    let text = token_text(app_id, github.new_id(), call.now, long);
    let expires_at = call
        .now
        .checked_add(TOKEN_LIFETIME)
        .unwrap_or(Timestamp::MAX);
    let mut body = json!({
        "token": text,
        "expires_at": expires_at.to_string(),
        "permissions": permissions_shape(&permissions),
        "repository_selection": if access == RepositoryAccess::All { "all" } else { "selected" },
    });
    // The repositories are told only to a caller that has named some.
    if call.body.contains_key("repositories") || call.body.contains_key("repository_ids") {
        body["repositories"] = github
            .repositories
            .iter()
            .filter(|repository| access.reaches(repository.id))
            .map(|repository| repository_shape::repository(&call.urls, repository, call.newest))
            .collect();
    }
    let kind = TokenKind::Installation { id };
    github.tokens.insert(
        text,
        GitHubToken {
            kind,
            login,
            access,
            permissions,
            expires_at: Some(expires_at),
        },
    );
    Ok(GitHubAnswer::json(201, body))
}

/// The repositories asked for, by name or number; without either, all of the installation.
fn narrowed_access(
    github: &GitHub,
    call: &GitHubCall<'_>,
    installation: &AppInstallation,
) -> Result<RepositoryAccess, GitHubAnswer> {
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
            RepositoryAccess::All
                if github
                    .repositories
                    .iter()
                    .all(|repository| installation.reaches(repository)) =>
            {
                RepositoryAccess::All
            }
            _ => RepositoryAccess::Only(mine().map(|repository| repository.id).collect()),
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
        .map(RepositoryAccess::Only)
        .ok_or_else(|| GitHubAnswer::error(422, message))
}

/// The permissions asked for, none of them wider than the installation's.
fn narrowed_permissions(
    call: &GitHubCall<'_>,
    installation: &AppInstallation,
) -> Result<PermissionTable, GitHubAnswer> {
    let asked = match call.body.get("permissions") {
        None | Some(Value::Null) => return Ok(installation.permissions.clone()),
        Some(asked) => asked.as_object(),
    };
    // A misspelt name is answered like one that was not granted.
    let refused = || {
        GitHubAnswer::error(
            422,
            "The permissions requested are not granted to this installation.",
        )
    };
    let mut narrowed = PermissionTable::new();
    for (name, level) in asked.ok_or_else(refused)? {
        let level = level
            .as_str()
            .and_then(PermissionLevel::parse)
            .ok_or_else(refused)?;
        let granted = installation.permissions.get(name).copied() >= Some(level);
        let metadata = name == "metadata" && level == PermissionLevel::Read;
        if !granted && !metadata {
            return Err(refused());
        }
        narrowed.insert(name.clone(), level);
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

pub(super) fn revoke(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    match &call.caller {
        RequestCaller::Token { text, token }
            if matches!(
                token.kind,
                TokenKind::Installation { .. } | TokenKind::Actions
            ) =>
        {
            github.tokens.revoke(text.text());
            GitHubAnswer::nothing()
        }
        _ => Err(GitHubAnswer::error(
            403,
            "Resource not accessible by personal access token",
        )),
    }
}

/// The repositories that a minted token reaches.
pub(super) fn repositories(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let token = call
        .caller
        .token()
        .filter(|token| matches!(token.kind, TokenKind::Installation { .. }));
    let message = "You must authenticate with an installation access token in order to list repositories for an installation.";
    let access = token
        .map(|token| &token.access)
        .ok_or_else(|| GitHubAnswer::error(403, message))?;
    let reached = github
        .repositories
        .iter()
        .filter(|repository| access.reaches(repository.id));
    let rights =
        json!({"admin": false, "maintain": false, "push": false, "triage": false, "pull": false});
    let shapes: Vec<Value> = reached
        .map(|repository| {
            let shape = repository_shape::repository(&call.urls, repository, call.newest);
            with(shape, json!({"permissions": rights}))
        })
        .collect();
    let selection = if *access == RepositoryAccess::All {
        "all"
    } else {
        "selected"
    };
    GitHubAnswer::ok(
        json!({"total_count": shapes.len(), "repository_selection": selection, "repositories": shapes}),
    )
}
