//! Permissions, the form of refusals, and the headers of every answer.

use serde_json::{Value, json};

use super::super::*;
use super::kit::GitHubBench;

#[test]
fn every_answer_has_the_common_headers() {
    let mut kit = GitHubBench::new();
    for path in [
        "/repos/acme/gitops",
        "/repos/acme/none",
        "/rate_limit",
        "/nowhere",
    ] {
        let seen = kit.get(path);
        for name in [
            "x-github-request-id",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-used",
            "x-ratelimit-reset",
        ] {
            assert_ne!(seen.header(name), "", "{name} of {path}");
        }
        assert_eq!(seen.header("x-github-api-version-selected"), "2022-11-28");
        assert_eq!(
            seen.header("content-type"),
            "application/json; charset=utf-8"
        );
    }
}

#[test]
fn errors_have_their_status_as_text_and_a_page_to_read() {
    let mut kit = GitHubBench::new();
    let cases = [
        (
            "GET",
            "git/ref/heads/none",
            "Not Found",
            "404",
            "/git/refs#get-a-reference",
        ),
        (
            "POST",
            "git/refs",
            "Invalid request.\n\n\"ref\", \"sha\" weren't supplied.",
            "422",
            "/git/refs#create-a-reference",
        ),
        (
            "GET",
            "/repos/acme/none",
            "Not Found",
            "404",
            "/repos/repos#get-a-repository",
        ),
        ("GET", "/nowhere", "Not Found", "404", ""),
        ("GET", "git/ref/heads/main/", "Not Found", "404", ""),
        ("POST", "/user", "Not Found", "404", ""),
    ];
    for (method, path, message, status, page) in cases {
        let seen = kit.ask(method, path, Value::Null);
        let expected = json!({"message": message, "status": status, "documentation_url": format!("https://docs.github.com/rest{page}")});
        assert_eq!(seen.body, expected, "{method} {path}");
    }
    assert_eq!(
        kit.github.unknown_routes,
        [
            "GET /nowhere",
            "GET /repos/acme/gitops/git/ref/heads/main/",
            "POST /user"
        ]
    );
}

#[test]
fn credentials_are_asked_for_and_checked() {
    let mut kit = GitHubBench::new();
    let missing = |kit: &mut GitHubBench, method: &str, path: &str| {
        kit.token = None;
        kit.ask(method, path, Value::Null)
    };
    for (method, path, status) in [
        ("GET", "/user", 401),
        ("POST", "/graphql", 401),
        ("POST", "/repos/acme/gitops/pulls", 404),
        ("GET", "/repos/acme/gitops", 404),
    ] {
        assert_eq!(
            missing(&mut kit, method, path).status,
            status,
            "a private repository hides itself"
        );
    }
    kit.repository().settings.private = false;
    assert_eq!(missing(&mut kit, "GET", "/repos/acme/gitops").status, 200);
    let seen = missing(&mut kit, "POST", "/repos/acme/gitops/pulls");
    assert_eq!(
        (seen.status, seen.message()),
        (401, "Requires authentication")
    );
    for token in ["wrong", "mock-github-toke", ""] {
        kit.token = Some(token);
        let seen = kit.get("");
        assert_eq!((seen.status, seen.message()), (401, "Bad credentials"));
        assert_eq!(
            seen.body["documentation_url"],
            "https://docs.github.com/rest"
        );
    }
}

#[test]
fn expired_and_revoked_tokens_are_bad_credentials() {
    let mut kit = GitHubBench::new();
    let mut token = GitHubToken::full(TokenKind::FineGrained, "dana");
    token.expires_at = Some("2026-02-01T12:30:00Z".parse().unwrap());
    kit.github.tokens.insert("short", token);
    kit.token = Some("short");
    assert_eq!(kit.get("/user").status, 200);
    kit.wait(1800);
    assert_eq!(kit.get("/user").message(), "Bad credentials");
    kit.token = Some("mock-github-token");
    kit.github.tokens.revoke("mock-github-token");
    assert_eq!(kit.get("pulls").message(), "Bad credentials");
}

