//! Every scenario, on the mock and over HTTP; and that a scenario which should not hold does not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use promote_kit::scenario::{SCHEMA, Scenario, ScenarioReport, ScenarioRunner};
use promote_kit::test::{all, find, show};
use promote_tests::guests;

use crate::messages;

/// One for all tests: it compiles each policy once.
static RUNNER: LazyLock<Arc<ScenarioRunner>> = LazyLock::new(|| {
    let named = [
        ("ungranted", guests::UNGRANTED),
        ("observer", guests::OBSERVER),
        ("incidents.wasm", guests::INCIDENTS),
        ("careless", guests::CARELESS),
    ];
    let named = named.map(|(name, file)| (name.to_owned(), PathBuf::from(file)));
    Arc::new(ScenarioRunner::new(named.into()).unwrap())
});

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text, Path::new("x.toml")).map_err(|error| error.to_string())
}

async fn test(text: &str) -> ScenarioReport {
    RUNNER.test(&parse(text).unwrap(), false).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the number of scenarios")]
async fn every_scenario_holds_on_both_backends() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = find(&[here.join("scenarios"), here.join("guests/scenarios")]).unwrap();
    let scenarios: Vec<Scenario> = files
        .iter()
        .map(|file| Scenario::read(file).unwrap_or_else(|error| panic!("{error}")))
        .collect();
    let count = scenarios.len();
    let reports = all(&RUNNER, scenarios, true, &|_| {}).await.unwrap();
    let failed: Vec<String> = reports
        .iter()
        .filter(|report| !report.passed())
        .map(show)
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {count} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(count >= 150, "only {count} scenarios were found");
    messages::check_last_words(&reports);
    eprintln!("{count} scenarios, each on both backends");
}

