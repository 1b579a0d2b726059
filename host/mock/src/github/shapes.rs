//! The JSON form of users, labels and commits, with every field that GitHub's schemas require.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::state::{IssueLabel, RepositoryState};
use crate::git::{CommitObject, CommitSignature, ObjectId};
use promote_core::service::transport::HttpRequest;

/// Where links point: the API as the client reached it, and the pages for people.
#[derive(Clone, Debug)]
pub(super) struct UrlBase {
    pub(super) api: String,
    pub(super) html: String,
}

impl UrlBase {
    /// An absolute URI says where the client thinks it is; else the host header does.
    pub(super) fn of(github: &GitHub, request: &HttpRequest) -> Self {
        let uri = request.uri();
        let host = request.headers().get(http::header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let authority = uri.authority().map(|authority| authority.as_str());
        let authority = authority.or(host).unwrap_or("api.github.com");
        let scheme = uri.scheme_str().unwrap_or("http");
        Self {
            api: format!("{scheme}://{authority}{}", github.api_base),
            html: github.html_base.clone(),
        }
    }

    /// The API's address of a repository.
    pub(super) fn repository(&self, repository: &RepositoryState) -> String {
        format!(
            "{}/repos/{}/{}",
            self.api, repository.owner, repository.name
        )
    }

    /// The address of something that is kept apart from the API.
    pub(super) fn stored(&self, place: &str) -> String {
        format!("{}/stored/{place}", self.api)
    }

    /// The page of a repository.
    pub(super) fn page(&self, repository: &RepositoryState) -> String {
        format!("{}/{}/{}", self.html, repository.owner, repository.name)
    }

    /// A user, as others see one.
    pub(super) fn user(&self, login: &str) -> Value {
        let kind = if login.ends_with("[bot]") {
            "Bot"
        } else {
            "User"
        };
        self.account(login, kind)
    }

    /// A user or an organisation.
    pub(super) fn account(&self, login: &str, kind: &str) -> Value {
        let id = user_id(login);
        let url = format!("{}/users/{login}", self.api);
        json!({
            "login": login,
            "id": id,
            "node_id": node_id("U", id),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{}/{login}", self.html),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": kind,
            "user_view_type": "public",
            "site_admin": false,
        })
    }

    pub(super) fn label(&self, repository: &RepositoryState, label: &IssueLabel) -> Value {
        json!({
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": format!("{}/labels/{}", self.repository(repository), super::call::encode(&label.name)),
            "name": label.name,
            "description": label.description,
            "color": label.color,
            "default": false,
        })
    }

    /// A commit as the `git/commits` calls show it.
    pub(super) fn git_commit(
        &self,
        repository: &RepositoryState,
        id: ObjectId,
        commit: &CommitObject,
    ) -> Value {
        let api = self.repository(repository);
        let page = self.page(repository);
        let parents = commit.parents.iter().map(|parent| {
            json!({
                "sha": parent.to_string(),
                "url": format!("{api}/git/commits/{parent}"),
                "html_url": format!("{page}/commit/{parent}"),
            })
        });
        json!({
            "sha": id.to_string(),
            "node_id": node_id("C", id),
            "url": format!("{api}/git/commits/{id}"),
            "html_url": format!("{page}/commit/{id}"),
            "author": signature(&commit.author),
            "committer": signature(&commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree.to_string(), "url": format!("{api}/git/trees/{}", commit.tree)},
            "parents": parents.collect::<Vec<_>>(),
            "verification": verification(repository, id),
        })
    }

    /// A commit as most other calls show it.
    pub(super) fn commit(
        &self,
        repository: &RepositoryState,
        id: ObjectId,
        commit: &CommitObject,
    ) -> Value {
        let api = self.repository(repository);
        let page = self.page(repository);
        let parents = commit.parents.iter().map(|parent| {
            json!({
                "sha": parent.to_string(),
                "url": format!("{api}/commits/{parent}"),
                "html_url": format!("{page}/commit/{parent}"),
            })
        });
        json!({
            "sha": id.to_string(),
            "node_id": node_id("C", id),
            "url": format!("{api}/commits/{id}"),
            "html_url": format!("{page}/commit/{id}"),
            "comments_url": format!("{api}/commits/{id}/comments"),
            "commit": {
                "url": format!("{api}/git/commits/{id}"),
                "author": signature(&commit.author),
                "committer": signature(&commit.committer),
                "message": commit.message,
                "tree": {"sha": commit.tree.to_string(), "url": format!("{api}/git/trees/{}", commit.tree)},
                "comment_count": 0,
                "verification": verification(repository, id),
            },
            "author": self.known(&commit.author),
            "committer": self.known(&commit.committer),
            "parents": parents.collect::<Vec<_>>(),
        })
    }

    /// The account behind an address, if GitHub gave that address out.
    fn known(&self, who: &CommitSignature) -> Value {
        let login = who.email.strip_suffix("@users.noreply.github.com");
        let login = login.and_then(|login| login.split_once('+'));
        match login {
            Some((_, login)) => self.user(login),
            None if who.email == "noreply@github.com" => self.user("web-flow"),
            None => Value::Null,
        }
    }
}

fn signature(who: &CommitSignature) -> Value {
    json!({"name": who.name, "email": who.email, "date": who.time.to_string()})
}

fn verification(repository: &RepositoryState, id: ObjectId) -> Value {
    if repository.verified.contains(&id) {
        let signature =
            "-----BEGIN PGP SIGNATURE-----\n\n(of the mock)\n-----END PGP SIGNATURE-----";
        let commit = repository.git.commit(id);
        let payload = commit.map(|commit| format!("tree {}\n", commit.tree));
        let at = commit.map(|commit| commit.committer.time.to_string());
        return json!({"verified": true, "reason": "valid", "signature": signature, "payload": payload, "verified_at": at});
    }
    json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null})
}

/// An id that is the same in every run for the same login.
pub(super) fn user_id(login: &str) -> u64 {
    let hash = login
        .bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte: u8| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash % 90_000_000 + 1_000_000
}

/// The address that GitHub gives out for an account.
pub(super) fn address(login: &str) -> String {
    format!("{}+{login}@users.noreply.github.com", user_id(login))
}

/// The signature of an account.
pub(super) fn signed(login: &str, now: Timestamp) -> CommitSignature {
    CommitSignature::new(login, &address(login), now)
}

/// An id for GraphQL: opaque, as GitHub's are.
pub(super) fn node_id(kind: &str, id: impl std::fmt::Display) -> String {
    let encoded = BASE64_STANDARD.encode(format!("{kind}:{id}"));
    format!("{kind}_{}", encoded.trim_end_matches('='))
}

/// Adds the fields of one object to another.
pub(super) fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

/// Takes fields away that the newest version of the API does not have.
pub(super) fn without(value: &mut Value, names: &[&str]) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}
