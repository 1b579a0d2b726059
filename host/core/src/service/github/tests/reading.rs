//! Files, commits, pull requests: what is read, and what is not believed.

use crate::service::github::tests::*;

const CONTENT: &str = "GET /contents/a/b.yaml?ref=1111111111111111111111111111111111111111";

#[tokio::test]
async fn reads_a_file_at_the_commit_that_a_branch_names() {
    let text = "\u{feff}image: x\r\n".repeat(20);
    let head = answer(
        200,
        json!({ "ref": "refs/heads/main", "object": { "sha": BASE } }),
    );
    let (github, script) = github(vec![
        ("GET /git/ref/heads/main", head),
        (CONTENT, answer(200, content(text.as_bytes()))),
    ]);
    let file = github
        .repo(R)
        .unwrap()
        .file("a/b.yaml", "main")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((file.content, file.commit.as_str()), (text.clone(), BASE));
    assert_eq!(file.blob, blob_id(text.as_bytes()));
    script.end();
    let request = &script.sent.lock().unwrap()[0];
    let headers = ["authorization", "accept", "x-github-api-version"]
        .map(|h| request.headers()[h].to_str().unwrap());
    assert_eq!(
        headers,
        [
            "Bearer mock-github-token",
            "application/vnd.github+json",
            "2022-11-28"
        ]
    );
    assert!(
        request.headers()["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("promote/")
    );
}

#[test]
fn names_blobs_as_git_does() {
    assert_eq!(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_eq!(
        blob_id(b"hello\n"),
        "ce013625030ba8dba906f756967f9e9ca394464a"
    );
}

#[tokio::test]
async fn refuses_what_is_no_text_file() {
    let mut large = content(b"x");
    large["size"] = json!(5 * 1024 * 1024);
    large["encoding"] = json!("none");
    let mut followed = content(b"x");
    followed["path"] = json!("a/other.yaml");
    let mut link = content(b"x");
    link["sha"] = json!(blob_id(b"other.yaml"));
    for (body, expected) in [
        (json!([{ "type": "file" }]), "is a directory"),
        (json!({ "type": "symlink", "target": "x" }), "is a symlink"),
        (json!({ "type": "submodule" }), "is a submodule"),
        (content(b"ab\xffc"), "byte 2 "),
        (large, "more than"),
        (followed, "symbolic link"),
        (link, "symbolic link"),
    ] {
        let (github, _) = github(vec![(CONTENT, answer(200, body))]);
        let failure = kind(github.repo(R).unwrap().file("a/b.yaml", BASE).await);
        assert!(
            failure.starts_with("Rejected") && failure.contains(expected),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn reads_a_large_file_as_a_blob() {
    let text = "x".repeat(1024 * 1024 + 1);
    let mut large = content(text.as_bytes());
    let whole = large.clone();
    large["encoding"] = json!("none");
    large["content"] = json!("");
    let blob = format!("GET /git/blobs/{}", blob_id(text.as_bytes()));
    let (client, _) = github(vec![
        (CONTENT, answer(200, large.clone())),
        (blob.leak(), answer(200, whole)),
    ]);
    let file = client.repo(R).unwrap().file("a/b.yaml", BASE).await;
    assert_eq!(file.unwrap().unwrap().content, text);
    // Of a link to a large file, the identifier is the link's, and so is the blob.
    large["sha"] = json!(blob_id(b"other.yaml"));
    let blob = format!("GET /git/blobs/{}", blob_id(b"other.yaml"));
    let (client, _) = github(vec![
        (CONTENT, answer(200, large)),
        (blob.leak(), answer(200, content(b"other.yaml"))),
    ]);
    let failure = kind(client.repo(R).unwrap().file("a/b.yaml", BASE).await);
    assert!(failure.contains("symbolic link"), "{failure}");
}

#[tokio::test]
async fn tells_a_missing_file_from_a_missing_revision() {
    let none = || answer(404, said("Not Found"));
    let here = "GET /git/commits/1111111111111111111111111111111111111111";
    let (client, script) = github(vec![
        (CONTENT, none()),
        (here, answer(200, json!({ "sha": BASE }))),
    ]);
    assert_eq!(
        client
            .repo(R)
            .unwrap()
            .file("a/b.yaml", BASE)
            .await
            .unwrap(),
        None
    );
    script.end();
    let (client, script) = github(vec![(CONTENT, none()), (here, none())]);
    assert!(kind(client.repo(R).unwrap().file("a/b.yaml", BASE).await).starts_with("NotFound"));
    script.end();
    let (client, script) = github(vec![
        ("GET /git/ref/heads/v1", none()),
        ("GET /commits/v1", answer(200, json!({ "sha": BASE }))),
        (CONTENT, none()),
    ]);
    assert_eq!(
        client
            .repo(R)
            .unwrap()
            .file("a/b.yaml", "v1")
            .await
            .unwrap(),
        None
    );
    script.end();
    for repository in ["acme", "acme/", "/x", "a/b/c", "../x"] {
        assert!(
            kind(client.repo(repository).map(drop)).starts_with("Rejected"),
            "{repository}"
        );
    }
}

#[tokio::test]
async fn waits_for_mergeability_only_while_it_can_come() {
    let unknown = || {
        answer(
            200,
            pull(json!({ "mergeable": null, "mergeable_state": "unknown" })),
        )
    };
    let get = "GET /pulls/7";
    let (client, script) = github(vec![
        (get, unknown()),
        (get, unknown()),
        (get, answer(200, pull(json!({})))),
    ]);
    assert_eq!(
        client
            .repo(R)
            .unwrap()
            .pull_request(7)
            .await
            .unwrap()
            .mergeable,
        Mergeability::Ready
    );
    assert_eq!(script.end(), 1);
    let (client, script) = github(vec![(get, answer(200, merged()))]);
    let found = client.repo(R).unwrap().pull_request(7).await.unwrap();
    assert_eq!(
        (found.state, found.merge_commit.as_deref()),
        (PullState::Merged, Some("m1"))
    );
    assert_eq!(script.end(), 0);
    for (fields, expected) in [
        (
            json!({ "mergeable": false, "mergeable_state": "dirty" }),
            Mergeability::Conflicting,
        ),
        (
            json!({ "mergeable_state": "blocked" }),
            Mergeability::Blocked,
        ),
        (json!({ "mergeable_state": "behind" }), Mergeability::Behind),
        (
            json!({ "mergeable_state": "unstable" }),
            Mergeability::Ready,
        ),
        (
            json!({ "mergeable_state": "has_hooks" }),
            Mergeability::Ready,
        ),
        (
            json!({ "draft": true, "mergeable_state": "draft" }),
            Mergeability::Draft,
        ),
        (json!({ "mergeable_state": "novel" }), Mergeability::Unknown),
    ] {
        let (client, _) = github(vec![(get, answer(200, pull(fields)))]);
        assert_eq!(
            client
                .repo(R)
                .unwrap()
                .pull_request(7)
                .await
                .unwrap()
                .mergeable,
            expected
        );
    }
}

#[tokio::test]
async fn believes_no_list_of_pull_requests() {
    let mut fork = pull(json!({ "number": 8 }));
    fork["head"]["repo"]["id"] = json!(2);
    let mut gone = pull(json!({ "number": 9 }));
    gone["head"]["repo"] = Value::Null;
    let mut other = pull(json!({ "number": 10 }));
    other["head"]["ref"] = json!("promote/web-2");
    let mut base = pull(json!({ "number": 11 }));
    base["base"]["ref"] = json!("release");
    let list = || json!([fork.clone(), gone.clone(), other.clone(), base.clone()]);
    let next = "<https://hub.test/repositories/1/pulls?page=2>; rel=\"next\"";
    let order = "sort=created&direction=desc&per_page=100";
    let exact = format!("GET /pulls?state=open&base=main&head=acme:promote%2Fweb&{order}");
    let (client, script) = github(vec![
        (exact.leak(), with(200, &[("link", next)], list())),
        (
            "GET !/repositories/1/pulls?page=2",
            answer(200, json!([pull(json!({}))])),
        ),
    ]);
    let numbers = |found: Vec<PullRequest>| found.into_iter().map(|p| p.number).collect::<Vec<_>>();
    assert_eq!(
        numbers(
            client
                .repo(R)
                .unwrap()
                .pull_requests("promote/web", "main", PullFilter::Open)
                .await
                .unwrap()
        ),
        [7]
    );
    script.end();
    let prefix = format!("GET /pulls?state=closed&base=main&{order}");
    let (client, script) = github(vec![(prefix.leak(), answer(200, list()))]);
    assert_eq!(
        numbers(
            client
                .repo(R)
                .unwrap()
                .pull_requests("promote/*", "main", PullFilter::Ended)
                .await
                .unwrap()
        ),
        [10]
    );
    script.end();
    // A branch and its series: by the name itself, however long ago, and among the newest of all.
    let exact = format!("GET /pulls?state=closed&base=main&head=acme:promote%2Fweb&{order}");
    let prefix = format!("GET /pulls?state=closed&base=main&{order}");
    let next = "<https://hub.test/repositories/1/pulls?page=2>; rel=\"next\"";
    let newest = json!([other.clone(), pull(json!({}))]);
    let old = json!([pull(json!({ "number": 3 })), pull(json!({}))]);
    let (client, script) = github(vec![
        (prefix.leak(), with(200, &[("link", next)], newest)),
        (exact.leak(), answer(200, old)),
    ]);
    let found = client
        .repo(R)
        .unwrap()
        .pull_requests("promote/web*", "main", PullFilter::Ended)
        .await
        .unwrap();
    assert_eq!(numbers(found), [10, 7, 3]);
    script.end();
}

#[tokio::test]
async fn finds_the_branches_of_a_repository_that_has_moved() {
    let order = "sort=created&direction=desc&per_page=100";
    let of = |owner: &str| -> &'static str {
        format!("GET /pulls?state=open&base=main&head={owner}:promote%2Fweb&{order}").leak()
    };
    let moved = |to: &str| with(301, &[("location", to)], said("Moved Permanently"));
    let (client, script) = github(vec![
        (of("acme"), moved("https://hub.test/repositories/1/pulls?a")),
        ("GET !/repositories/1/pulls?a", answer(200, "[]")),
        ("GET ", moved("https://hub.test/repositories/1")),
        (
            "GET !/repositories/1",
            answer(200, json!({ "full_name": "newco/gitops" })),
        ),
        (
            of("newco"),
            moved("https://hub.test/repositories/1/pulls?b"),
        ),
        (
            "GET !/repositories/1/pulls?b",
            answer(200, json!([pull(json!({}))])),
        ),
        // What was learnt is not asked again.
        (of("newco"), answer(200, json!([pull(json!({}))]))),
    ]);
    let repo = client.repo(R).unwrap();
    for _ in ["first", "second"] {
        let found = repo
            .pull_requests("promote/web", "main", PullFilter::Open)
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
    }
    script.end();
}

#[tokio::test]
async fn the_pull_requests_of_a_file_are_those_of_its_commits() {
    let node = |fields: Value| {
        let mut node = json!({
            "number": 7, "url": "https://hub.test/7", "title": "t", "body": "b", "state": "MERGED",
            "headRefName": "promote/web", "headRefOid": OURS, "baseRefName": "main", "isCrossRepository": false,
            "mergedAt": "2026-01-06T10:00:00Z", "mergeCommit": { "oid": "m1" },
        });
        for (name, value) in fields.as_object().unwrap() {
            node[name] = value.clone();
        }
        node
    };
    let commit = |message: &str, pulls: Value| json!({ "message": message, "associatedPullRequests": { "nodes": pulls } });
    let history = |nodes: Value| {
        let target = json!({ "history": { "nodes": nodes } });
        answer(
            200,
            json!({ "data": { "repository": { "ref": { "target": target } } } }),
        )
    };
    let note = "b\n\n<!-- promote {\"image\":\"web-1\",\"runs\":[\"r_1\"]} -->";
    let others = json!([
        node(json!({ "number": 8, "isCrossRepository": true })),
        node(json!({ "number": 9, "baseRefName": "release" })),
        node(json!({ "number": 10, "state": "OPEN", "mergedAt": null, "mergeCommit": null })),
        node(json!({ "body": note })),
    ]);
    let ours = "Promote web\n\nPromotion-Branch: promote/web\n";
    const QL: &str = "POST !/graphql";
    // Of a commit of ours whose pull request is not told, the list of pull requests tells.
    let (client, script) = github(vec![
        (
            QL,
            history(json!([
                commit(ours, json!([])),
                commit("by hand", json!([])),
                commit("pushed", others),
                commit("older", json!([node(json!({}))])),
            ])),
        ),
        (
            ENDED,
            answer(
                200,
                json!([merged(), pull(json!({ "number": 11, "state": "closed" }))]),
            ),
        ),
    ]);
    let repo = client.repo(R).unwrap();
    let found = repo.file_pulls("a/b.yaml", "main").await.unwrap();
    let numbers: Vec<_> = found.iter().map(|pull| pull.number).collect();
    assert_eq!(numbers, [7]);
    assert_eq!(found[0].merge_commit.as_deref(), Some("m1"));
    script.end();
    // The note of the first that tells it.
    let brought = json!([commit(ours, json!([node(json!({ "body": note }))]))]);
    let (client, script) = github(vec![(QL, history(brought))]);
    let repo = client.repo(R).unwrap();
    let found = repo.file_pulls("a/b.yaml", "main").await.unwrap();
    assert_eq!(found[0].image.as_deref(), Some("web-1"));
    assert_eq!(found[0].runs, ["r_1"]);
    script.end();
    let none = |repository: Value, errors: Value| {
        answer(
            200,
            json!({ "data": { "repository": repository }, "errors": errors }),
        )
    };
    let forbidden = json!([{ "type": "FORBIDDEN", "path": ["repository"], "message": "Resource not accessible by integration" }]);
    let hidden = json!([{ "message": "m", "associatedPullRequests": null }]);
    for (given, expected) in [
        (
            none(json!({ "ref": null }), json!([])),
            "there is no branch main",
        ),
        (
            none(Value::Null, forbidden),
            "Resource not accessible by integration",
        ),
        (history(hidden), "may not read pull requests"),
    ] {
        let (client, script) = github(vec![(QL, given)]);
        let repo = client.repo(R).unwrap();
        let failure = repo.file_pulls("a/b.yaml", "main").await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
        script.end();
    }
}
