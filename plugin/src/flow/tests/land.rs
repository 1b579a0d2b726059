//! From the pull request to the base branch, and what is looked at afterwards.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::host::{Check, CheckState, MergeMethod};
use crate::types::Awaited;

fn check(name: &str, state: CheckState, required: bool) -> Check {
    Check {
        name: name.into(),
        state,
        required,
        url: None,
    }
}

#[test]
fn stops_at_the_pull_request_and_follows_when_it_is_merged() {
    let mut fake = FakeHost::guide();
    let settings = r#"{"mode":"pull-request"}"#;
    for _ in 0..2 {
        assert!(matches!(
            run_with(&mut fake, settings),
            Ok(Outcome::Waiting(_))
        ));
        assert_eq!(
            (fake.pulls.len(), fake.production_image()),
            (1, "web-1.4.1")
        );
    }
    fake.merge("", 1, "h1", MergeMethod::Squash).unwrap();
    assert!(matches!(
        run_with(&mut fake, settings),
        Ok(Outcome::Promoted(_))
    ));
    assert_eq!(fake.production_image(), "web-1.4.2");
    assert!(fake.branches.is_empty());
}

#[test]
fn waits_for_required_and_named_checks() {
    use CheckState::{Failing, Passing, Waiting};
    let settings = r#"{"mode":"checks","checks":{"names":["diff"],"deadline":"1m","every":"20s"}}"#;
    let mut fake = FakeHost::guide();
    let other = check("other", Failing, false);
    fake.checks = vec![
        vec![check("test", Waiting, true), other.clone()],
        vec![check("test", Passing, true), check("diff", Waiting, false)],
        vec![
            check("test", Passing, true),
            check("diff", Passing, false),
            other,
        ],
    ];
    assert!(matches!(
        run_with(&mut fake, settings),
        Ok(Outcome::Promoted(_))
    ));
    assert_eq!(fake.slept, 40);
    assert!(
        fake.notes
            .iter()
            .any(|note| note.ends_with("waits for `test`, `diff`")),
        "{:?}",
        fake.notes
    );

    let mut fake = FakeHost::guide();
    let Ok(Outcome::Waiting(waiting)) = run_with(&mut fake, settings) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!((waiting.message.as_str(), fake.slept), ("`diff`", 60));

    let mut fake = FakeHost::guide();
    fake.checks = vec![vec![check("test", Failing, true)]];
    let outcome = run_with(&mut fake, settings).unwrap();
    assert_eq!(rules(&outcome), ["checks"]);
    assert_eq!(fake.production_image(), "web-1.4.1");
}

#[test]
fn waits_if_the_merge_is_put_off_and_tells_the_catalog_nothing() {
    let mut fake = FakeHost::guide();
    fake.merge_later = true;
    let Outcome::Waiting(waiting) = run(&mut fake) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!(
        (waiting.pull_request, waiting.awaited),
        (Some(1), Awaited::Review)
    );
    assert_eq!(fake.production_image(), "web-1.4.1");
}

#[test]
fn a_merge_that_is_refused_fails() {
    let why = || Failure::Rejected("Merge commits are not allowed on this repository.".into());
    let mut fake = FakeHost::guide();
    fake.failures.insert("merge", why());
    let result = promote(&mut fake, &request(SETTINGS));
    assert_eq!(result, Err(why()));
    assert_eq!(fake.production_image(), "web-1.4.1");
}

#[test]
fn waits_for_a_deployment_and_proposes_the_old_image_if_it_is_degraded() {
    let settings = r#"{"verify":{"enabled":true,"revision":"revision","image":"deployed","deadline":"1m","revert":true}}"#;
    let told = |revision: &str, deployed: &str, health: &str| {
        let mut fake = FakeHost::guide();
        fake.entity("running_service", "web-prod").properties = format!(
            r#"{{"gitPath":"apps/web/prod","healthStatus":"{health}","syncStatus":"Synced","revision":"{revision}","deployed":"{deployed}"}}"#
        );
        fake
    };
    // The health of the old image says nothing, and neither does the name of a branch.
    for mut fake in [
        FakeHost::guide(),
        told("", "ghcr.io/acme/web:1.4.1", "Healthy"),
        told("main", "ghcr.io/acme/web:1.4.2-rc1", "Degraded"),
    ] {
        let Ok(Outcome::Waiting(waiting)) = run_with(&mut fake, settings) else {
            panic!("{:?}", fake.calls)
        };
        assert_eq!(
            (waiting.awaited, waiting.pull_request, fake.slept),
            (Awaited::Sync, Some(1), 0)
        );
        assert!(waiting.until.is_some());
        assert_eq!(fake.production_image(), "web-1.4.2");
    }
    let mut fake = told("", "ghcr.io/acme/web:1.4.2", "Healthy");
    assert!(matches!(
        run_with(&mut fake, settings),
        Ok(Outcome::Promoted(_))
    ));

    let mut fake = told("", "ghcr.io/acme/web:1.4.2", "Degraded");
    let Err(Failure::Other(what)) = run_with(&mut fake, settings) else {
        panic!("{:?}", fake.calls)
    };
    assert!(
        what.contains(
            "not well in production: running_service `web-prod` has `healthStatus` `Degraded`"
        ),
        "{what}"
    );
    assert!(
        what.contains("pull request 2 puts the old image back"),
        "{what}"
    );
    let (pull, proposal) = &fake.pulls[1];
    assert_eq!(pull.state, PullState::Open);
    assert!(
        pull.head
            .starts_with("promote/web/production/revert-web-1.4.2-"),
        "{}",
        pull.head
    );
    assert_eq!(proposal.changes[0].content, DEPLOYMENT);
    assert!(
        pull.title.starts_with("Revert: Promote web to production"),
        "{}",
        pull.title
    );
}
