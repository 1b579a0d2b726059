//! Details that recordings of GitHub show, each of which a client could notice.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};
use super::merging::{opened, rules};
use crate::git::FileMode;

fn as_kind(kit: &mut GitHubBench, kind: TokenKind) {
    kit.github
        .tokens
        .insert("mock-github-token", GitHubToken::full(kind, "dana"));
}

#[test]
fn a_link_shows_its_own_id_and_the_content_of_its_target() {
    let mut kit = GitHubBench::new();
    let link = FileSpec {
        text: MANIFEST.into(),
        mode: FileMode::Symlink,
    };
    kit.github
        .commit_files("acme/gitops", "main", "m", [("link".into(), link)]);
    let own = kit.github.entry_at("acme/gitops", "main", "link").unwrap();
    let seen = kit.get("contents/link").body;
    assert_eq!(seen["sha"], own.id.to_string());
    assert!(
        seen["git_url"]
            .as_str()
            .unwrap()
            .ends_with(&own.id.to_string())
    );
    assert_eq!(
        (&seen["type"], &seen["size"]),
        (&json!("file"), &json!(TEXT.len()))
    );
    let target = kit.get(&format!("contents/{MANIFEST}")).body;
    assert_eq!(seen["content"], target["content"]);
}

#[test]
fn the_rights_in_a_repository_are_those_of_the_user_behind_a_token() {
    for (kind, expected) in [
        (TokenKind::Classic, json!(true)),
        (TokenKind::FineGrained, json!(true)),
        (TokenKind::Installation { id: 7 }, json!(false)),
        (TokenKind::Actions, json!(false)),
    ] {
        let mut kit = GitHubBench::with_token(kind);
        let seen = kit.get("/repos/acme/gitops").body;
        assert_eq!(seen["permissions"]["push"], expected, "{kind:?}");
        assert_eq!(seen["allow_squash_merge"], true, "{kind:?}");
        assert_eq!(seen["temp_clone_token"], "");
    }
}

#[test]
fn labels_and_reviewers_may_not_find_a_new_pull_request() {
    let (mut kit, _) = opened();
    kit.github.weather.unknown_pulls = 3;
    let id = kit.get("pulls/1").body["node_id"].clone();
    let label = json!({"labels": ["promote"]});
    let first = kit.post("issues/1/labels", label.clone());
    assert_eq!(
        (first.status, &first.body["errors"]),
        (422, &json!(["Issue not found"]))
    );
    let ask = json!({"reviewers": ["erin"]});
    let second = kit.post("pulls/1/requested_reviewers", ask.clone());
    let reason = format!(
        "Could not resolve to a node with the global id of '{}'.",
        id.as_str().unwrap()
    );
    assert_eq!(
        (second.status, &second.body["errors"]),
        (422, &json!([reason]))
    );
    let query = "mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }";
    let document = json!({"query": query, "variables": {"id": id}});
    let third = kit.post("/graphql", document.clone());
    assert_eq!(third.body["errors"][0]["type"], "NOT_FOUND");
    assert_eq!(kit.post("issues/1/labels", label).status, 200);
    assert_eq!(kit.post("pulls/1/requested_reviewers", ask).status, 201);
    assert!(kit.post("/graphql", document).body["errors"].is_null());
}

#[test]
fn an_old_pull_request_is_known_everywhere() {
    let (mut kit, _) = opened();
    kit.github.weather.unknown_pulls = 1;
    kit.wait(60);
    let label = json!({"labels": ["promote"]});
    assert_eq!(kit.post("issues/1/labels", label).status, 200);
}

#[test]
fn a_team_needs_the_permission_to_see_members() {
    let ask = json!({"reviewers": ["erin"], "team_reviewers": ["owners"]});
    for (kind, members, status) in [
        (TokenKind::Installation { id: 7 }, true, 201),
        (TokenKind::Installation { id: 7 }, false, 422),
        (TokenKind::Actions, true, 422),
        (TokenKind::Classic, false, 201),
    ] {
        let (mut kit, _) = opened();
        kit.repository().collaborators.insert("owners".into());
        let mut token = GitHubToken::full(kind, "promote[bot]");
        if !members {
            token.permissions.remove("members");
        }
        kit.github.tokens.insert("mock-github-token", token);
        let seen = kit.post("pulls/1/requested_reviewers", ask.clone());
        assert_eq!(seen.status, status, "{kind:?}: {}", seen.body);
        if status == 422 {
            let reason = "Could not resolve to a node with the global id of 'owners'.";
            assert_eq!(seen.body["errors"], json!([reason]));
            assert_eq!(kit.get("pulls/1").body["requested_reviewers"], json!([]));
        }
    }
}

