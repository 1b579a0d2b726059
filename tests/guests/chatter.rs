//! Makes one call after the other without end.

use contract::promote::policy::env;
use contract::promote::policy::run_log::{self, Severity};
use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        loop {
            match steps::deed(&request) {
                "notes" => run_log::note(Severity::Info, "still here"),
                "naps" => env::sleep(3600),
                "files" => drop(steps::manifest()?),
                _ => drop(env::now()),
            }
        }
    }
}
