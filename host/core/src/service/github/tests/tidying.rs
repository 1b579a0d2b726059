//! Pull requests and branches that are closed, deleted or commented on.

use crate::service::github::tests::*;

#[tokio::test]
async fn deletes_and_closes_what_may_be_gone() {
    let delete = "DELETE /git/refs/heads/promote/web";
    let get = "GET /pulls/7";
    let closed = pull(json!({ "state": "closed" }));
    for (outcome, good) in rows(
        "deleting a branch",
        [
            (answer(204, ""), true),
            (answer(422, said("Reference does not exist")), true),
            (answer(422, said("Cannot delete this branch")), false),
            (answer(404, said("Not Found")), false),
        ],
    ) {
        let (client, _) = github(vec![(delete, outcome)]);
        assert_eq!(
            client
                .repo(R)
                .unwrap()
                .delete_branch("promote/web")
                .await
                .is_ok(),
            good
        );
    }
    let (client, script) = github(vec![
        (get, answer(200, pull(json!({})))),
        ("PATCH /pulls/7", answer(200, "{}")),
    ]);
    client.repo(R).unwrap().close(7).await.unwrap();
    assert_eq!(script.body(1), json!({ "state": "closed" }));
    let (client, script) = github(vec![
        (get, answer(200, closed)),
        (get, answer(200, merged())),
    ]);
    client.repo(R).unwrap().close(7).await.unwrap();
    assert!(kind(client.repo(R).unwrap().close(7).await).starts_with("Conflict"));
    script.end();
}

#[tokio::test]
async fn comments_once() {
    let (list, post) = (
        "GET /issues/7/comments?per_page=100",
        "POST /issues/7/comments",
    );
    let marked = || {
        answer(
            200,
            json!([{ "body": null }, { "body": "<!-- promote:result -->\nx" }]),
        )
    };
    let none = || answer(200, "[]");
    for steps in [
        vec![(list, marked())],
        vec![(list, none()), (post, answer(201, "{}"))],
        vec![(list, none()), (post, lost()), (list, marked())],
        vec![
            (list, none()),
            (post, lost()),
            (list, none()),
            (post, answer(201, "{}")),
        ],
    ] {
        let (client, script) = github(steps);
        client
            .repo(R)
            .unwrap()
            .comment(7, "result", "x")
            .await
            .unwrap();
        script.end();
    }
    let (client, _) = github(vec![]);
    for marker in ["", "a b", "a-->", "é"] {
        assert!(
            kind(client.repo(R).unwrap().comment(7, marker, "x").await).starts_with("Rejected")
        );
    }
}

#[tokio::test]
async fn decorates_a_pull_request_that_github_does_not_know_yet() {
    const LABELS: &str = "POST /issues/7/labels";
    const REVIEWERS: &str = "POST /pulls/7/requested_reviewers";
    let simple = |reason: &str| {
        answer(
            422,
            json!({ "message": "Validation Failed", "errors": [reason] }),
        )
    };
    let unknown = |id: &str| {
        simple(&format!(
            "Could not resolve to a node with the global id of '{id}'."
        ))
    };
    let ok = || answer(200, "[]");
    let table: Vec<(Vec<Step>, &str)> = vec![
        (
            vec![(LABELS, simple("Issue not found")), (LABELS, ok())],
            "labels: ok",
        ),
        (
            vec![
                (LABELS, unknown("PR_kwDO")),
                (LABELS, unknown("PR_kwDO")),
                (LABELS, ok()),
            ],
            "labels: ok",
        ),
        (vec![(LABELS, simple("no"))], "labels: Rejected"),
        (
            (0..7)
                .map(|_| (LABELS, simple("Issue not found")))
                .collect(),
            "labels: Rejected",
        ),
        (
            vec![
                (REVIEWERS, unknown("PR_kwDO")),
                (REVIEWERS, ok()),
                (REVIEWERS, ok()),
            ],
            "reviewers: ok",
        ),
        // A team that may not be seen is no matter of waiting, and does not keep the people from being asked.
        (
            vec![(REVIEWERS, ok()), (REVIEWERS, unknown("T_kwDO"))],
            "members: read",
        ),
    ];
    for (steps, expected) in rows("labels and reviewers", table) {
        let is_label = steps[0].0 == LABELS;
        let (client, script) = github(steps);
        let repo = client.repo(R).unwrap();
        let (name, result) = if is_label {
            ("labels", repo.add_labels(7, &["x".into()]).await)
        } else {
            let (users, teams) = (["kim".to_owned()], ["sre".to_owned()]);
            ("reviewers", repo.request_reviewers(7, &users, &teams).await)
        };
        let result = match result {
            Ok(()) => format!("{name}: ok"),
            Err(failure) => format!("{name}: {}", kind::<()>(Err(failure))),
        };
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

#[tokio::test]
async fn one_comment_is_kept_and_only_its_own() {
    let (list, post) = (
        "GET /issues/7/comments?per_page=100",
        "POST /issues/7/comments",
    );
    let of = |id: u64, login: &str, kind: &str, text: &str| {
        let body = format!("<!-- promote:kept -->\r\n{text}");
        json!({ "id": id, "body": body, "user": { "login": login, "type": kind } })
    };
    let get = "GET /pulls/7";
    let opened = || answer(200, pull(json!({ "user": { "login": "dana" } })));
    for steps in [
        vec![(list, answer(200, "[]")), (post, answer(201, "{}"))],
        // Brought up to date.
        vec![
            (
                list,
                answer(200, json!([of(4, "promote[bot]", "Bot", "old")])),
            ),
            ("PATCH /issues/comments/4", answer(200, "{}")),
        ],
        // As it should be already: nobody is told of an edit.
        vec![(
            list,
            answer(200, json!([of(4, "promote[bot]", "Bot", "new")])),
        )],
        // Somebody else has written the marker: their words stay theirs.
        vec![
            (list, answer(200, json!([of(3, "mallory", "User", "evil")]))),
            (get, opened()),
            (post, answer(201, "{}")),
        ],
        vec![
            (
                list,
                answer(
                    200,
                    json!([
                        of(3, "mallory", "User", "evil"),
                        of(5, "dana", "User", "old")
                    ]),
                ),
            ),
            (get, opened()),
            ("PATCH /issues/comments/5", answer(200, "{}")),
        ],
        // A comment that only quotes the marker is none of ours.
        vec![
            (
                list,
                answer(
                    200,
                    json!([{ "id": 6, "body": "> <!-- promote:kept -->", "user": { "login": "x[bot]", "type": "Bot" } }]),
                ),
            ),
            (post, answer(201, "{}")),
        ],
    ] {
        let (client, script) = github(steps);
        let repo = client.repo(R).unwrap();
        repo.keep_comment(7, "kept", "new").await.unwrap();
        script.end();
    }
}
