//! The kit, as an author meets it: every slip has an answer, nothing that a scenario asks for passes in silence, and what a
//! policy did can be looked at again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_kit::test::{TestEvent, all, show, sweep_all};
use promote_tests::guests;

use crate::stage::ProgramStage;

static RUNNER: LazyLock<Arc<ScenarioRunner>> = LazyLock::new(|| {
    let named = [
        ("faller".to_owned(), PathBuf::from(guests::FALLER)),
        ("glutton".to_owned(), PathBuf::from(guests::GLUTTON)),
    ];
    Arc::new(ScenarioRunner::new(named.into()).unwrap())
});

/// All that an author is told of a scenario.
async fn answer(text: &str) -> String {
    match Scenario::parse(text, Path::new("x.toml")) {
        Ok(scenario) => show(&RUNNER.test(&scenario, false).await.unwrap()),
        Err(error) => error.to_string(),
    }
}

/// The typos that an author made in a day, one of each kind, and the line and the name in each answer.
#[tokio::test]
async fn every_typo_has_an_answer() {
    let mut answered = 0;
    for (text, line, named) in [
        // Keys: of the file, of its tables, of a step, of an expectation.
        (
            "titel = \"x\"\nexpect.exit = 0",
            "x.toml:1",
            "did you mean `title`?",
        ),
        (
            "expect.exit = 0\n[given]\nwrold = \"sample\"",
            "x.toml:3",
            "did you mean `world`?",
        ),
        (
            "expect.exit = 0\n[[given.port.entites]]",
            "x.toml:2",
            "did you mean `entities`?",
        ),
        (
            "expect.exit = 0\n[config.limits]\ncals = 3",
            "x.toml:3",
            "did you mean `calls`?",
        ),
        (
            "[[step]]\npaylod = {}\nexpect.exit = 0",
            "x.toml:2",
            "did you mean `payload`?",
        ),
        (
            "[expect]\nouctome = \"refused\"",
            "x.toml:2",
            "did you mean `outcome`?",
        ),
        // Words: of an outcome, of what is done, of a pull request.
        (
            "[expect]\noutcome = \"refusd\"",
            "x.toml:2",
            "did you mean `refused`?",
        ),
        (
            "do = \"pln\"\nexpect.exit = 0",
            "x.toml:1",
            "did you mean `plan`?",
        ),
        (
            "[expect]\npulls = [\"mergd\"]",
            "x.toml:2",
            "did you mean `merged`?",
        ),
        // Calls and their failures.
        (
            "[expect]\nincludes = [\"mrge\"]",
            "x.toml:2",
            "did you mean `merge`?",
        ),
        (
            "[expect]\nnever = [\"merge: denid\"]",
            "x.toml:2",
            "did you mean `denied`?",
        ),
        // Operations: of a grant, of GitHub.
        (
            "expect.exit = 0\n[[config.grants]]\nallow = [\"github.merg\"]",
            "x.toml:3",
            "did you mean `github.merge`?",
        ),
        (
            "expect.exit = 0\n[[given.events]]\nafter-operation = \"pulls/creat\"\nthen = { close = { repository = \"a/b\" } }",
            "x.toml:3",
            "did you mean `pulls/create`?",
        ),
        // Services and effects of faults.
        (
            "expect.exit = 0\n[[given.faults]]\nservice = \"githb\"",
            "x.toml:3",
            "did you mean `github`?",
        ),
        (
            "expect.exit = 0\n[[given.faults]]\nthen = { cut = \"befor\" }",
            "x.toml:3",
            "did you mean `before`?",
        ),
        // Entities of expectations, and settings, by the schema of the policy.
        (
            "[expect.entities]\n\"running_service/web-prd\" = { image = \"web-1.4.2\" }",
            "x.toml:1",
            "did you mean `running_service/web-prod`?",
        ),
        (
            "expect.outcome = \"promoted\"\n[config.policy.settings]\nmanifset = \"x\"",
            "x.toml:1",
            "did you mean `manifest`?",
        ),
        // A fault that hits nothing made its test an empty one, in silence.
        (
            "expect.outcome = \"promoted\"\n[[given.faults]]\npath = \"/repos/*/*/pulls/*/mrege\"\nthen = { cut = \"before\" }",
            "x.toml:1",
            "no request matches it",
        ),
        // Entities of another blueprint, and properties that it does not have.
        (
            "expect.exit = 0\n[[given.port.entities]]\nblueprint = \"servce\"\nidentifier = \"web\"",
            "x.toml:4",
            "did you mean `service`?",
        ),
        (
            "expect.exit = 0\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\nproperties = { lifecycel = \"x\" }",
            "x.toml:4",
            "did you mean `lifecycle`?",
        ),
        (
            "expect.exit = 0\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\nproperties = { open_incidents = 3 }",
            "x.toml:4",
            "`inline = { identifier = \"service\", schema = { properties = { open_incidents = { type = \"string\" } } } }` adds it",
        ),
    ] {
        let said = answer(text).await;
        assert!(
            said.contains(line) && said.contains(named),
            "{text}\n{said}"
        );
        answered += 1;
    }
    assert!(answered >= 17);
}

