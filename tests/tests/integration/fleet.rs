//! The commands for many services, and those that explain.

use std::collections::BTreeMap;
use std::path::Path;

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_mock::World;
use promote_tests::settings::SampleConfig;
use serde_json::json;

use crate::stage::ProgramStage;

/// The sample with a second service, which is up to date, and one without production.
fn fleet() -> World {
    let mut world = World::sample();
    let now = world.now;
    let runtime =
        |image: &str, id: &str| json!({ "identifier": id, "relations": { "image": image } });
    let service = |id: &str, team: &str, relations: serde_json::Value| json!({ "identifier": id, "team": [team], "relations": relations });
    for (blueprint, body) in [
        ("running_service", runtime("web-1.4.2", "api-staging")),
        ("running_service", runtime("web-1.4.2", "api-prod")),
        (
            "service",
            service(
                "api",
                "search",
                json!({ "test_runtime": "api-staging", "prod_runtime": "api-prod" }),
            ),
        ),
        ("service", service("batch", "search", json!({}))),
    ] {
        world
            .port
            .put_entity(now, blueprint, body.as_object().unwrap())
            .unwrap();
    }
    world
}

#[tokio::test]
async fn matrix_lists_what_can_be_promoted_and_what_is_behind() {
    let stage = ProgramStage::of(fleet()).await;
    let services = |ended: &crate::stage::ProgramEnd| -> Vec<String> {
        let matrix: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(ended.stdout.lines().count(), 1, "one line, for an output");
        let entries = matrix["include"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["service"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = stage.promote(&["matrix"]).await;
    assert_eq!(services(all.expect(0)), ["api", "web"]);
    let behind = stage.promote(&["matrix", "--behind"]).await;
    assert_eq!(services(behind.expect(0)), ["web"]);
    assert_eq!(
        behind.json()["include"][0],
        json!({ "service": "web", "blueprint": "service", "staging": "web-staging", "production": "web-prod",
            "image": "web-1.4.2", "previous-image": "web-1.4.1" })
    );
    let team = stage.promote(&["matrix", "--team", "search"]).await;
    assert_eq!(services(team.expect(0)), ["api"]);
    let none = stage.promote(&["matrix", "--blueprint", "nothing"]).await;
    none.expect(3).expect_said("reading the services `nothing`");
    stage.witness.expect_untouched();
}

#[tokio::test]
async fn start_is_a_click_in_port() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["start", "web"]).await;
    let id = ended.expect(0).stdout.trim().to_owned();
    {
        let world = stage.witness.world.lock();
        let run = &world.port.runs[&id];
        assert_eq!(
            (run.action.as_str(), run.entity.as_deref()),
            ("promote_to_production", Some("web"))
        );
    }
    let stand_in = ["start", "web", "--run-as", "kim+on.call@acme.example"];
    let id = stage.promote(&stand_in).await;
    let id = id.expect(0).stdout.trim().to_owned();
    {
        let world = stage.witness.world.lock();
        assert_eq!(
            world.port.runs[&id].stamps.created_by,
            "kim+on.call@acme.example"
        );
    }
    let waited = stage.promote(&["start", "web", "--wait", "1s"]).await;
    waited
        .expect(3)
        .expect_said("has not ended yet, it is IN_PROGRESS");
    stage
        .promote(&["start", "nobody"])
        .await
        .expect(3)
        .expect_said("starting the action");
    stage
        .promote(&["start", "web", "--input", "x"])
        .await
        .expect(2)
        .expect_said("write `--input NAME=VALUE`");
}

#[tokio::test]
async fn every_code_can_be_explained() {
    let stage = ProgramStage::sample().await;
    stage
        .promote(&["explain", "lock"])
        .await
        .expect(0)
        .expect_said("What to do: ask whoever set the lock");
    let list = stage.promote(&["explain"]).await;
    list.expect(0)
        .expect_said("violation")
        .expect_said("mutable-tag");
    let json = stage
        .promote(&["explain", "rejected", "--format", "json"])
        .await;
    // One word may mean several things: how a run ends, and what a call came back with.
    let codes = json.expect(0).json()["codes"].clone();
    let kinds: Vec<_> = codes
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["kind"])
        .collect();
    assert_eq!(kinds, ["ended", "failure"]);
    stage
        .promote(&["explain", "lokc"])
        .await
        .expect(2)
        .expect_said("did you mean `lock`?");
}

