//! The invariants of the design, looked up in the world after each step: git, the catalog, runs, pull requests, the journal.
//!
//! It knows the company that the generator made up, and believes nothing that a run says. It shares no code with the gate
//! and the policies that it judges.

use std::collections::BTreeSet;

use super::aftermath::{disturbed, is_the_end, resumed, revived, unended};
use super::company::{BASE, Company, CompanyService, REPOSITORY, entity, version};
use super::guarded::{merges_by_itself, unruly};
use super::history::BaseHistory;
use super::script::{ClickState, Deed, Script, ScriptStep};
use crate::scenario::StepResult;
use crate::settled::settled;
use promote_mock::World;
use promote_mock::github::PullState;
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
    /// 9: a journal replays exactly.
    Replayed,
    /// 10: Port is believed, a payload is not.
    Believed,
    /// 11: a rule that says no is not skipped.
    Rules,
    /// 12: the catalog is told of what stands at the granted place, and nowhere else.
    Evidence,
    /// A failure is no reason to crash, to break grants or to run into a limit.
    Sound,
}

impl WorldLaw {
    /// All, in their order.
    pub const ALL: [Self; 13] = [
        Self::Catalog,
        Self::Once,
        Self::Proposed,
        Self::Authority,
        Self::Secrets,
        Self::Said,
        Self::Trace,
        Self::Routes,
        Self::Replayed,
        Self::Believed,
        Self::Rules,
        Self::Evidence,
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
            Self::Replayed => "9 replays",
            Self::Believed => "10 Port is believed",
            Self::Rules => "11 rules",
            Self::Evidence => "12 evidence",
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
    pub(super) fn new(law: WorldLaw, what: String, expect: String) -> Self {
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
    /// The services whose manifest somebody has changed on a branch of ours: which image a merge of it brings, only git knows.
    pushed: BTreeSet<usize>,
    /// The branches whose pull request a person has closed.
    closed: BTreeSet<String>,
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
        let clicks: Vec<usize> = match &script.steps[place] {
            ScriptStep::Run { click, .. } => vec![*click],
            ScriptStep::Together { clicks, .. } => clicks.clone(),
            ScriptStep::Resume { .. } => resumed(script, ran),
            ScriptStep::Deed(
                Deed::SetByHand { service, .. } | Deed::EditCatalog { service, .. },
            ) => {
                self.by_hand.insert(*service);
                return broken;
            }
            ScriptStep::Deed(Deed::Push { service, .. }) => {
                self.pushed.insert(*service);
                return broken;
            }
            ScriptStep::Deed(Deed::Close) => {
                self.closed.extend(heads(&ran.before, &ran.after));
                return broken;
            }
            _ => return broken,
        };
        let merged = BaseHistory::between(&ran.before, &ran.after).ours();
        self.by_hand.retain(|service| {
            let path = script.company.path(script.company.services[*service].name);
            merged.iter().all(|change| change.path != path)
        });
        for service in ahead(&script.company, ran) {
            // Where GitHub's answers lag, a read right after a merge is one of the time before; only the next run can tell.
            if script.company.weather.stale_reads > 0 && was_held(&script.company, service, ran) {
                self.by_hand.insert(service);
            } else {
                broken.extend(told_too_early(&script.company, service, ran));
            }
        }
        broken.extend(unproposed(&script.company, ran));
        broken.extend(ungranted(script, &clicks, ran));
        broken.extend(ridden(&script.company, ran));
        broken.extend(leaked(ran));
        broken.extend(untraced(ran));
        broken.extend(unknown(ran));
        broken.extend(unruly(script, &clicks, ran));
        broken.extend(self.reproposed(ran));
        let is_resume = matches!(script.steps[place], ScriptStep::Resume { .. });
        let runs: Vec<&StepResult> = match ran.together.is_empty() && !is_resume {
            true => vec![ran],
            false => ran.together.iter().collect(),
        };
        for (click, run) in clicks.iter().zip(runs) {
            if script.clicks[*click].state == ClickState::Open {
                broken.extend(unsaid(*click, run, &ran.after));
            }
            broken.extend(unsound(run, script.steps[place].is_crowded()));
        }
        if is_resume {
            broken.extend(disturbed(ran));
            broken.extend(revived(script, &clicks));
        } else if let &[click] = clicks.as_slice() {
            broken.extend(unbelieved(script, click, ran));
            if place + script.settling >= script.steps.len() {
                broken.extend(self.unsettled(script, place, click, ran));
            }
        }
        if is_the_end(script, place) {
            broken.extend(unended(script, ran));
            let services = 0..script.company.services.len();
            let by_hand =
                |service: &usize| self.by_hand.contains(service) || self.pushed.contains(service);
            let kept = services.filter(|service| !by_hand(service));
            broken.extend(kept.filter_map(|service| behind(&script.company, service, &ran.after)));
        }
        broken
    }

    /// 2: a promotion is proposed or merged again whose pull request a person has closed.
    fn reproposed(&self, ran: &StepResult) -> Option<BrokenLaw> {
        let live = |world: &World| -> BTreeSet<(u64, String)> {
            let pulls = world.github.find(REPOSITORY).map(|it| &it.pulls);
            let pulls = pulls.into_iter().flat_map(|pulls| pulls.values());
            pulls
                .filter(|pull| !matches!(pull.state, PullState::Closed { .. }))
                .map(|pull| (pull.number, pull.head.clone()))
                .collect()
        };
        let (before, after) = (live(&ran.before), live(&ran.after));
        let mut new = after.difference(&before);
        let (number, head) = new.find(|(_, head)| self.closed.contains(head))?;
        let what = format!("somebody closed {head}, and #{number} is proposed all the same");
        let expect = "{ pulls = [\"closed\"] }".to_owned();
        Some(BrokenLaw::new(WorldLaw::Once, what, expect))
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
        // A run that does not get so far says why; what it leaves behind, a resume records.
        if kind(ran.ending) != Some("promoted") || self.pushed.contains(&service) {
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

/// 1: the services of which a run has written an image into the catalog that no commit of the base of its time holds.
fn ahead(company: &Company, ran: &StepResult) -> Vec<usize> {
    let history = BaseHistory::between(&ran.before, &ran.after);
    let is_ahead = |service: &CompanyService| {
        let now = catalog_image(&ran.after, service.name);
        now != catalog_image(&ran.before, service.name) && !holds(&history, company, service, now)
    };
    let services = company.services.iter().enumerate();
    services
        .filter(|(_, service)| is_ahead(service))
        .map(|(place, _)| place)
        .collect()
}

/// Whether the base held what the catalog says, at any time.
fn was_held(company: &Company, service: usize, ran: &StepResult) -> bool {
    let service = &company.services[service];
    let history = BaseHistory::between(&World::default(), &ran.after);
    let now = catalog_image(&ran.after, service.name);
    holds(&history, company, service, now)
}

/// Whether a commit of a history holds an image.
fn holds(
    history: &BaseHistory<'_>,
    company: &Company,
    service: &CompanyService,
    image: Option<String>,
) -> bool {
    let texts = history.texts(&company.path(service.name));
    let mut held = texts.iter().filter_map(|text| image_in(text));
    held.any(|held| Some(entity(service.name, held)) == image)
}

fn told_too_early(company: &Company, service: usize, ran: &StepResult) -> Option<BrokenLaw> {
    let name = company.services[service].name;
    let (was, now) = (
        catalog_image(&ran.before, name)?,
        catalog_image(&ran.after, name)?,
    );
    let law = match elsewhere(company, &ran.after, name, &now) {
        true => WorldLaw::Evidence,
        false => WorldLaw::Catalog,
    };
    let what = format!("the catalog says {now} of {name}, which the base does not hold");
    let expect =
        format!("{{ entities.\"running_service/{name}-prod\" = {{ image = \"{was}\" }} }}");
    Some(BrokenLaw::new(law, what, expect))
}

/// Whether a file that no cluster reads holds an image.
fn elsewhere(company: &Company, world: &World, name: &str, image: &str) -> bool {
    let decoy = company.decoy_path(name);
    let text = world.github.file_at(REPOSITORY, BASE, &decoy);
    let held = text.as_deref().and_then(image_in);
    held.map(|held| entity(name, held)).as_deref() == Some(image)
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

/// 3: a merge of ours brought what somebody else had pushed onto the branch.
fn ridden(company: &Company, ran: &StepResult) -> Option<BrokenLaw> {
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

/// The branches of the pull requests into the base that are closed now, and were open.
fn heads(before: &World, after: &World) -> Vec<String> {
    let (Some(before), Some(after)) = (
        before.github.find(REPOSITORY),
        after.github.find(REPOSITORY),
    ) else {
        return Vec::new();
    };
    let closed = after.pulls.values().filter(|pull| {
        let was = before.pulls.get(&pull.number);
        let was_open = was.is_some_and(|was| was.state == PullState::Open);
        was_open && pull.base == BASE && matches!(pull.state, PullState::Closed { .. })
    });
    closed.map(|pull| pull.head.clone()).collect()
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
    let is_secret = |text: &str| ran.before.betrayed_by(text) || ran.after.betrayed_by(text);
    let runs = || std::iter::once(ran).chain(&ran.together);
    let mut places = ran.leaks.clone();
    if runs().any(|run| is_secret(&run.journal)) {
        places.push("a journal");
    }
    if runs().any(|run| is_secret(&run.message)) {
        places.push("a message");
    }
    (!places.is_empty()).then(|| {
        let what = format!("a secret can be read in {}", places.join(", "));
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

/// A crash, a broken grant or a limit. The company's policy and grants fit each other.
///
/// Runs at the same time pass the world's time for each other while they wait, and may run out of it.
fn unsound(run: &StepResult, is_crowded: bool) -> Option<BrokenLaw> {
    let ending = run.ending?;
    if ending == "limit" && is_crowded {
        return None;
    }
    ["trapped", "violation", "limit", "unusable"]
        .contains(&ending)
        .then(|| {
            let what = format!("the run ended as {ending}: {}", run.message);
            BrokenLaw::new(WorldLaw::Sound, what, "{ exit = 0 }".to_owned())
        })
}

/// The image that production's manifest holds on the base, by its number.
pub(super) fn held(company: &Company, world: &World, service: &str) -> Option<u32> {
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

/// The number of the one version `1.N.0` in a manifest.
fn image_in(text: &str) -> Option<u32> {
    let mut found = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter_map(|word| word.strip_prefix("1.")?.strip_suffix(".0")?.parse().ok());
    let first = found.next();
    first.filter(|_| found.next().is_none())
}
