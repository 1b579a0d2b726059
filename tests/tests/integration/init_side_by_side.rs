//! Services of several shapes side by side in one catalog: each team has its GitOps repository and its action, and sets itself
//! up with `init` alone.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use promote_mock::World;
use promote_mock::github::DeploymentBranches;
use promote_mock::sample::SAMPLE;

use crate::stage::{ProgramEnd, ProgramStage};

/// A team: its service has its name, and so has its repository below `acme`.
struct TeamCase {
    name: &'static str,
    /// The blueprints of services, runtimes and images, and the relations of them: staging, production, image.
    names: [&'static str; 6],
    /// The old and the new image: identifier and the rest of the entity.
    images: [(&'static str, &'static str); 2],
    /// What a manifest holds for them.
    references: [&'static str; 2],
    /// The setting that must be derived.
    reference: &'static str,
    /// What is said besides, where two ways lead to images.
    flags: &'static [&'static str],
}

const GUIDE: [&str; 6] = [
    "service",
    "running_service",
    "image",
    "test_runtime",
    "prod_runtime",
    "image",
];

const TEAMS: [TeamCase; 4] = [
    TeamCase {
        name: "titled",
        names: GUIDE,
        images: [
            (
                "titled-1",
                "title = \"ghcr.io/acme/titled:1\"\nproperties = { tags = [\"1\"] }",
            ),
            (
                "titled-2",
                "title = \"ghcr.io/acme/titled:2\"\nproperties = { tags = [\"2\"] }",
            ),
        ],
        references: ["ghcr.io/acme/titled:1", "ghcr.io/acme/titled:2"],
        reference: "{title}",
        flags: &[],
    },
    TeamCase {
        name: "ecr",
        names: GUIDE,
        images: [
            (
                "ecr:1",
                "title = \"ecr:1\"\nproperties = { registryId = \"123456789012\", tags = [\"1\"] }",
            ),
            (
                "ecr:2",
                "title = \"ecr:2\"\nproperties = { registryId = \"123456789012\", tags = [\"2\"] }",
            ),
        ],
        references: [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ecr:1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ecr:2",
        ],
        reference: "{registryId}.dkr.ecr.eu-west-1.amazonaws.com/{identifier}",
        flags: &[],
    },
    TeamCase {
        name: "argo",
        names: GUIDE,
        images: [("ghcr.io/acme/argo:1", ""), ("ghcr.io/acme/argo:2", "")],
        references: ["ghcr.io/acme/argo:1", "ghcr.io/acme/argo:2"],
        reference: "{identifier}",
        flags: &[],
    },
    TeamCase {
        name: "own",
        names: [
            "component",
            "workload",
            "container_image",
            "stage",
            "live",
            "runs",
        ],
        images: [
            (
                "own_1",
                "properties = { repo = \"ghcr.io/acme/own\", tags = [\"1\"] }",
            ),
            (
                "own_2",
                "properties = { repo = \"ghcr.io/acme/own\", tags = [\"2\"] }",
            ),
        ],
        references: ["ghcr.io/acme/own:1", "ghcr.io/acme/own:2"],
        reference: "{repo}:{tags[0]}",
        // The catalog has the guide's way to images beside this one.
        flags: &["--service-blueprint", "component"],
    },
];

impl TeamCase {
    fn repository(&self) -> String {
        format!("acme/{}", self.name)
    }

    fn action(&self) -> String {
        format!("promote_{}", self.name)
    }

    fn file(&self, environment: &str) -> String {
        format!("apps/{}/{environment}/deployment.yaml", self.name)
    }

    fn manifest(&self, version: usize) -> String {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {0}\nspec:\n  template:\n    spec:\n      containers:\n        - name: {0}\n          image: {1}\n",
            self.name, self.references[version]
        )
    }

    /// The entities of the team in a world file.
    fn entities(&self) -> String {
        let [service, runtime, image, staging, production, runs] = self.names;
        let name = self.name;
        let mut text = String::new();
        for (identifier, body) in self.images {
            let _ = write!(
                text,
                "[[port.entities]]\nblueprint = \"{image}\"\nidentifier = \"{identifier}\"\n{body}\n"
            );
        }
        let healthy = if service == "service" {
            ", healthStatus = \"Healthy\", syncStatus = \"Synced\""
        } else {
            ""
        };
        for (environment, (identifier, _)) in
            [("staging", self.images[1]), ("prod", self.images[0])]
        {
            let _ = write!(
                text,
                "[[port.entities]]\nblueprint = \"{runtime}\"\nidentifier = \"{name}-{environment}\"\nproperties = {{ gitPath = \"apps/{name}/{environment}\"{healthy} }}\nrelations = {{ {runs} = \"{identifier}\" }}\n"
            );
        }
        let _ = write!(
            text,
            "[[port.entities]]\nblueprint = \"{service}\"\nidentifier = \"{name}\"\nrelations = {{ {staging} = \"{name}-staging\", {production} = \"{name}-prod\" }}\n"
        );
        text
    }
}

