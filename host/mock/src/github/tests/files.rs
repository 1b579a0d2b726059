//! Reading and writing files.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};
use crate::git::FileMode;

/// A repository with one of everything.
fn variety() -> GitHubBench {
    let mut kit = GitHubBench::new();
    let file = |path: &str, text: &str, mode| {
        (
            path.to_owned(),
            FileSpec {
                text: text.into(),
                mode,
            },
        )
    };
    let files = [
        file("run.sh", "#!/bin/sh\n", FileMode::Executable),
        file("link", "apps/web/prod/deployment.yaml", FileMode::Symlink),
        file("apps/web/up", "../../README.md", FileMode::Symlink),
        file("dangling", "nowhere", FileMode::Symlink),
        file("outside", "../../etc/passwd", FileMode::Symlink),
        file("vendor", "a commit elsewhere", FileMode::Submodule),
        file("big", &"x".repeat(1024 * 1024 + 1), FileMode::File),
        file("a dir/ü+.txt", "hard name", FileMode::File),
    ];
    kit.github
        .commit_files("acme/gitops", "main", "variety", files)
        .unwrap();
    kit
}

fn with_accept(kit: &mut GitHubBench, path: &str, accept: &str) -> super::kit::BenchAnswer {
    let mut request = kit
        .request("GET", &format!("/repos/acme/gitops/{path}"), None)
        .body(Vec::new())
        .unwrap();
    request
        .headers_mut()
        .insert("accept", accept.parse().unwrap());
    kit.send(&request)
}

#[test]
fn files_come_as_wrapped_base64() {
    let mut kit = GitHubBench::new();
    for path in [
        format!("contents/{MANIFEST}"),
        format!("contents/{}", MANIFEST.replace('/', "%2F")),
    ] {
        let seen = kit.get(&path);
        let content = seen.body["content"].as_str().unwrap();
        assert!(content.ends_with('\n') && content.lines().all(|line| line.len() <= 60));
        assert_eq!(content.lines().next().unwrap().len(), 60);
        assert_eq!(
            BASE64_STANDARD.decode(content.replace('\n', "")).unwrap(),
            TEXT.as_bytes()
        );
        assert_eq!(
            seen.body["sha"],
            kit.github
                .entry_at("acme/gitops", "main", MANIFEST)
                .unwrap()
                .id
                .to_string()
        );
    }
}

#[test]
fn each_kind_of_entry_shows_itself() {
    let mut kit = variety();
    let cases = [
        ("contents/run.sh", "file"),
        ("contents/link", "file"),
        ("contents/apps/web/up", "file"),
        ("contents/dangling", "symlink"),
        ("contents/outside", "symlink"),
        ("contents/vendor", "submodule"),
        ("contents/a%20dir/%C3%BC%2B.txt", "file"),
    ];
    for (path, kind) in cases {
        let seen = kit.get(path);
        assert_eq!(
            (seen.status, &seen.body["type"]),
            (200, &json!(kind)),
            "{path}: {}",
            seen.body
        );
    }
    assert_eq!(kit.get("contents/dangling").body["target"], "nowhere");
    let url = kit.get("contents/a%20dir/%C3%BC%2B.txt").body["url"].clone();
    assert_eq!(
        url,
        "https://api.github.com/repos/acme/gitops/contents/a%20dir/%C3%BC%2B.txt?ref=main"
    );
    for path in [
        "contents",
        "contents/",
        "contents/apps/web",
        "contents/apps?ref=main",
    ] {
        assert!(kit.get(path).body.is_array(), "{path}");
    }
    let object = with_accept(
        &mut kit,
        "contents/apps",
        "application/vnd.github.object+json",
    );
    assert_eq!(
        (&object.body["type"], &object.body["entries"][0]["name"]),
        (&json!("dir"), &json!("web"))
    );
}

