//! Panics between its pull request and the merge.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        let pull = steps::propose_image()?;
        panic!("out of cheese after #{}", pull.number);
    }
}
