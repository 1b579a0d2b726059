//! The invariants of the design, looked up in the world after each step: git, the catalog, runs, pull requests, the journal.
//!
//! It knows the company that the generator made up, and believes nothing that a run says. It shares no code with the gate
//! and the policies that it judges.

use std::collections::BTreeSet;

use super::company::{BASE, Company, MergeMode, REPOSITORY, entity, version};
use super::history::BaseHistory;
use super::script::{ClickState, ClickWish, Deed, PortClick, Script, ScriptStep};
use crate::scenario::StepResult;
use crate::settled::settled;
use promote_mock::World;
use promote_mock::port::{CatalogEntity, RunStatus};

/// An invariant, by its number in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorldLaw {
    /// 1: the catalog is never ahead of git, and does not stay behind it.
    Catalog,
    /// 2: one promotion, one pull request; a second run ends as the first.
    Once,
    /// 3: what was merged is what was proposed.
    Proposed,
    /// 4: nothing is changed that was not granted.
    Authority,
    /// 5: secrets stay in the host.
    Secrets,
    /// 6: every run ends, and says how.
    Said,
    /// 7: no write without a trace.
    Trace,
    /// 8: no client asks the services for what they do not have.
    Routes,
    /// 10: Port is believed, a payload is not.
    Believed,
    /// 11: a rule that says no is not skipped.
    Rules,
    /// A failure is no reason to crash, to break grants or to run into a limit.
    Sound,
}

impl WorldLaw {
    /// All, in their order.
    pub const ALL: [Self; 11] = [
        Self::Catalog,
        Self::Once,
        Self::Proposed,
        Self::Authority,
        Self::Secrets,
        Self::Said,
        Self::Trace,
        Self::Routes,
        Self::Believed,
        Self::Rules,
        Self::Sound,
    ];

    /// A few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "1 catalog as git",
            Self::Once => "2 once",
            Self::Proposed => "3 merged as proposed",
            Self::Authority => "4 only what is granted",
            Self::Secrets => "5 secrets",
            Self::Said => "6 ends said",
            Self::Trace => "7 traces",
            Self::Routes => "8 known requests",
            Self::Believed => "10 Port is believed",
            Self::Rules => "11 rules",
            Self::Sound => "no crash",
        }
    }
}

/// A law that does not hold after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLaw {
    /// The law.
    pub law: WorldLaw,
    /// The sign of it; foreign text in it is not neutralised.
    pub what: String,
    /// What a scenario file would expect after that step, as an inline table of TOML.
    pub expect: String,
}

impl BrokenLaw {
    fn new(law: WorldLaw, what: String, expect: String) -> Self {
        Self { law, what, expect }
    }
}

/// What is remembered of the steps before.
#[derive(Default)]
pub(super) struct Judge {
    /// The settled state after the last run that settles, and the way it ended, by service.
    last: Vec<(usize, String, Option<&'static str>)>,
    /// The services whose manifest or catalog entry a person has set by hand since a run of ours changed git.
    by_hand: BTreeSet<usize>,
}

impl Judge {
    /// Returns the laws that do not hold after the step at this place.
    pub(super) fn look(
        &mut self,
        script: &Script,
        place: usize,
        ran: &StepResult,
    ) -> Vec<BrokenLaw> {
        let mut broken = Vec::new();
        let clicks: &[usize] = match &script.steps[place] {
            ScriptStep::Run { click, .. } => &[*click],
            ScriptStep::Together { clicks, .. } => clicks,
            ScriptStep::Deed(
                Deed::SetByHand { service, .. } | Deed::EditCatalog { service, .. },
            ) => {
                self.by_hand.insert(*service);
                return broken;
            }
            _ => return broken,
        };
        let merged = BaseHistory::between(&ran.before, &ran.after).ours();
        self.by_hand.retain(|service| {
            let path = script.company.path(script.company.services[*service].name);
            merged.iter().all(|change| change.path != path)
        });
        broken.extend(ahead(&script.company, ran));
        broken.extend(unproposed(&script.company, ran));
        broken.extend(ungranted(script, clicks, ran));
        broken.extend(leaked(ran));
        broken.extend(untraced(ran));
        broken.extend(unknown(ran));
        let runs: Vec<&StepResult> = match ran.together.is_empty() {
            true => vec![ran],
            false => ran.together.iter().collect(),
        };
        for (click, run) in clicks.iter().zip(runs) {
            if script.clicks[*click].state == ClickState::Open {
                broken.extend(unsaid(*click, run, &ran.after));
            }
            broken.extend(unsound(run));
        }
        if let &[click] = clicks {
            broken.extend(unbelieved(script, click, ran));
            broken.extend(unruly(script, click, ran));
            if place + script.settling >= script.steps.len() {
                broken.extend(self.unsettled(script, place, click, ran));
            }
        }
        broken
    }

