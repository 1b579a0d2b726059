//! What became of the workflow run that a Port run started, and whether reviewers let it start.
//!
//! GitHub is asked only about runs that may be dead and about merges. A workflow run is found by its title, which the
//! workflow's `run-name` makes of the Port run's identifier: the whole title, so that no text of a payload stands for another
//! run. Whoever may start the workflow can still write a title: it keeps a run alive, or names one to a reviewer, and no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::contract::{EnvironmentReview, EnvironmentVerdict, Failure};
use crate::gate::describe;
use crate::service::github::{self, WorkflowRun, WorkflowRuns};
use crate::service::port::{self, ActionWorkflow, PortRun};
use crate::source::live::Live;

/// The title of the workflow run that works for a Port run begins so, and ends with the run's identifier.
pub const RUN_NAME: &str = "Port run ";

/// The way to the workflow runs of a repository.
#[derive(Clone, Copy)]
pub struct WorkflowAccess<'a> {
    /// GitHub, with a token that may read them (`actions: read`).
    pub github: &'a github::Client,
    /// The repository of the workflows, `owner/name`.
    pub repository: &'a str,
}

/// A client for the workflow runs of a repository.
#[derive(Clone)]
pub struct WorkflowClient {
    /// GitHub, with a token that may read them (`actions: read`).
    pub live: Arc<Live>,
    /// The repository of the workflows, `owner/name`.
    pub repository: String,
}

impl WorkflowClient {
    /// Returns the way to the workflow runs.
    pub fn access(&self) -> WorkflowAccess<'_> {
        WorkflowAccess {
            github: &self.live.github,
            repository: &self.repository,
        }
    }
}

/// What became of the workflow run that a Port run started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WorkflowState {
    /// It is queued, waits or runs.
    Alive,
    /// All of them are over; this one is the newest.
    Over(WorkflowRun),
    /// There is none.
    Absent(ActionWorkflow),
    /// It cannot be told, for this reason.
    Unclear(String),
}

/// The reviewers' word on the workflow run that a Port run started.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ReviewState {
    /// Nobody has to review it, or somebody has: every verdict of a reviewer, if they are known.
    Passed(Option<Vec<EnvironmentReview>>),
    /// Somebody has rejected it: who, and which environment.
    Rejected(String, String),
    /// It needs an approval that it has not.
    Missing(String),
    /// It cannot be told, for this reason.
    Unclear(String),
}

/// What GitHub has told of workflow runs; each is asked for once.
pub(super) struct WorkflowLens<'a> {
    port: &'a port::Client,
    access: Option<WorkflowAccess<'a>>,
    environment: Option<&'a str>,
    since: Timestamp,
    actions: BTreeMap<String, Result<ActionWorkflow, String>>,
    runs: BTreeMap<String, Result<WorkflowRuns, String>>,
    reviewed: Option<Result<Vec<String>, String>>,
}

impl<'a> WorkflowLens<'a> {
    /// Looks at workflow runs that were made since a moment. `environment` is the one that the workflow of a run needs.
    pub(super) fn new(
        port: &'a port::Client,
        access: Option<WorkflowAccess<'a>>,
        environment: Option<&'a str>,
        since: Timestamp,
    ) -> Self {
        Self {
            port,
            access,
            environment,
            since,
            actions: BTreeMap::new(),
            runs: BTreeMap::new(),
            reviewed: None,
        }
    }

    /// Returns whether workflow runs can be looked at.
    pub(super) fn can_see(&self) -> bool {
        self.access.is_some()
    }

    /// Returns what became of the workflow run of a Port run.
    pub(super) async fn state(&mut self, run: &PortRun) -> WorkflowState {
        match self.found(run).await {
            Err(why) => WorkflowState::Unclear(why),
            Ok((workflow, runs)) => state_of(&run.id, workflow, &runs),
        }
    }

