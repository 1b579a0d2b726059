//! Laws 3 and 4: what runs of ours have changed in git and in the catalog.

use super::super::company::Company;
use super::super::guarded::merges_by_itself;
use super::super::history::BaseHistory;
use super::super::law::{BrokenLaw, WorldLaw};
use super::super::script::Script;
use super::image_in;
use crate::scenario::StepResult;
use promote_mock::port::CatalogEntity;

/// 3: a commit of ours on the base that changes anything but the version in a service's manifest.
///
/// It may be one of an earlier run, which GitHub has merged meanwhile.
pub(super) fn unproposed(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
    let history = BaseHistory::between(&ran.before, &ran.after);
    let changes = match merges_by_itself(company) {
        // What somebody pushes after a run has left the merge to GitHub, GitHub merges in one commit with ours.
        true => history.ours_alone(),
        false => history.ours(),
    };
    changes.into_iter().find_map(|change| {
        let mut services = company.services.iter();
        let service = services.find(|service| company.path(service.name) == change.path);
        let wrong = if let Some(service) = service {
            let value = |image| company.evidence.value(service.name, image);
            let (old, new) = (change.old.as_deref()?, change.new.as_deref()?);
            let (from, to) = (image_in(old), image_in(new));
            let swapped = from
                .zip(to)
                .map(|(from, to)| old.replace(&value(from), &value(to)));
            (swapped.as_deref() != Some(new)).then_some("changes more than the version of")
        } else {
            Some("changes")
        };
        wrong.map(|words| {
            let what = format!("a commit of ours {words} {}", change.path);
            BrokenLaw::new(WorldLaw::Proposed, what, "{ diff = {} }".to_owned())
        })
    })
}

/// 3: a merge of ours brought what somebody else had pushed onto the branch.
pub(super) fn ridden(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
    if merges_by_itself(company) {
        return None;
    }
    let history = BaseHistory::between(&ran.before, &ran.after);
    let rider = history.by_others()?;
    let what = format!("a run of ours brought a commit of somebody else to the base: {rider}");
    Some(BrokenLaw::new(
        WorldLaw::Proposed,
        what,
        "{ diff = {} }".to_owned(),
    ))
}

/// 4: an entity that no grant of the clicked services lets a run change, or another field of one.
pub(super) fn ungranted(script: &Script, clicks: &[usize], ran: &StepResult) -> Option<BrokenLaw> {
    let granted: Vec<String> = clicks
        .iter()
        .map(|click| script.company.services[script.clicks[*click].service].name)
        .map(|name| format!("{name}-prod"))
        .collect();
    ran.after.port.entities.iter().find_map(|(key, now)| {
        let was = ran.before.port.entities.get(key);
        let is_granted = key.0 == "running_service" && granted.contains(&key.1);
        let right = was.is_some_and(|was| same_but_image(was, now, is_granted));
        (!right).then(|| {
            let what = format!("{}/{} has changed", key.0, key.1);
            BrokenLaw::new(WorldLaw::Authority, what, "{ no-writes = true }".to_owned())
        })
    })
}

fn same_but_image(was: &CatalogEntity, now: &CatalogEntity, image_may_differ: bool) -> bool {
    let mut relations = now.relations.clone();
    if image_may_differ && let Some(image) = was.relations.get("image") {
        relations.insert("image".to_owned(), image.clone());
    }
    was.properties == now.properties && was.title == now.title && was.relations == relations
}
