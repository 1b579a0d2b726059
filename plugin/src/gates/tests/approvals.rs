//! Approvals: whose count, of what, and what is said of the others.

use serde_json::{Value, json};

use super::{check_on, run};
use crate::facts::ApprovalCount;
use crate::fake::FakeHost;
use crate::host::{Mergeability, PullPeople, PullRequest, PullState, Review, ReviewState};
use crate::types::{Awaited, Outcome};

fn review(reviewer: &str, state: ReviewState) -> Review {
    Review {
        reviewer: reviewer.into(),
        is_bot: false,
        can_write: true,
        state,
        commit: Some("h1".into()),
        submitted_at: None,
    }
}

fn approved(reviewer: &str) -> Review {
    review(reviewer, ReviewState::Approved)
}

fn people(reviews: Vec<Review>) -> PullPeople {
    PullPeople {
        author: Some("Dana".into()),
        committers: vec!["dana".into(), "lee".into()],
        head_commit: "h1".into(),
        merged_by: None,
        reviews,
    }
}

#[test]
fn only_an_approval_of_all_of_it_by_another_person_with_write_access_counts() {
    let of = |change: fn(&mut Review)| {
        let mut one = approved("kim");
        change(&mut one);
        one
    };
    for (reviews, by, ignored) in [
        (vec![approved("kim"), approved("grace")], 2, ""),
        (vec![approved("DANA")], 0, "`DANA` opened it"),
        (vec![approved("Lee")], 0, "`Lee` wrote some of it"),
        (vec![of(|it| it.is_bot = true)], 0, "`kim` is a bot"),
        (
            vec![of(|it| it.can_write = false)],
            0,
            "`kim` may not write to the repository",
        ),
        (
            vec![of(|it| it.commit = Some("h0".into()))],
            0,
            "`kim` has approved an older commit",
        ),
        (
            vec![of(|it| it.commit = None)],
            0,
            "`kim` has approved an older commit",
        ),
        (
            vec![of(|it| it.state = ReviewState::Dismissed)],
            0,
            "`kim` gave a review that was dismissed",
        ),
        (vec![of(|it| it.state = ReviewState::Commented)], 0, ""),
        (vec![approved("erin")], 0, "`erin` started the run"),
        (
            vec![approved("a`\n`b"), of(|it| it.is_bot = true)],
            1,
            "`kim` is a bot",
        ),
    ] {
        let count = ApprovalCount::of(&people(reviews), |who| {
            (who == "erin").then_some("started the run")
        });
        assert_eq!(
            (count.by.len(), count.ignored.join(", ").as_str()),
            (by, ignored)
        );
        assert!(!count.describe(1).contains('\n'), "{}", count.describe(1));
    }
}

#[test]
fn who_asks_for_changes_holds_it_if_they_may_write() {
    let no = |can_write, is_bot| Review {
        can_write,
        is_bot,
        ..review("erin", ReviewState::ChangesRequested)
    };
    for (no, is_enough) in [
        (no(true, false), false),
        (no(false, false), true),
        (no(true, true), true),
    ] {
        let count = ApprovalCount::of(&people(vec![approved("kim"), no]), |_| None);
        assert_eq!(count.is_enough(1), is_enough, "{count:?}");
    }
}

fn merged(base: &str, state: PullState) -> PullRequest {
    PullRequest {
        number: 7,
        url: "https://github.com/acme/web/pull/7".into(),
        title: "Cache".into(),
        state,
        head: "cache".into(),
        head_commit: "h1".into(),
        base: base.into(),
        merge_commit: Some("abcdef1".into()),
        merged_at: None,
        mergeable: Mergeability::Unknown,
        image: None,
        runs: Vec::new(),
    }
}

fn built(origin: Vec<PullRequest>, reviews: Vec<Review>) -> FakeHost {
    let mut fake = FakeHost::guide();
    fake.entity("service", "web").properties = r#"{"url":"https://github.com/acme/web"}"#.into();
    let image = r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"commitHash":"abcdef1"}"#;
    fake.entity("image", "web-1.4.2").properties = image.into();
    fake.origin = origin;
    fake.people = people(reviews);
    fake
}

fn wanted(of: &str, count: u32) -> Value {
    json!({ "approvals": { "of": of, "count": count } })
}

#[test]
fn an_image_needs_the_approvals_of_a_pull_request_that_was_merged_into_its_branch() {
    let two = || vec![approved("kim"), approved("grace")];
    let main = || merged("main", PullState::Merged);
    check_on(wanted("image", 2), built(vec![main()], two()), "", "");
    check_on(
        wanted("image", 3),
        built(vec![main()], two()),
        "approvals",
        "pull request #7 of acme/web has 2 of 3 approvals (`kim`, `grace`)",
    );
    for origin in [
        vec![],
        vec![merged("next", PullState::Merged)],
        vec![merged("main", PullState::Open)],
        vec![merged("main", PullState::Closed)],
    ] {
        check_on(
            wanted("image", 1),
            built(origin, two()),
            "approvals",
            "no merged pull request brought to `main`",
        );
    }
}

#[test]
fn a_promotion_is_not_merged_before_others_have_approved_it() {
    let mut fake = FakeHost::guide();
    fake.people.reviews = vec![approved("dana")];
    let Outcome::Waiting(waiting) = run(&mut fake, &wanted("pull-request", 1)) else {
        panic!("it does not wait");
    };
    assert_eq!(waiting.awaited, Awaited::Review);
    assert!(
        waiting.message.contains("`dana` started the run"),
        "{}",
        waiting.message
    );
    assert!(!fake.writes().iter().any(|call| call.starts_with("merge")));
}

#[test]
fn what_nobody_can_have_meant_is_refused_before_anything_is_asked() {
    for (approvals, words) in [
        (json!({ "count": 0 }), "has `count = 0`"),
        (
            json!([{}, { "of": "port", "count": 2 }]),
            "approvals[1] asks for several approvals in Port",
        ),
        (
            json!({ "of": "image", "environment": "production" }),
            "has `environment`, which means something with",
        ),
        (json!({ "of": "everybody" }), "it must be one of"),
    ] {
        let text = json!({
            "reference": "{registryId}:{tags[0]}",
            "manifest": { "kubernetes": "a.yaml" },
            "approvals": approvals,
        });
        let error = crate::settings::Settings::parse(&text.to_string()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
