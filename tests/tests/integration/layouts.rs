//! The layouts that people have, each from `promote init` to the way back: init recognises it and writes a configuration,
//! and with that a plan shows the change, a run makes it, a second run has nothing to do, and a rollback puts the file back
//! byte for byte. The table is printed.
//!
//! What init does not write, an input that goes back and the search that this needs, is added to its file here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_kit::test::show;
use tokio::process::Command;

use crate::stage::PROGRAM;

const USES: &str = "acme/promote@0123456789abcdef0123456789abcdef01234567";
const OLD: &str = "4f1c3b0a5d7e9f2184c6a8b0d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f607";
const NEW: &str = "9b2d8e7f6a5c4d3b2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d";
const CELLS: [&str; 4] = ["plan", "run", "re-run", "rollback"];

/// The name of a layout, its file, the setting that init should write, and the text, in which
/// `VERSION` and `DIGEST` stand for those of the image.
const LAYOUTS: [(&str, &str, &str, &str); 15] = [
    (
        "Deployment",
        "deployment.yaml",
        "kubernetes",
        "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: ghcr.io/acme/web:VERSION # by promote\n",
    ),
    (
        "CronJob with init container",
        "cron.yaml",
        "kubernetes",
        "kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          - {name: init, image: \"ghcr.io/acme/web:VERSION\"}\n          containers:\n          - {name: web, image: \"ghcr.io/acme/web:VERSION\"}\n          - {name: side, image: \"envoy:v1.30\"}\n",
    ),
    (
        "objects in one file",
        "all.yaml",
        "kubernetes",
        "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - image: ghcr.io/acme/web:VERSION@sha256:DIGEST\n        name: web\n---\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n      - image: ghcr.io/acme/api:1.4.1\n        name: api\n",
    ),
    (
        "List",
        "list.yaml",
        "kubernetes",
        "kind: List\nitems:\n- kind: Deployment\n  spec:\n    template:\n      spec:\n        containers:\n        - name: web\n          image: >-\n            ghcr.io/acme/web:VERSION\n",
    ),
    (
        "JSON",
        "deployment.json",
        "kubernetes",
        "{\n  \"kind\": \"Pod\",\n  \"spec\": {\n    \"containers\": [\n      {\"name\": \"web\", \"image\": \"ghcr.io/acme/web:VERSION\"}\n    ]\n  }\n}\n",
    ),
    (
        "Kustomize",
        "kustomization.yaml",
        "kustomize",
        "resources: [../base]\nimages:\n- name: side\n  newTag: v9\n- name: app\n  newName: ghcr.io/acme/web\n  newTag: VERSION\n",
    ),
    (
        "Kustomize, pinned",
        "kustomization.yaml",
        "kustomize",
        "images:\n- name: ghcr.io/acme/web\n  newTag: VERSION\n  digest: sha256:DIGEST\n",
    ),
    (
        "Helm values",
        "values.yaml",
        "helm_values",
        "replicas: 2\nimage:\n  repository: ghcr.io/acme/web\n  tag: \"VERSION\"\n  pullPolicy: Always\n",
    ),
    (
        "Helm values, registry apart, pinned",
        "values.yaml",
        "helm_values",
        "web:\n  image:\n    registry: ghcr.io\n    repository: acme/web\n    tag: VERSION\n    digest: sha256:DIGEST\n",
    ),
    (
        "Helm values, tag@digest",
        "values-prod.yaml",
        "helm_values",
        "image:\n  repository: ghcr.io/acme/web\n  tag: \"VERSION@sha256:DIGEST\"\n",
    ),
    (
        "Helm values, whole image",
        "values.yaml",
        "helm_values",
        "app:\n  image: ghcr.io/acme/web:VERSION\n",
    ),
    (
        "Argo CD, Helm parameters",
        "app.yaml",
        "argocd_application",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: web\n    helm:\n      parameters:\n      - name: image.tag\n        value: VERSION\n",
    ),
    (
        "Argo CD, values as an object",
        "app.yaml",
        "argocd_application",
        "kind: Application\nspec:\n  sources:\n  - chart: web\n    helm:\n      valuesObject:\n        image: {repository: ghcr.io/acme/web, tag: VERSION}\n",
    ),
    (
        "Argo CD, values as a text",
        "app.yaml",
        "argocd_application",
        "kind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: ghcr.io/acme/web\n          tag: VERSION\n",
    ),
    (
        "Argo CD, Kustomize",
        "app.yaml",
        "argocd_application",
        "kind: Application\nspec:\n  source:\n    kustomize:\n      images:\n      - web=ghcr.io/acme/web:VERSION\n",
    ),
];

