//! The workflow file and `promote.toml` for the built-in policy, from templates.
//!
//! A file carries the sum of its own text. So a later run tells what it wrote itself, and may renew, from a person's work,
//! which it shows and leaves alone.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::answers::SetupAnswers;
use super::dialog::{SetupDialog, SetupDifference};
use super::guide;
use promote_core::journal::digest;
use promote_intake::config::Config;

/// The workflow file, below the repository.
pub(super) const WORKFLOW: &str = ".github/workflows/promote-production.yml";
/// The name of the workflow, as Port's action calls it.
pub(super) const WORKFLOW_NAME: &str = "promote-production.yml";
/// The workflow that carries on what waits, below the repository.
pub(super) const RESUME: &str = ".github/workflows/promote-resume.yml";
/// The operator's configuration.
pub(super) const CONFIG: &str = "promote.toml";

const WORKFLOW_TEMPLATE: &str = include_str!("workflow.yml");
const RESUME_TEMPLATE: &str = include_str!("resume.yml");
const CONFIG_TEMPLATE: &str = include_str!("promote.toml");

/// The word in a template for the sum of its text, and before the sum in a file.
const SUM: &str = "sum ";
/// How many digits of the sum are written.
const SUM_DIGITS: usize = 16;

/// The files that would change, and what stays although it differs.
pub(super) struct SetupFiles {
    pub(super) all: Vec<SetupFile>,
    /// Files that differ and stay, with the difference.
    pub(super) kept: Vec<SetupDifference>,
    /// What a person has to know or do besides.
    pub(super) notes: Vec<String>,
}

/// A file that would change.
pub(super) struct SetupFile {
    folder: PathBuf,
    pub(super) difference: SetupDifference,
}

/// Whose work a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileOrigin {
    /// There is none.
    Absent,
    /// `promote init` wrote it, and nobody changed it.
    Own,
    /// It is the workflow of Port's guide.
    Guide,
    /// A person wrote or changed it.
    Person,
}

/// Compares what is there with what should be.
pub(super) fn plan(
    answers: &SetupAnswers,
    folder: &Path,
    overwrite: bool,
) -> anyhow::Result<SetupFiles> {
    let mut files = SetupFiles {
        all: Vec::new(),
        kept: Vec::new(),
        notes: Vec::new(),
    };
    for (name, after) in [
        (WORKFLOW, workflow(answers)),
        (RESUME, resume(answers)),
        (CONFIG, config(answers)?),
    ] {
        refuse_links(folder, name)?;
        let before = read(&folder.join(name))?.unwrap_or_default();
        if before == after {
            continue;
        }
        let origin = origin(&before);
        if origin == FileOrigin::Guide {
            files.notes.extend(guide_notes(name, &before, answers));
        }
        let difference = SetupDifference {
            name: name.to_owned(),
            before,
            after,
        };
        if origin == FileOrigin::Person && !overwrite {
            files.kept.push(difference);
        } else {
            files.all.push(SetupFile {
                folder: folder.to_owned(),
                difference,
            });
        }
    }
    files.notes.extend(other_workflows(folder)?);
    Ok(files)
}

/// Reads a file; none if it is not there.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn origin(text: &str) -> FileOrigin {
    if text.is_empty() {
        FileOrigin::Absent
    } else if is_unchanged(text) {
        FileOrigin::Own
    } else if guide::is_guides_workflow(text) {
        FileOrigin::Guide
    } else {
        FileOrigin::Person
    }
}

/// What somebody who comes from Port's guide has to know.
fn guide_notes(name: &str, text: &str, answers: &SetupAnswers) -> Vec<String> {
    let mut notes = vec![format!(
        "{name} is the workflow of Port's guide: it is replaced, git keeps the old one"
    )];
    notes.extend(guide::left_secrets(text).into_iter().map(|secret| {
        format!(
            "the secret {secret} is not needed any more: gh secret delete {secret} --repo {}",
            answers.workflow_repository
        )
    }));
    notes
}

/// Finds the guide's workflow under other names: it stays, and whatever starts it promotes past `promote`.
fn other_workflows(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    let workflows = folder.join(".github/workflows");
    let Ok(entries) = workflows.read_dir() else {
        return Ok(notes);
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_workflow = name.ends_with(".yml") || name.ends_with(".yaml");
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_workflow || !is_file || name == WORKFLOW_NAME {
            continue;
        }
        if read(&entry.path())?.is_some_and(|text| guide::is_guides_workflow(&text)) {
            notes.push(format!(
                ".github/workflows/{name} promotes as Port's guide does, past `promote`: remove it, and the action in Port that starts it"
            ));
        }
    }
    notes.sort();
    Ok(notes)
}

/// Writes the files.
pub(super) fn write(files: &SetupFiles, dialog: &SetupDialog<'_>) -> anyhow::Result<()> {
    for file in &files.all {
        let path = file.folder.join(&file.difference.name);
        refuse_links(&file.folder, &file.difference.name)?;
        replace(&path, &file.difference.after)
            .with_context(|| format!("writing {}", path.display()))?;
        (dialog.say)(&format!("wrote {}", file.difference.name));
    }
    Ok(())
}
/// Refuses a file below the folder that is a symbolic link, or lies behind one: a cloned repository could lead a write to
/// any other place by it.
fn refuse_links(folder: &Path, name: &str) -> anyhow::Result<()> {
    let mut path = folder.to_owned();
    for part in Path::new(name) {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => bail!(
                "{} is a symbolic link, and nothing is written through one: put a file or a folder in its place, or name another folder with `--folder`",
                path.display()
            ),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }
    Ok(())
}

