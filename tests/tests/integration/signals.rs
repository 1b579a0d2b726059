//! Somebody stops a run, in each of its phases: its tokens are given back, its end is said, and all of it within the time that a
//! runner leaves (actions/runner, ProcessInvoker.cs: SIGINT, SIGTERM after 7.5 s, killed after 10 s).
#![cfg(unix)]

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use promote_core::journal::{ClosingWrite, JournalEntry};
use promote_mock::github::TokenKind;
use promote_mock::{FaultEffect, ServiceName};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::secrets::with_app;
use crate::stage::{PROGRAM, ProgramStage};

/// The time from the first signal to the kill.
const RUNNER_TIME: Duration = Duration::from_secs(10);
/// The time from the first signal to the second.
const SECOND_SIGNAL: Duration = Duration::from_millis(7_500);

/// A phase of a run: the request that it hangs in, and how the run ends then.
struct StoppedPhase {
    name: &'static str,
    service: ServiceName,
    method: &'static str,
    path: &'static str,
    /// The first request of these that hangs.
    nth: u32,
    hangs: Duration,
    code: i32,
    /// Words of its end. Where Port hangs, that it could not be told.
    said: &'static str,
    /// The status of the Port run, if it can be known.
    status: Option<&'static str>,
}

const HANGS: Duration = Duration::from_secs(60);

