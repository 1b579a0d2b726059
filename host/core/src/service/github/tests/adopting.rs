//! A branch that is there before: what is ours is adopted or replaced, and a person's work is left alone.

use crate::service::github::tests::*;

mod earlier;

const FOUND: &str = "GET /compare/main...3333333333333333333333333333333333333333?per_page=100";
const TITLE: &str = "Promote web  and no forged line";
const FORCE: &str = "PATCH /git/refs/heads/promote/web";
const NEWER_TREE: &str = "GET /git/trees/newer?recursive=1";

/// A row: its name, what follows the refusal to create the branch, and a part of the result.
type Row = (&'static str, Vec<Step>, &'static str);

/// Proposes where the branch exists; returns the merge commit or the head of the pull request, or the failure.
async fn outcome(is_signed: bool, rest: Vec<Step>) -> (String, Arc<Script>) {
    let mut steps = proposed(exists());
    steps[3].1 = created_commit(is_signed);
    steps.extend(rest);
    let (client, script) = github(steps);
    let result = match client.repo(R).unwrap().propose(&proposal()).await {
        Ok(pull) => pull.merge_commit.unwrap_or(pull.head_commit),
        Err(failure) => format!("{failure:?}"),
    };
    script.end();
    (result, script)
}

async fn check(table: &str, table_rows: Vec<Row>) {
    for (name, rest, expected) in rows(table, table_rows) {
        let (result, _) = outcome(true, rest).await;
        assert!(result.contains(expected), "{name}: {result}");
    }
}

/// The pull requests of the branch, of any state, and where the branch stands.
fn looked(pulls: Value) -> Vec<Step> {
    vec![(ANY, answer(200, pulls)), (GET_REF, stands(FOREIGN))]
}

fn steps(parts: Vec<Vec<Step>>) -> Vec<Step> {
    parts.into_iter().flatten().collect()
}

fn ours() -> Value {
    compared_commit(&[BASE], json!({}))
}

/// A commit of another identifier.
fn at(sha: &str, parents: &[&str], fields: Value) -> Value {
    let mut commit = compared_commit(parents, fields);
    commit["sha"] = sha.into();
    commit
}

fn our_change() -> TransportResult {
    comparison(&[ours()], &[modified(NEW)])
}

/// A pull request of the branch as somebody else left it.
fn open_at_foreign() -> Value {
    elsewhere(FOREIGN)
}

/// No pull request is open, and one is opened.
fn opens(at: &'static str) -> Vec<Step> {
    vec![
        (MAIN, stands(BASE)),
        ("POST /pulls", answer(201, elsewhere(at))),
    ]
}

fn replaces() -> Vec<Step> {
    steps(vec![vec![(FORCE, answer(200, "{}"))], opens(OURS)])
}

fn kim() -> Value {
    json!({ "name": "Kim", "email": "kim@acme.test", "date": "2026-01-03T10:00:00Z" })
}

fn fork(fields: Value) -> Value {
    let mut pull = pull(fields);
    pull["head"]["repo"] = json!({ "id": 2, "full_name": "mallory/gitops" });
    pull
}