/// Writes a new file beside the place and moves it there: a link that appears meanwhile is replaced, not followed.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::File::create_new(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // The first failure is the one to report.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Writes the sum of a text into it, in place of the word for it.
fn sealed(text: &str) -> String {
    let sum = &digest(text.as_bytes())[..SUM_DIGITS];
    text.replacen(SUM, &format!("{SUM}{sum}"), 1)
}

/// Returns whether a text carries its own sum.
fn is_unchanged(text: &str) -> bool {
    let Some(at) = text.find(SUM).map(|at| at + SUM.len()) else {
        return false;
    };
    let Some(sum) = text.get(at..at + SUM_DIGITS) else {
        return false;
    };
    let unsealed = format!("{}{}", &text[..at], &text[at + SUM_DIGITS..]);
    digest(unsealed.as_bytes()).starts_with(sum)
}

fn workflow(answers: &SetupAnswers) -> String {
    sealed(&filled_in(WORKFLOW_TEMPLATE, answers))
}

/// The workflow that carries on what waits. What happens to pull requests of another repository starts nothing here: the
/// schedule finds it.
fn resume(answers: &SetupAnswers) -> String {
    let is_own = answers.repository == answers.workflow_repository;
    let mut is_kept = true;
    let mut text = String::new();
    for line in RESUME_TEMPLATE.lines() {
        match line.trim() {
            "#<own>" => is_kept = is_own,
            "#</own>" => is_kept = true,
            _ if is_kept => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    // Texts of JSON are texts of YAML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let paths = path_filter(answers.paths.as_deref().unwrap_or_default());
    let text = text
        .replace("PATHS", &quoted(&paths))
        .replace("[BASE]", &format!("[{}]", quoted(&answers.base)));
    sealed(&filled_in(&text, answers))
}

/// Makes a pattern of GitHub's out of one with templates, each of which may stand for several folders.
fn path_filter(pattern: &str) -> String {
    let mut filter = String::new();
    let mut rest = pattern;
    while let Some((before, inside)) = rest.split_once('{') {
        let Some((_, after)) = inside.split_once('}') else {
            break;
        };
        filter.push_str(before);
        filter.push_str("**");
        rest = after;
    }
    filter + rest
}

fn filled_in(template: &str, answers: &SetupAnswers) -> String {
    let own = "github-token: ${{ github.token }}";
    let app = "app-id: ${{ secrets.PROMOTE_APP_ID }}\n          app-private-key: ${{ secrets.PROMOTE_APP_PRIVATE_KEY }}";
    let write = "      contents: write # the branch of a promotion, and the merge\n      pull-requests: write # its pull request";
    let read = "      contents: read # promote.toml; the App has the rest";
    let region = answers.api_url.as_ref().map_or(String::new(), |address| {
        format!("          port-api-url: {address}\n")
    });
    template
        .replace(
            "      PERMISSIONS: none",
            if answers.app { read } else { write },
        )
        .replace("CREDENTIALS: none", if answers.app { app } else { own })
        .replace("          REGION: none\n", &region)
        .replace("ENVIRONMENT", &answers.environment)
        .replace("OWNER/PROMOTE@COMMIT", &answers.uses)
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

/// The text of promote.toml.
pub(super) fn config(answers: &SetupAnswers) -> anyhow::Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let names = &answers.names;
    let paths = answers.paths.as_deref().unwrap_or_default();
    let blueprints = [&names.service, &names.runtime, &names.image].map(|name| quoted(name));
    // A relation of another name than the blueprint that it leads to says so.
    let target = if names.image_relation == names.image {
        String::new()
    } else {
        format!("target = {}\n", quoted(&names.image))
    };
    let record = answers.record.as_ref().map_or_else(String::new, |record| {
        format!(
            "\n# An entity of this blueprint is kept for each promotion: who, what, when, by which policy and rules.\n[port]\nrecord = {}\n",
            quoted(record)
        )
    });
    let text = CONFIG_TEMPLATE
        .replace("$REPOSITORY", &quoted(&answers.repository))
        .replace("$REFERENCE", &quoted(&answers.reference))
        .replace("$MANIFEST", &answers.entry)
        .replace("$SETTINGS\n", &answers.settings())
        .replace("$HOLDS", &quoted(&answers.holds))
        .replace("$ENVIRONMENT", &quoted(&answers.environment))
        .replace("$BASE", &quoted(&answers.base))
        .replace("$ACTION", &quoted(&answers.port_action))
        .replace("$RECORD\n", &record)
        .replace("$BLUEPRINTS", &format!("[{}]", blueprints.join(", ")))
        .replace("$RUNTIME", &quoted(&names.runtime))
        .replace(
            "$PRODUCTION",
            &quoted(&format!("{{service.relations.{}}}", names.production)),
        )
        .replace("$RELATION", &quoted(&names.image_relation))
        .replace("$TARGET\n", &target)
        .replace("$PATHS", &quoted(paths));
    Config::parse(&text)
        .map_err(|what| anyhow::anyhow!("{what}"))
        .context("what was answered makes no promote.toml")?;
    Ok(sealed(&text))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;
    use crate::init::backend::ActionBackend;
    use crate::init::catalog::{CatalogNames, GivenNames};
    use crate::init::rules::RuleSettings;

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
            record: None,
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
        let config = Config::parse(&config(&answers()).unwrap()).unwrap();
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
    fn a_file_knows_whether_it_was_changed() {
        for text in [
            workflow(&answers()),
            resume(&answers()),
            super::config(&answers()).unwrap(),
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
        let text = super::config(&own).unwrap();
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
        let usual = super::config(&answers()).unwrap();
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
}
