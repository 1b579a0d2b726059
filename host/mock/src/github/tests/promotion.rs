//! A whole promotion, as a client makes it.

use serde_json::json;

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};

#[test]
fn a_promotion_from_the_first_read_to_the_deleted_branch() {
    let mut kit = GitHubBench::new();
    let base = kit.get("git/ref/heads/main").body["object"]["sha"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = kit.get(&format!("contents/{MANIFEST}?ref={base}"));
    assert_eq!(
        (file.status, file.body["encoding"].as_str()),
        (200, Some("base64"))
    );
    assert_eq!(
        kit.get("pulls?state=open&head=acme:promote/web&base=main")
            .body,
        json!([])
    );
    let head = kit.open("promote/web");
    let found = kit
        .get("pulls?state=open&head=acme:promote/web&base=main")
        .body;
    assert_eq!(
        (
            found[0]["number"].as_u64(),
            found[0]["head"]["sha"].as_str()
        ),
        (Some(1), Some(&*head))
    );
    let files = kit.get("pulls/1/files").body;
    assert_eq!(
        files[0]["patch"],
        "@@ -1,4 +1,4 @@\n kind: Deployment\n spec:\n-  image: ghcr.io/acme/web:1.4.1\n+  image: ghcr.io/acme/web:1.4.2\n   replicas: 3"
    );
    assert_eq!(
        kit.get("pulls/1").body["mergeable"],
        json!(null),
        "the first look starts the computation"
    );
    let pull = kit.get("pulls/1").body;
    assert_eq!(
        (&pull["mergeable"], &pull["mergeable_state"]),
        (&json!(true), &json!("clean"))
    );
    let merged = kit.ask(
        "PUT",
        "pulls/1/merge",
        json!({"sha": head, "merge_method": "squash"}),
    );
    assert_eq!((merged.status, &merged.body["merged"]), (200, &json!(true)));
    assert_eq!(merged.body["sha"], kit.main());
    assert_eq!(kit.get("pulls/1/merge").status, 204);
    let pull = kit.get("pulls/1").body;
    assert_eq!(
        (&pull["merged"], &pull["state"], &pull["mergeable"]),
        (&json!(true), &json!("closed"), &json!(null))
    );
    assert_eq!(
        kit.ask("DELETE", "git/refs/heads/promote/web", json!(null))
            .status,
        204
    );
    assert_eq!(kit.github.branches("acme/gitops"), ["main"]);
    assert_eq!(
        kit.github.file_at("acme/gitops", "main", MANIFEST),
        Some(TEXT.replace("1.4.1", "1.4.2"))
    );
    assert!(kit.github.unknown_routes.is_empty());
}

#[test]
fn reading_changes_nothing_that_can_be_seen() {
    let mut kit = GitHubBench::new();
    kit.open("promote/web");
    let old = kit.github.clone();
    let before = kit.github.fingerprint();
    let paths = [
        "",
        "git/ref/heads/main",
        "pulls",
        "pulls/1",
        "pulls/1/files",
        "contents/README.md",
        "commits/main/status",
    ];
    for path in paths {
        assert!(kit.get(path.trim_end_matches('/')).status < 500);
    }
    assert_eq!(kit.github.fingerprint(), before);
    kit.post("git/blobs", json!({"content": "x"}));
    assert_ne!(
        kit.github.fingerprint(),
        before,
        "an object nobody reaches is a change too"
    );
    assert!(!kit.github.holds_the_same(&old) && old.holds_the_same(&old.clone()));
}

#[test]
fn a_clone_is_another_world() {
    let original = GitHubBench::new();
    let mut copy = original.clone();
    copy.open("promote/web");
    assert_eq!(original.github.branches("acme/gitops"), ["main"]);
    assert_eq!(copy.github.branches("acme/gitops"), ["main", "promote/web"]);
}

#[test]
fn the_same_requests_give_the_same_answers() {
    let run = || {
        let mut kit = GitHubBench::new();
        let head = kit.open("promote/web");
        let merged = kit.ask("PUT", "pulls/1/merge", json!({"sha": head})).body;
        (merged, kit.github.fingerprint())
    };
    assert_eq!(run(), run());
}

#[test]
fn others_act_at_their_time() {
    let commit = |files: [(&str, &str); 1]| GitHubEvent::Commit {
        repository: "acme/gitops".into(),
        branch: "main".into(),
        files: files.map(|(path, text)| (path.into(), text.into())).into(),
    };
    let mut kit = GitHubBench::new();
    let conflicting = TEXT.replace("1.4.1", "1.5.0");
    kit.github.schedule = vec![
        TriggeredEvent {
            when: EventTrigger::After("pulls/create".into()),
            event: commit([("README.md", "other")]),
        },
        TriggeredEvent {
            when: EventTrigger::Before("pulls/merge".into()),
            event: commit([(MANIFEST, &conflicting)]),
        },
        TriggeredEvent {
            when: EventTrigger::At("2026-02-01T13:00:00Z".parse().unwrap()),
            event: GitHubEvent::Close {
                repository: "acme/gitops".into(),
            },
        },
    ];
    let before = kit.main();
    let head = kit.open("promote/web");
    assert_ne!(kit.main(), before);
    let refused = kit.ask("PUT", "pulls/1/merge", json!({"sha": head}));
    assert_eq!(
        (refused.status, refused.message()),
        (405, "Pull Request has merge conflicts")
    );
    assert_eq!(kit.get("pulls/1").body["state"], "open");
    kit.wait(3600);
    assert_eq!(kit.get("pulls/1").body["state"], "closed");
    assert!(kit.github.schedule.is_empty());
}
