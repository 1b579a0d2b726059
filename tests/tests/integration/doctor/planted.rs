//! Faults of a set-up, one by one, with the finding that each must be.

use super::*;

/// A fault, and the finding that it must lead to.
pub(super) struct PlantedFault {
    pub(super) code: &'static str,
    pub(super) exit: i32,
    pub(super) world: fn(&mut World),
    pub(super) settings: fn(SampleConfig) -> SampleConfig,
}

pub(super) const KEEP: fn(SampleConfig) -> SampleConfig = |settings| settings;
pub(super) const LEAVE: fn(&mut World) = |_| {};

pub(super) fn rules(world: &mut World) -> &mut promote_mock::github::BranchRules {
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

pub(super) fn entity<'w>(
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

/// Has Port's action say this of who ends a run.
fn reports(world: &mut World, setting: Option<Value>) {
    let mut action = (*world.port.actions["promote_to_production"].definition).clone();
    let work = action["invocationMethod"]["integrationActionExecutionProperties"].as_object_mut();
    let work = work.unwrap();
    work.remove("reportWorkflowStatus");
    work.extend(setting.map(|it| ("reportWorkflowStatus".to_owned(), it)));
    world.port.put_action(world.now, action);
}

/// A rule of the operator, which nothing holds merges of others to.
const RULE: &str =
    "\n[[rule]]\nname = \"mature\"\ndeny = \"size(service.identifier) > 50\"\nmessage = \"long\"\n";

/// Each is planted alone, so that a finding is its own.
pub(super) const FAULTS: &[PlantedFault] = &[
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
        code: "port-action",
        exit: 2,
        world: |world| reports(world, Some(json!(true))),
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 2,
        world: |world| reports(world, Some(json!("false"))),
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 1,
        world: |world| reports(world, None),
        settings: KEEP,
    },
    PlantedFault {
        code: "port-action",
        exit: 1,
        world: |world| {
            let mut action = world.port.actions["promote_to_production"]
                .definition
                .clone();
            action["trigger"]["operation"] = json!("DELETE");
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
        code: "repository-archived",
        exit: 2,
        world: |world| {
            world
                .github
                .find_mut("acme/gitops")
                .unwrap()
                .settings
                .archived = true
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "base-branch",
        exit: 3,
        world: |world| {
            let answer = CannedAnswer {
                status: 500,
                ..CannedAnswer::bad_gateway()
            };
            for path in [
                "/repos/acme/gitops/branches/*",
                "/repos/acme/gitops/rules/**",
            ] {
                let fault = FaultEffect::Answer(answer.clone());
                let planted = world.faults.next(ServiceName::GitHub, "GET", path, fault);
                planted.unwrap().times = 100;
            }
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "auto-merge",
        exit: 2,
        world: |world| {
            world
                .github
                .find_mut("acme/gitops")
                .unwrap()
                .settings
                .allow_auto_merge = false;
            rules(world).required_checks = vec!["test".to_owned()];
        },
        settings: |settings| settings.setting("mode", "auto-merge"),
    },
    PlantedFault {
        code: "blueprint",
        exit: 2,
        world: |world| {
            world
                .port
                .entities
                .retain(|(blueprint, _), _| blueprint != "image");
            world.port.blueprints.remove("image");
        },
        settings: KEEP,
    },
    PlantedFault {
        code: "no-service",
        exit: 1,
        world: |world| entity(world, "service", "web").relations.clear(),
        settings: KEEP,
    },
    PlantedFault {
        code: "component",
        exit: 2,
        world: LEAVE,
        settings: |settings| settings.component("none.wasm"),
    },
    PlantedFault {
        code: "component-unpinned",
        exit: 1,
        world: LEAVE,
        settings: |settings| settings.component(guests::OBSERVER),
    },
    PlantedFault {
        code: "settings-unmarked",
        exit: 1,
        world: LEAVE,
        settings: |settings| settings.component(guests::OBSERVER),
    },
    PlantedFault {
        code: "rules",
        exit: 1,
        world: LEAVE,
        settings: |settings| SampleConfig::read(&(settings.text() + RULE)),
    },
    PlantedFault {
        code: "rules-unheld",
        exit: 1,
        world: LEAVE,
        settings: |settings| SampleConfig::read(&(settings.text() + RULE)),
    },
    PlantedFault {
        code: "rules-unguarded",
        exit: 1,
        world: LEAVE,
        settings: |settings| SampleConfig::read(&(settings.text() + RULE)),
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
