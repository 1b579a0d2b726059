//! Opening, finding and changing pull requests.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST};

#[test]
fn every_row_of_opening_a_pull_request() {
    let mut kit = GitHubBench::new();
    kit.open("promote/web");
    kit.branch("fresh", "x", "1");
    let main = kit.main();
    kit.post("git/refs", json!({"ref": "refs/heads/same", "sha": main}));
    let error = |more: Value| json!([shapes::with(json!({"resource": "PullRequest"}), more)]);
    let body = |head: &str, base: &str| json!({"title": "t", "head": head, "base": base});
    let failed = "Validation Failed";
    let cases = [
        (body("fresh", "main"), 201, "", Value::Null),
        (body("acme:fresh", "main"), 201, "", Value::Null),
        (
            body("promote/web", "main"),
            422,
            failed,
            error(
                json!({"code": "custom", "message": "A pull request already exists for acme:promote/web."}),
            ),
        ),
        (
            body("same", "main"),
            422,
            failed,
            error(json!({"code": "custom", "message": "No commits between main and same"})),
        ),
        (
            body("none", "main"),
            422,
            failed,
            error(json!({"field": "head", "code": "invalid"})),
        ),
        (
            body("fresh", "none"),
            422,
            failed,
            error(json!({"field": "base", "code": "invalid"})),
        ),
        (
            json!({"title": "t".repeat(257), "head": "fresh", "base": "main"}),
            422,
            failed,
            json!([{"resource": "Issue", "code": "custom", "field": "title", "message": "title is too long (maximum is 256 characters)"}]),
        ),
        (
            json!({"title": "t", "base": "main"}),
            422,
            "Invalid request.\n\n\"head\" wasn't supplied.",
            Value::Null,
        ),
        (
            json!({"title": "t", "head": "fresh"}),
            422,
            "Invalid request.\n\n\"base\" wasn't supplied.",
            Value::Null,
        ),
        (
            json!({"head": "fresh", "base": "main"}),
            422,
            "Invalid request.\n\n\"title\" wasn't supplied.",
            Value::Null,
        ),
    ];
    for (body, status, message, errors) in cases {
        let seen = kit.clone().post("pulls", body.clone());
        assert_eq!(
            (seen.status, seen.message(), &seen.body["errors"]),
            (status, message, &errors),
            "{body}"
        );
        if status == 201 {
            assert_eq!(
                seen.header("location"),
                "https://api.github.com/repos/acme/gitops/pulls/2"
            );
        }
    }
}

#[test]
fn a_workflow_may_be_kept_from_opening_pull_requests() {
    for (kind, status) in [(TokenKind::Actions, 403), (TokenKind::Classic, 201)] {
        let mut kit = GitHubBench::with_token(kind);
        kit.repository().settings.actions_may_create_pulls = false;
        kit.branch("work", "x", "1");
        let seen = kit.post(
            "pulls",
            json!({"title": "t", "head": "work", "base": "main"}),
        );
        assert_eq!(seen.status, status);
        if status == 403 {
            assert_eq!(
                seen.message(),
                "GitHub Actions is not permitted to create or approve pull requests."
            );
        }
    }
}

#[test]
fn lists_filter_but_ignore_a_head_without_owner() {
    let mut kit = GitHubBench::new();
    for branch in ["one", "two", "three"] {
        kit.open(branch);
    }
    kit.github.close_pull_request("acme/gitops", 2);
    let numbers = |kit: &mut GitHubBench, query: &str| -> Vec<u64> {
        let body = kit.get(&format!("pulls?{query}")).body;
        body.as_array()
            .unwrap()
            .iter()
            .map(|pull| pull["number"].as_u64().unwrap())
            .collect()
    };
    let cases: [(&str, &[u64]); 9] = [
        ("", &[3, 1]),
        ("state=all", &[3, 2, 1]),
        ("state=closed", &[2]),
        ("head=acme:one", &[1]),
        ("head=acme%3Aone&state=all", &[1]),
        ("head=one", &[3, 1]),
        ("head=other:one", &[]),
        ("base=none", &[]),
        ("direction=asc", &[1, 3]),
    ];
    for (query, expected) in cases {
        assert_eq!(numbers(&mut kit, query), expected, "{query}");
    }
    assert_eq!(kit.get("pulls?state=sideways").status, 422);
}

