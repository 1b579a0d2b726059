//! Tells the catalog of an image that the base branch does not hold, and claims success.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let image = match steps::deed(&request) {
            // Before anything is merged.
            "early" => "web-1.4.2",
            // While the pull request is still open.
            "open" => {
                steps::propose_image()?;
                "web-1.4.2"
            }
            // After a merge, but of another image.
            "other" => {
                steps::merge(&steps::propose_image()?)?;
                "web-1.5.0"
            }
            // After the right merge, but of an image that it never looked at.
            _ => {
                steps::merge(&steps::propose_image()?)?;
                let _swallowed = steps::record("web-1.4.2");
                return steps::promoted("ghcr.io/acme/web:1.4.2");
            }
        };
        steps::look_up(image)?;
        let _swallowed = steps::record(image);
        steps::promoted("ghcr.io/acme/web:1.4.2")
    }
}