    /// Returns the reviewers' word on the workflow run of a Port run.
    pub(super) async fn reviews(&mut self, run: &PortRun) -> ReviewState {
        let Some(access) = self.access else {
            return match self.environment {
                None => ReviewState::Passed(None),
                Some(environment) => ReviewState::Unclear(format!(
                    "nobody can tell here whether the reviewers of the environment `{environment}` let it start: set WORKFLOW_TOKEN, which may read workflow runs, and GITHUB_REPOSITORY"
                )),
            };
        };
        let reviewed = match self.reviewed_environments(access).await {
            Ok(reviewed) => reviewed,
            Err(why) => return ReviewState::Unclear(why),
        };
        let environment = match self.environment {
            Some(name) if reviewed.iter().any(|it| it.eq_ignore_ascii_case(name)) => name,
            _ if reviewed.is_empty() => return ReviewState::Passed(Some(Vec::new())),
            Some(_) => return ReviewState::Passed(None),
            None => {
                return ReviewState::Missing(
                    "environments of the repository have reviewers: `[workflow] environment` in promote.toml says which one the workflow runs in".to_owned(),
                );
            }
        };
        let runs = match self.found(run).await {
            Ok((_, runs)) => runs,
            Err(why) => return ReviewState::Unclear(why),
        };
        let title = title_of(&run.id);
        let mut all = Vec::new();
        for own in runs.runs.iter().filter(|it| it.title == title) {
            let reviews = match access.github.repo(access.repository) {
                Ok(repo) => repo.environment_reviews(own.id).await,
                Err(failure) => Err(failure),
            };
            let reviews = match reviews {
                Ok(reviews) => reviews,
                Err(failure) => return ReviewState::Unclear(unread("reviews", &failure)),
            };
            all.extend(reviews);
        }
        // GitHub tells names of environments apart without regard to case.
        let is_about = |it: &&EnvironmentReview| it.environment.eq_ignore_ascii_case(environment);
        let verdicts = all.iter().filter(is_about);
        let rejected = |it: &&EnvironmentReview| it.verdict == EnvironmentVerdict::Rejected;
        if let Some(rejected) = verdicts.clone().find(rejected) {
            let by = match rejected.reviewer.as_str() {
                "" => "somebody",
                reviewer => reviewer,
            };
            return ReviewState::Rejected(by.to_owned(), environment.to_owned());
        }
        match verdicts.count() {
            1.. => ReviewState::Passed(Some(all)),
            0 if runs.is_whole => ReviewState::Missing(format!(
                "no reviewer of the environment `{environment}` has approved a workflow run of the name `{title}`: start the action in Port again, or merge the pull request yourself"
            )),
            0 => ReviewState::Unclear(format!(
                "GitHub lists no more than a thousand workflow runs, and `{title}` is not among them"
            )),
        }
    }

    async fn reviewed_environments(
        &mut self,
        access: WorkflowAccess<'_>,
    ) -> Result<Vec<String>, String> {
        if let Some(known) = &self.reviewed {
            return known.clone();
        }
        let read = match access.github.repo(access.repository) {
            Ok(repo) => repo.reviewed_environments().await,
            Err(failure) => Err(failure),
        };
        let read = read.map_err(|failure| unread("environments", &failure));
        self.reviewed.insert(read).clone()
    }

    /// Returns the workflow that a Port run started, and its runs.
    async fn found(&mut self, run: &PortRun) -> Result<(ActionWorkflow, WorkflowRuns), String> {
        let access = self
            .access
            .ok_or_else(|| "workflow runs cannot be read".to_owned())?;
        let action = run.action().to_owned();
        if !self.actions.contains_key(&action) {
            let read = match self.port.workflow_of(&action).await {
                Ok(Some(workflow)) => Ok(workflow),
                Ok(None) => Err(format!(
                    "the action `{action}` starts no workflow of GitHub"
                )),
                Err(failure) => Err(format!(
                    "reading the action `{action}`: {}",
                    describe(&failure)
                )),
            };
            self.actions.insert(action.clone(), read);
        }
        let workflow = self.actions[&action].clone()?;
        if !workflow.repository.eq_ignore_ascii_case(access.repository) {
            return Err(format!(
                "the action `{action}` starts a workflow of {}, and this one may read the runs of {}",
                workflow.repository, access.repository
            ));
        }
        if !self.runs.contains_key(&workflow.file) {
            let read = match access.github.repo(access.repository) {
                Ok(repo) => repo.workflow_runs(&workflow.file, self.since).await,
                Err(failure) => Err(failure),
            };
            let read = read.map_err(|failure| unread("workflow runs", &failure));
            self.runs.insert(workflow.file.clone(), read);
        }
        let runs = self.runs[&workflow.file].clone()?;
        Ok((workflow, runs))
    }
}