#[tokio::test]
async fn takes_in_the_base_only_where_a_rule_demands_it() {
    const SEE: &str = "GET /pulls/7";
    const UPDATE: &str = "PUT /pulls/7/update-branch";
    let behind_by = |number: usize| {
        let found = our_change().unwrap();
        let mut body: Value = serde_json::from_slice(found.body()).unwrap();
        body["behind_by"] = number.into();
        answer(200, body)
    };
    let start = |number: usize| {
        steps(vec![
            looked(json!([open_at_foreign()])),
            vec![(FOUND, behind_by(number))],
        ])
    };
    let seen = |state: &str| {
        let mut pull = open_at_foreign();
        pull["mergeable_state"] = state.into();
        (SEE, answer(200, pull))
    };
    let updated = || (SEE, answer(200, elsewhere(MERGE)));
    let done = || {
        (
            UPDATE,
            answer(202, json!({ "message": "Updating pull request branch." })),
        )
    };
    let rest = || vec![(WORDS, answer(200, "{}")), (MAIN, stands(BASE))];
    let refused = |text: &str| (UPDATE, answer(422, said(text)));
    check(
        "branches that fell behind",
        vec![
            (
                "it holds all of the base",
                steps(vec![start(0), rest()]),
                FOREIGN,
            ),
            (
                "no rule demands it",
                steps(vec![start(2), vec![seen("clean")], rest()]),
                FOREIGN,
            ),
            (
                "it waits for something else first",
                steps(vec![start(2), vec![seen("blocked")], rest()]),
                FOREIGN,
            ),
            (
                "a strict rule",
                steps(vec![
                    start(2),
                    vec![seen("behind"), done(), updated()],
                    rest(),
                ]),
                MERGE,
            ),
            (
                "GitHub updates it a moment later",
                steps(vec![
                    start(2),
                    vec![seen("behind"), done(), seen("behind"), updated()],
                    rest(),
                ]),
                MERGE,
            ),
            (
                "somebody was faster",
                steps(vec![
                    start(2),
                    vec![
                        seen("behind"),
                        refused("There are no new commits on the base branch."),
                    ],
                    rest(),
                ]),
                FOREIGN,
            ),
            (
                "somebody pushed",
                steps(vec![
                    start(2),
                    vec![
                        seen("behind"),
                        refused("expected head sha didn’t match current head ref."),
                    ],
                ]),
                "Conflict",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn adopts_the_same_change_in_our_commits() {
    let none = || (OPEN, answer(200, "[]"));
    let mut young = ours();
    young["commit"]["committer"]["date"] = json!(jiff::Timestamp::from_second(START).unwrap());
    let mut worded = open_at_foreign();
    worded["title"] = TITLE.into();
    worded["body"] = "b\r\n".into();
    // A reviewer's "Update branch": a merge of the base, which adds nothing.
    let update = compared_commit(&[OURS, "newer"], json!({ "author": kim(), "message": "x" }));
    let first = at(OURS, &[BASE], json!({}));
    let updated = || comparison(&[first.clone(), update.clone()], &[modified(NEW)]);
    let mut deleted_fork = merged();
    deleted_fork["head"]["repo"] = Value::Null;
    let table: Vec<Row> = vec![
        (
            "without a pull request",
            steps(vec![
                looked(json!([])),
                vec![(FOUND, our_change()), none()],
                opens(FOREIGN),
            ]),
            FOREIGN,
        ),
        (
            "the branch lags",
            steps(vec![
                vec![(ANY, answer(200, "[]")), (GET_REF, answer(404, "{}"))],
                vec![(GET_REF, stands(FOREIGN)), (FOUND, our_change()), none()],
                opens(FOREIGN),
            ]),
            FOREIGN,
        ),
        (
            "by a run that opens its pull request in a moment",
            steps(vec![
                looked(json!([])),
                vec![
                    (FOUND, comparison(&[young], &[modified(NEW)])),
                    none(),
                    none(),
                    (OPEN, answer(200, json!([worded.clone()]))),
                    (MAIN, stands(BASE)),
                ],
            ]),
            FOREIGN,
        ),
        (
            "merged and deleted by another run meanwhile",
            steps(vec![
                looked(json!([])),
                vec![
                    (FOUND, our_change()),
                    none(),
                    (MAIN, stands(BASE)),
                    ("POST /pulls", invalid()),
                ],
            ]),
            "came and went",
        ),
        (
            "with a pull request of these words",
            steps(vec![
                looked(json!([worded])),
                vec![(FOUND, our_change()), (MAIN, stands(BASE))],
            ]),
            FOREIGN,
        ),
        (
            "with a pull request that somebody gave other words",
            steps(vec![
                looked(json!([open_at_foreign()])),
                vec![
                    (FOUND, our_change()),
                    (WORDS, answer(200, "{}")),
                    (MAIN, stands(BASE)),
                ],
            ]),
            FOREIGN,
        ),
        (
            "with the base merged into it",
            steps(vec![
                looked(json!([])),
                vec![(FOUND, updated()), none()],
                opens(FOREIGN),
            ]),
            FOREIGN,
        ),
        (
            "beside the open and the merged pull request of a fork",
            steps(vec![
                looked(json!([fork(json!({})), deleted_fork])),
                vec![
                    (FOUND, our_change()),
                    (OPEN, answer(200, json!([fork(json!({}))]))),
                ],
                opens(FOREIGN),
            ]),
            FOREIGN,
        ),
    ];
    check("branches of ours", table).await;
}

#[tokio::test]
async fn adopts_unsigned_commits_only_where_ours_are_unsigned() {
    let unsigned = || {
        let fields = json!({ "verification": { "verified": false } });
        let commits = [compared_commit(&[BASE], fields)];
        (FOUND, comparison(&commits, &[modified(NEW)]))
    };
    let adopted = steps(vec![
        looked(json!([])),
        vec![unsigned(), (OPEN, answer(200, "[]"))],
        opens(FOREIGN),
    ]);
    assert_eq!(outcome(false, adopted).await.0, FOREIGN);
    let replaced = steps(vec![looked(json!([])), vec![unsigned()], replaces()]);
    assert_eq!(outcome(true, replaced).await.0, OURS);
}

#[tokio::test]
async fn replaces_an_older_proposal_and_the_same_change_of_others() {
    let by = |fields: Value| vec![compared_commit(&[BASE], fields)];
    let mut email = our_bot();
    email["email"] = "mallory@acme.test".into();
    let mut name = our_bot();
    name["name"] = "mallory".into();
    let file = |name: &str, status: &str| {
        let blob = blob_id(NEW.as_bytes());
        json!({ "filename": name, "status": status, "sha": blob })
    };
    let table: Vec<(&str, Vec<Value>, Vec<Value>)> = vec![
        ("ours, older", vec![ours()], vec![modified("image: x:0\n")]),
        ("ours, undone", vec![ours()], vec![]),
        (
            "ours, with a file more",
            vec![ours()],
            vec![modified(NEW), file("c", "modified")],
        ),
        (
            "ours, renamed",
            vec![ours()],
            vec![file("a/b.yaml", "renamed")],
        ),
        (
            "somebody else's, without our trailer",
            by(json!({ "author": kim(), "message": "mine" })),
            vec![modified(NEW)],
        ),
        (
            "somebody else's, with our trailer",
            by(json!({ "author": kim() })),
            vec![modified(NEW)],
        ),
        (
            "of our name and another address",
            by(json!({ "author": email })),
            vec![modified(NEW)],
        ),
        (
            "of our address and another name",
            by(json!({ "author": name })),
            vec![modified(NEW)],
        ),
        (
            "ours, for another branch",
            by(json!({ "message": "x\n\nPromotion-Branch: promote/web2" })),
            vec![modified(NEW)],
        ),
        (
            "ours, below somebody else's",
            vec![
                at(OURS, &[BASE], json!({})),
                compared_commit(&[OURS], json!({ "author": kim() })),
            ],
            vec![modified(NEW)],
        ),
        (
            "a merge that holds the change itself",
            vec![compared_commit(&[BASE, "x"], json!({ "author": kim() }))],
            vec![modified(NEW)],
        ),
        (
            "a merge of somebody else's commit",
            vec![
                at(OURS, &[BASE], json!({})),
                at("x", &[BASE], json!({ "author": kim() })),
                compared_commit(&[OURS, "x"], json!({ "author": kim() })),
            ],
            vec![modified(NEW)],
        ),
        (
            "a merge of three",
            vec![compared_commit(
                &[BASE, "x", "y"],
                json!({ "author": kim() }),
            )],
            vec![modified(NEW)],
        ),
    ];
    for (name, commits, files) in rows("replaced branches", table) {
        let found = || vec![(FOUND, comparison(&commits, &files))];
        let alone = steps(vec![looked(json!([])), found(), replaces()]);
        assert_eq!(outcome(true, alone).await.0, OURS, "{name}");
        // Somebody opened a pull request of it: it becomes ours, words and all.
        let open = steps(vec![
            looked(json!([open_at_foreign()])),
            found(),
            vec![
                (FORCE, answer(200, "{}")),
                (WORDS, answer(200, "{}")),
                (MAIN, stands(BASE)),
                ("GET /pulls/7", answer(200, pull(json!({})))),
            ],
        ]);
        let (result, script) = outcome(true, open).await;
        assert_eq!(result, OURS, "{name}");
        let force = json!({ "sha": OURS, "force": true });
        assert_eq!(script.body(8), force, "{name}");
        let words = json!({ "title": TITLE, "body": "b" });
        assert_eq!(script.body(9), words, "{name}");
    }
}
