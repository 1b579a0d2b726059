//! `promote init`, against the mock over HTTP: twice is as good as once, and nobody's work is lost.

use promote_mock::fault::CannedAnswer;
use promote_mock::{FaultEffect, ServiceName, World};
use serde_json::{Value, json};

use crate::stage::{ProgramEnd, ProgramStage};

const USES: &str = "acme/promote@0123456789abcdef0123456789abcdef01234567";
const WORKFLOW: &str = ".github/workflows/promote-production.yml";

/// A Port that knows nothing of promotions yet.
fn fresh() -> World {
    let mut world = World::sample();
    world.port.entities.clear();
    world.port.runs.clear();
    world.port.blueprints.clear();
    world.port.actions.clear();
    world
}

async fn init(stage: &ProgramStage, more: &[&str]) -> ProgramEnd {
    let arguments = [
        "init",
        "--repository",
        "acme/gitops",
        "--uses",
        USES,
        "--folder",
        "new",
    ];
    stage.promote(&[&arguments[..], more].concat()).await
}

/// What cannot be found out without manifests and images.
const PATHS: [&str; 4] = [
    "--paths",
    "apps/{service.identifier}/prod/*.yaml",
    "--reference",
    "{identifier}",
];

#[tokio::test]
async fn sets_everything_up_and_the_second_time_nothing() {
    let stage = ProgramStage::of(fresh()).await;
    let dry = init(&stage, &[&PATHS[..], &["--dry-run"]].concat()).await;
    dry.expect(0)
        .expect_said("nothing was changed: `--dry-run` (7 differences)");
    stage.witness.expect_untouched();
    assert!(!stage.exists("new/promote.toml"));

    init(&stage, &PATHS)
        .await
        .expect(2)
        .expect_said("`--yes` says so beforehand");
    stage.witness.expect_untouched();

    let first = init(&stage, &[&PATHS[..], &["--yes"]].concat()).await;
    first
        .expect(0)
        .expect_said("wrote port: blueprint service")
        .expect_said("wrote port: action promote_to_production");
    first.expect_said("gh secret set PORT_CLIENT_SECRET --env production --repo acme/gitops");
    let workflow = stage.read(&format!("new/{WORKFLOW}"));
    let config = stage.read("new/promote.toml");
    let writes = stage.witness.writes();
    assert_eq!(
        writes.len(),
        4,
        "three blueprints and an action: {writes:?}"
    );

    let second = init(&stage, &[&PATHS[..], &["--yes"]].concat()).await;
    second
        .expect(0)
        .expect_said("nothing to change: everything is set up");
    assert_eq!(
        stage.witness.writes(),
        writes,
        "the second run writes nothing"
    );
    assert_eq!(stage.read(&format!("new/{WORKFLOW}")), workflow);
    assert_eq!(stage.read("new/promote.toml"), config);
}

