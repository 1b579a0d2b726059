//! What a run may put on a branch if a plan was approved for it.
//!
//! The digest of the plan is in the commit, so that whoever goes on with the run knows which proposal was approved.

/// The line of a commit that names the plan which it was approved by.
pub(super) const PLAN_TRAILER: &str = "Promotion-Plan";

/// How a run is bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum PlanBond {
    /// By nothing: it may put its own proposal in the place of any of ours.
    #[default]
    Free,
    /// It makes what this plan says.
    Makes(String),
    /// It goes on with what an earlier attempt proposed: by this plan, if the run was bound to one. What a plan brought is never
    /// written again.
    GoesOn(Option<String>),
}

/// What the commits of a branch that hold the proposed change are to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BondVerdict {
    /// What it may go on with.
    Fits,
    /// What it may replace by its own.
    Replace,
    /// Neither: why.
    Unplanned(String),
}

impl PlanBond {
    /// Returns the plan whose proposal must be there already.
    pub(super) fn kept(&self) -> Option<&str> {
        match self {
            Self::GoesOn(plan) => plan.as_deref(),
            Self::Free | Self::Makes(_) => None,
        }
    }

    /// Returns the lines of a new commit that say what it belongs to.
    pub(super) fn trailers(&self, branch: String) -> String {
        match self {
            Self::Makes(plan) => format!("{branch}\n{PLAN_TRAILER}: {plan}"),
            Self::Free | Self::GoesOn(_) => branch,
        }
    }

    /// Judges commits of ours, or of others, on a branch; whether they make exactly the proposed change.
    pub(super) fn judge(&self, found: &BranchCommits, head: &str, base: &str) -> BondVerdict {
        let plan = found.plan.as_deref();
        let is_current = found.are_ours && found.is_same;
        let fallback = if is_current {
            BondVerdict::Fits
        } else {
            BondVerdict::Replace
        };
        match self {
            Self::Free => fallback,
            Self::Makes(own) if plan == Some(own) => fallback,
            Self::Makes(_) => BondVerdict::Replace,
            Self::GoesOn(None) if plan.is_none() => fallback,
            Self::GoesOn(own) => {
                let expected = own.as_deref().or(plan).unwrap_or_default();
                if plan != Some(expected) || !found.are_ours {
                    let named = plan
                        .map_or_else(|| "no plan".to_owned(), |it| format!("plan {}", short(it)));
                    BondVerdict::Unplanned(format!(
                        "branch {head} is not what plan {} was approved for: its commit names {named}; close its pull request, and start and plan anew",
                        short(expected)
                    ))
                } else if found.is_same {
                    BondVerdict::Fits
                } else {
                    BondVerdict::Unplanned(format!(
                        "{base} has changed since plan {} was approved, and branch {head} does not fit any more: close its pull request, and start and plan anew",
                        short(expected)
                    ))
                }
            }
        }
    }
}

/// The commits of a branch, as far as a plan is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BranchCommits {
    /// Whether all of them are ours.
    pub(super) are_ours: bool,
    /// Whether they make exactly the proposed change.
    pub(super) is_same: bool,
    /// The plan that they name.
    pub(super) plan: Option<String>,
}

/// The beginning of a digest, for people.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_brought_is_gone_on_with_or_left_alone() {
        let commits = |are_ours, is_same, plan: Option<&str>| BranchCommits {
            are_ours,
            is_same,
            plan: plan.map(str::to_owned),
        };
        let makes = PlanBond::Makes("aaa".to_owned());
        let bound = PlanBond::GoesOn(Some("aaa".to_owned()));
        let unbound = PlanBond::GoesOn(None);
        let own = Some("aaa");
        let table = [
            (&PlanBond::Free, commits(true, true, None), "fits"),
            (&PlanBond::Free, commits(true, true, own), "fits"),
            (&PlanBond::Free, commits(true, false, own), "replace"),
            (&makes, commits(true, true, own), "fits"),
            (&makes, commits(true, false, own), "replace"),
            (&makes, commits(true, true, Some("bbb")), "replace"),
            (&makes, commits(true, true, None), "replace"),
            (&bound, commits(true, true, own), "fits"),
            (
                &bound,
                commits(true, false, own),
                "main has changed since plan aaa",
            ),
            (
                &bound,
                commits(true, true, Some("bbb")),
                "its commit names plan bbb",
            ),
            (
                &bound,
                commits(true, true, None),
                "its commit names no plan",
            ),
            (&bound, commits(false, true, own), "not what plan aaa"),
            (&unbound, commits(true, true, None), "fits"),
            (&unbound, commits(true, false, None), "replace"),
            (&unbound, commits(false, true, None), "replace"),
            (&unbound, commits(true, true, own), "fits"),
            (
                &unbound,
                commits(true, false, own),
                "main has changed since plan aaa",
            ),
        ];
        for (bond, commits, expected) in table {
            let told = match bond.judge(&commits, "promote/web", "main") {
                BondVerdict::Fits => "fits".to_owned(),
                BondVerdict::Replace => "replace".to_owned(),
                BondVerdict::Unplanned(why) => why,
            };
            assert!(told.contains(expected), "{bond:?} {commits:?}: {told}");
        }
    }
}
