//! `promote doctor` reads the workflow that a click in Port starts, and the environment of its job: each fault with a finding of
//! its own.

use std::path::Path;

use promote_mock::World;
use promote_mock::sample::SAMPLE;
use promote_tests::settings::SampleConfig;
use serde_json::{Value, json};

use crate::doctor::token;
use crate::messages::{FindingList, WORKFLOW_FINDINGS};
use crate::secrets::with_app;
use crate::stage::{ProgramEnd, ProgramStage};

/// Findings about the workflow.
const ABOUT_WORKFLOWS: [&str; 6] = [
    "workflow-file",
    "workflow-inputs",
    "workflow-environment",
    "workflow-branches",
    "workflow-permissions",
    "workflow-run-name",
];

/// A workflow or an environment of the sample, changed, and what is to be found: code, severity, and a word of it.
struct WorkflowFault {
    name: &'static str,
    /// Texts of the sample world, and what stands in their place.
    changes: &'static [(&'static str, &'static str)],
    world: fn(&mut World),
    config: &'static str,
    findings: &'static [(&'static str, &'static str, &'static str)],
}

const SAME: fn(&mut World) = |_| {};
const GUARD: &str = "environments = { production = { reviewers = [], branches = [\"main\"] } }";

fn action(world: &mut World, change: impl Fn(&mut Value)) {
    let action = &world.port.actions["promote_to_production"];
    let mut definition = action.definition.clone();
    change(definition.get_mut("invocationMethod").unwrap());
    world.port.put_action(world.now, definition);
}

fn protect(world: &mut World) {
    let repository = world.github.find_mut("acme/gitops").unwrap();
    let rules = repository.rules.entry("main".to_owned()).or_default();
    rules.require_pull_request = true;
}

