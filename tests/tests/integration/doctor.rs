//! `promote doctor`: finds what is wrong before a run does, and nothing where nothing is.

mod planted;

use promote_mock::fault::CannedAnswer;
use promote_mock::github::{MergeStyle, RepositoryAccess, TokenKind};
use promote_mock::port::RelationTargets;
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use serde_json::{Value, json};

use crate::messages::{FindingList, SET_UP_FINDINGS};
use crate::stage::{ProgramEnd, ProgramStage};

pub(crate) use planted::token;
use planted::{FAULTS, entity, rules};

fn codes(ended: &ProgramEnd) -> Vec<(String, String)> {
    let report = ended.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(&finding["severity"]), text(&finding["code"])))
        .collect()
}

async fn doctor(stage: &ProgramStage, more: &[&str]) -> ProgramEnd {
    stage
        .promote(&[&["doctor", "--format", "json"], more].concat())
        .await
}

#[tokio::test]
async fn nothing_is_wrong_with_the_sample_and_nothing_is_written() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["doctor", "--all-services"]).await;
    ended
        .expect(0)
        .expect_said("nothing is wrong: a run can start")
        .expect_said("checking web (1 of 1)");
    stage.witness.expect_untouched();
}

#[tokio::test]
async fn finds_each_planted_fault() {
    assert!(FAULTS.len() >= 10);
    let mut list = FindingList::default();
    for fault in FAULTS {
        let mut world = World::sample();
        (fault.world)(&mut world);
        let stage = ProgramStage::of(world)
            .await
            .settings(&(fault.settings)(SampleConfig::default()));
        let ended = doctor(&stage, &[]).await;
        let found = codes(&ended);
        assert!(
            found.iter().any(|(_, code)| code == fault.code),
            "{}: {found:?}\n{}",
            fault.code,
            ended.stdout
        );
        ended.expect(fault.exit);
        stage.witness.expect_untouched();
        list.add(&stage, &ended.json());
    }
    list.check(SET_UP_FINDINGS);
}

#[tokio::test]
async fn a_relation_to_many_is_no_fault_while_it_leads_to_one() {
    let mut world = World::sample();
    let mut blueprint = (*world.port.blueprints["running_service"]).clone();
    blueprint.definition["relations"]["image"]["many"] = json!(true);
    world.port.put_blueprint(blueprint);
    for (runtime, image) in [("web-staging", "web-1.4.2"), ("web-prod", "web-1.4.1")] {
        let images = RelationTargets::Many(vec![image.to_owned()]);
        let relations = &mut entity(&mut world, "running_service", runtime).relations;
        relations.insert("image".to_owned(), images);
    }
    let stage = ProgramStage::of(world).await;
    doctor(&stage, &[]).await.expect(0);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_no_fault_of_the_set_up() {
    let mut world = World::sample();
    let fault = FaultEffect::Answer(CannedAnswer {
        status: 503,
        headers: Default::default(),
        body: "{}".to_owned(),
    });
    let planted = world
        .faults
        .next(ServiceName::Port, "GET", "/v1/blueprints/*", fault);
    planted.unwrap().times = 1000;
    let stage = ProgramStage::of(world).await;
    doctor(&stage, &[]).await.expect(3);
}

#[tokio::test]
async fn what_port_says_no_to_is_told_with_its_particulars() {
    let mut world = World::sample();
    let refusal = FaultEffect::Answer(CannedAnswer {
        status: 422,
        headers: Default::default(),
        body: r#"{"ok": false, "message": "no", "details": {"errors": [{"instancePath": "/id", "message": "is too\nlong"}]}}"#
            .to_owned(),
    });
    let planted = world
        .faults
        .next(ServiceName::Port, "GET", "/v1/blueprints/*", refusal);
    planted.unwrap().times = 1000;
    let stage = ProgramStage::of(world).await;
    let ended = doctor(&stage, &[]).await;
    let told = ended.json()["findings"].to_string();
    assert!(told.contains("namely: errors: /id is too long"), "{told}");
}

#[tokio::test]
async fn a_catalog_without_a_production_is_a_warning_however_many_are_asked_for() {
    let mut world = World::sample();
    entity(&mut world, "service", "web").relations.clear();
    let stage = ProgramStage::of(world).await;
    for more in [&[][..], &["--all-services"]] {
        let ended = doctor(&stage, more).await;
        let found = codes(ended.expect(1));
        assert!(found.contains(&("warning".to_owned(), "no-service".to_owned())));
    }
}

#[tokio::test]
async fn a_lock_is_a_note_and_a_fix_is_always_said() {
    let stage = ProgramStage::of(crate::exit_codes::locked()).await;
    let ended = doctor(&stage, &["--service", "web"]).await;
    let found = codes(ended.expect(0));
    assert_eq!(found, [("note".to_owned(), "would-refuse".to_owned())]);
    let report = ended.json();
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["fix"] != "")
    );
    doctor(&stage, &["--service", "nobody"])
        .await
        .expect(2)
        .expect_said("Port has no such service");
}

#[tokio::test]
async fn says_when_it_could_not_ask() {
    let mut world = World::sample();
    let gone = promote_mock::fault::CannedAnswer {
        status: 404,
        ..promote_mock::fault::CannedAnswer::bad_gateway()
    };
    let answer = promote_mock::FaultEffect::Answer(gone);
    world
        .faults
        .next(
            promote_mock::ServiceName::GitHub,
            "GET",
            "/repos/acme/gitops",
            answer,
        )
        .unwrap()
        .times = 100;
    let stage = ProgramStage::of(world).await;
    let ended = doctor(&stage, &[]).await;
    assert!(codes(ended.expect(2)).contains(&("error".to_owned(), "repository-access".to_owned())));
    let stage = ProgramStage::sample()
        .await
        .without("GITHUB_TOKEN")
        .without("PORT_CLIENT_SECRET");
    let ended = doctor(&stage, &[]).await;
    ended
        .expect(2)
        .expect_said("GITHUB_TOKEN is not set")
        .expect_said("PORT_CLIENT_SECRET is not set");
    stage
        .promote(&["doctor", "--config", "none.toml"])
        .await
        .expect(2)
        .expect_said("cannot read none.toml");
}

#[tokio::test]
async fn a_queue_needs_auto_merge_only_for_what_must_wait() {
    for (has_queue, checks, expected) in [
        (false, 0, Some("error")),
        (true, 1, Some("warning")),
        (true, 0, None),
    ] {
        let mut world = World::sample();
        rules(&mut world).merge_queue = has_queue;
        rules(&mut world).required_checks = vec!["validate".to_owned(); checks];
        let settings = SampleConfig::default().setting("mode", "auto-merge");
        let stage = ProgramStage::of(world).await.settings(&settings);
        let ended = doctor(&stage, &[]).await;
        let found = codes(&ended);
        let found = found.iter().find(|(_, code)| code == "auto-merge");
        let severity = found.map(|(severity, _)| severity.as_str());
        assert_eq!(severity, expected, "queue: {has_queue}, checks: {checks}");
    }
}
