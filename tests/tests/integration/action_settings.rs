//! Port's action as people may have changed it: who ends a run (`reportWorkflowStatus`), and what it is started on
//! (`trigger.operation`). Each is met by `init`, by `doctor` and by a run.

use serde_json::{Map, Value, json};

use crate::init_catalog::{before_set_up, click, init, push};
use crate::stage::{ProgramEnd, ProgramStage};

const ACTION: &str = "promote_to_production";

/// A repository in which `init` has set everything up.
async fn set_up() -> ProgramStage {
    let stage = before_set_up().await;
    init(&stage, &["--yes"]).await.expect(0);
    push(&stage, "clone");
    stage
}

fn change(stage: &ProgramStage, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut world = stage.world.lock();
    let mut action = (*world.port.actions[ACTION].definition).clone();
    change(&mut action);
    let now = world.now;
    world.port.put_action(now, action);
}

fn work(action: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let method = action["invocationMethod"].as_object_mut().unwrap();
    let work = method
        .get_mut("integrationActionExecutionProperties")
        .unwrap();
    work.as_object_mut().unwrap()
}

async fn doctor(stage: &ProgramStage) -> ProgramEnd {
    let config = ["doctor", "--config", "clone/promote.toml"];
    stage.promote(&config).await
}

#[tokio::test]
async fn who_ends_a_run_is_found_by_doctor_and_settled_by_init() {
    let stage = set_up().await;
    doctor(&stage).await.expect(0);
    for (setting, code, said) in [
        (
            Some(json!(true)),
            2,
            "ends a run with its workflow, also one that waits",
        ),
        (Some(json!("false")), 2, "takes any text for yes"),
        (
            Some(json!("{{ .inputs.report }}")),
            2,
            "takes any text for yes",
        ),
        (None, 1, "it does not say `reportWorkflowStatus`"),
    ] {
        change(&stage, |action| {
            let work = work(action);
            work.remove("reportWorkflowStatus");
            work.extend(
                setting
                    .clone()
                    .map(|it| ("reportWorkflowStatus".to_owned(), it)),
            );
        });
        doctor(&stage)
            .await
            .expect(code)
            .expect_said(said)
            .expect_said("[port-action]");
        init(&stage, &["--yes"])
            .await
            .expect(0)
            .expect_said("+      \"reportWorkflowStatus\": false");
        doctor(&stage).await.expect(0);
    }
}

#[tokio::test]
async fn a_run_that_waits_goes_on_unless_ports_integration_ends_it() {
    for (setting, status) in [
        (Some(json!(false)), "IN_PROGRESS"),
        (None, "IN_PROGRESS"),
        (Some(json!("false")), "SUCCESS"),
        (Some(json!(true)), "SUCCESS"),
    ] {
        let stage = set_up().await;
        let config = stage.read("clone/promote.toml");
        let waiting = config.replace(
            "[policy.settings]\n",
            "[policy.settings]\nmode = \"pull-request\"\n",
        );
        stage.write("clone/promote.toml", &waiting);
        change(&stage, |action| {
            let work = work(action);
            work.remove("reportWorkflowStatus");
            work.extend(
                setting
                    .clone()
                    .map(|it| ("reportWorkflowStatus".to_owned(), it)),
            );
        });
        let (run, ended) = click(&stage).await;
        ended.expect(0).expect_said("is open and waits for");
        let mut world = stage.world.lock();
        let now = world.now;
        world.port.report_workflow(now, &run, true);
        assert_eq!(world.port.runs[&run].status.as_str(), status, "{setting:?}");
    }
}

#[tokio::test]
async fn an_action_that_deletes_works_and_is_a_warning() {
    let stage = set_up().await;
    change(&stage, |action| {
        action["trigger"]["operation"] = json!("DELETE")
    });
    doctor(&stage)
        .await
        .expect(1)
        .expect_said("operation DELETE");
    init(&stage, &["--yes"])
        .await
        .expect(0)
        .expect_said("note: the action promote_to_production stays one that deletes the service");
    click(&stage).await.1.expect(0);
}

