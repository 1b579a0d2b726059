//! Refusals of a merge, in the words of public reports.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST};
use super::merging::{opened, rules};

/// The change of the world that stands in the way, the merge's body, and the answer.
type AnswerRow = (&'static str, fn(&mut GitHubBench), Value, u16, &'static str);

fn refusals() -> Vec<AnswerRow> {
    fn rule(kit: &mut GitHubBench, change: impl FnOnce(&mut BranchRules)) {
        kit.repository().rules.insert("main".into(), rules(change));
    }
    fn check(kit: &mut GitHubBench, conclusion: Option<&str>) {
        rule(kit, |rules| rules.required_checks = vec!["test".into()]);
        let head = kit.repository().pulls[&1].head_sha;
        kit.github
            .set_check("acme/gitops", head, "test", conclusion);
    }
    let none = json!({});
    vec![
        (
            "another head",
            |_| {},
            json!({"sha": "0".repeat(40)}),
            409,
            "Head branch was modified. Review and try the merge again.",
        ),
        (
            "moving base",
            |kit| kit.github.weather.base_modified = 1,
            none.clone(),
            405,
            "Base branch was modified. Review and try the merge again.",
        ),
        (
            "conflict",
            |kit| {
                kit.github.commit_files(
                    "acme/gitops",
                    "main",
                    "m",
                    [(MANIFEST.into(), "x".into())],
                );
            },
            none.clone(),
            405,
            "Pull Request has merge conflicts",
        ),
        (
            "closed",
            |kit| {
                kit.github.close_pull_request("acme/gitops", 1);
            },
            none.clone(),
            405,
            "Pull Request is not mergeable",
        ),
        (
            "merged",
            |kit| {
                kit.ask("PUT", "pulls/1/merge", json!({}));
            },
            none.clone(),
            405,
            "Pull Request is not mergeable",
        ),
        (
            "draft",
            |kit| kit.repository().pulls.get_mut(&1).unwrap().draft = true,
            none.clone(),
            405,
            "Pull Request is still a draft",
        ),
        (
            "no merges",
            |kit| kit.repository().settings.allow_merge_commit = false,
            none.clone(),
            405,
            "Merge commits are not allowed on this repository.",
        ),
        (
            "no squashes",
            |kit| kit.repository().settings.allow_squash_merge = false,
            json!({"merge_method": "squash"}),
            405,
            "Squash merges are not allowed on this repository.",
        ),
        (
            "no rebases",
            |kit| kit.repository().settings.allow_rebase_merge = false,
            json!({"merge_method": "rebase"}),
            405,
            "Rebase merges are not allowed on this repository.",
        ),
        (
            "linear history",
            |kit| rule(kit, |rules| rules.linear_history = true),
            none.clone(),
            405,
            "Repository rule violations found\n\nThis branch must not contain merge commits.\n\n",
        ),
        (
            "methods",
            |kit| {
                rule(kit, |rules| {
                    rules.allowed_methods = Some(vec![MergeStyle::Squash])
                })
            },
            none.clone(),
            405,
            "Merge commits are not allowed on this repository.",
        ),
        (
            "check expected",
            |kit| rule(kit, |rules| rules.required_checks = vec!["test".into()]),
            none.clone(),
            405,
            "Repository rule violations found\n\nRequired status check \"test\" is expected.\n\n",
        ),
        (
            "check pending",
            |kit| check(kit, None),
            none.clone(),
            405,
            "Repository rule violations found\n\nRequired status check \"test\" is pending.\n\n",
        ),
        (
            "check failing",
            |kit| check(kit, Some("failure")),
            none.clone(),
            405,
            "Repository rule violations found\n\nRequired status check \"test\" is failing.\n\n",
        ),
        (
            "checks",
            |kit| {
                rule(kit, |rules| {
                    rules.required_checks = vec!["a".into(), "b".into()]
                })
            },
            none.clone(),
            405,
            "Repository rule violations found\n\n2 of 2 required status checks are expected.\n\n",
        ),
        (
            "approval",
            |kit| rule(kit, |rules| rules.required_approvals = 1),
            none.clone(),
            405,
            "Repository rule violations found\n\nAt least 1 approving review is required by reviewers with write access.\n\n",
        ),
        (
            "approvals",
            |kit| {
                rule(kit, |rules| rules.required_approvals = 2);
                kit.github.approve("acme/gitops", 1, "erin");
                kit.github.approve("acme/gitops", 1, "erin");
            },
            none.clone(),
            405,
            "Repository rule violations found\n\nAt least 2 approving reviews are required by reviewers with write access.\n\n",
        ),
        (
            "push",
            |kit| rule(kit, |rules| rules.restricts_pushes = true),
            none.clone(),
            405,
            "You're not authorized to push to this branch.",
        ),
        (
            "queue",
            |kit| rule(kit, |rules| rules.merge_queue = true),
            none.clone(),
            405,
            "Repository rule violations found\n\nChanges must be made through the merge queue\n\n",
        ),
        (
            "behind",
            |kit| {
                rule(kit, |rules| rules.strict = true);
                kit.github.commit_files(
                    "acme/gitops",
                    "main",
                    "m",
                    [("README.md".into(), "x".into())],
                );
            },
            none.clone(),
            409,
            "Head branch is out of date. Review and try the merge again.",
        ),
        (
            "unnoticed base",
            |kit| kit.github.weather.head_out_of_date = 1,
            none.clone(),
            409,
            "Head branch is out of date. Review and try the merge again.",
        ),
        (
            "behind with checks that pass",
            |kit| {
                check(kit, Some("success"));
                rule(kit, |rules| {
                    rules.strict = true;
                    rules.required_checks = vec!["test".into(), "test".into()];
                });
                kit.github.commit_files(
                    "acme/gitops",
                    "main",
                    "m",
                    [("README.md".into(), "x".into())],
                );
            },
            none.clone(),
            405,
            "Repository rule violations found\n\n2 of 2 required status checks are expected.\n\n",
        ),
        (
            "method",
            |_| {},
            json!({"merge_method": "octopus"}),
            422,
            "Invalid request.\n\nmerge_method is not one of merge, squash, rebase.",
        ),
        (
            "number",
            |kit| {
                kit.repository().pulls.clear();
            },
            none,
            404,
            "Not Found",
        ),
    ]
}

