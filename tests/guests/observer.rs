//! Notes a line and refuses: the least that a policy can do.

use contract::promote::policy::run_log::{self, Severity};
use contract::{Failure, Outcome, Policy, Promotion, Reason, ReasonCure, Request, StopPoint};

promote_guests::guest!(world: "observe");

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let subject = request.subject.key.identifier;
        run_log::note(Severity::Info, &format!("looked at {subject}"));
        Ok(Outcome::Refused(vec![Reason {
            rule: "observer".to_owned(),
            message: format!("{subject} was only looked at"),
            stops: StopPoint::Propose,
            cure: ReasonCure::Nothing,
        }]))
    }
}
