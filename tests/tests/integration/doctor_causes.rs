//! `promote doctor` tells apart why GitHub does not do what is asked: each cause with a cure of its own.

use promote_mock::fault::CannedAnswer;
use promote_mock::github::{AppInstallation, RepositoryAccess, TokenKind};
use promote_mock::{FaultEffect, ServiceName, World};
use serde_json::{Value, json};

use crate::messages::{CREDENTIAL_FINDINGS, FindingList};
use crate::secrets::with_app;
use crate::stage::ProgramStage;

/// A cause, and what is to be found.
struct Cause {
    /// Told if it fails.
    name: &'static str,
    world: fn(&mut World),
    /// A GitHub App acts.
    is_app: bool,
    /// The code of the finding, its severity, and a word of its cure; none if nothing of GitHub is to be found.
    finding: Option<(&'static str, &'static str, &'static str)>,
}

fn answer(world: &mut World, path: &str, status: u16, message: &str, headers: &[(&str, &str)]) {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let canned = CannedAnswer {
        status,
        headers,
        body: json!({ "message": message }).to_string(),
    };
    let fault = FaultEffect::Answer(canned);
    let planted = world.faults.next(ServiceName::GitHub, "GET", path, fault);
    planted.unwrap().times = 100;
}

fn token(world: &mut World, change: impl Fn(&mut promote_mock::github::GitHubToken)) {
    let tokens = &mut world.github.tokens;
    let mut token = tokens.find("mock-github-token").unwrap().clone();
    change(&mut token);
    tokens.insert("mock-github-token", token);
}

fn rules(world: &mut World) -> &mut promote_mock::github::BranchRules {
    let repository = world.github.find_mut("acme/gitops").unwrap();
    repository.rules.entry("main".to_owned()).or_default()
}

fn installation(world: &mut World) -> &mut AppInstallation {
    &mut world.github.apps.last_mut().unwrap().installations[0]
}

const MINT: &str = "POST /app/installations/70/access_tokens";
const REVOKE: &str = "DELETE /installation/token";

const CREDENTIALS: &str = "github-credentials";

const CAUSES: &[Cause] = &[
    Cause {
        name: "an App whose rights are right",
        world: |_| {},
        is_app: true,
        finding: None,
    },
    Cause {
        name: "a workflow's own token",
        world: |world| token(world, |token| token.kind = TokenKind::Actions),
        is_app: false,
        finding: None,
    },
    Cause {
        name: "an App's token that was minted elsewhere, with required checks",
        world: |world| {
            token(world, |token| {
                token.kind = TokenKind::Installation { id: 1 }
            });
            let rules = rules(world);
            rules.required_checks = vec!["test".to_owned()];
            rules.required_approvals = 1;
        },
        is_app: false,
        finding: Some(("checks-required", "error", "checks")),
    },
    Cause {
        name: "a user's token of an App names no scope",
        world: |world| answer(world, "/user", 200, "", &[("x-oauth-scopes", "")]),
        is_app: false,
        finding: None,
    },
    Cause {
        name: "a wrong token",
        world: |world| drop(world.github.tokens.revoke("mock-github-token")),
        is_app: false,
        finding: Some((CREDENTIALS, "error", "make a new token")),
    },
    Cause {
        name: "single sign-on",
        world: |world| {
            let text = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
            answer(world, "/user", 403, text, &[]);
        },
        is_app: false,
        finding: Some((CREDENTIALS, "error", "single sign-on")),
    },
    Cause {
        name: "a suspended account",
        world: |world| {
            answer(
                world,
                "/user",
                403,
                "Sorry. Your account was suspended.",
                &[],
            )
        },
        is_app: false,
        finding: Some((CREDENTIALS, "error", "suspension")),
    },
    Cause {
        name: "a refusal that nobody expects",
        world: |world| {
            answer(
                world,
                "/user",
                403,
                "Max number of login attempts exceeded",
                &[],
            )
        },
        is_app: false,
        finding: Some((CREDENTIALS, "error", "do what GitHub says")),
    },
    Cause {
        name: "a rate limit that does not clear",
        world: |world| {
            let limit = [
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "4102444800"),
            ];
            answer(
                world,
                "/user",
                403,
                "API rate limit exceeded for user ID 1.",
                &limit,
            );
        },
        is_app: false,
        finding: Some((CREDENTIALS, "unknown", "in an hour")),
    },
    Cause {
        name: "another server",
        world: |world| answer(world, "/user", 404, "Not Found", &[]),
        is_app: false,
        finding: Some((CREDENTIALS, "error", "GITHUB_API_URL")),
    },
    Cause {
        name: "an App that is not installed",
        world: |world| world.github.apps.last_mut().unwrap().installations.clear(),
        is_app: true,
        finding: Some((CREDENTIALS, "error", "at the App")),
    },
    Cause {
        name: "an App that lacks a permission",
        world: |world| {
            let permissions = &mut installation(world).permissions;
            permissions.remove("pull_requests");
        },
        is_app: true,
        finding: Some((CREDENTIALS, "error", "at the App")),
    },
    Cause {
        name: "an App that was not given the repository",
        world: |world| {
            installation(world).access = RepositoryAccess::Only(Default::default());
        },
        is_app: true,
        finding: Some((CREDENTIALS, "error", "at the App")),
    },
    Cause {
        name: "a suspended App",
        world: |world| installation(world).suspended = true,
        is_app: true,
        finding: Some((CREDENTIALS, "error", "at the App")),
    },
    Cause {
        name: "a queue, and a workflow's own token",
        world: |world| {
            token(world, |token| token.kind = TokenKind::Actions);
            rules(world).merge_queue = true;
        },
        is_app: false,
        finding: Some(("merge-queue", "error", "GitHub App")),
    },
    Cause {
        name: "a queue of classic protection",
        world: |world| {
            rules(world).classic = true;
            rules(world).merge_queue = true;
        },
        is_app: true,
        finding: Some(("merge-queue", "error", "auto-merge")),
    },
    Cause {
        name: "a check of another App, and a workflow's own token",
        world: |world| {
            token(world, |token| token.kind = TokenKind::Actions);
            rules(world).required_checks = vec!["Vercel".to_owned()];
            rules(world).check_apps.insert("Vercel".to_owned(), 8329);
        },
        is_app: false,
        finding: Some(("checks-required", "error", "checks")),
    },
    Cause {
        name: "signed commits, and a person's token",
        world: |world| {
            rules(world).classic = true;
            rules(world).required_signatures = true;
        },
        is_app: false,
        finding: Some(("commits-unsigned", "error", "GitHub App")),
    },
    Cause {
        name: "code owners of classic protection",
        world: |world| {
            rules(world).classic = true;
            rules(world).code_owners = vec!["acme/owners".to_owned()];
        },
        is_app: true,
        finding: Some(("branch-demands", "note", "waits for it")),
    },
];

