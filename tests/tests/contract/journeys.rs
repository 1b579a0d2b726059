//! Everything that a policy can have done at GitHub, on good days and on bad ones.

use std::collections::BTreeSet;

use promote_core::call::{Call, Reply};
use promote_core::contract::{CheckState, Failure, MergeMethod, Merged, PullFilter};
use promote_core::service::github;
use promote_core::service::secret::Secret;
use promote_mock::github::{
    BranchRules, GitHubToken, PermissionLevel, RepositoryState, TokenKind, TokenTable,
};
use promote_mock::sample::GITHUB_TOKEN;
use promote_mock::{ServiceFault, World};
use serde_json::json;

use crate::bench::{HEAD, PATH, REPOSITORY, RecordedClients};
use crate::record::ExchangeRecord;
use crate::refusals::refusals;

/// All of them, one after another; returns the calls that were made, by their names in `wit/`.
pub(crate) async fn all(record: &ExchangeRecord) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    made.append(&mut promotes_and_decorates(record).await);
    made.append(&mut takes_over_and_gives_up(record).await);
    made.append(&mut is_refused_a_merge(record).await);
    made.append(&mut merges_later(record).await);
    reads_many_pages(record).await;
    works_as_an_app(record).await;
    follows_a_renamed_repository(record).await;
    reads_what_is_not_there(record).await;
    meets_errors(record).await;
    made
}

pub(crate) fn repository(world: &mut World) -> &mut RepositoryState {
    world.github.find_mut(REPOSITORY).unwrap()
}

pub(crate) fn rules(world: &mut World, rules: BranchRules) {
    repository(world).rules.insert("main".into(), rules);
}

async fn promotes_and_decorates(record: &ExchangeRecord) -> BTreeSet<String> {
    let bench = RecordedClients::new(record, |world| {
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
    assert_eq!(seen["body"], "From staging.");
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

#[expect(
    clippy::print_stdout,
    reason = "`make test` adds up the rows of faults"
)]
async fn is_refused_a_merge(record: &ExchangeRecord) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    let refusals = refusals();
    println!("fault rows: {} merge refusals of the mock", refusals.len());
    for (row, (happens, method, expected)) in refusals.into_iter().enumerate() {
        let bench = RecordedClients::new(record, |_| {});
        let pull = bench.propose().await.unwrap();
        happens(&mut bench.world.lock());
        let answered = bench.merge(&pull, method).await;
        let name = match &answered {
            Ok(Merged::Now(_)) => "now".to_owned(),
            Ok(Merged::Later(_)) => "later".to_owned(),
            Err(failure) => kind(failure),
        };
        assert!(name == expected, "refusal {row}: {answered:?}");
        made.append(&mut bench.made.borrow_mut());
    }
    made
}

/// The name of a failure in `wit/`.
fn kind(failure: &Failure) -> String {
    let value = serde_json::to_value(failure).unwrap();
    let name = value.as_object().map_or(value.as_str(), |object| {
        object.keys().next().map(String::as_str)
    });
    name.unwrap()
        .to_lowercase()
        .replace('_', "-")
        .replace("notfound", "not-found")
}

async fn merges_later(record: &ExchangeRecord) -> BTreeSet<String> {
    let waiting = || BranchRules {
        required_checks: vec!["validate".into()],
        ..BranchRules::default()
    };
    let bench = RecordedClients::new(record, |world| {
        repository(world).settings.allow_auto_merge = true;
        rules(world, waiting());
    });
    let pull = bench.propose().await.unwrap();
    assert!(matches!(
        bench.merge_when_ready(&pull).await,
        Ok(Merged::Later(_))
    ));
    bench
        .call(Call::GetPullRequest {
            repository: REPOSITORY.into(),
            number: pull.number,
        })
        .await
        .unwrap();
    let queue = RecordedClients::new(record, |world| {
        rules(
            world,
            BranchRules {
                merge_queue: true,
                ..BranchRules::default()
            },
        );
    });
    let pull = queue.propose().await.unwrap();
    assert!(matches!(
        queue.merge_when_ready(&pull).await,
        Ok(Merged::Later(_))
    ));
    let neither = RecordedClients::new(record, |world| rules(world, waiting()));
    let pull = neither.propose().await.unwrap();
    assert!(matches!(
        neither.merge_when_ready(&pull).await,
        Err(Failure::Rejected(_))
    ));
    bench.made.into_inner()
}

async fn reads_many_pages(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |world| {
        let required_checks = vec!["check 7".into(), "missing".into()];
        rules(
            world,
            BranchRules {
                required_checks,
                classic: true,
                ..BranchRules::default()
            },
        );
    });
    let pull = bench.propose().await.unwrap();
    for number in 0..101 {
        let commit = pull.head_commit.parse().unwrap();
        let name = format!("check {number}");
        bench
            .world
            .lock()
            .github
            .set_check(REPOSITORY, commit, &name, Some("neutral"));
        let status = json!({"state": "success", "context": format!("status {number}")});
        bench
            .raw(
                "POST",
                &format!("/repos/{REPOSITORY}/statuses/{}", pull.head_commit),
                &status,
            )
            .await;
        let comment = json!({"body": format!("comment {number}")});
        bench
            .raw(
                "POST",
                &format!("/repos/{REPOSITORY}/issues/{}/comments", pull.number),
                &comment,
            )
            .await;
    }
    let checks = Call::GetChecks {
        repository: REPOSITORY.into(),
        commit: pull.head_commit,
        base: "main".into(),
    };
    let Reply::Checks(checks) = bench.call(checks).await.unwrap() else {
        panic!("not checks")
    };
    let required: Vec<_> = checks
        .iter()
        .filter(|it| it.required)
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!((checks.len(), required), (203, vec!["check 7", "missing"]));
    let repository = REPOSITORY.into();
    let number = pull.number;
    let comment = Call::Comment {
        repository,
        number,
        marker: "last".into(),
        body: "Hello".into(),
    };
    bench.call(comment).await.unwrap();
    let several = Call::FindPullRequests {
        repository: REPOSITORY.into(),
        head: "promote/*".into(),
        base: "main".into(),
        filter: PullFilter::Open,
    };
    assert!(
        matches!(bench.call(several).await, Ok(Reply::PullRequests(found)) if found.len() == 1)
    );
}

