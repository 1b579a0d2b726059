//! `promote plan`: the same run, and nothing written; and runs that keep to a plan.

use promote_core::journal::digest;
use promote_tests::settings::SampleConfig;
use promote_tests::witness::REPOSITORY;
use serde_json::{Value, json};

use crate::stage::ProgramStage;

#[tokio::test]
async fn shows_what_a_run_does_and_leaves_both_services_as_they_are() {
    let stage = ProgramStage::sample().await;
    let planned = stage
        .promote(&["plan", "--payload", "payload.json", "--format", "json"])
        .await;
    planned.expect(0);
    stage.witness.expect_untouched();
    let made = stage.run(&["--format", "json"]).await;
    made.expect(0);
    let planned = planned.json();
    let made = made.json();
    assert_eq!(planned["files"], made["files"]);
    assert_eq!(planned["catalog"], made["catalog"]);
    assert_eq!(
        (&planned["mode"], &planned["outcome"]),
        (&json!("plan"), &json!("would-promote"))
    );
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn says_that_it_is_a_plan() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["plan", "--payload", "payload.json"]).await;
    ended
        .expect(0)
        .expect_said("+          image: ghcr.io/acme/web:1.4.2");
    assert!(
        ended.stdout.lines().any(|line| line.starts_with("plan: ")),
        "{}",
        ended.stdout
    );
    stage.witness.expect_untouched();
}

#[tokio::test]
async fn refuses_as_a_run_would() {
    let stage = ProgramStage::of(crate::exit_codes::locked()).await;
    let ended = stage.promote(&["plan", "--payload", "payload.json"]).await;
    ended.expect(1).expect_said("release freeze");
    stage.witness.expect_untouched();
}

/// A stage with an approved plan of the sample's promotion.
async fn planned(settings: &SampleConfig) -> ProgramStage {
    let stage = ProgramStage::sample().await.settings(settings);
    let made = stage
        .promote(&["plan", "--payload", "payload.json", "--out", "plan.json"])
        .await;
    made.expect(0).expect_said("the plan is in plan.json: ");
    stage.witness.expect_untouched();
    stage
}

