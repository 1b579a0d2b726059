//! The flow against a fake Port and GitHub: what is called, and that a run cut off anywhere converges when it is run again.

#![allow(clippy::unwrap_used, reason = "tests")]

mod land;
mod layouts;
mod organisation;
mod rollback;
mod several;
mod texts;

use super::*;
use crate::fake::{DEPLOYMENT, FakeHost, MANIFEST, entity, request};

const SETTINGS: &str = r#"{
    "reference": "{registryId}:{tags[0]}",
    "manifest": { "path": "{production.gitPath}/deployment.yaml", "image": "spec.template.spec.containers[0].image" }
}"#;

fn run(fake: &mut FakeHost) -> Outcome {
    promote(fake, &request(SETTINGS)).unwrap()
}

fn rules(outcome: &Outcome) -> Vec<&str> {
    match outcome {
        Outcome::Refused(reasons) => reasons.iter().map(|reason| reason.rule.as_str()).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn promotes_by_the_shortest_way() {
    let mut fake = FakeHost::guide();
    let Outcome::Promoted(promotion) = run(&mut fake) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!(promotion.image, "ghcr.io/acme/web:1.4.2");
    assert_eq!(
        promotion.previous_image.as_deref(),
        Some("ghcr.io/acme/web:1.4.1")
    );
    assert_eq!(promotion.commit.as_deref(), Some("m1"));
    let branch = text::branch("web", "production", "ghcr.io/acme/web:1.4.2");
    assert_eq!(
        fake.calls,
        [
            "get-entity web".to_owned(),
            "get-entities web-staging,web-prod".to_owned(),
            "get-entities web-1.4.2,web-1.4.1".to_owned(),
            format!("read-file acme/gitops {MANIFEST} main"),
            format!("get-file-pulls acme/gitops {MANIFEST} main"),
            format!("propose {branch}"),
            "find-pull-requests promote/web/production/*".to_owned(),
            "merge 1 h1".to_owned(),
            format!("delete-branch {branch}"),
            "update-entity web-prod image=web-1.4.2".to_owned(),
        ]
    );
    assert_eq!(fake.files[MANIFEST], DEPLOYMENT.replace("1.4.1", "1.4.2"));
    assert_eq!(fake.production_image(), "web-1.4.2");
}

#[test]
fn is_unchanged_and_corrects_the_catalog() {
    let mut fake = FakeHost::guide();
    fake.files
        .insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", "1.4.2"));
    assert!(matches!(run(&mut fake), Outcome::Unchanged(_)));
    assert_eq!(fake.writes(), ["update-entity web-prod image=web-1.4.2"]);
    fake.calls.clear();
    assert!(matches!(run(&mut fake), Outcome::Unchanged(_)));
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn converges_from_wherever_it_was_cut_off() {
    let whole = {
        let mut fake = FakeHost::guide();
        run(&mut fake);
        fake
    };
    for cut in 1..=whole.calls.len() {
        for takes_effect in [false, true] {
            let mut fake = FakeHost::guide();
            fake.cut = Some((cut, takes_effect));
            let first = promote(&mut fake, &request(SETTINGS));
            let at = format!(
                "cut at {} ({takes_effect}): {first:?}",
                whole.calls[cut - 1]
            );
            let behind =
                fake.production_image() == "web-1.4.1" || fake.files[MANIFEST].contains("1.4.2");
            assert!(behind, "the catalog is ahead of git, {at}");
            (fake.cut, fake.calls) = (None, Vec::new());
            assert!(matches!(run(&mut fake), Outcome::Promoted(_)), "{at}");
            assert_eq!(fake.pulls.len(), 1, "{at}");
            assert_eq!(fake.files, whole.files, "{at}");
            assert_eq!(fake.entities, whole.entities, "{at}");
            assert!(fake.branches.is_empty(), "{at}");
        }
    }
}

#[test]
fn refuses_with_every_reason_at_once() {
    let mut fake = FakeHost::guide();
    let service = fake.entity("service", "web");
    service.properties = r#"{"locked_in_prod":true,"locked_reason_prod":"audit"}"#.into();
    service
        .relations
        .retain(|relation| relation.name == "prod_runtime");
    fake.files.clear();
    let outcome = run(&mut fake);
    assert_eq!(rules(&outcome), ["staging", "manifest", "lock"]);
    let Outcome::Refused(reasons) = outcome else {
        unreachable!()
    };
    assert!(
        reasons[0]
            .message
            .contains("`service.relations` of entity `web` has no `test_runtime`"),
        "{reasons:?}"
    );
    assert!(
        reasons[1]
            .message
            .contains("`apps/web/prod/deployment.yaml` does not exist on branch `main`"),
        "{reasons:?}"
    );
    assert!(reasons[2].message.contains("audit"), "{reasons:?}");
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn refuses_naming_what_is_missing() {
    let gone = |blueprint: &'static str, identifier: &'static str| {
        move |fake: &mut FakeHost| {
            drop(fake.entities.remove(&(blueprint.into(), identifier.into())))
        }
    };
    type FakeChange = Box<dyn Fn(&mut FakeHost)>;
    let table: [(FakeChange, &str, &str); 8] = [
        (
            Box::new(gone("service", "web")),
            "service",
            "service `web` is not in Port's catalog",
        ),
        (
            Box::new(gone("running_service", "web-staging")),
            "staging",
            "running_service `web-staging` is not in",
        ),
        (
            Box::new(gone("running_service", "web-prod")),
            "production",
            "running_service `web-prod` is not in",
        ),
        (
            Box::new(gone("image", "web-1.4.2")),
            "image",
            "image `web-1.4.2` is not in Port's catalog",
        ),
        (
            Box::new(|fake| {
                fake.entity("running_service", "web-staging")
                    .relations
                    .clear()
            }),
            "image",
            "running_service `web-staging` has no `image` relation",
        ),
        (
            Box::new(|fake| fake.put(entity("image", "web-1.4.2", r#"{"registryId":"x"}"#, &[]))),
            "image",
            "setting `reference`: `{tags[0]}`: entity `web-1.4.2` has no `tags`, it has",
        ),
        (
            Box::new(|fake| {
                drop(
                    fake.files
                        .insert(MANIFEST.into(), "spec: {template: {}}\n".into()),
                )
            }),
            "manifest",
            "`spec.template.spec.containers[0].image` does not exist: `spec.template` at line 1 is an empty map, but no `spec`",
        ),
        (
            Box::new(|fake| {
                fake.entity("running_service", "web-prod").properties =
                    r#"{"gitPath":"../etc"}"#.into()
            }),
            "manifest",
            "`../etc/deployment.yaml` is not a path within the repository",
        ),
    ];
    for (change, rule, message) in table {
        let mut fake = FakeHost::guide();
        change(&mut fake);
        let outcome = run(&mut fake);
        assert_eq!(rules(&outcome), [rule]);
        let Outcome::Refused(reasons) = outcome else {
            unreachable!()
        };
        assert!(reasons[0].message.contains(message), "{reasons:?}");
        assert_eq!(fake.writes(), [""; 0]);
    }
}

#[test]
fn takes_a_closed_pull_request_for_a_no() {
    let mut fake = FakeHost::guide();
    fake.failures
        .insert("merge", Failure::Rejected("no".into()));
    assert!(promote(&mut fake, &request(SETTINGS)).is_err());
    fake.failures.clear();
    fake.pulls[0].0.state = PullState::Closed;
    assert_eq!(rules(&run(&mut fake)), ["closed"]);
}

#[test]
fn promotes_again_what_was_undone() {
    let mut fake = FakeHost::guide();
    run(&mut fake);
    fake.files.insert(MANIFEST.into(), DEPLOYMENT.into());
    let Outcome::Promoted(promotion) = run(&mut fake) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!(promotion.pull_request, Some(2));
    assert!(fake.pulls[1].0.head.ends_with("-2"));
}

#[test]
fn a_branch_that_stays_is_a_note() {
    let mut fake = FakeHost::guide();
    fake.failures
        .insert("delete-branch", Failure::Unavailable("down".into()));
    assert!(matches!(run(&mut fake), Outcome::Promoted(_)));
    assert!(
        fake.notes
            .iter()
            .any(|note| note.contains("could not be deleted: down")),
        "{:?}",
        fake.notes
    );
}

/// A run with these settings beside the guide's.
fn run_with(fake: &mut FakeHost, own: &str) -> Result<Outcome, Failure> {
    let mut settings: serde_json::Value = serde_json::from_str(SETTINGS).unwrap();
    let own: serde_json::Value = serde_json::from_str(own).unwrap();
    settings
        .as_object_mut()
        .unwrap()
        .extend(own.as_object().unwrap().clone());
    promote(fake, &request(&settings.to_string()))
}

#[test]
fn changes_several_values_of_several_files_in_one_commit_or_none() {
    let settings = r#"{"manifest":[
        {"path":"a.yaml","image":"image"},
        {"path":"values.yaml","image":"image.tag","part":"tag"},
        {"path":"values.yaml","image":"image.repository","part":"repository"},
        {"path":"a.yaml","image":"jobs[0].image"}
    ]}"#;
    let mut fake = FakeHost::guide();
    fake.files.insert(
        "a.yaml".into(),
        "image: ghcr.io/acme/web:1.4.1\njobs:\n- image: \"ghcr.io/acme/web:1.4.0\"\n".into(),
    );
    fake.files.insert(
        "values.yaml".into(),
        "image: {repository: ghcr.io/acme/web, tag: 1.4.1}\n".into(),
    );
    let mut broken = (fake.files.clone(), fake.entities.clone());
    let Ok(Outcome::Promoted(promotion)) = run_with(&mut fake, settings) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!(promotion.image, "ghcr.io/acme/web:1.4.2");
    assert_eq!(
        fake.files["a.yaml"],
        "image: ghcr.io/acme/web:1.4.2\njobs:\n- image: \"ghcr.io/acme/web:1.4.2\"\n"
    );
    assert_eq!(
        fake.files["values.yaml"],
        "image: {repository: ghcr.io/acme/web, tag: 1.4.2}\n"
    );
    assert_eq!(fake.pulls.len(), 1);

    broken.0.insert(
        "values.yaml".into(),
        "image: {repository: ghcr.io/acme/web}\n".into(),
    );
    let mut fake = FakeHost::guide();
    (fake.files, fake.entities) = broken;
    assert_eq!(rules(&run_with(&mut fake, settings).unwrap()), ["manifest"]);
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn refuses_what_a_conflict_leaves_after_three_rounds() {
    let mut fake = FakeHost::guide();
    fake.failures
        .insert("merge", Failure::Conflict("the head moved".into()));
    assert_eq!(
        promote(&mut fake, &request(SETTINGS)),
        Err(Failure::Conflict("the head moved".into()))
    );
    assert_eq!(
        fake.calls
            .iter()
            .filter(|call| call.starts_with("merge"))
            .count(),
        3
    );
    assert_eq!(fake.pulls.len(), 1);
}

#[test]
fn a_foreign_branch_is_a_refusal_after_one_more_look() {
    let mut fake = FakeHost::guide();
    fake.failures.insert(
        "propose",
        Failure::Conflict("the branch is not ours".into()),
    );
    let outcome = run(&mut fake);
    assert_eq!(rules(&outcome), ["branch"]);
    assert_eq!(
        fake.calls
            .iter()
            .filter(|call| call.starts_with("propose"))
            .count(),
        2
    );
}

#[test]
fn a_chain_names_both_ends() {
    let settings = |environment: &str| {
        format!(
            r#"{{"environment":"{environment}","chain":[
                {{"name":"dev","runtime":"{{service.identifier}}-dev"}},
                {{"name":"test","runtime":"{{service.test_runtime}}"}},
                {{"name":"live","runtime":"{{service.prod_runtime}}"}}]}}"#
        )
    };
    let mut fake = FakeHost::guide();
    assert!(matches!(
        run_with(&mut fake, &settings("live")),
        Ok(Outcome::Promoted(_))
    ));
    assert!(
        fake.pulls[0].0.head.starts_with("promote/web/live/"),
        "{}",
        fake.pulls[0].0.head
    );
    for (environment, words) in [
        ("dev", "nothing comes before it"),
        ("prod", "is not in the chain `dev`, `test`, `live`"),
        ("{inputs.to}", "setting `environment`"),
    ] {
        let outcome = run_with(&mut FakeHost::guide(), &settings(environment)).unwrap();
        assert_eq!(rules(&outcome), ["chain"]);
        let Outcome::Refused(reasons) = outcome else {
            unreachable!()
        };
        assert!(reasons[0].message.contains(words), "{reasons:?}");
    }
}
