//! `approvals`: enough people have approved what is promoted, and none of them their own work.
//!
//! The approvals of the promotion's own pull request are looked at when it is there, before it is merged; those are awaited, and
//! all others are there or are not.

use super::reason;
use crate::catalog::named;
use crate::facts::{ApprovalCount, Facts, OriginFacts};
use crate::settings::{ApprovalSettings, ApprovedThing};
use crate::types::{EnvironmentVerdict, Reason, ReasonCure};

/// Refuses what too few people have approved.
pub fn check(facts: &Facts, settings: &[ApprovalSettings]) -> Vec<Reason> {
    let complaints = settings.iter().filter_map(|wanted| match wanted.of {
        ApprovedThing::PullRequest => None,
        ApprovedThing::Image => of_image(facts, wanted.count),
        ApprovedThing::Environment => of_environment(facts, wanted),
        ApprovedThing::Port => of_port(facts),
    });
    let reasons = complaints.map(|message| Reason {
        cure: ReasonCure::People,
        ..reason("approvals", message)
    });
    reasons.collect()
}

/// One of the pull requests that brought the commit has enough approvals of all that was merged.
fn of_image(facts: &Facts, wanted: usize) -> Option<String> {
    let image = facts.image.as_ref()?;
    let (commit, branch, pulls) = match &facts.origin {
        OriginFacts::NotAsked => return None,
        OriginFacts::Unknown(what) => {
            return Some(format!(
                "who approved {} is not known: {what}",
                named(&image.key)
            ));
        }
        OriginFacts::Known {
            commit,
            branch,
            pulls,
        } => (commit, branch, pulls),
    };
    if pulls.is_empty() {
        return Some(format!(
            "{} was built from commit {commit}, which no merged pull request brought to `{branch}`: nobody has approved it",
            named(&image.key)
        ));
    }
    let mut short = Vec::new();
    for pull in pulls {
        let count = ApprovalCount::of(&pull.people, |_| None);
        if count.is_enough(wanted) {
            return None;
        }
        short.push(format!("{} has {}", pull.name, count.describe(wanted)));
    }
    Some(format!(
        "{} was built from commit {commit}, and {}: merge another change with enough approvals, and promote its image",
        named(&image.key),
        short.join("; ")
    ))
}

fn of_environment(facts: &Facts, settings: &ApprovalSettings) -> Option<String> {
    let Some(reviews) = &facts.environment_reviews else {
        return Some(
            "nobody knows what reviewers of the environment said: grant `run.reviews`".to_owned(),
        );
    };
    let name = settings.environment.as_deref();
    let is_meant =
        |environment: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(environment));
    let mut count = ApprovalCount::default();
    for review in reviews
        .iter()
        .filter(|review| is_meant(&review.environment))
    {
        let who = &review.reviewer;
        let is_new = !count.by.iter().any(|one| one.eq_ignore_ascii_case(who));
        match review.verdict {
            EnvironmentVerdict::Rejected => count.against.push(who.clone()),
            EnvironmentVerdict::Approved if who.is_empty() => {}
            EnvironmentVerdict::Approved if facts.is_starter(who) => count
                .ignored
                .push(format!("`{}` started the run", who.escape_debug())),
            EnvironmentVerdict::Approved if is_new => count.by.push(who.clone()),
            EnvironmentVerdict::Approved => {}
        }
    }
    (!count.is_enough(settings.count)).then(|| {
        let environment = match name {
            Some(name) => format!("environment `{}`", name.escape_debug()),
            None => "environment".to_owned(),
        };
        format!(
            "the workflow run needs approvals by reviewers of its {environment}, and has {}: have the job name an environment with reviewers",
            count.describe(settings.count)
        )
    })
}

/// Port tells of one approval, by the identifier of a user.
fn of_port(facts: &Facts) -> Option<String> {
    let Some(approval) = &facts.approval else {
        return Some(
            "the run was not approved in Port: have its action require an approval".to_owned(),
        );
    };
    let by = approval.by.as_deref().unwrap_or_default();
    let is_own = by.eq_ignore_ascii_case(&facts.actor_id)
        || facts
            .actor
            .as_deref()
            .is_some_and(|actor| actor.eq_ignore_ascii_case(by));
    if by.is_empty() {
        return Some("Port does not say who approved the run".to_owned());
    }
    is_own.then(|| {
        format!(
            "`{}` approved the run in Port and has started it: somebody else must approve it",
            by.escape_debug()
        )
    })
}
