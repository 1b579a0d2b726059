//! The failures of the contract by name.

use promote_core::contract::Failure;
use promote_core::service::http::ServiceError;

/// What a service said to a command that has no run: the command was right, so this is no wrong usage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServiceFailure(pub(crate) String);

impl ServiceFailure {
    /// Whether a service is the cause of an error.
    pub fn caused(error: &anyhow::Error) -> bool {
        error
            .chain()
            .any(|cause| cause.is::<Self>() || cause.is::<ServiceError>())
    }
}

/// Makes a failure of its text.
pub(crate) type MakeFailure = fn(String) -> Failure;

/// Every failure by its name in the contract.
pub(crate) const FAILURES: [(&str, MakeFailure); 7] = [
    ("denied", Failure::Denied),
    ("not-found", Failure::NotFound),
    ("conflict", Failure::Conflict),
    ("rejected", Failure::Rejected),
    ("rate-limited", Failure::RateLimited),
    ("unavailable", Failure::Unavailable),
    ("other", Failure::Other),
];

/// Returns the name of a failure in the contract.
pub(crate) fn failure_name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Denied(_) => "denied",
        Failure::NotFound(_) => "not-found",
        Failure::Conflict(_) => "conflict",
        Failure::Rejected(_) => "rejected",
        Failure::RateLimited(_) => "rate-limited",
        Failure::Unavailable(_) => "unavailable",
        Failure::Other(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_tables_agree() {
        for (name, make) in FAILURES {
            assert_eq!(failure_name(&make(String::new())), name);
        }
    }
}
