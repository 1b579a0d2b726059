//! `promote replay --backtest`: what another policy would have decided on recorded runs.
//!
//! The judge is reality: each recorded run has a world, and the other policy is run for real in the same one.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_intake::config::Config;
use promote_kit::replay::{DecisionChange, PolicyTrial, RuleChoice, RunRecording, TrialResult};
use promote_mock::{World, sample};
use promote_tests::bench::TestRun;
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::stage::ProgramStage;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| promote_core::policy::native::engine().unwrap());
static BUILTIN: LazyLock<Policy> =
    LazyLock::new(|| Policy::compile(&ENGINE, promote_intake::builtin::POLICY).unwrap());

/// A Tuesday.
const START: &str = "2026-01-06T10:00:00Z";

/// From Friday afternoon to the end of the weekend, in UTC.
const FREEZE: &str =
    "freeze = { zone = \"UTC0\", windows = [\"* 16-23 * * fri\", \"* * * * sat,sun\"] }";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// One recorded run: when, of which service, and in what state the world was.
#[derive(Clone, Copy, Debug)]
struct BacktestCase(usize);

impl BacktestCase {
    fn all(count: usize) -> impl Iterator<Item = Self> {
        (0..count).map(Self)
    }

    fn service(self) -> &'static str {
        ["web", "api", "shop"][self.0 % 3]
    }

    /// Every 37 minutes and 5 seconds: more than a week in 300 runs.
    fn start(self) -> jiff::Timestamp {
        let start: jiff::Timestamp = START.parse().unwrap();
        start + jiff::SignedDuration::from_secs(i64::try_from(self.0).unwrap() * 2_225)
    }

    /// Returns whether [`FREEZE`] holds then, by arithmetic: seconds since Tuesday, 6 January, 10:00.
    fn is_frozen(self) -> bool {
        let minutes = self.0 * 2_225 / 60 + 10 * 60;
        let day = minutes / (24 * 60) % 7;
        let hour = minutes / 60 % 24;
        matches!((day, hour), (3, 16..) | (4 | 5, _))
    }

    fn named(self, text: &str) -> String {
        text.replace("web", self.service())
    }

    fn world(self) -> World {
        let text = sample::SAMPLE.replace(START, &self.start().to_string());
        let text = match self.0 % 10 {
            6 => text.replace("locked_in_prod = false", "locked_in_prod = true"),
            7 => text.replacen("\"Healthy\"", "\"Degraded\"", 1),
            8 => text.replace("acme/web:1.4.1 # set", "acme/web:1.4.2 # set"),
            9 => {
                text + "\n[[faults]]\nservice = \"github\"\nmethod = \"POST\"\npath = \"/repos/**\"\ntimes = 1000\nthen = { cut = \"before\" }\n"
            }
            _ => text,
        };
        World::from_toml(&self.named(&text), Path::new("")).unwrap()
    }

    /// Runs it for real.
    fn run(self, settings: SampleConfig) -> (String, String) {
        let payload = self.named(&sample::payload().to_string());
        let bench = TestRun::builtin()
            .settings(settings)
            .world(self.world())
            .payload(payload);
        let ended = runtime().block_on(bench.run());
        (ended.done.ending.kind().to_owned(), ended.journal)
    }
}