#[tokio::test]
async fn what_it_writes_promotes() {
    let stage = ProgramStage::sample().await;
    let made = init(&stage, &["--yes"]).await;
    made.expect(0).expect_said("wrote promote.toml");
    let config = stage.read("new/promote.toml");
    assert!(
        config.contains("path = \"apps/{service.identifier}/prod/deployment.yaml\""),
        "guessed: {config}"
    );
    stage.run(&["--config", "new/promote.toml"]).await.expect(0);
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn a_record_of_promotions_is_set_up_if_it_is_wished() {
    let stage = ProgramStage::sample().await;
    let with = [&PATHS[..2], &["--record", "--yes"]].concat();
    init(&stage, &with)
        .await
        .expect(0)
        .expect_said("port: blueprint promotion");
    assert!(
        stage
            .witness
            .world
            .lock()
            .port
            .blueprints
            .contains_key("promotion")
    );
    let config = stage.read("new/promote.toml");
    assert!(
        config.contains("[port]\nrecord = \"promotion\"\n"),
        "{config}"
    );
    stage
        .promote(&["doctor", "--config", "new/promote.toml"])
        .await
        .expect(0);
    let again = init(&stage, &with).await;
    again.expect(0).expect_said("nothing");
}

#[tokio::test]
async fn an_action_of_its_own_goes_back_if_it_is_wished() {
    let stage = ProgramStage::sample().await;
    let with = ["--rollback", "--yes"];
    init(&stage, &with)
        .await
        .expect(0)
        .expect_said("wrote port: action rollback_production")
        .expect_said("wrote port: action promote_to_production");
    let action = |name: &str| {
        let world = stage.witness.world.lock();
        world.port.actions[name].definition.clone()
    };
    let [promote, rollback] = ["promote_to_production", "rollback_production"].map(action);
    let again = &promote["trigger"]["userInputs"]["properties"]["again"];
    assert_eq!(again["type"], "boolean", "{promote:?}");
    assert_eq!(
        rollback["trigger"]["userInputs"]["properties"],
        json!({}),
        "{rollback:?}"
    );
    assert_eq!(rollback["invocationMethod"], promote["invocationMethod"]);
    let config = stage.read("new/promote.toml");
    for part in [
        "rollback = { action = \"rollback_production\", settings = { rollback = { enabled = true } } }",
        "allow = [\"port.search\"]",
    ] {
        assert!(config.contains(part), "{config}");
    }
    stage
        .promote(&["doctor", "--config", "new/promote.toml"])
        .await
        .expect(0);
    // What is there says that it is wished, and whoever leaves the flag out takes nothing back.
    for arguments in [&with[..], &["--yes"]] {
        init(&stage, arguments)
            .await
            .expect(0)
            .expect_said("nothing to change: everything is set up");
    }
    stage.run(&["--config", "new/promote.toml"]).await.expect(0);
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn keeps_what_others_added() {
    let mut world = World::sample();
    let mut service = (*world.port.blueprints["service"]).clone();
    service.definition["schema"]["properties"]["tier"] =
        json!({ "type": "number", "title": "Tier" });
    service.definition["schema"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("locked_in_prod");
    service.definition["relations"]
        .as_object_mut()
        .unwrap()
        .remove("dev_runtime");
    service.definition["schema"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("readme");
    world.port.put_blueprint(service);
    let mut action = world.port.actions["promote_to_production"]
        .definition
        .clone();
    action["invocationMethod"]["integrationActionExecutionProperties"]["workflow"] =
        json!("another.yml");
    action.insert("requiredApproval".to_owned(), json!(true));
    world.port.put_action(world.now, action);
    let stage = ProgramStage::of(world).await;
    let ended = init(&stage, &["--yes"]).await;
    ended
        .expect(0)
        .expect_said("+      \"locked_in_prod\": {")
        .expect_said("-      \"workflow\": \"another.yml\"");
    {
        let world = stage.witness.world.lock();
        let service: Value = (*world.port.blueprints["service"].definition)
            .clone()
            .into();
        assert_eq!(service["schema"]["properties"]["tier"]["title"], "Tier");
        assert_eq!(
            service["schema"]["properties"]["locked_in_prod"]["type"],
            "boolean"
        );
        assert!(
            service["relations"].get("dev_runtime").is_none()
                && service["schema"]["properties"].get("readme").is_none(),
            "only what a promotion reads is added"
        );
        let action = &world.port.actions["promote_to_production"].definition;
        assert_eq!(
            action["invocationMethod"]["integrationActionExecutionProperties"]["workflow"],
            "promote-production.yml"
        );
        assert_eq!(action["requiredApproval"], true);
    }
    init(&stage, &["--yes"])
        .await
        .expect(0)
        .expect_said("nothing to change");
}

#[tokio::test]
async fn leaves_files_that_somebody_changed() {
    let stage = ProgramStage::sample().await;
    init(
        &stage,
        &["--yes", "--no-port", PATHS[0], PATHS[1], PATHS[2], PATHS[3]],
    )
    .await
    .expect(0);
    let edited = stage.read("new/promote.toml") + "\n[limits]\nwall = \"9m\"\n";
    stage.write("new/promote.toml", &edited);
    let again = init(
        &stage,
        &["--yes", "--no-port", PATHS[0], PATHS[1], PATHS[2], PATHS[3]],
    )
    .await;
    again
        .expect(1)
        .expect_said("promote.toml would become:")
        .expect_said("promote.toml is there, was changed by a person and stays as it is")
        .expect_said("nothing was changed");
    assert_eq!(stage.read("new/promote.toml"), edited);
    init(
        &stage,
        &[
            "--yes",
            "--no-port",
            "--overwrite",
            PATHS[0],
            PATHS[1],
            PATHS[2],
            PATHS[3],
        ],
    )
    .await
    .expect(0)
    .expect_said("-[limits]");
    assert_ne!(stage.read("new/promote.toml"), edited);
    assert_eq!(stage.witness.requests(), 0, "Port is left alone");
}

#[tokio::test]
async fn says_what_is_missing() {
    let stage = ProgramStage::of(fresh()).await;
    for (arguments, said) in [
        (
            &["init", "--folder", "new", "--no-port"][..],
            "`--repository OWNER/NAME` names",
        ),
        (
            &["init", "--repository", "acme/gitops", "--no-port"],
            "`--uses OWNER/NAME@COMMIT`",
        ),
        (
            &[
                "init",
                "--repository",
                "acme/gitops",
                "--no-port",
                "--uses",
                "acme/promote@v1",
            ],
            "`--uses acme/promote@COMMIT` needs no look-up",
        ),
        (
            &["init", "--repository", "acme", "--no-port", "--uses", USES],
            "write owner/name",
        ),
        (
            &["init", "--repository", "acme/gitops", "--uses", USES],
            "`--paths",
        ),
    ] {
        stage.promote(arguments).await.expect(2).expect_said(said);
    }
    let mut world = fresh();
    world.port.credentials[0].may_write = false;
    let stage = ProgramStage::of(world).await;
    init(&stage, &["--yes", PATHS[0], PATHS[1], PATHS[2], PATHS[3]])
        .await
        .expect(2)
        .expect_said("may not list its integrations, which needs an admin's");
    let named = [
        "--yes",
        "--installation",
        "a",
        PATHS[0],
        PATHS[1],
        PATHS[2],
        PATHS[3],
    ];
    init(&stage, &named)
        .await
        .expect(3)
        .expect_said("writing port: blueprint image");
}

#[tokio::test]
async fn what_port_says_no_to_is_told_with_its_particulars() {
    let mut world = fresh();
    let refusal = FaultEffect::Answer(CannedAnswer {
        status: 422,
        headers: Default::default(),
        body: json!({
            "ok": false,
            "message": "the blueprint does not fit",
            "details": { "errors": [{ "instancePath": "/schema", "message": "is\u{1b}[31m required\n::error::owned" }] },
        })
        .to_string(),
    });
    let planted = world
        .faults
        .next(ServiceName::Port, "POST", "/v1/blueprints", refusal);
    planted.unwrap().times = 1000;
    let stage = ProgramStage::of(world).await;
    let ended = init(&stage, &[&PATHS[..], &["--yes"]].concat()).await;
    ended.expect(3).expect_said(
        "the blueprint does not fit, namely: errors: /schema is [31m required ::error::owned",
    );
}
