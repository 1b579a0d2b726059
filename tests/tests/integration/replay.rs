//! `promote replay`: the recorded policy does the same again, or the difference is shown.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use promote_core::call::{Call, Reply};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_kit::replay::{
    DecisionChange, DivergenceSide, PolicyTrial, ReplayComparison, ReplayDivergence, ReplayResult,
    RuleChoice, RuleShelf, RunRecording, replay,
};
use promote_kit::scenario::{MadeCall, Scenario, ScenarioBackend, ScenarioRunner};
use promote_kit::test::find;
use promote_tests::bench::TestRun;
use promote_tests::guests;
use tokio::runtime::{Builder, Runtime};

use crate::stage::ProgramStage;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| promote_core::policy::native::engine().unwrap());
static BUILTIN: LazyLock<Policy> =
    LazyLock::new(|| Policy::compile(&ENGINE, promote_intake::builtin::POLICY).unwrap());

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn recording(bench: TestRun) -> RunRecording {
    let journal = runtime().block_on(bench.run()).journal;
    RunRecording::read(journal.as_bytes()).unwrap()
}

fn again(recording: &RunRecording) -> ReplayResult {
    replay(&ENGINE, &BUILTIN, recording, Vec::new(), &runtime())
}

/// Returns the place where it diverges.
fn parts(recording: &RunRecording) -> ReplayDivergence {
    match again(recording).verdict {
        ReplayComparison::Diverged(divergence) => *divergence,
        other => panic!("{other:?}"),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the number of journals")]
fn the_journal_of_every_scenario_replays_exactly() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = [
        ("ungranted", guests::UNGRANTED),
        ("observer", guests::OBSERVER),
        ("incidents.wasm", guests::INCIDENTS),
        ("careless", guests::CARELESS),
    ];
    let named = named.map(|(name, file)| (name.to_owned(), PathBuf::from(file)));
    let runner = ScenarioRunner::new(named.into()).unwrap();
    let shelf = RuleShelf::new(runner.engine(), &[guests::INCIDENTS.into()], None).unwrap();
    let mut asked = 0;
    let mut journals = 0;
    let mut calls = 0;
    for file in find(&[here.join("scenarios"), here.join("guests/scenarios")]).unwrap() {
        let scenario = Scenario::read(&file).unwrap();
        let policy = runner.policy(&scenario).unwrap();
        let made = runtime()
            .block_on(runner.run(&scenario, ScenarioBackend::Mock))
            .unwrap();
        for ran in made.iter().filter(|ran| !ran.journal.is_empty()) {
            assert_eq!(
                MadeCall::of_journal(&ran.journal).unwrap(),
                ran.calls,
                "{}",
                file.display()
            );
            let recording = RunRecording::read(ran.journal.as_bytes()).unwrap();
            let (rules, missing) = shelf.rules(&recording);
            assert!(missing.is_empty(), "{missing:?} of {}", file.display());
            let inquiries = recording.steps.iter().map(|step| step.inquiries.len());
            asked += inquiries.sum::<usize>();
            let replayed = replay(runner.engine(), &policy, &recording, rules, &runtime());
            let same = match &replayed.verdict {
                ReplayComparison::Same { ending } => Some(ending.as_str()) == ran.ending,
                ReplayComparison::Ends => recording.is_cut(),
                ReplayComparison::Diverged(_) => false,
            };
            assert!(
                same && replayed.calls == recording.steps.len(),
                "{}: {replayed:?}",
                file.display()
            );
            (journals, calls) = (journals + 1, calls + replayed.calls);
        }
    }
    eprintln!("{journals} journals with {calls} calls replayed exactly, rules asked {asked} times");
    assert!(journals >= 150, "only {journals} journals were written");
    assert!(asked >= 50, "rules were asked {asked} times only");
}

#[test]
fn whatever_ends_a_policy_ends_it_again() {
    for (guest, deed) in [
        (guests::TRAPPER, ""),
        (guests::UNGRANTED, ""),
        (guests::PEEKER, ""),
        (guests::AHEAD, ""),
        (guests::GLUTTON, "loop"),
        (guests::GLUTTON, "notes"),
        (guests::GLUTTON, "naps"),
        (guests::GLUTTON, "memory"),
        (guests::GLUTTON, "recursion"),
        (guests::GLUTTON, "a long text"),
        (guests::GLUTTON, "print and go on"),
        (guests::FALLER, "panic"),
        (guests::FALLER, "not utf-8"),
        (guests::FALLER, "lie promoted"),
        (guests::FALLER, "lie other"),
        (guests::FALLER, "lie waiting"),
        (guests::FALLER, "no reason"),
        (guests::FALLER, "gives up"),
    ] {
        // Only those that never end by themselves need a short time; a busy machine takes longer for the others.
        let wall = if ["loop", "naps"].contains(&deed) {
            "1s"
        } else {
            "1m"
        };
        let limits = format!("wall = \"{wall}\"\ncalls = 20");
        let recording = recording(TestRun::guest(guest).deed(deed).limits(&limits));
        let policy = Policy::compile(&ENGINE, &std::fs::read(guest).unwrap()).unwrap();
        let replayed = replay(&ENGINE, &policy, &recording, Vec::new(), &runtime());
        let ended = matches!(
            replayed.verdict,
            ReplayComparison::Same { .. } | ReplayComparison::Ends
        );
        assert!(
            ended && replayed.calls == recording.steps.len(),
            "{guest} {deed}: {replayed:?}"
        );
    }
}

#[test]
fn a_cut_journal_replays_to_where_it_was_cut() {
    let journal = runtime().block_on(TestRun::builtin().run()).journal;
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    // The last line says that Port was told, which is after the policy.
    for kept in 1..lines.len() - 1 {
        let text = lines[..kept].concat() + &lines[kept][..lines[kept].len() / 2];
        let recording = RunRecording::read(text.as_bytes()).unwrap();
        let replayed = again(&recording);
        assert!(
            matches!(replayed.verdict, ReplayComparison::Ends),
            "{kept} lines: {replayed:?}"
        );
        assert_eq!(replayed.calls, kept / 2, "{kept} lines");
    }
}

#[test]
fn another_call_than_the_recorded_one_stops_it_and_both_are_shown() {
    let mut recording = recording(TestRun::builtin());
    let at = recording
        .steps
        .iter()
        .position(|step| matches!(step.call, Call::Propose { .. }))
        .unwrap();
    let Call::Propose { proposal } = &mut recording.steps[at].call else {
        unreachable!()
    };
    proposal.changes[0].content = proposal.changes[0]
        .content
        .replace("web:1.4.2", "web:6.6.6");
    let divergence = parts(&recording);
    assert_eq!(
        (divergence.number, divergence.line),
        (at + 1, recording.steps[at].line)
    );
    let shown = divergence.show();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].starts_with("recorded  propose acme/gitops"),
        "{shown}"
    );
    assert!(
        lines[1].starts_with("now       propose acme/gitops"),
        "{shown}"
    );
    assert!(
        lines[2].contains("content, line") && lines[2].contains("web:6.6.6"),
        "{shown}"
    );
    assert!(
        lines[2].split(" | ").nth(1).unwrap().contains("web:1.4.2"),
        "{shown}"
    );
}

