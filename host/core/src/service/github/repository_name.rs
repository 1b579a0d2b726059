//! The name of a repository, as grants, settings and calls give it.

use std::fmt;

use super::rejected;
use crate::service::http::CallResult;

/// The name of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryName {
    pub(super) owner: String,
    pub(super) name: String,
}

impl RepositoryName {
    /// Reads `owner/name`.
    ///
    /// Fails with `rejected` for anything else.
    pub fn parse(text: &str) -> CallResult<Self> {
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => rejected(format!("{text:?} is not a repository: write owner/name")),
        }
    }

    /// Returns whether both have the same owner, and so may have one installation.
    pub fn is_of_owner_of(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner)
    }
}

/// Returns whether a text can be the name of an owner or of a repository.
fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Its path in the API.
impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/repos/{}/{}", self.owner, self.name)
    }
}
