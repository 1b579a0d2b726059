//! The generator's scripts are scenarios, and each law is seen to be broken in a world where somebody has broken it.

use std::path::Path;

use super::company::{BASE, Company, CompanyService, PEOPLE, REPOSITORY};
use super::customs::{BranchRule, CompanyGuard, ManifestLayout, MergeMode};
use super::deed::Deed;
use super::evidence::ImageEvidence;
use super::judge::Judge;
use super::law::WorldLaw;
use super::script::{ClickState, ClickWish, PortClick, Script, ScriptStep};
use super::weather::Weather;
use crate::scenario::{Scenario, ScenarioRunner, StepResult};
use promote_core::run::RunMode;
use promote_mock::port::{RelationTargets, RunStatus};

#[test]
fn every_seed_makes_a_scenario_and_always_the_same() {
    for seed in 0..300 {
        let script = Script::draw(seed);
        assert_eq!(script, Script::draw(seed));
        let text = script.scenario("drawn", "{ exit = 0 }", &[]);
        let read = Scenario::parse(&text, Path::new("drawn.toml"));
        let read = read.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(read.steps.len(), script.steps.len());
    }
}

/// A company of one service that runs 1.1.0 in production and 1.2.0 in staging.
fn company() -> Company {
    Company {
        services: vec![CompanyService {
            name: "alpha",
            images: 3,
            staging: 2,
        }],
        layout: ManifestLayout::Kubernetes,
        mode: MergeMode::Merge,
        rule: BranchRule::Nothing,
        weather: Weather {
            unknown_mergeable: 1,
            ..Weather::default()
        },
        supersedes: false,
        follows_staging: false,
        is_executable: false,
        guard: CompanyGuard::Lock,
        evidence: ImageEvidence::Nothing,
        decorates: false,
        is_kept: false,
        decoy: false,
    }
}

fn script(state: ClickState, deeds: &[Deed], runs: usize) -> Script {
    let click = PortClick {
        service: 0,
        wish: ClickWish::Promote,
        state,
        by: PEOPLE[1],
        is_planned: false,
    };
    let deeds = deeds.iter().map(|deed| ScriptStep::Deed(*deed));
    let runs = (0..runs).map(|click| ScriptStep::Run {
        click,
        faults: Vec::new(),
        trouble: None,
    });
    let steps: Vec<ScriptStep> = deeds.chain(runs).collect();
    Script {
        seed: 0,
        company: company(),
        clicks: vec![click; steps.len()],
        settling: steps.len(),
        steps,
    }
}

/// Plays a script, and looks at its last step after `tamper` has had its way with it.
async fn look(script: &Script, tamper: impl Fn(&mut StepResult)) -> Vec<WorldLaw> {
    let text = script.scenario("tampered", "{ exit = 0 }", &[]);
    let scenario = Scenario::parse(&text, Path::new("tampered.toml")).unwrap();
    let runner = ScenarioRunner::new(std::collections::BTreeMap::new()).unwrap();
    let mut judge = Judge::default();
    let mut world = scenario.world.clone();
    let mut laws = Vec::new();
    for (place, step) in scenario.steps.iter().enumerate() {
        let mut ran = runner
            .strike(&scenario, world, step, place, None)
            .await
            .unwrap();
        if place + 1 == scenario.steps.len() {
            tamper(&mut ran);
        }
        world = ran.after.clone();
        laws = judge
            .look(script, place, &ran)
            .into_iter()
            .map(|broken| broken.law)
            .collect();
    }
    laws
}

fn write_into_the_catalog(ran: &mut StepResult, image: &str) {
    let key = ("running_service".to_owned(), "alpha-prod".to_owned());
    let runtime = ran.after.port.entities.get_mut(&key).unwrap();
    let image = RelationTargets::One(image.to_owned());
    runtime.relations.insert("image".to_owned(), image);
}

