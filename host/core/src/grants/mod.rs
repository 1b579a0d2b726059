//! What the operator allows: pure values over operation and target.
//!
//! Nothing is allowed that no grant names. Grants are read once, resolved against the request once, and asked at one
//! place, the gate. They hold no credentials and make no calls.

pub(crate) mod denial;
mod grant;
mod operation;
mod parse;
mod resolve;

pub use grant::{ChangeScope, Grant};
pub use operation::{Operation, RepositoryTarget, Target};
pub use promote_template::Template;
pub use resolve::{Permission, Resolved};

/// The grants of one configuration; empty by default, which denies every call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(pub Vec<Grant>);

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