#[test]
fn pages_link_to_each_other_by_number() {
    let mut kit = GitHubBench::new();
    for branch in ["one", "two", "three", "four", "five"] {
        kit.open(branch);
    }
    let id = kit.repository().id;
    let link = |page: u32, rel: &str| {
        format!(
            "<https://api.github.com/repositories/{id}/pulls?per_page=2&page={page}>; rel=\"{rel}\""
        )
    };
    let cases = [
        (1, 2, vec![link(2, "next"), link(3, "last")]),
        (
            2,
            2,
            vec![
                link(1, "prev"),
                link(3, "next"),
                link(3, "last"),
                link(1, "first"),
            ],
        ),
        (3, 1, vec![link(2, "prev"), link(1, "first")]),
        (4, 0, vec![link(3, "prev"), link(1, "first")]),
    ];
    for (page, count, links) in cases {
        let seen = kit.get(&format!("pulls?per_page=2&page={page}"));
        assert_eq!(
            (seen.body.as_array().unwrap().len(), seen.header("link")),
            (count, &*links.join(", "))
        );
        let again = kit.get(&format!("/repositories/{id}/pulls?per_page=2&page={page}"));
        assert_eq!(
            (again.body, again.headers["link"].as_bytes()),
            (seen.body, links.join(", ").as_bytes())
        );
    }
    assert_eq!(kit.get("pulls").header("link"), "");
}

#[test]
fn changes_keep_what_they_do_not_name() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    let seen = kit.ask("PATCH", "pulls/1", json!({"title": "new"})).body;
    assert_eq!(
        (&seen["title"], &seen["body"], &seen["state"]),
        (&json!("new"), &json!("why"), &json!("open"))
    );
    let seen = kit.ask("PATCH", "pulls/1", json!({"state": "closed"})).body;
    assert_eq!(
        (&seen["state"], &seen["closed_at"]),
        (&json!("closed"), &json!("2026-02-01T12:00:00Z"))
    );
    assert_eq!(
        kit.ask("PATCH", "pulls/1", json!({"state": "open"})).body["state"],
        "open"
    );
    for (body, status) in [
        (json!({"state": "gone"}), 422),
        (json!({"base": "none"}), 422),
        (json!({"title": 1}), 422),
    ] {
        assert_eq!(kit.ask("PATCH", "pulls/1", body).status, status);
    }
    kit.ask("DELETE", "git/refs/heads/work", Value::Null);
    assert_eq!(
        kit.get("pulls/1").body["state"],
        "closed",
        "a pull request ends with its branch"
    );
    assert_eq!(
        kit.ask("PATCH", "pulls/1", json!({"state": "open"})).status,
        422
    );
    assert_eq!(kit.get("pulls/2").status, 404);
    assert_eq!(kit.get("pulls/x").status, 404);
}

#[test]
fn mergeable_is_computed_behind_the_first_looks() {
    let mut kit = GitHubBench::new();
    kit.github.weather.unknown_mergeable = 2;
    kit.open("work");
    let looks = |kit: &mut GitHubBench| -> Vec<Value> {
        (0..3)
            .map(|_| kit.get("pulls/1").body["mergeable"].clone())
            .collect()
    };
    assert_eq!(looks(&mut kit), [json!(null), json!(null), json!(true)]);
    kit.github.commit_files(
        "acme/gitops",
        "main",
        "m",
        [(MANIFEST.into(), "other".into())],
    );
    assert_eq!(
        looks(&mut kit),
        [json!(null), json!(null), json!(false)],
        "a new base starts again"
    );
    kit.github.close_pull_request("acme/gitops", 1);
    assert_eq!(
        looks(&mut kit),
        [json!(false), json!(false), json!(false)],
        "a closed one keeps what was computed last"
    );
    assert_eq!(kit.get("pulls/1").body["mergeable_state"], "dirty");
}