const FAULTS: &[WorkflowFault] = &[
    WorkflowFault {
        name: "nothing",
        changes: &[],
        world: SAME,
        config: "[workflow]\nenvironment = \"production\"\n",
        findings: &[],
    },
    WorkflowFault {
        name: "no such file",
        changes: &[(
            "\".github/workflows/promote-production.yml\" =",
            "\".github/workflows/other.yml\" =",
        )],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-file",
            "error",
            "the branch `main` has no .github/workflows/promote-production.yml",
        )],
    },
    WorkflowFault {
        name: "on the default branch, and not on the one that the action names",
        changes: &[],
        world: |world| {
            action(world, |method| {
                method["integrationActionExecutionProperties"]["workflowInputs"]["ref"] =
                    json!("release");
            });
        },
        config: "",
        findings: &[("workflow-file", "error", "the branch `release` has no")],
    },
    WorkflowFault {
        name: "Port's app looks in main whatever the default branch is",
        changes: &[(
            "# [github.repositories.settings]\n",
            "[github.repositories.settings]\ndefault-branch = \"trunk\"\n",
        )],
        world: |world| {
            action(world, |method| {
                let mut work = method["integrationActionExecutionProperties"].take();
                work["type"] = json!("GITHUB");
                *method = work;
            });
        },
        config: "",
        findings: &[("workflow-file", "error", "the branch `main` has no")],
    },
    WorkflowFault {
        name: "switched off",
        changes: &[(
            "\"promote-production.yml\" = \"active\"",
            "\"promote-production.yml\" = \"disabled\"",
        )],
        world: SAME,
        config: "",
        findings: &[("workflow-file", "error", "disabled in GitHub")],
    },
    WorkflowFault {
        name: "no YAML",
        changes: &[("permissions: {}\n", "permissions: {\n")],
        world: SAME,
        config: "",
        findings: &[("workflow-file", "error", "it is no workflow: line")],
    },
    WorkflowFault {
        name: "nothing starts it",
        changes: &[("  workflow_dispatch:\n", "  workflow_call:\n")],
        world: SAME,
        config: "",
        findings: &[("workflow-file", "error", "no `workflow_dispatch`")],
    },
    WorkflowFault {
        name: "an input of another name",
        changes: &[("      port_payload:\n", "      payload:\n")],
        world: SAME,
        config: "",
        findings: &[
            (
                "workflow-inputs",
                "error",
                "does not take, and GitHub refuses to start it then: port_payload",
            ),
            (
                "workflow-inputs",
                "error",
                "does not send, and GitHub refuses to start it then: payload",
            ),
        ],
    },
    WorkflowFault {
        name: "one more input, which has a default",
        changes: &[(
            "    inputs:\n",
            "    inputs:\n      dry:\n        required: true\n        default: \"no\"\n",
        )],
        world: SAME,
        config: "",
        findings: &[],
    },
    WorkflowFault {
        name: "no environment",
        changes: &[("    environment: production\n", "")],
        world: SAME,
        config: "",
        findings: &[("workflow-environment", "warning", "runs in no environment")],
    },
    WorkflowFault {
        name: "an expression says the environment",
        changes: &[(
            "    environment: production\n",
            "    environment: ${{ inputs.to }}\n",
        )],
        world: SAME,
        config: "",
        findings: &[("workflow-environment", "note", "an expression")],
    },
    WorkflowFault {
        name: "an environment that is not there",
        changes: &[(GUARD, "environments = {}")],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-environment",
            "warning",
            "no environment `production`",
        )],
    },
    WorkflowFault {
        name: "another environment than promote.toml says",
        changes: &[],
        world: SAME,
        config: "[workflow]\nenvironment = \"live\"\n",
        findings: &[("workflow-environment", "error", "promote.toml says `live`")],
    },
    WorkflowFault {
        name: "reviewers of whom promote.toml knows nothing",
        changes: &[("reviewers = []", "reviewers = [\"kim\"]")],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-environment",
            "warning",
            "`promote resume` merges nothing",
        )],
    },
    WorkflowFault {
        name: "any branch",
        changes: &[("branches = [\"main\"] }", "branches = \"any\" }")],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-branches",
            "warning",
            "any branch or tag may use it",
        )],
    },
    WorkflowFault {
        name: "protected branches, of which there is none",
        changes: &[("branches = [\"main\"] }", "branches = \"protected\" }")],
        world: SAME,
        config: "",
        findings: &[("workflow-branches", "warning", "`main` is not protected")],
    },
    WorkflowFault {
        name: "protected branches, of which main is one",
        changes: &[("branches = [\"main\"] }", "branches = \"protected\" }")],
        world: protect,
        config: "",
        findings: &[],
    },
    WorkflowFault {
        name: "more branches than the default one",
        changes: &[(
            "branches = [\"main\"] }",
            "branches = [\"main\", \"release/*\"] }",
        )],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-branches",
            "warning",
            "read its secrets: release/*",
        )],
    },
    WorkflowFault {
        name: "other branches than the default one",
        changes: &[("branches = [\"main\"] }", "branches = [\"release/*\"] }")],
        world: SAME,
        config: "",
        findings: &[("workflow-branches", "error", "its job never starts")],
    },
    WorkflowFault {
        name: "a token that may not do what every promotion needs",
        changes: &[(
            "      contents: write\n      pull-requests: write\n",
            "      contents: read\n",
        )],
        world: SAME,
        config: "",
        findings: &[(
            "workflow-permissions",
            "error",
            "lacks what promote.toml grants: contents: write, pull-requests: write",
        )],
    },
    WorkflowFault {
        name: "a token that may not record deployments and may not ask who approved",
        changes: &[],
        world: SAME,
        config: "[workflow]\nenvironment = \"production\"\n[[grants]]\nallow = [\"run.reviews\"]\n[[grants]]\nallow = [\"github.deployment\"]\nrepository = \"acme/gitops\"\n",
        findings: &[(
            "workflow-permissions",
            "warning",
            "lacks what promote.toml grants: actions: read, deployments: write",
        )],
    },
    WorkflowFault {
        name: "runs of another name",
        changes: &[(
            "run-name: Port run ${{ fromJSON(inputs.port_payload).run_id }}\n",
            "",
        )],
        world: SAME,
        config: "",
        findings: &[("workflow-run-name", "warning", "not called by the Port run")],
    },
    WorkflowFault {
        name: "runs of another name, which reviewers let start",
        changes: &[
            (
                "run-name: Port run ${{ fromJSON(inputs.port_payload).run_id }}\n",
                "",
            ),
            ("reviewers = []", "reviewers = [\"kim\"]"),
        ],
        world: SAME,
        config: "[workflow]\nenvironment = \"Production\"\n",
        findings: &[("workflow-run-name", "error", "not called by the Port run")],
    },
    WorkflowFault {
        name: "a token that may not read environments",
        changes: &[],
        world: |world| {
            token(world, |token| {
                token.permissions.remove("actions");
            });
        },
        config: "",
        findings: &[("workflow-environment", "note", "it was not looked at")],
    },
    WorkflowFault {
        name: "a workflow in a repository that cannot be seen",
        changes: &[],
        world: |world| {
            action(world, |method| {
                method["integrationActionExecutionProperties"]["repo"] = json!("elsewhere");
            });
        },
        config: "",
        findings: &[("workflow-file", "note", "it was not looked at")],
    },
];

