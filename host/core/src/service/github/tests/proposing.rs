//! One commit, one branch, one pull request, whatever an earlier attempt has left.

use crate::service::github::tests::*;

#[tokio::test]
async fn proposes_one_commit_that_keeps_the_mode() {
    let mut steps = branched(BASE);
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    let opened = client.repo(R).unwrap().propose(&proposal()).await.unwrap();
    assert_eq!((opened.number, opened.head_commit.as_str()), (7, OURS));
    script.end();
    let entry = json!({ "path": "a/b.yaml", "mode": "100755", "type": "blob", "content": NEW });
    assert_eq!(
        script.body(2),
        json!({ "base_tree": "tree0", "tree": [entry] })
    );
    let message = "Promote web  and no forged line\n\nPromotion-Branch: promote/web\n";
    assert_eq!(
        script.body(3),
        json!({ "message": message, "tree": "tree1", "parents": [BASE] })
    );
    assert_eq!(
        script.body(4),
        json!({ "ref": "refs/heads/promote/web", "sha": OURS })
    );
}

#[tokio::test]
async fn refuses_to_propose_on_what_was_not_read() {
    let mut same = proposal();
    same.changes[0].content = OLD.into();
    let mut empty = proposal();
    empty.changes.clear();
    let none = || answer(200, json!({ "sha": BASE, "tree": [] }));
    for (proposal, tree, expected) in rows(
        "stale proposals",
        [
            (proposal(), tree("100644", "image: x:9\n"), "Conflict"),
            (proposal(), none(), "Conflict"),
            (proposal(), tree("120000", OLD), "Rejected"),
            (proposal(), tree("160000", OLD), "Rejected"),
            (proposal(), tree("040000", OLD), "Rejected"),
            (same, tree("100644", OLD), "Rejected"),
            (empty, none(), "Rejected"),
        ],
    ) {
        let (client, script) = github(vec![(GET_BASE, base_commit()), (TREE, tree)]);
        let failure = kind(client.repo(R).unwrap().propose(&proposal).await);
        assert!(failure.starts_with(expected), "{failure}");
        script.end();
    }
}

#[tokio::test]
async fn walks_a_tree_that_is_too_large_to_list() {
    let mut steps = branched(BASE);
    steps[1].1 = answer(200, json!({ "sha": BASE, "tree": [], "truncated": true }));
    let folder = json!([{ "path": "a", "mode": "040000", "sha": "sub" }]);
    let file = json!([{ "path": "b.yaml", "mode": "100644", "sha": blob_id(OLD.as_bytes()) }]);
    let walk = "GET /git/trees/1111111111111111111111111111111111111111";
    steps.insert(2, (walk, answer(200, json!({ "tree": folder }))));
    steps.insert(
        3,
        ("GET /git/trees/sub", answer(200, json!({ "tree": file }))),
    );
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    client.repo(R).unwrap().propose(&proposal()).await.unwrap();
    script.end();
}

