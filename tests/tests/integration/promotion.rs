//! A whole promotion through the live clients, against the world, with one thing going wrong at every place in turn.

use std::sync::Arc;
use std::time::Duration;

use promote_core::call::{Call, Reply};
use promote_core::contract::{
    Change, EntityKey, Failure, FileChange, MergeMethod, Merged, Proposal, PullRequest, Relation,
};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::secret::Secret;
use promote_core::source::live::{Live, LiveSetup};
use promote_mock::github::{
    AppInstallation, GitHubApp, PermissionLevel, RepositoryAccess, TokenKind,
};
use promote_mock::sample::{CLIENT_ID, CLIENT_SECRET, GITHUB_TOKEN, RUN};
use promote_mock::{ServiceFault, ServiceName, SharedWorld, World};
use promote_tests::door::OpenDoor;

const REPOSITORY: &str = "acme/gitops";
const PATH: &str = "apps/web/prod/deployment.yaml";
const HEAD: &str = "promote/web-prod/1.4.2";

fn world() -> SharedWorld {
    SharedWorld::new(World::sample())
}

fn live(world: &SharedWorld) -> OpenDoor {
    let token = Secret::new("the token of the sample", GITHUB_TOKEN).unwrap();
    live_as(world, github::Credentials::Token(token))
}

fn live_as(world: &SharedWorld, github: github::Credentials) -> OpenDoor {
    let secret = |text| Secret::new("a secret of the sample", text).unwrap();
    let now = world.lock().now;
    let setup = LiveSetup {
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
        github,
        registry: promote_core::service::registry::RegistrySetup::default(),
        verifier: Arc::new(promote_attest::AttestationVerifier::embedded()),
        run: RUN.into(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    };
    OpenDoor::new(Live::new(setup).unwrap(), world)
}

/// Makes the calls of a policy, without deciding anything: read, propose, merge, delete, record, say so.
async fn promote(live: &OpenDoor) -> Result<(), Failure> {
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
    live.port.end("promoted", "promoted", Some("SUCCESS")).await
}

async fn propose(
    live: &OpenDoor,
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
        image: None,
    };
    match live.call(&Call::Propose { proposal }).await? {
        Reply::PullRequest(pull) => Ok(pull),
        other => panic!("not a pull request: {other:?}"),
    }
}

/// Returns the state that people and machines act on.
fn ending(world: &SharedWorld) -> (Option<String>, usize, Vec<String>, String) {
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
    let line = |seen: &promote_mock::RequestRecord| {
        format!("{} {} {:?}", seen.method, seen.path, seen.status)
    };
    let lines: Vec<_> = world.seen.iter().map(line).collect();
    assert!(world.seen.iter().all(|seen| !seen.unknown), "{lines:#?}");
    // Without what the run notes of the base ahead, the branch is made by REST, and one that was merged before looked for. No
    // entity was read, so the blueprint tells whether the relation leads to many.
    assert_eq!(lines.len(), 20, "{lines:#?}");
}

