//! The pull request of a proposal whose commit and branch are there.

use http::Method;
use serde_json::json;

use super::{ProposalNote, ReadyBranch};
use crate::contract::{Proposal, PullFilter};
use crate::service::github::pulls::WirePull;
use crate::service::github::{Repo, conflict};
use crate::service::http::{CallResult, ServiceError, ServiceResult};
use crate::text;

/// The result of one try to open a pull request.
enum OpenAttempt {
    Opened(Box<WirePull>),
    /// Another try may do it; why this one did not.
    Again(ServiceError),
}

impl Repo<'_> {
    /// Opens the pull request, or finds it, and returns it once its head is the commit: GitHub may take a moment to
    /// see that a branch was made or moved. A branch that another run made may be gone by now, with its merge.
    pub(super) async fn open(
        &self,
        proposal: &Proposal,
        branch: ReadyBranch,
    ) -> CallResult<WirePull> {
        let attempt = match branch.open {
            Some(pull) => OpenAttempt::Opened(pull),
            None => {
                self.session()
                    .poll(
                        || self.open_once(proposal, branch.is_moved),
                        |attempt| {
                            let is_ours = branch.is_new || branch.is_moved;
                            matches!(attempt, OpenAttempt::Opened(_)) || !is_ours
                        },
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
    async fn open_once(&self, proposal: &Proposal, is_moved: bool) -> CallResult<OpenAttempt> {
        let Proposal { head, base, .. } = proposal;
        let request = json!({
            "title": text::title(&proposal.title), "head": head, "base": base, "body": self.pull_body(proposal),
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
            // Or it sees the branch where it stood before.
            Err(error) if is_moved && error.says(422, "No commits between") => {
                Ok(OpenAttempt::Again(error))
            }
            Err(error) => Err(error.into()),
            Ok(pull) => Ok(OpenAttempt::Opened(Box::new(pull))),
        }
    }

    /// Returns the body of the pull request of a proposal, with the host's note.
    pub(super) fn pull_body(&self, proposal: &Proposal) -> String {
        let note = ProposalNote {
            image: proposal.image.clone(),
            ..ProposalNote::default()
        }
        .joined_by(&self.client.run);
        note.append_to(&text::body(&proposal.body))
    }

    /// Gives a pull request the title and the body of the proposal, if it has others. One for the same image that people
    /// may have read already keeps its words, and gets this run's name into its note.
    pub(super) async fn write_words(
        &self,
        proposal: &Proposal,
        pull: &WirePull,
    ) -> ServiceResult<()> {
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
            ..ProposalNote::default()
        };
        let body = note.joined_by(&self.client.run).append_to(&words);
        if pull.has_words(&title, &body) {
            return Ok(());
        }
        let words = json!({ "title": title, "body": body });
        self.write(Method::PATCH, format!("/pulls/{}", pull.number), words)
            .await
    }
}

/// Whether GitHub does not see a branch where a pull request is made of it: in words, or by what it then misses.
fn is_branch_unseen(error: &ServiceError) -> bool {
    ["head invalid", "head_sha missing_field"]
        .iter()
        .any(|text| error.says(422, text))
}
