//! The operations of the mock that our client never uses, for all the other clients that meet it.

use promote_mock::github::{PermissionLevel, TokenKind, TokenTable};
use promote_mock::sample::GITHUB_TOKEN;
use serde_json::{Value, json};

use crate::bench::{PATH, REPOSITORY, RecordedClients};
use crate::record::ExchangeRecord;

/// Method, target below the repository (or from the root, with two slashes), body and status.
type Row = (&'static str, &'static str, Value, u16);

/// Asks the sample's world for everything, in an order in which it can be answered.
pub(crate) async fn ask(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |world| {
        let repository = world.github.find_mut(REPOSITORY).unwrap();
        repository
            .collaborators
            .extend(["kim".to_owned(), "sre".to_owned()]);
    });
    let pull = bench.propose_on("work").await.unwrap();
    bench.world.lock().github.approve(REPOSITORY, 1, "kim");
    bench.world.lock().github.set_check(
        REPOSITORY,
        pull.head_commit.parse().unwrap(),
        "validate",
        None,
    );
    let file = bench
        .raw(
            "GET",
            &format!("/repos/{REPOSITORY}/contents/{PATH}"),
            &Value::Null,
        )
        .await
        .1;
    let commit = &pull.head_commit;
    let mut unexpected = Vec::new();
    for (method, target, body, status) in reads().into_iter().chain(writes()) {
        let target = match target.strip_prefix('/') {
            Some(root) if root.starts_with('/') => root.to_owned(),
            _ => format!("/repos/{REPOSITORY}{target}"),
        };
        let target = target
            .replace("COMMIT", commit)
            .replace("BLOB", file["sha"].as_str().unwrap());
        let body = body
            .to_string()
            .replace("COMMIT", commit)
            .replace("BLOB", file["sha"].as_str().unwrap());
        let got = bench
            .raw(method, &target, &serde_json::from_str(&body).unwrap())
            .await;
        if got.0 != status {
            unexpected.push(format!(
                "{method} {target} -> {} {}, not {status}",
                got.0, got.1["message"]
            ));
        }
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    deployments(&bench).await;
    as_strangers(&bench).await;
}

/// Deployments, which the host makes itself, without a call of the contract.
async fn deployments(bench: &RecordedClients) {
    let below = format!("/repos/{REPOSITORY}/deployments");
    let wanted = json!({
        "ref": "main", "task": "promote", "environment": "production", "auto_merge": false,
        "required_contexts": [], "payload": { "run": "r_1", "subject": "web" }, "description": "x",
    });
    let (status, made) = bench.raw("POST", &below, &wanted).await;
    assert_eq!(status, 201, "{made}");
    let statuses = format!("{below}/{}/statuses", made["id"]);
    let word = json!({
        "state": "in_progress", "description": "x", "auto_inactive": false, "log_url": "https://github.com/acme/gitops",
    });
    let list = format!("{below}?environment=production&task=promote&per_page=100");
    for (method, target, body, status) in [
        ("POST", statuses.as_str(), word, 201),
        ("GET", &format!("{statuses}?per_page=1"), Value::Null, 200),
        ("GET", &list, Value::Null, 200),
        ("GET", &format!("{below}/1/statuses"), Value::Null, 404),
        ("POST", &below, json!({ "ref": "none" }), 422),
    ] {
        let (got, said) = bench.raw(method, target, &body).await;
        assert_eq!(got, status, "{method} {target}: {said}");
    }
}

fn reads() -> Vec<Row> {
    let get = |target, status| ("GET", target, Value::Null, status);
    vec![
        get("//rate_limit", 200),
        get("//user", 200),
        get("//app", 401),
        get("", 200),
        get("/branches/main", 200),
        get("/branches/none", 404),
        get("/rules/branches/main", 200),
        get("/contents/apps/web", 200),
        get("/contents/README.md?ref=work", 200),
        get("/contents/README.md?ref=none", 404),
        get("/git/ref/heads/work", 200),
        get("/git/matching-refs/heads", 200),
        get("/git/matching-refs/heads/none", 200),
        get("/git/blobs/BLOB", 200),
        get("/git/trees/main?recursive=1", 200),
        get("/git/commits/COMMIT", 200),
        get("/commits/main", 200),
        get("/commits/none", 422),
        get("/commits/COMMIT/check-runs?filter=all&per_page=1", 200),
        get("/commits/work/status", 200),
        get("/compare/main...work", 200),
        get("/compare/work...main", 200),
        get("/compare/main...none", 404),
        get(
            "/pulls?state=all&sort=updated&direction=asc&per_page=1",
            200,
        ),
        get("/pulls/1", 200),
        get("/pulls/1/files", 200),
        get("/pulls/1/merge", 404),
        get("/pulls/1/reviews", 200),
        get("/pulls/99", 404),
        get("/issues/1/comments", 200),
        get("/issues/1/labels", 200),
        get("/labels/none", 404),
    ]
}

