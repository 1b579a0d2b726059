//! Deeds of other people at GitHub while a promotion runs, each at its time.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::GitHub;
use super::merge::MergeOrder;
use super::mergeable::assess;
use super::state::{MergeStyle, PullRequest, PullState, QueueEntry, RepositoryState, ReviewState};
use super::workflows::EnvironmentReview;

/// The time that a pull request stays in the merge queue at least.
const QUEUE_DELAY: SignedDuration = SignedDuration::from_secs(60);

/// An event that happens once, with its trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggeredEvent {
    /// The trigger.
    pub when: EventTrigger,
    /// The event.
    pub event: GitHubEvent,
}

/// The trigger of an event. Operations are named as in GitHub's OpenAPI description, such as `pulls/create`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventTrigger {
    /// With the first request at or after this time.
    At(Timestamp),
    /// Just before the operation is next asked for.
    Before(String),
    /// Just after the operation next succeeds.
    After(String),
}

impl fmt::Display for EventTrigger {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(to, "at {time}"),
            Self::Before(operation) => write!(to, "before {operation}"),
            Self::After(operation) => write!(to, "after {operation}"),
        }
    }
}

/// A deed of somebody else. The pull request is always the newest open one of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitHubEvent {
    /// A commit lands on a branch.
    Commit {
        /// `owner/name`.
        repository: String,
        /// The branch, which is made if it is not there.
        branch: String,
        /// Paths and texts.
        files: BTreeMap<String, String>,
    },
    /// Somebody pushes onto the pull request's branch.
    Push {
        /// `owner/name`.
        repository: String,
        /// Paths and texts.
        files: BTreeMap<String, String>,
    },
    /// Somebody closes the pull request.
    Close {
        /// `owner/name`.
        repository: String,
    },
    /// Somebody merges the pull request.
    Merge {
        /// `owner/name`.
        repository: String,
    },
    /// Somebody points the pull request at another branch.
    Retarget {
        /// `owner/name`.
        repository: String,
        /// The branch.
        base: String,
    },
    /// Somebody reviews the pull request.
    Review {
        /// `owner/name`.
        repository: String,
        /// Login of the reviewer.
        user: String,
        /// The opinion.
        state: ReviewState,
    },
    /// A check of the pull request's head ends.
    Check {
        /// `owner/name`.
        repository: String,
        /// Its name.
        name: String,
        /// The conclusion that it ends with.
        conclusion: String,
    },
    /// Somebody deletes a branch.
    DeleteBranch {
        /// `owner/name`.
        repository: String,
        /// The branch.
        branch: String,
    },
    /// A run of a workflow is made, or changes.
    WorkflowRun {
        /// `owner/name`.
        repository: String,
        /// The workflow's file.
        workflow: String,
        /// The run's title.
        title: String,
        /// `queued`, `waiting`, `in_progress` or `completed`.
        status: String,
        /// How it ended.
        conclusion: Option<String>,
    },
    /// Somebody reviews the environment of a workflow run.
    EnvironmentReview {
        /// `owner/name`.
        repository: String,
        /// The run's title.
        title: String,
        /// The reviewer's word.
        review: EnvironmentReview,
    },
    /// Every token stops working.
    RevokeTokens,
}

