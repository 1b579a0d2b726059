//! Many runs at once: no update is lost, nothing is merged twice.

use std::fmt::Write as _;
use std::path::Path;

use promote_mock::World;
use promote_mock::github::PullState;
use promote_mock::sample::{self, SAMPLE};
use promote_tests::guests::OBSERVER;
use promote_tests::witness::REPOSITORY;
use serde_json::json;
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramEnd, ProgramStage};

/// Starts a run for each payload at the same moment, and waits for all of them.
async fn at_once(stage: &ProgramStage, payloads: &[String]) -> Vec<ProgramEnd> {
    let start = |name: &String| {
        let mut command = Command::new(&*PROGRAM);
        command.args(["run", "--payload", name]);
        stage.start(command, "")
    };
    let running: Vec<_> = payloads
        .iter()
        .map(start)
        .map(|running| tokio::spawn(running.end()))
        .collect();
    let mut ended = Vec::new();
    for run in running {
        ended.push(run.await.unwrap());
    }
    ended
}

fn codes(ended: &[ProgramEnd]) -> Vec<i32> {
    ended.iter().map(ProgramEnd::code).collect()
}

/// The sample with a number of runs of the same action on the same service.
fn with_runs(count: usize) -> World {
    let mut text = SAMPLE.to_owned();
    for run in 0..count {
        let _ = write!(
            text,
            "\n[[port.runs]]\nid = \"r_Crowd{run:02}\"\naction = \"promote_to_production\"\nblueprint = \"service\"\nentity = \"web\"\n"
        );
    }
    World::from_toml(&text, Path::new("")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "how the runs end is there to be read")]
async fn eight_runs_of_one_service_make_one_promotion() {
    let stage = ProgramStage::of(with_runs(10)).await;
    let mut payloads = Vec::new();
    for run in 0..10 {
        let mut payload = sample::payload();
        payload["context"]["runId"] = json!(format!("r_Crowd{run:02}"));
        let name = format!("payload-{run}.json");
        stage.write(&name, &payload.to_string());
        payloads.push(name);
    }
    let ended = at_once(&stage, &payloads[..8]).await;
    println!(
        "eight runs of one service at once ended with {:?}",
        codes(&ended)
    );
    // Whoever came second may have been told of a conflict, or refused by GitHub what had been merged a moment before.
    assert!(
        ended.iter().all(|ended| matches!(ended.code(), 0 | 1 | 3)),
        "{:?}",
        codes(&ended)
    );
    for ended in ended.iter().filter(|ended| ended.code() != 0) {
        println!("  {}", ended.stdout.lines().next().unwrap_or_default());
    }
    assert!(ended.iter().any(|ended| ended.code() == 0));
    // Each of the others may have proposed before it saw the first.
    stage.witness.expect_promoted_beside(0..=7);
    // Later runs find it done, and propose nothing.
    let proposed = stage.witness.pulls().len();
    let later = at_once(&stage, &payloads[8..]).await;
    assert_eq!(codes(&later), [0, 0]);
    assert_eq!(stage.witness.pulls().len(), proposed);
    stage.witness.expect_promoted_beside(0..=7);
    println!("{proposed} pull requests, one of them merged");
}

const SERVICES: usize = 16;

/// As many services beside each other in one repository, each with its own production.
fn with_services() -> World {
    let mut entities = String::new();
    let mut files = String::new();
    for n in 0..SERVICES {
        let _ = write!(
            entities,
            r#"
[[port.entities]]
blueprint = "service"
identifier = "s{n:02}"
relations = {{ test_runtime = "s{n:02}-staging", prod_runtime = "s{n:02}-prod" }}
[[port.entities]]
blueprint = "running_service"
identifier = "s{n:02}-staging"
properties = {{ gitPath = "apps/s{n:02}/staging", syncStatus = "Synced", healthStatus = "Healthy" }}
relations = {{ image = "web-1.4.2" }}
[[port.entities]]
blueprint = "running_service"
identifier = "s{n:02}-prod"
properties = {{ gitPath = "apps/s{n:02}/prod", syncStatus = "Synced", healthStatus = "Healthy" }}
relations = {{ image = "web-1.4.1" }}
[[port.runs]]
id = "r_Service{n:02}"
action = "promote_to_production"
blueprint = "service"
entity = "s{n:02}"
"#
        );
        let manifest = r"spec:\n  template:\n    spec:\n      containers:\n        - image: ghcr.io/acme/web:1.4.1\n";
        let _ = writeln!(
            files,
            "\"apps/s{n:02}/prod/deployment.yaml\" = \"{manifest}\""
        );
    }
    let heading = "[github.repositories.files]\n";
    let text = SAMPLE.replace(heading, &format!("{heading}{files}")) + &entities;
    World::from_toml(&text, Path::new("")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "how the runs end is there to be read")]
async fn sixteen_services_in_one_repository_are_all_promoted() {
    let stage = ProgramStage::of(with_services()).await;
    let mut payloads = Vec::new();
    for n in 0..SERVICES {
        let payload = json!({
            "context": {"entity": format!("s{n:02}"), "blueprint": "service", "runId": format!("r_Service{n:02}")},
            "payload": {"properties": {}},
        });
        let name = format!("payload-{n}.json");
        stage.write(&name, &payload.to_string());
        payloads.push(name);
    }
    let ended = at_once(&stage, &payloads).await;
    println!("{SERVICES} services at once ended with {:?}", codes(&ended));
    for ended in &ended {
        ended.expect(0);
    }
    let world = stage.witness.world.lock();
    let pulls = world.github.pull_requests(REPOSITORY);
    assert_eq!(pulls.len(), SERVICES);
    assert!(
        pulls
            .iter()
            .all(|pull| matches!(pull.state, PullState::Merged { .. }))
    );
    for n in 0..SERVICES {
        let path = format!("apps/s{n:02}/prod/deployment.yaml");
        let manifest = world.github.file_at(REPOSITORY, "main", &path).unwrap();
        assert!(manifest.contains("web:1.4.2"), "{path}");
        let production = world
            .port
            .entity("running_service", &format!("s{n:02}-prod"))
            .unwrap();
        assert_eq!(production.relations["image"].identifiers(), ["web-1.4.2"]);
    }
}

/// The files of a folder.
fn kept(folder: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| {
        (
            entry.file_name().into_string().unwrap(),
            entry.metadata().unwrap().len(),
        )
    });
    let mut files: Vec<_> = named.collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_programs_at_once_share_one_cache() {
    let stage = ProgramStage::sample().await;
    let folder = stage.path("cache");
    let stage = stage.with("PROMOTE_CACHE_DIR", folder.display().to_string());
    let inspect = || {
        let mut command = Command::new(&*PROGRAM);
        command.args(["inspect", OBSERVER]);
        stage.start(command, "").end()
    };
    let running: Vec<_> = (0..8).map(|_| inspect()).map(tokio::spawn).collect();
    for run in running {
        run.await
            .unwrap()
            .expect(0)
            .expect_said("tier      observe");
    }
    // Whoever was first or last: one file, whole, and the next one takes it.
    let files = kept(&folder);
    assert_eq!(files.len(), 1, "{files:?}");
    inspect().await.expect(0);
    assert_eq!(kept(&folder), files);
}