fn app(permissions: &[(&str, PermissionLevel)]) -> github::Credentials {
    let pem = include_str!("../../../host/core/src/service/github/tests/testdata/app-pkcs8.pem");
    github::Credentials::App(github::App {
        issuer: "Iv23mock0promote1001".into(),
        key: Secret::new("key", pem).unwrap(),
        repositories: vec![github::RepositoryName::parse(REPOSITORY).unwrap()],
        permissions: permissions
            .iter()
            .map(|(name, level)| ((*name).into(), level.name().into()))
            .collect(),
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

async fn follows_a_renamed_repository(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |world| {
        let repository = repository(world);
        repository.renamed_from.push(REPOSITORY.to_owned());
        repository.name = "manifests".to_owned();
    });
    let pull = bench.propose().await.unwrap();
    bench.merge(&pull, MergeMethod::Merge).await.unwrap();
    bench
        .call(Call::DeleteBranch {
            repository: REPOSITORY.into(),
            branch: HEAD.into(),
        })
        .await
        .unwrap();
}

async fn reads_what_is_not_there(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |_| {});
    let read = |path: &str, revision: &str| {
        let repository = REPOSITORY.into();
        let path = path.into();
        let revision = revision.into();
        bench.call(Call::ReadFile {
            repository,
            path,
            revision,
        })
    };
    assert!(matches!(
        read("no/such/file", "main").await,
        Ok(Reply::File(None))
    ));
    assert!(matches!(
        read(PATH, &"0".repeat(40)).await,
        Err(Failure::NotFound(_))
    ));
    assert!(matches!(
        read(PATH, "no-such-branch").await,
        Err(Failure::NotFound(_))
    ));
    assert!(matches!(
        read("apps", "main").await,
        Err(Failure::Rejected(_))
    ));
    for revision in ["no-such-branch", &"0".repeat(40)] {
        let call = Call::GetCommit {
            repository: REPOSITORY.into(),
            revision: revision.to_owned(),
        };
        assert!(matches!(bench.call(call).await, Ok(Reply::Commit(None))));
        let base = "main".into();
        let head = revision.to_owned();
        let call = Call::Compare {
            repository: REPOSITORY.into(),
            base,
            head,
        };
        assert!(matches!(bench.call(call).await, Err(Failure::NotFound(_))));
    }
    let nobody = Call::RequestReviewers {
        repository: REPOSITORY.into(),
        number: bench.propose().await.unwrap().number,
        users: vec!["nobody".into()],
        teams: Vec::new(),
    };
    assert!(matches!(
        bench.call(nobody).await,
        Err(Failure::Rejected(_))
    ));
    let call = Call::GetBranchRules {
        repository: "acme/none".into(),
        branch: "main".into(),
    };
    assert!(matches!(bench.call(call).await, Err(Failure::NotFound(_))));
    let none = Call::GetPullRequest {
        repository: REPOSITORY.into(),
        number: 99,
    };
    assert!(matches!(bench.call(none).await, Err(Failure::NotFound(_))));
}

async fn meets_errors(record: &ExchangeRecord) {
    let strange: [fn(&mut World); 4] = [
        |world| world.github.tokens = TokenTable::default(),
        |world| repository(world).settings.archived = true,
        |world| {
            world.faults.0.push(fault(
                "times = 100",
                "{ answer = { status = 502, body = \"<html>\" } }",
            ))
        },
        |world| {
            world.github.tokens.insert(GITHUB_TOKEN, powerless());
        },
    ];
    for happens in strange {
        assert!(
            RecordedClients::new(record, happens)
                .propose()
                .await
                .is_err()
        );
    }
    for limit in ["primary", "secondary"] {
        let then = format!("{{ rate-limit = {{ kind = {limit:?}, lasts = \"20s\" }} }}");
        RecordedClients::new(record, |world| {
            world.faults.0.push(fault("times = 1", &then))
        })
        .propose()
        .await
        .unwrap();
    }
    let free_plan = RecordedClients::new(record, |world| {
        repository(world).settings.rules_available = false
    });
    let rules = Call::GetBranchRules {
        repository: REPOSITORY.into(),
        branch: "main".into(),
    };
    free_plan.call(rules).await.unwrap();
    let no_issues = RecordedClients::new(record, |world| {
        repository(world).settings.has_issues = false
    });
    let number = no_issues.propose().await.unwrap().number;
    let labels = vec!["promotion".into()];
    let label = Call::AddLabels {
        repository: REPOSITORY.into(),
        number,
        labels,
    };
    assert!(no_issues.call(label).await.is_err());
}

fn powerless() -> GitHubToken {
    let mut token = GitHubToken::full(TokenKind::FineGrained, "bot");
    token.permissions = [("metadata".to_owned(), PermissionLevel::Read)].into();
    token
}

fn fault(when: &str, then: &str) -> ServiceFault {
    toml::from_str(&format!("path = \"/repos/**\"\n{when}\nthen = {then}")).unwrap()
}
