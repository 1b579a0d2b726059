//! A proposal: one commit, its branch, its pull request. Run again, it finds what an earlier attempt has made.
//!
//! All of it is one request where that may be (`at_once`). In steps, the commit is made first and the branch is created at it,
//! so no half-made branch is ever seen. No author is sent, so GitHub signs the commit ("About commit signature verification").
//! A branch that is there already is judged in `takeover`: what is not provably ours is never adopted.

mod at_once;
mod authorship;
mod note;
mod opening;
mod plan_bond;
mod takeover;
mod tree;

use std::sync::PoisonError;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::contract::{FileChange, Proposal, PullFilter, PullRequest, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::read::blob_id;
use crate::service::github::{ObjectSha, Repo, conflict};
use crate::service::http::{CallResult, ServiceResult, seg, segs};
use crate::text;
use at_once::ProposedAtOnce;
use authorship::CreatedCommit;
pub(super) use authorship::{CommitIdentity, TRAILER};
pub(crate) use note::ProposalNote;
pub(crate) use plan_bond::PlanBond;
use takeover::TakenBranch;
pub use tree::TreeEntry;
use tree::{changed_entries, entry};

/// The time for which GitHub may show a branch as it was before a merge that it tells of already.
const MERGE_LAG: SignedDuration = SignedDuration::from_secs(30);

/// `Ref.repository` in the payload is read after the ref is made.
const CREATE_REF: &str =
    "mutation($repository: ID!, $ref: String!, $commit: GitObjectID!, $base: String!) {
    createRef(input: {repositoryId: $repository, name: $ref, oid: $commit})
    { ref { repository { ref(qualifiedName: $base) { target { oid } } } } } }";

/// The branch of a proposal, once its commit is there.
struct ReadyBranch {
    commit: String,
    /// Whether this run created it.
    is_new: bool,
    /// Whether it stood elsewhere before this run moved it to the commit: GitHub may show it so for a moment.
    is_moved: bool,
    open: Option<Box<WirePull>>,
    /// The head of the base branch afterwards; none if there is no such branch.
    base: Option<String>,
}

/// The base of a proposal, as far as a commit on top of it needs it.
struct CommitBase {
    /// The repository's node, if it is known.
    repository: Option<String>,
    tree: String,
    /// The entries of the files to change.
    entries: Vec<TreeEntry>,
}

/// The commit of a proposal, which has no name yet.
struct NewCommit {
    sha: String,
    /// The repository's node, if it is known.
    repository: Option<String>,
}