#[test]
fn what_is_answered_otherwise_goes_otherwise() {
    let mut recording = recording(TestRun::builtin());
    let lock = |reply: &mut Reply| {
        let Reply::Entity(Some(service)) = reply else {
            return false;
        };
        service.properties = service
            .properties
            .replace("\"locked_in_prod\":false", "\"locked_in_prod\":true");
        service.key.blueprint == "service"
    };
    let replies = recording
        .steps
        .iter_mut()
        .filter_map(|step| step.answer.as_mut()?.result.as_mut().ok());
    assert_eq!(replies.map(lock).filter(|locked| *locked).count(), 1);
    let divergence = parts(&recording);
    assert!(
        matches!(divergence.recorded, DivergenceSide::Call(_)),
        "{divergence:?}"
    );
    assert!(
        divergence.now.words().starts_with("the end: refused"),
        "{}",
        divergence.now.words()
    );
}

#[test]
fn an_early_end_and_another_ending_are_divergences_too() {
    let whole = recording(TestRun::builtin());
    let mut ended = whole.clone();
    ended.footer.as_mut().unwrap().ending = "refused".to_owned();
    let divergence = parts(&ended);
    assert!(
        divergence
            .recorded
            .words()
            .starts_with("the end: refused: "),
        "{divergence:?}"
    );
    assert!(
        divergence.now.words().starts_with("the end: promoted: "),
        "{divergence:?}"
    );
    let mut longer = whole.clone();
    longer.steps.push(longer.steps[0].clone());
    assert!(matches!(parts(&longer).recorded, DivergenceSide::Call(_)));
    let mut shorter = whole;
    shorter.steps.pop();
    let divergence = parts(&shorter);
    assert!(
        matches!(
            (&divergence.recorded, &divergence.now),
            (DivergenceSide::Ending(_), DivergenceSide::Call(_))
        ),
        "{divergence:?}"
    );
}

