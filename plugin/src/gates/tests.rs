//! Each rule, through a whole run against the fake: what it refuses, in which words, and what it lets pass.

#![allow(clippy::unwrap_used, reason = "tests")]

mod approvals;
mod build;
mod catalog;
mod image;
mod value;

use serde_json::{Value, json};

use crate::fake::{DEPLOYMENT, FakeHost, MANIFEST, entity, request};
use crate::flow::promote;
use crate::host::Ancestry;
use crate::types::{Outcome, Reason};

/// A run with these settings beside the guide's.
fn run(fake: &mut FakeHost, settings: &Value) -> Outcome {
    let mut all = json!({
        "reference": "{registryId}:{tags[0]}",
        "manifest": {
            "path": "{production.gitPath}/deployment.yaml",
            "image": "spec.template.spec.containers[0].image",
        },
    });
    let own = settings.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(own);
    let mut request = request(&all.to_string());
    request.requested_at = Some("2026-01-06T09:59:00Z".into());
    request.inputs = r#"{"hotfix":true,"image":"web-1.4.1"}"#.into();
    promote(fake, &request).unwrap()
}

fn reasons(outcome: Outcome) -> Vec<Reason> {
    match outcome {
        Outcome::Refused(reasons) => reasons,
        _ => Vec::new(),
    }
}

type FakeChange = fn(&mut FakeHost);

const AS_IT_IS: FakeChange = |_| ();

/// Runs with settings on a changed world; expects a refusal by this one rule with these words, or none for no rule.
fn check(settings: Value, change: FakeChange, rule: &str, words: &str) {
    let mut fake = FakeHost::guide();
    change(&mut fake);
    check_on(settings, fake, rule, words);
}

/// The same on a world that is changed already.
fn check_on(settings: Value, mut fake: FakeHost, rule: &str, words: &str) {
    let reasons = reasons(run(&mut fake, &settings));
    let rules: Vec<_> = reasons.iter().map(|reason| reason.rule.as_str()).collect();
    let expected: &[&str] = if rule.is_empty() { &[] } else { &[rule] };
    assert_eq!(rules, expected, "{settings}: {reasons:?}");
    for reason in &reasons {
        assert!(reason.message.contains(words), "{settings}: {reason:?}");
        assert_eq!(fake.writes(), [""; 0]);
    }
}

fn staging(fake: &mut FakeHost, properties: &str) {
    fake.entity("running_service", "web-staging").properties = properties.into();
}

fn image(fake: &mut FakeHost, properties: &str) {
    fake.entity("image", "web-1.4.2").properties = properties.into();
}

#[test]
fn lock() {
    let locked: FakeChange = |fake| {
        fake.entity("service", "web").properties =
            r#"{"locked_in_prod":"yes","locked_reason_prod":"audit"}"#.into();
    };
    check(
        json!({}),
        locked,
        "lock",
        "service `web` is locked (`locked_in_prod`): audit",
    );
    check(json!({ "lock": { "enabled": false } }), locked, "", "");
    check(json!({ "lock": { "property": "other" } }), locked, "", "");
}

#[test]
fn freeze() {
    let file: FakeChange = |fake| {
        drop(
            fake.files
                .insert("freeze".into(), "shop x\nweb migration\n".into()),
        )
    };
    check(
        json!({ "freeze": { "file": "freeze" } }),
        file,
        "freeze",
        "`freeze` stops the line: migration",
    );
    check(
        json!({ "freeze": { "file": "freeze", "exempt": ["dana@acme.example"] } }),
        file,
        "freeze",
        "migration",
    );
    check(json!({ "freeze": { "file": "freeze" } }), AS_IT_IS, "", "");
    let words =
        "it is 2026-01-06 11:00 (CET-1CEST,M3.5.0,M10.5.0/3), in the freeze window `* 11 * * tue`";
    let berlin =
        json!({ "freeze": { "zone": "CET-1CEST,M3.5.0,M10.5.0/3", "windows": ["* 11 * * tue"] } });
    check(berlin, AS_IT_IS, "freeze", words);
    check(
        json!({ "freeze": { "windows": ["* 11 * * tue"] } }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "freeze": { "holidays": ["01-06"] } }),
        AS_IT_IS,
        "freeze",
        "in the freeze of `01-06`",
    );
    check(
        json!({ "freeze": { "holidays": ["01-06"], "exempt": ["Dana@acme.example"] } }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "freeze": { "holidays": ["01-06"], "hotfix_input": "hotfix" } }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "freeze": { "holidays": ["01-06"], "hotfix_input": "other" } }),
        AS_IT_IS,
        "freeze",
        "01-06",
    );
}