#[tokio::test]
async fn what_is_not_as_expected_fails_and_is_shown_from_both_sides() {
    for (expect, key, expected, actual) in [
        ("outcome = \"refused\"", "outcome", "refused", "promoted"),
        ("exit = 3", "exit", "3", "0"),
        ("rules = [\"lock\"]", "rules", "lock", ""),
        (
            "message = \"nothing to do\"",
            "message",
            "… nothing to do …",
            "promoted ghcr.io/acme/web:1.4.2",
        ),
        (
            "calls = [\"now\"]",
            "calls",
            "now",
            "note\nget-entity\nget-entities",
        ),
        (
            "includes = [\"merge\", \"propose\"]",
            "includes",
            "the first that is missing: propose",
            "merge",
        ),
        (
            "never = [\"merge\"]",
            "never",
            "no merge",
            "find-pull-requests\nmerge",
        ),
        (
            "diff = {}",
            "diff",
            "no difference",
            "+          image: ghcr.io/acme/web:1.4.2",
        ),
        ("pulls = []", "pulls", "", "merged"),
        (
            "branches = [\"main\", \"x\"]",
            "branches",
            "main, x",
            "main",
        ),
        (
            "writes = [\"propose\", \"merge\"]",
            "writes",
            "propose\nmerge",
            "propose\nmerge\ndelete-branch\nupdate",
        ),
        (
            "requests = 3",
            "requests",
            "at most 3",
            "POST /v1/auth/access_token",
        ),
        (
            "no-other-writes = true\npulls = [\"merged\"]\ndiff = { \"apps/web/prod/deployment.yaml\" = \"-          image: ghcr.io/acme/web:1.4.1 # set by promote\\n+          image: ghcr.io/acme/web:1.4.2 # set by promote\" }",
            "no-other-writes",
            "nothing but the log",
            "relation image: web-1.4.1 -> web-1.4.2",
        ),
        (
            "no-writes = true",
            "no-writes",
            "nothing but the log",
            "relation image: web-1.4.1 -> web-1.4.2",
        ),
        (
            "run = { status = \"FAILURE\" }",
            "run.status",
            "FAILURE",
            "SUCCESS",
        ),
        (
            "run = { log = \"never said\" }",
            "run.log",
            "never said",
            "promote 0.1.0 starts",
        ),
        (
            "files = { \"README.md\" = \"x\" }",
            "files.\"README.md\"",
            "\"x\"",
            "# gitops",
        ),
        (
            "files = { \"no.md\" = { mode = \"100644\" } }",
            "files.\"no.md\"",
            "it exists",
            "it does not exist",
        ),
        (
            "entities = { \"image/web-9\" = {} }",
            "entities.\"image/web-9\"",
            "an entity",
            "there is none of that name",
        ),
        (
            "entities = { \"running_service/web-prd\" = {} }",
            "entities.\"running_service/web-prd\"",
            "an entity",
            "did you mean `running_service/web-prod`?",
        ),
        (
            "entities = { \"service/web\" = { language = \"C\" } }",
            "entities.\"service/web\".language",
            "\"C\"",
            "\"GO\"",
        ),
    ] {
        let report = test(&format!("[expect]\n{expect}\n")).await;
        let [problem] = &report.problems[..] else {
            panic!("{expect}: {:?}", report.problems);
        };
        let mismatch = &problem.mismatch;
        assert_eq!((mismatch.key.as_str(), problem.line), (key, 1), "{expect}");
        assert!(
            mismatch.expected.contains(expected),
            "{expect}: {mismatch:?}"
        );
        assert!(mismatch.actual.contains(actual), "{expect}: {mismatch:?}");
        let shown = show(&report);
        assert!(
            shown.contains("FAIL  x") && shown.contains("merge acme/gitops#1"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn an_event_without_effect_fails_unasked() {
    let report = test(concat!(
        "[[step]]\nevent = { close = { repository = \"acme/gitops\" } }\n",
        "[[step]]\nexpect = { outcome = \"promoted\" }\n",
    ))
    .await;
    let keys: Vec<&str> = report
        .problems
        .iter()
        .map(|problem| problem.mismatch.key.as_str())
        .collect();
    assert_eq!(keys, ["event"]);
}

#[test]
fn what_has_no_meaning_is_found_where_it_stands() {
    for (text, expected) in [
        (
            "[expect]\nouctome = \"refused\"",
            "x.toml:2: unknown field `ouctome`, ",
        ),
        (
            "[expect]\nouctome = \"refused\"",
            "; did you mean `outcome`?",
        ),
        (
            "[expect]\noutcome = \"refusd\"",
            "; did you mean `refused`?",
        ),
        (
            "[expect]\n\nexit = \"1\"",
            "x.toml:3: exit: invalid type: string \"1\", expected u8",
        ),
        (
            "expect.calls = [\"note\", \"mrge\"]",
            "x.toml:1: no call is named `mrge`; did you mean `merge`?",
        ),
        (
            "expect.never = [\"merge: denid\"]",
            "no call fails with `denid`, expected one of denied, ",
        ),
        ("titel = \"x\"", "; did you mean `title`?"),
        (
            "expect.exit = 0\n[[given.port.entites]]",
            "x.toml:2: unknown field `entites`, ",
        ),
        (
            "expect.exit = 0\n[config.limits]\ncals = 3",
            "x.toml:3: unknown field `cals`, ",
        ),
        (
            "expect.exit = 0\n[[config.grants]]\nallow = [\"github.merg\"]",
            "x.toml:3: unknown operation `github.merg`",
        ),
        (
            "expect.exit = 0\n[[step]]\nrun = 1",
            "x.toml:3: unknown field `run`, ",
        ),
        (
            "[[step]]\ndo = \"run\"\nheal = true\nexpect.exit = 0",
            "x.toml:1: step: it is one of `do`, ",
        ),
        (
            "expect.exit = 0\n[[step]]\n",
            "x.toml:1: expect: this scenario has steps",
        ),
        (
            "title = \"x\"",
            "x.toml:1: expect: the scenario expects nothing",
        ),
        (
            "expect.exit = 0\n[given]\nwithout = [\"service/nope\"]",
            "x.toml:3: without: there is no `service/nope` in the world",
        ),
        (
            "expect.exit = 0\n[[step]]\nevent = { close = { repositry = \"a/b\" } }",
            "x.toml:3: event: unexpected keys in table: repositry, available keys: repository; did you mean `repository`?",
        ),
        (
            "expect.exit = 0\n[given]\nwithout = [\"service/web#test_runtme\"]",
            "; did you mean `service/web#test_runtime`?",
        ),
        (
            "expect.exit = 0\n[[given.events]]\nafter-operation = \"pulls/creat\"\nthen = { close = { repository = \"a/b\" } }",
            "x.toml:3: given: events: GitHub has no operation `pulls/creat` here; did you mean `pulls/create`?",
        ),
        (
            "expect.exit = 0\n[given]\nworld = \"no.toml\"",
            "x.toml:3: given.world: cannot read no.toml",
        ),
        (
            "expect.exit = 0\npayload = { file = \"no.json\" }",
            "x.toml:2: payload: cannot read no.json",
        ),
        (
            "expect.exit = 0\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\nproperties = { locked_in_prod = \"maybe\" }",
            "x.toml:4: given: port.entities[0] \"web\"",
        ),
        (
            "expect.exit = 0\n[[config.grants]]\nallow = [\"github.merge\"]\nrepository = \"a/b\"",
            "x.toml:3: config: grant 1: `github.merge` needs `base`",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn a_scenario_starts_from_files_beside_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("worlds/a.toml", "[[port.blueprint]]\nfile = \"thing.json\"");
    write(
        "worlds/thing.json",
        r#"{"identifier": "thing", "schema": {"properties": {"size": {"type": "number"}}}, "relations": {}}"#,
    );
    write(
        "configs/a.toml",
        "[policy]\ncomponent = \"own.wasm\"\n[[team]]\nmatch = { team = \"pay\" }\ncomponent = \"pay.wasm\"",
    );
    let text = "expect.exit = 0\n[given]\nworld = \"worlds/a.toml\"\n[config]\nfile = \"configs/a.toml\"\n\
        [[given.port.entities]]\nblueprint = \"thing\"\nidentifier = \"x\"\nproperties = { size = 3 }";
    let scenario = Scenario::parse(text, &folder.path().join("x.toml")).unwrap();
    assert!(scenario.world.port.entity("thing", "x").is_some());
    assert!(
        scenario.world.port.entity("service", "web").is_none(),
        "it does not start from the sample"
    );
    let components: Vec<String> = scenario
        .config
        .policies()
        .map(|(_, policy)| policy.component.to_string())
        .collect();
    let expected = ["own.wasm", "pay.wasm"].map(|name| folder.path().join("configs").join(name));
    assert_eq!(components, expected.map(|path| path.display().to_string()));
}

#[test]
fn a_file_that_a_scenario_starts_from_and_cannot_is_named_with_the_key() {
    let folder = tempfile::TempDir::new().unwrap();
    for (base, expected) in [
        ("[port", "x.toml:3: given.world: unclosed table"),
        (
            "[[events]]\nthen = { review = { repository = \"a/b\", user = \"x\", stat = \"approved\" } }",
            "x.toml:2: given: unexpected keys in table: stat, available keys: repository, user, state; did you mean `state`?",
        ),
        (
            "[[port.entities]]\nblueprint = \"none\"\nidentifier = \"x\"",
            "x.toml:2: given: port.entities[0] \"x\": ",
        ),
    ] {
        std::fs::write(folder.path().join("base.toml"), base).unwrap();
        let text =
            "expect.exit = 0\n[given]\nworld = \"base.toml\"\n[given.port]\nunset = \"null\"";
        let error = Scenario::parse(text, &folder.path().join("x.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{base}\n{error}");
    }
}

#[test]
fn the_schema_knows_every_scenario_and_refuses_what_the_parser_refuses() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let schema = jsonschema::draft7::new(&schema).unwrap();
    let valid = |text: &str| {
        let json = serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap();
        schema
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect::<Vec<_>>()
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in find(&[here.join("scenarios"), here.join("guests/scenarios")]).unwrap() {
        let errors = valid(&std::fs::read_to_string(&file).unwrap());
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
    for wrong in [
        "[expect]\nouctome = \"refused\"",
        "[expect]\noutcome = \"refusd\"",
        "expect.calls = [\"mrge\"]",
        "expect.never = [\"merge: denid\"]",
        "[[given.events]]\nthen = { clos = { repository = \"a/b\" } }",
        "[[given.faults]]\nthen = { cut = \"during\" }",
        "[[config.grants]]\nallow = [\"github.merg\"]",
    ] {
        assert!(parse(wrong).is_err() && !valid(wrong).is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn a_policy_that_nobody_knows_is_named() {
    let scenario = parse("expect.exit = 0\n[config.policy]\ncomponent = \"nobody\"").unwrap();
    let error = RUNNER.policy(&scenario).map(drop).unwrap_err().to_string();
    assert!(
        error.starts_with("x.toml: policy `nobody`: cannot read nobody: "),
        "{error}"
    );
    assert!(
        error.ends_with("`--component nobody=FILE` names its file"),
        "{error}"
    );
}

#[test]
fn a_compiled_policy_is_kept_for_the_next_process() {
    let folder = tempfile::TempDir::new().unwrap();
    let cache = folder.path().join("cache");
    let named = [("builtin".to_owned(), PathBuf::from(guests::OBSERVER))];
    let runner = ScenarioRunner::new(named.into())
        .unwrap()
        .caching(Some(cache.clone()));
    runner
        .policy(&parse("expect = { outcome = \"unchanged\" }").unwrap())
        .unwrap();
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
}