/// Commits as the program does, past the gate.
fn commit(ran: &mut StepResult, path: &str, text: String) {
    let files = [(path.to_owned(), promote_mock::github::FileSpec::from(text))];
    ran.after
        .github
        .commit_files_by("promote-bot", REPOSITORY, BASE, "Promote", files)
        .unwrap();
}

#[tokio::test]
async fn what_the_program_does_today_breaks_no_law() {
    for (state, deeds, runs) in [
        (ClickState::Open, vec![], 1),
        (ClickState::Open, vec![], 2),
        (ClickState::Declined, vec![], 1),
        (
            ClickState::Open,
            vec![Deed::Lock {
                service: 0,
                locked: true,
            }],
            1,
        ),
    ] {
        let script = script(state, &deeds, runs);
        assert_eq!(look(&script, |_| {}).await, [], "{script:?}");
    }
}

#[tokio::test]
async fn a_broken_law_is_seen() {
    let open = script(ClickState::Open, &[], 1);
    let twice = script(ClickState::Open, &[], 2);
    let declined = script(ClickState::Declined, &[], 1);
    let locked = Deed::Lock {
        service: 0,
        locked: true,
    };
    let locked = script(ClickState::Open, &[locked], 1);
    let path = "apps/alpha/prod/deployment.yaml";
    let manifest = |image: u32, replicas: u32| company().manifest("alpha", image, replicas);

    let ahead = look(&open, |ran| write_into_the_catalog(ran, "alpha-1.3"));
    assert!(ahead.await.contains(&WorldLaw::Catalog));
    let behind = look(&twice, |ran| {
        write_into_the_catalog(ran, "alpha-1.1");
        ran.before = ran.after.clone();
    });
    assert!(!behind.await.is_empty());
    let once = look(&twice, |ran| {
        ran.after.github.close_pull_request(REPOSITORY, 1);
        commit(ran, "NOTES", "again".to_owned());
    });
    assert!(once.await.contains(&WorldLaw::Once));
    let proposed = look(&open, |ran| commit(ran, path, manifest(2, 9)));
    assert!(proposed.await.contains(&WorldLaw::Proposed));
    let mut planned = open.clone();
    planned.clicks[0].is_planned = true;
    assert_eq!(look(&planned, |_| {}).await, []);
    let another = look(&planned, |ran| commit(ran, path, manifest(3, 3)));
    assert!(another.await.contains(&WorldLaw::Proposed));
    let changing = look(&planned, |ran| {
        ran.mode = Some(RunMode::Plan);
    });
    assert!(changing.await.contains(&WorldLaw::Authority));
    let elsewhere = look(&open, |ran| commit(ran, "OWNERS", "us".to_owned()));
    assert!(elsewhere.await.contains(&WorldLaw::Proposed));
    let authority = look(&open, |ran| {
        let key = ("service".to_owned(), "web".to_owned());
        ran.after.port.entities.get_mut(&key).unwrap().title = Some("Ours".to_owned());
    });
    assert!(authority.await.contains(&WorldLaw::Authority));
    let secrets = look(&open, |ran| ran.leaks.push("the journal"));
    assert!(secrets.await.contains(&WorldLaw::Secrets));
    let said = look(&open, |ran| {
        for run in ran.after.port.runs.values_mut() {
            run.status = RunStatus::InProgress;
        }
    });
    assert!(said.await.contains(&WorldLaw::Said));
    let trace = look(&open, |ran| ran.journal = String::new());
    assert!(trace.await.contains(&WorldLaw::Trace));
    let routes = look(&open, |ran| ran.requests[0].unknown = true);
    assert!(routes.await.contains(&WorldLaw::Routes));
    let believed = look(&declined, |ran| write_into_the_catalog(ran, "alpha-1.2"));
    assert!(believed.await.contains(&WorldLaw::Believed));
    let rules = look(&locked, |ran| commit(ran, path, manifest(2, 3)));
    assert!(rules.await.contains(&WorldLaw::Rules));
    let sound = look(&open, |ran| ran.ending = Some("violation"));
    assert!(sound.await.contains(&WorldLaw::Sound));
}