/// Runs `promote init` on a repository with these files; the configuration that it writes.
pub(crate) async fn init(folder: &Path, files: &[(String, String)]) -> String {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let paths = "apps/{service.identifier}/prod/*";
    let ended = Command::new(&*PROGRAM)
        .args([
            "init",
            "--repository",
            "acme/gitops",
            "--uses",
            USES,
            "--no-port",
            "--yes",
        ])
        .args(["--reference", "{registryId}:{tags[0]}"])
        .args(["--paths", paths, "--folder"])
        .arg(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    std::fs::read_to_string(folder.join("promote.toml")).unwrap()
}

/// A plan, a run, a second one and a way back, with the configuration in that folder.
fn scenario(name: &str, before: &str, after: &str) -> String {
    let file = format!("\"apps/web/prod/{name}\"");
    format!(
        r#"
[[given.port.runs]]
id = "r_Second0000000002"
action = "promote_to_production"
blueprint = "service"
entity = "web"
[[given.port.runs]]
id = "r_Third00000000003"
action = "promote_to_production"
blueprint = "service"
entity = "web"
properties = {{ rollback = true }}
[[given.github.repositories]]
name = "acme/gitops"
[given.github.repositories.files]
{file} = {before:?}
[config]
file = "rollback.toml"
[config.policy.settings]
rollback = {{ input = "rollback" }}
[[step]]
do = "plan"
[step.expect]
outcome = "promoted"
no-writes = true
[[step]]
[step.expect]
outcome = "promoted"
exit = 0
pulls = ["merged"]
files = {{ {file} = {after:?} }}
entities = {{ "running_service/web-prod" = {{ image = "web-1.4.2" }} }}
[[step]]
payload = {{ set = {{ context = {{ runId = "r_Second0000000002" }} }} }}
[step.expect]
exit = 0
never = ["propose", "merge", "update-entity"]
files = {{ {file} = {after:?} }}
[[step]]
payload = {{ set = {{ context = {{ runId = "r_Third00000000003" }} }} }}
[step.expect]
outcome = "promoted"
exit = 0
files = {{ {file} = {before:?} }}
entities = {{ "running_service/web-prod" = {{ image = "web-1.4.1" }} }}
"#
    )
}

#[tokio::test]
async fn a_file_of_more_than_a_mebibyte_is_promoted_and_one_of_more_than_four_is_not() {
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let lines = |count: usize| -> String {
        (0..count)
            .map(|number| format!("  key{number}: a value of some length, as it is\n"))
            .collect()
    };
    for (count, words) in [(30_000, "promoted"), (110_000, "more than the 4194304")] {
        let data = lines(count);
        let text = format!(
            "kind: Pod\nspec:\n  containers:\n  - image: ghcr.io/acme/web:1.4.1\ndata:\n{data}"
        );
        assert!(text.len() > 1024 * 1024);
        let scenario = format!(
            r#"
[[given.github.repositories]]
name = "acme/gitops"
[given.github.repositories.files]
"apps/web/prod/deployment.yaml" = {text:?}
[config.policy.settings]
manifest = [{{ kubernetes = "{{production.gitPath}}/deployment.yaml" }}]
[expect]
message = "{words}"
"#
        );
        let scenario = Scenario::parse(&scenario, Path::new("large.toml")).unwrap();
        let report = runner.test(&scenario, false).await.unwrap();
        assert!(report.passed(), "{:.2000}", show(&report));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the table")]
async fn every_layout_goes_from_init_to_the_way_back() {
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let mut failed = Vec::new();
    eprintln!("{:38} {:20} {}", "layout", "init", CELLS.join("  "));
    for (layout, name, setting, text) in LAYOUTS {
        let text = |version, digest| text.replace("VERSION", version).replace("DIGEST", digest);
        let (before, after) = (text("1.4.1", OLD), text("1.4.2", NEW));
        let folder = tempfile::tempdir().unwrap();
        let file = (format!("apps/web/prod/{name}"), before.clone());
        let config = init(folder.path(), &[file]).await;
        let entry =
            format!("manifest = {{ {setting} = \"apps/{{service.identifier}}/prod/{name}\"");
        let is_known = config.contains(&entry);
        if !is_known {
            failed.push(format!("{layout}: init wrote another manifest: {config}"));
        }
        let more = "\n[[grants]]\nallow = [\"port.search\"]\nblueprint = \"image\"\n";
        std::fs::write(folder.path().join("rollback.toml"), config + more).unwrap();
        let at = folder.path().join("layout.toml");
        let scenario = Scenario::parse(&scenario(name, &before, &after), &at).unwrap();
        let report = runner.test(&scenario, false).await.unwrap();
        let shown = show(&report);
        let cells = CELLS.iter().zip(1..).map(|(cell, number)| {
            let is_good = report.passed() || !shown.contains(&format!("step {number}:"));
            let word = if is_good { "ok" } else { "FAILED" };
            format!("{word:width$}", width = cell.len())
        });
        let cells: Vec<_> = cells.collect();
        let known = if is_known { setting } else { "FAILED" };
        eprintln!("{layout:38} {known:20} {}", cells.join("  "));
        if !report.passed() {
            failed.push(shown);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