/// A recorded run of the built-in policy, of a scenario with rules.
fn ruled(scenario: &str) -> (ScenarioRunner, Policy, RunRecording) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = [(
        "incidents.wasm".to_owned(),
        PathBuf::from(guests::INCIDENTS),
    )];
    let runner = ScenarioRunner::new(named.into()).unwrap();
    let scenario = Scenario::read(&here.join("scenarios").join(scenario)).unwrap();
    let policy = runner.policy(&scenario).unwrap();
    let made = runtime().block_on(runner.run(&scenario, ScenarioBackend::Mock));
    let recording = RunRecording::read(made.unwrap()[0].journal.as_bytes()).unwrap();
    (runner, policy, recording)
}

#[test]
fn rules_that_say_something_else_are_a_divergence() {
    let (runner, policy, recorded) = ruled("rule-agrees.toml");
    let shelf = RuleShelf::new(runner.engine(), &[guests::INCIDENTS.into()], None).unwrap();
    // An incident that was closed is open: all else is as it was.
    let mut altered = recorded.clone();
    for step in &mut altered.steps {
        for fact in &mut step.facts {
            if let Ok(Reply::Found(found)) = &mut fact.answer.result {
                let mut incident = recorded.header.request.subject.clone();
                incident.key.blueprint = "incident".to_owned();
                found.push(incident);
            }
        }
    }
    let (rules, _) = shelf.rules(&altered);
    let replayed = replay(runner.engine(), &policy, &altered, rules, &runtime());
    let ReplayComparison::Diverged(divergence) = replayed.verdict else {
        panic!("{replayed:?}");
    };
    assert_eq!(divergence.recorded.words(), "the rules: nothing against it");
    assert!(
        divergence.now.words().contains("(incidents)"),
        "{divergence:?}"
    );
    // Without the component, what the rule said is taken as recorded.
    let none = RuleShelf::new(runner.engine(), &[], None).unwrap();
    let (rules, missing) = none.rules(&altered);
    assert_eq!((rules.len(), missing), (0, vec!["incidents".to_owned()]));
}

