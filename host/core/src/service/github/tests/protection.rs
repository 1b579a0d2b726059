//! The demands of a branch: rulesets, classic protection and the queue together.

use crate::service::github::tests::*;
use crate::service::github::{BranchDemand, BranchProtection};

/// GraphQL's answer about the branch.
fn told(answer: TransportResult) -> Step {
    ("POST !/graphql", answer)
}

async fn protection_of(client: &Client) -> BranchProtection {
    client.repo(R).unwrap().protection("main").await.unwrap()
}

/// The steps of a reading, in the order in which they are sent.
fn steps(rules: Value, update: TransportResult) -> Vec<Step> {
    vec![
        ("GET ", answer(200, json!({}))),
        ("GET /rules/branches/main?per_page=100", answer(200, rules)),
        (
            "GET /branches/main",
            answer(200, json!({ "protected": true })),
        ),
        told(update),
    ]
}

#[tokio::test]
async fn rules_narrow_what_the_repository_allows() {
    let review = json!({ "type": "pull_request", "parameters":
        { "required_approving_review_count": 2, "allowed_merge_methods": ["squash", "merge"] } });
    let upgrade = || {
        answer(
            403,
            said("Upgrade to GitHub Pro or make this repository public to enable this feature."),
        )
    };
    let (linear, queue) = (
        json!({ "type": "required_linear_history" }),
        json!({ "type": "merge_queue" }),
    );
    let all = [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase];
    for (settings, rules, methods, approvals, queued) in [
        (json!({}), upgrade(), &all[..], 0, false),
        (
            json!({ "allow_merge_commit": false }),
            answer(200, "[]"),
            &all[1..],
            0,
            false,
        ),
        (json!({}), answer(200, json!([review])), &all[..2], 2, false),
        (
            json!({}),
            answer(200, json!([review, linear])),
            &all[1..2],
            2,
            false,
        ),
        (json!({}), answer(200, json!([queue])), &all[..], 0, true),
    ] {
        let protection =
            json!({ "protection": { "required_status_checks": { "contexts": ["ci"] } } });
        let (client, script) = github(vec![
            ("GET ", answer(200, settings)),
            ("GET /rules/branches/main?per_page=100", rules),
            ("GET /branches/main", answer(200, protection)),
            told(answer(200, json!({ "data": { "repository": null } }))),
        ]);
        let rules = protection_of(&client).await.rules;
        assert_eq!(
            (rules.methods.as_slice(), rules.required_approvals),
            (methods, approvals)
        );
        assert_eq!(
            (rules.merge_queue, rules.required_checks),
            (queued, vec!["ci".to_owned()])
        );
        script.end();
    }
}

#[tokio::test]
async fn classic_protection_is_seen_without_an_administrator() {
    let rule = json!({ "requiredApprovingReviewCount": 2, "requiredStatusCheckContexts": ["ci"],
        "requiresCodeOwnerReviews": true, "requiresConversationResolution": true,
        "requiresLinearHistory": true, "requiresSignatures": true });
    let told = json!({ "data": { "repository": {
        "mergeQueue": { "id": "MQ_1" }, "ref": { "refUpdateRule": rule } } } });
    let (client, script) = github(steps(json!([]), answer(200, told)));
    let BranchProtection {
        rules,
        checks,
        demands,
    } = protection_of(&client).await;
    assert_eq!(rules.methods, [MergeMethod::Squash, MergeMethod::Rebase]);
    assert_eq!((rules.required_approvals, rules.merge_queue), (2, true));
    assert_eq!(rules.required_checks, ["ci"]);
    assert_eq!(checks[0].app, None);
    let expected = [
        BranchDemand::CodeOwners,
        BranchDemand::Conversations,
        BranchDemand::Signatures,
    ];
    assert_eq!(demands, BTreeSet::from(expected));
    script.end();
}

#[tokio::test]
async fn every_kind_of_ruleset_is_a_demand_or_known_to_be_none() {
    let review = json!({ "require_code_owner_review": true, "require_last_push_approval": true,
        "required_review_thread_resolution": true });
    for (kind, parameters, expected) in [
        (
            "pull_request",
            review,
            vec![
                BranchDemand::CodeOwners,
                BranchDemand::LastPush,
                BranchDemand::Conversations,
            ],
        ),
        (
            "required_signatures",
            json!({}),
            vec![BranchDemand::Signatures],
        ),
        ("workflows", json!({}), vec![BranchDemand::Workflows]),
        (
            "required_deployments",
            json!({}),
            vec![BranchDemand::Deployments],
        ),
        ("code_scanning", json!({}), vec![BranchDemand::CodeScanning]),
        ("update", json!({}), vec![BranchDemand::Locked]),
        (
            "file_path_restriction",
            json!({}),
            vec![BranchDemand::Other("file_path_restriction".to_owned())],
        ),
        ("non_fast_forward", json!({}), vec![]),
        ("deletion", json!({}), vec![]),
    ] {
        let rules = json!([{ "type": kind, "parameters": parameters }]);
        let nothing = json!({ "data": { "repository": { "mergeQueue": null, "ref": null } } });
        let (client, _) = github(steps(rules, answer(200, nothing)));
        let found = protection_of(&client).await.demands;
        assert_eq!(found, BTreeSet::from_iter(expected), "{kind}");
    }
}

#[tokio::test]
async fn where_graphql_says_no_rest_must_do_and_where_it_cannot_be_read_nothing_is_known() {
    let rules = json!([{ "type": "merge_queue" }]);
    let (client, _) = github(steps(
        rules.clone(),
        answer(403, said("Resource not accessible")),
    ));
    assert!(protection_of(&client).await.rules.merge_queue);
    let (client, _) = github(steps(rules, answer(200, "<html>")));
    let failed = client.repo(R).unwrap().protection("main").await;
    assert!(kind(failed).starts_with("Unavailable"));
}
