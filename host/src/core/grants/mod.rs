//! What the operator allows: pure values over operation and target.
//!
//! Nothing is allowed that no grant names. Grants are read once, resolved against the request once, and asked at one
//! place, the gate. They hold no credentials and make no calls.

mod operation;
mod resolve;
mod rule;

pub use operation::{In, Operation, Target};
pub use resolve::Resolved;
pub use rule::{After, Changes, Grant};

use serde::Deserialize;

/// The grants of one configuration; empty by default, which denies every call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// Checks that every grant makes sense on its own.
    ///
    /// # Errors
    /// Names the grant (from 1) and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        for (index, grant) in self.0.iter().enumerate() {
            grant.check().map_err(|what| format!("grant {}: {what}", index + 1))?;
        }
        Ok(())
    }

    /// Whether a grant depends on more of the subject than its identifier, so that the host must read it from Port.
    pub fn need_subject(&self) -> bool {
        self.0.iter().flat_map(Grant::templates).any(|template| template.uses("service"))
    }

    /// The repositories that are named, sorted.
    pub fn repositories(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.iter().flat_map(|grant| grant.repository.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether an operation is granted on anything at all.
    pub fn mention(&self, operation: Operation) -> bool {
        self.0.iter().any(|grant| grant.covers(operation))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
