//! The main scenes of a promotion: a world, the operator's settings, and how an undisturbed run ends.

use std::path::Path;

use promote_mock::World;
use promote_mock::sample::SAMPLE;
use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

/// One scene.
pub(super) struct Scene {
    pub(super) name: &'static str,
    world: String,
    settings: &'static str,
    /// Only the program can be given an App's key.
    pub(super) app: bool,
    pub(super) code: i32,
}

impl Scene {
    /// From staging to production, nothing in the way.
    pub(super) fn happy() -> Self {
        Self {
            name: "promoted",
            world: SAMPLE.to_owned(),
            settings: "",
            app: false,
            code: 0,
        }
    }

    fn of(name: &'static str, settings: &'static str, world: &str) -> Self {
        Self {
            name,
            world: format!("{SAMPLE}\n{world}"),
            settings,
            ..Self::happy()
        }
    }

    pub(super) fn all() -> Vec<Self> {
        let at = |name, manifest: &str, recorded: &str| {
            let world = SAMPLE
                .replace(
                    "ghcr.io/acme/web:1.4.1 # set",
                    &format!("ghcr.io/acme/web:{manifest} # set"),
                )
                .replace("image = \"web-1.4.1\"", &format!("image = \"{recorded}\""));
            Self {
                name,
                world,
                ..Self::happy()
            }
        };
        let locked = SAMPLE.replace("locked_in_prod = false", "locked_in_prod = true");
        vec![
            Self::happy(),
            at("already there", "1.4.2", "web-1.4.2"),
            at("only the catalog is behind", "1.4.2", "web-1.4.1"),
            Self::of("a pull request and no more", "mode = \"pull-request\"", ""),
            Self::of("after its checks", "mode = \"checks\"", CHECKS),
            Self::of("an older one is superseded", "supersede = true", OLDER),
            Self::of(
                "labelled and merged",
                "labels = [\"promotion\"]\nmethod = \"merge\"",
                "",
            ),
            Self::of("the base moves meanwhile", "", MOVING),
            Self::of(
                "the commit of the document fails",
                "",
                "[github.weather]\nfailing-fields = [\"createCommitOnBranch\"]",
            ),
            Self::of(
                "the pull request of the document fails",
                "",
                "[github.weather]\nfailing-fields = [\"createPullRequest\"]",
            ),
            Self::of(
                "all of the document fails",
                "",
                "[github.weather]\nfailing-fields = [\"createRef\", \"createCommitOnBranch\", \"createPullRequest\"]",
            ),
            Self::of(
                "the merge of the document fails",
                "",
                "[github.weather]\nfailing-fields = [\"mergePullRequest\"]",
            ),
            Self::of("GitHub lags behind its writes", "", LAGGING),
            Self {
                name: "with an App's token",
                app: true,
                ..Self::happy()
            },
            Self {
                name: "refused",
                world: locked,
                code: 1,
                ..Self::happy()
            },
        ]
    }

    /// The world before anything has happened in it.
    pub(super) fn world(&self) -> World {
        World::from_toml(&self.world, Path::new("")).unwrap()
    }

    /// Returns the operator's settings.
    pub(super) fn settings(&self) -> SampleConfig {
        SampleConfig::default().more(self.settings)
    }

    /// Serves the world behind sockets.
    pub(super) async fn stage(&self) -> ProgramStage {
        let stage = ProgramStage::of(self.world())
            .await
            .settings(&self.settings());
        if !self.app {
            return stage;
        }
        stage
            .without("GITHUB_TOKEN")
            .with("GITHUB_APP_ID", "1001")
            .with("GITHUB_APP_PRIVATE_KEY", include_str!("../app.pem"))
    }
}

const CHECKS: &str = r#"
[[github.repositories.ci]]
name = "validate"
takes = "0s"
conclusion = "success"
[github.repositories.rules.main]
required-checks = ["validate"]
"#;

/// A pull request of an earlier promotion of the service, to an image that is no longer wanted.
const OLDER: &str = r#"
[[github.repositories.branches]]
name = "promote/web/production/web-1.4.0-0000000000"
files = { "apps/web/prod/deployment.yaml" = "image: ghcr.io/acme/web:1.4.0\n" }
[[github.repositories.pulls]]
head = "promote/web/production/web-1.4.0-0000000000"
base = "main"
title = "Promote web to 1.4.0"
author = "promote-bot"
"#;

/// The next run, too, reads what was there before the last write.
const LAGGING: &str = "[github.weather]\nstale-reads = 3";

const MOVING: &str = r#"
[[events]]
before-operation = "pulls/merge"
then = { commit = { repository = "acme/gitops", branch = "main", files = { "README.md" = "moved\n" } } }
"#;
