//! The run as Port's user sees it: status, a label of a few words, links to click on, and plain words, for each way to end.
//!
//! All of it stands in `tests/messages.txt`, to be read as that user would.

use std::fmt::Write as _;
use std::time::Duration;

use promote_mock::fault::CannedAnswer;
use promote_mock::port::{ActionRun, RelationTargets, RunStatus};
use promote_mock::sample::{REVIEWER_TOKEN, RUN, add_reviewer};
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use tokio::process::Command;

use crate::messages::{PORT_USER, check_part, plain};
use crate::stage::{PROGRAM, ProgramEnd, ProgramStage};
use crate::wire::curl;

/// The run that goes back, after the sample's.
pub(crate) const RUN_BACK: &str = "r_Back000000000002";

/// A way to end.
pub(crate) struct SeenRun {
    pub(crate) name: &'static str,
    pub(crate) world: fn(&mut World),
    pub(crate) settings: fn(SampleConfig) -> SampleConfig,
    /// What is done before the user looks.
    pub(crate) deed: SeenDeed,
    pub(crate) status: &'static str,
    pub(crate) label: &'static str,
    /// Whether there is a pull request to click on.
    pub(crate) has_pull_request: bool,
    /// The end of the log.
    pub(crate) says: &'static str,
}

/// What is done before the user looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeenDeed {
    Run,
    Plan,
    /// A run that the runner stops.
    Stop,
    /// A run, and another that goes back.
    GoBack,
    /// A run that waits, and a person who closes its pull request.
    Close,
    /// A run that waits, and a person who approves.
    Approve,
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

/// Production has the image already, in git and in the catalog.
fn done_already(world: &mut World) {
    let file = "apps/web/prod/deployment.yaml";
    let text = world.github.file_at("acme/gitops", "main", file).unwrap();
    let files = [(file.to_owned(), text.replace("1.4.1", "1.4.2").into())];
    world
        .github
        .commit_files("acme/gitops", "main", "By hand", files)
        .unwrap();
    let key = ("running_service".to_owned(), "web-prod".to_owned());
    let production = world.port.entities.get_mut(&key).unwrap();
    let image = RelationTargets::One("web-1.4.2".to_owned());
    production.relations.insert("image".to_owned(), image);
}

pub(crate) const PROMOTED: SeenRun = SeenRun {
    name: "promoted",
    world: LEAVE,
    settings: KEEP,
    deed: SeenDeed::Run,
    status: "SUCCESS",
    label: "Promoted",
    has_pull_request: true,
    says: "promoted ghcr.io/acme/web:1.4.2 in place of ghcr.io/acme/web:1.4.1, by pull request #1",
};

