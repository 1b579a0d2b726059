//! A merge pins the head and neither the base nor the commits below it: both are looked at before and after.

use crate::service::github::tests::*;

const PUT: &str = "PUT /pulls/7/merge";
const SEE: &str = "GET /pulls/7";
const READ: &str = "GET /contents/a/b.yaml?ref=4444444444444444444444444444444444444444";
const NOW: &str = "Ok(Merged::Now(\"4444444444444444444444444444444444444444\"))";
const COMPARED: &str = "GET /compare/main...2222222222222222222222222222222222222222?per_page=100";

/// Proposes, merges at once or when GitHub is ready, and returns what came of the merge.
async fn outcome(waits: bool, rest: Vec<Step>) -> String {
    let mut steps = branched(BASE);
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    steps.extend(rest);
    let (client, script) = github(steps);
    let (repo, method) = (client.repo(R).unwrap(), MergeMethod::Squash);
    repo.propose(&proposal()).await.unwrap();
    let result = if waits {
        repo.merge_when_ready(&proposal(), 7, OURS, method).await
    } else {
        repo.merge(&proposal(), 7, OURS, method).await
    };
    script.end();
    format!("{result:?}")
}

/// A pull request with one field of a side replaced.
fn with_side(mut pull: Value, side: &str, field: &str, value: Value) -> Value {
    pull[side][field] = value;
    pull
}

fn ours() -> Value {
    let mut commit = compared_commit(&[BASE], json!({}));
    commit["sha"] = OURS.into();
    commit
}

fn our_change() -> TransportResult {
    comparison(&[ours()], &[modified(NEW)])
}

/// The pull request when it is merged.
fn merged_here() -> Value {
    let mut pull = merged();
    pull["merge_commit_sha"] = MERGE.into();
    pull
}

/// The file that the merge changed, read beside the pull request.
fn read() -> Step {
    (READ, answer(200, content(NEW.as_bytes())))
}

fn done() -> Step {
    let merge = json!({ "sha": MERGE, "merged": true, "message": "x" });
    (PUT, answer(200, merge))
}

#[tokio::test]
async fn merges_nothing_but_what_was_proposed() {
    let as_opened = || pull(json!({}));
    let fork = json!({ "id": 2, "full_name": "mallory/gitops" });
    let kim = json!({ "name": "Kim", "email": "kim@acme.test", "date": null });
    let foreign = || compared_commit(&[OURS], json!({ "author": kim }));
    let unsigned = compared_commit(&[BASE], json!({ "verification": { "verified": false } }));
    let evil = json!({ "filename": "evil.yaml", "status": "added", "sha": "e" });
    let removed = json!({ "filename": "a/b.yaml", "status": "removed", "sha": null });
    let many = json!({ "total_commits": 101, "commits": [ours()], "files": [modified(NEW)] });
    let table: Vec<(Value, TransportResult, &str)> = vec![
        (
            with_side(as_opened(), "base", "ref", json!("release")),
            our_change(),
            "pointed at release",
        ),
        (
            with_side(as_opened(), "head", "repo", fork),
            our_change(),
            "not of our branch",
        ),
        (
            with_side(as_opened(), "head", "repo", Value::Null),
            our_change(),
            "not of our branch",
        ),
        (
            with_side(as_opened(), "head", "ref", json!("promote/other")),
            our_change(),
            "not of our branch",
        ),
        (
            as_opened(),
            comparison(&[foreign(), ours()], &[modified(NEW)]),
            "not ours",
        ),
        (
            as_opened(),
            comparison(&[unsigned], &[modified(NEW)]),
            "not ours",
        ),
        (as_opened(), answer(200, many), "not ours"),
        (
            as_opened(),
            comparison(&[ours()], &[modified(NEW), evil]),
            "(evil.yaml)",
        ),
        (
            as_opened(),
            comparison(&[ours()], &[modified("image: x:9\n")]),
            "(a/b.yaml)",
        ),
        (as_opened(), comparison(&[ours()], &[removed]), "(a/b.yaml)"),
        (as_opened(), comparison(&[ours()], &[]), "exactly"),
    ];
    for (pull, compared, expected) in rows("merges of something else", table) {
        for waits in [false, true] {
            let seen = (SEE, answer(200, pull.clone()));
            let rest = vec![seen, (COMPARED, compared.clone())];
            let result = outcome(waits, rest).await;
            assert!(result.starts_with("Err(Failure::Conflict"), "{result}");
            assert!(result.contains(expected), "{result} lacks {expected}");
        }
    }
}

