//! Endings of a policy before its end.

use crate::types::{Failure, Outcome, Reason, ReasonCure, StopPoint, Waiting};

/// The reason why a policy goes no further. Every kind passes through `?`.
///
/// ```
/// use promote_guest::types::{Failure, Outcome};
/// use promote_guest::{Stop, reason};
///
/// let refused = Stop::refuse("lock", "service `web` is locked");
/// let reasons = vec![reason("lock", "service `web` is locked")];
/// assert_eq!(refused.outcome(), Ok(Outcome::Refused(reasons)));
///
/// let failure = Failure::Conflict("the base moved on".to_owned());
/// assert_eq!(Stop::from(failure.clone()).outcome(), Err(failure));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// It says no; every reason that holds, not just the first.
    Refused(Vec<Reason>),
    /// Something has to happen first.
    Waits(Waiting),
    /// A call failed. The run ends as failed, with the failure's text.
    Failed(Failure),
}

impl Stop {
    /// Refuses for one reason.
    pub fn refuse(rule: &str, message: impl Into<String>) -> Self {
        Self::Refused(vec![reason(rule, message)])
    }

    /// Returns what the contract calls it: a refusal and a wait are outcomes, a failure is none.
    ///
    /// # Errors
    /// [`Stop::Failed`] is one.
    pub fn outcome(self) -> Result<Outcome, Failure> {
        match self {
            Self::Refused(reasons) => Ok(Outcome::Refused(reasons)),
            Self::Waits(waiting) => Ok(Outcome::Waiting(waiting)),
            Self::Failed(failure) => Err(failure),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A reason to refuse: the rule's short stable name, and what is wrong, on what, and what to do about it. It stops the
/// proposal, and nothing is known to cure it; another reason says so:
///
/// ```
/// use promote_guest::reason;
/// use promote_guest::types::{Reason, ReasonCure};
///
/// let locked = Reason { cure: ReasonCure::People, ..reason("lock", "service `web` is locked") };
/// # assert_eq!(locked.rule, "lock");
/// ```
pub fn reason(rule: &str, message: impl Into<String>) -> Reason {
    Reason {
        rule: rule.to_owned(),
        message: message.into(),
        stops: StopPoint::Propose,
        cure: ReasonCure::Nothing,
    }
}

/// The text of a failure, for people.
pub fn explain(failure: &Failure) -> &str {
    match failure {
        Failure::Denied(text)
        | Failure::NotFound(text)
        | Failure::Conflict(text)
        | Failure::Rejected(text)
        | Failure::RateLimited(text)
        | Failure::Unavailable(text)
        | Failure::Other(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_refuse_is_an_outcome_and_to_fail_is_not() {
        let refused = Stop::refuse("lock", "service `web` is locked");
        let reasons = vec![reason("lock", "service `web` is locked")];
        assert_eq!(refused.outcome(), Ok(Outcome::Refused(reasons)));
        let failure = Failure::Conflict("the base moved on".to_owned());
        assert_eq!(explain(&failure), "the base moved on");
        assert_eq!(Stop::from(failure.clone()).outcome(), Err(failure));
    }
}
