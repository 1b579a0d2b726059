//! Refuses to promote a locked service, promotes every other.
//!
//! A policy reads, decides and asks for writes. It has no credentials, no network and no files: all that it can do is the
//! contract in `wit/`, and of that only what `promote.toml` grants. Texts from Port and GitHub are hostile until checked.

mod manifest;
mod rules;

use promote_guest::catalog::{Item, named};
use promote_guest::github_merge::{self, Merged};
use promote_guest::github_propose::{self, FileChange, Proposal};
use promote_guest::github_read::{self, MergeMethod};
use promote_guest::port_write::{self, Change};
use promote_guest::run_log::{self, Severity};
use promote_guest::types::{
    Awaited, Failure, Outcome, Promotion, Relation, Request, Waiting,
};
use promote_guest::{Policy, Stop, template};
use serde::Deserialize;

/// What the operator may set in `promote.toml`, under `[policy.settings]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    repository: String,
    #[serde(default = "default_base")]
    base: String,
}

fn default_base() -> String {
    "main".to_owned()
}

struct Ours;

// The component's entry points.
promote_guest::policy!(Ours);

impl Policy for Ours {
    type Settings = Settings;
    const SCHEMA: &'static str = include_str!("../settings.schema.json");

    fn promote(request: &Request, settings: &Settings) -> Result<Outcome, Stop> {
        // The request holds what Port sent, which anyone may have written: only the identifier is used, and read again.
        let service = find("service", &request.subject.key.identifier)?;
        let plan = Plan::gather(&service, settings)?;
        // The base branch is the truth: an earlier run may have merged and been cut off. What is merged needs no rule.
        if plan.previous == plan.reference {
            finish(&plan)?;
            return Ok(Outcome::Unchanged(plan.promotion()));
        }
        let reasons = rules::check(&service);
        if !reasons.is_empty() {
            return Err(Stop::Refused(reasons));
        }
        run_log::note(
            Severity::Info,
            &format!("promoting {}", named(&service.key)),
        );
        carry_out(&plan)
    }
}

/// The change that brings the image that staging runs to production.
struct Plan {
    production: Item,
    image: Item,
    reference: String,
    previous: String,
    proposal: Proposal,
}

impl Plan {
    fn gather(service: &Item, settings: &Settings) -> Result<Self, Stop> {
        let staging = related(service, "test_runtime", "running_service")?;
        let production = related(service, "prod_runtime", "running_service")?;
        let image = related(&staging, "image", "image")?;
        let reference = fill("{registryId}:{tags[0]}", &image)?;
        let path = fill("{gitPath}/deployment.yaml", &production)?;
        let file = github_read::read_file(&settings.repository, &path, &settings.base)?
            .ok_or_else(|| Stop::refuse("manifest", format!("`{path}` does not exist")))?;
        let (content, previous) =
            manifest::with_image(&file.content, &reference).ok_or_else(|| {
                Stop::refuse("manifest", format!("`{path}` has not exactly one `image:`"))
            })?;
        let (name, target) = (&service.key.identifier, &image.key.identifier);
        let proposal = Proposal {
            repository: settings.repository.clone(),
            base: settings.base.clone(),
            base_commit: file.commit,
            // The same promotion always has the same branch: it is how a second run finds the work of the first.
            head: format!("promote/{name}/production/{target}"),
            title: format!("Promote {name} to production: {target}"),
            body: String::new(),
            changes: vec![FileChange {
                path: file.path,
                content,
                expected_blob: file.blob,
            }],
            image: Some(target.clone()),
        };
        Ok(Self {
            production,
            image,
            reference,
            previous,
            proposal,
        })
    }

    fn promotion(&self) -> Promotion {
        Promotion {
            image: self.reference.clone(),
            previous_image: Some(self.previous.clone()),
            pull_request: None,
            commit: None,
            is_rollback: false,
        }
    }
}

/// A pull request, or the one that an earlier run opened; its merge; then Port's catalog.
fn carry_out(plan: &Plan) -> Result<Outcome, Stop> {
    let repository = &plan.proposal.repository;
    let pull = github_propose::propose(&plan.proposal).map_err(conflict)?;
    let (number, head) = (pull.number, &pull.head_commit);
    match github_merge::merge(repository, number, head, MergeMethod::Squash).map_err(conflict)? {
        Merged::Later(message) => Ok(Outcome::Waiting(Waiting {
            image: Some(plan.reference.clone()),
            awaited: Awaited::Queue,
            message,
            until: None,
            pull_request: Some(number),
        })),
        Merged::Now(commit) => {
            finish(plan)?;
            Ok(Outcome::Promoted(Promotion {
                pull_request: Some(number),
                commit: Some(commit),
                ..plan.promotion()
            }))
        }
    }
}

/// What is left to do after the merge, never before: the host denies an update that is ahead of git. Each part may have been
/// done by an earlier run.
fn finish(plan: &Plan) -> Result<(), Stop> {
    let image = &plan.image.key.identifier;
    if plan.production.relation("image") != Some(image) {
        let relation = Relation {
            name: "image".to_owned(),
            targets: vec![image.clone()],
        };
        let change = Change {
            title: None,
            properties: None,
            relations: vec![relation],
        };
        port_write::update_entity(&plan.production.key, &change)?;
    }
    github_propose::delete_branch(&plan.proposal.repository, &plan.proposal.head)?;
    Ok(())
}

/// Somebody else was faster, or closed the pull request: a no, where any other failure is a failure.
fn conflict(failure: Failure) -> Stop {
    match failure {
        Failure::Conflict(what) => Stop::refuse("conflict", what),
        failure => failure.into(),
    }
}

fn find(blueprint: &str, identifier: &str) -> Result<Item, Stop> {
    Item::find(blueprint, identifier)?.ok_or_else(|| {
        Stop::refuse(
            blueprint,
            format!("{blueprint} `{identifier}` is not in Port's catalog"),
        )
    })
}

fn related(item: &Item, relation: &str, blueprint: &str) -> Result<Item, Stop> {
    let unset = || {
        Stop::refuse(
            relation,
            format!("{} has no `{relation}`", named(&item.key)),
        )
    };
    find(blueprint, item.relation(relation).ok_or_else(unset)?)
}

fn fill(text: &str, item: &Item) -> Result<String, Stop> {
    template::render(text, &item.value).map_err(|what| Stop::refuse("catalog", what))
}
