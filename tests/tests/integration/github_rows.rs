//! What GitHub really answers to a merge, and how a merge queue really behaves: each row of what was found on the wire, played in
//! process and over HTTP. The program of commit 9237fa8 fails at each of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_kit::test::show;

/// What GitHub answers, the world in which it does, and what must come of it.
struct AnsweredRow {
    name: &'static str,
    /// Of the world: weather, the repository's settings and rules, events.
    given: &'static str,
    /// Settings of the policy.
    settings: &'static str,
    expect: &'static str,
}

const AUTO: &str = "mode = \"auto-merge\"";
const CHECKS: &str = "mode = \"checks\"\nchecks = { deadline = \"5m\", every = \"10s\" }";
const PROMOTED: &str = "outcome = \"promoted\"\nexit = 0\npulls = [\"merged\"]";

/// One pull request, merged, and its branch deleted.
const TIDY: &str = "outcome = \"promoted\"\nexit = 0\npulls = [\"merged\"]\nbranches = [\"main\"]";

const ROWS: &[AnsweredRow] = &[
    AnsweredRow {
        name: "createRef fails, in a document with the commit and the pull request",
        given: "[given.github.weather]\nfailing-fields = [\"createRef\"]",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "createCommitOnBranch fails, after the branch was made",
        given: "[given.github.weather]\nfailing-fields = [\"createCommitOnBranch\"]",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "createPullRequest fails, after the commit was made",
        given: "[given.github.weather]\nfailing-fields = [\"createPullRequest\"]",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "every field of the document fails",
        given: "[given.github.weather]\nfailing-fields = [\"createRef\", \"createCommitOnBranch\", \"createPullRequest\"]",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "mergePullRequest fails",
        given: "[given.github.weather]\nfailing-fields = [\"mergePullRequest\"]",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "the document that proposes is lost on its way",
        given: "[[given.faults]]\nservice = \"github\"\npath = \"/graphql\"\nnth = 2\nthen = { cut = \"before\" }",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "the answer to the document that proposes is lost",
        given: "[[given.faults]]\nservice = \"github\"\npath = \"/graphql\"\nnth = 2\nthen = { cut = \"after\" }",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "the document that merges is lost on its way",
        given: "[[given.faults]]\nservice = \"github\"\npath = \"/graphql\"\nnth = 3\nthen = { cut = \"before\" }",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "the answer to the document that merges is lost",
        given: "[[given.faults]]\nservice = \"github\"\npath = \"/graphql\"\nnth = 3\nthen = { cut = \"after\" }",
        settings: "",
        expect: TIDY,
    },
    AnsweredRow {
        name: "somebody's branch of that name appears before the document",
        given: "[[given.events]]\nbefore-operation = \"git/create-ref\"\nthen = { commit = { repository = \"acme/gitops\", branch = \"promote/web/production/web-1.4.2-bb4629bb80\", files = { \"README.md\" = \"mine\\n\" } } }",
        settings: "",
        expect: "outcome = \"refused\"\nexit = 1\nmessage = \"not ours\"\npulls = [\"closed\"]\nnever = [\"merge\", \"update-entity\"]",
    },
    AnsweredRow {
        name: "409 Head branch is out of date",
        given: "[given.github.weather]\nhead-out-of-date = 2",
        settings: "",
        expect: PROMOTED,
    },
    AnsweredRow {
        name: "405 Merge already in progress, after a 502",
        given: "[given.github.weather]\nslow-merges = 1",
        settings: "",
        expect: PROMOTED,
    },
    AnsweredRow {
        name: "405 Pull Request has merge conflicts",
        given: "[[given.events]]\nbefore-operation = \"pulls/merge\"\nthen = { commit = { repository = \"acme/gitops\", branch = \"main\", files = { \"apps/web/prod/deployment.yaml\" = \"spec:\\n  template:\\n    spec:\\n      containers:\\n        - name: web\\n          image: ghcr.io/acme/web:1.4.0\\n\" } } }",
        settings: "",
        expect: "outcome = \"promoted\"\nexit = 0\npulls = [\"merged\"]\nincludes = [\"propose\", \"merge: conflict\", \"propose\", \"merge\"]",
    },
    AnsweredRow {
        name: "Waiting on code owner review, bare",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nclassic = true\ncode-owners = [\"acme/owners\"]",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"code owner\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "Waiting on code owner review, under a heading",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\ncode-owners = [\"acme/owners\"]",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"code owner\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "New changes require approval from someone other than the last pusher",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nclassic = true\nlast-push-approval = true",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"pull request #1\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "A conversation must be resolved",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nclassic = true\nconversation-resolution = true\n[[given.events]]\nafter-operation = \"pulls/create\"\nthen = { review = { repository = \"acme/gitops\", user = \"kim\", state = \"commented\" } }",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"conversation\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "Required workflow is not satisfied",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nclassic = true\nrequired-workflow = \"policy\"",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"workflow\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "Waiting for Code Scanning results",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nclassic = true\ncode-scanning = true",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"code scanning\"\nincludes = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "required checks are expected, of a branch that is behind, in mode checks",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nci = [{ name = \"validate\", takes = \"20s\" }]\n[given.github.repositories.rules.main]\nrequired-checks = [\"validate\"]\nstrict = true\n[[given.events]]\nafter-operation = \"pulls/create\"\nthen = { commit = { repository = \"acme/gitops\", branch = \"main\", files = { \"README.md\" = \"moved\\n\" } } }",
        settings: CHECKS,
        expect: "outcome = \"promoted\"\nexit = 0\npulls = [\"merged\"]\nincludes = [\"merge: conflict\", \"propose\", \"merge\"]",
    },
    AnsweredRow {
        name: "required checks are expected, of a branch that is behind, before it is armed",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nci = [{ name = \"validate\", takes = \"0s\" }]\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nrequired-checks = [\"validate\"]\nstrict = true\n[[given.events]]\nafter-operation = \"pulls/create\"\nthen = { commit = { repository = \"acme/gitops\", branch = \"main\", files = { \"README.md\" = \"moved\\n\" } } }",
        settings: AUTO,
        expect: "outcome = \"promoted\"\nexit = 0\nincludes = [\"merge-when-ready: conflict\", \"propose\", \"merge-when-ready\"]\npulls = [\"merged\"]",
    },
    AnsweredRow {
        name: "required checks are expected, and run, of a branch that is behind, in mode auto-merge",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nci = [{ name = \"validate\", takes = \"20s\" }]\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nrequired-checks = [\"validate\"]\nstrict = true\n[[given.events]]\nafter-operation = \"pulls/create\"\nthen = { commit = { repository = \"acme/gitops\", branch = \"main\", files = { \"README.md\" = \"moved\\n\" } } }",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"validate\"\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "a queue, and a pull request of GITHUB_TOKEN",
        given: "[[given.github.tokens]]\ntoken = \"mock-github-token\"\nlogin = \"github-actions[bot]\"\nkind = \"actions\"\n[[given.github.repositories]]\nname = \"acme/gitops\"\n[given.github.repositories.rules.main]\nmerge-queue = true\nrequired-checks = [\"validate\"]",
        settings: AUTO,
        expect: "outcome = \"failed\"\nexit = 3\nmessage = \"GITHUB_TOKEN\"\nincludes = [\"merge-when-ready: rejected\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "a queue, where auto-merge would swallow what is green",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\nsettings = { allow-auto-merge = true }\n[given.github.repositories.rules.main]\nmerge-queue = true",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"the merge queue\"\nwrites = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
    AnsweredRow {
        name: "a queue, where auto-merge is not allowed",
        given: "[[given.github.repositories]]\nname = \"acme/gitops\"\n[given.github.repositories.rules.main]\nmerge-queue = true",
        settings: AUTO,
        expect: "outcome = \"waiting\"\nexit = 0\nmessage = \"the merge queue\"\nwrites = [\"propose\", \"merge-when-ready\"]\npulls = [\"open\"]",
    },
];

impl AnsweredRow {
    fn scenario(&self) -> String {
        let Self {
            name,
            given,
            settings,
            expect,
        } = self;
        // What went into a queue is merged by it, and what is armed does not stay behind for ever.
        let then = if name.starts_with("a queue, where") {
            "[[step]]\nadvance = \"10m\"\n[[step]]\ndo = \"resume\"\n[step.expect]\noutcome = \"promoted\"\npulls = [\"merged\"]\n".to_owned()
        } else if name.ends_with("in mode auto-merge") {
            let again = "[[step]]\nadvance = \"2m\"\n[[step]]\ndo = \"resume\"\n".repeat(2);
            format!("{again}[step.expect]\noutcome = \"promoted\"\npulls = [\"merged\"]\n")
        } else {
            String::new()
        };
        format!(
            "title = \"{name}\"\n{given}\n[config.policy.settings]\n{settings}\n[[step]]\n[step.expect]\n{expect}\n{then}"
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the table")]
async fn each_answer_of_github_ends_as_it_should() {
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let mut failed = String::new();
    for row in ROWS {
        let scenario = Scenario::parse(&row.scenario(), Path::new("row.toml"));
        let scenario = scenario.unwrap_or_else(|error| panic!("{}: {error}", row.name));
        for over_http in [false, true] {
            let report = runner.test(&scenario, over_http).await.unwrap();
            let word = if report.passed() { "ok" } else { "FAILED" };
            let way = if over_http { "HTTP" } else { "in process" };
            eprintln!("{:75} {way:10} {word}", row.name);
            if !report.passed() {
                let _ = writeln!(failed, "{} ({way}): {:.3000}", row.name, show(&report));
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