impl Repo<'_> {
    /// Makes the commit, the branch and the pull request, or takes over what an earlier attempt made of them.
    ///
    /// Fails with `conflict` if a file is no longer what was read, if the branch holds foreign work, or if somebody
    /// closed the pull request; with `rejected` if a file is not a regular one, or if nothing would change.
    pub(crate) async fn propose(&self, proposal: &Proposal) -> CallResult<PullRequest> {
        if self.client.bond().kept().is_some() {
            return self.propose_nothing_new(proposal).await;
        }
        let Some(repository) = self.may_propose_at_once(proposal) else {
            return self.propose_in_steps(proposal, None).await;
        };
        match self.propose_at_once(proposal, &repository).await {
            ProposedAtOnce::Whole { pull, base } => {
                let is_at_base = base.as_ref() == Some(&proposal.base_commit);
                if is_at_base || !self.holds(base.as_deref(), &proposal.changes).await? {
                    return Ok(pull);
                }
                self.withdraw(pull.number).await?;
                self.end_late(proposal, true).await
            }
            ProposedAtOnce::Branch(branch) => self.open_unless_late(proposal, branch).await,
            ProposedAtOnce::Unclear { opened } => self.propose_in_steps(proposal, opened).await,
        }
    }

    /// Takes over what a plan brought, for a run that is bound to it: a branch that is not there is not made.
    async fn propose_nothing_new(&self, proposal: &Proposal) -> CallResult<PullRequest> {
        let created = self.make_commit(proposal).await?;
        match self.take_over(proposal, created.sha, None).await? {
            TakenBranch::Ready(branch) => self.open_unless_late(proposal, branch).await,
            TakenBranch::Merged(pull) => Ok(pull.into_contract()),
        }
    }

    /// Makes each of it by itself, perhaps after a try at once that has `opened` a pull request.
    async fn propose_in_steps(
        &self,
        proposal: &Proposal,
        opened: Option<u32>,
    ) -> CallResult<PullRequest> {
        let created = self.make_commit(proposal).await?;
        let branch = match self.branch_off(proposal, &created).await {
            Ok(base) => ReadyBranch {
                commit: created.sha,
                is_new: true,
                is_moved: false,
                open: None,
                base,
            },
            Err(error) if error.says(422, "already exists") => {
                match self.take_over(proposal, created.sha, opened).await? {
                    TakenBranch::Ready(branch) => branch,
                    TakenBranch::Merged(pull) => return Ok(pull.into_contract()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.open_unless_late(proposal, branch).await
    }

    /// Opens the pull request of a branch, unless the base branch has come to hold its change.
    async fn open_unless_late(
        &self,
        proposal: &Proposal,
        branch: ReadyBranch,
    ) -> CallResult<PullRequest> {
        let is_at_base = branch.base.as_ref() == Some(&proposal.base_commit);
        if is_at_base
            || !self
                .holds(branch.base.as_deref(), &proposal.changes)
                .await?
        {
            return Ok(self.open(proposal, branch).await?.into_contract());
        }
        self.end_late(proposal, branch.is_new).await
    }

    /// Makes the commit of a proposal.
    async fn make_commit(&self, proposal: &Proposal) -> CallResult<NewCommit> {
        let Proposal {
            base_commit,
            changes,
            head,
            title,
            ..
        } = proposal;
        let base = match self.known_base(proposal) {
            Some(base) => base,
            None => {
                let (tree, entries) = tokio::try_join!(
                    self.tree_of(base_commit),
                    self.entries(base_commit, changes)
                )?;
                CommitBase {
                    repository: None,
                    tree,
                    entries,
                }
            }
        };
        let changed = changed_entries(proposal, &base.entries)?;
        let tree = json!({ "base_tree": base.tree, "tree": changed });
        let tree: ObjectSha = self.post("/git/trees", tree).await?;
        let trailers = self.client.bond().trailers(format!("{TRAILER}: {head}"));
        let message = format!("{}\n\n{trailers}\n", text::title(title));
        let commit = json!({ "message": message, "tree": tree.sha, "parents": [base_commit] });
        // Sent twice, it makes two commits, and only one of them ever gets a name.
        let created: CreatedCommit = self.post("/git/commits", commit).await?;
        self.note_identity(&created);
        Ok(NewCommit {
            sha: created.sha,
            repository: base.repository,
        })
    }

    async fn tree_of(&self, commit: &str) -> ServiceResult<String> {
        #[derive(serde::Deserialize)]
        struct CommitTree {
            tree: ObjectSha,
        }
        let commit: CommitTree = self.get(format!("/git/commits/{}", seg(commit))).await?;
        Ok(commit.tree.sha)
    }

    /// Ends a proposal that came late: the base branch holds the change already.
    async fn end_late(&self, proposal: &Proposal, is_new: bool) -> CallResult<PullRequest> {
        let Proposal { head, base, .. } = proposal;
        if is_new {
            self.delete_branch(head).await?;
        }
        let newest = self
            .find(head, base, PullFilter::Any)
            .await?
            .into_iter()
            .next();
        match newest {
            Some(pull) if pull.state() == PullState::Merged => Ok(pull.into_contract()),
            _ => conflict(format!(
                "{base} has come to hold the same change: run again"
            )),
        }
    }

    /// Creates the branch at a commit, and tells where the base branch stands after that. As long as the branch is there,
    /// nobody else merges the same promotion; what was merged before, the base holds by now, whatever this run has read.
    async fn branch_off(
        &self,
        proposal: &Proposal,
        commit: &NewCommit,
    ) -> ServiceResult<Option<String>> {
        let Proposal { head, base, .. } = proposal;
        let branch = format!("refs/heads/{head}");
        if let Some(repository) = &commit.repository {
            let variables = json!({
                "repository": repository, "ref": branch, "commit": commit.sha,
                "base": format!("refs/heads/{base}"),
            });
            let answer = self.graphql(CREATE_REF, &variables).await;
            let answer = answer.unwrap_or_default();
            let made = &answer["data"]["createRef"]["ref"]["repository"]["ref"]["target"]["oid"];
            if let Some(now) = made.as_str() {
                return Ok(Some(now.to_owned()));
            }
            // Why not, REST tells in words that are known, also if the answer was lost.
        }
        self.post::<Value>("/git/refs", json!({ "ref": branch, "sha": commit.sha }))
            .await?;
        // One of that name may have been merged and deleted a moment ago.
        let ended = self.find(head, base, PullFilter::Ended).await?;
        self.base_since(proposal, ended.first()).await
    }

    /// Reads the head of the base branch after a pull request has ended. Right after a merge, what this run has read is taken
    /// for what GitHub showed before, and is looked at again.
    async fn base_since(
        &self,
        proposal: &Proposal,
        ended: Option<&WirePull>,
    ) -> ServiceResult<Option<String>> {
        let merged = ended.and_then(|pull| pull.merged_at.as_ref()?.parse::<Timestamp>().ok());
        self.session()
            .poll(
                || self.branch(&proposal.base),
                |head| {
                    let age = merged.map(|at| self.session().now().duration_since(at));
                    head.as_ref() != Some(&proposal.base_commit)
                        || age.is_none_or(|age| age > MERGE_LAG)
                },
            )
            .await
    }

    /// The base of a proposal for one file, if it was noted when the file was read.
    fn known_base(&self, proposal: &Proposal) -> Option<CommitBase> {
        let base = self
            .client
            .base
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let [change] = proposal.changes.as_slice() else {
            return None;
        };
        base.fits(proposal, change).then(|| CommitBase {
            repository: Some(base.id),
            tree: base.tree,
            entries: vec![base.file],
        })
    }

    /// Deletes a branch; one that does not exist is a success.
    pub(crate) async fn delete_branch(&self, branch: &str) -> CallResult<()> {
        let target = format!("/git/refs/heads/{}", segs(branch));
        match self.write(Method::DELETE, target, Value::Null).await {
            Err(error) if error.says(422, "does not exist") => Ok(()),
            other => Ok(other?),
        }
    }

    /// Returns whether a commit, if there is one, holds every changed file as proposed.
    async fn holds(&self, commit: Option<&str>, changes: &[FileChange]) -> ServiceResult<bool> {
        let Some(commit) = commit else {
            return Ok(false);
        };
        let entries = self.entries(commit, changes).await?;
        Ok(changes.iter().all(|change| {
            entry(&entries, &change.path)
                .is_some_and(|entry| entry.sha == blob_id(change.content.as_bytes()))
        }))
    }
}
