//! Everything that a policy can have done at GitHub, on good days and on bad ones.

mod merges;
mod readers;
mod workflows;

use std::collections::BTreeSet;

use promote_core::call::{Call, Reply};
use promote_core::contract::{CheckState, Failure, MergeMethod, Merged, PullFilter};
use promote_core::service::github;
use promote_core::service::secret::Secret;
use promote_mock::github::{
    BranchRules, GitHubToken, PermissionLevel, RepositoryState, StoredAttestation, TokenKind,
    TokenTable,
};
use promote_mock::sample::GITHUB_TOKEN;
use promote_mock::{ServiceFault, World};
use serde_json::json;

use crate::bench::{HEAD, PATH, REPOSITORY, RecordedClients};
use crate::record::ExchangeRecord;
use crate::refusals::refusals;
use merges::{is_refused_a_merge, merges_later};
use readers::{
    follows_a_renamed_repository, meets_errors, reads_many_pages, reads_what_is_not_there,
};
use workflows::looks_for_workflow_runs;

/// The artifact of a real attestation.
const ATTESTED: &str = "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b";

/// All of them, one after another; returns the calls that were made, by their names in `wit/`.
pub(crate) async fn all(record: &ExchangeRecord) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    made.append(&mut promotes_and_decorates(record).await);
    made.append(&mut takes_over_and_gives_up(record).await);
    made.append(&mut is_refused_a_merge(record).await);
    made.append(&mut merges_later(record).await);
    reads_ahead(record).await;
    reads_many_pages(record).await;
    works_as_an_app(record).await;
    follows_a_renamed_repository(record).await;
    reads_what_is_not_there(record).await;
    meets_errors(record).await;
    looks_for_workflow_runs(record).await;
    made
}

/// Promotes with the queries and mutations of a run; a workflow's own token also asks whether there is a queue.
async fn reads_ahead(record: &ExchangeRecord) {
    let bench = RecordedClients::reading_ahead(record);
    bench.propose().await.unwrap();
    let workflow = RecordedClients::new(record, |world| {
        let token = GitHubToken::full(TokenKind::Actions, "github-actions[bot]");
        world.github.tokens.insert(GITHUB_TOKEN, token);
        let required_checks = vec!["validate".into()];
        rules(
            world,
            BranchRules {
                required_checks,
                ..BranchRules::default()
            },
        );
    });
    let pull = workflow.propose().await.unwrap();
    assert!(workflow.merge_when_ready(&pull).await.is_err());
}

pub(crate) fn repository(world: &mut World) -> &mut RepositoryState {
    world.github.find_mut(REPOSITORY).unwrap()
}

pub(crate) fn rules(world: &mut World, rules: BranchRules) {
    repository(world).rules.insert("main".into(), rules);
}

async fn promotes_and_decorates(record: &ExchangeRecord) -> BTreeSet<String> {
    let bench = RecordedClients::new(record, |world| {
        world.github.attest(
            REPOSITORY,
            StoredAttestation {
                subject: ATTESTED.into(),
                bundle: include_str!("../../../../host/attest/testdata/github-root.json").into(),
                is_apart: false,
            },
        );
        repository(world).collaborators.insert("kim".into());
        let required_checks = vec!["validate".into()];
        rules(
            world,
            BranchRules {
                required_checks,
                required_approvals: 1,
                ..BranchRules::default()
            },
        );
    });
    let at = || REPOSITORY.to_owned();
    let pull = bench.propose().await.unwrap();
    let number = pull.number;
    let head = pull.head_commit.clone();
    let labels = vec!["promotion".into()];
    let users = vec!["kim".to_owned()];
    let teams = Vec::new();
    for call in [
        Call::Comment {
            repository: at(),
            number,
            marker: "hello".into(),
            body: "Hello".into(),
        },
        Call::Comment {
            repository: at(),
            number,
            marker: "hello".into(),
            body: "Hello".into(),
        },
        Call::AddLabels {
            repository: at(),
            number,
            labels,
        },
        Call::RequestReviewers {
            repository: at(),
            number,
            users,
            teams,
        },
        Call::GetPullPeople {
            repository: at(),
            number,
        },
        Call::GetCommitPulls {
            repository: at(),
            commit: head.clone(),
        },
        Call::GetFilePulls {
            repository: at(),
            path: PATH.into(),
            branch: "main".into(),
        },
        Call::GetPullRequest {
            repository: at(),
            number,
        },
        Call::FindPullRequests {
            repository: at(),
            head: HEAD.into(),
            base: "main".into(),
            filter: PullFilter::Any,
        },
        Call::GetBranchRules {
            repository: at(),
            branch: "main".into(),
        },
        Call::GetCommit {
            repository: at(),
            revision: HEAD.into(),
        },
        Call::Compare {
            repository: at(),
            base: "main".into(),
            head: HEAD.into(),
        },
        Call::GetAttestations {
            repository: at(),
            digest: ATTESTED.into(),
        },
    ] {
        bench.call(call).await.unwrap();
    }
    {
        let mut world = bench.world.lock();
        world.github.approve(REPOSITORY, u64::from(number), "kim");
        world.github.set_check(
            REPOSITORY,
            head.parse().unwrap(),
            "validate",
            Some("success"),
        );
    }
    let checks = Call::GetChecks {
        repository: at(),
        commit: head,
        base: "main".into(),
    };
    let Reply::Checks(checks) = bench.call(checks).await.unwrap() else {
        panic!("not checks")
    };
    assert!(matches!(checks[0].state, CheckState::Passing));
    assert!(matches!(
        bench.merge(&pull, MergeMethod::Squash).await,
        Ok(Merged::Now(_))
    ));
    for _ in ["there", "gone"] {
        bench
            .call(Call::DeleteBranch {
                repository: at(),
                branch: HEAD.into(),
            })
            .await
            .unwrap();
    }
    assert!(matches!(
        bench.close(number).await,
        Err(Failure::Conflict(_))
    ));
    bench.made.into_inner()
}

