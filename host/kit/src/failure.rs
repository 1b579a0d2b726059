//! The failures of the contract by name.

use promote_core::contract::Failure;

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
