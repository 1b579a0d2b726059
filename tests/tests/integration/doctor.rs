//! `promote doctor`: finds what is wrong before a run does, and nothing where nothing is.

use promote_mock::fault::CannedAnswer;
use promote_mock::github::{MergeStyle, RepositoryAccess, TokenKind};
use promote_mock::port::RelationTargets;
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::settings::SampleConfig;
use serde_json::{Value, json};

use crate::stage::{ProgramEnd, ProgramStage};

fn codes(ended: &ProgramEnd) -> Vec<(String, String)> {
    let report = ended.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(&finding["severity"]), text(&finding["code"])))
        .collect()
}

async fn doctor(stage: &ProgramStage, more: &[&str]) -> ProgramEnd {
    stage
        .promote(&[&["doctor", "--format", "json"], more].concat())
        .await
}

#[tokio::test]
async fn nothing_is_wrong_with_the_sample_and_nothing_is_written() {
    let stage = ProgramStage::sample().await;
    let ended = stage.promote(&["doctor", "--all-services"]).await;
    ended
        .expect(0)
        .expect_said("nothing is wrong: a run can start")
        .expect_said("checking web (1 of 1)");
    stage.witness.expect_untouched();
}

/// A fault, and the finding that it must lead to.
struct PlantedFault {
    code: &'static str,
    exit: i32,
    world: fn(&mut World),
    settings: fn(SampleConfig) -> SampleConfig,
}

const KEEP: fn(SampleConfig) -> SampleConfig = |settings| settings;
const LEAVE: fn(&mut World) = |_| {};

fn rules(world: &mut World) -> &mut promote_mock::github::BranchRules {
    let repository = world.github.find_mut("acme/gitops").unwrap();
    repository.rules.entry("main".to_owned()).or_default()
}

pub(crate) fn token(world: &mut World, change: impl Fn(&mut promote_mock::github::GitHubToken)) {
    let mut token = world
        .github
        .tokens
        .find("mock-github-token")
        .unwrap()
        .clone();
    change(&mut token);
    world.github.tokens.insert("mock-github-token", token);
}

fn entity<'w>(
    world: &'w mut World,
    blueprint: &str,
    id: &str,
) -> &'w mut promote_mock::port::CatalogEntity {
    world
        .port
        .entities
        .get_mut(&(blueprint.to_owned(), id.to_owned()))
        .unwrap()
}

