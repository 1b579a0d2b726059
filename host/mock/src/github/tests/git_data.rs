//! Blobs, trees, commits and comparisons.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};
use crate::git::FileMode;

#[test]
fn blobs_and_trees_come_back_as_they_went_in() {
    let mut kit = GitHubBench::new();
    for (content, encoding, bytes) in [
        ("hé\n", "utf-8", "hé\n".as_bytes()),
        ("AP8=", "base64", &[0, 255]),
    ] {
        let made = kit.post(
            "git/blobs",
            json!({"content": content, "encoding": encoding}),
        );
        assert_eq!(made.status, 201);
        let blob = kit
            .get(&format!("git/blobs/{}", made.body["sha"].as_str().unwrap()))
            .body;
        assert_eq!(
            objects::unwrapped_base64(blob["content"].as_str().unwrap()).unwrap(),
            bytes
        );
        assert_eq!(blob["size"], bytes.len());
    }
    assert_eq!(
        kit.post("git/blobs", json!({"content": "*", "encoding": "base64"}))
            .status,
        422
    );
    let flat = kit.get("git/trees/main").body;
    assert_eq!(flat["tree"].as_array().unwrap().len(), 2);
    for query in ["recursive=1", "recursive=0", "recursive=false"] {
        let deep = kit
            .get(&format!(
                "git/trees/{}?{query}",
                flat["sha"].as_str().unwrap()
            ))
            .body;
        let paths: Vec<_> = deep["tree"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["path"].as_str().unwrap())
            .collect();
        assert_eq!(
            paths,
            ["README.md", "apps", "apps/web", "apps/web/prod", MANIFEST]
        );
    }
}

#[test]
fn every_row_of_making_a_tree() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    let item = |more: Value| {
        shapes::with(
            json!({"path": "new", "mode": "100644", "type": "blob"}),
            more,
        )
    };
    let blob = kit.get("contents/README.md").body["sha"].clone();
    let cases = [
        (
            json!({"base_tree": main, "tree": [item(json!({"content": "x"}))]}),
            Ok(3),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({"sha": blob}))]}),
            Ok(3),
        ),
        (
            json!({"base_tree": main, "tree": [{"path": "README.md", "mode": "100644", "type": "blob", "sha": null}]}),
            Ok(1),
        ),
        (json!({"tree": [item(json!({"content": "x"}))]}), Ok(1)),
        (
            json!({"base_tree": main, "tree": [{"path": "none", "mode": "100644", "type": "blob", "sha": null}]}),
            Err("GitRPC::BadObjectState"),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({"content": "x", "sha": blob}))]}),
            Err("Must supply either tree.sha or tree.content, not both"),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({}))]}),
            Err("Must supply either tree.sha or tree.content"),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({"content": "x", "mode": "100600"}))]}),
            Err("Must supply a valid tree.mode"),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({"sha": "0".repeat(40)}))]}),
            Err("tree.sha is not a valid object of the given type"),
        ),
        (
            json!({"base_tree": main, "tree": [item(json!({"content": "x", "path": "../x"}))]}),
            Err("tree.path contains a malformed path component"),
        ),
        (
            json!({"base_tree": "0".repeat(40), "tree": []}),
            Err("base_tree is not a valid tree oid"),
        ),
        (
            json!({"base_tree": main}),
            Err("Invalid request.\n\n\"tree\" wasn't supplied."),
        ),
    ];
    for (body, expected) in cases {
        let seen = kit.clone().post("git/trees", body.clone());
        match expected {
            Ok(entries) => assert_eq!(
                (seen.status, seen.body["tree"].as_array().unwrap().len()),
                (201, entries),
                "{body}"
            ),
            Err(message) => assert_eq!((seen.status, seen.message()), (422, message), "{body}"),
        }
    }
}