#[test]
fn every_refusal_of_a_merge() {
    for (name, prepare, body, status, message) in refusals() {
        let (mut kit, _) = opened();
        prepare(&mut kit);
        let before = kit.main();
        let seen = kit.ask("PUT", "pulls/1/merge", body);
        assert_eq!((seen.status, seen.message()), (status, message), "{name}");
        assert_eq!(kit.main(), before, "{name}");
    }
}

/// A rule, what the reviewers do meanwhile, GitHub's words, and the deed that meets the rule.
type RuleRow = (
    fn(&mut BranchRules),
    fn(&mut GitHubBench),
    &'static str,
    fn(&mut GitHubBench),
);

fn approve(kit: &mut GitHubBench) {
    kit.github.approve("acme/gitops", 1, "erin");
}

fn pass(kit: &mut GitHubBench, name: &str) {
    let head = kit.repository().pulls[&1].head_sha;
    kit.github
        .set_check("acme/gitops", head, name, Some("success"));
}

const RULES: [RuleRow; 8] = [
    (
        |rules| rules.required_approvals = 1,
        |kit| {
            kit.github
                .review("acme/gitops", 1, "erin", ReviewState::ChangesRequested);
        },
        "1 review requesting changes by reviewers with write access.",
        approve,
    ),
    (
        |rules| rules.code_owners = vec!["acme/owners".into(), "erin".into()],
        |kit| {
            kit.github.approve("acme/gitops", 1, "dana");
        },
        "Waiting on code owner review from acme/owners, erin.",
        approve,
    ),
    (
        |rules| rules.last_push_approval = true,
        |kit| {
            approve(kit);
            kit.github
                .commit_files("acme/gitops", "work", "more", [("x".into(), "1".into())]);
        },
        "New changes require approval from someone other than the last pusher",
        approve,
    ),
    (
        |rules| rules.conversation_resolution = true,
        |kit| {
            kit.github
                .review("acme/gitops", 1, "erin", ReviewState::Commented);
        },
        "A conversation must be resolved before this pull request can be merged.",
        approve,
    ),
    (
        |rules| rules.required_signatures = true,
        |kit| {
            kit.github
                .commit_files("acme/gitops", "work", "more", [("x".into(), "1".into())]);
        },
        "Commits must have verified signatures.",
        |kit| {
            let head = kit.repository().pulls[&1].head_sha;
            kit.repository().verified.insert(head);
        },
    ),
    (
        |rules| rules.required_workflow = Some("policy".into()),
        |_| {},
        "Required workflow 'policy' is not satisfied",
        |kit| pass(kit, "policy"),
    ),
    (
        |rules| rules.code_scanning = true,
        |_| {},
        "Waiting for Code Scanning results. Code Scanning may not be configured for the target branch.",
        |kit| pass(kit, "CodeQL"),
    ),
    (
        |rules| {
            rules.required_checks = vec!["Vercel".into()];
            rules.check_apps.insert("Vercel".into(), 8329);
        },
        |kit| pass(kit, "Vercel"),
        "Required status check \"Vercel\" is expected.",
        |kit| {
            let head = kit.repository().pulls[&1].head_sha;
            let status = json!({"state": "success", "context": "Vercel"});
            kit.post(&format!("statuses/{head}"), status);
        },
    ),
];

