//! World files.

use std::time::Duration;

use std::path::Path;

use super::*;
use crate::file::WorldFileError;
use crate::port::{GUIDE_ACTION_V1, RelationTargets};

fn error(text: &str) -> String {
    World::from_toml(text, Path::new("/none"))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_sample_is_the_guides_promotion() {
    let world = World::sample();
    let image = |runtime: &str| {
        world
            .port
            .entity("running_service", runtime)
            .unwrap()
            .relations["image"]
            .clone()
    };
    assert_eq!(
        image("web-staging"),
        RelationTargets::One("web-1.4.2".to_owned())
    );
    assert_eq!(
        image("web-prod"),
        RelationTargets::One("web-1.4.1".to_owned())
    );
    assert_eq!(world.port.blueprints.len(), 3);
    assert!(world.port.actions.contains_key("promote_to_production"));
    assert!(
        serde_json::from_str::<Value>(GUIDE_ACTION_V1)
            .unwrap()
            .is_object()
    );
    assert_eq!(world.port.dangling(), None);
}

#[test]
fn it_knows_its_secrets_wherever_they_are_seen() {
    let world = SharedWorld::new(World::sample());
    let token = login(&world);
    let given = world.lock().environment();
    let world = world.lock();
    for (name, value) in &given {
        assert_eq!(
            world.betrayed_by(&format!("a {value}.")),
            *name != "PORT_CLIENT_ID",
            "{name}"
        );
    }
    assert!(world.betrayed_by(&format!("{{\"at\":\"{token}\"}}")));
    assert!(!world.betrayed_by("web runs ghcr.io/acme/web:1.4.2"));
}

#[test]
fn the_messages_name_the_sample() {
    let whole = sample::payload();
    assert_eq!(whole["context"]["runId"], sample::RUN);
    assert_eq!(
        whole["payload"]["entity"]["relations"]["prod_runtime"],
        "web-prod"
    );
    let sent = sample::action_payload();
    let context = &whole["context"];
    assert_eq!(sent["run_id"], context["runId"]);
    assert_eq!(
        (&sent["blueprint"], &sent["entity"]),
        (&context["blueprint"], &context["entity"])
    );
    assert_eq!(sample::templated_payload()["run"]["id"], sample::RUN);
}

#[test]
fn an_empty_file_is_a_world() {
    let world = World::from_toml("", Path::new("")).unwrap();
    assert_eq!(world.port.blueprints.len(), 3);
    assert!(world.port.entities.is_empty());
}

#[test]
fn errors_name_line_and_key() {
    // The file; the line and the words that its error must hold.
    let cases = [
        ("colour = 1", "line 1", "unknown field `colour`"),
        ("[port]\ncolour = 1", "line 2", "unknown field `colour`"),
        (
            "[[port.credentials]]\nclient-id = \"x\"",
            "line 1",
            "missing field `client-secret`",
        ),
        ("start = \"yesterday\"", "line 1", "start"),
        (
            "[[port.entities]]\nblueprint = \"service\"\nidentifier = \"a b\"",
            "line 3: port.entities[0] \"a b\"",
            "must match pattern",
        ),
        (
            "[[port.entities]]\nblueprint = \"none\"\nidentifier = \"a\"",
            "line 3: port.entities[0] \"a\"",
            "blueprint with identifier \"none\" was not found",
        ),
        (
            "\n[[port.entities]]\nblueprint = \"running_service\"\nidentifier = \"a\"\nproperties = { healthStatus = \"Fine\" }",
            "line 4: port.entities[0] \"a\"",
            "properties/healthStatus must be equal to one of the allowed values",
        ),
        (
            "[[port.entities]]\nblueprint = \"running_service\"\nidentifier = \"a\"\nrelations = { image = \"b\" }",
            "line 3: port.entities \"a\" relations",
            "there is no entity \"b\"",
        ),
        (
            "[[port.runs]]\nid = \"r_1\"\naction = \"x\"\nstatus = \"DONE\"",
            "line 2: port.runs",
            "status \"DONE\" is none",
        ),
        (
            "[[port.blueprint]]\nfile = \"x.json\"",
            "line 1: port.blueprint",
            "cannot read x.json",
        ),
        ("[[events]]\nafter = \"soon\"", "line 2", "soon"),
        (
            "[[events]]\nthen = { close = { repository = \"a/b\" } }",
            "line 1: events",
            "it needs one of",
        ),
        (
            "[[events]]\nbefore-operation = \"pulls/merge\"\nthen = { revoke-tokens = \"port\" }",
            "line 1: events",
            "only what happens at GitHub",
        ),
        (
            "[[github.repositories]]\nname = \"gitops\"",
            "line 2",
            "the name is not owner/name",
        ),
        (
            "[[github.repositories]]\nname = \"a/b\"\nfolder = \"none\"",
            "line 2: github.repositories \"a/b\"",
            "folder none",
        ),
        (
            "[[github.repositories]]\nname = \"a/b\"\nfiles = { \"a\" = \"\", \"a/b\" = \"\" }",
            "line 2: github.repositories \"a/b\"",
            "are not a tree",
        ),
        (
            "[[github.repositories]]\nname = \"a/b\"\nfiles = { \"a\" = \"\" }\n[[github.repositories.pulls]]\nhead = \"none\"\ntitle = \"t\"",
            "github.repositories.pulls",
            "Validation Failed",
        ),
        (
            "[[github.tokens]]\ntoken = \"t\"\nlogin = \"l\"\nrepositories = [\"a/b\"]",
            "line 2: github repositories",
            "there is no repository a/b",
        ),
        (
            "[[github.apps]]\nid = 1\nclient-id = \"c\"\nslug = \"s\"\nowner = \"o\"\npublic-key = \"none.pem\"",
            "line 2: github.apps public-key",
            "cannot read none.pem",
        ),
        ("[github.rules]", "line 1", "unknown field `rules`"),
        (
            "[[faults]]\nthen = { cut = \"x\" }",
            "line 2",
            "unknown variant `x`",
        ),
    ];
    for (text, place, words) in cases {
        let error = error(text);
        let first = error.lines().next().unwrap_or_default();
        assert!(first.contains(place), "{text}\n-> {error}");
        assert!(error.contains(words), "{text}\n-> {error}");
    }
}

#[test]
fn a_repository_may_begin_with_anything() {
    let text = r#"
        [[github.tokens]]
        token = "t"
        login = "bot"
        repositories = ["acme/gitops"]
        permissions = { contents = "read" }
        lifetime = "1h"
        [github.weather]
        stale-reads = 2
        [[github.repositories]]
        name = "acme/gitops"
        folder = "port"
        [github.repositories.settings]
        default-branch = "trunk"
        private = false
        [github.repositories.files]
        "run.sh" = { text = "exit", mode = "executable" }
        [[github.repositories.branches]]
        name = "old"
        files = { "old.txt" = "old" }
        [[github.repositories.pulls]]
        head = "old"
        base = "trunk"
        title = "Old"
        author = "kim"
        closed = true
        [github.repositories.rules.trunk]
        required-checks = ["validate"]
        allowed-methods = ["squash"]
        [[github.repositories.ci]]
        name = "validate"
        takes = "20s"
        [[github.repositories.checks]]
        branch = "old"
        name = "validate"
        conclusion = "failure"
    "#;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut world = World::from_toml(text, folder).unwrap();
    let github = &world.github;
    let blueprint = github.file_at("acme/gitops", "trunk", "blueprints/image.json");
    assert_eq!(blueprint.as_deref(), Some(crate::port::GUIDE_BLUEPRINTS[0]));
    let script = github.entry_at("acme/gitops", "trunk", "run.sh").unwrap();
    assert_eq!(script.mode.digits(), "100755");
    let pull = github.pull_requests("acme/gitops")[0];
    assert_eq!(
        (pull.number, pull.author.as_str(), pull.title.as_str()),
        (1, "kim", "Old")
    );
    assert!(matches!(
        pull.state,
        crate::github::PullState::Closed { .. }
    ));
    let repository = github.find("acme/gitops").unwrap();
    assert_eq!(repository.check_runs[0].conclusion, "failure");
    assert_eq!(repository.rules_of("trunk").required_checks, ["validate"]);
    assert_eq!((github.requests, github.weather.stale_reads), (0, 2));
    assert!(github.unknown_routes.is_empty() && world.seen.is_empty());

    assert_eq!(world.github.tokens.iter().count(), 1);
    world.advance(Duration::from_secs(3600));
    assert_eq!(
        world.github.tokens.iter().count(),
        0,
        "its lifetime is over"
    );
}

/// Returns true if the parser takes it, whatever the things are that it names.
fn assert_syntax(text: &str) {
    if let Err(WorldFileError::Syntax(error)) = World::from_toml(text, Path::new("/none")) {
        panic!("{error}\n{text}");
    }
}

#[test]
fn what_the_sample_documents_in_comments_is_understood() {
    let is_code = |line: &str| {
        let key: String = line.chars().take_while(|letter| *letter != '=').collect();
        line.starts_with('[') || (line.contains(" = ") && !key.trim().contains(' '))
    };
    let mut whole = String::new();
    let mut table = String::new();
    let mut effects = 0;
    for line in sample::SAMPLE.lines() {
        let commented = line.strip_prefix("# ").filter(|line| is_code(line));
        let line = commented.unwrap_or(line);
        if line.starts_with('[') {
            line.split('#')
                .next()
                .unwrap_or_default()
                .trim()
                .clone_into(&mut table);
        }
        if line.starts_with("then = ") {
            // Of the alternatives only one can stand in the file, so each gets a file of its own.
            let when = if table == "[[events]]" {
                "after = \"1s\""
            } else {
                ""
            };
            assert_syntax(&format!("{table}\n{when}\n{line}"));
            effects += 1;
            if whole
                .lines()
                .last()
                .is_some_and(|last| last.starts_with("then = "))
            {
                continue;
            }
        }
        whole.push_str(line);
        whole.push('\n');
    }
    assert_syntax(&whole);
    assert!(
        effects >= 12 && whole.contains("\nmerge-queue = false"),
        "{effects}"
    );
}
