//! From nothing to a promotion on catalogs of every shape, against the mock over HTTP: `init`, `doctor`, a click, a run, and not
//! one line by hand.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use promote_mock::World;
use promote_mock::github::DeploymentBranches;

use crate::catalog_shape::SHAPES;
use crate::stage::{ProgramEnd, ProgramStage};

const USES: &str = "acme/promote@0123456789abcdef0123456789abcdef01234567";

/// Pushes what `init` wrote to the default branch, and makes its environment: what a person is left to do.
pub(crate) fn push(stage: &ProgramStage, folder: &str) {
    let names = [
        ".github/workflows/promote-production.yml",
        ".github/workflows/promote-resume.yml",
        "promote.toml",
    ];
    let files = names.map(|name| {
        let text = stage.read(&format!("{folder}/{name}"));
        (name.to_owned(), text.into())
    });
    let mut world = stage.world.lock();
    let message = "Set up promote";
    let pushed = world
        .github
        .commit_files("acme/gitops", "main", message, files);
    pushed.unwrap();
    let main = DeploymentBranches::Patterns(vec!["main".to_owned()]);
    world
        .github
        .set_environment("acme/gitops", "production", Default::default());
    world
        .github
        .set_deployment_branches("acme/gitops", "production", main);
}

/// Written past the capture of the test harness: who reads a log wants the times of a run that passed, too.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

/// What somebody has who never set anything up: the sample's catalog and a clone of the repository.
pub(crate) async fn before_set_up() -> ProgramStage {
    let stage = ProgramStage::of(SHAPES[0].world()).await;
    SHAPES[0].clone_into(&stage);
    stage
}

pub(crate) async fn init(stage: &ProgramStage, more: &[&str]) -> ProgramEnd {
    let arguments = [
        "init",
        "--repository",
        "acme/gitops",
        "--uses",
        USES,
        "--folder",
        "clone",
    ];
    stage.promote(&[&arguments[..], more].concat()).await
}

/// The inputs of the workflow as Port's integration fills them in, for a run that was started on `web`.
fn message(world: &World, run: &str) -> String {
    let action = &world.port.actions["promote_to_production"].definition;
    let work = &action["invocationMethod"]["integrationActionExecutionProperties"];
    let blueprint = action["trigger"]["blueprintIdentifier"].as_str().unwrap();
    let text = work["workflowInputs"].to_string();
    text.replace("{{ .run.id }}", run)
        .replace("{{ .action.blueprint }}", blueprint)
        .replace("{{ .entity.identifier }}", "web")
}

/// A click in Port, and the workflow that it starts.
pub(crate) async fn click(stage: &ProgramStage) -> (String, ProgramEnd) {
    let started = stage.promote(&["start", "web"]).await;
    let run = started.expect(0).stdout.trim().to_owned();
    let payload = message(&stage.world.lock(), &run);
    stage.write("click.json", &payload);
    let ended = stage
        .promote(&[
            "run",
            "--config",
            "clone/promote.toml",
            "--payload",
            "click.json",
        ])
        .await;
    (run, ended)
}

#[tokio::test]
async fn every_shape_of_catalog_promotes_without_a_line_by_hand() {
    let mut table = String::new();
    for shape in &SHAPES {
        let stage = ProgramStage::of(shape.world()).await;
        shape.clone_into(&stage);
        let began = Instant::now();
        let made = init(&stage, &["--yes"]).await;
        made.expect(0);
        let config = stage.read("clone/promote.toml");
        let reference = format!("reference = \"{}\"", shape.reference);
        assert!(config.contains(&reference), "{}: {config}", shape.name);
        push(&stage, "clone");
        let examined = stage
            .promote(&[
                "doctor",
                "--config",
                "clone/promote.toml",
                "--blueprint",
                shape.names[0],
            ])
            .await;
        examined.expect(0);
        let (run, ended) = click(&stage).await;
        ended.expect(0);
        let took = began.elapsed();
        {
            let world = stage.world.lock();
            let production = world.port.entity(shape.names[1], "web-prod").unwrap();
            let image = &production.relations[shape.names[5]].identifiers()[0];
            let expected = shape.images[1].split('"').nth(1).unwrap();
            assert_eq!(image, expected, "{}", shape.name);
            let run = &world.port.runs[&run];
            assert_eq!(run.status.as_str(), "SUCCESS");
            assert_eq!(
                world.port.blueprints.len(),
                shape.world().port.blueprints.len()
            );
        }
        let file = shape.file("prod");
        let held = stage
            .world
            .lock()
            .github
            .file_at("acme/gitops", "main", &file);
        assert_eq!(held, Some(shape.manifest(1)), "{}", shape.name);
        init(&stage, &["--yes"])
            .await
            .expect(0)
            .expect_said("nothing to change: everything is set up");
        let _ = writeln!(
            table,
            "{:<40} {:<60} {:.1} s",
            shape.name,
            shape.reference,
            took.as_secs_f32()
        );
    }
    say(&format!(
        "init, doctor and a click until it is promoted:\n{table}"
    ));
}