#[test]
fn a_reviewer_who_is_no_collaborator_is_refused_with_the_repository() {
    let (mut kit, _) = opened();
    let seen = kit.post("pulls/1/requested_reviewers", json!({"reviewers": ["kim"]}));
    assert_eq!(
        seen.message(),
        "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a \
         collaborator of the acme/gitops repository."
    );
    let seen = kit.post(
        "pulls/1/requested_reviewers",
        json!({"reviewers": ["erin"]}),
    );
    assert_eq!(seen.header("location"), seen.body["url"]);
    let seen = kit.post("issues/1/assignees", json!({"assignees": ["erin"]}));
    assert_eq!(seen.header("location"), seen.body["url"]);
}

#[test]
fn writes_are_refused_in_the_words_of_the_recordings() {
    let (mut kit, _) = opened();
    for (method, path, body, status, message) in [
        (
            "PUT",
            "pulls/1/update-branch",
            json!({"expected_head_sha": "0".repeat(40)}),
            422,
            "expected head sha didn’t match current head ref.",
        ),
        (
            "POST",
            "git/commits",
            json!({"message": "m", "tree": kit.main(), "author": {}}),
            422,
            "Invalid request.\n\n\"email\", \"name\" weren't supplied.",
        ),
        (
            "POST",
            "pulls",
            json!({"head": "work"}),
            422,
            "Invalid request.\n\n\"base\", \"title\" weren't supplied.",
        ),
        (
            "POST",
            "git/blobs",
            json!({}),
            422,
            "Invalid request.\n\n\"content\" wasn't supplied.",
        ),
        (
            "PATCH",
            "pulls/1",
            json!({"base": "x"}),
            422,
            "Validation Failed",
        ),
    ] {
        let seen = kit.ask(method, path, body);
        assert_eq!((seen.status, seen.message()), (status, message), "{path}");
    }
    let seen = kit.ask("PATCH", "pulls/1", json!({"base": "x"}));
    assert_eq!(
        seen.body["errors"][0],
        json!({"resource": "PullRequest", "field": "base", "code": "invalid", "message": "Proposed base branch 'x' was not found"})
    );
}

#[test]
fn a_moved_repository_redirects_reads_and_writes_in_the_same_words() {
    let mut kit = GitHubBench::new();
    kit.repository().renamed_from = vec!["acme/old".into()];
    for (method, status) in [("GET", 301), ("POST", 307)] {
        let seen = kit.ask(method, "/repos/acme/old/pulls", Value::Null);
        assert_eq!((seen.status, seen.message()), (status, "Moved Permanently"));
        let page = "https://docs.github.com/v3/#http-redirects";
        assert_eq!(seen.body["documentation_url"], page);
        assert_eq!(seen.header("location"), seen.body["url"]);
    }
}

#[test]
fn a_broken_claim_and_an_empty_agent_are_told_apart_from_a_bad_token() {
    let mut kit = GitHubBench::new();
    for (token, message) in [
        ("a.b.c", "A JSON web token could not be decoded"),
        ("ghs_1.b.c", "Bad credentials"),
        ("nothing", "Bad credentials"),
    ] {
        kit.token = Some(token);
        let seen = kit.get("/user");
        assert_eq!((seen.status, seen.message()), (401, message), "{token}");
    }
    kit.token = Some("mock-github-token");
    let mut request = kit
        .request("GET", "/repos/acme/gitops", None)
        .body(Vec::new())
        .unwrap();
    request
        .headers_mut()
        .insert("user-agent", http::HeaderValue::from_static(" "));
    assert_eq!(kit.send(&request).status, 403);
}

#[test]
fn every_read_can_be_asked_for_again_only_if_it_changed() {
    let (mut kit, _) = opened();
    for path in [
        "pulls/1",
        "pulls",
        "git/ref/heads/main",
        "contents/README.md",
    ] {
        let first = kit.get(path);
        let etag = first.header("etag").to_owned();
        assert!(
            etag.starts_with("W/\"") || path.starts_with("contents"),
            "{path}: {etag}"
        );
        assert_eq!(
            first.header("cache-control"),
            "private, max-age=60, s-maxage=60"
        );
        let again = |kit: &mut GitHubBench, etag: &str| {
            let request = kit.request("GET", &format!("/repos/acme/gitops/{path}"), None);
            kit.send(
                &request
                    .header("if-none-match", etag)
                    .body(Vec::new())
                    .unwrap(),
            )
        };
        let same = again(&mut kit, &etag);
        assert_eq!((same.status, same.bytes.len()), (304, 0), "{path}");
        assert_eq!(same.header("etag"), etag);
        assert_eq!(again(&mut kit, "W/\"other\"").status, 200, "{path}");
    }
    let pull = kit.get("pulls/1");
    assert_eq!(
        pull.header("last-modified"),
        "Sun, 01 Feb 2026 12:00:00 GMT"
    );
    let before = pull.header("etag").to_owned();
    kit.post("issues/1/comments", json!({"body": "hello"}));
    assert_ne!(kit.get("pulls/1").header("etag"), before);
}

