//! A proposal: one commit, its branch, its pull request. Run again, it finds what an earlier attempt has made.
//!
//! The commit is made first and the branch is created at it, so no half-made branch is ever seen. No author is sent,
//! so GitHub signs the commit ("About commit signature verification"). A branch that is there already is one of the
//! [`BranchState`]s: what is not provably ours is never adopted.

mod authorship;
mod note;
mod tree;

use std::sync::PoisonError;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::contract::{FileChange, Mergeability, Proposal, PullFilter, PullRequest, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::read::blob_id;
use crate::service::github::{ObjectSha, Repo, conflict};
use crate::service::http::{CallResult, ServiceError, ServiceResult, seg, segs};
use crate::text;
pub(super) use authorship::CommitIdentity;
use authorship::{CreatedCommit, TRAILER};
pub(crate) use note::ProposalNote;
pub use tree::TreeEntry;
use tree::{changed_entries, entry};

/// The time that another run may take from its branch to its pull request, before it counts as dead.
const GIVE_WAY_TIME: SignedDuration = SignedDuration::from_secs(10);

/// The time for which GitHub may show a branch as it was before a merge that it tells of already.
const MERGE_LAG: SignedDuration = SignedDuration::from_secs(30);

/// `Ref.repository` in the payload is read after the ref is made.
const CREATE_REF: &str =
    "mutation($repository: ID!, $ref: String!, $commit: GitObjectID!, $base: String!) {
    createRef(input: {repositoryId: $repository, name: $ref, oid: $commit})
    { ref { repository { ref(qualifiedName: $base) { target { oid } } } } } }";

/// The branch of a proposal before this run has put anything there.
enum BranchState {
    /// There is no branch: it came and went.
    Gone,
    /// Its pull request is merged, and the base branch holds the change.
    Merged(Box<WirePull>),
    /// The same change, in commits of ours.
    Current {
        commit: String,
        open: Option<Box<WirePull>>,
    },
    /// The same change, in commits of ours that lack what the base has gained, which a strict rule demands.
    Behind { pull: Box<WirePull> },
    /// An older proposal of ours, or the same change in somebody else's commits.
    Replaceable { open: Option<Box<WirePull>> },
    /// Somebody else's work.
    Foreign { commit: String },
}

/// The branch of a proposal, once its commit is there.
struct ReadyBranch {
    commit: String,
    /// Whether this run created it.
    is_new: bool,
    open: Option<Box<WirePull>>,
    /// The head of the base branch afterwards; none if there is no such branch.
    base: Option<String>,
}