/// Returns the title of the workflow run that works for a Port run.
fn title_of(run: &str) -> String {
    format!("{RUN_NAME}{run}")
}

fn unread(what: &str, failure: &Failure) -> String {
    format!(
        "{what} could not be read (the job needs `actions: read`): {}",
        describe(failure)
    )
}

/// Tells a Port run's workflow run by the runs that there are.
fn state_of(run: &str, workflow: ActionWorkflow, found: &WorkflowRuns) -> WorkflowState {
    let title = title_of(run);
    let mut own = found.runs.iter().filter(|it| it.title == title);
    if own.clone().any(|it| it.conclusion().is_none()) {
        return WorkflowState::Alive;
    }
    if let Some(newest) = own.next() {
        return WorkflowState::Over(newest.clone());
    }
    if !found.is_whole {
        return WorkflowState::Unclear(format!(
            "GitHub lists no more than a thousand runs of {}",
            workflow.file
        ));
    }
    // A workflow without our `run-name` may be at work for it right now.
    if found.runs.iter().any(|it| !it.title.starts_with(RUN_NAME)) {
        return WorkflowState::Unclear(format!(
            "{} has runs of another name: give it `run-name: {RUN_NAME}${{{{ fromJSON(inputs.port_payload).run_id }}}}`, as `promote init` does",
            workflow.file
        ));
    }
    WorkflowState::Absent(workflow)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::service::port::WorkflowReport;
    use serde_json::json;

    fn runs(of: &[(&str, &str)]) -> WorkflowRuns {
        let runs = of.iter().enumerate().map(|(id, (title, state))| {
            let (status, conclusion) = match *state {
                "queued" | "in_progress" | "waiting" | "pending" | "requested" => (*state, None),
                ended => ("completed", Some(ended)),
            };
            serde_json::from_value(json!({
                "id": id, "display_title": title, "html_url": "https://hub.test/1",
                "status": status, "conclusion": conclusion,
            }))
            .unwrap()
        });
        WorkflowRuns {
            runs: runs.collect(),
            is_whole: true,
        }
    }

    fn tell(found: &WorkflowRuns) -> String {
        let workflow = ActionWorkflow {
            repository: "acme/gitops".to_owned(),
            file: "promote.yml".to_owned(),
            installation: None,
            report: WorkflowReport::Off,
        };
        match state_of("r_1", workflow, found) {
            WorkflowState::Alive => "alive".to_owned(),
            WorkflowState::Over(run) => run.conclusion().unwrap().to_owned(),
            WorkflowState::Absent(_) => "absent".to_owned(),
            WorkflowState::Unclear(_) => "unclear".to_owned(),
        }
    }

    #[test]
    fn a_workflow_run_is_over_only_if_every_one_of_its_name_is() {
        let own = "Port run r_1";
        for state in ["queued", "in_progress", "waiting", "pending", "requested"] {
            assert_eq!(tell(&runs(&[(own, state)])), "alive");
            assert_eq!(tell(&runs(&[(own, "cancelled"), (own, state)])), "alive");
        }
        assert_eq!(
            tell(&runs(&[(own, "cancelled"), (own, "failure")])),
            "cancelled"
        );
        assert_eq!(tell(&runs(&[])), "absent");
        assert_eq!(tell(&runs(&[("Port run r_2", "success")])), "absent");
    }

    #[test]
    fn a_title_is_the_whole_title() {
        for title in ["Port run r_1 r_2", "Port run r_11", "Port run x r_1"] {
            assert_eq!(tell(&runs(&[(title, "cancelled")])), "absent", "{title}");
        }
        for title in ["promote to production", "r_1", "port run r_1"] {
            assert_eq!(tell(&runs(&[(title, "cancelled")])), "unclear", "{title}");
        }
        let some = WorkflowRuns {
            is_whole: false,
            ..runs(&[])
        };
        assert_eq!(tell(&some), "unclear");
    }
}