#[test]
fn raw_is_the_bytes_and_large_files_have_no_content() {
    let mut kit = variety();
    for accept in [
        "application/vnd.github.raw+json",
        "application/vnd.github.raw",
        "application/vnd.github.v3.raw",
    ] {
        assert_eq!(
            with_accept(&mut kit, &format!("contents/{MANIFEST}"), accept).bytes,
            TEXT.as_bytes()
        );
    }
    let large = kit.get("contents/big").body;
    assert_eq!(
        (&large["content"], &large["encoding"]),
        (&json!(""), &json!("none"))
    );
    assert_eq!(
        with_accept(&mut kit, "contents/big", "application/vnd.github.raw+json")
            .bytes
            .len(),
        1024 * 1024 + 1
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut kit = GitHubBench::new();
    for path in [
        "contents/none",
        "contents/README.md/below",
        "contents/README.md?ref=none",
    ] {
        assert_eq!(kit.get(path).status, 404, "{path}");
    }
}

#[test]
fn an_unchanged_file_costs_nothing() {
    let mut kit = GitHubBench::new();
    let first = kit.get("contents/README.md");
    let request = kit.request("GET", "/repos/acme/gitops/contents/README.md", None);
    let request = request
        .header("if-none-match", first.header("etag"))
        .body(Vec::new())
        .unwrap();
    let second = kit.send(&request);
    assert_eq!((second.status, second.bytes.len()), (304, 0));
    assert_eq!(
        second.header("x-ratelimit-remaining"),
        first.header("x-ratelimit-remaining")
    );
    kit.github.commit_files(
        "acme/gitops",
        "main",
        "change",
        [("README.md".into(), "new".into())],
    );
    assert_eq!(kit.send(&request).status, 200);
}

#[test]
fn every_row_of_writing_a_file() {
    let content = BASE64_STANDARD.encode("new\n");
    let sha = GitHubBench::new().get("contents/README.md").body["sha"].clone();
    let body = |more: Value| shapes::with(json!({"message": "m", "content": content}), more);
    let cases = [
        (
            "README.md",
            body(json!({})),
            422,
            "Invalid request.\n\n\"sha\" wasn't supplied.",
        ),
        (
            "README.md",
            body(json!({"sha": "0".repeat(40)})),
            409,
            "README.md does not match 0000000000000000000000000000000000000000",
        ),
        (
            "README.md",
            body(json!({"sha": "malformed"})),
            409,
            "README.md does not match malformed",
        ),
        ("README.md", body(json!({"sha": sha})), 200, ""),
        ("new/file.txt", body(json!({"sha": "anything"})), 201, ""),
        ("new/file.txt", body(json!({})), 201, ""),
        (
            "README.md",
            body(json!({"sha": "wrong", "branch": "none"})),
            404,
            "Branch none not found",
        ),
        (
            "x",
            json!({"message": "m", "content": "***"}),
            422,
            "content is not valid Base64",
        ),
        (
            "x",
            json!({"content": content}),
            422,
            "Invalid request.\n\n\"message\" wasn't supplied.",
        ),
        (
            "x",
            json!({"message": "m"}),
            422,
            "Invalid request.\n\n\"content\" wasn't supplied.",
        ),
        ("apps", body(json!({})), 422, "apps is not a file"),
        (
            ".git/config",
            body(json!({})),
            422,
            "path contains a malformed path component",
        ),
    ];
    for (path, body, status, message) in cases {
        let mut kit = GitHubBench::new();
        let before = kit.main();
        let seen = kit.ask("PUT", &format!("contents/{path}"), body);
        assert_eq!((seen.status, seen.message()), (status, message), "{path}");
        assert_eq!(seen.status < 300, kit.main() != before);
        if status < 300 {
            assert_eq!(seen.body["commit"]["sha"], kit.main());
            assert_eq!(
                kit.github.file_at("acme/gitops", "main", path).unwrap(),
                "new\n"
            );
        }
    }
}

#[test]
fn writing_a_file_keeps_its_mode_and_obeys_the_rules() {
    let mut kit = variety();
    let sha = kit.get("contents/run.sh").body["sha"].clone();
    let body =
        json!({"message": "m", "content": BASE64_STANDARD.encode("#!/bin/bash\n"), "sha": sha});
    assert_eq!(kit.ask("PUT", "contents/run.sh", body).status, 200);
    assert_eq!(
        kit.github
            .entry_at("acme/gitops", "main", "run.sh")
            .unwrap()
            .mode,
        FileMode::Executable
    );
    let rules = BranchRules {
        require_pull_request: true,
        ..BranchRules::default()
    };
    kit.repository().rules.insert("main".into(), rules);
    let seen = kit.ask("PUT", "contents/x", json!({"message": "m", "content": ""}));
    assert_eq!(seen.status, 409);
    assert!(
        seen.message()
            .contains("Changes must be made through a pull request.")
    );
}
