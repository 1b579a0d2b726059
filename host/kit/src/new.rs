//! `promote new`: a project of a policy or of a rule that builds and passes its tests at once.
//!
//! It writes what the binary holds: a template, the contract and, for Rust, the guest library. It fetches nothing, and it
//! leaves either a whole project or none.

mod files;
mod lock;
mod name;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use self::files::ProjectKind;
use super::language::PolicyLanguage;
use promote_core::contract::CONTRACT;

/// The arguments of `promote new`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  promote new freeze-fridays --lang rust
  cd freeze-fridays
  promote build
  promote test scenarios")]
pub struct NewArgs {
    /// Name of the policy or rule, and of the folder to make: small letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Make a rule for every policy in place of a policy
    #[arg(long)]
    pub rule: bool,

    /// The language to write it in
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: PolicyLanguage,

    /// The folder to make the project's folder in
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub within: PathBuf,
}

/// Makes the project; what to do next goes to `say`, its folder to `data`.
///
/// # Errors
/// When the name cannot be one, when the folder exists, or when it cannot be written. Nothing is left behind then.
pub fn run(args: &NewArgs, say: &dyn Fn(&str), data: &dyn Fn(&str)) -> anyhow::Result<u8> {
    name::check(&args.name)?;
    let folder = args.within.join(&args.name);
    if folder.symlink_metadata().is_ok() {
        bail!(
            "{} exists already, and is left as it is: take another name, or remove it",
            folder.display()
        );
    }
    let kind = if args.rule {
        ProjectKind::Rule
    } else {
        ProjectKind::Policy
    };
    let project = files::of(args.lang, kind, &args.name)?;
    // Beside its place, so that it gets there in one step.
    let draft = args
        .within
        .join(format!(".{}.{}", args.name, std::process::id()));
    let made = write(&draft, &project).and_then(|()| {
        fs::rename(&draft, &folder).with_context(|| format!("making {}", folder.display()))
    });
    if let Err(error) = made {
        // What could not be written may be impossible to remove too; the first error is the one to tell.
        let _ = fs::remove_dir_all(&draft);
        return Err(error);
    }
    data(&format!("{}\n", folder.display()));
    say(&format!(
        "a {} in {} for {CONTRACT}, {} files; the rules are in {}",
        kind.name(),
        args.lang.name(),
        project.len(),
        files::rules(args.lang, kind)
    ));
    say(&format!(
        "next: cd {} && promote build && promote test scenarios",
        folder.display()
    ));
    Ok(0)
}

fn write(folder: &Path, project: &[(String, String)]) -> anyhow::Result<()> {
    fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    for (path, text) in project {
        let path = folder.join(path);
        let made = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        made.with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn new(name: &str, lang: PolicyLanguage, within: &Path) -> anyhow::Result<u8> {
        let args = NewArgs {
            name: name.to_owned(),
            rule: false,
            lang,
            within: within.to_owned(),
        };
        run(&args, &|_| {}, &|_| {})
    }

    fn entries(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_project_is_whole_and_has_its_name() {
        for lang in PolicyLanguage::ALL {
            let within = tempfile::tempdir().unwrap();
            assert_eq!(new("freeze-fridays", lang, within.path()).unwrap(), 0);
            assert_eq!(entries(within.path()), ["freeze-fridays"]);
            let folder = within.path().join("freeze-fridays");
            assert_eq!(PolicyLanguage::of(&folder).unwrap(), lang);
            let manifest = match lang {
                PolicyLanguage::Ts => PolicyLanguage::Js.manifest(),
                other => other.manifest(),
            };
            let manifest = fs::read_to_string(folder.join(manifest)).unwrap();
            assert!(manifest.contains("\"freeze-fridays\""), "{manifest}");
            for file in [
                ".gitignore",
                ".github/workflows/ci.yml",
                "scenarios/locked.toml",
                "wit/policy.wit",
            ] {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                assert!(
                    !text.is_empty() && !text.contains("{{name}}"),
                    "{file}: {text}"
                );
            }
        }
    }

    #[test]
    fn what_exists_is_left_as_it_is() {
        let within = tempfile::tempdir().unwrap();
        fs::write(within.path().join("mine"), "text").unwrap();
        let error = new("mine", PolicyLanguage::Js, within.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("mine exists already"), "{error}");
        assert_eq!(
            fs::read_to_string(within.path().join("mine")).unwrap(),
            "text"
        );
        assert_eq!(entries(within.path()), ["mine"]);
    }

    #[test]
    fn a_project_that_cannot_be_written_leaves_nothing() {
        let within = tempfile::tempdir().unwrap();
        let draft = within.path().join(".half");
        let project = [("a/b", "text"), ("a/b/c", "below a file")];
        let project = project.map(|(path, text)| (path.to_owned(), text.to_owned()));
        write(&draft, &project).unwrap_err();
        let missing = within.path().join("nowhere");
        new("mine", PolicyLanguage::Rust, &missing).unwrap_err();
        assert!(!missing.exists());
    }
}