/// Findings about GitHub: its credentials, its repositories, its branch.
const ABOUT_GITHUB: &[&str] = &[
    CREDENTIALS,
    "token-wide",
    "token-expiry",
    "repository-access",
    "base-branch",
    "checks-never-start",
    "checks-required",
    "merge-queue",
    "commits-unsigned",
    "branch-demands",
];

#[tokio::test]
async fn each_cause_has_its_own_cure() {
    let mut list = FindingList::default();
    for cause in CAUSES {
        let mut world = with_app();
        (cause.world)(&mut world);
        let mut stage = ProgramStage::of(world).await;
        if cause.is_app {
            let key = include_str!("app.pem");
            stage = stage
                .without("GITHUB_TOKEN")
                .with("GITHUB_APP_ID", "7")
                .with("GITHUB_APP_PRIVATE_KEY", key);
        }
        let before = stage.witness.world.lock().github.tokens.iter().count();
        let ended = stage.promote(&["doctor", "--format", "json"]).await;
        let report = ended.json();
        list.add(&stage, &report);
        let about: Vec<&Value> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| ABOUT_GITHUB.iter().any(|code| finding["code"] == *code))
            .collect();
        let name = cause.name;
        match cause.finding {
            None => assert!(about.is_empty(), "{name}: {about:#?}"),
            Some((code, severity, cure)) => {
                let found = about.iter().find(|finding| finding["code"] == code);
                let found = found.unwrap_or_else(|| panic!("{name}: {report:#}\n{}", ended.stderr));
                assert_eq!(found["severity"], severity, "{name}: {found:#}");
                let fix = found["fix"].as_str().unwrap();
                assert!(fix.contains(cure), "{name}: {found:#}");
            }
        }
        let mut others = stage.witness.writes();
        let count = |writes: &[String], one: &str| writes.iter().filter(|it| *it == one).count();
        let left = stage.witness.world.lock().github.tokens.iter().count() - before;
        assert_eq!(left, 0, "{name}: a token is left behind, after {others:?}");
        if count(&others, REVOKE) > 0 {
            assert_eq!(count(&others, MINT), count(&others, REVOKE), "{name}");
        }
        others.retain(|write| write != MINT && write != REVOKE);
        assert!(others.is_empty(), "{name}: {others:?}");
    }
    list.check(CREDENTIAL_FINDINGS);
}