#[test]
fn a_backtest_asks_the_rules_again() {
    for (scenario, ending) in [
        ("rule-agrees.toml", "promoted"),
        ("rule-refuses.toml", "refused"),
        ("rule-stops-the-merge.toml", "refused"),
        ("rule-while-waiting.toml", "refused"),
        ("expression-agrees.toml", "promoted"),
        ("expression-while-waiting.toml", "refused"),
        ("rules-told-at-once.toml", "refused"),
        ("rule-waits.toml", "waiting"),
        ("rule-waits-to-merge.toml", "waiting"),
    ] {
        let (runner, policy, recorded) = ruled(scenario);
        let files = [PathBuf::from(guests::INCIDENTS)];
        let shelf = RuleShelf::new(runner.engine(), &files, None).unwrap();
        let trial = PolicyTrial {
            engine: runner.engine(),
            policy: &policy,
            settings: None,
            limits: None,
            rules: RuleChoice::Recorded(&shelf),
        };
        let tried = trial.on(recorded.clone(), &runtime());
        assert_eq!(tried.change, DecisionChange::Same, "{scenario}: {tried:?}");
        assert_eq!(tried.new.unwrap().kind, ending, "{scenario}");

        // Without rules, nothing but the rules is gone.
        let without = PolicyTrial {
            rules: RuleChoice::Configured(&[]),
            ..trial
        };
        let tried = without.on(recorded.clone(), &runtime());
        // The policy has a reason of its own there.
        let flips = ending != "promoted" && scenario != "rules-told-at-once.toml";
        assert_eq!(
            tried.change == DecisionChange::Same,
            ending == "promoted",
            "{scenario}: {tried:?}"
        );
        let is_promoted = tried.new.is_some_and(|new| new.kind == "promoted");
        assert!(
            is_promoted || !flips || tried.change == DecisionChange::Unknown,
            "{scenario}"
        );
    }
    let (runner, policy, recorded) = ruled("rule-agrees.toml");
    let none = RuleShelf::new(runner.engine(), &[], None).unwrap();
    let trial = PolicyTrial {
        engine: runner.engine(),
        policy: &policy,
        settings: None,
        limits: None,
        rules: RuleChoice::Recorded(&none),
    };
    let tried = trial.on(recorded, &runtime());
    assert_eq!(tried.change, DecisionChange::Unknown);
    assert!(tried.why.contains("--rule-component"), "{}", tried.why);
}

#[tokio::test]
async fn new_rules_of_a_configuration_flip_recorded_promotions() {
    let stage = ProgramStage::sample().await;
    stage.run(&["--journal", "run.jsonl"]).await.expect(0);
    let config = std::fs::read_to_string(stage.path("promote.toml")).unwrap();
    let rule =
        "[[rule]]\nname = \"own\"\ndeny = \"true\"\nmessage = \"no {service.identifier}\"\n\n";
    stage.write("ruled.toml", &format!("{rule}{config}"));
    stage
        .promote(&["replay", "run.jsonl", "--config", "ruled.toml"])
        .await
        .expect(0)
        .expect_said("promoted → refused (own)");
}

#[tokio::test]
async fn the_program_replays_what_it_ran() {
    let stage = ProgramStage::sample().await;
    stage.run(&["--journal", "run.jsonl"]).await.expect(0);
    let requests = stage.witness.requests();
    stage
        .promote(&["replay", "run.jsonl"])
        .await
        .expect(0)
        .expect_said("calls, promoted");
    let other = stage
        .promote(&["replay", "run.jsonl", "--component", guests::OBSERVER])
        .await;
    other
        .expect(2)
        .expect_said("it was recorded with the policy")
        .expect_said("--component FILE");

    let journal = std::fs::read_to_string(stage.path("run.jsonl")).unwrap();
    stage.write(
        "edited.jsonl",
        &journal.replacen("web-1.4.2", "web-1.4.3", 1),
    );
    let all = stage.promote(&["replay", ".", "--format", "json"]).await;
    let all = all.expect(2).json();
    assert_eq!(
        (&all["same"], &all["unusable"]),
        (&1.into(), &1.into()),
        "{all}"
    );
    let words = all["journals"][0]["why"].as_str().unwrap();
    assert!(words.contains("`promote verify` says what"), "{words}");
    assert_eq!(stage.witness.requests(), requests, "a replay asks nobody");
}
