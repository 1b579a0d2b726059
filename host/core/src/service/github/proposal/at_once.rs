//! A proposal in one request: the branch at the base, the commit on it, and its pull request.
//!
//! GitHub carries out the fields of a mutation in order, and a field that fails does not stop the next (GraphQL
//! specification, sections 6.2.2 and 6.4.4). So nothing of the answer is believed but what it shows: the commit on top of
//! the base with exactly the proposed file, and a pull request whose head is that commit. What is anything else is looked at
//! in steps, and a pull request that should not have been opened is withdrawn.

use std::sync::PoisonError;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::authorship::{CommitIdentity, TRAILER};
use super::{ProposalNote, ReadyBranch};
use crate::contract::{FileChange, Proposal, PullRequest};
use crate::service::github::{FreshPull, ObjectOid, OpenPullNode, ParentList, Repo, blob_id};
use crate::service::http::ServiceResult;
use crate::text;

/// `Ref.repository` in the first payload is read after the ref is made. GitHub makes every file of such a commit a regular
/// one, and signs the commit.
const PROPOSE: &str = "mutation($repository: ID!, $name: String!, $branch: String!, $ref: String!, $base: String!, \
    $baseRef: String!, $commit: GitObjectID!, $path: String!, $contents: Base64String!, $headline: String!, \
    $trailer: String!, $title: String!, $body: String!) {
    createRef(input: {repositoryId: $repository, name: $ref, oid: $commit})
    { ref { repository { ref(qualifiedName: $baseRef) { target { oid } } } } }
    createCommitOnBranch(input: {branch: {repositoryNameWithOwner: $name, branchName: $branch}, expectedHeadOid: $commit,
        message: {headline: $headline, body: $trailer}, fileChanges: {additions: [{path: $path, contents: $contents}]}})
    { commit { oid parents(first: 2) { nodes { oid } } author { name email } signature { isValid }
        file(path: $path) { mode object { ... on Blob { oid } } } } }
    createPullRequest(input: {repositoryId: $repository, baseRefName: $base, headRefName: $branch, title: $title, body: $body})
    { pullRequest { id number url title body headRefName headRefOid baseRefName isCrossRepository } } }";

/// The mode of a regular file, as GraphQL gives it.
const REGULAR: u32 = 0o100_644;

/// The words of a pull request that this run has opened and taken back.
const WITHDRAWN: &str =
    "Withdrawn: the branch was not, or was no longer, what this pull request was to bring.";

/// The result of a proposal in one request.
pub(super) enum ProposedAtOnce {
    /// Everything is as proposed.
    Whole {
        pull: PullRequest,
        /// The head of the base branch after the branch was made.
        base: Option<String>,
    },
    /// The branch holds the commit, and its pull request is to be opened or found.
    Branch(ReadyBranch),
    /// What there is must be looked at.
    Unclear {
        /// The pull request that was opened all the same.
        opened: Option<u32>,
    },
}

#[derive(Deserialize)]
struct CommitNode {
    oid: String,
    parents: ParentList,
    author: Option<AuthorNode>,
    signature: Option<SignatureNode>,
    file: Option<FileNode>,
}

#[derive(Deserialize)]
struct AuthorNode {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureNode {
    is_valid: bool,
}

#[derive(Deserialize)]
struct FileNode {
    mode: u32,
    object: Option<ObjectOid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenedPull {
    id: String,
    base_ref_name: String,
    #[serde(flatten)]
    node: OpenPullNode,
}

impl Repo<'_> {
    /// Returns the node of the repository if a proposal may be made in one request: of one regular file, as this run has read
    /// it, and on a branch that was not there then. A pull request that a person closed leaves its branch, and must not come
    /// back by another for a moment.
    pub(super) fn may_propose_at_once(&self, proposal: &Proposal) -> Option<String> {
        let base = self.client.base.lock();
        let base = base.unwrap_or_else(PoisonError::into_inner).clone()?;
        let [change] = proposal.changes.as_slice() else {
            return None;
        };
        let blob = blob_id(change.content.as_bytes());
        let fits = base.fits(proposal, change)
            && base.file.mode == "100644"
            && base.file.sha == change.expected_blob
            && blob != base.file.sha;
        let is_free = |head: &str| base.heads.as_ref().is_some_and(|heads| heads.lacks(head));
        (fits && is_free(&proposal.head)).then_some(base.id)
    }

