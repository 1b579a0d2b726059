//! What people read: titles, bodies, comments, labels.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::host::{Commit, Proposal};

#[test]
fn closes_older_promotions_with_a_comment() {
    let mut fake = FakeHost::guide();
    let older = text::branch("web", "production", "ghcr.io/acme/web:1.4.0");
    for head in [
        older.as_str(),
        "promote/shop/production/x",
        "promote/web/production-eu/x",
    ] {
        let proposal = Proposal {
            repository: String::new(),
            base: "main".into(),
            base_commit: String::new(),
            head: head.into(),
            title: String::new(),
            body: String::new(),
            changes: Vec::new(),
            image: None,
        };
        fake.propose(&proposal).unwrap();
    }
    fake.calls.clear();
    assert!(matches!(run(&mut fake), Outcome::Promoted(_)));
    let states: Vec<_> = fake.pulls.iter().map(|(pull, _)| pull.state).collect();
    assert_eq!(
        states,
        [
            PullState::Closed,
            PullState::Open,
            PullState::Open,
            PullState::Merged
        ]
    );
    assert!(fake.calls.iter().any(|call| call
        == "comment 1 superseded Superseded by #4, which promotes `ghcr.io/acme/web:1.4.2`."));
}

#[test]
fn decoration_never_fails_a_run() {
    let mut fake = FakeHost::guide();
    for call in ["add-labels", "request-reviewers", "find-pull-requests"] {
        fake.failures.insert(call, Failure::Rejected("no".into()));
    }
    let settings = r#"{"labels":["promotion"],"reviewers":["kim"],"team_reviewers":["release"],"title":"{oops}","body":"{oops}"}"#;
    assert!(matches!(
        run_with(&mut fake, settings),
        Ok(Outcome::Promoted(_))
    ));
    assert_eq!(
        fake.notes
            .iter()
            .filter(|note| note.ends_with(": no"))
            .count(),
        3,
        "{:?}",
        fake.notes
    );
    assert_eq!(
        fake.pulls[0].1.title,
        "Promote web to production: ghcr.io/acme/web:1.4.2"
    );
    assert!(
        fake.pulls[0].1.body.contains("could not be filled in"),
        "{}",
        fake.pulls[0].1.body
    );
}

#[test]
fn texts_hold_foreign_words_as_code_only() {
    let mut fake = FakeHost::guide();
    let hostile = "@team fixes #1 `x` | <img src=x>\n# big";
    fake.entity("image", "web-1.4.2").properties =
        serde_json::json!({ "registryId": "ghcr.io/acme/web", "tags": ["1.4.2"], "note": hostile })
            .to_string();
    run_with(
        &mut fake,
        r#"{"title":"T {image.note}","body":"Note: {image.note}"}"#,
    )
    .unwrap();
    let proposal = &fake.pulls[0].1;
    assert_eq!(proposal.title, "T @team fixes 1 x  img srcx big");
    assert!(
        proposal
            .body
            .contains("\nNote: `@team fixes #1 'x' \u{a6} <img src=x> # big`\n"),
        "{}",
        proposal.body
    );
    assert!(proposal.body.contains("| `apps/web/prod/deployment.yaml` | `spec.template.spec.containers[0].image` | `ghcr.io/acme/web:1.4.1` | `ghcr.io/acme/web:1.4.2` |"));
}

#[test]
fn lists_the_commits_between_the_images() {
    let mut fake = FakeHost::guide();
    let built = |version: &str, commit: &str| {
        format!(
            r#"{{"registryId":"ghcr.io/acme/web","tags":["{version}"],"commitHash":"{commit}"}}"#
        )
    };
    fake.entity("service", "web").properties = r#"{"url":"https://git.example/acme/web"}"#.into();
    fake.entity("image", "web-1.4.1").properties = built("1.4.1", "0000000a");
    fake.entity("image", "web-1.4.2").properties = built("1.4.2", "0000000b");
    let commit = |at: usize| Commit {
        id: format!("{at:040}"),
        parents: Vec::new(),
        message: format!("Fix {at} | @all\n\nlong"),
        author: "Kim".into(),
        committed_at: String::new(),
    };
    fake.commits = (1..=31).map(commit).collect();
    run_with(&mut fake, r#"{"commits":true}"#).unwrap();
    assert!(
        fake.calls
            .contains(&"compare acme/web 0000000a...0000000b".to_owned()),
        "{:?}",
        fake.calls
    );
    let body = &fake.pulls[0].1.body;
    for words in [
        "31 commit(s) come: <https://git.example/acme/web/compare/0000000a...0000000b>",
        "| `0000000000` | `Fix 31 \u{a6} @all` | `Kim` |",
        "and 1 more",
        "Started by `dana@acme.example` as Port run `r_Ab12Cd34Ef56Gh78` (<https://app.port.io/organization/run?runId=r_Ab12Cd34Ef56Gh78>), workflow run <https://ci.example/runs/1>",
    ] {
        assert!(body.contains(words), "{words}: {body}");
    }
    let mut fake = FakeHost::guide();
    run_with(&mut fake, r#"{"commits":true,"portal":""}"#).unwrap();
    let body = &fake.pulls[0].1.body;
    assert!(
        body.contains("could not be listed: `setting 'provenance.repository'"),
        "{body}"
    );
    assert!(
        body.contains("as Port run `r_Ab12Cd34Ef56Gh78`, workflow run"),
        "{body}"
    );
}