#[tokio::test]
async fn merges_nothing_that_this_run_has_not_proposed() {
    let seen = (SEE, answer(200, pull(json!({}))));
    let (client, script) = github(vec![seen, (COMPARED, our_change())]);
    let repo = client.repo(R).unwrap();
    let merge = repo.merge(&proposal(), 7, OURS, MergeMethod::Squash).await;
    let failure = kind(merge);
    assert!(failure.contains("not ours"), "{failure}");
    script.end();
}

#[tokio::test]
async fn merges_our_commits_with_the_base_merged_into_them() {
    let kim = json!({ "name": "Kim", "email": "kim@acme.test", "date": null });
    let first = ours();
    let update = compared_commit(&[OURS, "newer"], json!({ "author": kim }));
    let updated = comparison(&[first, update], &[modified(NEW)]);
    for compared in [our_change(), updated] {
        for waits in [false, true] {
            let rest = vec![
                (SEE, answer(200, pull(json!({})))),
                (COMPARED, compared.clone()),
                done(),
                (SEE, answer(200, merged_here())),
                read(),
            ];
            assert_eq!(outcome(waits, rest).await, NOW);
        }
    }
}

#[tokio::test]
async fn a_merge_counts_only_in_the_proposed_base() {
    let before = || {
        vec![
            (SEE, answer(200, pull(json!({})))),
            (COMPARED, our_change()),
        ]
    };
    let see = |pull: Value| (SEE, answer(200, pull));
    let refused = || (PUT, answer(405, said("Pull Request is not mergeable")));
    let elsewhere = || with_side(merged_here(), "base", "ref", json!("release"));
    let table: Vec<(Vec<Step>, &str)> = vec![
        (
            vec![done(), see(elsewhere()), read()],
            "was merged into release",
        ),
        // GitHub shows the pull request as it was for a moment.
        (
            vec![
                done(),
                see(pull(json!({}))),
                see(pull(json!({}))),
                see(merged_here()),
                read(),
            ],
            NOW,
        ),
        (
            vec![(PUT, lost()), see(elsewhere()), see(elsewhere()), read()],
            "was merged into release",
        ),
    ];
    for (rest, expected) in rows("merges into a base", table) {
        let result = outcome(false, before().into_iter().chain(rest).collect()).await;
        assert!(result.contains(expected), "{result} lacks {expected}");
    }
    // A person has merged it before.
    for (pull, expected) in [
        (merged_here(), NOW),
        (elsewhere(), "was merged into release"),
    ] {
        let shown = || see(pull.clone());
        let looked = vec![shown(), (COMPARED, our_change())];
        let refused = vec![refused(), shown(), shown(), read()];
        let result = outcome(false, looked.into_iter().chain(refused).collect()).await;
        assert!(result.contains(expected), "{result} lacks {expected}");
    }
}

#[tokio::test]
async fn what_a_merge_changed_is_read_once() {
    let gone = || answer(404, said("Not Found"));
    let unread = "GET /git/commits/4444444444444444444444444444444444444444";
    let table = [vec![read()], vec![(READ, gone()), (unread, gone()), read()]];
    for reads in table {
        let mut steps = branched(BASE);
        steps.push(("POST /pulls", answer(201, pull(json!({})))));
        steps.push((SEE, answer(200, pull(json!({})))));
        steps.extend([(COMPARED, our_change()), done()]);
        steps.push((SEE, answer(200, merged_here())));
        steps.extend(reads);
        let (client, script) = github(steps);
        let repo = client.repo(R).unwrap();
        repo.propose(&proposal()).await.unwrap();
        let method = MergeMethod::Squash;
        let merge = repo.merge(&proposal(), 7, OURS, method).await;
        assert!(matches!(merge, Ok(Merged::Now(_))));
        let text = repo.merged_file("a/b.yaml", MERGE).await.unwrap();
        assert_eq!(text.as_deref(), Some(NEW));
        script.end();
    }
}

#[tokio::test]
async fn what_waits_is_not_looked_for_in_the_base() {
    let rest = vec![
        (SEE, answer(200, pull(json!({})))),
        (COMPARED, our_change()),
        (PUT, answer(405, said("approving review"))),
        (
            SEE,
            answer(200, pull(json!({ "mergeable_state": "blocked" }))),
        ),
        (
            "POST !/graphql",
            answer(
                200,
                json!({ "data": { "enablePullRequestAutoMerge": { "pullRequest": {
                    "autoMergeRequest": { "enabledAt": "2026-01-06T10:00:00Z" } } } } }),
            ),
        ),
    ];
    let result = outcome(true, rest).await;
    assert!(result.starts_with("Ok(Merged::Later"), "{result}");
}
