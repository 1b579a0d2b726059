//! What `promote init` asks when it cannot know: on a terminal each thing, without one all of it at once, and a flag for each.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use promote_core::source::live::Live;
use promote_kit::init::{self, InitArgs, PortRegion, SetupDialog, SetupTools};
use promote_mock::{SharedWorld, World};
use promote_tests::bench::setup;
use serde_json::json;

use crate::stage::ProgramStage;

const USES: &str = "acme/promote@0123456789abcdef0123456789abcdef01234567";

#[derive(Parser)]
struct InitLine {
    #[command(flatten)]
    init: InitArgs,
}

/// A world in which nothing can be known: two installations, and no place of manifests.
fn unclear() -> World {
    let mut world = World::sample();
    world.port.entities.clear();
    world.port.runs.clear();
    world.port.actions.clear();
    let mut second = world.port.integrations[0].clone();
    second.installation_id = "github-ocean-2".to_owned();
    world.port.integrations.push(second);
    world
}

/// A world whose catalog has no way from services to images.
fn unfit() -> World {
    let mut world = unclear();
    world.port.integrations.truncate(1);
    for (old, new, relations) in [
        ("image", "artefact", json!({})),
        (
            "running_service",
            "deployment_unit",
            json!({ "holds": { "target": "artefact", "many": false, "required": false } }),
        ),
        (
            "service",
            "system",
            json!({
                "one": { "target": "deployment_unit", "many": false, "required": false },
                "two": { "target": "deployment_unit", "many": false, "required": false },
            }),
        ),
    ] {
        let mut blueprint = (*world.port.blueprints[old]).clone();
        world.port.blueprints.remove(old);
        new.clone_into(&mut blueprint.identifier);
        blueprint
            .definition
            .insert("identifier".to_owned(), json!(new));
        blueprint.definition.insert("title".to_owned(), json!(new));
        blueprint
            .definition
            .insert("relations".to_owned(), relations);
        world.port.put_blueprint(blueprint);
    }
    world
}

#[tokio::test]
async fn without_a_terminal_all_that_is_missing_is_told_at_once() {
    let stage = ProgramStage::of(unclear()).await;
    let asked = stage.promote(&["init", "--folder", "clone"]).await;
    asked
        .expect(2)
        .expect_said("`--repository OWNER/NAME` names")
        .expect_said("`--uses OWNER/NAME@COMMIT` says")
        .expect_said("the workflow: github-ocean-acme, github-ocean-2")
        .expect_said("`--paths GLOB` says")
        .expect_said("`--reference TEMPLATE` says")
        .expect_said("`--yes` makes the changes");
    stage.witness.expect_untouched();
    assert!(!stage.exists("clone/promote.toml"));
    // With the flags that it names nothing is asked.
    let answered = stage
        .promote(&[
            "init",
            "--folder",
            "clone",
            "--repository",
            "acme/gitops",
            "--uses",
            USES,
            "--installation",
            "github-ocean-2",
            "--paths",
            "apps/{service.identifier}/prod/*.yaml",
            "--reference",
            "{identifier}",
            "--yes",
        ])
        .await;
    answered.expect(0);
}

#[tokio::test]
async fn a_catalog_that_fits_nowhere_is_told_with_the_rest() {
    let stage = ProgramStage::of(unfit()).await;
    let asked = stage.promote(&["init", "--folder", "clone", "--yes"]).await;
    asked
        .expect(2)
        .expect_said("`--repository OWNER/NAME` names")
        .expect_said("it has the blueprints")
        .expect_said("`--service-blueprint`");
    stage.witness.expect_untouched();
}

/// A person at a terminal: their answers by words of the questions, in order.
struct SetupPerson {
    answers: RefCell<VecDeque<(&'static str, &'static str)>>,
}

async fn set_up(world: World, more: &[&str], answers: &[(&'static str, &'static str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let line = InitLine::parse_from([&["init", "--folder", place][..], more].concat());
    let person = SetupPerson {
        answers: RefCell::new(answers.iter().copied().collect()),
    };
    let dialog = SetupDialog {
        say: &|_| {},
        ask: &|question, default| {
            let next = person.answers.borrow_mut().pop_front();
            let (words, answer) = next.unwrap_or_else(|| panic!("nobody expects {question}"));
            assert!(question.contains(words), "{question} instead of {words}");
            Some(if answer.is_empty() { default } else { answer }.to_owned())
        },
    };
    let tools = SetupTools {
        region: PortRegion {
            api_url: promote_core::service::PORT_URL.to_owned(),
            app: None,
        },
        github: "https://github.com".to_owned(),
        check_app: None,
    };
    let deadline = world.now.checked_add(Duration::from_secs(900)).unwrap();
    let world = SharedWorld::new(world);
    let transport = Arc::new(world.transport());
    let connect = || {
        Ok(Live::new(setup(transport, &world, deadline, 7))
            .unwrap()
            .port)
    };
    let find_commit = async |_: &str, _: &str| anyhow::bail!("a commit was given");
    let done = init::run(&line.init, &dialog, &tools, connect, find_commit).await;
    assert_eq!(done.unwrap().exit_code(), 0);
    assert!(
        person.answers.borrow().is_empty(),
        "not asked: {:?}",
        person.answers
    );
    let action = world.lock().port.actions["promote_to_production"]
        .definition
        .clone();
    let config = std::fs::read_to_string(folder.path().join("promote.toml")).unwrap();
    format!("{config}\n{}", serde_json::Value::Object((*action).clone()))
}

#[tokio::test]
async fn on_a_terminal_each_thing_is_asked_and_the_answers_are_written() {
    let written = set_up(
        unclear(),
        &[],
        &[
            ("the GitOps repository", "acme/gitops"),
            ("this program as an action", USES),
            ("1) github-ocean-acme\n  2) github-ocean-2", "2"),
            ("the files that a promotion", ""),
            ("becomes its reference", "{name}:{version}"),
            ("make these changes?", "yes"),
        ],
    )
    .await;
    for part in [
        "repository = \"acme/gitops\"",
        "reference = \"{name}:{version}\"",
        "path = \"apps/{service.identifier}/prod/*.yaml\"",
        "\"installationId\":\"github-ocean-2\"",
    ] {
        assert!(written.contains(part), "{part} is not in {written}");
    }
}

#[tokio::test]
async fn names_of_a_catalog_that_fits_nowhere_are_asked_one_by_one() {
    let flags = ["--repository", "acme/gitops", "--uses", USES, "--yes"];
    let written = set_up(
        unfit(),
        &flags,
        &[
            (
                "the blueprint of services (artefact, deployment_unit, system)",
                "system",
            ),
            ("in one environment", "deployment_unit"),
            ("the blueprint of images", "artefact"),
            ("comes from", "one"),
            ("goes to", "two"),
            ("to its image", "holds"),
            ("the files that a promotion", ""),
            ("becomes its reference", "{identifier}"),
        ],
    )
    .await;
    for part in [
        "staging = \"{service.relations.one}\"",
        "production = \"{service.relations.two}\"",
        "runtime_blueprint = \"deployment_unit\"",
        "image_relation = \"holds\"",
    ] {
        assert!(written.contains(part), "{part} is not in {written}");
    }
}
