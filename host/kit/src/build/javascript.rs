//! JavaScript and TypeScript: `componentize-qjs` from npm, which puts a module beside QuickJS.
//!
//! A component is made of a copy of the source, beside a `console` that QuickJS does not bring: what it prints goes to the
//! standard error of WASI, which the host keeps. TypeScript's own words are blanked out in the copy, so that lines and
//! columns of an exception are those of the source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::declarations::{ContractTypes, ExportedInterface};
use super::steps::BuildSteps;

const MISSING: &str = "a policy in JavaScript needs Node.js 18 or newer with npm, https://nodejs.org; on Debian, as root: apt-get install nodejs npm";

/// The file of the contract's types in a project.
pub(crate) const TYPES: &str = "types/contract.d.ts";

/// The folder for what a build makes on its way: where tools from npm keep theirs.
const STAGE: &str = "node_modules/.cache/promote";

/// The world that a component is made for: the project's, and the way to print.
const WORLD: &str = "with-console";

/// What `console` needs of WASI, which is no part of the contract. The host's WASI is inert but for what is printed.
const WASI: [(&str, &str); 2] = [
    (
        "io",
        "package wasi:io@0.2.0;\n\
         interface error { resource error; }\n\
         interface streams {\n\
         \x20 use error.{error};\n\
         \x20 variant stream-error { last-operation-failed(error), closed }\n\
         \x20 resource output-stream {\n\
         \x20   blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;\n\
         \x20 }\n\
         }\n",
    ),
    (
        "cli",
        "package wasi:cli@0.2.0;\n\
         interface stderr { use wasi:io/streams@0.2.0.{output-stream}; get-stderr: func() -> output-stream; }\n",
    ),
];

const CONSOLE: &str = include_str!("console.js");
const STRIP: &str = include_str!("strip.mjs");

/// What `package.json` says of a project.
struct JavaScriptProject<'a> {
    folder: &'a Path,
    /// The source, below a folder of its own.
    main: PathBuf,
    world: String,
}

impl<'a> JavaScriptProject<'a> {
    fn read(folder: &'a Path) -> anyhow::Result<Self> {
        let path = folder.join("package.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let manifest: Value =
            serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let main = PathBuf::from(manifest["main"].as_str().unwrap_or("src/policy.js"));
        let is_below =
            main.is_relative() && main.components().count() > 1 && !main.starts_with("..");
        ensure!(
            is_below,
            "`main` of {} is {}: the source must lie in a folder of the project, such as src/policy.js",
            path.display(),
            main.display()
        );
        let world = manifest["promote"]["world"].as_str().unwrap_or("promote");
        Ok(Self {
            folder,
            main,
            world: world.to_owned(),
        })
    }

    fn is_typescript(&self) -> bool {
        self.main.extension().is_some_and(|ending| ending == "ts")
    }

    fn tool(&self, path: &str, package: &str) -> anyhow::Result<PathBuf> {
        let tool = self.folder.join("node_modules").join(path);
        ensure!(
            tool.exists(),
            "the project does not install {package}: npm install --save-dev --save-exact {package}"
        );
        Ok(tool)
    }
}

pub(super) fn build(folder: &Path, out: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    let project = JavaScriptProject::read(folder)?;
    if !is_installed(folder) {
        let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        // Only what the lock file has pinned by its bytes, and nothing that runs while it is installed.
        npm.current_dir(folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        steps.run("installing the project's tools with npm", &mut npm, MISSING)?;
    }
    let componentizer =
        project.tool("componentize-qjs/bin/componentize-qjs", "componentize-qjs")?;
    let types = ContractTypes::of_folder(&folder.join("wit"))?;
    write_types(&folder.join(TYPES), &types.declarations())?;
    if project.is_typescript() {
        check_types(&project, steps)?;
    }
    let stage = stage(&project, &types.exports(&project.world)?)?;
    if project.is_typescript() {
        strip(&project, &stage, steps)?;
    }
    let mut node = Command::new("node");
    // Without `--sync` it imports WASI 0.3, which hosts of today do not offer.
    node.current_dir(&stage)
        .arg(componentizer)
        .args(["--wit", "wit", "--js", "main.js", "--module-root", "."])
        .args(["--world", WORLD, "--sync", "--output"]);
    steps.run("componentizing with QuickJS", node.arg(out), MISSING)
}

/// Returns whether `node_modules` has every package that the lock file names, in its version. What an author has added
/// there is left alone as long as nothing is missing.
fn is_installed(folder: &Path) -> bool {
    let read = |path: PathBuf| -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    };
    let Some(lock) = read(folder.join("package-lock.json")) else {
        return false;
    };
    let packages = lock["packages"].as_object().into_iter().flatten();
    let mut packages = packages.filter(|(path, _)| !path.is_empty());
    packages.all(
        |(path, locked)| match read(folder.join(path).join("package.json")) {
            Some(installed) => installed["version"] == locked["version"],
            None => locked["optional"] == true,
        },
    )
}

/// Writes the types for editors, if they are not there already.
fn write_types(path: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("writing {}", path.display()))
}