/// Returns code, severity and words of the findings about workflows.
fn about_workflows(ended: &ProgramEnd) -> Vec<[String; 3]> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let about =
        findings.filter(|finding| ABOUT_WORKFLOWS.iter().any(|code| finding["code"] == *code));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    about
        .map(|it| [text(&it["code"]), text(&it["severity"]), text(&it["what"])])
        .collect()
}

#[tokio::test]
async fn each_fault_of_a_workflow_has_its_finding_and_nothing_is_written() {
    let mut list = FindingList::default();
    for fault in FAULTS {
        let mut sample = SAMPLE.to_owned();
        for (from, to) in fault.changes {
            assert!(sample.contains(from), "{}: {from}", fault.name);
            sample = sample.replacen(from, to, 1);
        }
        let mut world = World::from_toml(&sample, Path::new("")).unwrap();
        (fault.world)(&mut world);
        let config = SampleConfig::default().teams(fault.config);
        let stage = ProgramStage::of(world).await.settings(&config);
        let ended = stage.promote(&["doctor", "--format", "json"]).await;
        let found = about_workflows(&ended);
        assert_eq!(
            found.len(),
            fault.findings.len(),
            "{}: {found:#?}",
            fault.name
        );
        for (code, severity, words) in fault.findings {
            let fits =
                |it: &[String; 3]| it[0] == *code && it[1] == *severity && it[2].contains(words);
            assert!(found.iter().any(fits), "{}: {found:#?}", fault.name);
        }
        stage.witness.expect_untouched();
        list.add(&stage, &ended.json());
    }
    list.check(WORKFLOW_FINDINGS);
}

/// An App that promotes may not read environments: the workflow's own token does.
#[tokio::test]
async fn the_token_of_the_workflow_reads_what_the_app_may_not() {
    for (token, expected) in [(None, 1), (Some("mock-github-token"), 0)] {
        let mut stage = ProgramStage::of(with_app())
            .await
            .without("GITHUB_TOKEN")
            .with("GITHUB_APP_ID", "7")
            .with("GITHUB_APP_PRIVATE_KEY", include_str!("app.pem"));
        if let Some(token) = token {
            stage = stage.with("WORKFLOW_TOKEN", token);
        }
        let ended = stage.promote(&["doctor", "--format", "json"]).await;
        let found = about_workflows(&ended);
        assert_eq!(found.len(), expected, "{found:#?}");
        ended.expect(0);
    }
}
