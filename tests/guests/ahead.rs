//! Tells the catalog of an image that the base branch does not hold, and claims success.

use contract::promote::policy::github_read;
use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let image = match steps::deed(&request) {
            // Before anything is merged.
            "early" => "web-1.4.2",
            // Likewise, after a look at the manifest, or at another file.
            "read" => {
                steps::manifest()?;
                "web-1.4.2"
            }
            "read staging" => {
                let staging = "apps/web/staging/deployment.yaml";
                github_read::read_file(steps::REPOSITORY, staging, "main")?;
                "web-1.4.2"
            }
            "read branch" => {
                github_read::read_file(steps::REPOSITORY, steps::MANIFEST, "promote/web/other")?;
                "web-1.4.2"
            }
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
