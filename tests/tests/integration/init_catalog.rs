//! From nothing to a promotion on catalogs of every shape, against the mock over HTTP: `init`, `doctor`, a click, a run, and not
//! one line by hand.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use promote_mock::World;
use promote_mock::github::DeploymentBranches;
use promote_mock::sample::ImageShape;
use serde_json::Value;

use crate::stage::{ProgramEnd, ProgramStage};

const USES: &str = "acme/promote@0123456789abcdef0123456789abcdef01234567";

/// A catalog, and what production must run in the end.
struct CatalogShape {
    name: &'static str,
    /// The images of the sample world; none for a world of its own.
    sample: Option<ImageShape>,
    /// The names of blueprints and relations: service, runtime, image, staging, production, image relation, place of manifests.
    names: [&'static str; 7],
    /// The old and the new image: identifier, title and more of the entity.
    images: [&'static str; 2],
    /// What the manifest holds for them.
    references: [&'static str; 2],
    /// The setting that must be derived.
    reference: &'static str,
    /// The manifest, with `IMAGE` for the reference and `TAG` for its tag.
    manifest: (&'static str, &'static str),
}

const GUIDE_NAMES: [&str; 7] = [
    "service",
    "running_service",
    "image",
    "test_runtime",
    "prod_runtime",
    "image",
    "gitPath",
];
/// The file of the sample.
const DEPLOYMENT: (&str, &str) = ("deployment.yaml", "");

const SHAPES: [CatalogShape; 4] = [
    CatalogShape {
        name: "the guide's, reference in the title",
        sample: Some(ImageShape::Titled),
        names: GUIDE_NAMES,
        images: ["identifier = \"web-1.4.1\"", "identifier = \"web-1.4.2\""],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "{title}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "ECR's",
        sample: Some(ImageShape::Ecr),
        names: GUIDE_NAMES,
        images: ["identifier = \"web:1.4.1\"", "identifier = \"web:1.4.2\""],
        references: [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.2",
        ],
        reference: "{registryId}.dkr.ecr.eu-west-1.amazonaws.com/{identifier}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "Argo CD's, without properties",
        sample: Some(ImageShape::ArgoCd),
        names: GUIDE_NAMES,
        images: [
            "identifier = \"ghcr.io/acme/web:1.4.1\"",
            "identifier = \"ghcr.io/acme/web:1.4.2\"",
        ],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "{identifier}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "one's own names, with Kustomize",
        sample: None,
        names: [
            "component",
            "workload",
            "container_image",
            "stage",
            "live",
            "runs",
            "manifests",
        ],
        images: [
            "identifier = \"web_1.4.1\"\nproperties = { repo = \"acme/web\", tags = [\"1.4.1\"] }",
            "identifier = \"web_1.4.2\"\nproperties = { repo = \"acme/web\", tags = [\"1.4.2\"] }",
        ],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "ghcr.io/{repo}:{tags[0]}",
        manifest: (
            "kustomization.yaml",
            "resources:\n  - ../base\nimages:\n  - name: ghcr.io/acme/web\n    newTag: TAG\n",
        ),
    },
];

impl CatalogShape {
    fn manifest(&self, version: usize) -> String {
        let reference = self.references[version];
        if self.sample.is_some() {
            let file = self.file("prod");
            let text = self.world().github.file_at("acme/gitops", "main", &file);
            return text.unwrap().replace(self.references[0], reference);
        }
        let tag = reference.rsplit(':').next().unwrap_or_default();
        let text = self.manifest.1.replace("IMAGE", reference);
        text.replace("TAG", &format!("\"{tag}\""))
    }

    fn file(&self, environment: &str) -> String {
        format!("apps/web/{environment}/{}", self.manifest.0)
    }

    /// The world: the sample with images of a shape, or its Port and GitHub with this catalog in place of theirs.
    fn world(&self) -> World {
        let mut world = match self.sample {
            Some(shape) => World::from_toml(&shape.world_file(), Path::new("")).unwrap(),
            None => self.own_world(),
        };
        world.port.actions.clear();
        world
    }

    fn own_world(&self) -> World {
        let [service, runtime, image, staging, production, runs, place] = self.names;
        let sample = promote_mock::sample::SAMPLE;
        let catalog = sample.find("[[port.entities]]").unwrap();
        let github = sample.find("[github]").unwrap();
        let files = sample.find("[github.repositories.files]").unwrap();
        let mut text = sample[..catalog].replace("owned = [\"service\"]", "");
        text = text.replace("blueprints = \"guide\"", "blueprints = \"none\"");
        write!(
            text,
            "[[port.blueprint]]\ninline = {{ identifier = \"{image}\", title = \"Image\", schema = {{ properties = {{ repo = {{ type = \"string\" }}, tags = {{ type = \"array\" }} }} }}, relations = {{}} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"cluster\", title = \"Cluster\", schema = {{ properties = {{}} }}, relations = {{}} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"{runtime}\", title = \"Workload\", schema = {{ properties = {{ {place} = {{ type = \"string\" }} }} }}, relations = {{ {runs} = {{ target = \"{image}\", many = false, required = false }}, cluster = {{ target = \"cluster\", many = false, required = false }} }} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"{service}\", title = \"Component\", schema = {{ properties = {{}} }}, relations = {{ {staging} = {{ target = \"{runtime}\", many = false, required = false }}, {production} = {{ target = \"{runtime}\", many = false, required = false }} }} }}\n",
        )
        .unwrap();
        let identifier = |body: &str| body.split('"').nth(1).unwrap().to_owned();
        for body in self.images {
            write!(text, "[[port.entities]]\nblueprint = \"{image}\"\n{body}\n").unwrap();
        }
        for (name, environment, body) in [
            ("web-staging", "staging", self.images[1]),
            ("web-prod", "prod", self.images[0]),
        ] {
            let image = identifier(body);
            write!(
                text,
                "[[port.entities]]\nblueprint = \"{runtime}\"\nidentifier = \"{name}\"\nproperties = {{ {place} = \"apps/web/{environment}\" }}\nrelations = {{ {runs} = \"{image}\" }}\n"
            )
            .unwrap();
        }
        write!(
            text,
            "[[port.entities]]\nblueprint = \"{service}\"\nidentifier = \"web\"\nrelations = {{ {staging} = \"web-staging\", {production} = \"web-prod\" }}\n"
        )
        .unwrap();
        text.push_str(&sample[github..files]);
        text.push_str("[github.repositories.files]\n");
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let file = self.file(environment);
            write!(text, "\"{file}\" = '''\n{}'''\n", self.manifest(version)).unwrap();
        }
        World::from_toml(&text, Path::new("")).unwrap()
    }

    /// A clone of the repository, as somebody has it who runs `init`.
    fn clone_into(&self, stage: &ProgramStage) {
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let path = stage.path("clone").join(self.file(environment));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.manifest(version)).unwrap();
        }
    }
}

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