#[test]
fn rules_refuse_bare_in_branch_protection_and_under_a_heading_in_a_ruleset() {
    for (rule, prepare, reason, meet) in RULES {
        for classic in [true, false] {
            let (mut kit, _) = opened();
            kit.repository().rules.insert(
                "main".into(),
                rules(|rules| {
                    rule(rules);
                    rules.classic = classic;
                }),
            );
            prepare(&mut kit);
            let refused = kit.ask("PUT", "pulls/1/merge", json!({}));
            let heading = "Repository rule violations found\n\n";
            let expected = if classic {
                reason.to_owned()
            } else {
                format!("{heading}{reason}\n\n")
            };
            assert_eq!((refused.status, refused.message()), (405, &*expected));
            assert_eq!(
                kit.get("pulls/1").body["mergeable_state"],
                "blocked",
                "{reason}"
            );
            meet(&mut kit);
            let merged = kit.ask("PUT", "pulls/1/merge", json!({}));
            assert_eq!(merged.status, 200, "{reason}: {}", merged.body);
        }
    }
}

#[test]
fn rulesets_list_what_they_demand() {
    let mut kit = GitHubBench::new();
    let demand = rules(|rules| {
        rules.required_checks = vec!["test".into(), "Vercel".into()];
        rules.check_apps.insert("Vercel".into(), 8329);
        rules.code_owners = vec!["acme/owners".into()];
        rules.required_workflow = Some("policy".into());
        rules.code_scanning = true;
    });
    kit.repository().rules.insert("main".into(), demand);
    let seen = kit.get("rules/branches/main").body;
    let types: Vec<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "pull_request",
            "required_status_checks",
            "workflows",
            "code_scanning"
        ]
    );
    assert_eq!(seen[0]["parameters"]["require_code_owner_review"], true);
    assert_eq!(
        seen[1]["parameters"]["required_status_checks"],
        json!([{"context": "test"}, {"context": "Vercel", "integration_id": 8329}])
    );
}

#[test]
fn a_slow_merge_is_answered_with_502_and_lands_later() {
    let (mut kit, head) = opened();
    kit.github.weather.slow_merges = 1;
    let merge = json!({"sha": head});
    let first = kit.ask("PUT", "pulls/1/merge", merge.clone());
    assert_eq!(
        (first.status, first.header("content-type")),
        (502, "text/html")
    );
    assert_eq!(kit.get("pulls/1").body["state"], "open");
    let second = kit.ask("PUT", "pulls/1/merge", merge);
    assert_eq!(
        (second.status, second.message()),
        (405, "Merge already in progress")
    );
    kit.wait(5);
    assert_eq!(kit.get("pulls/1").body["merged"], true);
}
