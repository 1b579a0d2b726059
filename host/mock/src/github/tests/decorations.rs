//! Comments, labels, reviewers, assignees, checks and rules.

use serde_json::{Value, json};

use super::super::*;
use super::kit::GitHubBench;

#[test]
fn comments_are_written_edited_and_listed_in_order() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    let first = kit.post("issues/1/comments", json!({"body": "<!-- promote --> one"}));
    assert_eq!(
        (first.status, first.header("location")),
        (201, first.body["url"].as_str().unwrap())
    );
    kit.post("issues/1/comments", json!({"body": "two"}));
    kit.wait(5);
    let id = first.body["id"].as_u64().unwrap();
    let edited = kit
        .ask(
            "PATCH",
            &format!("issues/comments/{id}"),
            json!({"body": "three"}),
        )
        .body;
    assert_eq!(
        (&edited["body"], &edited["updated_at"]),
        (&json!("three"), &json!("2026-02-01T12:00:05Z"))
    );
    let bodies: Vec<Value> = kit
        .get("issues/1/comments")
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|comment| comment["body"].clone())
        .collect();
    assert_eq!(bodies, ["three", "two"]);
    let cases = [
        ("POST", "issues/9/comments", json!({"body": "x"}), 404),
        ("POST", "issues/1/comments", json!({}), 422),
        ("POST", "issues/1/comments", json!({"body": " "}), 422),
        (
            "POST",
            "issues/1/comments",
            json!({"body": "x".repeat(65_537)}),
            422,
        ),
        ("PATCH", "issues/comments/9", json!({"body": "x"}), 404),
    ];
    for (method, path, body, status) in cases {
        assert_eq!(
            kit.ask(method, path, body).status,
            status,
            "{method} {path}"
        );
    }
    kit.repository().settings.has_issues = false;
    assert_eq!(kit.get("issues/1/comments").status, 410);
}

#[test]
fn labels_come_into_being_when_added() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    let names = |seen: &super::kit::BenchAnswer| {
        seen.body
            .as_array()
            .unwrap()
            .iter()
            .map(|label| label["name"].clone())
            .collect::<Vec<_>>()
    };
    let seen = kit.post("issues/1/labels", json!({"labels": ["promotion"]}));
    assert_eq!((seen.status, names(&seen)), (200, vec![json!("promotion")]));
    let seen = kit.post("issues/1/labels", json!(["Promotion", "web"]));
    assert_eq!(
        names(&seen),
        ["promotion", "web"],
        "all labels, and no second spelling"
    );
    assert_eq!(names(&kit.get("issues/1/labels")), ["promotion", "web"]);
    assert_eq!(
        names(&kit.ask("DELETE", "issues/1/labels/web", Value::Null)),
        ["promotion"]
    );
    assert_eq!(
        kit.ask("DELETE", "issues/1/labels/web", Value::Null)
            .message(),
        "Label does not exist"
    );
    assert_eq!(kit.get("pulls/1").body["labels"][0]["name"], "promotion");
    let cases = [
        (json!({"name": "new", "color": "00ff00"}), 201, Value::Null),
        (
            json!({"name": "WEB", "color": "00ff00"}),
            422,
            json!([{"resource": "Label", "code": "already_exists", "field": "name"}]),
        ),
        (
            json!({"name": "x", "color": "green"}),
            422,
            json!([{"resource": "Label", "code": "invalid", "field": "color"}]),
        ),
        (json!({"color": "00ff00"}), 422, Value::Null),
    ];
    for (body, status, errors) in cases {
        let seen = kit.post("labels", body);
        assert_eq!((seen.status, &seen.body["errors"]), (status, &errors));
    }
    assert_eq!(kit.get("labels/new").body["color"], "00ff00");
    assert_eq!(kit.get("labels/none").status, 404);
}

#[test]
fn reviewers_must_be_collaborators_and_assignees_need_not_exist() {
    let mut kit = GitHubBench::with_token(TokenKind::Classic);
    kit.open("work");
    let cases = [
        (json!({"reviewers": ["erin"]}), 201),
        (json!({"reviewers": ["dana"]}), 422),
        (json!({"reviewers": ["stranger"]}), 422),
        (json!({"team_reviewers": ["no-team"]}), 422),
    ];
    for (body, status) in cases {
        assert_eq!(
            kit.post("pulls/1/requested_reviewers", body.clone()).status,
            status,
            "{body}"
        );
    }
    kit.repository().collaborators.insert("platform".into());
    let seen = kit.post(
        "pulls/1/requested_reviewers",
        json!({"team_reviewers": ["platform"]}),
    );
    assert_eq!(seen.body["requested_teams"][0]["slug"], "platform");
    let seen = kit.post(
        "issues/1/assignees",
        json!({"assignees": ["erin", "stranger"]}),
    );
    assert_eq!(
        (
            seen.status,
            seen.body["assignees"].as_array().unwrap().len()
        ),
        (201, 1)
    );
    kit.github.approve("acme/gitops", 1, "erin");
    assert_eq!(kit.get("pulls/1/reviews").body[0]["state"], "APPROVED");
}