#[tokio::test]
async fn an_action_that_is_started_on_nothing_promotes_nothing() {
    let stage = set_up().await;
    change(&stage, |action| {
        action["trigger"]["operation"] = json!("CREATE")
    });
    doctor(&stage)
        .await
        .expect(2)
        .expect_said("operation CREATE");
    let written = stage.witness.writes().len();
    init(&stage, &["--yes"])
        .await
        .expect(2)
        .expect_said("set its operation to DAY-2 in Port, or name another with `--port-action`");
    assert_eq!(stage.witness.writes().len(), written, "nothing is written");
    // Somebody clicks all the same, and Port starts it on no entity.
    let started = stage.promote(&["start", "web"]).await;
    let run = started.expect(0).stdout.trim().to_owned();
    stage.world.lock().port.runs.get_mut(&run).unwrap().entity = None;
    let payload = json!({ "port_payload": { "run_id": run, "blueprint": "service" } });
    stage.write("click.json", &payload.to_string());
    let arguments = [
        "run",
        "--config",
        "clone/promote.toml",
        "--payload",
        "click.json",
    ];
    stage
        .promote(&arguments)
        .await
        .expect(1)
        .expect_said("is about no entity: its action must be started on one (operation DAY-2)");
}

#[tokio::test]
async fn a_page_in_the_catalog_is_made_only_if_it_is_wished() {
    for (flags, pages) in [
        (&["--record", "--yes"][..], &[][..]),
        (&["--record", "--yes", "--catalog-pages"], &["promotion"]),
    ] {
        let stage = before_set_up().await;
        let shown = init(&stage, &[&["--dry-run"], &flags[..1], &flags[2..]].concat()).await;
        let line = "port: blueprint promotion, and a page for it in the catalog";
        let said = format!("{}{}", shown.stderr, shown.stdout);
        assert_eq!(said.contains(line), !pages.is_empty(), "{said}");
        assert_eq!(
            said.contains("`--catalog-pages` makes one"),
            pages.is_empty()
        );
        init(&stage, flags).await.expect(0);
        let world = stage.world.lock();
        assert!(world.port.blueprints.contains_key("promotion"));
        let made: Vec<_> = world.port.pages.iter().map(String::as_str).collect();
        assert_eq!(made, pages);
    }
}

/// Port's answer has null for what is not set, and its schema takes none back.
#[tokio::test]
async fn what_port_leaves_unset_is_not_sent_back() {
    let stage = set_up().await;
    {
        let mut world = stage.world.lock();
        let mut service = (*world.port.blueprints["service"]).clone();
        let properties = service.definition["schema"]["properties"].as_object_mut();
        properties.unwrap().remove("locked_in_prod");
        let relations = service.definition["relations"].as_object_mut().unwrap();
        relations["prod_runtime"]
            .as_object_mut()
            .unwrap()
            .remove("title");
        world.port.put_blueprint(service);
        world.port.unset_as_null = true;
    }
    change(&stage, |action| {
        action.remove("icon");
        work(action).remove("reportWorkflowStatus");
    });
    init(&stage, &["--yes"])
        .await
        .expect(0)
        .expect_said("wrote port: blueprint service")
        .expect_said("wrote port: action promote_to_production");
    let world = stage.world.lock();
    let action = &world.port.actions[ACTION].definition;
    assert!(!action.contains_key("icon"));
    let relations = &world.port.blueprints["service"].definition["relations"];
    assert!(relations["prod_runtime"].get("title").is_none());
}

/// Port's move to the new kind of actions put the blueprint before the name.
#[tokio::test]
async fn an_action_that_port_renamed_is_named_by_doctor() {
    let stage = set_up().await;
    {
        let mut world = stage.world.lock();
        let mut action = (*world.port.actions[ACTION].definition).clone();
        action.insert(
            "identifier".to_owned(),
            json!("service_promote_to_production"),
        );
        let now = world.now;
        world.port.actions.clear();
        world.port.put_action(now, action);
    }
    doctor(&stage)
        .await
        .expect(2)
        .expect_said("Port has no such action, but `service_promote_to_production`");
}

/// The later versions of Port's guide have the manifest itself in `gitPath`, not its folder.
#[tokio::test]
async fn a_place_in_the_catalog_may_be_the_manifest_itself() {
    let stage = before_set_up().await;
    for (runtime, folder) in [("web-staging", "staging"), ("web-prod", "prod")] {
        let key = ("running_service".to_owned(), runtime.to_owned());
        let mut world = stage.world.lock();
        let properties = &mut world.port.entities.get_mut(&key).unwrap().properties;
        let file = format!("apps/web/{folder}/deployment.yaml");
        properties.insert("gitPath".to_owned(), file.into());
    }
    init(&stage, &["--yes"]).await.expect(0);
    let config = stage.read("clone/promote.toml");
    assert!(config.contains("{production.gitPath}\""), "{config}");
    push(&stage, "clone");
    doctor(&stage).await.expect(0);
    click(&stage).await.1.expect(0);
    stage.witness.expect_promoted();
}