#[test]
fn health() {
    let degraded: FakeChange =
        |fake| staging(fake, r#"{"healthStatus":"Degraded","syncStatus":"Synced"}"#);
    let words = "running_service `web-staging` has `healthStatus` `Degraded`, not `Healthy`";
    check(json!({}), degraded, "health", words);
    check(json!({ "health": { "enabled": false } }), degraded, "", "");
    check(json!({ "health": { "property": "" } }), degraded, "", "");
    check(
        json!({ "health": { "sync_property": "" } }),
        |fake| staging(fake, "{}"),
        "health",
        "`not set`",
    );
    let own = json!({ "health": { "manifest": "staging.yaml" } });
    check(
        own.clone(),
        AS_IT_IS,
        "health",
        "staging's manifest `staging.yaml` does not exist",
    );
    let lags: FakeChange = |fake| drop(fake.files.insert("staging.yaml".into(), DEPLOYMENT.into()));
    check(
        own.clone(),
        lags,
        "health",
        "runs `ghcr.io/acme/web:1.4.2` by the catalog, but `ghcr.io/acme/web:1.4.1` by its manifest",
    );
    let same: FakeChange = |fake| {
        drop(
            fake.files
                .insert("staging.yaml".into(), DEPLOYMENT.replace("1.4.1", "1.4.2")),
        )
    };
    check(own, same, "", "");
}

#[test]
fn soak() {
    let hours: FakeChange = |fake| {
        fake.entity("running_service", "web-staging").updated_at =
            Some("2026-01-06T07:30:00Z".into())
    };
    let at_least = |hours: &str| json!({ "freshness": "ignore", "soak": { "at_least": hours } });
    check(at_least("2h"), hours, "", "");
    check(
        at_least("24h"),
        hours,
        "soak",
        "has been in running_service `web-staging` for 2 h 30 min, at least 24 h 0 min are asked for",
    );
    check(
        at_least("1h"),
        AS_IT_IS,
        "soak",
        "setting `soak.since`: `{staging.updatedAt}` is not set",
    );
    check(
        json!({ "soak": { "at_least": "1h", "since": "{image.identifier}" } }),
        AS_IT_IS,
        "soak",
        "`web-1.4.2` is not a time",
    );
    check(
        json!({ "soak": { "at_least": "long" } }),
        AS_IT_IS,
        "soak",
        "is not a duration",
    );
}

#[test]
fn freshness() {
    let renamed: FakeChange = |fake| {
        fake.entity("service", "web").updated_at = Some("2026-01-06T09:59:30Z".into());
    };
    check(
        json!({ "freshness": "refuse" }),
        renamed,
        "freshness",
        "service `web` has changed since the click",
    );
    check(json!({ "freshness": "refuse" }), AS_IT_IS, "", "");
    let touched: FakeChange = |fake| {
        fake.entity("running_service", "web-staging").updated_at =
            Some("2026-01-06T09:59:30Z".into())
    };
    check(
        json!({ "freshness": "refuse" }),
        touched,
        "freshness",
        "has changed since the click",
    );
    let mut fake = FakeHost::guide();
    touched(&mut fake);
    assert!(matches!(run(&mut fake, &json!({})), Outcome::Promoted(_)));
    assert!(
        fake.notes
            .iter()
            .any(|note| note.starts_with("freshness: ")),
        "{:?}",
        fake.notes
    );
}

#[test]
fn what_git_holds_already_is_not_judged_any_more() {
    let mut fake = FakeHost::guide();
    fake.files
        .insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", "1.4.2"));
    fake.entity("service", "web").properties = r#"{"locked_in_prod":true}"#.into();
    assert!(matches!(run(&mut fake, &json!({})), Outcome::Unchanged(_)));
    assert_eq!(fake.production_image(), "web-1.4.2");
}

#[test]
fn a_way_back_is_stopped_by_what_its_settings_name() {
    let back = |rules: Value| {
        json!({
            "rollback": { "enabled": true, "rules": rules },
            "freeze": { "holidays": ["01-06"], "file": "freeze" },
        })
    };
    let refused = |settings: &Value, list: &str| {
        let mut fake = FakeHost::guide();
        run(&mut fake, &json!({}));
        fake.entity("service", "web").properties = r#"{"locked_in_prod":true}"#.into();
        fake.files.insert("freeze".into(), list.into());
        let reasons = reasons(run(&mut fake, settings)).into_iter();
        reasons.map(|reason| reason.rule).collect::<Vec<_>>()
    };
    assert_eq!(refused(&back(json!([])), ""), [""; 0]);
    assert_eq!(refused(&back(json!(["lock"])), ""), ["lock"]);
    assert_eq!(refused(&back(json!(["freeze"])), ""), ["freeze"]);
    assert_eq!(refused(&back(json!([])), "web incident"), ["freeze"]);
}