#[test]
fn headers_tell_what_an_operation_needs() {
    let (mut kit, head) = opened();
    let seen = kit.get("pulls/1");
    assert_eq!(
        seen.header("x-accepted-github-permissions"),
        "pull_requests=read; contents=read"
    );
    assert!(seen.header("vary").contains("X-Requested-With"));
    let seen = kit.ask("PATCH", "git/refs/heads/work", json!({"sha": head}));
    assert_eq!(
        seen.header("x-accepted-github-permissions"),
        "contents=write; contents=write,workflows=write"
    );
    assert_eq!(seen.header("x-poll-interval"), "300");
    as_kind(&mut kit, TokenKind::Classic);
    let seen = kit.get("/user");
    assert_eq!(
        seen.header("x-accepted-github-permissions"),
        "allows_permissionless_access=true"
    );
    assert_eq!(seen.body["twitter_username"], Value::Null);
    assert!(
        seen.body
            .as_object()
            .unwrap()
            .contains_key("twitter_username")
    );
    assert_eq!(kit.get("pulls/1").header("x-accepted-oauth-scopes"), "repo");
}

#[test]
fn lists_that_older_clients_read_are_there() {
    let (mut kit, _) = opened();
    let names = |seen: &Value| -> Vec<String> {
        let refs = seen.as_array().unwrap().iter();
        refs.map(|one| one["ref"].as_str().unwrap().to_owned())
            .collect()
    };
    let both = ["refs/heads/main", "refs/heads/work"];
    assert_eq!(names(&kit.get("git/refs").body), both);
    assert_eq!(names(&kit.get("git/refs/heads").body), both);
    assert_eq!(
        kit.get("git/refs/heads/work").body["ref"],
        "refs/heads/work"
    );
    kit.post("issues/1/comments", json!({"body": "first"}));
    kit.wait(60);
    kit.post("issues/1/comments", json!({"body": "second"}));
    let seen = kit.get("issues/1/comments?since=2026-02-01T12:00:30Z").body;
    assert_eq!(
        (seen.as_array().unwrap().len(), &seen[0]["body"]),
        (1, &json!("second"))
    );
    assert_eq!(seen[0]["reactions"]["total_count"], 0);
}

#[test]
fn the_files_of_a_commit_come_in_pages() {
    let mut kit = GitHubBench::new();
    let files = (0..5).map(|number| (format!("many/{number}"), "x".into()));
    let commit = kit
        .github
        .commit_files("acme/gitops", "main", "many", files)
        .unwrap();
    let page = |kit: &mut GitHubBench, number: u8| {
        kit.get(&format!("commits/{commit}?per_page=2&page={number}"))
    };
    let sizes: Vec<usize> = (1..=4)
        .map(|number| {
            page(&mut kit, number).body["files"]
                .as_array()
                .unwrap()
                .len()
        })
        .collect();
    assert_eq!(sizes, [2, 2, 1, 0]);
    assert!(page(&mut kit, 1).header("link").contains("rel=\"next\""));
    assert_eq!(page(&mut kit, 2).body["stats"]["total"], 5);
}

#[test]
fn a_path_with_a_slash_leads_to_the_one_without() {
    let mut kit = GitHubBench::new();
    let id = kit.repository().id;
    let seen = kit.get("contents/apps/web/?ref=main");
    assert_eq!(seen.status, 302);
    let place = format!("https://api.github.com/repositories/{id}/contents/apps/web?ref=main");
    assert_eq!(seen.header("location"), place);
    assert!(seen.header("content-type").starts_with("text/html"));
}

#[test]
fn small_parts_of_answers_are_as_recorded() {
    let (mut kit, head) = opened();
    kit.post("issues/1/labels", json!({"labels": ["promote"]}));
    assert_eq!(kit.get("labels/promote").body["description"], Value::Null);
    let status = kit.get(&format!("commits/{head}/status")).body;
    assert!(status["repository"]["archive_url"].is_string());
    assert!(status["repository"]["default_branch"].is_null());
    let limits = kit.get("/rate_limit").body;
    for name in [
        "core",
        "search",
        "graphql",
        "code_search",
        "scim",
        "integration_manifest",
    ] {
        assert!(limits["resources"][name]["limit"].is_number(), "{name}");
    }
}

#[test]
fn a_closed_queue_is_told_in_github_s_words() {
    let (mut kit, _) = opened();
    let queue = rules(|rules| rules.merge_queue = true);
    kit.repository().rules.insert("main".into(), queue);
    assert_eq!(kit.get("pulls/1").body["mergeable_state"], "clean");
    let id = kit.get("pulls/1").body["node_id"].clone();
    let query = "mutation($id: ID!) { enqueuePullRequest(input: {pullRequestId: $id}) { clientMutationId } }";
    let document = json!({"query": query, "variables": {"id": id}});
    assert!(kit.post("/graphql", document.clone()).body["errors"].is_null());
    let again = kit.post("/graphql", document);
    assert_eq!(
        again.body["errors"][0]["message"],
        "Pull request is already in the queue"
    );
}
