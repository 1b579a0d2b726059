//! Merges, and every way in which GitHub says no.

use crate::service::github::tests::*;

const PUT: &str = "PUT /pulls/7/merge";
const SEE: &str = "GET /pulls/7";

#[tokio::test]
async fn merges_or_says_why_not() {
    let done = || answer(200, json!({ "sha": "m1", "merged": true, "message": "x" }));
    let no = |status: u16, text: &str| answer(status, said(text));
    let see = |fields: Value| (SEE, answer(200, pull(fields)));
    let as_is = || see(json!({}));
    let state = |state: &str| see(json!({ "mergeable_state": state }));
    let moved = || (SEE, answer(200, elsewhere(FOREIGN)));
    let race = || {
        no(
            405,
            "Base branch was modified. Review and try the merge again.",
        )
    };
    let unclear = || no(405, "Pull Request is not mergeable");
    let mut silent = merged();
    silent["merge_commit_sha"] = Value::Null;
    let base = || answer(200, json!({ "object": { "sha": "m2" } }));
    let table: Vec<(Vec<Step>, &str)> = vec![
        (vec![(PUT, done())], "Now(\"m1\")"),
        (
            vec![(PUT, lost()), (SEE, answer(200, merged()))],
            "Now(\"m1\")",
        ),
        (
            vec![(PUT, answer(500, "<html>")), (SEE, answer(200, merged()))],
            "Now(\"m1\")",
        ),
        (
            vec![(PUT, lost()), as_is(), as_is(), (PUT, done())],
            "Now(\"m1\")",
        ),
        (
            vec![
                (PUT, answer(502, "<html>")),
                as_is(),
                (SEE, answer(200, merged())),
            ],
            "Now(\"m1\")",
        ),
        (
            vec![
                (PUT, answer(502, "<html>")),
                as_is(),
                as_is(),
                (PUT, no(405, "Merge already in progress")),
                as_is(),
                (PUT, no(405, "Merge already in progress")),
                (SEE, answer(200, merged())),
            ],
            "Now(\"m1\")",
        ),
        (
            vec![
                (PUT, lost()),
                (SEE, answer(200, silent)),
                ("GET /git/ref/heads/main", base()),
            ],
            "Now(\"m2\")",
        ),
        (
            vec![(PUT, unclear()), (SEE, answer(200, merged()))],
            "Now(\"m1\")",
        ),
        (
            vec![
                (PUT, race()),
                as_is(),
                (PUT, race()),
                as_is(),
                (PUT, done()),
            ],
            "Now(\"m1\")",
        ),
        (
            std::iter::repeat_with(|| [(PUT, race()), as_is()])
                .take(7)
                .flatten()
                .collect(),
            "Conflict",
        ),
        (
            vec![
                (
                    PUT,
                    no(
                        409,
                        "Head branch was modified. Review and try the merge again.",
                    ),
                ),
                moved(),
            ],
            "Conflict",
        ),
        (vec![(PUT, lost()), moved()], "Conflict"),
        (
            vec![(PUT, unclear()), see(json!({ "state": "closed" }))],
            "Conflict",
        ),
        (
            vec![
                (PUT, unclear()),
                see(json!({ "mergeable": false, "mergeable_state": "dirty" })),
            ],
            "Conflict",
        ),
        (vec![(PUT, unclear()), state("behind")], "Conflict"),
        (
            vec![(PUT, unclear()), state("blocked")],
            "Later(\"what GitHub says: Pull Request is not mergeable\")",
        ),
        (
            vec![(PUT, unclear()), see(json!({ "draft": true }))],
            "Rejected",
        ),
        (
            vec![(PUT, unclear()), as_is(), (PUT, done())],
            "Now(\"m1\")",
        ),
        (
            vec![(PUT, no(405, "Pull Request is still a draft")), as_is()],
            "Rejected",
        ),
        (
            vec![
                (
                    PUT,
                    no(405, "Merge commits are not allowed on this repository."),
                ),
                as_is(),
            ],
            "not allowed",
        ),
        (
            vec![
                (PUT, no(405, "This branch must not contain merge commits.")),
                as_is(),
            ],
            "Rejected",
        ),
        (
            vec![
                (PUT, no(405, "Required status check \"ci\" is expected.")),
                state("blocked"),
            ],
            "Later(\"the required check `ci` (expected)\")",
        ),
        (
            vec![
                (
                    PUT,
                    no(
                        405,
                        "At least 1 approving review is required by reviewers with write access.",
                    ),
                ),
                state("blocked"),
            ],
            "Later(\"1 approving review\")",
        ),
        (
            vec![
                (
                    PUT,
                    no(405, "You're not authorized to push to this branch."),
                ),
                as_is(),
            ],
            "Rejected",
        ),
        (
            vec![
                (
                    PUT,
                    no(
                        405,
                        "Repository rule violations found\n\nChanges must be made through the merge queue",
                    ),
                ),
                as_is(),
            ],
            "merges into main go through its merge queue",
        ),
        (
            vec![(PUT, no(405, "Something new")), as_is(), (PUT, done())],
            "Now(\"m1\")",
        ),
        (
            vec![(PUT, no(403, "Resource not accessible by integration"))],
            "Other",
        ),
        (vec![(PUT, no(404, "Not Found"))], "NotFound"),
        (vec![(PUT, no(422, "Validation Failed"))], "Rejected"),
    ];
    for (steps, expected) in rows("merge refusals", table) {
        let calls: Vec<_> = steps.iter().map(|(call, _)| *call).collect();
        let (client, script) = github(steps);
        let result = format!(
            "{:?}",
            client
                .repo(R)
                .unwrap()
                .merge_now(7, OURS, MergeMethod::Squash)
                .await
        );
        assert!(
            result.contains(expected),
            "{calls:?}: {result} lacks {expected}"
        );
        script.end();
        assert_eq!(
            script.body(0),
            json!({ "sha": OURS, "merge_method": "squash" })
        );
    }
}