#[tokio::test]
async fn what_never_happens_fails_its_scenario() {
    let delete =
        "path = \"/repos/*/*/git/refs/**\"\nmethod = \"DELETE\"\nthen = { delay = \"1s\" }";
    for (text, expected) in [
        (format!("[[given.faults]]\n{delete}"), None),
        (
            format!("[[given.faults]]\nnth = 2\n{delete}"),
            Some("1 requests match it, and it strikes from number 2"),
        ),
        (
            "[[given.events]]\nafter = \"30m\"\nthen = { close = { repository = \"acme/gitops\" } }"
                .to_owned(),
            Some("the scenario ends before it"),
        ),
        (
            "[[given.events]]\nbefore-request = { service = \"port\", method = \"DELETE\", path = \"/v1/*\" }\nthen = { close = { repository = \"acme/gitops\" } }"
                .to_owned(),
            Some("the scenario ends before it"),
        ),
    ] {
        let said = answer(&format!("expect.outcome = \"promoted\"\n{text}")).await;
        assert_eq!(said.starts_with("ok"), expected.is_none(), "{text}\n{said}");
        assert!(said.contains(expected.unwrap_or("ok")), "{text}\n{said}");
    }
    // What heals the world ends its faults, so there is the place where they are counted.
    let said = answer(&format!(
        "[[step]]\nheal = true\n[[step]]\nexpect.outcome = \"promoted\"\n[[given.faults]]\n{delete}"
    ))
    .await;
    assert!(said.contains("x.toml:1: step 1: given.faults"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_is_told_of_before_its_limit_ends_it() {
    let text = "expect.outcome = \"limit\"\n[config]\nlimits.wall = \"6s\"\npolicy = { component = \"glutton\", settings = { deed = \"loop\" } }";
    let scenario = Scenario::parse(text, Path::new("loop.toml")).unwrap();
    let said = Mutex::new(Vec::new());
    let listen = |event: TestEvent<'_>| {
        said.lock().unwrap().push(match event {
            TestEvent::Slow(slow) => slow.to_string(),
            TestEvent::Ended(report) => show(report),
        });
    };
    let heard = |count: usize| {
        let said = std::mem::take(&mut *said.lock().unwrap());
        let loops = said.iter().filter(|line| line.contains("is there a loop"));
        assert_eq!(loops.count(), count, "{said:?}");
        assert!(
            said[0].contains("loop.toml:1") && said[0].contains("after 6 s"),
            "{said:?}"
        );
    };
    all(&RUNNER, vec![scenario.clone()], false, &listen)
        .await
        .unwrap();
    heard(1);
    // Of a sweep, the undisturbed run and the one after it.
    sweep_all(
        &RUNNER,
        vec![scenario],
        &"*:*:denied".parse().unwrap(),
        &listen,
    )
    .await
    .unwrap();
    heard(2);
}

#[tokio::test]
async fn what_a_policy_says_before_it_crashes_is_shown() {
    let text = "[config]\npolicy = { component = \"faller\", settings = { deed = \"panic\" } }\n[expect]\noutcome = \"promoted\"";
    let said = answer(text).await;
    for part in [
        "step 1 ended as trapped: the policy crashed",
        "policy: thread '<unnamed>'",
        "faller.rs",
        "policy: out of cheese",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn kept_journals_can_be_replayed_and_tried_with_another_policy() {
    let stage = ProgramStage::sample().await;
    std::fs::create_dir(stage.path("s")).unwrap();
    stage.write(
        "s/locked.toml",
        "expect.outcome = \"refused\"\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\nproperties = { locked_in_prod = true }\n",
    );
    stage.write("s/fails.toml", "expect.outcome = \"refused\"\n");
    let tested = stage.promote(&["test", "s", "--journals", "kept"]).await;
    tested
        .expect(1)
        .expect_said("promote replay kept/fails-1.jsonl")
        .expect_said("2 journals in kept");
    let replayed = stage.promote(&["replay", "kept"]).await;
    replayed.expect(0).expect_said("locked-1.jsonl");
}

/// Such a journal says nothing of how this policy decides: it would refuse every recorded run, and each would be a flip.
#[tokio::test]
async fn settings_of_another_policy_are_no_decision_of_this_one() {
    let stage = ProgramStage::sample().await;
    let faller = format!(
        "expect.outcome = \"failed\"\n[config.policy]\ncomponent = {:?}\nsettings = {{ deed = \"gives up\" }}\n",
        guests::FALLER
    );
    stage.write("faller.toml", &faller);
    stage
        .promote(&["test", "faller.toml", "--journals", "kept"])
        .await
        .expect(0);
    let backtest = ["replay", "--backtest", "--component", "builtin", "kept"];
    let tried = stage.promote(&backtest).await;
    tried
        .expect(2)
        .expect_said("the recorded settings are another policy's")
        .expect_said("`policy.settings.deed` is unknown")
        .expect_said("--config FILE");
    let tried = stage
        .promote(
            &[
                &backtest[..],
                &["--config", "promote.toml", "--format", "json"],
            ]
            .concat(),
        )
        .await;
    let tried = tried.expect(0).json();
    assert_eq!(tried["runs"].as_array().map(Vec::len), Some(1), "{tried}");
}

/// A world of one's own catalog: what it holds is in it, and nobody is.
#[tokio::test]
async fn a_world_is_made_of_a_catalog_without_its_people() {
    let people = r#"
[[port.blueprint]]
inline = { identifier = "incident", title = "Incident", schema = { properties = { status = { type = "string" }, owner = { type = "string", format = "user" }, note = { type = "string" } } }, relations = { service = { target = "service", many = false, required = false } } }
[[port.entities]]
blueprint = "incident"
identifier = "inc-7"
properties = { status = "open", owner = "kim@acme.io", note = "ask Lee <lee@acme.io>" }
relations = { service = "web" }
"#;
    let text = promote_mock::sample::SAMPLE.to_owned() + people;
    let world = promote_mock::World::from_toml(&text, Path::new("")).unwrap();
    let stage = ProgramStage::of(world).await;
    let made = stage.promote(&["mock", "--from-port"]).await;
    let made = &made.expect(0).stdout;
    for person in ["kim@acme.io", "lee@acme.io"] {
        assert!(!made.contains(person), "{made}");
    }
    let world = promote_mock::World::from_toml(made, Path::new("")).unwrap();
    let incident = world.port.entity("incident", "inc-7").unwrap();
    assert_eq!(incident.properties["status"], "open");
    assert_eq!(incident.relations["service"].identifiers(), ["web"]);
    let web = world.port.entity("service", "web").unwrap();
    assert_eq!(web.relations["prod_runtime"].identifiers(), ["web-prod"]);
}