/// A branch that was there before, once this run has dealt with it.
enum TakenBranch {
    /// It holds this promotion's commit.
    Ready(ReadyBranch),
    /// Its pull request is merged.
    Merged(Box<WirePull>),
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

/// The result of one try to open a pull request.
enum OpenAttempt {
    Opened(Box<WirePull>),
    /// Another try may do it; why this one did not.
    Again(ServiceError),
}

impl Repo<'_> {
    /// Makes the commit, the branch and the pull request, or takes over what an earlier attempt made of them.
    ///
    /// Fails with `conflict` if a file is no longer what was read, if the branch holds foreign work, or if somebody
    /// closed the pull request; with `rejected` if a file is not a regular one, or if nothing would change.
    pub(crate) async fn propose(&self, proposal: &Proposal) -> CallResult<PullRequest> {
        let created = self.make_commit(proposal).await?;
        let branch = match self.branch_off(proposal, &created).await {
            Ok(base) => ReadyBranch {
                commit: created.sha,
                is_new: true,
                open: None,
                base,
            },
            Err(error) if error.says(422, "already exists") => {
                match self.take_over(proposal, created.sha).await? {
                    TakenBranch::Ready(branch) => branch,
                    TakenBranch::Merged(pull) => return Ok(pull.into_contract()),
                }
            }
            Err(error) => return Err(error.into()),
        };
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
        let message = format!("{}\n\n{TRAILER}: {head}\n", text::title(title));
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
        let fits = base.repository == proposal.repository
            && base.commit == proposal.base_commit
            && base.file.path == change.path;
        fits.then(|| CommitBase {
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

    /// Decides on a branch that was there before.
    async fn take_over(&self, proposal: &Proposal, created: String) -> CallResult<TakenBranch> {
        let Proposal { head, base, .. } = proposal;
        let (commit, open) = match self.branch_state(proposal).await? {
            BranchState::Merged(pull) => return Ok(TakenBranch::Merged(pull)),
            BranchState::Current { commit, open } => (commit, open),
            BranchState::Behind { pull } => {
                let pull = self.take_in_base(*pull).await?;
                (pull.head.sha.clone(), Some(Box::new(pull)))
            }
            BranchState::Replaceable { open } => {
                let target = format!("/git/refs/heads/{}", segs(head));
                let body = json!({ "sha": created, "force": true });
                self.write(Method::PATCH, target, body).await?;
                (created, open)
            }
            BranchState::Gone => {
                return conflict(format!("branch {head} came and went meanwhile: run again"));
            }
            BranchState::Foreign { commit } => {
                return conflict(format!(
                    "branch {head} holds commit {commit}, which is not ours: delete the branch, or promote under another name"
                ));
            }
        };
        if let Some(pull) = &open {
            self.write_words(proposal, pull).await?;
        }
        Ok(TakenBranch::Ready(ReadyBranch {
            commit,
            is_new: false,
            open,
            base: self.branch(base).await?,
        }))
    }

    /// Finds out about the branch.
    async fn branch_state(&self, proposal: &Proposal) -> CallResult<BranchState> {
        let Proposal {
            head,
            base,
            changes,
            ..
        } = proposal;
        let mut pulls = self.find(head, base, PullFilter::Any).await?;
        let open = pulls
            .iter()
            .position(|pull| pull.state() == PullState::Open)
            .map(|at| Box::new(pulls.swap_remove(at)));
        if open.is_none()
            && let Some(pull) = pulls.into_iter().next()
        {
            let number = pull.number;
            if pull.state() == PullState::Closed {
                return conflict(format!(
                    "pull request #{number} was closed by a person: reopen it, or delete its branch {head} to start over"
                ));
            }
            // It may have been undone since; only the base branch itself can tell.
            let head = self.base_since(proposal, Some(&pull)).await?;
            if self.holds(head.as_deref(), changes).await? {
                return Ok(BranchState::Merged(Box::new(pull)));
            }
        }
        let found = self
            .session()
            .poll(|| self.branch(head), Option::is_some)
            .await?;
        let Some(commit) = found else {
            return Ok(BranchState::Gone);
        };
        let comparison = self.compare_with_base(base, &commit).await?;
        let is_same = comparison.is_exactly(proposal);
        Ok(match (self.are_ours(&comparison, head), is_same) {
            (true, true) => {
                let open = match (open, comparison.newest()) {
                    (None, Some(made)) => self.give_way(proposal, made).await?.map(Box::new),
                    (open, _) => open,
                };
                match open {
                    Some(pull) if comparison.is_behind() => self.current_or_behind(*pull).await?,
                    open => BranchState::Current { commit, open },
                }
            }
            // The same change by somebody else is replaced by ours, so nothing is lost.
            (true, false) | (false, true) => BranchState::Replaceable { open },
            (false, false) => BranchState::Foreign { commit },
        })
    }

    /// Asks GitHub whether a branch that lacks commits of the base must take them in: it says so only under a strict rule, and
    /// without one an approved pull request is left as it is.
    async fn current_or_behind(&self, pull: WirePull) -> ServiceResult<BranchState> {
        let seen = self.settled(pull.number).await?;
        Ok(if seen.mergeability() == Mergeability::Behind {
            BranchState::Behind { pull: seen.into() }
        } else {
            BranchState::Current {
                commit: pull.head.sha.clone(),
                open: Some(pull.into()),
            }
        })
    }

    /// Merges the base into the branch of a pull request, and returns the pull request at its new head. Approvals stay, as
    /// far as the rules let them: the change is the same.
    async fn take_in_base(&self, pull: WirePull) -> CallResult<WirePull> {
        let old = &pull.head.sha;
        let target = format!("/pulls/{}/update-branch", pull.number);
        let body = json!({ "expected_head_sha": old });
        match self.write(Method::PUT, target, body).await {
            Err(error) if error.says(422, "no new commits") => return Ok(pull),
            // Somebody pushed, or the base conflicts by now.
            Err(error) if error.says(422, "") => return conflict(error.to_string()),
            other => other?,
        }
        let updated = self
            .session()
            .poll(|| self.pull(pull.number), |seen| seen.head.sha != *old)
            .await?;
        if updated.head.sha == *old {
            let number = pull.number;
            return conflict(format!(
                "#{number} did not take in the base in time: run again"
            ));
        }
        Ok(updated)
    }

    /// Gives a pull request the title and the body of the proposal, if it has others. One for the same image that people
    /// may have read already keeps its words, and gets this run's name into its note.
    async fn write_words(&self, proposal: &Proposal, pull: &WirePull) -> ServiceResult<()> {
        let note = pull.note();
        let is_joined = note.image.is_some() && note.image == proposal.image;
        let (title, words) = if is_joined {
            (pull.title().to_owned(), pull.words().to_owned())
        } else {
            (text::title(&proposal.title), text::body(&proposal.body))
        };
        let note = ProposalNote {
            image: proposal.image.clone(),
            runs: if is_joined { note.runs } else { Vec::new() },
            recorded: false,
        };
        let body = note.joined_by(&self.client.run).append_to(&words);
        if pull.has_words(&title, &body) {
            return Ok(());
        }
        let words = json!({ "title": title, "body": body });
        self.write(Method::PATCH, format!("/pulls/{}", pull.number), words)
            .await
    }

    /// Gives another run that made the branch a moment ago the time to open its pull request, and returns that.
    async fn give_way(
        &self,
        proposal: &Proposal,
        made: Timestamp,
    ) -> ServiceResult<Option<WirePull>> {
        let found = self
            .session()
            .poll(
                || self.find(&proposal.head, &proposal.base, PullFilter::Open),
                |found| {
                    let age = self.session().now().duration_since(made);
                    !found.is_empty() || age > GIVE_WAY_TIME
                },
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// Opens the pull request, or finds it, and returns it once its head is the commit: GitHub may take a moment to
    /// see that a branch was made or moved. A branch that another run made may be gone by now, with its merge.
    async fn open(&self, proposal: &Proposal, branch: ReadyBranch) -> CallResult<WirePull> {
        let attempt = match branch.open {
            Some(pull) => OpenAttempt::Opened(pull),
            None => {
                self.session()
                    .poll(
                        || self.open_once(proposal),
                        |attempt| matches!(attempt, OpenAttempt::Opened(_)) || !branch.is_new,
                    )
                    .await?
            }
        };
        let mut pull = match attempt {
            OpenAttempt::Opened(pull) => *pull,
            OpenAttempt::Again(error) if !branch.is_new && is_branch_unseen(&error) => {
                return conflict(format!(
                    "branch {} came and went meanwhile: run again",
                    proposal.head
                ));
            }
            OpenAttempt::Again(error) => return Err(error.into()),
        };
        if pull.head.sha != branch.commit {
            pull = self
                .session()
                .poll(
                    || self.pull(pull.number),
                    |pull| pull.head.sha == branch.commit,
                )
                .await?;
        }
        if pull.head.sha != branch.commit {
            return conflict(format!(
                "pull request #{} is at commit {}, not at our {}: somebody pushed to it",
                pull.number, pull.head.sha, branch.commit
            ));
        }
        Ok(pull)
    }

    /// Opens the pull request, or finds it; a lost answer is resolved by looking.
    async fn open_once(&self, proposal: &Proposal) -> CallResult<OpenAttempt> {
        let Proposal { head, base, .. } = proposal;
        let note = ProposalNote {
            image: proposal.image.clone(),
            ..ProposalNote::default()
        }
        .joined_by(&self.client.run);
        let request = json!({
            "title": text::title(&proposal.title), "head": head, "base": base,
            "body": note.append_to(&text::body(&proposal.body)),
        });
        match self.once::<WirePull>(Method::POST, "/pulls", request).await {
            Err(error) if error.says(422, "already exists") || error.is_uncertain() => {
                match self
                    .find(head, base, PullFilter::Open)
                    .await?
                    .into_iter()
                    .next()
                {
                    Some(pull) => {
                        self.write_words(proposal, &pull).await?;
                        Ok(OpenAttempt::Opened(Box::new(pull)))
                    }
                    None => Ok(OpenAttempt::Again(error)),
                }
            }
            // GitHub does not see the new branch yet, or it is gone.
            Err(error) if is_branch_unseen(&error) => Ok(OpenAttempt::Again(error)),
            Err(error) => Err(error.into()),
            Ok(pull) => Ok(OpenAttempt::Opened(Box::new(pull))),
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

/// Whether GitHub does not see a branch where a pull request is made of it: in words, or by what it then misses.
fn is_branch_unseen(error: &ServiceError) -> bool {
    ["head invalid", "head_sha missing_field"]
        .iter()
        .any(|text| error.says(422, text))
}