#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "`make test` adds up the rows of faults"
)]
async fn ends_the_same_wherever_something_is_lost() {
    let clean = world();
    promote(&live(&clean)).await.unwrap();
    let expected = ending(&clean);
    let most = clean.lock().seen.len();
    let faults = [
        "{ cut = \"refused\" }",
        "{ cut = \"before\" }",
        "{ cut = \"after\" }",
        "{ answer = { status = 502, body = \"<html>bad gateway</html>\" } }",
        "{ answer = { status = 503 } }",
        "{ rate-limit = { kind = \"secondary\", lasts = \"20s\" } }",
        "{ rate-limit = { kind = \"primary\", lasts = \"20s\" } }",
        "{ delay = \"40s\" }",
    ];
    println!(
        "fault rows: {} faults at each of {most} requests of a promotion",
        faults.len() * most
    );
    for then in faults {
        for nth in 1..=most {
            let world = world();
            let fault: ServiceFault =
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
        for service in [ServiceName::Port, ServiceName::GitHub] {
            let before = seen[..nth]
                .iter()
                .filter(|seen| seen.service == service)
                .count();
            let text = format!(
                "path = \"/**\"\nnth = {}\ntimes = 1000\nthen = {{ cut = \"before\" }}",
                before + 1
            );
            let mut fault: ServiceFault = toml::from_str(&text).unwrap();
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

#[tokio::test]
async fn lag_races_and_renames_do_not_matter() {
    let clean = world();
    promote(&live(&clean)).await.unwrap();
    let expected = ending(&clean);
    let bad_days: [fn(&mut World); 4] = [
        |world| world.github.weather.stale_reads = 3,
        |world| world.github.weather.base_modified = 2,
        |world| world.github.weather.unknown_mergeable = 3,
        |world| {
            world
                .github
                .find_mut(REPOSITORY)
                .unwrap()
                .settings
                .delete_branch_on_merge = true
        },
    ];
    for (day, happens) in bad_days.into_iter().enumerate() {
        let world = world();
        happens(&mut world.lock());
        let result = promote(&live(&world)).await;
        assert!(result.is_ok(), "bad day {day}: {result:?}");
        assert_eq!(ending(&world), expected, "bad day {day}");
    }
    let renamed = world();
    {
        let mut world = renamed.lock();
        let repository = world.github.find_mut(REPOSITORY).unwrap();
        repository.renamed_from.push(REPOSITORY.to_owned());
        repository.name = "manifests".to_owned();
    }
    promote(&live(&renamed)).await.unwrap();
    let manifest = renamed
        .lock()
        .github
        .file_at("acme/manifests", "main", PATH);
    assert!(manifest.unwrap().contains("web:1.4.2"));
}

#[tokio::test]
async fn an_app_promotes_with_no_more_than_it_needs_and_leaves_no_token() {
    let world = world();
    let pem = include_str!("../../../host/core/src/service/github/tests/testdata/app-pkcs8.pem");
    let needed = [
        ("contents", PermissionLevel::Write),
        ("pull_requests", PermissionLevel::Write),
    ];
    let tokens = {
        let mut world = world.lock();
        let id = 5;
        let account = "acme".to_owned();
        let permissions = ["contents", "pull_requests", "administration"];
        world.github.apps = vec![GitHubApp {
            id: 1,
            client_id: "Iv1.promote".into(),
            slug: "promote".into(),
            owner: account.clone(),
            public_key: Some(public_key(pem)),
            installations: vec![AppInstallation {
                id,
                account,
                access: RepositoryAccess::All,
                permissions: permissions
                    .map(|name| (name.to_owned(), PermissionLevel::Write))
                    .into(),
                suspended: false,
            }],
        }];
        world.github.tokens.iter().count()
    };
    let app = github::App {
        issuer: "Iv1.promote".into(),
        key: Secret::new("key", pem).unwrap(),
        scopes: vec![github::TokenScope {
            repositories: vec![github::RepositoryName::parse(REPOSITORY).unwrap()],
            permissions: needed
                .map(|(name, level)| (name.to_owned(), level.name().to_owned()))
                .into(),
        }],
    };
    let live = live_as(&world, github::Credentials::App(app));
    promote(&live).await.unwrap();
    {
        let world = world.lock();
        let minted = world
            .github
            .tokens
            .iter()
            .find(|token| matches!(token.kind, TokenKind::Installation { .. }));
        let mut permissions = minted.unwrap().permissions.clone();
        permissions.remove("metadata");
        assert_eq!(
            permissions,
            needed.map(|(name, level)| (name.to_owned(), level)).into()
        );
    }
    live.github.revoke().await.unwrap();
    assert_eq!(world.lock().github.tokens.iter().count(), tokens);
}

/// The public half of a private key, PKCS#1.
fn public_key(pem: &str) -> Vec<u8> {
    use base64::Engine;
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    let der = base64::prelude::BASE64_STANDARD.decode(base64).unwrap();
    ring::rsa::KeyPair::from_pkcs8(&der)
        .unwrap()
        .public()
        .as_ref()
        .to_vec()
}
