//! The commands around the main job.

use std::collections::BTreeMap;
use std::process::Stdio;

use promote_tests::guests;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramStage};
use crate::wire::{ask_github, ask_port};

#[tokio::test]
async fn inspect_says_what_a_component_could_ever_do() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["inspect"]).await;
    ended
        .expect(0)
        .expect_said("tier      promote")
        .expect_said("+ github-merge");
    let described = stage
        .promote(&["inspect", "builtin", "--format", "json"])
        .await;
    let described = described.expect(0).json();
    assert_eq!(
        (&described["tier"], &described["contract"]),
        (&json!("promote"), &json!("promote:policy@0.1.0"))
    );
    assert_eq!(described["sha256"].as_str().unwrap().len(), 64);
    assert!(described["settings-schema"]["properties"].is_object());
    let observer = stage.promote(&["inspect", guests::OBSERVER]).await;
    observer
        .expect(0)
        .expect_said("tier      observe")
        .expect_said("- github-merge");
    stage
        .promote(&["inspect", "promote.toml"])
        .await
        .expect(2)
        .expect_said("not WebAssembly");
    assert_eq!(stage.witness.requests(), 0);
}

#[tokio::test]
async fn demo_promotes_without_anything_else() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["demo"]).await;
    ended
        .expect(0)
        .expect_said("+          image: ghcr.io/acme/web:1.4.2");
    ended.expect_said("running_service/web-prod has image web-1.4.2");
    ended
        .expect_said("is SUCCESS (Promoted)")
        .expect_said("(merged)");
    assert_eq!(stage.witness.requests(), 0, "it has a world of its own");
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_listens() {
    let stage = ProgramStage::sample().await;
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let mut running = stage.start(command, "");
    drop((running.child.stdout.take(), running.child.stderr.take()));
    assert_eq!(running.child.wait().await.unwrap().code(), Some(0));
    stage.witness.expect_promoted();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_result_that_cannot_be_written_is_no_success() {
    let stage = ProgramStage::sample().await;
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" inspect >/dev/full", &PROGRAM]);
    let ended = stage.start(command, "").end().await;
    ended
        .expect(2)
        .expect_said("the result could not be written");
}

/// The program that serves, and what it told a shell; it ends with the test.
async fn mock(stage: &ProgramStage) -> (tokio::process::Child, BTreeMap<String, String>) {
    let mut command = Command::new(&*PROGRAM);
    command
        .args(["mock", "--listen", "127.0.0.1:0"])
        .env_clear();
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = BTreeMap::new();
    while !told.contains_key("REVIEWER_TOKEN") {
        let line = lines.next_line().await.unwrap().unwrap();
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap()
            .split_once('=')
            .unwrap();
        told.insert(name.to_owned(), value.to_owned());
    }
    assert_ne!(told["PORT_API_URL"], stage.port);
    (child, told)
}

#[tokio::test]
async fn what_stays_on_the_machine_goes_through_no_proxy() {
    // Nobody listens at port 9.
    let mut stage = ProgramStage::sample().await;
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        stage = stage.with(name, "http://127.0.0.1:9");
    }
    stage.run(&[]).await.expect(0);
    stage.witness.expect_promoted();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_crash_writes_no_memory_to_a_file() {
    let stage = ProgramStage::sample().await;
    let (serving, _) = mock(&stage).await;
    let limits = format!("/proc/{}/limits", serving.id().unwrap());
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let fields: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(fields[4..6], ["0", "0"], "{limits}");
}

#[tokio::test]
#[cfg(unix)]
async fn a_plan_and_a_journal_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let stage = ProgramStage::sample().await;
    let plan = ["plan", "--payload", "payload.json"];
    let files = ["--out", "plan.json", "--journal", "journal.jsonl"];
    stage
        .promote(&[plan.as_slice(), &files].concat())
        .await
        .expect(0);
    for written in ["plan.json", "journal.jsonl"] {
        let mode = std::fs::metadata(stage.path(written))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{written}");
    }
}

#[tokio::test]
async fn mock_serves_whoever_has_its_environment() {
    let mut stage = ProgramStage::sample().await;
    let (mut serving, told) = mock(&stage).await;
    for (name, value) in &told {
        stage = stage.with(name, value);
    }
    stage.run(&[]).await.expect(0);
    assert_eq!(
        stage.witness.requests(),
        0,
        "the run was in the other world"
    );
    let port = &told["PORT_API_URL"];
    let github = &told["GITHUB_API_URL"];
    let entity = ask_port(port, "/v1/blueprints/running_service/entities/web-prod").await;
    assert_eq!(entity["entity"]["relations"]["image"], "web-1.4.2");
    let pull = ask_github(github, "/repos/acme/gitops/pulls/1").await;
    assert_eq!(pull["merged"], true);
    serving.kill().await.unwrap();
}