/// Tries settings on a recorded run of the default policy.
fn tried(journal: &str, settings: Option<&SampleConfig>) -> TrialResult {
    let config = settings.map(|settings| Config::parse(&settings.text()).unwrap());
    let trial = PolicyTrial {
        engine: &ENGINE,
        policy: &BUILTIN,
        settings: config.as_ref().map(|config| config.policy.settings()),
        limits: None,
        rules: RuleChoice::Configured(&[]),
    };
    trial.on(RunRecording::read(journal.as_bytes()).unwrap(), &runtime())
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts and the time")]
fn a_new_freeze_flips_exactly_the_promotions_that_fall_into_it() {
    let frozen = SampleConfig::default().more(FREEZE);
    let mut flipped = 0;
    let mut changed = 0;
    let mut took = 0.0;
    for case in BacktestCase::all(300) {
        let (old, journal) = case.run(SampleConfig::default());
        let (real, _) = case.run(frozen.clone());
        let started = Instant::now();
        let tried = tried(&journal, Some(&frozen));
        took += started.elapsed().as_secs_f64();
        let new = tried
            .new
            .as_ref()
            .unwrap_or_else(|| panic!("{case:?}: {}", tried.why));
        assert_eq!(
            (tried.old.as_ref().unwrap().kind.as_str(), new.kind.as_str()),
            (&*old, &*real),
            "{case:?}"
        );
        let flips = old != real;
        assert_eq!(
            tried.change == DecisionChange::Flipped,
            flips,
            "{case:?} {old}: {tried:?}"
        );
        if old == "promoted" || old == "failed" {
            assert_eq!(flips, case.is_frozen(), "{case:?} {old}: {tried:?}");
        }
        if flips {
            assert_eq!(new.rules, ["freeze"], "{case:?}");
            assert!(
                tried.why.contains("in the freeze") && tried.new_writes.is_empty(),
                "{tried:?}"
            );
        }
        flipped += usize::from(flips);
        changed += usize::from(tried.change == DecisionChange::Changed);
    }
    eprintln!(
        "300 journals: {flipped} flip, {changed} refuse for one more reason; {:.0} a second",
        300.0 / took
    );
    assert!(flipped > 50 && changed > 10, "{flipped} {changed}");
}

#[test]
fn what_is_predicted_is_what_happens_and_the_rest_is_unknown() {
    for (settings, at_least) in [
        // A run that was refused had not looked for other pull requests yet.
        ("lock = { enabled = false }", 9),
        ("health = { enabled = false }", 9),
        ("method = \"rebase\"", 10),
        ("title = \"Ship {image.title}\"", 10),
        ("mode = \"pull-request\"", 3),
        ("mode = \"checks\"", 3),
        ("base = \"release\"", 0),
    ] {
        let other = SampleConfig::default().more(settings);
        let mut known = 0;
        for case in BacktestCase::all(10) {
            let (old, journal) = case.run(SampleConfig::default());
            let tried = tried(&journal, Some(&other));
            let Some(new) = &tried.new else {
                assert!(
                    tried.why.starts_with("the recording has no answer to it: "),
                    "{settings}: {}",
                    tried.why
                );
                continue;
            };
            let (real, _) = case.run(other.clone());
            assert_eq!(new.kind, real, "{settings} {case:?} {old}: {tried:?}");
            known += 1;
        }
        assert!(
            (at_least..=10).contains(&known),
            "{settings}: {known} are known"
        );
    }
}

#[test]
fn the_recorded_policy_and_settings_change_nothing() {
    for case in BacktestCase::all(10) {
        let (old, journal) = case.run(SampleConfig::default());
        let tried = tried(&journal, None);
        assert_eq!(
            (tried.change, tried.parting.is_none()),
            (DecisionChange::Same, true),
            "{case:?} {old}: {tried:?}"
        );
        assert!(!tried.simulated);
    }
}

#[test]
fn what_was_cut_is_unknown() {
    let (_, journal) = BacktestCase(0).run(SampleConfig::default());
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    for kept in 1..lines.len() - 1 {
        let tried = tried(&lines[..kept].concat(), None);
        assert_eq!(
            (tried.change, tried.old),
            (DecisionChange::Unknown, None),
            "{kept} lines"
        );
    }
    // A rule that refuses on what was read before the cut decides all the same.
    let refused = tried(
        &lines[..lines.len() - 1].concat(),
        Some(&SampleConfig::default().more("freeze = { windows = [\"* * * * *\"] }")),
    );
    assert_eq!(refused.new.unwrap().kind, "refused");
}

/// A folder with recorded runs, one of them hostile.
async fn folder() -> ProgramStage {
    let stage = ProgramStage::sample().await;
    std::fs::create_dir(stage.path("journals")).unwrap();
    for case in BacktestCase::all(12).chain([BacktestCase(150)]) {
        let (_, journal) = tokio::task::spawn_blocking(move || case.run(SampleConfig::default()))
            .await
            .unwrap();
        stage.write(&format!("journals/{:03}.jsonl", case.0), &journal);
    }
    let mut world = World::sample();
    let service = world
        .port
        .entities
        .get_mut(&("service".to_owned(), "web".to_owned()))
        .unwrap();
    service
        .properties
        .insert("locked_in_prod".to_owned(), json!(true));
    service.properties.insert(
        "locked_reason_prod".to_owned(),
        json!("</td><script>alert(1)</script>\u{202e}"),
    );
    let hostile = TestRun::builtin().world(world).run().await;
    stage.write("journals/hostile.jsonl", &hostile.journal);
    stage.write("frozen.toml", &SampleConfig::default().more(FREEZE).text());
    stage
}

#[tokio::test]
async fn the_program_reports_for_people_machines_and_browsers() {
    let stage = folder().await;
    let shown = stage
        .promote(&["replay", "--config", "frozen.toml", "journals"])
        .await;
    shown
        .expect(0)
        .expect_said("14 runs: ")
        .expect_said("promoted → refused (freeze)");

    let told = stage
        .promote(&[
            "replay",
            "--config",
            "frozen.toml",
            "--format",
            "json",
            "journals",
        ])
        .await;
    let told = told.expect(0).json();
    assert_eq!(
        (&told["flipped"], &told["unknown"]),
        (&json!(1), &json!(0)),
        "{told:#}"
    );
    let runs = told["runs"].as_array().unwrap();
    let flipped = runs.iter().find(|run| run["change"] == "flipped").unwrap();
    assert_eq!(
        (&flipped["new"]["rules"], &flipped["path"]),
        (&json!(["freeze"]), &json!("journals/150.jsonl"))
    );

    let page = stage
        .promote(&[
            "replay",
            "--config",
            "frozen.toml",
            "--format",
            "html",
            "journals",
        ])
        .await;
    let page = &page.expect(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(
        !page.contains("<script")
            && page.contains("&lt;script&gt;alert(1)")
            && !page.contains('\u{202e}')
    );
    for elsewhere in ["http://", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    assert_eq!(stage.witness.requests(), 0, "a report asks nobody");
}

#[tokio::test]
async fn another_policy_is_tried_and_what_cannot_be_is_named() {
    let stage = folder().await;
    let tried = stage
        .promote(&[
            "replay",
            "--backtest",
            "--component",
            guests::OBSERVER,
            "journals",
            "--format",
            "json",
        ])
        .await;
    let tried = tried.expect(0).json();
    assert_eq!(tried["runs"].as_array().unwrap().len(), 14);
    let flip = tried["flips"]
        .as_array()
        .unwrap()
        .iter()
        .find(|flip| flip["flip"] == "promoted → refused (observer)");
    assert!(flip.is_some(), "{:#}", tried["flips"]);
    stage.write("journals/broken.jsonl", "{}\n");
    let tried = stage
        .promote(&["replay", "--backtest", "--component", "builtin", "journals"])
        .await;
    tried
        .expect(2)
        .expect_said("broken.jsonl")
        .expect_said("1 unusable")
        .expect_said("14 same");
    let html = stage
        .promote(&["replay", "--format", "html", "journals"])
        .await;
    html.expect(2).expect_said("`--backtest`");
}
