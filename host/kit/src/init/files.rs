//! The workflow file and `promote.toml` for the built-in policy, from templates.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::answers::SetupAnswers;
use super::dialog::{SetupDialog, SetupDifference};
use promote_intake::config::Config;

/// The workflow file, below the repository.
pub(super) const WORKFLOW: &str = ".github/workflows/promote-production.yml";
/// The name of the workflow, as Port's action calls it.
pub(super) const WORKFLOW_NAME: &str = "promote-production.yml";
/// The operator's configuration.
pub(super) const CONFIG: &str = "promote.toml";

const WORKFLOW_TEMPLATE: &str = include_str!("workflow.yml");
const CONFIG_TEMPLATE: &str = include_str!("promote.toml");

/// The files that would change, and those that stay although they differ.
pub(super) struct SetupFiles {
    pub(super) all: Vec<SetupFile>,
    pub(super) kept: Vec<String>,
}

/// A file that would change.
pub(super) struct SetupFile {
    folder: PathBuf,
    pub(super) difference: SetupDifference,
}

/// Compares what is there with what should be. A file that differs is a person's work: it stays unless `overwrite`.
pub(super) fn plan(
    answers: &SetupAnswers,
    folder: &Path,
    overwrite: bool,
) -> anyhow::Result<SetupFiles> {
    let mut files = SetupFiles {
        all: Vec::new(),
        kept: Vec::new(),
    };
    for (name, after) in [(WORKFLOW, workflow(answers)), (CONFIG, config(answers)?)] {
        refuse_links(folder, name)?;
        let path = folder.join(name);
        let before = match std::fs::read_to_string(&path) {
            Ok(before) => before,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        if before == after {
            continue;
        }
        if !before.is_empty() && !overwrite {
            files.kept.push(format!(
                "{name} is there and differs: it stays as it is, `--overwrite` replaces it"
            ));
            continue;
        }
        files.all.push(SetupFile {
            folder: folder.to_owned(),
            difference: SetupDifference {
                name: name.to_owned(),
                before,
                after,
            },
        });
    }
    Ok(files)
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

fn workflow(answers: &SetupAnswers) -> String {
    let own = "github-token: ${{ github.token }}";
    let app = "app-id: ${{ secrets.PROMOTE_APP_ID }}\n          app-private-key: ${{ secrets.PROMOTE_APP_PRIVATE_KEY }}";
    let write = "      contents: write # the branch of a promotion, and the merge\n      pull-requests: write # its pull request";
    let read = "      contents: read # promote.toml; the App has the rest";
    WORKFLOW_TEMPLATE
        .replace(
            "      PERMISSIONS: none",
            if answers.app { read } else { write },
        )
        .replace("CREDENTIALS: none", if answers.app { app } else { own })
        .replace("ENVIRONMENT", &answers.environment)
        .replace("OWNER/PROMOTE@COMMIT", &answers.uses)
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

fn config(answers: &SetupAnswers) -> anyhow::Result<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let paths = answers.paths.as_deref().unwrap_or_default();
    let text = CONFIG_TEMPLATE
        .replace("$REPOSITORY", &quoted(&answers.repository))
        .replace("$REFERENCE", &quoted(&answers.reference))
        .replace("$MANIFEST", &answers.entry)
        .replace("$HOLDS", &quoted(&answers.holds))
        .replace("$ENVIRONMENT", &quoted(&answers.environment))
        .replace("$BASE", &quoted(&answers.base))
        .replace("$ACTION", &quoted(&answers.port_action))
        .replace("$PATHS", &quoted(paths));
    Config::parse(&text)
        .map_err(|what| anyhow::anyhow!("{what}"))
        .context("what was answered makes no promote.toml")?;
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

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
            installation: None,
            minimal: false,
        }
    }

    #[test]
    fn the_workflow_queues_and_has_no_more_permissions_than_it_needs() {
        let own = workflow(&answers());
        for part in [
            "cancel-in-progress: false",
            "queue: max",
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
                !text.contains(": none") && !text.contains("OWNER/") && !text.contains("COMMIT"),
                "{text}"
            );
        }
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

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let nobody = SetupDialog {
            say: &|_| {},
            ask: &|_, _| None,
        };
        for link in [CONFIG, ".github", ".github/workflows", WORKFLOW] {
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
