//! Prints more than anybody wants to read, and then refuses as if nothing had happened.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "to be heard by the test")]

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        for line in 0..10_000 {
            println!("line {line} of far too many");
            eprintln!("and one to standard error");
        }
        steps::refused("printed a lot")
    }
}
