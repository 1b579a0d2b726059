//! The record of promotions in Port: one entity for each run of Port, whatever became of it.

use promote_core::run::record::RECORD_BLUEPRINT;
use promote_mock::World;
use promote_mock::port::{CatalogBlueprint, ChangeStamps};
use promote_mock::sample::RUN;
use promote_tests::bench::TestRun;
use promote_tests::settings::SampleConfig;
use serde_json::{Map, Value, json};

use crate::exit_codes::locked;
use crate::stage::ProgramStage;

const BLUEPRINT: &str = "promotion";

/// The world, with the blueprint of records as Port takes it.
fn with_records(mut world: World) -> World {
    let definition: Map<String, Value> = serde_json::from_str(RECORD_BLUEPRINT).unwrap();
    let stamps = ChangeStamps::new(world.now, "somebody");
    let blueprint = CatalogBlueprint::new(definition, stamps);
    world.port.put_blueprint(blueprint.unwrap());
    world
}

/// The sample's configuration, which keeps records.
fn keeping() -> SampleConfig {
    let text = SampleConfig::default().text();
    SampleConfig::read(&format!("{text}\n[port]\nrecord = \"promotion\"\n"))
}

/// Returns the properties of the record of the sample's run, if there is one.
fn record(world: &World) -> Option<Value> {
    let key = (BLUEPRINT.to_owned(), RUN.to_owned());
    Some(json!(world.port.entities.get(&key)?.properties))
}

#[tokio::test]
async fn port_alone_says_who_promoted_what_and_by_which_policy() {
    let run = TestRun::builtin()
        .settings(keeping())
        .world(with_records(World::sample()));
    let ended = run.run().await;
    let world = ended.witness.world.snapshot();
    let record = record(&world).unwrap();
    for (property, value) in [
        ("outcome", "promoted"),
        ("subject", "web"),
        ("image", "ghcr.io/acme/web:1.4.2"),
        ("previous_image", "ghcr.io/acme/web:1.4.1"),
        ("pull_request", "https://github.com/acme/gitops/pull/1"),
        ("journal_seal", ended.done.journal_sum.as_str()),
    ] {
        assert_eq!(record[property], value, "{property}: {record:#}");
    }
    for property in [
        "started_by",
        "policy",
        "commit",
        "began_at",
        "ended_at",
        "workflow",
    ] {
        assert!(record[property].is_string(), "{property}: {record:#}");
    }
    let run = &world.port.runs[RUN];
    assert_eq!(run.status.as_str(), "SUCCESS");
}

