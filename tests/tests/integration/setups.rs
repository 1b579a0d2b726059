//! Set-ups of a whole repository, as the layouts are of one file: several images, several regions, an annotation that lists
//! an image, forty services by one configuration. Each goes from `promote init` to the way back, and the table is printed.
//!
//! What init cannot know, people write: the settings and grants of a set-up stand in place of its own, and the table says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_kit::test::show;

use crate::layouts::init;

const CELLS: [&str; 4] = ["plan", "run", "re-run", "rollback"];
const VALUES: &str = "image:\n  repository: ghcr.io/acme/NAME\n  tag: \"VERSION\"\n";

/// What a repository has beside the sample world, and what becomes of it.
struct RepositorySetup {
    name: &'static str,
    /// The manifest that init writes for the first file.
    recognised: &'static str,
    /// Paths and texts, in which `NAME` and `VERSION` stand for the service's name and the image's version.
    files: &'static [(&'static str, &'static str)],
    /// More entities of Port.
    given: String,
    /// Settings of people, as a list of keys and values.
    settings: &'static [(&'static str, &'static str)],
    /// The files that a proposal may change, the runtimes that are told, and the part that git must hold, if init does not know.
    grants: Option<[&'static str; 3]>,
    /// Services, `web` is the sample's.
    services: Vec<String>,
    /// Runtimes and what the catalog says of them before and after.
    told: &'static [[&'static str; 3]],
}

fn setups() -> Vec<RepositorySetup> {
    let one = || vec!["web".to_owned()];
    vec![
        RepositorySetup {
            name: "one image at three places of two files",
            recognised: "{ kustomize = \"apps/{service.identifier}/prod/kustomization.yaml\" }",
            files: &[
                (
                    "apps/NAME/prod/kustomization.yaml",
                    "images:\n- name: side\n  newTag: v9\n- name: web\n  newName: ghcr.io/acme/NAME\n  newTag: VERSION\n",
                ),
                (
                    "apps/NAME/prod/job.yaml",
                    "kind: Job\nspec:\n  template:\n    spec:\n      initContainers:\n      - {name: up, image: \"ghcr.io/acme/NAME:VERSION\"}\n      containers:\n      - {name: job, image: \"ghcr.io/acme/NAME:VERSION\"}\n      - {name: side, image: \"envoy:v9\"}\n",
                ),
            ],
            given: String::new(),
            settings: &[(
                "manifest",
                "[{ kustomize = \"apps/{service.identifier}/prod/kustomization.yaml\" }, { kubernetes = \"apps/{service.identifier}/prod/job.yaml\" }]",
            )],
            grants: None,
            services: one(),
            told: &[["web-prod", "web-1.4.1", "web-1.4.2"]],
        },
        RepositorySetup {
            name: "several images at a runtime",
            recognised: "{ kustomize = \"apps/{service.identifier}/prod/kustomization.yaml\" }",
            files: &[(
                "apps/NAME/prod/kustomization.yaml",
                "images:\n- name: proxy\n  newName: ghcr.io/acme/proxy\n  newTag: 3.0.0\n- name: web\n  newName: ghcr.io/acme/NAME\n  newTag: VERSION\n",
            )],
            given: several_images(),
            settings: &[("image", "\"{staging.relations.image[1]}\"")],
            grants: None,
            services: one(),
            told: &[[
                "web-prod",
                "[\"proxy-3.0.0\", \"web-1.4.1\"]",
                "[\"proxy-3.0.0\", \"web-1.4.2\"]",
            ]],
        },
        RepositorySetup {
            name: "two regions",
            recognised: "{ helm_values = \"apps/{service.identifier}/prod/values.yaml\" }",
            files: &[
                ("apps/NAME/prod/values.yaml", VALUES),
                ("apps/NAME/prod-us/values.yaml", VALUES),
            ],
            given: runtime("web-prod-us", "apps/web/prod-us", "web-1.4.1"),
            settings: &[
                (
                    "production",
                    "[\"{service.relations.prod_runtime}\", \"{service.identifier}-prod-us\"]",
                ),
                (
                    "manifest",
                    "{ helm_values = \"{production.gitPath}/values.yaml\" }",
                ),
            ],
            grants: Some([
                "apps/{service.identifier}/*/*",
                "[\"{service.relations.prod_runtime}\", \"{service.identifier}-prod-us\"]",
                "{tags[0]}",
            ]),
            services: one(),
            told: &[
                ["web-prod", "web-1.4.1", "web-1.4.2"],
                ["web-prod-us", "web-1.4.1", "web-1.4.2"],
            ],
        },
        RepositorySetup {
            name: "an annotation that lists the image",
            recognised: "",
            files: &[(
                "apps/NAME/prod/app.yaml",
                "kind: Application\nmetadata:\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: web=ghcr.io/acme/NAME:VERSION\nspec:\n  source: {path: apps/web}\n",
            )],
            given: String::new(),
            settings: &[(
                "manifest",
                "{ path = \"{production.gitPath}/app.yaml\", image = 'metadata.annotations[\"argocd-image-updater.argoproj.io/image-list\"]' }",
            )],
            grants: Some([
                "apps/{service.identifier}/prod/*",
                "\"{service.relations.prod_runtime}\"",
                "web={registryId}:{tags[0]}",
            ]),
            services: one(),
            told: &[["web-prod", "web-1.4.1", "web-1.4.2"]],
        },
        RepositorySetup {
            name: "forty services by one template",
            recognised: "{ helm_values = \"apps/{service.identifier}/prod/values.yaml\" }",
            files: &[("apps/NAME/prod/values.yaml", VALUES)],
            given: (1..=40)
                .map(|number| service(&format!("svc-{number:02}")))
                .collect(),
            settings: &[],
            grants: None,
            services: (1..=40).map(|number| format!("svc-{number:02}")).collect(),
            told: &[["NAME-prod", "NAME-1.4.1", "NAME-1.4.2"]],
        },
    ]
}

