//! Rules and the baseline, as the program shows them and holds to them.

use std::path::Path;

use promote_core::journal::digest;
use promote_mock::github::PullState;
use promote_mock::{World, WorldEvent, sample};
use promote_tests::settings::SampleConfig;
use serde_json::{Value, json};

use crate::stage::ProgramStage;

const BASELINE: &str =
    "[[rule]]\nname = \"owned\"\ndeny = \"size(service.teams) == 0\"\nmessage = \"no team\"\n";

/// A rule that needs a search which is granted.
const OWN: &str = "[[rule]]\nname = \"images\"\nmode = \"monitor\"\nneeds.found = { search = \"image\", query = {} }\n\
                   deny = \"size(found) == 0\"\nmessage = \"no image\"\n";

/// The sample with a baseline and a rule of its own.
async fn stage() -> ProgramStage {
    let stage = ProgramStage::sample().await;
    stage.write("baseline.toml", BASELINE);
    stage.write("promote.toml", &config(&digest(BASELINE.as_bytes())));
    stage
}

fn config(sha256: &str) -> String {
    let named = format!("[baseline]\nfile = \"baseline.toml\"\nsha256 = \"{sha256}\"\n");
    format!("{OWN}\n{named}\n{}", SampleConfig::default().text())
}

#[tokio::test]
async fn a_locked_configuration_does_not_run_without_its_baseline() {
    let stage = stage().await;
    let _ = stage.promote(&["lock"]).await.expect(0);
    let lock = stage.read("promote.lock");
    assert!(
        lock.contains(&format!("baseline = \"{}\"", digest(BASELINE.as_bytes()))),
        "{lock}"
    );
    let first = "name = \"owned\"\norigin = \"the baseline baseline.toml\"\ncomponent = \"cel\"\nneeds = [\n]\n";
    let second = "name = \"images\"\norigin = \"promote.toml\"\ncomponent = \"cel\"\nneeds = [\n    \"search image/*\",\n]\n";
    assert!(lock.contains(first) && lock.contains(second), "{lock}");
    let _ = stage.promote(&["lock", "--check"]).await.expect(0);

    stage.write(
        "promote.toml",
        &format!("{OWN}\n{}", SampleConfig::default().text()),
    );
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("the baseline that is locked is");
    let other = format!("{BASELINE}# more\n");
    stage.write("baseline.toml", &other);
    stage.write("promote.toml", &config(&digest(other.as_bytes())));
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("the baseline that is locked is");
    stage.write("promote.toml", &config(&digest(BASELINE.as_bytes())));
    stage
        .run(&[])
        .await
        .expect(2)
        .expect_said("it is not the baseline that was reviewed");
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

#[tokio::test]
async fn rules_are_shown_with_their_origin_and_their_component() {
    let stage = stage().await;
    let cel = &digest(promote_intake::builtin::CEL)[..12];
    let owned = format!("owned: the baseline baseline.toml, refuses, {cel}");
    let images = format!("images: promote.toml, only monitored, {cel}");
    for arguments in [
        &["inspect", "--config", "promote.toml"][..],
        &["plan", "--payload", "payload.json"],
    ] {
        let shown = stage.promote(arguments).await;
        let shown = shown.expect(0).expect_said(&owned).expect_said(&images);
        let places = [&owned, &images].map(|rule| shown.stdout.find(&**rule));
        assert!(places[0] < places[1], "the baseline's come first");
    }
    let ran = stage.run(&["--format", "json"]).await;
    let told = ran.expect(0).json();
    assert_eq!(told["rules"][0]["origin"], "the baseline baseline.toml");
    assert_eq!(told["rules"][1]["mode"], "monitor");
    let doctor = stage.promote(&["doctor"]).await;
    for said in [
        format!("the baseline baseline.toml, refuses, {cel}"),
        "[rules-unheld]".to_owned(),
    ] {
        assert!(doctor.stdout.contains(&said), "{}", doctor.stdout);
    }
}

const HELD: &str = r#"
[[rule]]
name = "mature"
deny = "service.properties.lifecycle != 'Production'"
message = "{service.identifier} is {service.properties.lifecycle}"
stops = "merge"

[[grants]]
allow = ["github.status"]
repository = "acme/gitops"
base = "main"
"#;

#[tokio::test]
async fn doctor_finds_rules_that_whoever_may_push_can_leave_out() {
    let own = "* @acme/all\n.github/ @acme/platform\n/promote.*\n";
    let platform = "/promote.* @acme/platform\n.github/ @acme/platform\n";
    for (text, is_asked, expected) in [
        (
            None,
            false,
            "it has no CODEOWNERS; no rule of the branch asks",
        ),
        (
            Some(own),
            true,
            "CODEOWNERS names nobody for promote.toml, promote.lock",
        ),
        (
            Some(platform),
            false,
            "leave the rules out: no rule of the branch asks",
        ),
        (Some(platform), true, ""),
    ] {
        let mut world = World::sample();
        if let Some(text) = text {
            let files = [(".github/CODEOWNERS".to_owned(), text.to_owned().into())];
            let made = world
                .github
                .commit_files_by("kim", "acme/gitops", "main", "Owners", files);
            made.unwrap();
        }
        if is_asked {
            let repository = world.github.find_mut("acme/gitops").unwrap();
            let rules = repository.rules.entry("main".to_owned()).or_default();
            rules.code_owners = vec!["kim".to_owned()];
        }
        let stage = ProgramStage::of(world).await;
        let config = SampleConfig::default();
        stage.write("promote.toml", &format!("{}\n{HELD}", config.text()));
        let doctor = stage.promote(&["doctor"]).await;
        let said = &doctor.stdout;
        assert_eq!(
            said.contains("[rules-unguarded]"),
            !expected.is_empty(),
            "{said}"
        );
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn doctor_says_that_a_queue_lets_no_enforced_rule_hold_it() {
    let rules =
        "\n[github.repositories.rules.main]\nrequired-checks = [\"promote\"]\nmerge-queue = true\n";
    let text = sample::SAMPLE.to_owned() + rules;
    let stage = ProgramStage::of(World::from_toml(&text, Path::new("")).unwrap()).await;
    let config = SampleConfig::default().more("mode = \"auto-merge\"");
    stage.write("promote.toml", &format!("{}\n{HELD}", config.text()));
    let doctor = stage.promote(&["doctor"]).await;
    let said = "an enforced rule refuses every merge here";
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
}

/// Somebody sends a request, and gets no more than the branch's rules allow.
fn ask(stage: &ProgramStage, service: &str, method: &str, path: &str, body: Value) {
    let request = json!({ "service": service, "method": method, "path": path, "body": body });
    let event: WorldEvent = serde_json::from_value(json!({ "request": request })).unwrap();
    stage.world.lock().happen(&event);
}

#[tokio::test]
async fn a_merge_by_a_person_is_held_by_the_status() {
    let rules = "\n[github.repositories.rules.main]\nrequired-checks = [\"promote\"]\n";
    let text = sample::SAMPLE.to_owned() + rules;
    let world = World::from_toml(&text, Path::new("")).unwrap();
    let stage = ProgramStage::of(world).await;
    let config = SampleConfig::default().more("mode = \"pull-request\"");
    stage.write("promote.toml", &format!("{}\n{HELD}", config.text()));
    let lifecycle = |to: &str| {
        let path = "/v1/blueprints/service/entities/web";
        let body = json!({ "properties": { "lifecycle": to } });
        ask(&stage, "port", "PATCH", path, body);
    };
    let merge = || {
        let path = "/repos/acme/gitops/pulls/1/merge";
        ask(&stage, "github", "PUT", path, Value::Null);
        matches!(stage.witness.pulls()[0].state, PullState::Merged { .. })
    };
    let status = || {
        let world = stage.world.snapshot();
        let repository = &world.github.repositories[0];
        let status = repository.statuses.last().unwrap();
        let description = status.description.clone().unwrap_or_default();
        (status.state.clone(), description)
    };
    lifecycle("Experimental");
    let _ = stage.run(&[]).await.expect(0);
    assert_eq!(
        status(),
        (
            "pending".to_owned(),
            "mature: web is Experimental".to_owned()
        )
    );
    assert!(!merge(), "the status holds it");

    lifecycle("Production");
    assert!(!merge(), "until the rule is asked again");
    let _ = stage.run(&[]).await.expect(0);
    assert_eq!(status().0, "success");
    assert!(merge());
    let _ = stage.run(&[]).await.expect(0);
    assert_eq!(stage.witness.recorded(), ["web-1.4.2"]);
}