/// The question of an auditor: who clicked, who approved, which commit, which policy and rules.
#[tokio::test]
async fn from_port_alone_an_auditor_is_answered() {
    let mut world = with_records(World::sample());
    let run = world.port.runs.get_mut(RUN).unwrap();
    run.stamps.created_by = "dana@acme.example".to_owned();
    let gitops = world.github.find_mut("acme/gitops").unwrap();
    gitops.collaborators.insert("kim".to_owned());
    let text = keeping()
        .text()
        .replace("[policy.settings]", "[policy.settings]\napprovals = {}");
    let rule = "\n[[rule]]\nname = \"mature\"\ndeny = \"size(service.identifier) > 50\"\nmessage = \"long\"\n";
    let settings = SampleConfig::read(&format!("{text}{rule}"));
    let stage = ProgramStage::of(world).await.settings(&settings);
    stage.run(&[]).await.expect(0).expect_said("waits for");
    stage.world.lock().github.approve("acme/gitops", 1, "kim");
    stage.promote(&["resume"]).await.expect(0);
    // Port and nothing else: no journal, no folder.
    let listed = stage.promote(&["log", "--port", "--format", "json"]).await;
    let listed = listed.expect(0).json();
    let [promotion] = listed["promotions"].as_array().unwrap().as_slice() else {
        panic!("one promotion: {listed:#}");
    };
    let kim = json!(["kim (acme/gitops#1)"]);
    for (key, value) in [
        ("run", json!(RUN)),
        ("by", json!("dana@acme.example")),
        ("approved-by", kim),
        ("outcome", json!("promoted")),
        ("entity", json!("web")),
        ("image", json!("ghcr.io/acme/web:1.4.2")),
        ("previous-image", json!("ghcr.io/acme/web:1.4.1")),
        (
            "pull-request",
            json!("https://github.com/acme/gitops/pull/1"),
        ),
    ] {
        assert_eq!(promotion[key], value, "{key}: {promotion:#}");
    }
    let hex = |text: &Value, length| {
        let text = text.as_str().unwrap_or_default();
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    assert!(hex(&promotion["commit"], 40), "{promotion:#}");
    assert!(hex(&promotion["policy"], 64), "{promotion:#}");
    assert!(hex(&promotion["seal"], 64), "{promotion:#}");
    let rule = promotion["rules"][0].as_str().unwrap().split_once('@');
    let (name, digest) = rule.unwrap();
    assert_eq!((name, digest.len()), ("mature", 64));
    for words in [
        "by dana@acme.example; approved by kim (acme/gitops#1)",
        "1 promotion: 1 promoted",
    ] {
        stage
            .promote(&["log", "--port"])
            .await
            .expect(0)
            .expect_said(words);
    }
    stage
        .promote(&["log", "--port", "--outcome", "refused"])
        .await
        .expect(0)
        .expect_said("0 promotions");
    stage
        .promote(&["log", "--port", "no_such_blueprint"])
        .await
        .expect(3)
        .expect_said("reading the records of blueprint no_such_blueprint");
}

/// A squash and a rebase leave commits of their own on the base branch, and none of the pull request's.
#[tokio::test]
async fn however_it_is_merged_the_records_name_the_commit_on_the_base_branch_and_who_approved() {
    for method in ["squash", "rebase", "merge"] {
        let mut world = with_records(World::sample());
        let gitops = world.github.find_mut("acme/gitops").unwrap();
        gitops.collaborators.insert("kim".to_owned());
        let settings = format!("[policy.settings]\napprovals = {{}}\nmethod = \"{method}\"");
        let text = keeping().text();
        let settings = SampleConfig::read(&text.replace("[policy.settings]", &settings));
        let stage = ProgramStage::of(world).await.settings(&settings);
        stage.run(&[]).await.expect(0).expect_said("waits for");
        stage.world.lock().github.approve("acme/gitops", 1, "kim");
        stage.promote(&["resume"]).await.expect(0);
        let world = stage.world.lock();
        let record = record(&world).unwrap();
        let base = world.github.find("acme/gitops").unwrap();
        let base = base.branch("main").unwrap().to_string();
        assert_eq!(record["commit"], base, "{method}");
        assert_eq!(
            record["approved_by"],
            json!(["kim (acme/gitops#1)"]),
            "{method}"
        );
    }
}

/// The sample's configuration with the grant for deployments.
fn deploying(more: &str) -> SampleConfig {
    let text = SampleConfig::default().text();
    SampleConfig::read(&format!(
        "{text}\n[workflow]\nenvironment = \"production\"\n[[grants]]\nallow = [\"github.deployment\"]\nrepository = \"acme/gitops\"\n{more}"
    ))
}

/// Returns each deployment with its environment and its statuses.
fn deployments(stage: &ProgramStage) -> Vec<String> {
    let world = stage.world.lock();
    let gitops = world.github.find("acme/gitops").unwrap();
    let all = gitops.deployments.iter().map(|one| {
        let states = one.statuses.iter().map(|status| status.state.as_str());
        let states: Vec<&str> = states.collect();
        assert_eq!(gitops.branch("main").unwrap(), one.sha);
        format!("{} {}: {}", one.task, one.environment, states.join(", "))
    });
    all.collect()
}

#[tokio::test]
async fn a_promotion_is_a_deployment_at_github() {
    let stage = ProgramStage::sample().await.settings(&deploying(""));
    for _ in ["promoted", "there already"] {
        stage.run(&[]).await.expect(0);
        assert_eq!(deployments(&stage), ["promote production: success"]);
    }
    let stage = ProgramStage::sample().await;
    stage.run(&[]).await.expect(0);
    assert_eq!(deployments(&stage), [""; 0]);
    let of_nothing = SampleConfig::read(
        &deploying("")
            .text()
            .replace("environment = \"production\"\n", ""),
    );
    let stage = ProgramStage::of(locked()).await.settings(&deploying(""));
    stage.run(&[]).await.expect(1);
    assert_eq!(deployments(&stage), [""; 0]);
    let stage = stage.settings(&of_nothing);
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("the grant `github.deployment` needs `[workflow] environment`");
}

#[tokio::test]
async fn a_deployment_is_in_progress_until_production_runs_it() {
    let mut world = World::sample();
    let key = ("running_service".to_owned(), "web-prod".to_owned());
    let production = world.port.entities.get_mut(&key).unwrap();
    let earlier = "0123456789abcdef0123456789abcdef01234567";
    production
        .properties
        .insert("revision".to_owned(), earlier.into());
    let verify =
        "[policy.settings.verify]\nenabled = true\nrevision = \"revision\"\ndeadline = \"1s\"\n";
    let read = "[[grants]]\nallow = [\"github.read-commits\"]\nrepository = \"acme/gitops\"\n";
    let stage = ProgramStage::of(world)
        .await
        .settings(&deploying(&format!("{read}{verify}")));
    stage.run(&[]).await.expect(0).expect_said("waits for");
    assert_eq!(deployments(&stage), ["promote production: in_progress"]);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    stage.promote(&["resume"]).await.expect(3);
    assert_eq!(
        deployments(&stage),
        ["promote production: in_progress, failure"]
    );
}

#[tokio::test]
async fn a_refusal_is_recorded_too_and_a_plan_is_not() {
    let run = TestRun::builtin()
        .settings(keeping())
        .world(with_records(locked()));
    let ended = run.run().await;
    let refused = record(&ended.witness.world.snapshot()).unwrap();
    assert_eq!(refused["outcome"], "refused");
    assert!(refused.get("image").is_none(), "{refused:#}");
    let run = TestRun::builtin()
        .settings(keeping())
        .world(with_records(World::sample()))
        .planned();
    assert_eq!(record(&run.run().await.witness.world.snapshot()), None);
}

#[tokio::test]
async fn without_its_blueprint_the_run_ends_all_the_same_and_people_are_told() {
    let stage = ProgramStage::sample().await.settings(&keeping());
    stage
        .run(&[])
        .await
        .expect(0)
        .expect_said("the record of this promotion in Port (`promotion`)");
    stage.witness.expect_port_run("SUCCESS", "Promoted");
    stage
        .promote(&["doctor"])
        .await
        .expect(2)
        .expect_said("blueprint promotion")
        .expect_said("Port has no such blueprint");
}
