//! Merges what it has not proposed in this run.

use contract::promote::policy::github_merge;
use contract::promote::policy::github_read::{self, MergeMethod};
use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let _swallowed = match steps::deed(&request) {
            // A pull request that somebody else opened, from a branch that would even be granted.
            "foreign" => {
                let pull = github_read::get_pull_request(steps::REPOSITORY, 1)?;
                steps::merge(&pull)
            }
            // Its own, but at another commit.
            "other commit" => {
                let mut pull = steps::propose_image()?;
                pull.head_commit = steps::manifest()?.commit;
                steps::merge(&pull)
            }
            // Its own number, in another repository.
            _ => {
                let pull = steps::propose_image()?;
                github_merge::merge("acme/other", pull.number, &pull.head_commit, MergeMethod::Squash)
            }
        };
        steps::promoted("ghcr.io/acme/web:1.4.2")
    }
}