#[test]
fn missing_permissions_are_refused_in_the_words_of_the_token() {
    let cases = [
        (
            TokenKind::Installation { id: 1 },
            403,
            "Resource not accessible by integration",
        ),
        (
            TokenKind::Actions,
            403,
            "Resource not accessible by integration",
        ),
        (
            TokenKind::FineGrained,
            403,
            "Resource not accessible by personal access token",
        ),
    ];
    for (kind, status, message) in cases {
        let mut kit = GitHubBench::new();
        let permissions = PermissionTable::from([("contents".into(), PermissionLevel::Read)]);
        kit.github.tokens.insert(
            "mock-github-token",
            GitHubToken {
                permissions,
                ..GitHubToken::full(kind, "dana")
            },
        );
        assert_eq!(kit.get("git/ref/heads/main").status, 200);
        let asks = [
            ("POST", "git/refs", "contents=write"),
            ("GET", "pulls", "pull_requests=read"),
            ("PUT", "pulls/1/merge", "contents=write"),
        ];
        for (method, path, accepted) in asks {
            let seen = kit.ask(method, path, Value::Null);
            assert_eq!(
                (seen.status, seen.message()),
                (status, message),
                "{method} {path}"
            );
            assert_eq!(seen.header("x-accepted-github-permissions"), accepted);
        }
    }
}

#[test]
fn a_token_for_another_repository_finds_nothing() {
    for kind in [
        TokenKind::Classic,
        TokenKind::Actions,
        TokenKind::Installation { id: 1 },
    ] {
        let mut kit = GitHubBench::new();
        let access = RepositoryAccess::Only([4].into());
        kit.github.tokens.insert(
            "mock-github-token",
            GitHubToken {
                access,
                ..GitHubToken::full(kind, "dana")
            },
        );
        for (method, path) in [
            ("GET", ""),
            ("GET", "contents/README.md"),
            ("POST", "git/blobs"),
            ("PUT", "pulls/1/merge"),
        ] {
            let path = if path.is_empty() {
                "/repos/acme/gitops"
            } else {
                path
            };
            assert_eq!(kit.ask(method, path, Value::Null).message(), "Not Found");
        }
    }
}

#[test]
fn user_agent_version_and_body_are_checked() {
    let mut kit = GitHubBench::new();
    let bare = http::Request::builder()
        .uri("https://api.github.com/user")
        .body(Vec::new())
        .unwrap();
    let seen = kit.send(&bare);
    assert_eq!(
        (seen.status, seen.header("content-type")),
        (403, "text/html; charset=utf-8")
    );
    let cases = [
        ("2022-11-28", 200),
        ("2026-03-10", 200),
        ("2020-01-01", 400),
    ];
    for (version, status) in cases {
        let request = kit
            .request("GET", "/repos/acme/gitops", None)
            .header("x-github-api-version", version);
        let seen = kit.send(&request.body(Vec::new()).unwrap());
        assert_eq!(seen.status, status);
        assert_eq!(
            seen.body.get("has_downloads").is_some(),
            version == "2022-11-28",
            "{version}"
        );
    }
    for (text, message) in [
        ("{", "Problems parsing JSON"),
        ("[1]", "Body should be a JSON object"),
        ("\"x\"", "Body should be a JSON object"),
    ] {
        let request = kit
            .request("POST", "/repos/acme/gitops/git/blobs", None)
            .body(text.into())
            .unwrap();
        let seen = kit.send(&request);
        assert_eq!((seen.status, seen.message()), (400, message));
    }
}

#[test]
fn renamed_repositories_redirect_and_the_target_answers() {
    let mut kit = GitHubBench::new();
    kit.repository()
        .renamed_from
        .push("acme/deployments".into());
    let id = kit.repository().id;
    let seen = kit.get("/repos/acme/deployments/pulls?state=all");
    let target = format!("https://api.github.com/repositories/{id}/pulls?state=all");
    assert_eq!(
        (seen.status, seen.message(), seen.header("location")),
        (301, "Moved Permanently", &*target)
    );
    assert_eq!(
        kit.get(&format!("/repositories/{id}/pulls?state=all")).body,
        json!([])
    );
    assert_eq!(
        kit.get(&format!("/repositories/{id}")).body["full_name"],
        "acme/gitops"
    );
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let path = if method == "POST" {
            "git/refs"
        } else {
            "git/refs/heads/x"
        };
        let path = if method == "PUT" { "contents/x" } else { path };
        let seen = kit.ask(
            method,
            &format!("/repos/Acme/Deployments/{path}"),
            json!({}),
        );
        assert_eq!(
            (seen.status, seen.header("location")),
            (
                307,
                &*format!("https://api.github.com/repositories/{id}/{path}")
            )
        );
    }
    kit.github
        .create_repository("acme/deployments", [("a", "b")]);
    assert_eq!(
        kit.get("/repos/acme/deployments").body["full_name"],
        "acme/deployments",
        "names are reused"
    );
}

