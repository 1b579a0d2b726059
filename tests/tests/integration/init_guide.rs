//! A repository that was set up by Port's guide, taken over by `init`.

use serde_json::Value;

use crate::catalog_shape::SHAPES;
use crate::init_catalog::{init, push};
use crate::stage::ProgramStage;

const GUIDE_WORKFLOW: &str = "name: Promote Production\non:\n  workflow_dispatch:\n    inputs:\n      port_payload:\n        required: true\njobs:\n  promote-deployment:\n    runs-on: ubuntu-latest\n    steps:\n      - name: Get the current staging image\n        uses: port-labs/port-github-action@v1\n        with:\n          clientId: ${{ secrets.PORT_CLIENT_ID }}\n          operation: GET\n          blueprint: running_service\n          identifier: ${{fromJson(github.event.inputs.port_payload).payload.entity.relations.test_runtime }}\n          token: ${{ secrets.MY_GITHUB_TOKEN }}\n";

/// What somebody has who followed the guide: its catalog, its action as Port moved it, its workflow.
pub(crate) async fn after_the_guide() -> ProgramStage {
    let shape = &SHAPES[0];
    let mut world = shape.world();
    let action = serde_json::json!({
        "identifier": "service_promote_to_production", "title": "Promote to Production", "icon": "Argo",
        "trigger": { "type": "self-service", "operation": "DAY-2", "blueprintIdentifier": "service",
            "userInputs": { "properties": {}, "required": [] } },
        "invocationMethod": { "type": "GITHUB", "org": "acme", "repo": "gitops", "workflow": "promote-production.yml",
            "reportWorkflowStatus": true, "workflowInputs": { "port_payload": {
                "context": { "runId": "{{ .run.id }}" }, "payload": { "entity": "{{ .entity }}" } } } },
        "requiredApproval": false,
    });
    world
        .port
        .put_action(world.now, action.as_object().unwrap().clone());
    let file = ".github/workflows/promote-production.yml".to_owned();
    let pushed = [(file, GUIDE_WORKFLOW.into())];
    world
        .github
        .commit_files("acme/gitops", "main", "Follow the guide", pushed)
        .unwrap();
    let stage = ProgramStage::of(world).await;
    shape.clone_into(&stage);
    let folder = stage.path("clone").join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("promote-production.yml"), GUIDE_WORKFLOW).unwrap();
    stage
}

#[tokio::test]
async fn a_repository_of_the_guide_is_taken_over_step_by_step() {
    let stage = after_the_guide().await;
    // First it is said what would happen, and that the action stays with Port's app unless it is moved.
    let dry = init(&stage, &["--dry-run"]).await;
    dry.expect(1)
        .expect_said("is the workflow of Port's guide: it is replaced")
        .expect_said("the secret MY_GITHUB_TOKEN is not needed any more")
        .expect_said("as service_promote_to_production: that one is used")
        .expect_said("-        uses: port-labs/port-github-action@v1")
        .expect_said("`--migrate` moves it to Port's GitHub integration");
    stage.witness.expect_untouched();
    let made = init(&stage, &["--yes", "--migrate"]).await;
    made.expect(0)
        .expect_said("wrote .github/workflows/promote-production.yml")
        .expect_said("wrote port: action service_promote_to_production");
    {
        let world = stage.world.lock();
        assert_eq!(world.port.actions.len(), 1, "no second action");
        let action: Value = Value::Object(
            (*world.port.actions["service_promote_to_production"].definition).clone(),
        );
        assert_eq!(action["invocationMethod"]["type"], "INTEGRATION_ACTION");
        assert_eq!(
            action["invocationMethod"]["installationId"],
            "github-ocean-acme"
        );
    }
    let config = stage.read("clone/promote.toml");
    assert!(
        config.contains("promote = \"service_promote_to_production\""),
        "{config}"
    );
    let doctor = ["doctor", "--config", "clone/promote.toml"];
    let early = stage.promote(&doctor).await;
    early
        .expect(1)
        .expect_said("every workflow on every branch can read");
    push(&stage, "clone");
    stage.promote(&doctor).await.expect(0);
    let started = stage
        .promote(&["start", "web", "--action", "service_promote_to_production"])
        .await;
    let run = started.expect(0).stdout.trim().to_owned();
    let message = serde_json::json!({ "port_payload": { "run_id": run, "blueprint": "service", "entity": "web" } });
    stage.write("click.json", &message.to_string());
    let run = [
        "run",
        "--config",
        "clone/promote.toml",
        "--payload",
        "click.json",
    ];
    stage.promote(&run).await.expect(0);
    init(&stage, &["--yes"])
        .await
        .expect(0)
        .expect_said("nothing to change");
}

#[tokio::test]
async fn the_guides_workflow_under_another_name_is_not_left_in_silence() {
    let stage = ProgramStage::of(SHAPES[0].world()).await;
    SHAPES[0].clone_into(&stage);
    let folder = stage.path("clone").join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("promote.yaml"), GUIDE_WORKFLOW).unwrap();
    init(&stage, &["--yes"]).await.expect(0).expect_said(
        ".github/workflows/promote.yaml promotes as Port's guide does, past `promote`",
    );
}
