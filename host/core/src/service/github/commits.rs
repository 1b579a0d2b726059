//! Commits and comparisons.

use serde::Deserialize;
use serde_json::Value;

use crate::contract::{Ancestry, Commit, Comparison};
use crate::service::github::Repo;
use crate::service::http::{CallResult, or_none, segs};

/// A commit as "Get a commit" and "Compare two commits" send it.
#[derive(Deserialize)]
struct WireCommit {
    sha: String,
    commit: Value,
    parents: Vec<ParentCommit>,
}

#[derive(Deserialize)]
struct ParentCommit {
    sha: String,
}

impl Repo<'_> {
    /// Reads a commit by branch, tag or identifier; none if there is no such commit.
    pub async fn commit(&self, revision: &str) -> CallResult<Option<Commit>> {
        match self
            .get::<WireCommit>(format!("/commits/{}", segs(revision)))
            .await
        {
            // "No commit found for SHA": what is no identifier, and no name either.
            Err(error) if error.says(422, "") => Ok(None),
            other => Ok(or_none(other)?.map(WireCommit::into_contract)),
        }
    }

    /// Returns whether a branch holds a commit, after a short wait for it: GitHub may answer with the branch as it was.
    pub(crate) async fn contains(&self, branch: &str, commit: &str) -> CallResult<bool> {
        let is_held =
            |found: &Comparison| matches!(found.status, Ancestry::Identical | Ancestry::Ahead);
        let found = self
            .session()
            .poll(|| self.compare(commit, branch), is_held)
            .await?;
        Ok(is_held(&found))
    }

    /// Compares two revisions.
    pub async fn compare(&self, base: &str, head: &str) -> CallResult<Comparison> {
        #[derive(Deserialize)]
        struct WireComparison {
            status: String,
            ahead_by: u32,
            behind_by: u32,
            commits: Vec<WireCommit>,
            html_url: String,
        }
        let target = format!("/compare/{}...{}", segs(base), segs(head));
        let WireComparison {
            status,
            ahead_by,
            behind_by,
            commits,
            html_url: url,
        } = self.get(target).await?;
        let status = match status.as_str() {
            "identical" => Ancestry::Identical,
            "ahead" => Ancestry::Ahead,
            "behind" => Ancestry::Behind,
            _ => Ancestry::Diverged,
        };
        let commits = commits.into_iter().map(WireCommit::into_contract).collect();
        Ok(Comparison {
            status,
            ahead_by,
            behind_by,
            commits,
            url,
        })
    }
}

impl WireCommit {
    fn into_contract(self) -> Commit {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Commit {
            id: self.sha,
            parents: self.parents.into_iter().map(|parent| parent.sha).collect(),
            message: text(&self.commit["message"]),
            author: text(&self.commit["author"]["name"]),
            committed_at: text(&self.commit["committer"]["date"]),
        }
    }
}