#[test]
fn a_trial_merge_has_a_commit_once_it_is_computed() {
    let mut kit = GitHubBench::new();
    let head = kit.open("work");
    let commit = |kit: &mut GitHubBench| kit.get("pulls/1").body["merge_commit_sha"].clone();
    assert_eq!(commit(&mut kit), Value::Null);
    let trial = commit(&mut kit);
    assert_eq!(trial.as_str().map(str::len), Some(40));
    assert!(trial != json!(head) && trial != json!(kit.main()));
    assert_eq!(kit.get("pulls").body[0]["merge_commit_sha"], trial);
    kit.github
        .commit_files("acme/gitops", "main", "m", [(MANIFEST.into(), "x".into())]);
    assert_eq!(
        commit(&mut kit),
        Value::Null,
        "not computed for the new base"
    );
    assert_eq!(commit(&mut kit), Value::Null, "a conflict has none");
}

#[test]
fn mergeable_state_tells_why() {
    let rules = |change: fn(&mut BranchRules)| {
        let mut rules = BranchRules::default();
        change(&mut rules);
        rules
    };
    type WorldEdit = fn(&mut GitHubBench);
    let behind: WorldEdit = |kit| {
        kit.github.commit_files(
            "acme/gitops",
            "main",
            "m",
            [("README.md".into(), "x".into())],
        );
    };
    let conflict: WorldEdit = |kit| {
        kit.github
            .commit_files("acme/gitops", "main", "m", [(MANIFEST.into(), "x".into())]);
    };
    let failing: WorldEdit = |kit| {
        let head = kit.repository().pulls[&1].head_sha;
        kit.github
            .set_check("acme/gitops", head, "lint", Some("failure"));
    };
    let draft: WorldEdit = |kit| kit.repository().pulls.get_mut(&1).unwrap().draft = true;
    let nothing: WorldEdit = |_| {};
    let cases = [
        (BranchRules::default(), nothing, "clean"),
        (BranchRules::default(), behind, "clean"),
        (rules(|rules| rules.strict = true), behind, "behind"),
        (BranchRules::default(), failing, "unstable"),
        (BranchRules::default(), draft, "draft"),
        (BranchRules::default(), conflict, "dirty"),
        (
            rules(|rules| rules.required_approvals = 1),
            nothing,
            "blocked",
        ),
        (
            rules(|rules| rules.required_checks = vec!["test".into()]),
            nothing,
            "blocked",
        ),
        (rules(|rules| rules.merge_queue = true), nothing, "clean"),
    ];
    for (rules, prepare, state) in cases {
        let mut kit = GitHubBench::new();
        kit.github.weather.unknown_mergeable = 0;
        kit.open("work");
        kit.repository().rules.insert("main".into(), rules);
        prepare(&mut kit);
        assert_eq!(kit.get("pulls/1").body["mergeable_state"], state);
    }
}

#[test]
fn a_push_moves_the_head_and_a_push_to_base_may_merge() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    let pushed = kit
        .github
        .commit_files("acme/gitops", "work", "more", [("x".into(), "1".into())])
        .unwrap();
    assert_eq!(kit.get("pulls/1").body["head"]["sha"], pushed.to_string());
    assert_eq!(kit.get("pulls/1").body["commits"], 2);
    assert_eq!(kit.get("pulls/1/commits").body.as_array().unwrap().len(), 2);
    kit.ask(
        "PATCH",
        "git/refs/heads/main",
        json!({"sha": pushed.to_string()}),
    );
    assert_eq!(kit.get("pulls/1").body["merged"], true);
}
