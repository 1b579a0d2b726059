//! The flow against a fake Port and GitHub: what is called, and that a run cut off anywhere converges when it is run again.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::fake::{DEPLOYMENT, Fake, MANIFEST, entity, request};
use crate::host::{Check, CheckState, Commit, MergeMethod, Mergeability, Proposal};

const SETTINGS: &str = r#"{
    "reference": "{registryId}:{tags[0]}",
    "manifest": { "path": "{production.gitPath}/deployment.yaml", "image": "spec.template.spec.containers[0].image" }
}"#;

fn run(fake: &mut Fake) -> Outcome {
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
    let mut fake = Fake::guide();
    let Outcome::Promoted(promotion) = run(&mut fake) else { panic!("{:?}", fake.calls) };
    assert_eq!(promotion.image, "ghcr.io/acme/web:1.4.2");
    assert_eq!(promotion.previous_image.as_deref(), Some("ghcr.io/acme/web:1.4.1"));
    assert_eq!(promotion.commit.as_deref(), Some("m1"));
    let branch = text::branch("web", "production", "ghcr.io/acme/web:1.4.2");
    assert_eq!(
        fake.calls,
        [
            "get-entity web".to_owned(),
            "get-entities web-staging,web-prod".to_owned(),
            "get-entities web-1.4.2,web-1.4.1".to_owned(),
            format!("read-file acme/gitops {MANIFEST} main"),
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
    let mut fake = Fake::guide();
    fake.files.insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", "1.4.2"));
    assert!(matches!(run(&mut fake), Outcome::Unchanged(_)));
    assert_eq!(fake.writes(), ["update-entity web-prod image=web-1.4.2"]);
    fake.calls.clear();
    assert!(matches!(run(&mut fake), Outcome::Unchanged(_)));
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn converges_from_wherever_it_was_cut_off() {
    let whole = {
        let mut fake = Fake::guide();
        run(&mut fake);
        fake
    };
    for cut in 1..=whole.calls.len() {
        for takes_effect in [false, true] {
            let mut fake = Fake::guide();
            fake.cut = Some((cut, takes_effect));
            let first = promote(&mut fake, &request(SETTINGS));
            let at = format!("cut at {} ({takes_effect}): {first:?}", whole.calls[cut - 1]);
            let behind = fake.production_image() == "web-1.4.1" || fake.files[MANIFEST].contains("1.4.2");
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
    let mut fake = Fake::guide();
    let service = fake.entity("service", "web");
    service.properties = r#"{"locked_in_prod":true,"locked_reason_prod":"audit"}"#.into();
    service.relations.retain(|relation| relation.name == "prod_runtime");
    fake.files.clear();
    let outcome = run(&mut fake);
    assert_eq!(rules(&outcome), ["staging", "manifest", "lock"]);
    let Outcome::Refused(reasons) = outcome else { unreachable!() };
    assert!(
        reasons[0].message.contains("`service.relations` of entity `web` has no `test_runtime`"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].message.contains("`apps/web/prod/deployment.yaml` does not exist on branch `main`"),
        "{reasons:?}"
    );
    assert!(reasons[2].message.contains("audit"), "{reasons:?}");
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn refuses_naming_what_is_missing() {
    let gone = |blueprint: &'static str, identifier: &'static str| {
        move |fake: &mut Fake| drop(fake.entities.remove(&(blueprint.into(), identifier.into())))
    };
    type Change = Box<dyn Fn(&mut Fake)>;
    let table: [(Change, &str, &str); 8] = [
        (Box::new(gone("service", "web")), "service", "service `web` is not in Port's catalog"),
        (
            Box::new(gone("running_service", "web-staging")),
            "staging",
            "running_service `web-staging` is not in",
        ),
        (Box::new(gone("running_service", "web-prod")), "production", "running_service `web-prod` is not in"),
        (Box::new(gone("image", "web-1.4.2")), "image", "image `web-1.4.2` is not in Port's catalog"),
        (
            Box::new(|fake| fake.entity("running_service", "web-staging").relations.clear()),
            "image",
            "running_service `web-staging` has no `image` relation",
        ),
        (
            Box::new(|fake| fake.put(entity("image", "web-1.4.2", r#"{"registryId":"x"}"#, &[]))),
            "image",
            "setting `reference`: `{tags[0]}`: entity `web-1.4.2` has no `tags`, it has",
        ),
        (
            Box::new(|fake| drop(fake.files.insert(MANIFEST.into(), "spec: {template: {}}\n".into()))),
            "manifest",
            "`spec.template.spec.containers[0].image` does not exist: `spec.template` at line 1 is an empty map, but no `spec`",
        ),
        (
            Box::new(|fake| {
                fake.entity("running_service", "web-prod").properties = r#"{"gitPath":"../etc"}"#.into()
            }),
            "manifest",
            "`../etc/deployment.yaml` is not a path within the repository",
        ),
    ];
    for (change, rule, message) in table {
        let mut fake = Fake::guide();
        change(&mut fake);
        let outcome = run(&mut fake);
        assert_eq!(rules(&outcome), [rule]);
        let Outcome::Refused(reasons) = outcome else { unreachable!() };
        assert!(reasons[0].message.contains(message), "{reasons:?}");
        assert_eq!(fake.writes(), [""; 0]);
    }
}

#[test]
fn takes_a_closed_pull_request_for_a_no() {
    let mut fake = Fake::guide();
    fake.failures.insert("merge", Failure::Rejected("no".into()));
    assert!(promote(&mut fake, &request(SETTINGS)).is_err());
    fake.failures.clear();
    fake.pulls[0].0.state = PullState::Closed;
    assert_eq!(rules(&run(&mut fake)), ["closed"]);
}

#[test]
fn promotes_again_what_was_undone() {
    let mut fake = Fake::guide();
    run(&mut fake);
    fake.files.insert(MANIFEST.into(), DEPLOYMENT.into());
    let Outcome::Promoted(promotion) = run(&mut fake) else { panic!("{:?}", fake.calls) };
    assert_eq!(promotion.pull_request, Some(2));
    assert!(fake.pulls[1].0.head.ends_with("-2"));
}

#[test]
fn waits_if_the_merge_is_put_off_and_tells_the_catalog_nothing() {
    let mut fake = Fake::guide();
    fake.merge_later = true;
    let Outcome::Pending(waiting) = run(&mut fake) else { panic!("{:?}", fake.calls) };
    assert_eq!((waiting.pull_request, waiting.until.as_str()), (1, "1 approving review"));
    assert_eq!(fake.production_image(), "web-1.4.1");
}

#[test]
fn a_branch_that_stays_is_a_note() {
    let mut fake = Fake::guide();
    fake.failures.insert("delete-branch", Failure::Unavailable("down".into()));
    assert!(matches!(run(&mut fake), Outcome::Promoted(_)));
    assert!(fake.notes.iter().any(|note| note.contains("could not be deleted: down")), "{:?}", fake.notes);
}

/// A run with these settings beside the guide's.
fn run_with(fake: &mut Fake, own: &str) -> Result<Outcome, Failure> {
    let mut settings: serde_json::Value = serde_json::from_str(SETTINGS).unwrap();
    let own: serde_json::Value = serde_json::from_str(own).unwrap();
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    promote(fake, &request(&settings.to_string()))
}

fn check(name: &str, state: CheckState, required: bool) -> Check {
    Check { name: name.into(), state, required, url: None }
}

#[test]
fn stops_at_the_pull_request_and_follows_when_it_is_merged() {
    let mut fake = Fake::guide();
    let settings = r#"{"mode":"pull-request"}"#;
    for _ in 0..2 {
        assert!(matches!(run_with(&mut fake, settings), Ok(Outcome::Pending(_))));
        assert_eq!((fake.pulls.len(), fake.production_image()), (1, "web-1.4.1"));
    }
    fake.merge("", 1, "h1", MergeMethod::Squash).unwrap();
    assert!(matches!(run_with(&mut fake, settings), Ok(Outcome::Promoted(_))));
    assert_eq!(fake.production_image(), "web-1.4.2");
    assert!(fake.branches.is_empty());
}

#[test]
fn waits_for_required_and_named_checks() {
    use CheckState::{Failing, Passing, Waiting};
    let settings = r#"{"mode":"checks","checks":{"names":["diff"],"deadline":"1m","every":"20s"}}"#;
    let mut fake = Fake::guide();
    let other = check("other", Failing, false);
    fake.checks = vec![
        vec![check("test", Waiting, true), other.clone()],
        vec![check("test", Passing, true), check("diff", Waiting, false)],
        vec![check("test", Passing, true), check("diff", Passing, false), other],
    ];
    assert!(matches!(run_with(&mut fake, settings), Ok(Outcome::Promoted(_))));
    assert_eq!(fake.slept, 40);
    assert!(fake.notes.iter().any(|note| note.ends_with("waits for `test`, `diff`")), "{:?}", fake.notes);

    let mut fake = Fake::guide();
    let Ok(Outcome::Pending(waiting)) = run_with(&mut fake, settings) else { panic!("{:?}", fake.calls) };
    assert_eq!((waiting.until.as_str(), fake.slept), ("`diff`", 60));

    let mut fake = Fake::guide();
    fake.checks = vec![vec![check("test", Failing, true)]];
    let outcome = run_with(&mut fake, settings).unwrap();
    assert_eq!(rules(&outcome), ["checks"]);
    assert_eq!(fake.production_image(), "web-1.4.1");
}

#[test]
fn verifies_and_proposes_the_old_image_if_production_is_not_well() {
    let settings = r#"{"verify":{"enabled":true,"after":"30s","every":"15s","deadline":"1m","revert":true}}"#;
    let mut fake = Fake::guide();
    assert!(matches!(run_with(&mut fake, settings), Ok(Outcome::Promoted(_))));
    assert_eq!(fake.slept, 30);

    let mut fake = Fake::guide();
    fake.entity("running_service", "web-prod").properties =
        r#"{"gitPath":"apps/web/prod","healthStatus":"Degraded","syncStatus":"Synced"}"#.into();
    let Err(Failure::Other(what)) = run_with(&mut fake, settings) else { panic!("{:?}", fake.calls) };
    assert!(
        what.contains(
            "not well in production after 60 s: running_service `web-prod` has `healthStatus` `Degraded`"
        ),
        "{what}"
    );
    assert!(what.contains("pull request 2 puts the old image back"), "{what}");
    let (pull, proposal) = &fake.pulls[1];
    assert_eq!(pull.state, PullState::Open);
    assert!(pull.head.starts_with("promote/web/production/revert-web-1.4.2-"), "{}", pull.head);
    assert_eq!(proposal.changes[0].content, DEPLOYMENT);
    assert!(pull.title.starts_with("Revert: Promote web to production"), "{}", pull.title);
}

#[test]
fn closes_older_promotions_with_a_comment() {
    let mut fake = Fake::guide();
    let older = text::branch("web", "production", "ghcr.io/acme/web:1.4.0");
    for head in [older.as_str(), "promote/shop/production/x", "promote/web/production-eu/x"] {
        let proposal = Proposal {
            repository: String::new(),
            base: "main".into(),
            base_commit: String::new(),
            head: head.into(),
            title: String::new(),
            body: String::new(),
            changes: Vec::new(),
        };
        fake.propose(&proposal).unwrap();
    }
    fake.calls.clear();
    assert!(matches!(run(&mut fake), Outcome::Promoted(_)));
    let states: Vec<_> = fake.pulls.iter().map(|(pull, _)| pull.state).collect();
    assert_eq!(states, [PullState::Closed, PullState::Open, PullState::Open, PullState::Merged]);
    assert!(fake.calls.iter().any(
        |call| call == "comment 1 superseded Superseded by #4, which promotes `ghcr.io/acme/web:1.4.2`."
    ));
}

#[test]
fn decoration_never_fails_a_run() {
    let mut fake = Fake::guide();
    for call in ["add-labels", "request-reviewers", "find-pull-requests"] {
        fake.failures.insert(call, Failure::Rejected("no".into()));
    }
    let settings = r#"{"labels":["promotion"],"reviewers":["kim"],"team_reviewers":["release"],"title":"{oops}","body":"{oops}"}"#;
    assert!(matches!(run_with(&mut fake, settings), Ok(Outcome::Promoted(_))));
    assert_eq!(fake.notes.iter().filter(|note| note.ends_with(": no")).count(), 3, "{:?}", fake.notes);
    assert_eq!(fake.pulls[0].1.title, "Promote web to production: ghcr.io/acme/web:1.4.2");
    assert!(fake.pulls[0].1.body.contains("could not be filled in"), "{}", fake.pulls[0].1.body);
}

#[test]
fn changes_several_values_of_several_files_in_one_commit_or_none() {
    let settings = r#"{"manifest":[
        {"path":"a.yaml","image":"image"},
        {"path":"values.yaml","image":"image.tag","part":"tag"},
        {"path":"values.yaml","image":"image.repository","part":"repository"},
        {"path":"a.yaml","image":"jobs[0].image"}
    ]}"#;
    let mut fake = Fake::guide();
    fake.files.insert(
        "a.yaml".into(),
        "image: ghcr.io/acme/web:1.4.1\njobs:\n- image: \"ghcr.io/acme/web:1.4.0\"\n".into(),
    );
    fake.files.insert("values.yaml".into(), "image: {repository: ghcr.io/acme/web, tag: 1.4.1}\n".into());
    let mut broken = (fake.files.clone(), fake.entities.clone());
    let Ok(Outcome::Promoted(promotion)) = run_with(&mut fake, settings) else { panic!("{:?}", fake.calls) };
    assert_eq!(promotion.image, "ghcr.io/acme/web:1.4.2");
    assert_eq!(
        fake.files["a.yaml"],
        "image: ghcr.io/acme/web:1.4.2\njobs:\n- image: \"ghcr.io/acme/web:1.4.2\"\n"
    );
    assert_eq!(fake.files["values.yaml"], "image: {repository: ghcr.io/acme/web, tag: 1.4.2}\n");
    assert_eq!(fake.pulls.len(), 1);

    broken.0.insert("values.yaml".into(), "image: {repository: ghcr.io/acme/web}\n".into());
    let mut fake = Fake::guide();
    (fake.files, fake.entities) = broken;
    assert_eq!(rules(&run_with(&mut fake, settings).unwrap()), ["manifest"]);
    assert_eq!(fake.writes(), [""; 0]);
}

#[test]
fn texts_hold_foreign_words_as_code_only() {
    let mut fake = Fake::guide();
    let hostile = "@team fixes #1 `x` | <img src=x>\n# big";
    fake.entity("image", "web-1.4.2").properties =
        serde_json::json!({ "registryId": "ghcr.io/acme/web", "tags": ["1.4.2"], "note": hostile })
            .to_string();
    run_with(&mut fake, r#"{"title":"T {image.note}","body":"Note: {image.note}"}"#).unwrap();
    let proposal = &fake.pulls[0].1;
    assert_eq!(proposal.title, "T @team fixes 1 x  img srcx big");
    assert!(
        proposal.body.contains("\nNote: `@team fixes #1 'x' \u{a6} <img src=x> # big`\n"),
        "{}",
        proposal.body
    );
    assert!(proposal.body.contains("| `apps/web/prod/deployment.yaml` | `spec.template.spec.containers[0].image` | `ghcr.io/acme/web:1.4.1` | `ghcr.io/acme/web:1.4.2` |"));
}

#[test]
fn refuses_what_a_conflict_leaves_after_three_rounds() {
    let mut fake = Fake::guide();
    fake.failures.insert("merge", Failure::Conflict("the head moved".into()));
    assert_eq!(promote(&mut fake, &request(SETTINGS)), Err(Failure::Conflict("the head moved".into())));
    assert_eq!(fake.calls.iter().filter(|call| call.starts_with("merge")).count(), 3);
    assert_eq!(fake.pulls.len(), 1);
}

#[test]
fn a_foreign_branch_is_a_refusal_after_one_more_look() {
    let mut fake = Fake::guide();
    fake.failures.insert("propose", Failure::Conflict("the branch is not ours".into()));
    let outcome = run(&mut fake);
    assert_eq!(rules(&outcome), ["branch"]);
    assert_eq!(fake.calls.iter().filter(|call| call.starts_with("propose")).count(), 2);
}

#[test]
fn a_merge_that_lacks_a_review_waits_and_any_other_refusal_fails() {
    let why = || Failure::Rejected("at least 1 approving review is required".into());
    for (mergeable, waits) in
        [(Mergeability::Blocked, true), (Mergeability::Ready, false), (Mergeability::Draft, false)]
    {
        let mut fake = Fake::guide();
        fake.failures.insert("merge", why());
        fake.mergeable = mergeable;
        let result = promote(&mut fake, &request(SETTINGS));
        let until = match result {
            Ok(Outcome::Pending(waiting)) => Some(waiting.until),
            other => {
                assert_eq!(other, Err(why()));
                None
            }
        };
        assert_eq!(until.is_some(), waits, "{mergeable:?}");
        assert_eq!(fake.production_image(), "web-1.4.1");
    }
}

#[test]
fn lists_the_commits_between_the_images() {
    let mut fake = Fake::guide();
    let built = |version: &str, commit: &str| {
        format!(r#"{{"registryId":"ghcr.io/acme/web","tags":["{version}"],"commitHash":"{commit}"}}"#)
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
    assert!(fake.calls.contains(&"compare acme/web 0000000a...0000000b".to_owned()), "{:?}", fake.calls);
    let body = &fake.pulls[0].1.body;
    for words in [
        "31 commit(s) come: <https://git.example/acme/web/compare/0000000a...0000000b>",
        "| `0000000000` | `Fix 31 \u{a6} @all` | `Kim` |",
        "and 1 more",
        "Started by `dana@acme.example` as Port run `r_Ab12Cd34Ef56Gh78` (<https://app.port.io/organization/run?runId=r_Ab12Cd34Ef56Gh78>), workflow run <https://ci.example/runs/1>",
    ] {
        assert!(body.contains(words), "{words}: {body}");
    }
    let mut fake = Fake::guide();
    run_with(&mut fake, r#"{"commits":true,"portal":""}"#).unwrap();
    let body = &fake.pulls[0].1.body;
    assert!(body.contains("could not be listed: `setting 'provenance.repository'"), "{body}");
    assert!(body.contains("as Port run `r_Ab12Cd34Ef56Gh78`, workflow run"), "{body}");
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
    let mut fake = Fake::guide();
    assert!(matches!(run_with(&mut fake, &settings("live")), Ok(Outcome::Promoted(_))));
    assert!(fake.pulls[0].0.head.starts_with("promote/web/live/"), "{}", fake.pulls[0].0.head);
    for (environment, words) in [
        ("dev", "nothing comes before it"),
        ("prod", "is not in the chain `dev`, `test`, `live`"),
        ("{inputs.to}", "setting `environment`"),
    ] {
        let outcome = run_with(&mut Fake::guide(), &settings(environment)).unwrap();
        assert_eq!(rules(&outcome), ["chain"]);
        let Outcome::Refused(reasons) = outcome else { unreachable!() };
        assert!(reasons[0].message.contains(words), "{reasons:?}");
    }
}
