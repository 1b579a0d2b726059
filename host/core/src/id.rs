//! Identifiers of the things that a run is about: each kind is a type, so that none passes for another.
//!
//! ```
//! use promote_core::id::{BranchName, CommitId};
//!
//! let base = BranchName::from("main");
//! assert_eq!((base.as_str(), base.to_string().as_str()), ("main", "main"));
//! let head = CommitId::from("0123456789abcdef0123456789abcdef01234567");
//! assert_ne!(head.as_str(), base.as_str()); // `head == base` does not compile
//! ```

use std::fmt;

use crate::contract::EntityKey;

/// Declares an identifier that is a text.
macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// A repository, `owner/name`.
    RepositoryId;
    /// A branch, without `refs/heads/`.
    BranchName;
    /// A commit, 40 hexadecimal digits.
    CommitId;
    /// A blob, 40 hexadecimal digits.
    BlobId;
    /// A path in a repository, with `/`.
    FilePath;
}

/// A file on a branch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchFile {
    /// The repository.
    pub repository: RepositoryId,
    /// The branch.
    pub branch: BranchName,
    /// The path.
    pub path: FilePath,
}

impl BranchFile {
    /// Names a file on a branch.
    pub fn new(repository: &str, branch: &str, path: &str) -> Self {
        Self {
            repository: repository.into(),
            branch: branch.into(),
            path: path.into(),
        }
    }
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PullId {
    /// The repository.
    pub repository: RepositoryId,
    /// The number.
    pub number: u32,
}

impl PullId {
    /// Names a pull request.
    pub fn new(repository: &str, number: u32) -> Self {
        Self {
            repository: repository.into(),
            number,
        }
    }
}

/// An entity of Port's catalog. Identifiers are unique within a blueprint only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId {
    /// The blueprint.
    pub blueprint: String,
    /// The identifier.
    pub identifier: String,
}

impl From<&EntityKey> for EntityId {
    fn from(key: &EntityKey) -> Self {
        Self {
            blueprint: key.blueprint.clone(),
            identifier: key.identifier.clone(),
        }
    }
}