#[test]
fn people_review_what_others_opened() {
    let mut kit = GitHubBench::with_token(TokenKind::Classic);
    kit.open("work");
    let mut ask = |login: &str, kind: TokenKind, body: Value| {
        kit.github
            .tokens
            .insert("mock-person", GitHubToken::full(kind, login));
        kit.token = Some("mock-person");
        kit.ask("POST", "pulls/1/reviews", body)
    };
    let approve = json!({"event": "APPROVE"});
    for (login, kind, body, refused) in [
        ("dana", TokenKind::Classic, approve.clone(), "own"),
        (
            "github-actions[bot]",
            TokenKind::Actions,
            approve.clone(),
            "not permitted",
        ),
        (
            "erin",
            TokenKind::Classic,
            json!({"event": "REQUEST_CHANGES"}),
            "blank",
        ),
        ("erin", TokenKind::Classic, json!({}), "Event"),
    ] {
        let answer = ask(login, kind, body);
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert_eq!(answer.body["message"], "Unprocessable Entity");
        let why = answer.body["errors"][0].as_str().unwrap();
        assert!(why.contains(refused), "{why}");
    }
    let answer = ask("erin", TokenKind::FineGrained, approve);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["state"], "APPROVED");
    assert_eq!(answer.body["user"]["login"], "erin");
    assert_eq!(kit.get("pulls/1/reviews").body[0], answer.body);
}

#[test]
fn checks_turn_green_at_their_time() {
    let mut kit = GitHubBench::with_token(TokenKind::Classic);
    let takes = Some(jiff::SignedDuration::from_secs(90));
    kit.repository().ci = vec![
        PushCheck {
            name: "test".into(),
            takes,
            conclusion: "success".into(),
        },
        PushCheck {
            name: "stuck".into(),
            takes: None,
            conclusion: "success".into(),
        },
    ];
    let head = kit.open("work");
    let runs = |kit: &mut GitHubBench, query: &str| -> Vec<(String, Value)> {
        let body = kit.get(&format!("commits/{head}/check-runs?{query}")).body;
        let runs = body["check_runs"].as_array().unwrap().iter();
        runs.map(|run| {
            (
                run["name"].as_str().unwrap().into(),
                run["conclusion"].clone(),
            )
        })
        .collect()
    };
    assert_eq!(
        runs(&mut kit, ""),
        [("stuck".into(), Value::Null), ("test".into(), Value::Null)]
    );
    kit.wait(90);
    assert_eq!(
        runs(&mut kit, "status=completed"),
        [("test".into(), json!("success"))]
    );
    assert_eq!(
        runs(&mut kit, "check_name=stuck"),
        [("stuck".into(), Value::Null)]
    );
    assert_eq!(kit.get("commits/none/check-runs").status, 422);
}

#[test]
fn what_a_workflow_s_own_token_pushes_starts_no_checks() {
    let mut kit = GitHubBench::with_token(TokenKind::Actions);
    kit.repository().ci = vec![PushCheck {
        name: "test".into(),
        takes: None,
        conclusion: "success".into(),
    }];
    let head = kit.open("work");
    assert_eq!(
        kit.get(&format!("commits/{head}/check-runs")).body["total_count"],
        0
    );
}

#[test]
fn statuses_combine_and_the_newest_of_a_context_counts() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    let state = |kit: &mut GitHubBench| kit.get("commits/main/status").body["state"].clone();
    assert_eq!(state(&mut kit), "pending", "none at all is pending");
    for (context, set, combined) in [
        ("a", "success", "success"),
        ("b", "pending", "pending"),
        ("b", "error", "failure"),
        ("b", "success", "success"),
    ] {
        let made = kit.post(
            &format!("statuses/{main}"),
            json!({"state": set, "context": context, "description": "d"}),
        );
        assert_eq!((made.status, state(&mut kit)), (201, json!(combined)));
    }
    assert_eq!(
        kit.get("commits/main/statuses")
            .body
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(kit.get("commits/main/status").body["total_count"], 2);
    assert_eq!(
        kit.post(&format!("statuses/{main}"), json!({"state": "green"}))
            .status,
        422
    );
    assert_eq!(
        kit.post(
            &format!("statuses/{}", "0".repeat(40)),
            json!({"state": "success"})
        )
        .status,
        422
    );
}

#[test]
fn rules_are_listed_for_any_branch() {
    let mut kit = GitHubBench::new();
    let rules = BranchRules {
        required_checks: vec!["test".into()],
        strict: true,
        required_approvals: 2,
        allowed_methods: Some(vec![MergeStyle::Squash]),
        merge_queue: true,
        linear_history: true,
        required_signatures: true,
        ..BranchRules::default()
    };
    kit.repository()
        .rules
        .insert("release/1".into(), rules.clone());
    let listed = kit.get("rules/branches/release/1").body;
    let kinds: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "pull_request",
            "required_status_checks",
            "merge_queue",
            "required_linear_history",
            "required_signatures"
        ]
    );
    assert_eq!(
        listed[0]["parameters"]["allowed_merge_methods"],
        json!(["squash"])
    );
    assert_eq!(kit.get("rules/branches/main").body, json!([]));
    kit.repository().rules.insert(
        "main".into(),
        BranchRules {
            classic: true,
            ..rules
        },
    );
    assert_eq!(kit.get("rules/branches/main").body, json!([]));
    let branch = kit.get("branches/main").body;
    assert_eq!(
        (
            &branch["protected"],
            &branch["protection"]["required_status_checks"]["contexts"]
        ),
        (&json!(true), &json!(["test"]))
    );
    kit.repository().settings.rules_available = false;
    let seen = kit.get("rules/branches/main");
    assert_eq!(
        (seen.status, seen.message()),
        (
            403,
            "Upgrade to GitHub Pro or make this repository public to enable this feature."
        )
    );
}