    /// At the end of a settling service: catalog and git agree, and a second click changes nothing.
    fn unsettled(
        &mut self,
        script: &Script,
        place: usize,
        click: usize,
        ran: &StepResult,
    ) -> Option<BrokenLaw> {
        let service = script.clicks[click].service;
        let now = settled(&ran.after);
        let before = self.last.iter().position(|(known, ..)| *known == service);
        let before = before.map(|at| self.last.remove(at));
        self.last.push((service, now.clone(), ran.ending));
        let is_last = !script.steps[place + 1..]
            .iter()
            .any(|step| matches!(step, ScriptStep::Run { click, .. } if script.clicks[*click].service == service));
        if !is_last {
            return None;
        }
        let (_, was, ending) = before?;
        if was != now || kind(ending) != kind(ran.ending) {
            let what = format!(
                "a second click ends as {:?} after {ending:?}, and leaves another world: {}",
                ran.ending, ran.message
            );
            return Some(BrokenLaw::new(
                WorldLaw::Once,
                what,
                "{ no-writes = true }".to_owned(),
            ));
        }
        // What people set past us, a run records if it can go on; where it refuses, it says why.
        if ran.ending == Some("refused") && self.by_hand.contains(&service) {
            return None;
        }
        behind(&script.company, service, &ran.after)
    }
}

/// The kind of an ending: one click promotes, and the next finds that done.
fn kind(ending: Option<&'static str>) -> Option<&'static str> {
    ending.map(|it| if it == "unchanged" { "promoted" } else { it })
}

/// 1: a catalog that names another image than git does, after all has settled.
fn behind(company: &Company, service: usize, world: &World) -> Option<BrokenLaw> {
    let name = company.services[service].name;
    let held = held(company, world, name)?;
    let said = catalog_image(world, name)?;
    let right = entity(name, held);
    (said != right).then(|| {
        let expect =
            format!("{{ entities.\"running_service/{name}-prod\" = {{ image = \"{right}\" }} }}");
        let what = format!(
            "git holds {} of {name}, and the catalog says {said}",
            version(held)
        );
        BrokenLaw::new(WorldLaw::Catalog, what, expect)
    })
}

/// 1: a run has written an image into the catalog that no commit of the base of its time holds.
fn ahead(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
    company.services.iter().find_map(|service| {
        let name = service.name;
        let was = catalog_image(&ran.before, name)?;
        let now = catalog_image(&ran.after, name)?;
        if was == now {
            return None;
        }
        let path = company.path(name);
        let history = BaseHistory::between(&ran.before, &ran.after);
        let held = history.texts(&path);
        let known = (1..=service.images).filter(|image| entity(name, *image) == now);
        let is_held = known
            .into_iter()
            .any(|image| held.iter().any(|text| holds(text, image)));
        (!is_held).then(|| {
            let what = format!("the catalog says {now} of {name}, which the base does not hold");
            let expect =
                format!("{{ entities.\"running_service/{name}-prod\" = {{ image = \"{was}\" }} }}");
            BrokenLaw::new(WorldLaw::Catalog, what, expect)
        })
    })
}

/// 3: a commit of ours on the base that changes anything but the version in a service's manifest.
///
/// It may be one of an earlier run, which GitHub has merged meanwhile.
fn unproposed(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
    let services = company.services.iter();
    let paths: Vec<String> = services.map(|service| company.path(service.name)).collect();
    let history = BaseHistory::between(&ran.before, &ran.after);
    history.ours().into_iter().find_map(|change| {
        let wrong = if paths.contains(&change.path) {
            let (old, new) = (change.old.as_deref()?, change.new.as_deref()?);
            let (from, to) = (image_in(old), image_in(new));
            let swapped = from
                .zip(to)
                .map(|(from, to)| old.replace(&version(from), &version(to)));
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

/// 4: an entity that no grant of the clicked services lets a run change, or another field of one.
fn ungranted(script: &Script, clicks: &[usize], ran: &StepResult) -> Option<BrokenLaw> {
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

/// 5.
fn leaked(ran: &StepResult) -> Option<BrokenLaw> {
    (!ran.leaks.is_empty()).then(|| {
        let what = format!("a secret can be read in {}", ran.leaks.join(", "));
        BrokenLaw::new(WorldLaw::Secrets, what, "{ exit = 0 }".to_owned())
    })
}

/// 6: a run that was not killed has ended, and Port shows it in progress.
fn unsaid(click: usize, run: &StepResult, world: &World) -> Option<BrokenLaw> {
    let ending = run.ending?;
    let id = Script::run_id(click);
    let is_open = world.port.runs.get(&id)?.status == RunStatus::InProgress;
    let may_be_open = ending == "waiting"
        || run.message.contains("Port could not be told")
        || ran_nothing(ending);
    (is_open && !may_be_open).then(|| {
        let what = format!(
            "run {id} ended as {ending} ({}), and Port shows it in progress",
            run.message
        );
        BrokenLaw::new(
            WorldLaw::Said,
            what,
            "{ run.status = \"FAILURE\" }".to_owned(),
        )
    })
}

/// A run that may not start leaves Port as it is.
fn ran_nothing(ending: &str) -> bool {
    ending == "unusable"
}

/// 7: a write that a service took, and that no journal of the step has.
fn untraced(ran: &StepResult) -> Option<BrokenLaw> {
    let journals = || {
        std::iter::once(ran)
            .chain(&ran.together)
            .map(|run| &run.journal)
    };
    let writes = [
        ("PUT", "/merge", "\"call\":\"merge"),
        ("POST", "/pulls", "\"call\":\"propose"),
        ("PATCH", "/entities/", "\"call\":\"update-entity"),
    ];
    ran.requests.iter().find_map(|request| {
        let taken = request.status.is_some_and(|status| status < 300);
        let (.., call) = writes.iter().find(|(method, path, _)| {
            taken && request.method.as_str() == *method && request.path.contains(path)
        })?;
        let traced = journals().any(|journal| journal.contains(call));
        (!traced).then(|| {
            let what = format!("{} {} is in no journal", request.method, request.path);
            BrokenLaw::new(WorldLaw::Trace, what, "{ no-writes = true }".to_owned())
        })
    })
}

/// 8.
fn unknown(ran: &StepResult) -> Option<BrokenLaw> {
    let asked = ran.requests.iter().find(|request| request.unknown)?;
    let what = format!(
        "{} {} is no request that the service has",
        asked.method, asked.path
    );
    Some(BrokenLaw::new(
        WorldLaw::Routes,
        what,
        "{ exit = 0 }".to_owned(),
    ))
}

/// 10: a run that Port does not confirm changes nothing but, at most, its own words.
fn unbelieved(script: &Script, click: usize, ran: &StepResult) -> Option<BrokenLaw> {
    let started = script.clicks[click].state == ClickState::Open;
    let changed = settled(&ran.before) != settled(&ran.after);
    (!started && changed).then(|| {
        let what = format!(
            "run {} may not start, and changed something",
            Script::run_id(click)
        );
        BrokenLaw::new(WorldLaw::Believed, what, "{ no-writes = true }".to_owned())
    })
}

/// 11: a service was locked before the run, and the run brought a new image to its base.
fn unruly(script: &Script, click: usize, ran: &StepResult) -> Option<BrokenLaw> {
    let PortClick { service, wish, .. } = script.clicks[click];
    let company = &script.company;
    let name = company.services[service].name;
    let locked = ran.before.port.entity("service", name)?;
    let is_locked = locked.properties.get("locked_in_prod") == Some(&serde_json::Value::Bool(true));
    // What GitHub merges by itself later, a lock of Port does not reach.
    let by_others = company.mode.leaves_the_merge_to_others()
        || company.mode == MergeMode::Checks && company.rule == super::company::BranchRule::Queue;
    if !is_locked || wish == ClickWish::Rollback || by_others {
        return None;
    }
    let (was, now) = (
        held(company, &ran.before, name),
        held(company, &ran.after, name),
    );
    let ours = BaseHistory::between(&ran.before, &ran.after).ours();
    (was != now && !ours.is_empty()).then(|| {
        let what = format!("{name} is locked, and was promoted from {was:?} to {now:?}");
        BrokenLaw::new(
            WorldLaw::Rules,
            what,
            "{ outcome = \"refused\", rules = [\"lock\"] }".to_owned(),
        )
    })
}

/// A crash, a broken grant or a limit. The company's policy and grants fit each other.
fn unsound(run: &StepResult) -> Option<BrokenLaw> {
    let ending = run.ending?;
    ["trapped", "violation", "limit", "unusable"]
        .contains(&ending)
        .then(|| {
            let what = format!("the run ended as {ending}: {}", run.message);
            BrokenLaw::new(WorldLaw::Sound, what, "{ exit = 0 }".to_owned())
        })
}

/// The image that production's manifest holds on the base, by its number.
fn held(company: &Company, world: &World, service: &str) -> Option<u32> {
    image_in(
        &world
            .github
            .file_at(REPOSITORY, BASE, &company.path(service))?,
    )
}

/// The image that the catalog says production runs.
fn catalog_image(world: &World, service: &str) -> Option<String> {
    let runtime = world
        .port
        .entity("running_service", &format!("{service}-prod"))?;
    runtime
        .relations
        .get("image")?
        .identifiers()
        .first()
        .cloned()
}

fn holds(text: &str, image: u32) -> bool {
    image_in(text) == Some(image)
}

/// The number of the one version `1.N.0` in a manifest.
fn image_in(text: &str) -> Option<u32> {
    let mut found = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter_map(|word| word.strip_prefix("1.")?.strip_suffix(".0")?.parse().ok());
    let first = found.next();
    first.filter(|_| found.next().is_none())
}
