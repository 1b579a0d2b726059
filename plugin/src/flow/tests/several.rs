//! Several runtimes of staging and production, several images of one runtime.

use super::*;
use crate::types::Relation;

/// Production in two regions, each with a manifest.
fn regions() -> FakeHost {
    let mut fake = FakeHost::guide();
    let properties = r#"{"gitPath":"apps/web/us","healthStatus":"Healthy","syncStatus":"Synced","registry":"us.example"}"#;
    fake.put(entity(
        "running_service",
        "web-us",
        properties,
        &[("image", "web-1.4.1")],
    ));
    fake.files
        .insert("apps/web/us/deployment.yaml".into(), DEPLOYMENT.into());
    fake
}

const BOTH: &str =
    r#"{"production":["{service.relations.prod_runtime}","{service.identifier}-us"]}"#;

fn runs(fake: &mut FakeHost, runtime: &str) -> Vec<String> {
    fake.entity("running_service", runtime).relations[0]
        .targets
        .clone()
}

#[test]
fn regions_get_the_image_in_one_pull_request_and_are_all_recorded() {
    let mut fake = regions();
    assert!(
        matches!(run_with(&mut fake, BOTH), Ok(Outcome::Promoted(_))),
        "{:?}",
        fake.calls
    );
    assert_eq!(fake.pulls.len(), 1);
    let after = DEPLOYMENT.replace("1.4.1", "1.4.2");
    assert_eq!(fake.files["apps/web/us/deployment.yaml"], after);
    assert_eq!(fake.files[MANIFEST], after);
    for runtime in ["web-prod", "web-us"] {
        assert_eq!(runs(&mut fake, runtime), ["web-1.4.2"]);
    }
    fake.calls.clear();
    assert!(matches!(
        run_with(&mut fake, BOTH),
        Ok(Outcome::Promoted(_))
    ));
    assert_eq!(
        fake.writes(),
        [format!("delete-branch {}", fake.pulls[0].0.head)]
    );
}

#[test]
fn regions_converge_from_wherever_a_run_was_cut_off() {
    let calls = {
        let mut fake = regions();
        run_with(&mut fake, BOTH).unwrap();
        fake.calls.len()
    };
    for cut in 1..=calls {
        let mut fake = regions();
        fake.cut = Some((cut, true));
        let _ = run_with(&mut fake, BOTH);
        (fake.cut, fake.calls) = (None, Vec::new());
        assert!(
            matches!(run_with(&mut fake, BOTH), Ok(Outcome::Promoted(_))),
            "cut at {cut}"
        );
        assert_eq!(fake.pulls.len(), 1, "cut at {cut}");
        assert_eq!(
            runs(&mut fake, "web-prod"),
            runs(&mut fake, "web-us"),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_relation_to_several_runtimes_names_them_all() {
    let mut fake = regions();
    let relations = &mut fake.entity("service", "web").relations;
    relations.retain(|relation| relation.name != "prod_runtime");
    relations.push(Relation {
        name: "prod_runtime".into(),
        targets: vec!["web-prod".into(), "web-us".into()],
    });
    assert!(
        matches!(run(&mut fake), Outcome::Promoted(_)),
        "{:?}",
        fake.calls
    );
    for runtime in ["web-prod", "web-us"] {
        assert_eq!(runs(&mut fake, runtime), ["web-1.4.2"]);
    }
}

#[test]
fn the_registry_is_one_of_the_runtime() {
    let mut fake = regions();
    fake.entity("running_service", "web-prod").properties =
        r#"{"gitPath":"apps/web/prod","registry":"eu.example"}"#.into();
    for (path, registry) in [
        (MANIFEST, "eu.example"),
        ("apps/web/us/deployment.yaml", "us.example"),
    ] {
        let text = DEPLOYMENT.replace("ghcr.io", registry);
        fake.files.insert(path.into(), text);
    }
    let own = r#"{"reference":"{production.registry}/acme/web:{tags[0]}","#;
    let settings = BOTH.replacen('{', own, 1);
    let outcome = run_with(&mut fake, &settings).unwrap();
    let Outcome::Promoted(promotion) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(promotion.image, "eu.example/acme/web:1.4.2");
    for (path, registry) in [
        (MANIFEST, "eu.example"),
        ("apps/web/us/deployment.yaml", "us.example"),
    ] {
        let line = format!("image: {registry}/acme/web:1.4.2 #");
        assert!(fake.files[path].contains(&line), "{}", fake.files[path]);
    }
}

#[test]
fn all_of_staging_must_run_it_and_be_well() {
    let two = r#"{"staging":["{service.relations.test_runtime}","web-qa"]}"#;
    let qa = |image: &str, health: &str| {
        let mut fake = FakeHost::guide();
        let properties =
            format!(r#"{{"gitPath":"x","healthStatus":"{health}","syncStatus":"Synced"}}"#);
        fake.put(entity(
            "running_service",
            "web-qa",
            &properties,
            &[("image", image)],
        ));
        fake
    };
    assert!(matches!(
        run_with(&mut qa("web-1.4.2", "Healthy"), two),
        Ok(Outcome::Promoted(_))
    ));
    for (image, health, rule, words) in [
        (
            "web-1.4.2",
            "Degraded",
            "health",
            "running_service `web-qa` has `healthStatus` `Degraded`",
        ),
        (
            "web-1.4.1",
            "Healthy",
            "image",
            "`web-staging` runs `web-1.4.2`, but running_service `web-qa` runs `web-1.4.1`",
        ),
    ] {
        let outcome = run_with(&mut qa(image, health), two).unwrap();
        assert_eq!(rules(&outcome), [rule]);
        let Outcome::Refused(reasons) = outcome else {
            unreachable!()
        };
        assert!(reasons[0].message.contains(words), "{reasons:?}");
    }
}

#[test]
fn a_runtime_with_several_images_says_so_and_keeps_the_others() {
    let mut fake = FakeHost::guide();
    fake.put(entity(
        "image",
        "side-1",
        r#"{"registryId":"ghcr.io/acme/side","tags":["1"]}"#,
        &[],
    ));
    let many = |fake: &mut FakeHost, runtime: &str, image: &str| {
        fake.entity("running_service", runtime).relations = vec![Relation {
            name: "image".into(),
            targets: vec!["side-1".into(), image.into()],
        }];
    };
    many(&mut fake, "web-staging", "web-1.4.2");
    many(&mut fake, "web-prod", "web-1.4.1");
    let outcome = run(&mut fake);
    assert_eq!(rules(&outcome), ["image"]);
    let Outcome::Refused(reasons) = outcome else {
        unreachable!()
    };
    assert!(
        reasons[0]
            .message
            .contains("runs 2 images (`side-1`, `web-1.4.2`)"),
        "{reasons:?}"
    );
    let picked = r#"{"image":"{staging.relations.image[1]}"}"#;
    assert!(matches!(
        run_with(&mut fake, picked),
        Ok(Outcome::Promoted(_))
    ));
    assert_eq!(runs(&mut fake, "web-prod"), ["side-1", "web-1.4.2"]);
}
