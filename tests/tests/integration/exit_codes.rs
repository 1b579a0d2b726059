//! Each exit code, for the reasons that people will meet it.

use std::time::Duration;

use promote_mock::fault::CannedAnswer;
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use serde_json::json;
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramStage};

/// The sample, with its service locked.
pub(crate) fn locked() -> World {
    let mut world = World::sample();
    let key = ("service".to_owned(), "web".to_owned());
    let service = &mut world.port.entities.get_mut(&key).unwrap().properties;
    service.insert("locked_in_prod".to_owned(), json!(true));
    service.insert("locked_reason_prod".to_owned(), json!("release freeze"));
    world
}

#[tokio::test]
async fn one_for_a_refusal() {
    let stage = ProgramStage::of(locked())
        .await
        .with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    ended
        .expect(1)
        .expect_said("::warning title=promotion refused::")
        .expect_said("release freeze");
    assert_eq!(ended.outputs()["outcome"], "refused");
    assert!(ended.summary().contains("Refused"));
    stage.witness.expect_nothing_written();
    stage.witness.expect_port_run("FAILURE", "Refused");
    assert!(stage.witness.log().contains("release freeze"));
}

#[tokio::test]
async fn two_for_a_file_that_cannot_be_used() {
    let stage = ProgramStage::sample().await;
    for (file, text, arguments, said) in [
        (
            "a.toml",
            "[policy]\ncomponent = \"builtin\"\nsetting = 1\n",
            &["--config", "a.toml"][..],
            "a.toml: line 3: unknown field `setting`",
        ),
        (
            "b.toml",
            "[[grants]]\nallow = [\"github.merge\"]\nrepository = \"acme/gitops\"\n",
            &["--config", "b.toml"],
            "grant 1: `github.merge` needs `base`",
        ),
        ("x", "", &["--config", "none.toml"], "cannot read none.toml"),
        (
            "x",
            "",
            &["--payload", "none.json"],
            "reading the payload none.json",
        ),
        (
            "c.json",
            "{\"context\": {\"runId\": [1]}}",
            &["--payload", "c.json"],
            "runId",
        ),
        (
            "d.json",
            "{\"run\": {\"id\": \"r 1\"}}",
            &["--payload", "d.json"],
            "is not an identifier as Port allows it",
        ),
        ("e.json", "{\"run\": 1,", &["--payload", "e.json"], "$"),
        (
            "f.json",
            "{\"a\": 1, \"a\": 2}",
            &["--payload", "f.json"],
            "a",
        ),
    ] {
        stage.write(file, text);
        let ended = match arguments[0] {
            "--config" => stage.run(arguments).await,
            _ => stage.promote(&[&["run"], arguments].concat()).await,
        };
        ended.expect(2).expect_said(said);
    }
    stage
        .promote(&["run"])
        .await
        .expect(2)
        .expect_said("--payload FILE");
    stage
        .promote(&["run", "--paylod", "x"])
        .await
        .expect(2)
        .expect_said("--payload");
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

#[tokio::test]
async fn two_for_credentials_that_are_missing_or_unclear() {
    for (missing, said) in [
        ("PORT_CLIENT_ID", "PORT_CLIENT_ID is not set"),
        ("PORT_CLIENT_SECRET", "PORT_CLIENT_SECRET is not set"),
        (
            "GITHUB_TOKEN",
            "GITHUB_TOKEN (or GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY) is not set",
        ),
    ] {
        let stage = ProgramStage::sample().await.without(missing);
        stage.run(&[]).await.expect(2).expect_said(said);
        assert_eq!(stage.witness.requests(), 0);
    }
    let both = ProgramStage::sample().await.with("GITHUB_APP_ID", "1");
    both.run(&[])
        .await
        .expect(2)
        .expect_said("GITHUB_TOKEN and GITHUB_APP_ID are both set");
}

#[tokio::test]
async fn two_is_told_to_the_workflow_as_any_other_end() {
    let stage = ProgramStage::sample().await.with("GITHUB_ACTIONS", "true");
    stage.write("broken.toml", "[polciy]\n");
    for command in [
        &["run", "--payload", "payload.json"][..],
        &["plan", "--payload", "payload.json"],
        &["resume"],
    ] {
        let ended = stage
            .promote(&[command, &["--config", "broken.toml"]].concat())
            .await;
        let why = "could not start: broken.toml: line 1: unknown field `polciy`";
        ended
            .expect(2)
            .expect_said(&format!("::error title=promotion failed::{why}"))
            .expect_said("what to do: `promote explain unusable`");
        let outputs = ended.outputs();
        assert_eq!(outputs["outcome"], "unusable");
        assert!(outputs["reason"].starts_with(why), "{}", outputs["reason"]);
        let summary = ended.summary();
        let head = format!("### ❌ promote {}: Could not start\n", command[0]);
        assert!(summary.starts_with(&head), "{summary}");
        assert!(summary.contains("<code>polciy</code>"), "{summary}");
    }
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

#[tokio::test]
async fn two_for_a_component_that_is_not_the_reviewed_one() {
    let stage = ProgramStage::sample().await;
    stage.write("module.wasm", "\0asm\u{1}\0\0\0");
    for (policy, said) in [
        (
            "sha256 = \"00\"",
            "it is not the component that was reviewed",
        ),
        ("component = \"none.wasm\"", "reading the policy none.wasm"),
        ("component = \"module.wasm\"", "wasm32-wasip2"),
    ] {
        stage.write("other.toml", &format!("[policy]\n{policy}\n"));
        stage
            .run(&["--config", "other.toml"])
            .await
            .expect(2)
            .expect_said(said);
    }
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

#[tokio::test]
async fn one_for_a_payload_about_something_else_than_its_run() {
    let stage = ProgramStage::sample().await;
    let payload = stage.write(
        "payload.json",
        r#"{"run": {"id": "r_Ab12Cd34Ef56Gh78"}, "entity": {"identifier": "web-prod", "blueprint": "running_service"}}"#,
    );
    assert!(payload.exists());
    stage
        .run(&[])
        .await
        .expect(1)
        .expect_said("the payload is about running_service/web-prod");
    stage.witness.expect_nothing_written();
}

#[tokio::test]
async fn three_when_port_is_killed_after_the_merge() {
    // GitHub's answer comes late: Port is gone before the program knows that it has merged.
    let mut world = World::sample();
    let late = FaultEffect::Delay(jiff::SignedDuration::from_secs(3));
    let path = "/repos/acme/gitops/pulls/1/merge";
    world.github.weather.failing_fields = vec!["mergePullRequest"];
    world
        .faults
        .next(ServiceName::GitHub, "PUT", path, late)
        .unwrap();
    let settings = SampleConfig::default().limits("wall = \"10s\"");
    let mut stage = ProgramStage::of(world).await.settings(&settings);
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let running = stage.start(command, "");
    let merged = || {
        stage
            .witness
            .writes()
            .iter()
            .any(|write| write.ends_with("/merge"))
    };
    while !merged() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.kill_port();
    let ended = running.end().await;
    ended
        .expect(3)
        .expect_said("pull request #1 of acme/gitops is merged");
    ended.expect_said("Port PATCH /v1/blueprints/running_service/entities/web-prod");
    ended.expect_said("Port could not be told");
    assert!(ended.summary().contains("could not be told"));
    assert!(stage.github_is_up() && stage.witness.manifest().contains("web:1.4.2"));
    assert_eq!(
        stage.witness.recorded(),
        ["web-1.4.1"],
        "the catalog is behind git, never ahead"
    );
}

#[tokio::test]
async fn three_when_a_service_fails_before_anything_is_written() {
    for (service, method, path, said) in [
        (
            ServiceName::Port,
            "GET",
            "/v1/actions/runs/*",
            "reading the Port run",
        ),
        (
            ServiceName::GitHub,
            "GET",
            "/repos/acme/gitops/**",
            "nothing was written to git",
        ),
    ] {
        let mut world = World::sample();
        let answer = CannedAnswer {
            status: 503,
            ..CannedAnswer::bad_gateway()
        };
        for (method, path) in [(method, path), ("POST", "/graphql")] {
            let answer = FaultEffect::Answer(answer.clone());
            world
                .faults
                .next(service, method, path, answer)
                .unwrap()
                .times = 100;
        }
        let settings = SampleConfig::default().limits("wall = \"5s\"");
        let stage = ProgramStage::of(world).await.settings(&settings);
        let ended = stage.run(&[]).await;
        ended.expect(3).expect_said(said).expect_said("503");
        stage.witness.expect_nothing_written();
        stage.witness.expect_port_run("FAILURE", "Failed");
    }
}

#[tokio::test]
async fn four_for_a_policy_that_tries_what_is_not_granted() {
    let settings = SampleConfig::default().component(guests::UNGRANTED);
    let stage = ProgramStage::sample()
        .await
        .settings(&settings)
        .with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    ended
        .expect(4)
        .expect_said("port.update-entity on running_service/payments-prod");
    ended.expect_said("::error title=promotion failed::");
    assert_eq!(ended.outputs()["outcome"], "violation");
    stage.witness.expect_nothing_written();
    stage.witness.expect_port_run("FAILURE", "Grants broken");
}

#[tokio::test]
async fn four_when_time_is_up_while_github_merges() {
    let mut world = World::sample();
    let late = FaultEffect::Delay(jiff::SignedDuration::from_secs(60));
    world.github.weather.failing_fields = vec!["mergePullRequest"];
    world
        .faults
        .next(
            ServiceName::GitHub,
            "PUT",
            "/repos/acme/gitops/pulls/1/merge",
            late,
        )
        .unwrap();
    let settings = SampleConfig::default().limits("wall = \"8s\"");
    let stage = ProgramStage::of(world).await.settings(&settings);
    let ended = stage.run(&[]).await;
    ended
        .expect(4)
        .expect_said("limit of 8s of time; raise `limits.wall`");
    ended.expect_said("pull request #1 of acme/gitops may be merged or open");
    assert!(
        ended.summary().contains(
            "merge acme/gitops&#35;1&#58; the run was stopped before there was an answer |"
        ),
        "{}",
        ended.summary()
    );
    stage.witness.expect_port_run("FAILURE", "Limit reached");
    assert_eq!(stage.witness.recorded(), ["web-1.4.1"]);
}

#[tokio::test]
async fn three_when_the_runner_stops_it() {
    let settings = SampleConfig::default()
        .component(guests::GLUTTON)
        .deed("naps");
    let stage = ProgramStage::sample().await.settings(&settings);
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let running = stage.start(command, "");
    while !stage
        .witness
        .writes()
        .iter()
        .any(|write| write.ends_with("/logs"))
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let process = running.child.id().unwrap().to_string();
    let killed = Command::new("kill")
        .args(["-TERM", &process])
        .status()
        .await;
    assert!(killed.unwrap().success());
    running
        .end()
        .await
        .expect(3)
        .expect_said("stopped from outside");
    stage.witness.expect_port_run("FAILURE", "Cancelled");
}