/// One catalog with the guide's blueprints and others beside them, and the services of every team in it.
fn world() -> World {
    let catalog = SAMPLE.find("[[port.entities]]").unwrap();
    let github = SAMPLE.find("[github]").unwrap();
    let repositories = SAMPLE.find("[[github.repositories]]").unwrap();
    let mut text = SAMPLE[..catalog].to_owned();
    text.push_str(
        "[[port.blueprint]]\ninline = { identifier = \"container_image\", title = \"Image\", schema = { properties = { repo = { type = \"string\" }, tags = { type = \"array\" } } }, relations = {} }\n\
         [[port.blueprint]]\ninline = { identifier = \"workload\", title = \"Workload\", schema = { properties = { gitPath = { type = \"string\" } } }, relations = { runs = { target = \"container_image\", many = false, required = false } } }\n\
         [[port.blueprint]]\ninline = { identifier = \"component\", title = \"Component\", schema = { properties = {} }, relations = { stage = { target = \"workload\", many = false, required = false }, live = { target = \"workload\", many = false, required = false } } }\n",
    );
    for team in &TEAMS {
        text.push_str(&team.entities());
    }
    // The App's installation names the sample's repository, which is not here.
    let github = &SAMPLE[github..repositories];
    text.push_str(&github.replace("\nrepositories = [\"acme/gitops\"]", "\n"));
    for team in &TEAMS {
        let _ = write!(
            text,
            "[[github.repositories]]\nname = \"{}\"\n[github.repositories.files]\n",
            team.repository()
        );
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let file = team.file(environment);
            let _ = write!(text, "\"{file}\" = '''\n{}'''\n", team.manifest(version));
        }
    }
    let mut world = World::from_toml(&text, Path::new("")).unwrap();
    world.port.actions.clear();
    world
}

async fn init(stage: &ProgramStage, team: &TeamCase) -> ProgramEnd {
    let (repository, action) = (team.repository(), team.action());
    let arguments = [
        "init",
        "--repository",
        &repository,
        "--uses",
        "acme/promote@0123456789abcdef0123456789abcdef01234567",
        "--folder",
        team.name,
        "--port-action",
        &action,
        "--yes",
    ];
    stage.promote(&[&arguments[..], team.flags].concat()).await
}

/// Pushes what `init` wrote, and makes the environment.
fn push(stage: &ProgramStage, team: &TeamCase) {
    let names = [
        ".github/workflows/promote-production.yml",
        ".github/workflows/promote-resume.yml",
        "promote.toml",
    ];
    let files = names.map(|name| {
        let text = stage.read(&format!("{}/{name}", team.name));
        (name.to_owned(), text.into())
    });
    let repository = team.repository();
    let mut world = stage.world.lock();
    let github = &mut world.github;
    github
        .commit_files(&repository, "main", "Set up promote", files)
        .unwrap();
    let main = DeploymentBranches::Patterns(vec!["main".to_owned()]);
    github.set_environment(&repository, "production", Default::default());
    github.set_deployment_branches(&repository, "production", main);
}

/// A click in Port, and the workflow that it starts.
async fn click(stage: &ProgramStage, team: &TeamCase) -> ProgramEnd {
    let started = stage
        .promote(&["start", team.name, "--action", &team.action()])
        .await;
    let run = started.expect(0).stdout.trim().to_owned();
    let payload = {
        let world = stage.world.lock();
        let action = &world.port.actions[&team.action()].definition;
        let work = &action["invocationMethod"]["integrationActionExecutionProperties"];
        let text = work["workflowInputs"].to_string();
        text.replace("{{ .run.id }}", &run)
            .replace("{{ .action.blueprint }}", team.names[0])
            .replace("{{ .entity.identifier }}", team.name)
    };
    stage.write("click.json", &payload);
    let config = format!("{}/promote.toml", team.name);
    stage
        .promote(&["run", "--config", &config, "--payload", "click.json"])
        .await
}

#[tokio::test]
async fn services_of_every_shape_are_set_up_and_promoted_beside_each_other() {
    let stage = ProgramStage::of(world()).await;
    let blueprints = stage.world.lock().port.blueprints.len();
    let mut table = String::new();
    for team in &TEAMS {
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let path = stage.path(team.name).join(team.file(environment));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, team.manifest(version)).unwrap();
        }
        let began = Instant::now();
        init(&stage, team).await.expect(0);
        let config = stage.read(&format!("{}/promote.toml", team.name));
        let reference = format!("reference = \"{}\"", team.reference);
        assert!(config.contains(&reference), "{}: {config}", team.name);
        push(&stage, team);
        let path = format!("{}/promote.toml", team.name);
        let examined = ["doctor", "--config", &path, "--blueprint", team.names[0]];
        let service = ["--service", team.name];
        stage
            .promote(&[&examined[..], &service].concat())
            .await
            .expect(0);
        click(&stage, team).await.expect(0);
        let _ = writeln!(
            table,
            "{:<8} {:<60} {:.1} s",
            team.name,
            team.reference,
            began.elapsed().as_secs_f32()
        );
    }
    // Each has what is its own, and nobody has another's.
    let world = stage.world.lock();
    for team in &TEAMS {
        let production = format!("{}-prod", team.name);
        let runtime = world.port.entity(team.names[1], &production).unwrap();
        assert_eq!(
            runtime.relations[team.names[5]].identifiers(),
            [team.images[1].0],
            "{}",
            team.name
        );
        let file = team.file("prod");
        let held = world.github.file_at(&team.repository(), "main", &file);
        assert_eq!(held, Some(team.manifest(1)), "{}", team.name);
    }
    assert_eq!(world.port.blueprints.len(), blueprints);
    crate::init_catalog::say(&format!(
        "side by side, init, doctor and a click until it is promoted:\n{table}"
    ));
}
