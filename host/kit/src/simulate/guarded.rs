//! What kept a promotion back, and whether it was promoted all the same.

use super::company::{Company, FREEZE_FROM, FREEZE_TO, REPOSITORY, author};
use super::customs::{BranchRule, CompanyGuard, MergeMode};
use super::history::{BaseHistory, PERSON};
use super::judge::held;
use super::law::{BrokenLaw, WorldLaw};
use super::script::{ClickWish, PortClick, Script};
use crate::scenario::StepResult;
use promote_mock::World;
use promote_mock::github::{PullRequest, PullState, ReviewState};

/// 11: a run brought a new image to its base although something kept its service back.
pub(super) fn unruly(script: &Script, clicks: &[usize], ran: &StepResult) -> Option<BrokenLaw> {
    let company = &script.company;
    if merges_by_itself(company) {
        return None;
    }
    let services = 0..company.services.len();
    let against = services.into_iter().find_map(|service| {
        let own = clicks.iter().map(|click| script.clicks[*click]);
        let own: Vec<PortClick> = own.filter(|click| click.service == service).collect();
        promoted_against(company, service, &own, ran)
    });
    against.or_else(|| unreviewed(company, ran))
}

/// Whether GitHub merges in this company after the run that asked for it, where no rule of ours is asked again.
pub(super) fn merges_by_itself(company: &Company) -> bool {
    company.mode.leaves_the_merge_to_others()
        || company.mode == MergeMode::Checks && company.rule == BranchRule::Queue
}

/// Looks at a service that several clicks may have worked for: one that nothing kept back is enough.
fn promoted_against(
    company: &Company,
    service: usize,
    clicks: &[PortClick],
    ran: &StepResult,
) -> Option<BrokenLaw> {
    let name = company.services[service].name;
    let was = held(company, &ran.before, name);
    let now = held(company, &ran.after, name);
    let path = company.path(name);
    let history = BaseHistory::between(&ran.before, &ran.after);
    let is_ours = history.ours().iter().any(|change| change.path == path);
    if was == now || !is_ours {
        return None;
    }
    let reasons = clicks
        .iter()
        .map(|click| kept_back(company, *click, ran, now))
        .collect::<Option<Vec<_>>>()?;
    let why = reasons.first()?;
    let what = format!("{name} was promoted from {was:?} to {now:?}, and {why}");
    let expect = "{ outcome = \"refused\" }".to_owned();
    Some(BrokenLaw::new(WorldLaw::Rules, what, expect))
}

/// The reason for which a click must not bring this image to production now.
fn kept_back(
    company: &Company,
    click: PortClick,
    ran: &StepResult,
    image: Option<u32>,
) -> Option<&'static str> {
    let name = company.services[click.service].name;
    let goes_back = click.wish == ClickWish::Rollback;
    let stops_all = company.guard == CompanyGuard::LockExpression;
    if is_locked(&ran.before, name) && (!goes_back || stops_all) {
        return Some("it is locked");
    }
    let freezes = matches!(
        company.guard,
        CompanyGuard::FreezeRefuses | CompanyGuard::FreezeWaits
    );
    if freezes && !goes_back && is_frozen(&ran.before) && is_frozen(&ran.after) {
        return Some("a freeze is on");
    }
    if company.guard == CompanyGuard::FourEyes && !goes_back && image.map(author) == Some(click.by)
    {
        return Some("who clicked is the author of the image");
    }
    if image.is_some_and(|image| !company.evidence.proves(image)) {
        return Some("nothing proves the image");
    }
    None
}

fn is_locked(world: &World, service: &str) -> bool {
    let service = world.port.entity("service", service);
    let locked = service.and_then(|service| service.properties.get("locked_in_prod"));
    locked == Some(&serde_json::Value::Bool(true))
}

fn is_frozen(world: &World) -> bool {
    let now = world.now.to_string();
    // Times of one form are in the order of their texts.
    now.as_str() >= FREEZE_FROM && now.as_str() < FREEZE_TO
}

/// A merge of ours without the approval that an expression or the policy wants.
fn unreviewed(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
    if !company.guard.wants_approval() {
        return None;
    }
    let before = ran.before.github.find(REPOSITORY)?;
    let after = ran.after.github.find(REPOSITORY)?;
    let is_new = |pull: &&PullRequest| {
        let was = before.pulls.get(&pull.number);
        let was_open = was.is_none_or(|was| was.state == PullState::Open);
        was_open && matches!(&pull.state, PullState::Merged { by, .. } if by != PERSON)
    };
    let is_approved = |pull: &PullRequest| {
        pull.reviews
            .iter()
            .any(|review| review.state == ReviewState::Approved)
    };
    let pull = after
        .pulls
        .values()
        .filter(is_new)
        .find(|pull| !is_approved(pull))?;
    let what = format!(
        "pull request #{} was merged, and nobody approved it",
        pull.number
    );
    let expect = "{ outcome = \"refused\" }".to_owned();
    Some(BrokenLaw::new(WorldLaw::Rules, what, expect))
}