/// Each is planted alone, so that a finding is its own.
const FAULTS: &[PlantedFault] = &[
    PlantedFault {
        code: "port-credentials",
        exit: 2,
        world: |world| world.port.credentials.clear(),
        settings: KEEP,
    },
    PlantedFault {
        code: "github-credentials",
        exit: 2,
        world: |world| drop(world.github.tokens.revoke("mock-github-token")),
        settings: KEEP,
    },
    PlantedFault {
        code: "token-wide",
        exit: 1,
        world: |world| token(world, |token| token.kind = TokenKind::Classic),
        settings: KEEP,
    },
    PlantedFault {
        code: "token-expiry",
        exit: 1,
        world: |world| {
            let soon = jiff::Timestamp::now()
                .checked_add(jiff::SignedDuration::from_hours(48))
                .unwrap();
            token(world, |token| token.expires_at = Some(soon));
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "repository-access",
        exit: 2,
        world: |world| {
            // Only of a user who may not write does GitHub say so.
            let repository = world.github.find_mut("acme/gitops").unwrap();
            repository.settings.private = false;
            token(world, |token| {
                token.kind = TokenKind::Classic;
                token.access = RepositoryAccess::Only(Default::default());
            });
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "repository-access",
        exit: 2,
        world: |world| {
            let answer = CannedAnswer {
                status: 403,
                headers: Default::default(),
                body: "{\"message\": \"Resource not accessible by integration\"}".to_owned(),
            };
            let path = "/repos/acme/gitops/commits/main/status";
            let fault = FaultEffect::Answer(answer);
            let planted = world.faults.next(ServiceName::GitHub, "GET", path, fault);
            planted.unwrap().times = 100;
        },
        settings: |settings| settings.setting("mode", "checks"),
    },
    PlantedFault {
        code: "merge-method",
        exit: 2,
        world: |world| rules(world).allowed_methods = Some(vec![MergeStyle::Rebase]),
        settings: KEEP,
    },
    PlantedFault {
        code: "checks-never-start",
        exit: 2,
        world: |world| {
            rules(world).required_checks = vec!["test".to_owned()];
            token(world, |token| token.kind = TokenKind::Actions);
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "checks-required",
        exit: 2,
        world: |world| rules(world).required_checks = vec!["test".to_owned()],
        settings: KEEP,
    },
    PlantedFault {
        code: "blueprint-relation",
        exit: 2,
        world: |world| {
            let mut runtime = (*world.port.blueprints["running_service"]).clone();
            runtime.definition["relations"]["image"]["target"] = json!("service");
            world.port.put_blueprint(runtime);
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "blueprint-property",
        exit: 1,
        world: |world| {
            let mut service = (*world.port.blueprints["service"]).clone();
            let properties = service.definition["schema"]["properties"]
                .as_object_mut()
                .unwrap();
            properties.remove("locked_in_prod");
            world.port.put_blueprint(service);
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 2,
        world: |world| world.port.actions.clear(),
        settings: KEEP,
    },
    PlantedFault {
        code: "would-refuse",
        exit: 2,
        world: |world| {
            entity(world, "running_service", "web-staging")
                .relations
                .clear()
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "would-refuse",
        exit: 2,
        world: LEAVE,
        settings: |settings| {
            SampleConfig::read(&settings.text().replace("containers[0]", "containers[7]"))
        },
    },
    PlantedFault {
        code: "settings",
        exit: 2,
        world: LEAVE,
        settings: |settings| settings.setting("methd", "squash"),
    },
    PlantedFault {
        code: "grant-narrow",
        exit: 2,
        world: LEAVE,
        settings: |settings| {
            settings.grants(
                "[[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\", \"running_service\"]\n",
            )
        },
    },
    PlantedFault {
        code: "grant-wide",
        exit: 1,
        world: LEAVE,
        settings: |settings| {
            let text = settings
                .text()
                .replace("after = \"merge\"\n", "")
                .replace("holds = \"{registryId}:{tags[0]}\"\n", "")
                .replace("in = \"apps/{service.identifier}/prod/*.yaml\"\n", "");
            SampleConfig::read(&text)
        },
    },
    PlantedFault {
        code: "port-actions",
        exit: 2,
        world: LEAVE,
        settings: |settings| {
            let text = settings
                .text()
                .replace("promote = \"promote_to_production\"", "");
            SampleConfig::read(&text)
        },
    },
    PlantedFault {
        code: "port-action",
        exit: 2,
        world: LEAVE,
        settings: |settings| {
            let text = settings.text().replace(
                "promote = \"promote_to_production\"",
                "promote = [\"promote_to_production\", \"promote_elsewhere\"]",
            );
            SampleConfig::read(&text)
        },
    },
    PlantedFault {
        code: "grant-evidence",
        exit: 2,
        world: LEAVE,
        settings: |settings| {
            let text = settings
                .text()
                .replace("in = \"apps/{service.identifier}/prod/*.yaml\"\n", "")
                .replace(
                    "path = \"apps/{service.identifier}/prod/*.yaml\"",
                    "path = [\"apps/{service.identifier}/prod/*.yaml\", \"apps/{service.identifier}/staging/*.yaml\"]",
                );
            SampleConfig::read(&text)
        },
    },
    PlantedFault {
        code: "grant-search",
        exit: 1,
        world: LEAVE,
        settings: |settings| {
            let more = "\n[[grants]]\nallow = [\"port.get-entity\", \"port.search\"]\nblueprint = \"service\"\nentity = \"{service.identifier}\"\n";
            SampleConfig::read(&(settings.text() + more))
        },
    },
    PlantedFault {
        code: "port-installation",
        exit: 2,
        world: |world| world.port.integrations.clear(),
        settings: KEEP,
    },
    PlantedFault {
        code: "port-installation",
        exit: 2,
        world: |world| world.port.integrations[0].processes_actions = false,
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 1,
        world: |world| {
            let mut action = world.port.actions["promote_to_production"]
                .definition
                .clone();
            let work = action["invocationMethod"]["integrationActionExecutionProperties"].clone();
            action["invocationMethod"] = work;
            action["invocationMethod"]["type"] = json!("GITHUB");
            world.port.put_action(world.now, action);
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 2,
        world: |world| {
            let mut action = world.port.actions["promote_to_production"]
                .definition
                .clone();
            action["trigger"]["operation"] = json!("CREATE");
            world.port.put_action(world.now, action);
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "team-never-fits",
        exit: 1,
        world: |world| {
            let mut service = (*world.port.blueprints["service"]).clone();
            service.definition.remove("ownership");
            world.port.put_blueprint(service);
        },
        settings: |settings| {
            let more = format!(
                "\n[[team]]\nmatch = {{ team = \"payments\" }}\ncomponent = \"builtin\"\n[team.settings]\n{}",
                "repository = \"acme/gitops\"\nreference = \"{registryId}:{tags[0]}\"\nmanifest = { kubernetes = \"{production.gitPath}/deployment.yaml\" }\n"
            );
            SampleConfig::read(&(settings.text() + &more))
        },
    },
    PlantedFault {
        code: "limit-deadline",
        exit: 1,
        world: LEAVE,
        settings: |settings| settings.setting("mode", "checks"),
    },
    PlantedFault {
        code: "catalog-behind",
        exit: 1,
        world: |world| {
            let file = "apps/web/prod/deployment.yaml";
            let text = world.github.file_at("acme/gitops", "main", file).unwrap();
            let text = text.replace("1.4.1", "1.4.2");
            let files = [(file.to_owned(), text.into())];
            world
                .github
                .commit_files("acme/gitops", "main", "By hand", files)
                .unwrap();
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "late-push",
        exit: 1,
        world: |world| {
            let repository = world.github.find_mut("acme/gitops").unwrap();
            repository.settings.allow_auto_merge = true;
        },
        settings: |settings| settings.setting("mode", "auto-merge"),
    },
];

#[tokio::test]
async fn finds_each_planted_fault() {
    assert!(FAULTS.len() >= 10);
    for fault in FAULTS {
        let mut world = World::sample();
        (fault.world)(&mut world);
        let stage = ProgramStage::of(world)
            .await
            .settings(&(fault.settings)(SampleConfig::default()));
        let ended = doctor(&stage, &[]).await;
        let found = codes(&ended);
        assert!(
            found.iter().any(|(_, code)| code == fault.code),
            "{}: {found:?}\n{}",
            fault.code,
            ended.stdout
        );
        ended.expect(fault.exit);
        stage.witness.expect_untouched();
    }
}

#[tokio::test]
async fn a_relation_to_many_is_no_fault_while_it_leads_to_one() {
    let mut world = World::sample();
    let mut blueprint = (*world.port.blueprints["running_service"]).clone();
    blueprint.definition["relations"]["image"]["many"] = json!(true);
    world.port.put_blueprint(blueprint);
    for (runtime, image) in [("web-staging", "web-1.4.2"), ("web-prod", "web-1.4.1")] {
        let images = RelationTargets::Many(vec![image.to_owned()]);
        let relations = &mut entity(&mut world, "running_service", runtime).relations;
        relations.insert("image".to_owned(), images);
    }
    let stage = ProgramStage::of(world).await;
    doctor(&stage, &[]).await.expect(0);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_no_fault_of_the_set_up() {
    let mut world = World::sample();
    let fault = FaultEffect::Answer(CannedAnswer {
        status: 503,
        headers: Default::default(),
        body: "{}".to_owned(),
    });
    let planted = world
        .faults
        .next(ServiceName::Port, "GET", "/v1/blueprints/*", fault);
    planted.unwrap().times = 1000;
    let stage = ProgramStage::of(world).await;
    doctor(&stage, &[]).await.expect(3);
}

#[tokio::test]
async fn a_catalog_without_a_production_is_a_warning_however_many_are_asked_for() {
    let mut world = World::sample();
    entity(&mut world, "service", "web").relations.clear();
    let stage = ProgramStage::of(world).await;
    for more in [&[][..], &["--all-services"]] {
        let ended = doctor(&stage, more).await;
        let found = codes(ended.expect(1));
        assert!(found.contains(&("warning".to_owned(), "no-service".to_owned())));
    }
}

#[tokio::test]
async fn a_lock_is_a_note_and_a_fix_is_always_said() {
    let stage = ProgramStage::of(crate::exit_codes::locked()).await;
    let ended = doctor(&stage, &["--service", "web"]).await;
    let found = codes(ended.expect(0));
    assert_eq!(found, [("note".to_owned(), "would-refuse".to_owned())]);
    let report = ended.json();
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["fix"] != "")
    );
    doctor(&stage, &["--service", "nobody"])
        .await
        .expect(2)
        .expect_said("Port has no such service");
}

#[tokio::test]
async fn says_when_it_could_not_ask() {
    let mut world = World::sample();
    let gone = promote_mock::fault::CannedAnswer {
        status: 404,
        ..promote_mock::fault::CannedAnswer::bad_gateway()
    };
    let answer = promote_mock::FaultEffect::Answer(gone);
    world
        .faults
        .next(
            promote_mock::ServiceName::GitHub,
            "GET",
            "/repos/acme/gitops",
            answer,
        )
        .unwrap()
        .times = 100;
    let stage = ProgramStage::of(world).await;
    let ended = doctor(&stage, &[]).await;
    assert!(codes(ended.expect(2)).contains(&("error".to_owned(), "repository-access".to_owned())));
    let stage = ProgramStage::sample()
        .await
        .without("GITHUB_TOKEN")
        .without("PORT_CLIENT_SECRET");
    let ended = doctor(&stage, &[]).await;
    ended
        .expect(2)
        .expect_said("GITHUB_TOKEN is not set")
        .expect_said("PORT_CLIENT_SECRET is not set");
    stage
        .promote(&["doctor", "--config", "none.toml"])
        .await
        .expect(2)
        .expect_said("cannot read none.toml");
}

#[tokio::test]
async fn a_queue_needs_auto_merge_only_for_what_must_wait() {
    for (has_queue, checks, expected) in [
        (false, 0, Some("error")),
        (true, 1, Some("warning")),
        (true, 0, None),
    ] {
        let mut world = World::sample();
        rules(&mut world).merge_queue = has_queue;
        rules(&mut world).required_checks = vec!["validate".to_owned(); checks];
        let settings = SampleConfig::default().setting("mode", "auto-merge");
        let stage = ProgramStage::of(world).await.settings(&settings);
        let ended = doctor(&stage, &[]).await;
        let found = codes(&ended);
        let found = found.iter().find(|(_, code)| code == "auto-merge");
        let severity = found.map(|(severity, _)| severity.as_str());
        assert_eq!(severity, expected, "queue: {has_queue}, checks: {checks}");
    }
}