    /// Sends the proposal in one request.
    pub(super) async fn propose_at_once(
        &self,
        proposal: &Proposal,
        repository: &str,
    ) -> ProposedAtOnce {
        let [change] = proposal.changes.as_slice() else {
            return ProposedAtOnce::Unclear { opened: None };
        };
        let Proposal { head, base, .. } = proposal;
        let title = text::title(&proposal.title);
        let trailers = self.client.bond().trailers(format!("{TRAILER}: {head}"));
        let variables = json!({
            "repository": repository, "name": format!("{}/{}", self.named.owner, self.named.name),
            "branch": head, "ref": format!("refs/heads/{head}"), "base": base, "baseRef": format!("refs/heads/{base}"),
            "commit": proposal.base_commit, "path": change.path, "contents": BASE64_STANDARD.encode(&change.content),
            "headline": title, "trailer": trailers, "title": title,
            "body": self.pull_body(proposal),
        });
        // Why not, the steps tell in words that are known, also if the answer was lost.
        let Ok(answer) = self.graphql_once(PROPOSE, &variables).await else {
            return ProposedAtOnce::Unclear { opened: None };
        };
        let data = &answer["data"];
        let made = &data["createRef"]["ref"];
        let commit = part::<CommitNode>(&data["createCommitOnBranch"]["commit"]);
        let opened = &data["createPullRequest"]["pullRequest"];
        let Some(commit) =
            commit.filter(|commit| made.is_object() && commit.is_of(proposal, change))
        else {
            let opened = opened["number"].as_u64();
            return ProposedAtOnce::Unclear {
                opened: opened.and_then(|number| u32::try_from(number).ok()),
            };
        };
        self.note_author(commit.identity());
        let base_head = made["repository"]["ref"]["target"]["oid"].as_str();
        let base_head = base_head.map(str::to_owned);
        let pull = part::<OpenedPull>(opened).filter(|pull| pull.is_of(proposal, &commit.oid));
        let Some(pull) = pull else {
            return ProposedAtOnce::Branch(ReadyBranch {
                commit: commit.oid,
                is_new: true,
                is_moved: true,
                open: None,
                base: base_head,
            });
        };
        if base_head.as_ref() == Some(&proposal.base_commit) {
            self.note_fresh(FreshPull {
                repository: proposal.repository.clone(),
                number: pull.node.number,
                id: pull.id.clone(),
                head: commit.oid,
                base_commit: proposal.base_commit.clone(),
                at: self.session().now(),
            });
        }
        ProposedAtOnce::Whole {
            pull: pull.node.into_contract(&proposal.base),
            base: base_head,
        }
    }

    /// Closes a pull request of this run that should not have been opened. No run is to take it for a person's no.
    pub(super) async fn withdraw(&self, number: u32) -> ServiceResult<()> {
        let note = ProposalNote {
            withdrawn: true,
            ..ProposalNote::default()
        };
        let body = json!({ "state": "closed", "body": note.append_to(WITHDRAWN) });
        self.write(Method::PATCH, format!("/pulls/{number}"), body)
            .await
    }
}

/// Reads a part of an answer; none if it is null, or not of this form.
fn part<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

impl CommitNode {
    /// Returns whether it is on top of the base and holds exactly the proposed file.
    fn is_of(&self, proposal: &Proposal, change: &FileChange) -> bool {
        let parents = &self.parents.nodes;
        let file = self.file.as_ref().filter(|file| file.mode == REGULAR);
        let blob = file.and_then(|file| Some(&file.object.as_ref()?.oid));
        matches!(parents.as_slice(), [parent] if parent.oid == proposal.base_commit)
            && blob == Some(&blob_id(change.content.as_bytes()))
    }

    fn identity(&self) -> Option<CommitIdentity> {
        let author = self.author.as_ref()?;
        Some(CommitIdentity::new(
            author.name.as_deref()?,
            author.email.as_deref()?,
            self.signature.as_ref().is_some_and(|it| it.is_valid),
        ))
    }
}

impl OpenedPull {
    /// Returns whether it is the proposal's, with this commit at its head.
    fn is_of(&self, proposal: &Proposal, commit: &str) -> bool {
        !self.node.is_cross_repository
            && self.node.head_ref_name == proposal.head
            && self.base_ref_name == proposal.base
            && self.node.head_ref_oid == commit
    }
}