static PHASES: [StoppedPhase; 9] = [
    StoppedPhase {
        name: "Port hangs while the run is read",
        service: ServiceName::Port,
        method: "GET",
        path: "/v1/actions/runs/*",
        nth: 1,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    StoppedPhase {
        name: "Port hangs at the first line",
        service: ServiceName::Port,
        method: "POST",
        path: "/v1/actions/runs/*/logs",
        nth: 1,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: None,
    },
    StoppedPhase {
        name: "before a token is minted",
        service: ServiceName::GitHub,
        method: "GET",
        path: "/repos/*/*/installation",
        nth: 1,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    StoppedPhase {
        name: "while a token is minted",
        service: ServiceName::GitHub,
        method: "POST",
        path: "/app/installations/*/access_tokens",
        nth: 1,
        hangs: Duration::from_millis(1_500),
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    StoppedPhase {
        name: "while the change is proposed",
        service: ServiceName::GitHub,
        method: "POST",
        path: "/graphql",
        nth: 2,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    StoppedPhase {
        name: "while it is merged",
        service: ServiceName::GitHub,
        method: "POST",
        path: "/graphql",
        nth: 3,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    StoppedPhase {
        name: "while the catalog is told",
        service: ServiceName::Port,
        method: "PATCH",
        path: "/v1/blueprints/**",
        nth: 1,
        hangs: HANGS,
        code: 3,
        said: "stopped from outside",
        status: Some("FAILURE"),
    },
    // The outcome stands: only its last words are cut short. All that this guest says is sent with
    // them.
    StoppedPhase {
        name: "Port hangs at the last word",
        service: ServiceName::Port,
        method: "POST",
        path: "/v1/actions/runs/*/logs",
        nth: 1,
        hangs: HANGS,
        code: 1,
        said: "Port could not be told",
        status: None,
    },
    StoppedPhase {
        name: "GitHub hangs at the revocation",
        service: ServiceName::GitHub,
        method: "DELETE",
        path: "/installation/token",
        nth: 1,
        hangs: Duration::from_secs(2),
        code: 0,
        said: "promoted",
        status: Some("SUCCESS"),
    },
];

/// The order in which signals come.
#[derive(Clone, Copy, Debug)]
enum SignalOrder {
    /// As the runner cancels a job.
    Runner,
    /// As a container is stopped.
    TerminateAtOnce,
}

async fn signal(process: u32, name: &str) {
    // It may be gone already.
    let _ = Command::new("kill")
        .args([name, &process.to_string()])
        .status()
        .await;
}

impl StoppedPhase {
    async fn check(&'static self, order: SignalOrder) {
        let mut world = with_app();
        let late = FaultEffect::Delay(SignedDuration::try_from(self.hangs).unwrap());
        let fault = world
            .faults
            .next(self.service, self.method, self.path, late)
            .unwrap();
        (fault.nth, fault.times) = (self.nth, 99);
        let stage = ProgramStage::of(world)
            .await
            .without("GITHUB_TOKEN")
            .with("GITHUB_APP_ID", "7")
            .with("GITHUB_APP_PRIVATE_KEY", include_str!("app.pem"));
        let stage = if self.code == 1 {
            stage.settings(&SampleConfig::default().component(guests::OBSERVER))
        } else {
            stage
        };
        let what = format!("{}, {order:?}", self.name);
        let mut command = Command::new(&*PROGRAM);
        command.args(["run", "--payload", "payload.json"]);
        let mut running = stage.start(command, "");
        let process = running.child.id().unwrap();
        while stage.world.lock().faults.0[0].count < self.nth {
            assert!(
                running.child.try_wait().unwrap().is_none(),
                "{what}: it never got there"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let stopped = Instant::now();
        let second = match order {
            SignalOrder::Runner => {
                signal(process, "-INT").await;
                "-TERM"
            }
            SignalOrder::TerminateAtOnce => {
                signal(process, "-TERM").await;
                "-INT"
            }
        };
        let ending = running.end_within(RUNNER_TIME + Duration::from_secs(30));
        let mut ending = std::pin::pin!(ending);
        let ended = tokio::select! {
            ended = ending.as_mut() => ended,
            () = tokio::time::sleep(SECOND_SIGNAL) => {
                signal(process, second).await;
                ending.await
            }
        };
        let took = stopped.elapsed();
        assert!(took < RUNNER_TIME, "{what}: it ended after {took:?}");
        ended.expect(self.code).expect_said(self.said);
        let world = stage.world.lock();
        let left = world
            .github
            .tokens
            .iter()
            .filter(|token| matches!(token.kind, TokenKind::Installation { .. }))
            .count();
        assert_eq!(left, 0, "{what}: a token was left");
        if let Some(expected) = self.status {
            let run = &world.port.runs[promote_mock::sample::RUN];
            assert_eq!(run.status.as_str(), expected, "{what}");
        }
        drop(world);
        // A run that began has a journal to its end.
        if let Some(journal) = ended.journal_if_any().filter(|text| !text.is_empty()) {
            let entries = promote_core::journal::record::read(journal.as_bytes()).unwrap();
            assert!(
                matches!(
                    entries.last(),
                    Some(JournalEntry::Closing {
                        write: ClosingWrite::LastWords,
                        ..
                    })
                ),
                "{what}: {entries:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_gives_its_token_back_and_says_so_in_every_phase() {
    // A few at a time: a machine that is too busy is late for another reason.
    for phases in PHASES.chunks(3) {
        for order in [SignalOrder::Runner, SignalOrder::TerminateAtOnce] {
            let running: JoinSet<()> = phases.iter().map(|phase| phase.check(order)).collect();
            running.join_all().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_its_policy_is_compiled_has_asked_nobody() {
    let stage = ProgramStage::sample().await;
    let observer = std::fs::read(guests::OBSERVER).unwrap();
    let bomb = crate::hostile::grafts::compile_bomb(700);
    let path = stage.path("bomb.wasm");
    std::fs::write(&path, crate::hostile::grafts::graft(&observer, &bomb, 0)).unwrap();
    let settings = SampleConfig::default().component("bomb.wasm");
    let stage = stage.settings(&settings);
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let mut running = stage.start(command, "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(running.child.try_wait().unwrap().is_none());
    let stopped = Instant::now();
    signal(running.child.id().unwrap(), "-INT").await;
    let ended = running.end().await;
    assert!(stopped.elapsed() < RUNNER_TIME, "{:?}", stopped.elapsed());
    ended
        .expect(3)
        .expect_said("stopped before the run began: nothing was done");
    assert_eq!(stage.witness.requests(), 0);
}
