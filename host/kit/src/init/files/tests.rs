//! What `init` writes, and where it does not write.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::init::answers::HostExtras;
use crate::init::backend::ActionBackend;
use crate::init::catalog::{CatalogNames, GivenNames};
use crate::init::rules::RuleSettings;
use promote_core::grants::Operation;
use promote_intake::config::Config;

pub(in crate::init) fn answers() -> SetupAnswers {
    SetupAnswers {
        repository: "acme/gitops".to_owned(),
        workflow_repository: "acme/gitops".to_owned(),
        uses: "acme/promote@0123456789abcdef0123456789abcdef01234567".to_owned(),
        base: "main".to_owned(),
        manifest: "{production.gitPath}/deployment.yaml".to_owned(),
        entry: r#"{ path = "{production.gitPath}/deployment.yaml", image = 'spec.template.spec.containers[name="web"].image' }"#.to_owned(),
        holds: "{registryId}:{tags[0]}".to_owned(),
        reference: "{registryId}:{tags[0]}".to_owned(),
        paths: Some("apps/{service.identifier}/prod/*.yaml".to_owned()),
        environment: "production".to_owned(),
        app: false,
        port_action: "promote_to_production".to_owned(),
        rollback: None,
        record: None,
        catalog_pages: false,
        extras: HostExtras::default(),
        backend: ActionBackend::LegacyApp,
        workflow_branch: None,
        api_url: None,
        portal: None,
        names: CatalogNames::guide(&GivenNames::default()),
        path_property: "gitPath".to_owned(),
        rules: RuleSettings::default(),
    }
}

#[test]
fn the_workflow_queues_and_has_no_more_permissions_than_it_needs() {
    let own = workflow(&answers());
    for part in [
        "cancel-in-progress: false",
        "queue: max",
        "run-name: Port run ${{ fromJSON(inputs.port_payload).run_id }}\n",
        "group: promote-production-${{ fromJSON(inputs.port_payload).entity }}",
        "permissions: {}",
        "contents: write",
        "github-token: ${{ github.token }}",
        "uses: acme/promote@0123456789abcdef0123456789abcdef01234567",
    ] {
        assert!(own.contains(part), "{part} is not in {own}");
    }
    let app = workflow(&SetupAnswers {
        app: true,
        ..answers()
    });
    assert!(
        app.contains("app-id: ${{ secrets.PROMOTE_APP_ID }}") && !app.contains("write"),
        "{app}"
    );
    for text in [own, app] {
        assert!(
            !text.contains(": none")
                && !text.contains("REGION")
                && !text.contains("OWNER/")
                && !text.contains("COMMIT"),
            "{text}"
        );
    }
}

#[test]
fn the_resume_workflow_keeps_secrets_from_events_of_pull_requests() {
    let own = resume(&answers());
    for part in [
        "    branches: [\"main\"]\n    paths: [\"apps/**/prod/*.yaml\"]\n",
        "cron: \"7,22,37,52 * * * *\"",
        "name: production-resume\n      deployment: false",
        "group: promote-resume-production\n      cancel-in-progress: false",
        "actions: write",
        "actions: read",
        "resume: \"true\"",
    ] {
        assert!(own.contains(part), "{part} is not in {own}");
    }
    let (before, secret_job) = own.split_once("\n  resume:\n").unwrap();
    assert!(!before.contains("secrets.") && !before.contains("environment:"));
    assert!(secret_job.contains("if: github.event_name == 'push' || "));
    let apart = resume(&SetupAnswers {
        workflow_repository: "acme/ci".to_owned(),
        ..answers()
    });
    assert!(
        !apart.contains("pull_request") && !apart.contains("push:") && !apart.contains("own>"),
        "{apart}"
    );
}

