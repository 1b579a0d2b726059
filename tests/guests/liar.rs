//! Says that it promoted an image, and did nothing.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        steps::promoted("ghcr.io/acme/web:1.4.2")
    }
}
