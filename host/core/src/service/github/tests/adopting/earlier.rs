//! What somebody else did to the branch before: foreign work, and earlier pull requests.

use super::*;

#[tokio::test]
async fn more_commits_than_github_lists_are_not_taken_for_ours() {
    let many = json!({ "total_commits": 101, "commits": [ours()], "files": [modified(NEW)] });
    let rest = steps(vec![
        looked(json!([])),
        vec![(FOUND, answer(200, many))],
        replaces(),
    ]);
    assert_eq!(outcome(true, rest).await.0, OURS);
}

#[tokio::test]
async fn leaves_foreign_work_alone() {
    let other = || vec![modified("image: x:9\n")];
    let by_kim =
        |message: &str| compared_commit(&[BASE], json!({ "author": kim(), "message": message }));
    let forged = "Promote web\n\nPromotion-Branch: promote/web";
    let unsigned = compared_commit(&[BASE], json!({ "verification": { "verified": false } }));
    let added = json!({ "filename": "evil.yaml", "status": "added", "sha": "e" });
    let table = [
        ("another change", vec![by_kim("mine")], other()),
        (
            "another change, with our trailer",
            vec![by_kim(forged)],
            other(),
        ),
        ("another change, unsigned", vec![unsigned], other()),
        (
            "our change and one more",
            vec![ours(), by_kim("and this")],
            vec![modified(NEW), added],
        ),
    ];
    for (name, commits, files) in rows("foreign branches", table) {
        for pulls in [json!([]), json!([open_at_foreign()])] {
            let rest = steps(vec![
                looked(pulls),
                vec![(FOUND, comparison(&commits, &files))],
            ]);
            let (result, _) = outcome(true, rest).await;
            assert!(result.starts_with("Failure::Conflict"), "{name}: {result}");
            assert!(result.contains("not ours"), "{name}: {result}");
        }
    }
}

#[tokio::test]
async fn obeys_what_became_of_an_earlier_pull_request() {
    let mut long_ago = merged();
    long_ago["merged_at"] = "2025-12-06T10:00:00Z".into();
    let older = || comparison(&[ours()], &[modified("image: x:0\n")]);
    let table: Vec<Row> = vec![
        (
            "closed by a person",
            vec![(
                ANY,
                answer(200, json!([pull(json!({ "state": "closed" }))])),
            )],
            "closed by a person",
        ),
        (
            "gone",
            steps(vec![
                vec![(ANY, answer(200, "[]"))],
                (0..7).map(|_| (GET_REF, answer(404, "{}"))).collect(),
            ]),
            "came and went",
        ),
        (
            "merged meanwhile",
            vec![
                (ANY, answer(200, json!([merged()]))),
                (MAIN, stands("newer")),
                (NEWER_TREE, tree("100644", NEW)),
            ],
            "m1",
        ),
        (
            "merged a moment ago, and the base lags",
            vec![
                (ANY, answer(200, json!([merged()]))),
                (MAIN, stands(BASE)),
                (MAIN, stands(BASE)),
                (MAIN, stands("newer")),
                (NEWER_TREE, tree("100644", NEW)),
            ],
            "m1",
        ),
        (
            "merged long ago, and undone before the base was read",
            steps(vec![
                vec![
                    (ANY, answer(200, json!([long_ago]))),
                    (MAIN, stands(BASE)),
                    (TREE, tree("100644", OLD)),
                    (GET_REF, stands(FOREIGN)),
                    (FOUND, our_change()),
                    (OPEN, answer(200, "[]")),
                ],
                opens(FOREIGN),
            ]),
            FOREIGN,
        ),
        (
            "merged once, and undone since",
            steps(vec![
                vec![
                    (ANY, answer(200, json!([merged()]))),
                    (MAIN, stands("newer")),
                    (NEWER_TREE, tree("100644", OLD)),
                    (GET_REF, stands(FOREIGN)),
                    (FOUND, older()),
                ],
                replaces(),
            ]),
            OURS,
        ),
    ];
    check("earlier pull requests", table).await;
}
