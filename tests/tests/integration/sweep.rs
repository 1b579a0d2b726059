//! The fault sweep: of some calls here, of all where an optimised build runs it (`make sweep`). And that it finds what it
//! is for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use promote_kit::scenario::{Scenario, ScenarioReport, ScenarioRunner};
use promote_kit::test::{SweepTotals, sweep_all};
use promote_tests::guests;

static RUNNER: LazyLock<Arc<ScenarioRunner>> = LazyLock::new(|| {
    let named = [("careless".to_owned(), PathBuf::from(guests::CARELESS))];
    Arc::new(ScenarioRunner::new(named.into()).unwrap())
});

async fn sweep(scenario: &Scenario, only: &str) -> (ScenarioReport, SweepTotals) {
    let (mut reports, totals, _) = sweep_all(
        &RUNNER,
        vec![scenario.clone()],
        &only.parse().unwrap(),
        &|_| {},
    )
    .await
    .unwrap();
    (reports.remove(0), totals)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_policy_stands_every_failure_of_what_it_does_to_git_and_catalog() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for (name, calls) in [
        (
            "happy",
            &["read-file", "propose", "merge", "update-entity"][..],
        ),
        ("undone-and-again", &["merge", "update-entity"]),
        ("human-closed", &["propose"]),
    ] {
        let scenario = Scenario::read(&scenarios.join(name).with_extension("toml")).unwrap();
        for call in calls {
            let (report, totals) = sweep(&scenario, &format!("{name}:{call}:*")).await;
            assert_eq!(totals.broken(), 0, "{name}: {:#?}", report.problems);
            assert!(
                totals.injections() >= 10,
                "{name} {call}: only {} injections",
                totals.injections()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_careless_policy_breaks_is_found_and_can_be_repeated() {
    for (deed, shot, broken) in [
        (
            "forgetful",
            "careless:3:kill-before",
            "2 one pull request, same end",
        ),
        ("hasty", "careless:merge:rejected", "no crash"),
        ("hasty", "careless:merge:unavailable", "no crash"),
        ("panicky", "careless:propose:conflict", "no crash"),
    ] {
        let text = format!(
            "expect.outcome = \"promoted\"\n[config.policy]\ncomponent = \"careless\"\nsettings = {{ deed = \"{deed}\" }}"
        );
        let scenario = Scenario::parse(&text, Path::new("careless.toml")).unwrap();
        assert!(
            RUNNER.test(&scenario, false).await.unwrap().passed(),
            "{deed}"
        );
        let (report, totals) = sweep(&scenario, shot).await;
        let keys: Vec<&str> = report
            .problems
            .iter()
            .map(|problem| problem.mismatch.key.as_str())
            .collect();
        assert!(
            keys.contains(&broken),
            "{deed} with {shot}: {:#?}",
            report.problems
        );
        assert_eq!(totals.injections(), 1);
        let shown = promote_kit::test::show(&report);
        let command = "again: promote test careless.toml --sweep --seed 7 --only 'careless:";
        assert!(
            shown.contains(command) && shown.contains("calls of the run after it"),
            "{shown}"
        );
    }
}