#[tokio::test]
async fn leaves_to_github_what_must_wait_and_never_calls_it_merged() {
    const QL: &str = "POST !/graphql";
    let done = || answer(200, json!({ "sha": "m1", "merged": true }));
    let check = || answer(405, said("Required status check \"ci\" is expected."));
    let queue = || answer(405, said("Changes must be made through the merge queue"));
    let state = |state: &str| (SEE, answer(200, pull(json!({ "mergeable_state": state }))));
    let blocked = || state("blocked");
    let clean = || state("clean");
    let ql = |text: &str| {
        answer(
            200,
            json!({ "data": null, "errors": [{ "type": "UNPROCESSABLE", "message": text }] }),
        )
    };
    let armed = |request: Value, is_queued: bool| {
        let pull = json!({ "autoMergeRequest": request, "isInMergeQueue": is_queued });
        let data = json!({ "enablePullRequestAutoMerge": { "pullRequest": pull } });
        answer(200, json!({ "data": data }))
    };
    let ok = || armed(json!({ "enabledAt": "2026-01-06T10:00:00Z" }), false);
    let queued = |entry: Value| {
        let data = json!({ "enqueuePullRequest": { "mergeQueueEntry": entry } });
        answer(200, json!({ "data": data }))
    };
    let entry = || queued(json!({ "state": "QUEUED" }));
    let unknown = || {
        let why = "Could not resolve to a node with the global id of 'PR_7'";
        let errors = [json!({ "type": "NOT_FOUND", "message": why })];
        answer(200, json!({ "data": null, "errors": errors }))
    };
    let off = "Auto merge is not allowed for this repository";
    let unmet = "Pull request is not mergeable.";
    let table: Vec<(Vec<Step>, &str)> = vec![
        (vec![(PUT, done())], "Now(\"m1\")"),
        (
            vec![(PUT, check()), blocked(), (QL, ok())],
            "Later(\"the required check `ci` (expected)\")",
        ),
        (
            vec![(PUT, check()), blocked(), (QL, unknown()), (QL, ok())],
            "Later",
        ),
        (
            vec![(PUT, check()), blocked(), (QL, armed(Value::Null, false))],
            "did not switch it on",
        ),
        (
            vec![(PUT, check()), blocked(), (QL, armed(Value::Null, true))],
            "Later",
        ),
        (
            vec![
                (PUT, check()),
                blocked(),
                (QL, ql("Pull request Pull request is in clean status")),
                (PUT, done()),
            ],
            "Now(\"m1\")",
        ),
        (
            vec![
                (PUT, check()),
                blocked(),
                (QL, ql("Pull request Pull request is in clean status")),
                (PUT, queue()),
                clean(),
                (QL, entry()),
            ],
            "Later(\"the merge queue of main\")",
        ),
        (
            vec![(PUT, check()), blocked(), (QL, ql(off))],
            "auto-merge: Auto merge is not allowed",
        ),
        (
            vec![(PUT, queue()), clean(), (QL, entry())],
            "Later(\"the merge queue of main\")",
        ),
        (
            vec![
                (PUT, queue()),
                clean(),
                (QL, ql("Pull request is already in the queue")),
            ],
            "Later(\"the merge queue of main\")",
        ),
        (
            vec![(PUT, queue()), blocked(), (QL, ql(unmet)), (QL, ok())],
            "then its merge queue",
        ),
        (
            vec![
                (PUT, queue()),
                clean(),
                (QL, queued(Value::Null)),
                (QL, ql(off)),
            ],
            "did not queue it; auto-merge, which would queue it later: Auto merge is not allowed",
        ),
        (
            vec![(PUT, queue()), blocked(), (QL, ql(unmet)), (QL, ql(off))],
            "merge queue: Pull request is not mergeable.; auto-merge",
        ),
        (
            vec![
                (PUT, answer(405, said("Pull Request is still a draft"))),
                blocked(),
            ],
            "Rejected",
        ),
    ];
    for (steps, expected) in rows("auto-merge and queue", table) {
        let (client, script) = github(steps);
        let result = format!(
            "{:?}",
            client
                .repo(R)
                .unwrap()
                .merge_now_or_later(7, OURS, MergeMethod::Merge)
                .await
        );
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

#[tokio::test]
async fn graphql_stands_beside_the_rest_of_an_enterprise_server() {
    let steps = vec![
        (
            "PUT /api/v3/repos/acme/gitops/pulls/7/merge",
            answer(405, said("approving review")),
        ),
        (
            "GET /api/v3/repos/acme/gitops/pulls/7",
            answer(200, pull(json!({ "mergeable_state": "blocked" }))),
        ),
        (
            "POST /api/graphql",
            answer(
                200,
                json!({ "data": { "enablePullRequestAutoMerge": { "pullRequest": {
                    "autoMergeRequest": { "enabledAt": "2026-01-06T10:00:00Z" } } } } }),
            ),
        ),
    ];
    let script = Script::new(steps);
    let token = Credentials::Token(Secret::new("t", "t").unwrap());
    let client = Client::new("https://ghe.test/api/v3", token, script.session()).unwrap();
    let result = client
        .repo(R)
        .unwrap()
        .merge_now_or_later(7, OURS, MergeMethod::Rebase)
        .await;
    assert!(matches!(result, Ok(Merged::Later(_))), "{result:?}");
    let variables = json!({ "pull": "PR_7", "head": OURS, "method": "REBASE" });
    assert_eq!(script.body(2)["variables"], variables);
    script.end();
}