impl GitHub {
    /// Carries out the events that are due, then merges the pull requests that no longer wait for anything.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.happen(|when| matches!(when, EventTrigger::At(time) if *time <= now));
        for place in 0..self.repositories.len() {
            self.repositories[place]
                .stale
                .retain(|_, stale| now < stale.until);
            self.merge_waiting(place, now);
        }
    }

    pub(super) fn before_operation(&mut self, operation: &str) {
        self.happen(|when| matches!(when, EventTrigger::Before(name) if name == operation));
    }

    pub(super) fn after_operation(&mut self, operation: &str) {
        self.happen(|when| matches!(when, EventTrigger::After(name) if name == operation));
    }

    fn happen(&mut self, is_due: impl Fn(&EventTrigger) -> bool) {
        if self.schedule.is_empty() {
            return;
        }
        let (due, later) = std::mem::take(&mut self.schedule)
            .into_iter()
            .partition(|item| is_due(&item.when));
        self.schedule = later;
        let due: Vec<TriggeredEvent> = due;
        for item in due {
            self.act(item.event);
        }
    }

    /// Carries out an event. One on a thing that is gone has no effect.
    fn act(&mut self, event: GitHubEvent) {
        let newest = |github: &Self, repository: &str| {
            let pulls = &github.find(repository)?.pulls;
            let open = pulls
                .values()
                .rev()
                .find(|pull| pull.state == PullState::Open)?;
            Some((open.number, open.head_sha))
        };
        match event {
            GitHubEvent::Commit {
                repository,
                branch,
                files,
            } => {
                let files = files.into_iter().map(|(path, text)| (path, text.into()));
                self.commit_files(&repository, &branch, "Change by somebody else", files);
            }
            GitHubEvent::Push { repository, files } => {
                let head = newest(self, &repository).and_then(|(number, _)| {
                    let pull = self.find(&repository)?.pulls.get(&number)?;
                    Some(pull.head.clone())
                });
                if let Some(head) = head {
                    let files = files.into_iter().map(|(path, text)| (path, text.into()));
                    self.commit_files(&repository, &head, "Push by somebody else", files);
                }
            }
            GitHubEvent::Close { repository } => {
                if let Some((number, _)) = newest(self, &repository) {
                    self.close_pull_request(&repository, number);
                }
            }
            GitHubEvent::Merge { repository } => {
                if let (Some((number, _)), Some(place)) =
                    (newest(self, &repository), self.place(&repository))
                {
                    let order = MergeOrder {
                        method: MergeStyle::Merge,
                        by: "dana".into(),
                        title: None,
                        message: None,
                    };
                    let _conflict = self.merge_pull(place, number, self.now, &order);
                }
            }
            GitHubEvent::Retarget { repository, base } => {
                if let (Some((number, _)), Some(place)) =
                    (newest(self, &repository), self.place(&repository))
                {
                    let repository = &mut self.repositories[place];
                    let sha = repository.branch(&base);
                    if let (Some(sha), Some(pull)) = (sha, repository.pulls.get_mut(&number)) {
                        pull.base = base;
                        pull.base_sha = sha;
                    }
                }
            }
            GitHubEvent::Review {
                repository,
                user,
                state,
            } => {
                if let Some((number, _)) = newest(self, &repository) {
                    self.review(&repository, number, &user, state);
                }
            }
            GitHubEvent::Check {
                repository,
                name,
                conclusion,
            } => {
                if let Some((_, commit)) = newest(self, &repository) {
                    self.set_check(&repository, commit, &name, Some(&conclusion));
                }
            }
            GitHubEvent::DeleteBranch { repository, branch } => {
                if let Some(place) = self.place(&repository) {
                    self.set_ref(
                        place,
                        self.now,
                        &format!("refs/heads/{branch}"),
                        None,
                        false,
                    );
                }
            }
            GitHubEvent::WorkflowRun {
                repository,
                workflow,
                title,
                status,
                conclusion,
            } => self.set_workflow_run(
                &repository,
                &workflow,
                &title,
                &status,
                conclusion.as_deref(),
            ),
            GitHubEvent::EnvironmentReview {
                repository,
                title,
                review,
            } => self.review_environment(&repository, &title, review),
            GitHubEvent::RevokeTokens => self.tokens = Default::default(),
        }
    }

    /// Auto-merge and the merge queue: both wait for the rules, the queue for its own time too.
    fn merge_waiting(&mut self, place: usize, now: Timestamp) {
        self.land_slow_merges(place, now);
        let repository = &self.repositories[place];
        let armed: Vec<u64> = repository
            .pulls
            .values()
            .filter(|pull| joins_queue(repository, pull, now))
            .map(|pull| pull.number)
            .collect();
        for number in armed {
            if let Some(pull) = self.repositories[place].pulls.get_mut(&number) {
                pull.auto_merge = None;
                pull.queue_entry = Some(QueueEntry {
                    since: now,
                    is_jammed: false,
                });
            }
        }
        let repository = &self.repositories[place];
        let ready = repository
            .pulls
            .values()
            .filter_map(|pull| Some((pull.number, waiting_order(repository, pull, now)?)));
        let ready: Vec<(u64, MergeOrder)> = ready.collect();
        for (number, order) in ready {
            let _conflict = self.merge_pull(place, number, now, &order);
        }
    }

    /// Carries out the merges that were answered with 502 before.
    fn land_slow_merges(&mut self, place: usize, now: Timestamp) {
        let landing: Vec<(u64, MergeOrder)> = self.repositories[place]
            .pulls
            .values()
            .filter(|pull| pull.state == PullState::Open)
            .filter_map(|pull| Some((pull.number, pull.slow_merge.as_ref()?)))
            .filter(|(_, slow)| slow.lands_at <= now)
            .map(|(number, slow)| (number, slow.order.clone()))
            .collect();
        for (number, order) in landing {
            let _conflict = self.merge_pull(place, number, now, &order);
        }
    }
}

/// Returns true if the rules are met and head and base fit together.
fn is_ready(repository: &RepositoryState, pull: &PullRequest, now: Timestamp) -> bool {
    let state = assess(repository, pull, now).state;
    pull.state == PullState::Open
        && super::refusals::refusal(repository, pull, now).is_none()
        && !["dirty", "draft", "behind"].contains(&state)
}

/// Returns true if auto-merge puts the pull request into the merge queue now.
fn joins_queue(repository: &RepositoryState, pull: &PullRequest, now: Timestamp) -> bool {
    let auto_merge = pull.auto_merge.as_ref();
    auto_merge.is_some_and(|auto| !auto.is_swallowed)
        && repository.rules_of(&pull.base).merge_queue
        && is_ready(repository, pull, now)
}

/// Returns the merge that auto-merge or the queue makes of a pull request now, if any.
fn waiting_order(
    repository: &RepositoryState,
    pull: &PullRequest,
    now: Timestamp,
) -> Option<MergeOrder> {
    if pull.auto_merge.is_none() && pull.queue_entry.is_none() {
        return None;
    }
    if !is_ready(repository, pull, now) {
        return None;
    }
    if repository.rules_of(&pull.base).merge_queue {
        let since = pull.queue_entry?.since;
        let is_held_up = repository.pulls.values().any(|other| {
            let entry = other.queue_entry.filter(|entry| entry.is_jammed);
            other.state == PullState::Open
                && other.base == pull.base
                && entry.is_some_and(|entry| entry.since <= since)
        });
        if is_held_up || now.duration_since(since) < QUEUE_DELAY {
            return None;
        }
        return Some(MergeOrder {
            method: MergeStyle::Merge,
            by: "github-merge-queue[bot]".into(),
            title: None,
            message: None,
        });
    }
    let auto = pull.auto_merge.clone()?;
    Some(MergeOrder {
        method: auto.method,
        by: auto.by,
        title: auto.title,
        message: auto.message,
    })
}
