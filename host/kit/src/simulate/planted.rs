//! Faults planted in what a step does: each invariant is broken on purpose, and the simulation has to find it.
//!
//! A fault is a hand in the world around a step: what a broken program would have seen, or would have left. The program itself
//! has no switch for it.

use std::fmt::Write as _;
use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use super::company::{BASE, Company, REPOSITORY, entity};
use super::deed::Deed;
use super::history::BaseHistory;
use super::judge::held;
use super::law::WorldLaw;
use super::play::{NoHand, StepHand, play};
use super::replayed::JournalReplay;
use super::script::{ClickState, Script, ScriptStep};
use crate::replay::RuleShelf;
use crate::scenario::{Scenario, ScenarioRunner, StepResult};
use promote_mock::World;
use promote_mock::github::{FileSpec, PullState, RepositoryState};
use promote_mock::port::{RelationTargets, RunStatus};

/// The most seeds that a fault may take to be found.
const MOST_SEEDS: u64 = 10_000;

/// A fault that a program could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlantedFault {
    /// 1: the catalog is told of an image as soon as it is proposed.
    RecordsTooEarly,
    /// 1: resume forgets to record what was merged.
    ForgetsToRecord,
    /// 2: a run does not see that somebody closed the pull request.
    ProposesAgain,
    /// 2: resume ignores a close.
    IgnoresClose,
    /// 3: a commit changes more than the version.
    ChangesMore,
    /// 3: a run merges another image than its plan holds.
    IgnoresPlan,
    /// 4: a run writes to an entity that no grant names.
    WritesElsewhere,
    /// 5: a token stands in the journal.
    JournalsToken,
    /// 6: a run that is over does not say so.
    NeverEnds,
    /// 6: resume takes a workflow that is at work for a dead one.
    EndsLiveRun,
    /// 7: a merge is in no journal.
    LeavesNoTrace,
    /// 8: a client asks for what the service does not have.
    AsksForMore,
    /// 9: a call is left out of the record.
    RecordsLess,
    /// 10: a run that Port does not let start starts.
    BelievesPayload,
    /// 11: a run does not see a lock.
    SkipsLock,
    /// 11: resume merges over a lock.
    ResumesOverLock,
    /// 12: any file of the base is evidence.
    BelievesAnyFile,
}

impl PlantedFault {
    const ALL: [Self; 17] = [
        Self::RecordsTooEarly,
        Self::ForgetsToRecord,
        Self::ProposesAgain,
        Self::IgnoresClose,
        Self::ChangesMore,
        Self::IgnoresPlan,
        Self::WritesElsewhere,
        Self::JournalsToken,
        Self::NeverEnds,
        Self::EndsLiveRun,
        Self::LeavesNoTrace,
        Self::AsksForMore,
        Self::RecordsLess,
        Self::BelievesPayload,
        Self::SkipsLock,
        Self::ResumesOverLock,
        Self::BelievesAnyFile,
    ];

    /// The law that it breaks.
    fn law(self) -> WorldLaw {
        match self {
            Self::RecordsTooEarly | Self::ForgetsToRecord => WorldLaw::Catalog,
            Self::ProposesAgain => WorldLaw::Once,
            Self::IgnoresClose | Self::NeverEnds | Self::EndsLiveRun => WorldLaw::Said,
            Self::ChangesMore | Self::IgnoresPlan => WorldLaw::Proposed,
            Self::WritesElsewhere => WorldLaw::Authority,
            Self::JournalsToken => WorldLaw::Secrets,
            Self::LeavesNoTrace => WorldLaw::Trace,
            Self::AsksForMore => WorldLaw::Routes,
            Self::RecordsLess => WorldLaw::Replayed,
            Self::BelievesPayload => WorldLaw::Believed,
            Self::SkipsLock | Self::ResumesOverLock => WorldLaw::Rules,
            Self::BelievesAnyFile => WorldLaw::Evidence,
        }
    }

    /// A seed from which on it is found soon: a test that runs always has little time.
    fn near(self) -> u64 {
        match self {
            Self::IgnoresClose => 231,
            Self::SkipsLock => 99,
            Self::ProposesAgain => 798,
            Self::BelievesPayload => 61,
            Self::ResumesOverLock => 258,
            Self::IgnoresPlan => 24,
            Self::BelievesAnyFile => 12,
            Self::ChangesMore | Self::WritesElsewhere | Self::LeavesNoTrace => 2,
            _ => 1,
        }
    }