#[test]
fn the_configuration_grants_what_was_answered() {
    let config = Config::parse(&super::config(&answers()).unwrap()).unwrap();
    assert_eq!(config.grants.repositories(), ["acme/gitops"]);
    assert_eq!(config.port.actions.identifiers(), ["promote_to_production"]);
    assert!(
        config
            .policy
            .settings()
            .contains(r#"containers[name=\"web\"].image"#),
        "{}",
        config.policy.settings()
    );
    assert_eq!(config.workflow.environment.as_deref(), Some("production"));
    let hostile = SetupAnswers {
        repository: "a\"\n[grants]".to_owned(),
        ..answers()
    };
    let text = super::config(&hostile).unwrap();
    assert_eq!(
        Config::parse(&text).unwrap().grants.repositories(),
        ["a\"\n[grants]"]
    );
}

#[test]
fn what_the_host_keeps_is_granted_only_if_somebody_wants_it() {
    let usual = super::config(&answers()).unwrap();
    for operation in ["github.comment", "github.deployment", "run.reviews"] {
        assert!(!usual.contains(operation), "{usual}");
    }
    assert!(!workflow(&answers()).contains("deployments:"));
    let extras = HostExtras {
        comment: true,
        deployments: true,
        reviews: true,
    };
    let wanted = SetupAnswers {
        extras,
        ..answers()
    };
    let text = super::config(&wanted).unwrap();
    let config = Config::parse(&text).unwrap();
    for operation in [
        Operation::KeepComment,
        Operation::KeepDeployment,
        Operation::ReadReviews,
    ] {
        assert!(config.grants.mention(operation), "{text}");
    }
    let file = workflow(&wanted);
    for line in ["      contents: write #", "      deployments: write #"] {
        assert!(file.contains(line), "{file}");
    }
    assert_eq!(resume(&wanted).matches("actions: read").count(), 1);
    // An App has permissions of its own.
    let by_app = workflow(&SetupAnswers {
        app: true,
        ..wanted
    });
    assert!(!by_app.contains("deployments: write"), "{by_app}");
}

#[test]
fn a_file_knows_whether_it_was_changed() {
    for text in [
        workflow(&answers()),
        resume(&answers()),
        config(&answers()).unwrap(),
    ] {
        assert_eq!(origin(&text), FileOrigin::Own, "{text}");
        assert_eq!(origin(&format!("{text}# mine\n")), FileOrigin::Person);
    }
    assert_eq!(origin(""), FileOrigin::Absent);
    assert_eq!(origin("on: push\n"), FileOrigin::Person);
}

#[test]
fn names_and_region_of_ones_own_are_written() {
    let own = SetupAnswers {
        names: CatalogNames {
            service: "component".to_owned(),
            runtime: "workload".to_owned(),
            image: "container".to_owned(),
            staging: "stage".to_owned(),
            production: "live".to_owned(),
            image_relation: "runs".to_owned(),
        },
        api_url: Some("https://api.us.port.io".to_owned()),
        portal: Some("https://app.us.port.io".to_owned()),
        ..answers()
    };
    assert!(workflow(&own).contains("          port-api-url: https://api.us.port.io\n"));
    let text = config(&own).unwrap();
    for line in [
        "staging = \"{service.relations.stage}\"",
        "production = \"{service.relations.live}\"",
        "runtime_blueprint = \"workload\"",
        "image_blueprint = \"container\"",
        "image_relation = \"runs\"",
        "portal = \"https://app.us.port.io\"",
        "blueprint = [\"component\", \"workload\", \"container\"]",
        "entity = \"{service.relations.live}\"",
        "relations = [\"runs\"]",
        "target = \"container\"",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let usual = config(&answers()).unwrap();
    assert!(
        !usual.contains('$') && !usual.contains("target") && !usual.contains("staging ="),
        "{usual}"
    );
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let nobody = SetupDialog {
        say: &|_| {},
        ask: &|_, _| None,
    };
    for link in [CONFIG, ".github", ".github/workflows", WORKFLOW, RESUME] {
        let root = std::env::temp_dir().join(format!(
            "promote-links-{}-{}",
            std::process::id(),
            link.replace('/', "-")
        ));
        let clone = root.join("clone");
        std::fs::create_dir_all(clone.join(link).parent().unwrap()).unwrap();
        // Made between the look and the write: it dangles, or leads to an empty folder.
        let planned = plan(&answers(), &clone, false).unwrap();
        let elsewhere = root.join("elsewhere");
        if !Path::new(link)
            .extension()
            .is_some_and(|end| end == "toml" || end == "yml")
        {
            std::fs::create_dir(&elsewhere).unwrap();
            let _ = std::fs::remove_dir_all(clone.join(link));
        }
        std::os::unix::fs::symlink(&elsewhere, clone.join(link)).unwrap();
        for refusal in [
            write(&planned, &nobody).err(),
            plan(&answers(), &clone, true).err(),
        ] {
            let refusal = refusal.unwrap().to_string();
            assert!(refusal.contains("is a symbolic link"), "{link}: {refusal}");
        }
        let made = elsewhere
            .read_dir()
            .map_or(elsewhere.exists(), |mut inside| inside.next().is_some());
        assert!(!made, "{link}: something was written elsewhere");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
