//! Refuses to promote a locked service, promotes every other.
//!
//! A policy reads, decides and asks for writes. It has no credentials, no network and no files: all that it can do is the
//! contract in `wit/`, and of that only what `promote.toml` grants. Texts from Port and GitHub are hostile until checked.

use promote_guest::catalog::{Item, named};
use promote_guest::github_merge::{self, Merged};
use promote_guest::github_propose::{self, FileChange, Proposal};
use promote_guest::github_read::{self, File, MergeMethod, PullRequest};
use promote_guest::port_write::{self, Change};
use promote_guest::run_log::{self, Severity};
use promote_guest::types::{Failure, Outcome, Promotion, Reason, Relation, Request, Waiting};
use promote_guest::{Policy, Stop, reason, template};
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
        let reasons = rules(&service);
        if !reasons.is_empty() {
            return Err(Stop::Refused(reasons));
        }
        run_log::note(
            Severity::Info,
            &format!("promoting {}", named(&service.key)),
        );
        carry_out(&service, settings)
    }
}

/// Your rules. Each gives a reason: a short name, and what is wrong and what to do about it. All are asked, so that people
/// learn every reason at once.
fn rules(service: &Item) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let lock = service.property("locked_in_prod");
    // Not set is not locked; whatever else stands there, somebody meant it.
    if !lock.is_null() && lock.as_bool() != Some(false) {
        let why = service
            .text("locked_reason_prod")
            .unwrap_or("no reason is given");
        reasons.push(reason(
            "lock",
            format!("{} is locked: {why}", named(&service.key)),
        ));
    }
    reasons
}

/// Brings the image that staging runs to production: a pull request, its merge, then Port's catalog.
fn carry_out(service: &Item, settings: &Settings) -> Result<Outcome, Stop> {
    let staging = related(service, "test_runtime", "running_service")?;
    let production = related(service, "prod_runtime", "running_service")?;
    let image = related(&staging, "image", "image")?;
    let reference = fill("{registryId}:{tags[0]}", &image)?;
    let path = fill("{gitPath}/deployment.yaml", &production)?;
    let file = github_read::read_file(&settings.repository, &path, &settings.base)?
        .ok_or_else(|| Stop::refuse("manifest", format!("`{path}` does not exist")))?;
    let (content, previous) = with_image(&file.content, &reference).ok_or_else(|| {
        Stop::refuse("manifest", format!("`{path}` has not exactly one `image:`"))
    })?;
    let mut promotion = Promotion {
        image: reference.clone(),
        previous_image: Some(previous.clone()),
        pull_request: None,
        commit: None,
    };
    // The base branch is the truth: an earlier run may have come this far and been cut off.
    if previous == reference {
        record(&production, &image)?;
        return Ok(Outcome::Unchanged(promotion));
    }
    let pull = propose(service, &image, settings, &file, content)?;
    promotion.pull_request = Some(pull.number);
    let (number, head) = (pull.number, &pull.head_commit);
    match github_merge::merge(&settings.repository, number, head, MergeMethod::Squash)
        .map_err(conflict)?
    {
        Merged::Later(until) => Ok(Outcome::Pending(Waiting {
            image: reference,
            pull_request: number,
            until,
        })),
        Merged::Now(commit) => {
            // After the merge, never before: the host denies an update that is ahead of git.
            record(&production, &image)?;
            github_propose::delete_branch(&settings.repository, &pull.head)?;
            promotion.commit = Some(commit);
            Ok(Outcome::Promoted(promotion))
        }
    }
}

/// Opens the pull request, or finds the one that an earlier run opened.
fn propose(
    service: &Item,
    image: &Item,
    settings: &Settings,
    file: &File,
    content: String,
) -> Result<PullRequest, Stop> {
    let (service, image) = (&service.key.identifier, &image.key.identifier);
    let proposal = Proposal {
        repository: settings.repository.clone(),
        base: settings.base.clone(),
        base_commit: file.commit.clone(),
        // The same promotion always has the same branch: it is how a second run finds the work of the first.
        head: format!("promote/{service}/production/{image}"),
        title: format!("Promote {service} to production: {image}"),
        body: String::new(),
        changes: vec![FileChange {
            path: file.path.clone(),
            content,
            expected_blob: file.blob.clone(),
        }],
    };
    github_propose::propose(&proposal).map_err(conflict)
}

/// Somebody else was faster, or closed the pull request: a no, where any other failure is a failure.
fn conflict(failure: Failure) -> Stop {
    match failure {
        Failure::Conflict(what) => Stop::refuse("conflict", what),
        failure => failure.into(),
    }
}

/// Points production at the image in Port's catalog, unless it is there already.
fn record(production: &Item, image: &Item) -> Result<(), Stop> {
    let image = &image.key.identifier;
    if production.relation("image") != Some(image) {
        let relation = Relation {
            name: "image".to_owned(),
            targets: vec![image.clone()],
        };
        let change = Change {
            title: None,
            properties: None,
            relations: vec![relation],
        };
        port_write::update_entity(&production.key, &change)?;
    }
    Ok(())
}

/// The manifest with another image, and the image that it had; none unless it names exactly one.
fn with_image(manifest: &str, image: &str) -> Option<(String, String)> {
    let (mut content, mut previous) = (String::new(), None);
    for line in manifest.split_inclusive('\n') {
        match image_of(line) {
            Some(_) if previous.is_some() => return None,
            Some((before, value)) => {
                let after = line.strip_prefix(before)?.strip_prefix(value)?;
                content.extend([before, image, after]);
                previous = Some(value.to_owned());
            }
            None => content.push_str(line),
        }
    }
    Some((content, previous?))
}

/// The value of a line `image: value`, and what stands before it.
fn image_of(line: &str) -> Option<(&str, &str)> {
    let start = line.find(|c: char| !" -".contains(c))?;
    let rest = line[start..]
        .strip_prefix("image:")?
        .trim_start_matches([' ', '"', '\'']);
    let value = rest
        .split([' ', '"', '\'', '\r', '\n'])
        .next()
        .filter(|value| !value.is_empty())?;
    Some((line.strip_suffix(rest)?, value))
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