fn runtime(identifier: &str, path: &str, image: &str) -> String {
    format!(
        "[[given.port.entities]]\nblueprint = \"running_service\"\nidentifier = \"{identifier}\"\n\
         properties = {{ gitPath = \"{path}\", syncStatus = \"Synced\", healthStatus = \"Healthy\" }}\n\
         relations = {{ image = \"{image}\" }}\n"
    )
}

fn image(name: &str, version: &str) -> String {
    format!(
        "[[given.port.entities]]\nblueprint = \"image\"\nidentifier = \"{name}-{version}\"\n\
         properties = {{ registryId = \"ghcr.io/acme/{name}\", tags = [\"{version}\"], pushedAt = \"2026-01-01T0{}:00:00Z\" }}\n",
        version.rsplit('.').next().unwrap_or("1")
    )
}

/// A service with its runtimes, and the images that they run.
fn service(name: &str) -> String {
    let staging = format!("{name}-staging");
    let production = format!("{name}-prod");
    [
        image(name, "1.4.1"),
        image(name, "1.4.2"),
        runtime(
            &staging,
            &format!("apps/{name}/staging"),
            &format!("{name}-1.4.2"),
        ),
        runtime(
            &production,
            &format!("apps/{name}/prod"),
            &format!("{name}-1.4.1"),
        ),
        format!(
            "[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"{name}\"\n\
             relations = {{ test_runtime = \"{staging}\", prod_runtime = \"{production}\" }}\n"
        ),
    ]
    .concat()
}

/// The runtimes of the sample with a proxy beside the service's own image.
fn several_images() -> String {
    let many = "[[given.port.blueprint]]\ninline = { identifier = \"running_service\", relations = { image = { many = true } } }\n";
    let runtimes =
        [("web-staging", "staging", "2"), ("web-prod", "prod", "1")].map(|(name, place, patch)| {
            runtime(name, &format!("apps/web/{place}"), "IMAGES").replace(
                "\"IMAGES\"",
                &format!("[\"proxy-3.0.0\", \"web-1.4.{patch}\"]"),
            )
        });
    [many.to_owned(), image("proxy", "3.0.0"), runtimes.concat()].concat()
}

impl RepositorySetup {
    /// The repository's files for a version.
    fn files(&self, version: &str) -> Vec<(String, String)> {
        let of = |name: &String| {
            let fill = |text: &str| text.replace("NAME", name).replace("VERSION", version);
            self.files
                .iter()
                .map(move |(path, text)| (fill(path), fill(text)))
                .collect::<Vec<_>>()
        };
        self.services.iter().flat_map(of).collect()
    }

    /// The configuration: that of init, with what people write in its place.
    fn config(&self, written: &str) -> String {
        let mut config: toml::Table = written.parse().unwrap();
        let settings = config["policy"]["settings"].as_table_mut().unwrap();
        for (key, value) in self.settings {
            let value: toml::Table = format!("value = {value}").parse().unwrap();
            settings.insert((*key).to_owned(), value["value"].clone());
        }
        let rollback: toml::Table = "rollback = { input = \"rollback\" }".parse().unwrap();
        settings.extend(rollback);
        let search = "[[grants]]\nallow = [\"port.search\"]\nblueprint = \"image\"\n";
        let Some([paths, told, holds]) = self.grants else {
            return format!("{config}\n{search}");
        };
        config.remove("grants");
        format!(
            "{config}\n{search}\n[[grants]]\nallow = [\"run.note\"]\n\
             [[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\", \"running_service\", \"image\"]\n\
             [[grants]]\nallow = [\"github.read\", \"github.propose\", \"github.merge\"]\nrepository = \"acme/gitops\"\n\
             path = \"{paths}\"\nbase = \"main\"\nkeys = [\"image\", \"tag\", \"image-list\"]\n\
             [[grants]]\nallow = [\"port.update-entity\"]\nblueprint = \"running_service\"\nentity = {told}\n\
             relations = [\"image\"]\nafter = \"merge\"\nholds = \"{holds}\"\n"
        )
    }