pub(crate) const RUNS: &[SeenRun] = &[
    PROMOTED,
    SeenRun {
        name: "rolled back",
        settings: |settings| {
            let text = settings.more("rollback = { input = \"rollback\" }").text();
            let grant = "\n[[grants]]\nallow = [\"port.search\"]\nblueprint = \"image\"\n";
            SampleConfig::read(&(text + grant))
        },
        deed: SeenDeed::GoBack,
        label: "Rolled back",
        says: "rolled back to ghcr.io/acme/web:1.4.1 in place of ghcr.io/acme/web:1.4.2, by pull request #2",
        ..PROMOTED
    },
    SeenRun {
        name: "unchanged",
        world: done_already,
        label: "Already there",
        has_pull_request: false,
        says: "nothing to do: ghcr.io/acme/web:1.4.2 is there already",
        ..PROMOTED
    },
    SeenRun {
        name: "planned",
        deed: SeenDeed::Plan,
        status: "IN_PROGRESS",
        label: "",
        has_pull_request: false,
        says: "",
        ..PROMOTED
    },
    SeenRun {
        name: "waiting for people who merge",
        settings: |settings| settings.setting("mode", "pull-request"),
        status: "IN_PROGRESS",
        label: "Waits for merge",
        says: "pull request #1 for ghcr.io/acme/web:1.4.2 is open and waits for",
        ..PROMOTED
    },
    SeenRun {
        name: "waiting for a review",
        settings: |settings| settings.more("approvals = {}"),
        status: "IN_PROGRESS",
        label: "Waits for review",
        says: "pull request #1 for ghcr.io/acme/web:1.4.2 is open and waits for",
        ..PROMOTED
    },
    SeenRun {
        name: "promoted after a review",
        settings: |settings| settings.more("approvals = {}"),
        deed: SeenDeed::Approve,
        ..PROMOTED
    },
    SeenRun {
        name: "refused",
        world: |world| *world = crate::exit_codes::locked(),
        status: "FAILURE",
        label: "Refused",
        has_pull_request: false,
        says: "(lock)",
        ..PROMOTED
    },
    SeenRun {
        name: "closed by a person",
        settings: |settings| settings.setting("mode", "pull-request"),
        deed: SeenDeed::Close,
        status: "FAILURE",
        label: "Closed",
        says: "was closed by kim",
        ..PROMOTED
    },
    SeenRun {
        name: "failed",
        world: |world| {
            forbid(world, ServiceName::Port, "POST", "/v1/entities/search");
            let path = "/v1/blueprints/running_service/**";
            forbid(world, ServiceName::Port, "GET", path);
        },
        status: "FAILURE",
        label: "Failed",
        has_pull_request: false,
        says: "Port says no (403)",
        ..PROMOTED
    },
    SeenRun {
        name: "violation",
        settings: |settings| {
            let narrow = "[[grants]]\nallow = [\"run.note\"]\n\n[[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\"]\n";
            settings.grants(narrow)
        },
        status: "FAILURE",
        label: "Grants broken",
        has_pull_request: false,
        says: "the policy broke its grants",
        ..PROMOTED
    },
    SeenRun {
        name: "limit",
        settings: |settings| settings.limits("calls = 3"),
        status: "FAILURE",
        label: "Limit reached",
        has_pull_request: false,
        says: "limits.calls",
        ..PROMOTED
    },
    SeenRun {
        name: "trapped",
        settings: |settings| settings.component(guests::FALLER).order("panic", "at once"),
        status: "FAILURE",
        label: "Policy crashed",
        has_pull_request: false,
        says: "the policy crashed",
        ..PROMOTED
    },
    SeenRun {
        name: "cancelled",
        settings: |settings| settings.component(guests::GLUTTON).deed("naps"),
        deed: SeenDeed::Stop,
        status: "FAILURE",
        label: "Cancelled",
        has_pull_request: false,
        says: "stopped from outside",
        ..PROMOTED
    },
    SeenRun {
        name: "unusable",
        world: |world| {
            let key = ("service".to_owned(), "web".to_owned());
            world.port.entities.remove(&key);
        },
        status: "FAILURE",
        label: "Could not start",
        has_pull_request: false,
        says: "could not start: there is no service/web in Port",
        ..PROMOTED
    },
];

/// Has the program stopped by its runner once it has told Port that it runs.
async fn stop(stage: &ProgramStage) -> ProgramEnd {
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let running = stage.start(command, "");
    let has_begun = || {
        stage
            .witness
            .writes()
            .iter()
            .any(|it| it.ends_with("/logs"))
    };
    while !has_begun() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let process = running.child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &process]).status();
    assert!(killed.await.unwrap().success());
    running.end().await
}

/// Clicks for the way back, and has it run.
async fn go_back(stage: &ProgramStage) -> ProgramEnd {
    {
        let mut world = stage.world.lock();
        let first = world.port.runs[RUN].clone();
        let properties = [("rollback".to_owned(), true.into())];
        let second = ActionRun {
            id: RUN_BACK.to_owned(),
            status: RunStatus::InProgress,
            label: None,
            link: Vec::new(),
            logs: Vec::new(),
            summary: String::new(),
            ended_at: None,
            properties: properties.into_iter().collect(),
            ..first
        };
        world.port.runs.insert(RUN_BACK.to_owned(), second);
    }
    let payload = stage.read("payload.json").replace(RUN, RUN_BACK);
    stage.write("payload.json", &payload);
    stage.run(&[]).await
}