    /// Whether a script has what the fault needs; others are not played, and count as seeds.
    fn fits(self, script: &Script) -> bool {
        let has = |wanted: fn(&ScriptStep) -> bool| script.steps.iter().any(wanted);
        let unsettled = &script.steps[..script.steps.len() - script.settling];
        match self {
            Self::ProposesAgain | Self::IgnoresClose => {
                has(|step| matches!(step, ScriptStep::Deed(Deed::Close)))
            }
            Self::SkipsLock | Self::ResumesOverLock => {
                has(|step| matches!(step, ScriptStep::Deed(Deed::Lock { locked: true, .. })))
            }
            Self::BelievesPayload => script
                .clicks
                .iter()
                .any(|click| click.state != ClickState::Open),
            Self::BelievesAnyFile => script.company.decoy,
            Self::IgnoresPlan => script.clicks.iter().any(|click| click.is_planned),
            Self::EndsLiveRun => unsettled
                .iter()
                .any(|step| matches!(step, ScriptStep::Resume { .. })),
            _ => true,
        }
    }
}

fn repository(world: &mut World) -> &mut RepositoryState {
    let mut all = world.github.repositories.iter_mut();
    all.find(|it| it.full_name() == REPOSITORY).unwrap()
}

fn runs(step: &ScriptStep) -> bool {
    matches!(step, ScriptStep::Run { .. } | ScriptStep::Resume { .. })
}

fn production(service: &str) -> (String, String) {
    ("running_service".to_owned(), format!("{service}-prod"))
}

fn record(world: &mut World, service: &str, image: &str) {
    let runtime = world.port.entities.get_mut(&production(service)).unwrap();
    let image = RelationTargets::One(image.to_owned());
    runtime.relations.insert("image".to_owned(), image);
}

fn unlock(company: &Company, world: &mut World) {
    for service in &company.services {
        let key = ("service".to_owned(), service.name.to_owned());
        let service = world.port.entities.get_mut(&key).unwrap();
        let open = serde_json::Value::Bool(false);
        service.properties.insert("locked_in_prod".to_owned(), open);
    }
}

fn lock_again(company: &Company, ran: &mut StepResult) {
    for service in &company.services {
        let key = ("service".to_owned(), service.name.to_owned());
        let was = ran.before.port.entities[&key].clone();
        ran.after.port.entities.insert(key, was);
    }
}

impl StepHand for PlantedFault {
    fn before(&self, script: &Script, place: usize, world: &mut World) {
        match (self, &script.steps[place]) {
            (Self::ProposesAgain, ScriptStep::Run { .. }) => repository(world)
                .pulls
                .retain(|_, pull| !matches!(pull.state, PullState::Closed { .. })),
            (Self::EndsLiveRun, ScriptStep::Resume { .. }) => {
                for run in &mut repository(world).workflow_runs {
                    run.status = "completed".to_owned();
                    run.conclusion.get_or_insert_with(|| "failure".to_owned());
                }
            }
            (Self::BelievesPayload, ScriptStep::Run { click, .. }) => {
                let run = world.port.runs.get_mut(&Script::run_id(*click)).unwrap();
                if script.clicks[*click].state != ClickState::Open {
                    run.status = RunStatus::InProgress;
                    run.action = "promote_to_production".to_owned();
                }
            }
            (Self::SkipsLock, ScriptStep::Run { .. })
            | (Self::ResumesOverLock, ScriptStep::Resume { .. }) => unlock(&script.company, world),
            _ => {}
        }
    }