    /// For each service a plan, a run, a second one and a way back.
    fn scenario(&self) -> String {
        let mut text = self.given.clone();
        text += "[[given.github.repositories]]\nname = \"acme/gitops\"\n[given.github.repositories.files]\n";
        for (path, before) in self.files("1.4.1") {
            let _ = writeln!(text, "{path:?} = {before:?}");
        }
        for (number, service) in self.services.iter().enumerate() {
            for (kind, more) in [
                ("a", ""),
                ("b", ""),
                ("c", "properties = { rollback = true }\n"),
            ] {
                let _ = write!(
                    text,
                    "[[given.port.runs]]\nid = \"r_Setup{kind}{number:010}\"\naction = \"promote_to_production\"\n\
                     blueprint = \"service\"\nentity = \"{service}\"\n{more}"
                );
            }
        }
        text += "[config]\nfile = \"setup.toml\"\n";
        for (number, service) in self.services.iter().enumerate() {
            let steps = [
                ("a", "plan", 0, "outcome = \"promoted\"\nno-writes = true\n"),
                ("a", "run", 2, "outcome = \"promoted\"\nexit = 0\n"),
                (
                    "b",
                    "run",
                    2,
                    "exit = 0\nnever = [\"propose\", \"merge\", \"update-entity\"]\n",
                ),
                ("c", "run", 1, "outcome = \"promoted\"\nexit = 0\n"),
            ];
            // Port counts requests in windows of minutes.
            let _ = writeln!(text, "[[step]]\nadvance = \"10m\"");
            for (kind, command, holds, expected) in steps {
                let _ = write!(
                    text,
                    "[[step]]\ndo = \"{command}\"\n\
                     payload = {{ shape = \"action\", set = {{ run_id = \"r_Setup{kind}{number:010}\", entity = \"{service}\" }} }}\n\
                     [step.expect]\n{expected}"
                );
                if holds > 0 {
                    text += &self.expected(service, holds);
                }
            }
        }
        text
    }

    /// What git and the catalog say of a service with that patch of the image.
    fn expected(&self, service: &str, patch: usize) -> String {
        let version = format!("1.4.{patch}");
        let files = self.files.iter().map(|(path, text)| {
            let fill = |text: &str| text.replace("NAME", service).replace("VERSION", &version);
            format!("{:?} = {:?}\n", fill(path), fill(text))
        });
        let told = self.told.iter().map(|told| {
            let image = told[patch].replace("NAME", service);
            let image = if image.starts_with('[') {
                image
            } else {
                format!("{image:?}")
            };
            let runtime = told[0].replace("NAME", service);
            format!("\"running_service/{runtime}\" = {{ image = {image} }}\n")
        });
        format!(
            "[step.expect.files]\n{}[step.expect.entities]\n{}",
            files.collect::<String>(),
            told.collect::<String>()
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the table")]
async fn every_setup_goes_from_init_to_the_way_back() {
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let mut failed = Vec::new();
    eprintln!(
        "{:40} {:12} {:10} {}",
        "set-up",
        "init",
        "by people",
        CELLS.join("  ")
    );
    for setup in setups() {
        let folder = tempfile::tempdir().unwrap();
        let written = init(folder.path(), &setup.files("1.4.1")).await;
        let is_known = !setup.recognised.is_empty() && written.contains(setup.recognised);
        if !setup.recognised.is_empty() && !is_known {
            failed.push(format!(
                "{}: init wrote another manifest: {written}",
                setup.name
            ));
        }
        std::fs::write(folder.path().join("setup.toml"), setup.config(&written)).unwrap();
        let scenario = Scenario::parse(&setup.scenario(), &folder.path().join("layout.toml"));
        let report = runner.test(&scenario.unwrap(), false).await.unwrap();
        let shown = show(&report);
        let (steps, a_service) = (setup.services.len() * (CELLS.len() + 1), CELLS.len() + 1);
        let cells = CELLS.iter().zip(2..).map(|(cell, first)| {
            let is_bad = (first..=steps)
                .step_by(a_service)
                .any(|number| shown.contains(&format!("step {number}:")));
            let word = if is_bad { "FAILED" } else { "ok" };
            format!("{word:width$}", width = cell.len())
        });
        let cells: Vec<_> = cells.collect();
        let known = if is_known { "recognised" } else { "no" };
        let people = if setup.settings.is_empty() {
            "nothing"
        } else {
            "settings"
        };
        eprintln!(
            "{:40} {known:12} {people:10} {}",
            setup.name,
            cells.join("  ")
        );
        if !report.passed() {
            failed.push(format!("{}: {shown:.9000}", setup.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
