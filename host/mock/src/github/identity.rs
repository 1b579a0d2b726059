//! Tokens, and the caller behind a request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::GitHub;
use super::answer::GitHubAnswer;
use super::state::RepositoryState;
use crate::SecretText;
use promote_core::service::transport::HttpRequest;

/// The extent of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionLevel {
    /// It may be read.
    Read,
    /// It may be read and changed.
    Write,
}

impl PermissionLevel {
    /// GitHub's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The level of this name; `admin` includes writing.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "read" => Some(Self::Read),
            "write" | "admin" => Some(Self::Write),
            _ => None,
        }
    }
}

/// Names of permissions (`contents`, `pull_requests`) and how much of each.
pub type PermissionTable = BTreeMap<String, PermissionLevel>;

/// The kind of a token, which decides the words of GitHub's refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// A user's classic token with the scope `repo`: it may do all that the user may.
    Classic,
    /// A user's fine-grained token.
    FineGrained,
    /// A token minted for an installation of an App.
    Installation {
        /// The installation.
        id: u64,
    },
    /// A workflow's own `GITHUB_TOKEN`.
    Actions,
}

/// The repositories that a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryAccess {
    /// All that there are.
    All,
    /// Those with these numbers.
    Only(BTreeSet<u64>),
}

impl RepositoryAccess {
    /// Returns true if the repository is among them.
    pub fn reaches(&self, id: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

/// A token with its owner and its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubToken {
    /// Kind.
    pub kind: TokenKind,
    /// Login that its deeds are signed with.
    pub login: String,
    /// Repositories.
    pub access: RepositoryAccess,
    /// Permissions; a classic token needs none.
    pub permissions: PermissionTable,
    /// The time at which it stops working.
    pub expires_at: Option<Timestamp>,
}

impl GitHubToken {
    /// Returns true if the token may do this much of this.
    pub fn allows(&self, permission: &str, level: PermissionLevel) -> bool {
        let held = self.permissions.get(permission).copied();
        self.kind == TokenKind::Classic || permission == "metadata" || held >= Some(level)
    }
}

/// Tokens by their text, which no `Debug` shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TokenTable(BTreeMap<String, GitHubToken>);

impl TokenTable {
    /// Adds a token.
    pub fn insert(&mut self, text: impl Into<String>, token: GitHubToken) {
        self.0.insert(text.into(), token);
    }

    /// Takes a token away, as its owner or its holder may at any time.
    pub fn revoke(&mut self, text: &str) -> Option<GitHubToken> {
        self.0.remove(text)
    }

    /// The token of this text, expired or not.
    pub fn find(&self, text: &str) -> Option<&GitHubToken> {
        self.0.get(text)
    }

    /// All tokens, without their texts.
    pub fn iter(&self) -> impl Iterator<Item = &GitHubToken> {
        self.0.values()
    }

    /// The texts themselves.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the number of tokens of each kind.
    pub(super) fn kinds(&self) -> BTreeMap<TokenKind, usize> {
        let mut kinds = BTreeMap::new();
        for token in self.0.values() {
            *kinds.entry(token.kind).or_default() += 1;
        }
        kinds
    }
}

impl fmt::Debug for TokenTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.values()).finish()
    }
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(super) enum RequestCaller {
    /// The request has no credential.
    Anonymous,
    /// The holder of a token.
    Token {
        text: SecretText,
        token: GitHubToken,
    },
    /// An App, by a signed claim; the number is its place among the apps.
    App(usize),
}

impl RequestCaller {
    pub(super) fn token(&self) -> Option<&GitHubToken> {
        match self {
            Self::Token { token, .. } => Some(token),
            _ => None,
        }
    }

    pub(super) fn login(&self) -> &str {
        self.token().map_or("ghost", |token| &token.login)
    }

    pub(super) fn reaches(&self, repository: &RepositoryState) -> bool {
        !repository.settings.private
            || self
                .token()
                .is_some_and(|token| token.access.reaches(repository.id))
    }
}

/// Reads the credential. `Bearer` and `token` are equal but for a JWT; `Basic` carries a token as the password.
pub(super) fn identify(
    github: &GitHub,
    now: Timestamp,
    request: &HttpRequest,
) -> Result<RequestCaller, GitHubAnswer> {
    let Some(header) = request.headers().get(http::header::AUTHORIZATION) else {
        return Ok(RequestCaller::Anonymous);
    };
    let refused = || GitHubAnswer::unauthorized("Bad credentials");
    let (scheme, credential) = header
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or_else(refused)?;
    let text = match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => credential.trim().to_owned(),
        "basic" => {
            let decoded = BASE64_STANDARD
                .decode(credential.trim())
                .map_err(|_| refused())?;
            let pair = String::from_utf8(decoded).map_err(|_| refused())?;
            let (user, password) = pair.split_once(':').ok_or_else(refused)?;
            if password.is_empty() { user } else { password }.to_owned()
        }
        _ => return Err(refused()),
    };
    if let Some(token) = github.tokens.find(&text) {
        if token.expires_at.is_some_and(|end| end <= now) {
            return Err(refused());
        }
        let token = token.clone();
        return Ok(RequestCaller::Token {
            text: SecretText::new(text),
            token,
        });
    }
    if super::jwt::looks_like_one(&text) && scheme.eq_ignore_ascii_case("bearer") {
        return super::jwt::verify(github, now, &text).map(RequestCaller::App);
    }
    Err(refused())
}