async fn takes_over_and_gives_up(record: &ExchangeRecord) -> BTreeSet<String> {
    let bench = RecordedClients::new(record, |_| {});
    let first = bench.propose().await.unwrap();
    assert_eq!(bench.propose().await.unwrap(), first);
    // The base moves on, elsewhere: the same change of ours stays, and gets its title back.
    let commit = |branch: &str, path: &str, text: String| {
        let file = (path.to_owned(), text.into());
        let mut world = bench.world.lock();
        world
            .github
            .commit_files(REPOSITORY, branch, "more", [file]);
    };
    commit("main", "README.md", "new".to_owned());
    let pulls = format!("/repos/{REPOSITORY}/pulls/{}", first.number);
    let retitled = json!({"title": "Mine", "body": "Mine"});
    assert_eq!(bench.raw("PATCH", &pulls, &retitled).await.0, 200);
    let same = bench.propose().await.unwrap();
    assert_eq!(same.head_commit, first.head_commit);
    let seen = bench.raw("GET", &pulls, &json!(null)).await.1;
    assert_eq!(seen["title"], "Promote web to 1.4.2");
    let body = seen["body"].as_str().unwrap_or_default();
    assert!(
        body.starts_with("From staging.\n\n<!-- promote {"),
        "{body}"
    );
    // It moves on in the same file: an older proposal of ours is replaced.
    let manifest = {
        let world = bench.world.lock();
        world.github.file_at(REPOSITORY, "main", PATH).unwrap()
    };
    commit("main", PATH, format!("# new\n{manifest}"));
    let second = bench.propose().await.unwrap();
    assert_eq!(
        (second.number, second.head_commit == first.head_commit),
        (first.number, false)
    );
    for _ in ["open", "closed"] {
        bench.close(second.number).await.unwrap();
    }
    assert!(matches!(bench.propose().await, Err(Failure::Conflict(_))));
    bench.world.lock().github.commit_files(
        REPOSITORY,
        "foreign",
        "theirs",
        [("x".to_owned(), "x".into())],
    );
    assert!(matches!(
        bench.propose_on("foreign").await,
        Err(Failure::Conflict(_))
    ));
    bench.made.into_inner()
}

fn app(permissions: &[(&str, PermissionLevel)]) -> github::Credentials {
    let pem = include_str!("../../../../host/core/src/service/github/tests/testdata/app-pkcs8.pem");
    github::Credentials::App(github::App {
        issuer: "Iv23mock0promote1001".into(),
        key: Secret::new("key", pem).unwrap(),
        scopes: vec![github::TokenScope {
            repositories: vec![github::RepositoryName::parse(REPOSITORY).unwrap()],
            permissions: permissions
                .iter()
                .map(|(name, level)| ((*name).into(), level.name().into()))
                .collect(),
        }],
    })
}

async fn works_as_an_app(record: &ExchangeRecord) {
    let wanted = [
        ("contents", PermissionLevel::Write),
        ("pull_requests", PermissionLevel::Write),
    ];
    let bench = RecordedClients::as_user(record, app(&wanted), |_| {});
    let pull = bench.propose().await.unwrap();
    bench.merge(&pull, MergeMethod::Rebase).await.unwrap();
    bench.live.github.revoke().await.unwrap();
    let too_much = RecordedClients::as_user(
        record,
        app(&[("administration", PermissionLevel::Write)]),
        |_| {},
    );
    assert!(too_much.propose().await.is_err());
    let elsewhere = RecordedClients::as_user(record, app(&wanted), |world| {
        world.github.apps[0].installations.clear()
    });
    assert!(elsewhere.propose().await.is_err());
    let suspended = |world: &mut World| world.github.apps[0].installations[0].suspended = true;
    assert!(
        RecordedClients::as_user(record, app(&wanted), suspended)
            .propose()
            .await
            .is_err()
    );
    let unknown = |world: &mut World| world.github.apps.clear();
    assert!(
        RecordedClients::as_user(record, app(&wanted), unknown)
            .propose()
            .await
            .is_err()
    );
}
