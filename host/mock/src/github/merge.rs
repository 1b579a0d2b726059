//! Merging pull requests (GitHub REST, Merge a pull request), with every refusal seen on the wire.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::mergeable::merged_tree;
use super::pull_state::SlowMerge;
use super::refusals;
use super::shapes::signed;
use super::state::{MergeStyle, PullRequest, PullState, RepositoryState};
use crate::git::{CommitObject, CommitSignature, GitObject, ObjectId};

/// The time after which a merge that was answered with 502 is there.
const SLOW_MERGE_DELAY: SignedDuration = SignedDuration::from_secs(4);

/// A merge that somebody asks for: the method, the person and the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MergeOrder {
    pub(super) method: MergeStyle,
    pub(super) by: String,
    pub(super) title: Option<String>,
    pub(super) message: Option<String>,
}

/// Returns the refusal of a merge, which is a 405 for nearly every reason.
fn refuse(message: impl Into<String>) -> GitHubAnswer {
    GitHubAnswer::error(405, message)
}

/// Returns the refusal of a pull request that has not noticed its base or its head move.
fn out_of_date() -> GitHubAnswer {
    let message = "Head branch is out of date. Review and try the merge again.";
    GitHubAnswer::error(409, message)
}

pub(super) fn check(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    match call.pull(github)?.state {
        PullState::Merged { .. } => GitHubAnswer::nothing(),
        _ => Err(GitHubAnswer::not_found()),
    }
}

pub(super) fn merge(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let text = |name: &str| call.text(name).map(|text| text.map(str::to_owned));
    let method = call.text("merge_method")?.unwrap_or("merge");
    let method = MergeStyle::ALL
        .into_iter()
        .find(|known| known.name() == method);
    let method = method.ok_or_else(|| {
        GitHubAnswer::error(
            422,
            "Invalid request.\n\nmerge_method is not one of merge, squash, rebase.",
        )
    })?;
    let by = call.caller.login().to_owned();
    let order = MergeOrder {
        method,
        by,
        title: text("commit_title")?,
        message: text("commit_message")?,
    };
    let pull = call.pull(github)?;
    admit(call.repository(github), pull, call.text("sha")?, method)?;
    if github.weather.base_modified > 0 {
        github.weather.base_modified -= 1;
        return Err(refuse(
            "Base branch was modified. Review and try the merge again.",
        ));
    }
    if github.weather.head_out_of_date > 0 {
        github.weather.head_out_of_date -= 1;
        return Err(out_of_date());
    }
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    if let Some(reason) = refusals::refusal(repository, pull, call.now) {
        return Err(refuse(reason));
    }
    let base = repository.branch(&pull.base);
    let rules = repository.rules_of(&pull.base);
    if rules.strict && base.is_some_and(|base| !repository.git.is_ancestor(base, pull.head_sha)) {
        return Err(refusals::refusal_behind(&rules).map_or_else(out_of_date, refuse));
    }
    let number = pull.number;
    if pull.slow_merge.is_some() {
        return Err(refuse("Merge already in progress"));
    }
    if github.weather.slow_merges > 0 {
        github.weather.slow_merges -= 1;
        let lands_at = call.now.checked_add(SLOW_MERGE_DELAY);
        call.pull_mut(github)?.slow_merge = Some(SlowMerge {
            lands_at: lands_at.unwrap_or(Timestamp::MAX),
            order,
        });
        return Err(GitHubAnswer::bad_gateway());
    }
    let commit = github.merge_pull(call.repository, number, call.now, &order)?;
    GitHubAnswer::ok(
        json!({"sha": commit.to_string(), "merged": true, "message": "Pull Request successfully merged"}),
    )
}