fn file(stage: &ProgramStage) -> Value {
    serde_json::from_str(&std::fs::read_to_string(stage.path("plan.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_run_makes_the_planned_writes() {
    let stage = planned(&SampleConfig::default()).await;
    let plan = file(&stage);
    let calls: Vec<&Value> = plan["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|planned| &planned["write"]["call"])
        .collect();
    assert_eq!(
        calls,
        ["propose", "merge", "delete-branch", "update-entity"],
        "{plan:#}"
    );
    stage
        .run(&["--plan", "plan.json"])
        .await
        .expect(0)
        .expect_said("keeping to plan.json: ");
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn what_exists_only_after_a_write_is_filled_in() {
    // Each of these names the pull request that is yet to be opened.
    let settings = "labels = [\"promotion\"]\nreviewers = [\"kim\"]\nsupersede = true";
    let stage = planned(&SampleConfig::default().more(settings)).await;
    let text = std::fs::read_to_string(stage.path("plan.json")).unwrap();
    assert!(text.matches("4000000001").count() >= 4, "{text}");
    stage.run(&["--plan", "plan.json"]).await.expect(0);
    assert_eq!(stage.witness.recorded(), ["web-1.4.2"]);
    assert!(stage.witness.pulls()[0].labels.contains("promotion"));
}

#[tokio::test]
async fn the_commit_and_ports_log_name_the_plan() {
    let settings = SampleConfig::default().more("mode = \"pull-request\"");
    let stage = planned(&settings).await;
    let sum = digest(&std::fs::read(stage.path("plan.json")).unwrap());
    let ended = stage.run(&["--plan", "plan.json"]).await;
    ended.expect(0);
    let pull = stage.witness.pulls().remove(0);
    let message = {
        let world = stage.witness.world.lock();
        let repository = world.github.find(REPOSITORY).unwrap();
        repository
            .git
            .commit(pull.head_sha)
            .unwrap()
            .message
            .clone()
    };
    let trailer = format!("Promotion-Plan: {sum}");
    assert_eq!(message.lines().last(), Some(trailer.as_str()), "{message}");
    let log = stage.witness.log();
    assert!(
        log.contains(&format!("keeping to plan {sum}: policy ")),
        "{log}"
    );
}

#[tokio::test]
async fn what_waits_before_its_pull_request_is_no_plan() {
    let settings =
        SampleConfig::default().more("health = { value = \"Shining\", on_no = \"wait\" }");
    let stage = ProgramStage::sample().await.settings(&settings);
    let ended = stage
        .promote(&["plan", "--payload", "payload.json", "--out", "plan.json"])
        .await;
    ended.expect(0).expect_said("no plan was written");
    assert!(!stage.path("plan.json").exists());
}

#[tokio::test]
async fn another_write_is_stopped_before_it_is_made_and_shown_beside_the_planned_one() {
    let stage = planned(&SampleConfig::default()).await;
    let staging = ("running_service".to_owned(), "web-staging".to_owned());
    let older = ("image".to_owned(), "web-1.4.2".to_owned());
    {
        let mut world = stage.witness.world.lock();
        assert!(world.port.entities.contains_key(&staging));
        let image = world.port.entities.get_mut(&older).unwrap();
        image.properties.insert("tags".to_owned(), json!(["1.4.3"]));
    }
    let ended = stage.run(&["--plan", "plan.json"]).await;
    ended
        .expect(4)
        .expect_said("planned as write 1 of 4 is: propose")
        .expect_said("web:1.4.3");
    ended.expect_said("plan again, and have that approved");
    assert_eq!(stage.witness.recorded(), ["web-1.4.1"]);
    assert!(stage.witness.pulls().is_empty());
    stage.witness.expect_port_run("FAILURE", "Grants broken");
}

#[tokio::test]
async fn a_plan_that_was_changed_or_is_used_up_stops_the_run_too() {
    let stage = planned(&SampleConfig::default()).await;
    let mut plan = file(&stage);
    let whole = plan.clone();
    plan["writes"].as_array_mut().unwrap().pop();
    stage.write("plan.json", &plan.to_string());
    let ended = stage.run(&["--plan", "plan.json"]).await;
    ended
        .expect(4)
        .expect_said("all 3 planned writes were made");
    assert_eq!(stage.witness.recorded(), ["web-1.4.1"]);
    // The pull request is merged by now: the plan says otherwise.
    stage.write("plan.json", &whole.to_string());
    let ended = stage.run(&["--plan", "plan.json"]).await;
    ended
        .expect(4)
        .expect_said("planned as write 1 of 4 is: propose");
}

#[tokio::test]
async fn a_plan_fits_one_run_one_configuration_and_one_component() {
    let stage = planned(&SampleConfig::default()).await;
    let plan = file(&stage);
    let change = |pointer: &str, value: Value| {
        let mut plan = plan.clone();
        *plan.pointer_mut(pointer).unwrap() = value;
        plan
    };
    let mut unknown = plan.clone();
    unknown["wirtes"] = json!([]);
    let mut inner = plan.clone();
    inner["writes"][0]["write"]["force"] = json!(true);
    for (plan, expected) in [
        (
            change("/for/run", json!("r_other")),
            "for another Port run (r_other, here ",
        ),
        (
            change("/for/config", json!("0")),
            "for another configuration",
        ),
        (
            change("/for/component", json!("0")),
            "for another component",
        ),
        (
            change("/format", json!(2)),
            "it has the format 2, and this version has 1",
        ),
        (
            change("/contract", json!("promote:policy@9.9.9")),
            "it has the contract promote:policy@9.9.9",
        ),
        (
            change("/writes/0/write/call", json!("mrge")),
            "it is not a plan: unknown variant `mrge`",
        ),
        (
            change("/writes/0/write", json!({"call": "now"})),
            "write 1 is not written as a plan has it",
        ),
        (unknown, "unknown field `wirtes`"),
        (inner, "write 1 is not written as a plan has it"),
    ] {
        stage.write("plan.json", &plan.to_string());
        stage
            .run(&["--plan", "plan.json"])
            .await
            .expect(2)
            .expect_said(expected);
    }
    stage
        .run(&["--plan", "nothing.json"])
        .await
        .expect(2)
        .expect_said("the plan nothing.json");
    stage.witness.expect_untouched();
}

#[tokio::test]
async fn a_plan_is_never_replaced_and_a_refusal_is_none() {
    let stage = planned(&SampleConfig::default()).await;
    let again = stage
        .promote(&["plan", "--payload", "payload.json", "--out", "plan.json"])
        .await;
    again.expect(2).expect_said("plan.json exists");
    let stage = ProgramStage::of(crate::exit_codes::locked()).await;
    let refused = stage
        .promote(&["plan", "--payload", "payload.json", "--out", "plan.json"])
        .await;
    refused.expect(1).expect_said("no plan was written");
    assert!(!stage.path("plan.json").exists());
}