    fn after(&self, script: &Script, place: usize, ran: &mut StepResult) {
        let step = &script.steps[place];
        let company = &script.company;
        match (self, step) {
            (Self::RecordsTooEarly, ScriptStep::Run { .. }) if ran.ending == Some("waiting") => {
                record_too_early(company, ran);
            }
            (Self::ForgetsToRecord, ScriptStep::Resume { .. }) => {
                for service in &company.services {
                    let was = ran.before.port.entities[&production(service.name)].clone();
                    let entities = &mut ran.after.port.entities;
                    entities.insert(production(service.name), was);
                }
            }
            (Self::ProposesAgain, ScriptStep::Run { .. }) => {
                let pulls = repository(&mut ran.before).pulls.clone();
                for (number, pull) in pulls {
                    let known = &mut repository(&mut ran.after).pulls;
                    known.entry(number).or_insert(pull);
                }
            }
            (Self::IgnoresClose, ScriptStep::Resume { .. }) => {
                for (id, run) in ran.after.port.runs.iter_mut() {
                    if run.label.as_deref() == Some("Closed") {
                        *run = ran.before.port.runs[id].clone();
                    }
                }
            }
            (Self::ChangesMore, step) if runs(step) => change_more(company, ran),
            (Self::IgnoresPlan, ScriptStep::Run { click, .. })
                if script.clicks[*click].is_planned =>
            {
                merge_another(company, ran);
            }
            (Self::WritesElsewhere, ScriptStep::Run { .. }) => {
                for service in &company.services {
                    let key = production(service.name);
                    let (was, now) = (&ran.before.port, &mut ran.after.port.entities);
                    if was.entities[&key].relations != now[&key].relations {
                        let key = ("service".to_owned(), service.name.to_owned());
                        now.get_mut(&key).unwrap().title = Some("Ours".to_owned());
                    }
                }
            }
            (Self::JournalsToken, ScriptStep::Run { .. }) => {
                let token = ran.after.github_token.as_ref().unwrap();
                ran.journal += token.text();
            }
            (Self::NeverEnds, ScriptStep::Run { click, .. }) => {
                let run = ran.after.port.runs.get_mut(&Script::run_id(*click));
                run.unwrap().status = RunStatus::InProgress;
            }
            (Self::EndsLiveRun, ScriptStep::Resume { .. }) => {
                let was = repository(&mut ran.before).workflow_runs.clone();
                repository(&mut ran.after).workflow_runs = was;
            }
            (Self::LeavesNoTrace, step) if runs(step) => {
                let less = |journal: &str| journal.replace("\"call\":\"merge", "\"call\":\"read");
                ran.journal = less(&ran.journal);
                for run in &mut ran.together {
                    run.journal = less(&run.journal);
                }
            }
            (Self::AsksForMore, ScriptStep::Run { .. }) => {
                for request in ran.requests.iter_mut().take(1) {
                    request.path = "/v1/everything".to_owned();
                    request.unknown = true;
                }
            }
            (Self::BelievesPayload, ScriptStep::Run { click, .. }) => {
                let id = Script::run_id(*click);
                let was = ran.before.port.runs[&id].clone();
                ran.after.port.runs.insert(id, was);
            }
            (Self::SkipsLock, ScriptStep::Run { .. })
            | (Self::ResumesOverLock, ScriptStep::Resume { .. }) => lock_again(company, ran),
            (Self::BelievesAnyFile, ScriptStep::Run { .. }) => {
                for service in &company.services {
                    let image = entity(service.name, service.images);
                    if staged(&ran.after, service.name).as_ref() == Some(&image) {
                        record(&mut ran.after, service.name, &image);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The image that staging runs.
fn staged(world: &World, service: &str) -> Option<String> {
    let staging = format!("{service}-staging");
    let runtime = world.port.entity("running_service", &staging)?;
    let image = runtime.relations.get("image")?;
    image.identifiers().first().cloned()
}

fn record_too_early(company: &Company, ran: &mut StepResult) {
    for service in &company.services {
        let folder = format!("promote/{}/", service.name);
        let mut pulls = repository(&mut ran.after).pulls.values();
        let is_proposed =
            pulls.any(|pull| pull.state == PullState::Open && pull.head.starts_with(&folder));
        if let (true, Some(image)) = (is_proposed, staged(&ran.after, service.name)) {
            record(&mut ran.after, service.name, &image);
        }
    }
}

fn change_more(company: &Company, ran: &mut StepResult) {
    let ours = BaseHistory::between(&ran.before, &ran.after).ours();
    for service in &company.services {
        let path = company.path(service.name);
        let image = held(company, &ran.after, service.name);
        if let (true, Some(image)) = (ours.iter().any(|change| change.path == path), image) {
            let text = company.manifest(service.name, image, 9);
            let files = [(path, FileSpec::from(text))];
            ran.after
                .github
                .commit_files_by("promote-bot", REPOSITORY, BASE, "Promote", files)
                .unwrap();
        }
    }
}

/// Leaves an image on the base and in the catalog that comes after the one which a run has merged.
fn merge_another(company: &Company, ran: &mut StepResult) {
    let ours = BaseHistory::between(&ran.before, &ran.after).ours();
    for service in &company.services {
        let path = company.path(service.name);
        let image = held(company, &ran.after, service.name);
        let Some(image) = image.filter(|image| *image < service.images) else {
            continue;
        };
        if !ours.iter().any(|change| change.path == path) {
            continue;
        }
        let known = ran.after.github.file_at(REPOSITORY, BASE, &path).unwrap();
        let value = |image| company.evidence.value(service.name, image);
        let text = known.replace(&value(image), &value(image + 1));
        let files = [(path, FileSpec::from(text))];
        ran.after
            .github
            .commit_files_by("promote-bot", REPOSITORY, BASE, "Promote", files)
            .unwrap();
        record(
            &mut ran.after,
            service.name,
            &entity(service.name, image + 1),
        );
    }
}

/// Plays scripts with faults.
struct FaultHunt {
    runner: ScenarioRunner,
    runtime: Runtime,
}

impl FaultHunt {
    fn new() -> Self {
        Self {
            runner: ScenarioRunner::new(std::collections::BTreeMap::new()).unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// The law that a script breaks.
    fn broken(&self, script: &Script, fault: Option<PlantedFault>) -> Option<WorldLaw> {
        let hand: &dyn StepHand = match &fault {
            Some(fault) => fault,
            None => &NoHand,
        };
        let played = self.runtime.block_on(play(&self.runner, script, hand));
        let played = played.unwrap();
        if let Some((_, broken)) = &played.broken {
            return Some(broken.law);
        }
        if fault.is_some_and(|fault| fault != PlantedFault::RecordsLess) {
            return None;
        }
        let text = script.scenario("planted", "{ exit = 0 }", &[]);
        let scenario = Scenario::parse(&text, Path::new("planted.toml")).unwrap();
        let policy = self.runner.policy(&scenario).unwrap();
        let replay = JournalReplay {
            runner: &self.runner,
            policy: &policy,
            shelf: &RuleShelf::new(self.runner.engine(), &[], None).unwrap(),
            runtime: &self.runtime,
        };
        let unreplayed = replay.unreplayed(&played, &|recording| {
            if fault.is_some() && recording.steps.len() > 2 {
                recording.steps.remove(1);
            }
        });
        unreplayed.map(|(_, broken)| broken.law)
    }

    /// The seeds until a fault is found by the law that it breaks, from one on. What follows from it may break others before.
    fn seeds(&self, fault: PlantedFault, first: u64) -> u64 {
        let seeds = (first..first + MOST_SEEDS).map(Script::draw);
        let mut fitting = seeds.filter(|script| fault.fits(script));
        let found = fitting.find_map(|script| {
            let law = self.broken(&script, Some(fault));
            (law == Some(fault.law())).then_some(script)
        });
        let script =
            found.unwrap_or_else(|| panic!("{fault:?} is not found in {MOST_SEEDS} seeds"));
        assert_eq!(
            self.broken(&script, None),
            None,
            "{fault:?}: seed {}",
            script.seed
        );
        script.seed - first + 1
    }
}

/// With `PROMOTE_PLANTED=all` each fault is looked for from several seeds on, and the table is printed.
#[test]
#[expect(clippy::print_stderr, reason = "the table")]
fn every_planted_fault_is_found() {
    let searches_all = std::env::var("PROMOTE_PLANTED").as_deref() == Ok("all");
    let hunt = FaultHunt::new();
    let mut table = String::from("fault, law, seeds until it was found\n");
    for fault in PlantedFault::ALL {
        let mut seeds = Vec::new();
        let firsts = match searches_all {
            true => vec![1, 20_001, 40_001, 60_001, 80_001],
            false => vec![fault.near()],
        };
        for first in firsts {
            seeds.push(hunt.seeds(fault, first).to_string());
        }
        let name = format!("{fault:?}");
        let law = fault.law().name();
        let _ = writeln!(table, "{name:<18} {law:<24} {}", seeds.join(", "));
    }
    eprintln!("{table}");
}
