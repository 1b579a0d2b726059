//! Promotes well as long as nothing fails.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

const IMAGE: &str = "web-1.4.2";

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        match steps::deed(&request) {
            // A branch for every attempt: none finds the work of the one before.
            "forgetful" => {
                let file = steps::manifest()?;
                let content = file.content.replace("web:1.4.1", "web:1.4.2");
                let head = format!("promote/web/attempt-{}", request.workflow.attempt);
                steps::merge(&steps::propose_from(&head, &file, content)?)?;
            }
            // Whatever becomes of the merge, it tells the catalog.
            "hasty" => {
                let _swallowed = steps::merge(&steps::propose_image()?);
            }
            // Leaves people time between its proposal and its merge.
            "slow" => {
                let pull = steps::propose_image()?;
                contract::promote::policy::env::sleep(1);
                steps::merge(&pull)?;
            }
            // Every failure is the end of the world.
            _ => {
                let pull = steps::propose_image().unwrap_or_else(|failure| panic!("{failure:?}"));
                steps::merge(&pull)?;
            }
        }
        steps::look_up(IMAGE)?;
        steps::record(IMAGE)?;
        steps::promoted("ghcr.io/acme/web:1.4.2")
    }
}