/// Refuses what no waiting and no approval would cure.
fn admit(
    repository: &RepositoryState,
    pull: &PullRequest,
    expected: Option<&str>,
    method: MergeStyle,
) -> Result<(), GitHubAnswer> {
    if pull.state != PullState::Open {
        return Err(refuse("Pull Request is not mergeable"));
    }
    if pull.draft {
        return Err(refuse("Pull Request is still a draft"));
    }
    if expected.is_some_and(|sha| sha != pull.head_sha.to_string()) {
        return Err(GitHubAnswer::error(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    let settings = &repository.settings;
    let (allowed, kind) = match method {
        MergeStyle::Merge => (settings.allow_merge_commit, "Merge commits"),
        MergeStyle::Squash => (settings.allow_squash_merge, "Squash merges"),
        MergeStyle::Rebase => (settings.allow_rebase_merge, "Rebase merges"),
    };
    let rules = repository.rules_of(&pull.base);
    // A ruleset that forbids a method is told in the same words as the setting of the repository.
    let methods = rules.allowed_methods.as_ref();
    if !allowed || methods.is_some_and(|methods| !methods.contains(&method)) {
        return Err(refuse(format!(
            "{kind} are not allowed on this repository."
        )));
    }
    if rules.merge_queue {
        let reason = "Changes must be made through the merge queue";
        return Err(refuse(rules.worded(reason)));
    }
    if rules.linear_history && method == MergeStyle::Merge {
        let reason = "This branch must not contain merge commits.";
        return Err(refuse(rules.worded(reason)));
    }
    Ok(())
}

/// GitHub itself, which signs what is made on its pages.
pub(super) fn web_flow(now: Timestamp) -> CommitSignature {
    CommitSignature::new("GitHub", "noreply@github.com", now)
}

impl GitHub {
    /// Merges, whatever the rules say; only a conflict stops it.
    pub(super) fn merge_pull(
        &mut self,
        place: usize,
        number: u64,
        now: Timestamp,
        order: &MergeOrder,
    ) -> Result<ObjectId, GitHubAnswer> {
        let repository = &mut self.repositories[place];
        let pull = repository
            .pulls
            .get(&number)
            .cloned()
            .ok_or_else(GitHubAnswer::not_found)?;
        let base = repository
            .branch(&pull.base)
            .ok_or_else(|| refuse("Pull Request is not mergeable"))?;
        let commit = match order.method {
            MergeStyle::Merge | MergeStyle::Squash => join(repository, &pull, base, now, order),
            MergeStyle::Rebase => replay(repository, &pull, base, now, &order.by),
        };
        let commit = commit?;
        let by = order.by.clone();
        if let Some(pull) = repository.pulls.get_mut(&number) {
            pull.state = PullState::Merged {
                at: now,
                by,
                commit,
            };
            pull.base_sha = base;
            pull.updated_at = now;
            pull.auto_merge = None;
            pull.queue_entry = None;
            pull.slow_merge = None;
        }
        let deletes = repository.settings.delete_branch_on_merge;
        self.set_ref(
            place,
            now,
            &format!("refs/heads/{}", pull.base),
            Some(commit),
            true,
        );
        if deletes {
            self.set_ref(
                place,
                now,
                &format!("refs/heads/{}", pull.head),
                None,
                false,
            );
        }
        Ok(commit)
    }
}

/// One commit with everything: a merge, or a squash.
fn join(
    repository: &mut RepositoryState,
    pull: &PullRequest,
    base: ObjectId,
    now: Timestamp,
    order: &MergeOrder,
) -> Result<ObjectId, GitHubAnswer> {
    let tree = merged_tree(&mut repository.git, base, pull.head_sha);
    let tree = tree.ok_or_else(|| refuse("Pull Request has merge conflicts"))?;
    let mut parents = vec![base];
    let mut subject = format!("{} (#{})", pull.title, pull.number);
    let mut body = String::new();
    if order.method != MergeStyle::Squash {
        let owner = &repository.owner;
        parents.push(pull.head_sha);
        subject = format!(
            "Merge pull request #{} from {owner}/{}",
            pull.number, pull.head
        );
        body.clone_from(&pull.title);
    }
    let subject = order.title.clone().unwrap_or(subject);
    let body = order.message.clone().unwrap_or(body);
    let message = if body.is_empty() {
        subject
    } else {
        format!("{subject}\n\n{body}")
    };
    let author = signed(&order.by, now);
    let committer = web_flow(now);
    let id = repository.git.insert(GitObject::Commit(CommitObject {
        tree,
        parents,
        author,
        committer,
        message,
    }));
    repository.verified.insert(id);
    Ok(id)
}

/// The same commits on top of the base, even if they were there already: GitHub always makes new ones.
fn replay(
    repository: &mut RepositoryState,
    pull: &PullRequest,
    base: ObjectId,
    now: Timestamp,
    by: &str,
) -> Result<ObjectId, GitHubAnswer> {
    let refused = || refuse("This branch can't be rebased");
    let git = &mut repository.git;
    let mut tip = base;
    for id in git.ahead(base, pull.head_sha) {
        let commit = git.commit(id).cloned().ok_or_else(refused)?;
        let parent = match commit.parents.as_slice() {
            [parent] => git.tree_of(*parent).ok_or_else(refused)?,
            _ => continue, // A merge has nothing of its own to replay.
        };
        let onto = git.tree_of(tip).ok_or_else(refused)?;
        let tree = git
            .merge_trees(parent, onto, commit.tree)
            .map_err(|_| refused())?;
        let replayed = CommitObject {
            tree,
            parents: vec![tip],
            committer: signed(by, now),
            ..commit
        };
        tip = git.insert(GitObject::Commit(replayed));
    }
    Ok(tip)
}
