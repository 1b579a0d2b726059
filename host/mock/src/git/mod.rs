//! Git itself, in memory: objects under their true ids, history, differences and merges.
//!
//! Owns no names: branches live in the [`github`](super::github) half, which only moves ids around. Every id is the
//! one that `git` computes for the same content, so that a commit made here can be compared with one made anywhere.

mod diff;
mod history;
mod merge;
mod object;
mod store;
#[cfg(test)]
mod tests;

pub use diff::{LineDiff, PathChange};
pub use object::{
    CommitObject, CommitSignature, FileMode, GitObject, ObjectId, ObjectIdError, PathEntry,
    TreeObject,
};
pub use store::{ObjectStore, TreeEdits, TreeError};
