//! Reads that nothing is decided on: they only become what a policy sees.
//!
//! Whatever stands here gets a [`Repo`] and no more of GitHub: outside the core that can read and not write, and it shows
//! no credential. What is evidence for a grant (files, pull requests, entities) is read in the core.

mod checks;
mod commits;

use async_trait::async_trait;

use crate::core::call::{Call, Reply};
use crate::core::contract::Failure;
use crate::core::github::Repo;
use crate::core::http::Told;
use crate::core::live::Reads;

/// Checks, branch rules, commits and comparisons.
pub struct Translated;

#[async_trait]
impl Reads for Translated {
    async fn read(&self, call: &Call, repo: Repo<'_>) -> Told<Reply> {
        Ok(match call {
            Call::GetChecks { commit, base, .. } => Reply::Checks(repo.checks(commit, base).await?),
            Call::GetBranchRules { branch, .. } => {
                Reply::BranchRules(repo.branch_rules(branch).await?)
            }
            Call::GetCommit { revision, .. } => Reply::Commit(repo.commit(revision).await?),
            Call::Compare { base, head, .. } => Reply::Comparison(repo.compare(base, head).await?),
            other => return Err(Failure::Other(format!("{other} is not read here"))),
        })
    }
}