#[test]
fn the_primary_limit_runs_down_and_comes_back() {
    let mut kit = GitHubBench::new();
    kit.github.rate_limits.limit = Some(2);
    assert_eq!(kit.get("pulls").header("x-ratelimit-remaining"), "1");
    assert_eq!(
        kit.get("/rate_limit").body["resources"]["core"]["remaining"],
        1,
        "asking is free"
    );
    assert_eq!(kit.get("pulls").header("x-ratelimit-remaining"), "0");
    let seen = kit.get("pulls");
    assert_eq!(
        (seen.status, seen.message()),
        (403, "API rate limit exceeded for installation ID 7.")
    );
    assert_eq!(
        (
            seen.header("x-ratelimit-remaining"),
            seen.header("x-ratelimit-used")
        ),
        ("0", "2")
    );
    assert_eq!(
        seen.header("x-ratelimit-reset"),
        kit.now.as_second().saturating_add(3600).to_string()
    );
    kit.wait(3600);
    assert_eq!(kit.get("pulls").status, 200);
}

#[test]
fn archived_repositories_are_read_only() {
    let mut kit = GitHubBench::new();
    kit.repository().settings.archived = true;
    assert_eq!(kit.get("pulls").status, 200);
    let seen = kit.post("git/blobs", json!({"content": "x"}));
    assert_eq!(
        (seen.status, seen.message()),
        (403, "Repository was archived so is read-only.")
    );
}

#[test]
fn a_prefix_is_taken_off_and_put_into_addresses() {
    let mut kit = GitHubBench::new();
    kit.github.api_base = "/api/v3".into();
    let request = kit
        .request("GET", "/api/v3/repos/acme/gitops", None)
        .body(Vec::new())
        .unwrap();
    assert_eq!(
        kit.send(&request).body["url"],
        "https://api.github.com/api/v3/repos/acme/gitops"
    );
    let request = http::Request::builder()
        .uri("/api/v3/")
        .header("host", "127.0.0.1:9")
        .header("user-agent", "x");
    let seen = kit.send(&request.body(Vec::new()).unwrap());
    assert_eq!(
        seen.body["rate_limit_url"],
        "http://127.0.0.1:9/api/v3/rate_limit"
    );
}

#[test]
fn who_am_i() {
    let mut kit = GitHubBench::with_token(TokenKind::Classic);
    assert_eq!(kit.get("/user").body["login"], "dana");
    assert_eq!(kit.get("/user").header("x-oauth-scopes"), "repo");
    let mut kit = GitHubBench::new();
    assert_eq!(
        kit.get("/user").message(),
        "Resource not accessible by integration"
    );
    assert_eq!(kit.get("/").status, 200);
}

#[test]
fn either_permission_will_do_for_comments_and_workflows_need_their_own() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    for (permission, status) in [("issues", 201), ("pull_requests", 201), ("contents", 403)] {
        let permissions = PermissionTable::from([(permission.to_owned(), PermissionLevel::Write)]);
        let token = GitHubToken {
            permissions,
            ..GitHubToken::full(TokenKind::Actions, "dana")
        };
        kit.github.tokens.insert("mock-github-token", token);
        let seen = kit.post("issues/1/comments", json!({"body": "x"}));
        assert_eq!(seen.status, status, "{permission}");
        assert_eq!(
            seen.header("x-accepted-github-permissions"),
            "issues=write; pull_requests=write"
        );
    }
    for (kind, status) in [
        (TokenKind::Actions, 403),
        (TokenKind::Installation { id: 1 }, 201),
    ] {
        let mut kit = GitHubBench::with_token(kind);
        let path = ".github/workflows/ci.yml";
        let tree = json!({"tree": [{"path": path, "mode": "100644", "content": "on: push"}]});
        assert_eq!(kit.post("git/trees", tree).status, status);
        let file = json!({"message": "m", "content": ""});
        assert_eq!(
            kit.ask("PUT", &format!("contents/{path}"), file).status,
            status
        );
    }
}
