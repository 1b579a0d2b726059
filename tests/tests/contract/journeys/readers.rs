//! Reads: lists of many pages, what is not there, another name, and answers that are errors.

use super::*;

pub(super) async fn reads_many_pages(record: &ExchangeRecord) {
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

pub(super) async fn follows_a_renamed_repository(record: &ExchangeRecord) {
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

pub(super) async fn reads_what_is_not_there(record: &ExchangeRecord) {
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

pub(super) async fn meets_errors(record: &ExchangeRecord) {
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
