//! `promote run`: the main job, by the program, over HTTP.

use promote_core::call::Call;
use promote_core::journal::{ClosingWrite, JournalEntry};
use promote_mock::sample;
use serde_json::json;
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramStage};
use crate::wire::{ask_github, ask_port};

#[tokio::test]
async fn promotes_and_both_services_show_it() {
    let stage = ProgramStage::sample().await;
    let ended = stage.run(&[]).await;
    ended
        .expect(0)
        .expect_said("+          image: ghcr.io/acme/web:1.4.2");
    assert!(
        ended
            .stdout
            .contains("running_service/web-prod image: web-1.4.1 → web-1.4.2")
    );
    stage.witness.expect_promoted();
    stage.witness.expect_port_run("SUCCESS", "Promoted");

    let entity = ask_port(
        &stage.port,
        "/v1/blueprints/running_service/entities/web-prod",
    )
    .await;
    assert_eq!(entity["entity"]["relations"]["image"], "web-1.4.2");
    let run = ask_port(
        &stage.port,
        "/v1/actions/runs/r_Ab12Cd34Ef56Gh78?version=v2",
    )
    .await;
    assert_eq!(
        (&run["run"]["status"], &run["run"]["statusLabel"]),
        (&json!("SUCCESS"), &json!("Promoted"))
    );
    let pull = ask_github(&stage.github, "/repos/acme/gitops/pulls/1").await;
    assert_eq!(
        (&pull["merged"], &pull["base"]["ref"]),
        (&json!(true), &json!("main"))
    );
    let path = "/repos/acme/gitops/contents/apps/web/prod/deployment.yaml?ref=main";
    let file = ask_github(&stage.github, path).await;
    assert_eq!(file["name"], "deployment.yaml");
    let head = ask_github(&stage.github, "/repos/acme/gitops/git/ref/heads/main").await;
    assert_eq!(head["object"]["sha"], pull["merge_commit_sha"]);
}

#[tokio::test]
async fn tells_the_workflow_what_became_of_it() {
    let stage = ProgramStage::sample().await.with("GITHUB_ACTIONS", "true");
    let inputs = json!({"inputs": {"port_payload": sample::payload().to_string()}});
    let event = stage.write("event.json", &inputs.to_string());
    let stage = stage.with("GITHUB_EVENT_PATH", event.display().to_string());
    let ended = stage.promote(&["run"]).await;
    ended.expect(0);
    let outputs = ended.outputs();
    let pull = &stage.witness.pulls()[0];
    assert_eq!(outputs["outcome"], "promoted");
    assert_eq!(outputs["image"], "ghcr.io/acme/web:1.4.2");
    assert_eq!(outputs["previous-image"], "ghcr.io/acme/web:1.4.1");
    assert_eq!(outputs["pull-request"], pull.number.to_string());
    assert!(
        format!("{:?}", pull.state).contains(&outputs["commit"]) && outputs["commit"].len() == 40
    );
    let summary = ended.summary();
    assert!(
        summary.starts_with("### ✅ service/web: Promoted\n"),
        "{summary}"
    );
    assert!(
        summary.contains("```diff\n--- a/apps/web/prod/deployment.yaml"),
        "{summary}"
    );
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn answers_programs_in_json() {
    let stage = ProgramStage::sample().await;
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "-", "--format", "json"]);
    let ended = stage
        .start(command, &sample::templated_payload().to_string())
        .end()
        .await;
    ended.expect(0);
    let said = ended.json();
    assert_eq!(
        (
            &said["outcome"],
            &said["exit-code"],
            &said["mode"],
            &said["run"]
        ),
        (
            &json!("promoted"),
            &json!(0),
            &json!("run"),
            &json!(sample::RUN)
        ),
        "{said:#}"
    );
    assert_eq!(said["catalog"][0]["after"], "web-1.4.2");
    assert_eq!(said["files"][0]["path"], "apps/web/prod/deployment.yaml");
    assert!(said["calls"].as_array().unwrap().len() > 5);
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn the_journal_tells_the_whole_run() {
    let stage = ProgramStage::sample().await;
    let ended = stage.run(&[]).await;
    ended.expect(0);
    let entries = ended.entries();
    assert!(matches!(&entries[0], JournalEntry::Header(header) if header.mode == "run"));
    let [calls @ .., footer, told] = &entries[1..] else {
        panic!("{entries:?}");
    };
    assert!(matches!(footer, JournalEntry::Footer { ending, .. } if ending == "promoted"));
    assert!(matches!(
        told,
        JournalEntry::Closing {
            write: ClosingWrite::LastWords,
            failure: None,
            ..
        }
    ));
    // Each call has its line before its answer's.
    for pair in calls.chunks(2) {
        let [
            JournalEntry::Call { number: asked, .. },
            JournalEntry::Reply { number, .. },
        ] = pair
        else {
            panic!("not a call and its reply: {pair:?}");
        };
        assert_eq!(asked, number);
    }
    let made = |wanted: fn(&Call) -> bool| {
        let calls = entries
            .iter()
            .filter(|entry| matches!(entry, JournalEntry::Call { request, .. } if wanted(request)));
        calls.count()
    };
    assert_eq!(made(|call| matches!(call, Call::Propose { .. })), 1);
    assert_eq!(made(|call| matches!(call, Call::Merge { .. })), 1);
    assert_eq!(made(|call| matches!(call, Call::UpdateEntity { .. })), 1);
}

#[tokio::test]
async fn a_second_run_changes_nothing_more() {
    let stage = ProgramStage::sample().await;
    stage.run(&[]).await.expect(0);
    let fingerprint = stage.witness.world.lock().github.fingerprint();
    stage
        .run(&[])
        .await
        .expect(0)
        .expect_said("has ended already");
    assert_eq!(stage.witness.world.lock().github.fingerprint(), fingerprint);
    stage.witness.expect_promoted();
}