#[tokio::test]
async fn what_init_wrote_it_renews_with_a_diff() {
    let stage = ProgramStage::of(SHAPES[0].world()).await;
    SHAPES[0].clone_into(&stage);
    init(&stage, &["--yes"]).await.expect(0);
    let next = "acme/promote@89abcdef0123456789abcdef0123456789abcdef";
    let arguments = ["--uses", next, "--yes"];
    let renewed = stage
        .promote(
            &[
                &["init", "--repository", "acme/gitops", "--folder", "clone"][..],
                &arguments,
            ]
            .concat(),
        )
        .await;
    renewed
        .expect(0)
        .expect_said(&format!("+        uses: {next}"))
        .expect_said("wrote .github/workflows/promote-production.yml");
}

#[tokio::test]
async fn an_installation_is_needed_and_found() {
    for (change, code, said) in [
        (
            (|world| world.port.integrations.clear()) as fn(&mut World),
            2,
            "`--legacy-app` uses Port's GitHub app, which",
        ),
        (
            |world| {
                let mut second = world.port.integrations[0].clone();
                second.installation_id = "github-ocean-2".to_owned();
                world.port.integrations.push(second);
            },
            2,
            "`--installation ID` says which installation of Port's GitHub integration starts the workflow: github-ocean-acme, github-ocean-2",
        ),
        (
            |world| world.port.integrations[0].processes_actions = false,
            2,
            "turn its processing of actions on",
        ),
    ] {
        let mut world = SHAPES[0].world();
        change(&mut world);
        let stage = ProgramStage::of(world).await;
        SHAPES[0].clone_into(&stage);
        init(&stage, &["--yes"])
            .await
            .expect(code)
            .expect_said(said);
        stage.witness.expect_untouched();
        init(&stage, &["--yes", "--installation", "mine"])
            .await
            .expect(0);
        let world = stage.world.lock();
        let action = &world.port.actions["promote_to_production"].definition;
        assert_eq!(action["invocationMethod"]["installationId"], "mine");
    }
}

#[tokio::test]
async fn the_app_of_port_is_a_choice_with_its_branch() {
    let stage = ProgramStage::of(SHAPES[0].world()).await;
    SHAPES[0].clone_into(&stage);
    let made = init(&stage, &["--yes", "--legacy-app", "--base", "trunk"]).await;
    made.expect(0);
    let world = stage.world.lock();
    let action = &world.port.actions["promote_to_production"].definition;
    assert_eq!(action["invocationMethod"]["type"], "GITHUB");
    assert_eq!(
        action["invocationMethod"]["workflowInputs"]["ref"], "trunk",
        "the app looks in main otherwise"
    );
}

#[tokio::test]
async fn the_region_is_written_and_a_new_app_is_a_link() {
    let stage = ProgramStage::of(SHAPES[0].world()).await;
    SHAPES[0].clone_into(&stage);
    let made = init(&stage, &["--yes", "--app"]).await;
    made.expect(0).expect_said(
        "https://github.com/organizations/acme/settings/apps/new?name=promote-acme&url=https%3A%2F%2Fgithub.com%2Facme&public=false&webhook_active=false&checks=read&contents=write&pull_requests=write&statuses=read",
    );
    let workflow = stage.read("clone/.github/workflows/promote-production.yml");
    let address = format!("port-api-url: {}", stage.port);
    assert!(workflow.contains(&address), "{workflow}");
}

#[tokio::test]
async fn a_catalog_in_which_nothing_fits_is_left_alone() {
    let mut world = World::sample();
    world.port.entities.clear();
    world.port.runs.clear();
    world.port.actions.clear();
    world.port.blueprints.remove("image");
    world.port.blueprints.remove("running_service");
    let mut repository = (*world.port.blueprints["service"]).clone();
    repository.identifier = "repository".to_owned();
    repository
        .definition
        .insert("identifier".to_owned(), "repository".into());
    repository
        .definition
        .insert("relations".to_owned(), serde_json::json!({}));
    world.port.blueprints.clear();
    world.port.put_blueprint(repository);
    let stage = ProgramStage::of(world).await;
    let paths = [
        "--paths",
        "apps/{service.identifier}/prod/*.yaml",
        "--reference",
        "{identifier}",
    ];
    init(&stage, &[&paths[..], &["--yes"]].concat())
        .await
        .expect(2)
        .expect_said("it has the blueprints repository: name yours")
        .expect_said("or add `--guide`");
    stage.witness.expect_untouched();
    init(&stage, &[&paths[..], &["--yes", "--guide"]].concat())
        .await
        .expect(0)
        .expect_said("wrote port: blueprint service");
}
