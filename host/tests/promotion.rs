//! A whole promotion through the live clients, against the world, with one thing going wrong at every place in turn.

#![cfg(feature = "kit")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use promote::core::call::{Call, Reply};
use promote::core::contract::{
    Change, EntityKey, Failure, FileChange, MergeMethod, Merged, Proposal, PullRequest, Relation,
};
use promote::core::live::{Live, Setup};
use promote::core::port::{End, Termination};
use promote::core::secret::Secret;
use promote::core::{github, port};
use promote::world::sample::{CLIENT_ID, CLIENT_SECRET, GITHUB_TOKEN, RUN};
use promote::world::{Fault, Service, Shared, World};

const REPOSITORY: &str = "acme/gitops";
const PATH: &str = "apps/web/prod/deployment.yaml";
const HEAD: &str = "promote/web-prod/1.4.2";

fn world() -> Shared {
    Shared::new(World::sample())
}

fn live(world: &Shared) -> Live {
    let secret = |text| Secret::new("a secret of the sample", text).unwrap();
    let now = world.lock().now;
    let setup = Setup {
        transport: Arc::new(world.transport()),
        clock: Arc::new(world.clock()),
        deadline: now.checked_add(Duration::from_secs(600)).unwrap(),
        seed: 7,
        port_url: "https://port.mock".into(),
        github_url: "https://github.mock".into(),
        port: port::Credentials {
            client_id: CLIENT_ID.into(),
            client_secret: secret(CLIENT_SECRET),
        },
        github: github::Credentials::Token(secret(GITHUB_TOKEN)),
        run: RUN.into(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    };
    Live::new(setup).unwrap()
}

/// What a policy does, without deciding anything: read, propose, merge, delete, record, say so.
async fn promote(live: &Live) -> Result<(), Failure> {
    let repository = || REPOSITORY.to_owned();
    let read = Call::ReadFile {
        repository: repository(),
        path: PATH.into(),
        revision: "main".into(),
    };
    let Reply::File(Some(file)) = live.call(&read).await? else {
        panic!("no manifest")
    };
    if file.content.contains("web:1.4.1") {
        let pull = propose(
            live,
            &file.content.replace("web:1.4.1", "web:1.4.2"),
            &file.commit,
            &file.blob,
        )
        .await?;
        let merge = Call::Merge {
            repository: repository(),
            number: pull.number,
            expected_head: pull.head_commit,
            method: MergeMethod::Squash,
        };
        let Reply::Merged(Merged::Now(_)) = live.call(&merge).await? else {
            panic!("not merged")
        };
    }
    live.call(&Call::DeleteBranch {
        repository: repository(),
        branch: HEAD.into(),
    })
    .await?;
    let key = EntityKey {
        blueprint: "running_service".into(),
        identifier: "web-prod".into(),
    };
    let image = Relation {
        name: "image".into(),
        targets: vec!["web-1.4.2".into()],
    };
    let change = Change {
        title: None,
        properties: None,
        relations: vec![image],
    };
    live.call(&Call::UpdateEntity { key, change }).await?;
    let end = End {
        message: "promoted",
        label: "promoted",
        termination: Some(Termination::Success),
    };
    live.port.end(&end).await
}

async fn propose(
    live: &Live,
    content: &str,
    commit: &str,
    blob: &str,
) -> Result<PullRequest, Failure> {
    let change = FileChange {
        path: PATH.into(),
        content: content.into(),
        expected_blob: blob.into(),
    };
    let proposal = Proposal {
        repository: REPOSITORY.into(),
        base: "main".into(),
        base_commit: commit.into(),
        head: HEAD.into(),
        title: "Promote web to 1.4.2".into(),
        body: "From staging.".into(),
        changes: vec![change],
    };
    match live.call(&Call::Propose { proposal }).await? {
        Reply::PullRequest(pull) => Ok(pull),
        other => panic!("not a pull request: {other:?}"),
    }
}

/// What the world looks like to whoever must live with it.
fn ending(world: &Shared) -> (Option<String>, usize, Vec<String>, String) {
    let world = world.lock();
    let pulls = world.github.pull_requests(REPOSITORY).len();
    let manifest = world.github.file_at(REPOSITORY, "main", PATH);
    let port = format!("{:?}", world.port);
    let run = ["Success", "Failure"]
        .into_iter()
        .find(|status| port.contains(status))
        .unwrap_or("open");
    (
        manifest,
        pulls,
        world.github.branches(REPOSITORY),
        run.to_owned(),
    )
}

#[tokio::test]
async fn promotes_with_no_request_in_vain() {
    let world = world();
    promote(&live(&world)).await.unwrap();
    let (manifest, pulls, branches, _) = ending(&world);
    assert!(manifest.unwrap().contains("image: ghcr.io/acme/web:1.4.2"));
    assert_eq!((pulls, branches), (1, vec!["main".to_owned()]));
    let world = world.lock();
    let line =
        |seen: &promote::world::Seen| format!("{} {} {:?}", seen.method, seen.path, seen.status);
    let lines: Vec<_> = world.seen.iter().map(line).collect();
    assert!(world.seen.iter().all(|seen| !seen.unknown), "{lines:#?}");
    assert_eq!(lines.len(), 13, "{lines:#?}");
}

#[tokio::test]
async fn ends_the_same_wherever_something_is_lost() {
    let clean = world();
    promote(&live(&clean)).await.unwrap();
    let expected = ending(&clean);
    let most = clean.lock().seen.len();
    for then in [
        "{ cut = \"refused\" }",
        "{ cut = \"before\" }",
        "{ cut = \"after\" }",
        "{ answer = { status = 502, body = \"<html>bad gateway</html>\" } }",
        "{ answer = { status = 503 } }",
        "{ rate-limit = { kind = \"secondary\", lasts = \"20s\" } }",
        "{ rate-limit = { kind = \"primary\", lasts = \"20s\" } }",
        "{ delay = \"40s\" }",
    ] {
        for nth in 1..=most {
            let world = world();
            let fault: Fault =
                toml::from_str(&format!("path = \"/**\"\nnth = {nth}\nthen = {then}")).unwrap();
            world.lock().faults.0.push(fault);
            let result = promote(&live(&world)).await;
            assert!(result.is_ok(), "{then} at request {nth}: {result:?}");
            assert_eq!(ending(&world), expected, "{then} at request {nth}");
        }
    }
}

#[tokio::test]
async fn a_second_run_takes_over_what_the_first_left_anywhere() {
    let clean = world();
    promote(&live(&clean)).await.unwrap();
    let expected = ending(&clean);
    // After the last request the run has ended, and takes nothing more.
    let seen = clean.lock().seen.clone();
    for nth in 1..seen.len() {
        let world = world();
        // From here on nothing gets through: the run is killed, for all that the services can tell.
        for service in [Service::Port, Service::GitHub] {
            let before = seen[..nth]
                .iter()
                .filter(|seen| seen.service == service)
                .count();
            let text = format!(
                "path = \"/**\"\nnth = {}\ntimes = 1000\nthen = {{ cut = \"before\" }}",
                before + 1
            );
            let mut fault: Fault = toml::from_str(&text).unwrap();
            fault.service = Some(service);
            world.lock().faults.0.push(fault);
        }
        let _ = promote(&live(&world)).await;
        world.lock().faults.0.clear();
        let second = promote(&live(&world)).await;
        assert!(second.is_ok(), "killed after request {nth}: {second:?}");
        assert_eq!(ending(&world), expected, "killed after request {nth}");
    }
}