#[tokio::test]
async fn shells_and_manuals_know_every_command() {
    let stage = ProgramStage::sample().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        stage
            .promote(&["completions", shell])
            .await
            .expect(0)
            .expect_said("explain");
    }
    stage
        .promote(&["man"])
        .await
        .expect(0)
        .expect_said(".TH promote 1");
    stage.promote(&["man", "--folder", "pages"]).await.expect(0);
    let page = stage.read("pages/promote-run.1");
    assert!(
        page.contains(".TH promote-run 1") && page.contains(".SH EXAMPLES"),
        "{page}"
    );
    for heading in [".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", ".SH FILES"] {
        assert!(page.contains(heading), "{heading}: {page}");
    }
    assert!(page.contains("PORT_CLIENT_SECRET_FILE"), "{page}");
    for command in [
        "run",
        "plan",
        "matrix",
        "start",
        "explain",
        "completions",
        "man",
    ] {
        stage
            .promote(&[command, "--help"])
            .await
            .expect(0)
            .expect_said("Examples:");
    }
    stage
        .promote(&["--help"])
        .await
        .expect(0)
        .expect_said("promote explain lock");
}

#[tokio::test]
async fn a_catalog_of_twenty_thousand_services_is_paged_through() {
    let mut world = World::sample();
    let now = world.now;
    for number in 0..20_000 {
        let service = json!({ "identifier": format!("svc-{number:05}"), "team": ["search"] });
        world
            .port
            .put_entity(now, "service", service.as_object().unwrap())
            .unwrap();
    }
    // The last of all can be promoted, and is found.
    let last = json!({ "identifier": "zz", "team": ["payments"],
        "relations": { "test_runtime": "web-staging", "prod_runtime": "web-prod" } });
    world
        .port
        .put_entity(now, "service", last.as_object().unwrap())
        .unwrap();
    let stage = ProgramStage::of(world).await;
    let behind = stage.promote(&["matrix", "--behind"]).await;
    let found = behind.expect(0).json();
    let services: Vec<&str> = found["include"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["service"].as_str().unwrap())
        .collect();
    assert_eq!(services, ["web", "zz"]);
    let asked = stage.world.lock().seen.len();
    assert!(
        asked < 120,
        "a hundred pages, a sign-in and four runtimes, not {asked} requests"
    );
    let doctor = stage.promote(&["doctor", "--service", "zz"]).await;
    let said = format!("{}{}", doctor.stdout, doctor.stderr);
    assert!(said.contains("checking zz (1 of 1)"), "{said}");
    stage.witness.expect_untouched();
}

/// Every command that compiles a component keeps to the limits of the configuration, before it asks any service.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_compiles_for_longer_than_it_may() {
    let observer = std::fs::read(promote_tests::guests::OBSERVER).unwrap();
    let bomb = crate::hostile::grafts::compile_bomb(700);
    let bomb = crate::hostile::grafts::graft(&observer, &bomb, 0);
    let settings = SampleConfig::default()
        .component("bomb.wasm")
        .limits("compile = { time = \"1s\" }");
    for command in [
        &["plan", "--payload", "payload.json"][..],
        &["lock"],
        &["matrix"],
        &["doctor"],
    ] {
        let stage = ProgramStage::sample().await.settings(&settings);
        std::fs::write(stage.path("bomb.wasm"), &bomb).unwrap();
        let ended = stage.promote(command).await;
        ended.expect_said("compiling it took more than 1s; raise `limits.compile.time`");
        assert_ne!(ended.code(), 0, "{command:?}");
        stage.witness.expect_untouched();
    }
}

/// More merged pull requests than one page of GitHub's list has.
const BUSY: usize = 120;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_goes_back_however_much_was_merged_for_others_since() {
    let mut text = include_str!("../../scenarios/rollback.toml")
        .split("[[step]]")
        .next()
        .unwrap()
        .to_owned();
    let step = |text: &mut String, body: &str| {
        text.push_str("[[step]]\n");
        text.push_str(body);
    };
    step(&mut text, "expect = { outcome = \"promoted\" }\n");
    for number in 0..BUSY {
        let branch = format!("other-{number}");
        step(
            &mut text,
            &format!(
                "event = {{ commit = {{ repository = \"acme/gitops\", branch = \"{branch}\", files = {{ \"other\" = \"{number}\" }} }} }}\n"
            ),
        );
        step(
            &mut text,
            &format!(
                "event = {{ request = {{ service = \"github\", method = \"POST\", path = \"/repos/acme/gitops/pulls\", body = {{ head = \"{branch}\", base = \"main\", title = \"Other\" }} }} }}\n"
            ),
        );
        step(
            &mut text,
            "event = { merge = { repository = \"acme/gitops\" } }\n",
        );
    }
    step(
        &mut text,
        r#"payload = { set = { context = { runId = "r_Second0000000002" } } }
[step.expect]
outcome = "promoted"
message = ["ghcr.io/acme/web:1.4.1 in place of ghcr.io/acme/web:1.4.2"]
[step.expect.entities]
"running_service/web-prod" = { image = "web-1.4.1" }
"#,
    );
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let scenario = Scenario::parse(&text, Path::new("busy.toml")).unwrap();
    let report = runner.test(&scenario, true).await.unwrap();
    assert!(report.passed(), "{:#?}", report.problems);
}
