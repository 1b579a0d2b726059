//! `[[team]]` and `promote.lock`: who decides which policy runs, and what must not run at all.

use promote_core::journal::JournalEntry;
use promote_mock::sample;
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use serde_json::{Value, json};

use crate::stage::ProgramStage;

/// The sample, with this rule for teams before its policy.
fn rule(matches: &str, component: &str, more: &str) -> SampleConfig {
    let rule = format!("[[team]]\nmatch = {matches}\ncomponent = {component:?}\n{more}\n");
    SampleConfig::default().teams(&rule)
}

/// The sample, in which a rule gives this team what everybody has.
pub(crate) fn builtin_for(team: &str) -> SampleConfig {
    let settings =
        toml::from_str::<toml::Table>(&SampleConfig::default().text()).unwrap()["policy"]["settings"]
            .clone();
    rule(
        &format!("{{ team = {team:?} }}"),
        "builtin",
        &format!("settings = {settings}"),
    )
}

#[tokio::test]
async fn the_rule_that_fits_chooses_the_policy_and_is_named_everywhere() {
    let stage = ProgramStage::sample().await.settings(&rule(
        "{ team = \"payments\" }",
        guests::OBSERVER,
        "",
    ));
    let ended = stage.run(&["--format", "json"]).await;
    ended.expect(1).expect_said("web was only looked at");
    assert_eq!(ended.json()["team"], "team = payments");
    assert!(
        ended.summary().contains("for team = payments"),
        "{}",
        ended.summary()
    );
    let Some(JournalEntry::Header(header)) = ended.entries().into_iter().next() else {
        panic!("no header")
    };
    assert_eq!(header.team.as_deref(), Some("team = payments"));
    assert_eq!(
        (header.component.as_str(), header.request.settings.as_str()),
        (ended.json()["policy"].as_str().unwrap(), "{}")
    );
    let world = stage.world.lock();
    let mut logs = world.port.runs.values().flat_map(|run| &run.logs);
    assert!(logs.any(|log| log.message.contains("(team = payments) on service/web")));
}