#[test]
fn a_commit_with_named_people_is_a_function_of_its_inputs() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    let tree = kit.get("git/trees/main").body["sha"].clone();
    let who =
        json!({"name": "Promote", "email": "p@acme.example", "date": "2026-02-03T04:05:06+02:00"});
    let body =
        json!({"message": "m", "tree": tree, "parents": [main], "author": who, "committer": who});
    let first = kit.post("git/commits", body.clone()).body;
    kit.wait(100);
    assert_eq!(kit.post("git/commits", body).body, first);
    assert_eq!(first["author"]["date"], "2026-02-03T02:05:06Z");
    assert_eq!(first["verification"]["verified"], false);
    let own = kit
        .post(
            "git/commits",
            json!({"message": "m", "tree": tree, "parents": [main]}),
        )
        .body;
    assert_eq!(
        (&own["author"]["name"], &own["verification"]["verified"]),
        (&json!("promote[bot]"), &json!(true))
    );
    let sha = own["sha"].as_str().unwrap();
    assert_eq!(kit.get(&format!("git/commits/{sha}")).body, own);
    for (body, message) in [
        (
            json!({"message": "m", "tree": "0".repeat(40)}),
            "Tree SHA does not exist",
        ),
        (
            json!({"message": "m", "tree": tree, "parents": ["0".repeat(40)]}),
            "Parent SHA does not exist or is not a commit object",
        ),
        (
            json!({"tree": tree}),
            "Invalid request.\n\n\"message\" wasn't supplied.",
        ),
        (
            json!({"message": "m", "tree": tree, "author": {"name": "x"}}),
            "Invalid request.\n\n\"email\" wasn't supplied.",
        ),
    ] {
        let seen = kit.post("git/commits", body);
        assert_eq!((seen.status, seen.message()), (422, message));
    }
    assert_eq!(
        kit.get(&format!("git/commits/{}", "0".repeat(40))).status,
        404
    );
}

#[test]
fn comparisons_say_who_is_ahead() {
    let mut kit = GitHubBench::new();
    let root = kit.main();
    let head = kit.branch("work", MANIFEST, &TEXT.replace("1.4.1", "1.4.2"));
    assert_eq!(kit.get("compare/main...work").body["status"], "ahead");
    kit.github.commit_files(
        "acme/gitops",
        "main",
        "m",
        [("README.md".into(), "other".into())],
    );
    let cases = [
        ("main...work".to_owned(), "diverged", 1, 1),
        ("acme:main...acme:work".to_owned(), "diverged", 1, 1),
        (format!("{root}...{head}"), "ahead", 1, 0),
        (format!("work...{root}"), "behind", 0, 1),
        ("main...main".to_owned(), "identical", 0, 0),
    ];
    for (ends, status, ahead, behind) in cases {
        let body = kit.get(&format!("compare/{ends}")).body;
        let seen = (
            body["status"].as_str(),
            body["ahead_by"].as_u64(),
            body["behind_by"].as_u64(),
        );
        assert_eq!(seen, (Some(status), Some(ahead), Some(behind)), "{ends}");
        assert_eq!(body["commits"].as_array().unwrap().len() as u64, ahead);
    }
    let diverged = kit.get("compare/main...work").body;
    assert_eq!(
        (
            &diverged["merge_base_commit"]["sha"],
            &diverged["files"][0]["filename"]
        ),
        (&json!(root), &json!(MANIFEST))
    );
    assert_eq!(kit.get("compare/main...none").status, 404);
    assert_eq!(kit.get("compare/main..work").status, 404);
}

#[test]
fn commits_and_branches_are_found_by_name() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    for path in [
        "commits/main",
        "commits/heads/main",
        "commits/refs%2Fheads%2Fmain",
        &format!("commits/{main}"),
        "commits/HEAD",
    ] {
        assert_eq!(kit.get(path).body["sha"], main, "{path}");
    }
    assert_eq!(kit.get("commits/none").status, 422);
    let head = kit.branch("promote/web", "run.sh", "x");
    assert_eq!(kit.get("branches/promote/web").body["commit"]["sha"], head);
    let seen = kit.get("branches/none");
    assert_eq!((seen.status, seen.message()), (404, "Branch not found"));
    assert_eq!(
        kit.github
            .entry_at("acme/gitops", "promote/web", "run.sh")
            .unwrap()
            .mode,
        FileMode::File
    );
}