fn check_types(project: &JavaScriptProject<'_>, steps: &BuildSteps) -> anyhow::Result<()> {
    let mut node = Command::new("node");
    node.current_dir(project.folder)
        .arg(project.tool("typescript/bin/tsc", "typescript")?)
        .args(["--noEmit", "--pretty", "false", "--project", "."]);
    steps.run("checking the types", &mut node, MISSING)
}

/// Makes everything that a component is made of: the source's folder, the contract, and `main.js`, which binds them.
fn stage(
    project: &JavaScriptProject<'_>,
    exports: &[ExportedInterface],
) -> anyhow::Result<PathBuf> {
    let stage = project.folder.join(STAGE);
    if stage.exists() {
        fs::remove_dir_all(&stage).with_context(|| format!("removing {}", stage.display()))?;
    }
    let write = |path: &str, text: &str| {
        let path = stage.join(path);
        let folder = path.parent().unwrap_or(&stage);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("writing {}", path.display()))
    };
    copy(&project.folder.join("wit"), &stage.join("wit"))?;
    for (package, text) in WASI {
        write(&format!("wit/deps/{package}/{package}.wit"), text)?;
    }
    let world = format!(
        "world {WORLD} {{ include {}; import wasi:cli/stderr@0.2.0; }}\n",
        project.world
    );
    write(&format!("wit/{WORLD}.wit"), &world)?;
    let source = project.main.parent().unwrap_or(&project.main);
    copy(&project.folder.join(source), &stage.join(source))?;
    write("console.js", CONSOLE)?;
    write("main.js", &bound(&project.main, exports))?;
    write("strip.mjs", STRIP)?;
    Ok(stage)
}

/// The module that a component is made of: each export of the source, which says of an exception where it comes from.
fn bound(main: &Path, exports: &[ExportedInterface]) -> String {
    let main = main.display().to_string().replace('\\', "/");
    let main = Value::from(format!("./{main}"));
    let mut text =
        format!("import {{ told }} from \"./console.js\";\nimport * as policy from {main};\n");
    for ExportedInterface { name, functions } in exports {
        let names = Value::from(functions.clone());
        text.push_str(&format!(
            "export const {name} = told({main}, \"{name}\", policy.{name}, {names});\n"
        ));
    }
    text
}

fn strip(project: &JavaScriptProject<'_>, stage: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    project.tool("ts-blank-space/package.json", "ts-blank-space")?;
    let source = stage.join(project.main.parent().unwrap_or(&project.main));
    let mut files = Vec::new();
    typescript_files(&source, &mut files)?;
    let mut node = Command::new("node");
    node.current_dir(stage).arg("strip.mjs").args(files);
    steps.run("taking the types out", &mut node, MISSING)
}

fn typescript_files(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in folder
        .read_dir()
        .with_context(|| format!("reading {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            typescript_files(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "ts") {
            files.push(path);
        }
    }
    Ok(())
}

/// Copies a folder, without what others keep there for themselves.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in from
        .read_dir()
        .with_context(|| format!("reading {}", from.display()))?
    {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() && entry.file_name() != "node_modules" {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("copying {}", entry.path().display()))?;
        } else if kind.is_symlink() {
            bail!(
                "{} is a link: a component is made of files",
                entry.path().display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_source_lies_in_a_folder_of_the_project() {
        for (manifest, expected) in [
            (r#"{"main": "src/policy.ts"}"#, Ok(true)),
            ("{}", Ok(false)),
            (r#"{"main": "policy.js"}"#, Err("must lie in a folder")),
            (
                r#"{"main": "../src/policy.js"}"#,
                Err("must lie in a folder"),
            ),
            (r#"{"main": "/src/policy.js"}"#, Err("must lie in a folder")),
            ("{", Err("reading")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("package.json"), manifest).unwrap();
            let read = JavaScriptProject::read(folder.path());
            match (read.map(|project| project.is_typescript()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{manifest}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{manifest}: {found:?}"),
            }
        }
    }

    #[test]
    fn nothing_is_installed_again_that_is_there_in_the_locked_version() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert!(!is_installed(folder.path()), "without a lock file");
        write(
            "package-lock.json",
            r#"{"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "1.0.0", "optional": true}}}"#,
        );
        assert!(!is_installed(folder.path()), "nothing is there");
        write("node_modules/a/package.json", r#"{"version": "0.9.0"}"#);
        assert!(!is_installed(folder.path()), "another version");
        write("node_modules/a/package.json", r#"{"version": "1.0.0"}"#);
        assert!(is_installed(folder.path()));
        write("node_modules/b/package.json", r#"{"version": "0.9.0"}"#);
        assert!(
            !is_installed(folder.path()),
            "another version of an optional one"
        );
    }
}
