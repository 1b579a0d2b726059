//! Environments that reviewers guard (GitHub REST, Deployments).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, encode};
use super::shapes::node_id;
use super::state::RepositoryState;

/// An environment, with the logins of those who must let a job into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRule {
    /// Number.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Logins; nobody has to review a job if there are none.
    pub reviewers: BTreeSet<String>,
    /// The branches whose jobs may use it.
    pub branches: DeploymentBranches,
}

/// The branches whose jobs may use an environment (GitHub docs, "Deployments and environments").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeploymentBranches {
    /// Every branch and tag: an environment is made so.
    #[default]
    Any,
    /// Those that are protected.
    Protected,
    /// Those of these patterns.
    Patterns(Vec<String>),
}

impl GitHub {
    /// Adds an environment, or changes who reviews its jobs.
    pub fn set_environment(&mut self, repository: &str, name: &str, reviewers: BTreeSet<String>) {
        let id = self.new_id();
        let Some(repository) = self.find_mut(repository) else {
            return;
        };
        match repository
            .environments
            .iter_mut()
            .find(|it| it.name == name)
        {
            Some(known) => known.reviewers = reviewers,
            None => repository.environments.push(EnvironmentRule {
                id,
                name: name.to_owned(),
                reviewers,
                branches: DeploymentBranches::default(),
            }),
        }
    }

    /// Changes the branches whose jobs may use an environment.
    pub fn set_deployment_branches(
        &mut self,
        repository: &str,
        name: &str,
        branches: DeploymentBranches,
    ) {
        let Some(repository) = self.find_mut(repository) else {
            return;
        };
        let mut known = repository.environments.iter_mut();
        if let Some(environment) = known.find(|it| it.name == name) {
            environment.branches = branches;
        }
    }
}

pub(super) fn environments(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let shapes = repository.environments.iter();
    let shapes = shapes.map(|it| guarded(call, repository, it)).collect();
    call.page(
        github,
        shapes,
        |total, shown| json!({"total_count": total, "environments": shown}),
    )
}

/// Finds the environment that the path names; GitHub tells their names apart without regard to case.
fn named_environment<'g>(
    github: &'g GitHub,
    call: &GitHubCall<'_>,
) -> Result<&'g EnvironmentRule, GitHubAnswer> {
    let asked = call.part("environment");
    let mut known = call.repository(github).environments.iter();
    known
        .find(|it| it.name.eq_ignore_ascii_case(asked))
        .ok_or_else(GitHubAnswer::not_found)
}

pub(super) fn environment_of_name(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let found = named_environment(github, call)?;
    GitHubAnswer::ok(guarded(call, call.repository(github), found))
}

/// The patterns of branches that may use an environment.
pub(super) fn branch_policies(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let found = named_environment(github, call)?;
    let patterns = match &found.branches {
        DeploymentBranches::Patterns(patterns) => patterns.as_slice(),
        DeploymentBranches::Any | DeploymentBranches::Protected => &[],
    };
    let shapes = patterns.iter().zip(found.id + 2..).map(|(name, id)| {
        json!({"id": id, "node_id": node_id("GBP", id), "name": name, "type": "branch"})
    });
    let shapes = shapes.collect();
    call.page(
        github,
        shapes,
        |total, shown| json!({"total_count": total, "branch_policies": shown}),
    )
}

/// An environment with the rules that guard it.
fn guarded(call: &GitHubCall<'_>, repository: &RepositoryState, it: &EnvironmentRule) -> Value {
    let mut shape = environment(call, repository, it.id, &it.name);
    let reviewers = it
        .reviewers
        .iter()
        .map(|login| json!({"type": "User", "reviewer": call.urls.user(login)}));
    let reviewers: Vec<Value> = reviewers.collect();
    let mut rules = Vec::new();
    if !reviewers.is_empty() {
        rules.push(json!({
            "id": it.id,
            "node_id": node_id("GA", it.id),
            "type": "required_reviewers",
            "prevent_self_review": false,
            "reviewers": reviewers,
        }));
    }
    let is_protected = it.branches == DeploymentBranches::Protected;
    if it.branches == DeploymentBranches::Any {
        shape["deployment_branch_policy"] = Value::Null;
    } else {
        rules.push(
            json!({"id": it.id + 1, "node_id": node_id("GA", it.id + 1), "type": "branch_policy"}),
        );
        shape["deployment_branch_policy"] = json!({
            "protected_branches": is_protected,
            "custom_branch_policies": !is_protected,
        });
    }
    shape["protection_rules"] = rules.into();
    shape
}

pub(super) fn environment(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    id: u64,
    name: &str,
) -> Value {
    let at = repository.created_at.to_string();
    let encoded = encode(name);
    json!({
        "id": id,
        "node_id": node_id("EN", id),
        "name": name,
        "url": format!("{}/environments/{encoded}", call.urls.repository(repository)),
        "html_url": format!(
            "{}/deployments/activity_log?environments_filter={encoded}",
            call.urls.page(repository)
        ),
        "created_at": at,
        "updated_at": at,
    })
}