#[tokio::test]
async fn opens_nothing_for_what_the_base_came_to_hold() {
    const NEWER: &str = "GET /git/trees/newer?recursive=1";
    const DELETE: &str = "DELETE /git/refs/heads/promote/web";
    // The branch was merged and deleted a moment ago, and the base lags.
    let mut steps = branched(BASE);
    steps[5].1 = answer(200, json!([merged()]));
    steps.extend([
        (MAIN, stands("newer")),
        (NEWER, tree("100644", NEW)),
        (DELETE, answer(204, "")),
        (ANY, answer(200, json!([merged()]))),
    ]);
    let (client, script) = github(steps);
    let found = client.repo(R).unwrap().propose(&proposal()).await.unwrap();
    assert_eq!(found.merge_commit.as_deref(), Some("m1"));
    script.end();
    // What the base holds where it is by then, and what follows.
    let table: Vec<(&str, Vec<Step>, &str)> = vec![
        (
            NEW,
            vec![
                (DELETE, answer(204, "")),
                (ANY, answer(200, json!([merged()]))),
            ],
            "m1",
        ),
        (
            NEW,
            vec![(DELETE, answer(204, "")), (ANY, answer(200, "[]"))],
            "Conflict",
        ),
        (
            OLD,
            vec![("POST /pulls", answer(201, pull(json!({}))))],
            OURS,
        ),
    ];
    for (held, rest, expected) in rows("a base that moved on", table) {
        let mut steps = branched("newer");
        steps.push((NEWER, tree("100644", held)));
        steps.extend(rest);
        let (client, script) = github(steps);
        let result = match client.repo(R).unwrap().propose(&proposal()).await {
            Ok(pull) => pull.merge_commit.unwrap_or(pull.head_commit),
            Err(failure) => format!("{failure:?}"),
        };
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

#[tokio::test]
async fn what_was_noted_of_the_base_makes_the_branch_in_one_request() {
    const GRAPHQL: &str = "POST !/graphql";
    let at =
        |base: &str| json!({ "ref": { "repository": { "ref": { "target": { "oid": base } } } } });
    let opened = || ("POST /pulls", answer(201, pull(json!({}))));
    let made = answer(200, json!({ "data": { "createRef": at(BASE) } }));
    let refused = answer(
        200,
        json!({ "data": { "createRef": null },
            "errors": [{ "type": "UNPROCESSABLE", "path": ["createRef"], "message": "no" }] }),
    );
    let wrong = || {
        let what = "Something went wrong while executing your query. Please include `AB12` when reporting this issue.";
        answer(200, json!({ "errors": [{ "message": what }] }))
    };
    let by_rest = || branched(BASE).into_iter().skip(4).chain([opened()]);
    let failing = || std::iter::repeat_with(|| (GRAPHQL, wrong())).take(5);
    let table: Vec<(TransportResult, Vec<Step>)> = vec![
        (made, vec![opened()]),
        (refused, by_rest().collect()),
        (wrong(), failing().chain(by_rest()).collect()),
    ];
    for (first, rest) in rows("branches by GraphQL", table) {
        let mut steps: Vec<Step> = proposed(lost()).into_iter().skip(2).take(2).collect();
        steps.push((GRAPHQL, first));
        steps.extend(rest);
        let (client, script) = github(steps);
        client.note(ReadBase {
            repository: R.to_owned(),
            id: "R_1".to_owned(),
            commit: BASE.to_owned(),
            tree: "tree0".to_owned(),
            file: TreeEntry {
                path: "a/b.yaml".to_owned(),
                mode: "100755".to_owned(),
                sha: blob_id(OLD.as_bytes()),
            },
            heads: None,
        });
        assert_eq!(
            client
                .repo(R)
                .unwrap()
                .propose(&proposal())
                .await
                .unwrap()
                .head_commit,
            OURS
        );
        script.end();
    }
}

#[tokio::test]
async fn opens_one_pull_request_whatever_is_lost_or_late() {
    const POST: &str = "POST /pulls";
    let list = |pull: Value| answer(200, json!([pull]));
    let opened = || answer(201, pull(json!({})));
    let refused = "GitHub Actions is not permitted to create or approve pull requests.";
    let table: Vec<(Vec<Step>, &str)> = vec![
        (
            vec![
                (POST, lost()),
                (OPEN, list(pull(json!({})))),
                (WORDS, answer(200, "{}")),
            ],
            "7",
        ),
        (
            vec![(POST, lost()), (OPEN, answer(200, "[]")), (POST, opened())],
            "7",
        ),
        (
            vec![
                (POST, answer(502, "<html>")),
                (OPEN, answer(200, "[]")),
                (POST, opened()),
            ],
            "7",
        ),
        (
            vec![
                (
                    POST,
                    custom("A pull request already exists for acme:promote/web."),
                ),
                (OPEN, list(pull(json!({})))),
                (WORDS, answer(200, "{}")),
            ],
            "7",
        ),
        (vec![(POST, invalid()), (POST, opened())], "7"),
        (vec![(POST, unseen_commits()), (POST, opened())], "7"),
        (
            vec![(POST, custom("No commits between main and promote/web"))],
            "Rejected",
        ),
        (vec![(POST, answer(403, said(refused)))], "Actions settings"),
        (
            vec![
                (
                    POST,
                    with(403, &[("retry-after", "1")], said("secondary rate limit")),
                ),
                (POST, opened()),
            ],
            "7",
        ),
        // The list still shows where the branch stood before.
        (
            vec![
                (POST, custom("A pull request already exists for x.")),
                (OPEN, list(elsewhere(BASE))),
                (WORDS, answer(200, "{}")),
                ("GET /pulls/7", answer(200, pull(json!({})))),
            ],
            "7",
        ),
        (
            [(POST, opened_elsewhere())]
                .into_iter()
                .chain((0..7).map(|_| ("GET /pulls/7", answer(200, elsewhere(FOREIGN)))))
                .collect(),
            "somebody pushed",
        ),
    ];
    for (rest, expected) in rows("opening a pull request", table) {
        let mut steps = branched(BASE);
        steps.extend(rest);
        let (client, script) = github(steps);
        let result = match client.repo(R).unwrap().propose(&proposal()).await {
            Ok(pull) => pull.number.to_string(),
            Err(failure) => format!("{failure:?}"),
        };
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

/// The other shape of a branch that GitHub does not see yet.
fn unseen_commits() -> TransportResult {
    let missing =
        |field: &str| json!({ "resource": "PullRequest", "field": field, "code": "missing_field" });
    let message = "No commits between main and promote/web";
    let between = json!({ "resource": "PullRequest", "code": "custom", "message": message });
    let errors = json!([missing("head_sha"), missing("base_sha"), between]);
    answer(
        422,
        json!({ "message": "Validation Failed", "errors": errors }),
    )
}

fn opened_elsewhere() -> TransportResult {
    answer(201, elsewhere(FOREIGN))
}

#[tokio::test]
async fn a_lost_branch_creation_finds_its_own_branch() {
    let mut steps = proposed(lost());
    steps.push(("POST /git/refs", exists()));
    steps.push((ANY, answer(200, "[]")));
    steps.push((GET_REF, answer(200, json!({ "object": { "sha": OURS } }))));
    let found = comparison(&[compared_commit(&[BASE], json!({}))], &[modified(NEW)]);
    steps.push((
        "GET /compare/main...2222222222222222222222222222222222222222?per_page=100",
        found,
    ));
    steps.push((OPEN, answer(200, "[]")));
    steps.push((MAIN, answer(200, json!({ "object": { "sha": BASE } }))));
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    assert_eq!(
        client
            .repo(R)
            .unwrap()
            .propose(&proposal())
            .await
            .unwrap()
            .head_commit,
        OURS
    );
    script.end();
}