#[tokio::test]
async fn a_service_that_no_rule_fits_has_the_default_policy() {
    let stage =
        ProgramStage::sample()
            .await
            .settings(&rule("{ team = \"sales\" }", guests::OBSERVER, ""));
    let ended = stage.run(&["--format", "json"]).await;
    assert_eq!(ended.expect(0).json()["team"], Value::Null);
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn what_the_payload_claims_chooses_nothing() {
    let mut payload = sample::payload();
    let claims =
        json!({ "team": ["claimed"], "properties": { "type": "claimed", "owners": ["claimed"] } });
    for (place, claim) in [
        ("team", &claims["team"]),
        ("properties", &claims["properties"]),
    ] {
        payload["payload"]["entity"][place] = claim.clone();
        payload["context"][place] = claim.clone();
    }
    for matches in [
        "{ team = \"claimed\" }",
        "{ type = \"claimed\" }",
        "{ owners = \"claimed\" }",
    ] {
        let stage = ProgramStage::sample()
            .await
            .settings(&rule(matches, guests::OBSERVER, ""));
        stage.write("payload.json", &payload.to_string());
        stage.run(&[]).await.expect(0);
        stage.witness.expect_promoted();
    }
}

#[tokio::test]
async fn a_rule_is_chosen_by_port_also_where_no_grant_reads_the_service() {
    let grants = "[[grants]]\nallow = [\"run.note\"]\n";
    let settings = rule("{ team = \"payments\" }", guests::OBSERVER, "").grants(grants);
    let stage = ProgramStage::sample().await.settings(&settings);
    stage
        .run(&[])
        .await
        .expect(1)
        .expect_said("web was only looked at");
}

#[tokio::test]
async fn a_rule_of_the_same_policy_inherits_what_it_does_not_name() {
    let rule = "[[team]]\nmatch = { team = \"payments\" }\nsettings = { title = \"Payments: {reference}\" }\n";
    let settings = SampleConfig::default().teams(rule);
    let stage = ProgramStage::sample().await.settings(&settings);
    let ended = stage.run(&["--format", "json"]).await;
    assert_eq!(ended.expect(0).json()["team"], "team = payments");
    let world = stage.witness.world.lock();
    let pulls = &world.github.find("acme/gitops").unwrap().pulls;
    assert_eq!(pulls[&1].title, "Payments: ghcr.io/acme/web:1.4.2");
}

#[tokio::test]
async fn settings_that_the_chosen_policy_does_not_take_end_the_run_said() {
    let stage = ProgramStage::sample().await.settings(&rule(
        "{ team = \"payments\" }",
        "builtin",
        "settings = { bas = \"main\" }",
    ));
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("[[team]] team = payments")
        .expect_said("did you mean `base`?");
    stage.witness.expect_port_run("FAILURE", "Could not start");
}

#[tokio::test]
async fn a_plan_is_for_the_policy_that_was_chosen() {
    let stage = ProgramStage::sample()
        .await
        .settings(&builtin_for("payments"));
    stage
        .promote(&["plan", "--payload", "payload.json", "--out", "plan.json"])
        .await
        .expect(0);
    let plan = stage.read("plan.json");
    let other = plan.replace(
        &promote_core::journal::digest(promote_intake::builtin::POLICY),
        &"0".repeat(64),
    );
    assert_ne!(plan, other);
    stage.write("plan.json", &other);
    let before = stage.world.lock().seen.len();
    stage
        .run(&["--plan", "plan.json"])
        .await
        .expect(2)
        .expect_said("the plan is for another component");
    assert!(stage.world.lock().seen.len() > before);
    stage.write("plan.json", &plan);
    stage.run(&["--plan", "plan.json"]).await.expect(0);
    stage.witness.expect_promoted();
}

/// A stage whose team has a component in a file of its own, with both locked.
async fn locked() -> ProgramStage {
    let stage =
        ProgramStage::sample()
            .await
            .settings(&rule("{ team = \"sales\" }", "sales.wasm", ""));
    std::fs::copy(guests::OBSERVER, stage.path("sales.wasm")).unwrap();
    stage
        .promote(&["lock"])
        .await
        .expect(0)
        .expect_said("wrote promote.lock");
    stage
}

#[tokio::test]
async fn a_component_that_is_not_as_locked_is_refused_before_any_request() {
    let stage = locked().await;
    // Another team's, but who knows that before Port has answered?
    std::fs::copy(guests::LIAR, stage.path("sales.wasm")).unwrap();
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("`sales.wasm` has the SHA-256")
        .expect_said("`promote lock`");
    std::fs::remove_file(stage.path("sales.wasm")).unwrap();
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("[[team]] team = sales: reading the policy");
    assert_eq!(stage.world.lock().seen.len(), 0);
    std::fs::copy(guests::OBSERVER, stage.path("sales.wasm")).unwrap();
    stage.write("promote.toml", &builtin_for("sales").text());
    stage.run(&[]).await.expect(0);
    stage.write("promote.lock", "format = 1\n");
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("`builtin` is not in the lock");
    stage.write("promote.lock", "no lock");
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("promote.lock: line 1");
}

#[tokio::test]
async fn the_lock_shows_gains_and_refuses_them_if_told_to() {
    let stage = locked().await;
    let lock = stage.read("promote.lock");
    stage.promote(&["lock", "--check"]).await.expect(0);
    std::fs::copy(guests::CARELESS, stage.path("sales.wasm")).unwrap();
    stage
        .promote(&["lock", "--check"])
        .await
        .expect(1)
        .expect_said("is not what it should be");
    let denied = stage.promote(&["lock", "--deny-gain"]).await;
    denied
        .expect(1)
        .expect_said("gains github-merge.merge: merge a pull request that it opened");
    assert_eq!(stage.read("promote.lock"), lock);
    let told = stage.promote(&["lock", "--format", "json"]).await;
    let gained = &told.expect(0).json()["components"][1]["gained"];
    assert!(
        gained
            .as_array()
            .unwrap()
            .contains(&json!("github-merge.merge")),
        "{gained}"
    );
    std::fs::copy(guests::OBSERVER, stage.path("sales.wasm")).unwrap();
    stage
        .promote(&["lock"])
        .await
        .expect(0)
        .expect_said("loses github-merge.merge");
    assert_eq!(stage.read("promote.lock"), lock);
    // Authority that somebody edits out of the lock is found, though the digest alone binds.
    stage.write("promote.lock", &lock.replace("    \"run-log.note\",\n", ""));
    stage.promote(&["lock", "--check"]).await.expect(1);
}

#[tokio::test]
async fn doctor_examines_the_policy_of_each_team() {
    let stage = locked().await;
    stage.write(
        "promote.toml",
        &rule(
            "{ team = \"payments\" }",
            "sales.wasm",
            "settings = { own = 1 }",
        )
        .text(),
    );
    let told = stage.promote(&["doctor", "--format", "json"]).await.json();
    let codes: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert!(!codes.contains(&"component-unlocked"), "{told:#}");
    assert!(
        told.to_string().contains("web was only looked at"),
        "{told:#}"
    );
    std::fs::copy(guests::LIAR, stage.path("sales.wasm")).unwrap();
    let told = stage.promote(&["doctor", "--format", "json"]).await.json();
    assert!(told.to_string().contains("component-unlocked"), "{told:#}");
}