fn writes() -> Vec<Row> {
    vec![
        (
            "POST",
            "/git/blobs",
            json!({"content": "eA==", "encoding": "base64"}),
            201,
        ),
        (
            "POST",
            "/git/refs",
            json!({"ref": "refs/heads/more", "sha": "COMMIT"}),
            201,
        ),
        (
            "POST",
            "/git/refs",
            json!({"ref": "refs/heads/more", "sha": "COMMIT"}),
            422,
        ),
        (
            "POST",
            "/git/refs",
            json!({"ref": "more", "sha": "COMMIT"}),
            422,
        ),
        (
            "POST",
            "/git/trees",
            json!({"tree": [{"path": "x", "mode": "100644", "type": "blob", "sha": "BLOB"}]}),
            201,
        ),
        (
            "POST",
            "/git/trees",
            json!({"tree": [], "base_tree": "none"}),
            422,
        ),
        (
            "POST",
            "/git/commits",
            json!({"message": "x", "tree": "BLOB"}),
            422,
        ),
        (
            "PATCH",
            "/git/refs/heads/more",
            json!({"sha": "COMMIT"}),
            200,
        ),
        (
            "PATCH",
            "/git/refs/heads/none",
            json!({"sha": "COMMIT"}),
            422,
        ),
        (
            "PUT",
            "/contents/new.txt",
            json!({"message": "new", "content": "eA==", "branch": "more"}),
            201,
        ),
        (
            "PUT",
            "/contents/README.md",
            json!({"message": "x", "content": "eA==", "branch": "more", "sha": "COMMIT"}),
            409,
        ),
        (
            "POST",
            "/merges",
            json!({"base": "work", "head": "more"}),
            201,
        ),
        (
            "POST",
            "/merges",
            json!({"base": "work", "head": "more"}),
            204,
        ),
        (
            "POST",
            "/merges",
            json!({"base": "work", "head": "none"}),
            404,
        ),
        (
            "POST",
            "/statuses/COMMIT",
            json!({"state": "success", "context": "ci"}),
            201,
        ),
        (
            "POST",
            "/pulls",
            json!({"title": "again", "head": "work", "base": "main"}),
            422,
        ),
        (
            "POST",
            "/pulls",
            json!({"title": "same", "head": "main", "base": "main"}),
            422,
        ),
        (
            "PATCH",
            "/pulls/1",
            json!({"title": "Another title", "body": "Another text"}),
            200,
        ),
        ("PUT", "/pulls/1/update-branch", json!({}), 422),
        ("POST", "/pulls/1/reviews", json!({"event": "APPROVE"}), 422),
        (
            "POST",
            "/pulls/1/reviews",
            json!({"event": "COMMENT", "body": "Which ticket?"}),
            200,
        ),
        (
            "POST",
            "/pulls/1/requested_reviewers",
            json!({"reviewers": ["kim"], "team_reviewers": ["sre"]}),
            201,
        ),
        (
            "POST",
            "/labels",
            json!({"name": "blue", "color": "0000ff", "description": "A colour"}),
            201,
        ),
        (
            "POST",
            "/labels",
            json!({"name": "blue", "color": "0000ff"}),
            422,
        ),
        ("GET", "/labels/blue", Value::Null, 200),
        ("POST", "/issues/1/labels", json!({"labels": ["blue"]}), 200),
        ("GET", "/issues/1/labels", Value::Null, 200),
        ("DELETE", "/issues/1/labels/blue", Value::Null, 200),
        ("DELETE", "/issues/1/labels/blue", Value::Null, 404),
        (
            "POST",
            "/issues/1/assignees",
            json!({"assignees": ["kim"]}),
            201,
        ),
        ("POST", "/issues/1/comments", json!({"body": "Hello"}), 201),
        (
            "PATCH",
            "/issues/comments/99",
            json!({"body": "Hello"}),
            404,
        ),
        (
            "PUT",
            "/pulls/1/merge",
            json!({"merge_method": "merge", "commit_title": "By hand"}),
            200,
        ),
        ("GET", "/pulls/1/merge", Value::Null, 204),
        ("GET", "/pulls/1", Value::Null, 200),
        ("PUT", "/pulls/1/merge", json!({}), 405),
        ("PATCH", "/pulls/1", json!({"state": "open"}), 422),
        ("DELETE", "/git/refs/heads/work", Value::Null, 204),
        ("DELETE", "/git/refs/heads/work", Value::Null, 422),
    ]
}

/// Asks with credentials that do not do.
async fn as_strangers(bench: &RecordedClients) {
    let repository = format!("/repos/{REPOSITORY}");
    assert_eq!(
        bench
            .raw_as("none", "GET", &repository, &Value::Null)
            .await
            .0,
        401
    );
    bench.world.lock().github.tokens = TokenTable::default();
    for kind in [TokenKind::FineGrained, TokenKind::Actions] {
        let mut token = promote_mock::github::GitHubToken::full(kind, "bot");
        token.permissions = [("metadata".to_owned(), PermissionLevel::Read)].into();
        bench.world.lock().github.tokens.insert(GITHUB_TOKEN, token);
        let refs = format!("{repository}/git/refs");
        let body = json!({"ref": "refs/heads/x", "sha": "0".repeat(40)});
        assert_eq!(bench.raw("POST", &refs, &body).await.0, 403);
    }
}
