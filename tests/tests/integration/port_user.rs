//! The run as Port's user sees it: status, a label of a few words, links to click on, and plain words, for each way to end.

use std::io::Write as _;

use promote_mock::fault::CannedAnswer;
use promote_mock::sample::RUN;
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

/// A way to end.
struct SeenRun {
    name: &'static str,
    world: fn(&mut World),
    settings: fn(SampleConfig) -> SampleConfig,
    status: &'static str,
    label: &'static str,
    /// Whether there is a pull request to click on.
    has_pull_request: bool,
    /// The end of the log.
    says: &'static str,
}

const LEAVE: fn(&mut World) = |_| {};
const KEEP: fn(SampleConfig) -> SampleConfig = |settings| settings;

fn forbid(world: &mut World, service: ServiceName, method: &str, path: &str) {
    let no = CannedAnswer {
        status: 403,
        ..CannedAnswer::bad_gateway()
    };
    let fault = world
        .faults
        .next(service, method, path, FaultEffect::Answer(no));
    fault.unwrap().times = 100;
}

const RUNS: &[SeenRun] = &[
    SeenRun {
        name: "promoted",
        world: LEAVE,
        settings: KEEP,
        status: "SUCCESS",
        label: "Promoted",
        has_pull_request: true,
        says: "promoted ghcr.io/acme/web:1.4.2 in place of ghcr.io/acme/web:1.4.1, by pull request #1",
    },
    SeenRun {
        name: "waiting",
        world: LEAVE,
        settings: |settings| settings.setting("mode", "pull-request"),
        status: "IN_PROGRESS",
        label: "Waits for merge",
        has_pull_request: true,
        says: "pull request #1 for ghcr.io/acme/web:1.4.2 is open and waits for",
    },
    SeenRun {
        name: "refused",
        world: |world| *world = crate::exit_codes::locked(),
        settings: KEEP,
        status: "FAILURE",
        label: "Refused",
        has_pull_request: false,
        says: "(lock)",
    },
    SeenRun {
        name: "failed",
        world: |world| {
            forbid(world, ServiceName::Port, "POST", "/v1/entities/search");
            forbid(
                world,
                ServiceName::Port,
                "GET",
                "/v1/blueprints/running_service/**",
            );
        },
        settings: KEEP,
        status: "FAILURE",
        label: "Failed",
        has_pull_request: false,
        says: "Port says no (403)",
    },
    SeenRun {
        name: "violation",
        world: LEAVE,
        settings: |settings| {
            let narrow = "[[grants]]\nallow = [\"run.note\"]\n\n[[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\"]\n";
            settings.grants(narrow)
        },
        status: "FAILURE",
        label: "Grants broken",
        has_pull_request: false,
        says: "the policy broke its grants",
    },
    SeenRun {
        name: "limit",
        world: LEAVE,
        settings: |settings| settings.limits("calls = 3"),
        status: "FAILURE",
        label: "Limit reached",
        has_pull_request: false,
        says: "limits.calls",
    },
];

#[tokio::test]
async fn each_ending_has_links_a_short_label_and_plain_words() {
    let mut table = String::from("outcome | status | label | links | last line\n");
    for seen in RUNS {
        let mut world = World::sample();
        (seen.world)(&mut world);
        let stage = ProgramStage::of(world).await;
        let stage = stage.settings(&(seen.settings)(SampleConfig::default()));
        let ended = stage.run(&[]).await;
        let world = stage.world.lock();
        let run = &world.port.runs[RUN];
        let last = run.logs.last().unwrap().message.clone();
        let last = last.lines().last().unwrap_or_default();
        let label = run.label.clone().unwrap_or_default();
        table.push_str(&format!(
            "{} | {} | {label} | {} | {last}\n",
            seen.name,
            run.status.as_str(),
            run.link.join(" ")
        ));
        assert_eq!(
            (run.status.as_str(), label.as_str()),
            (seen.status, seen.label),
            "{}: {}",
            seen.name,
            ended.stderr
        );
        assert!(label.split(' ').count() <= 3, "{label}");
        let workflow = "https://github.com/acme/gitops/actions/runs/1";
        assert_eq!(run.link.first().map(String::as_str), Some(workflow));
        let pull = run.link.iter().any(|link| link.ends_with("/pull/1"));
        assert_eq!(pull, seen.has_pull_request, "{}: {:?}", seen.name, run.link);
        assert!(last.contains(seen.says), "{}: {last}", seen.name);
        let raw = ["GET /", "POST /", "PUT /", "/v1/", "/repos/", "(request "];
        let found: Vec<_> = raw.iter().filter(|word| last.contains(**word)).collect();
        assert!(found.is_empty(), "{}: {last}", seen.name);
        let times: Vec<_> = run.logs.iter().map(|line| line.created_at).collect();
        assert!(times.is_sorted(), "lines are in order");
    }
    let mut out = std::io::stdout();
    writeln!(out, "{table}").unwrap();
}