/// Does it, and returns the end of the program that had the last word.
pub(crate) async fn act(deed: SeenDeed, stage: &ProgramStage) -> ProgramEnd {
    match deed {
        SeenDeed::Run => stage.run(&[]).await,
        SeenDeed::Plan => {
            let plan = ["plan", "--payload", "payload.json"];
            stage.promote(&plan).await
        }
        SeenDeed::Stop => stop(stage).await,
        SeenDeed::GoBack => {
            stage.run(&[]).await.expect(0);
            go_back(stage).await
        }
        SeenDeed::Approve => {
            stage.run(&[]).await.expect(0);
            stage.world.lock().github.approve("acme/gitops", 1, "kim");
            stage.promote(&["resume"]).await
        }
        SeenDeed::Close => {
            stage.run(&[]).await.expect(0);
            let bearer = format!("Bearer {REVIEWER_TOKEN}");
            let line = "PATCH /repos/acme/gitops/pulls/1";
            let headers = [("Authorization", bearer.as_str())];
            let (status, _) = curl(&stage.github, line, &headers, r#"{"state":"closed"}"#).await;
            assert_eq!(status, 200);
            stage.promote(&["resume"]).await
        }
    }
}

/// Returns the run as a page shows it.
fn page(name: &str, run: &ActionRun) -> String {
    let mut text = format!("\n{name}\n");
    let label = run.label.as_deref().unwrap_or_default();
    let _ = writeln!(text, "  {} · {label}", run.status.as_str());
    for link in &run.link {
        let _ = writeln!(text, "  link: {link}");
    }
    if !run.summary.is_empty() {
        let _ = writeln!(text, "  summary: {}", run.summary);
    }
    for line in &run.logs {
        let _ = writeln!(text, "  | {}", line.message.replace('\n', "\n  | "));
    }
    text
}

#[tokio::test]
async fn each_ending_has_links_a_short_label_and_plain_words() {
    let mut pages = String::new();
    for seen in RUNS {
        let mut world = World::sample();
        (seen.world)(&mut world);
        add_reviewer(&mut world, 0);
        let stage = ProgramStage::of(world).await;
        let stage = stage.settings(&(seen.settings)(SampleConfig::default()));
        let _ = act(seen.deed, &stage).await;
        let world = stage.world.lock();
        let is_back = seen.deed == SeenDeed::GoBack;
        let run = &world.port.runs[if is_back { RUN_BACK } else { RUN }];
        let page = page(seen.name, run);
        pages.push_str(&page);
        let label = run.label.clone().unwrap_or_default();
        assert_eq!(
            (run.status.as_str(), label.as_str()),
            (seen.status, seen.label),
            "{page}"
        );
        assert!(label.split(' ').count() <= 3, "{label}");
        if seen.deed == SeenDeed::Plan {
            assert!(run.logs.is_empty() && run.link.is_empty(), "{page}");
            continue;
        }
        let last = run.logs.last().unwrap().message.clone();
        let last = last.lines().last().unwrap_or_default();
        let workflow = "https://github.com/acme/gitops/actions/runs/1";
        assert_eq!(
            run.link.first().map(String::as_str),
            Some(workflow),
            "{page}"
        );
        let pull = run.link.iter().any(|link| link.contains("/pull/"));
        assert_eq!(pull, seen.has_pull_request, "{page}");
        assert!(last.contains(seen.says), "{page}");
        let raw = ["GET /", "POST /", "PUT /", "/v1/", "/repos/", "(request "];
        let found: Vec<_> = raw.iter().filter(|word| last.contains(**word)).collect();
        assert!(found.is_empty(), "{page}");
        let is_stale = seen.status != "IN_PROGRESS" && run.summary.contains("waits for");
        assert!(!is_stale, "{page}");
        let times: Vec<_> = run.logs.iter().map(|line| line.created_at).collect();
        assert!(times.is_sorted(), "lines are in order");
    }
    check_part(PORT_USER, &plain(&pages).replace("\n    ", "\n"));
}
