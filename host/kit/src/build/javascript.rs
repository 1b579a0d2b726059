//! JavaScript: `componentize-qjs` from npm, which puts a module beside QuickJS.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use super::steps::{BuildSteps, once_for};

const MISSING: &str = "a policy in JavaScript needs Node.js 18 or newer with npm, https://nodejs.org; on Debian, as root: apt-get install nodejs npm";

pub(super) fn build(folder: &Path, out: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    let path = folder.join("package.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Value =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let modules = folder.join("node_modules");
    once_for(
        &folder.join("package-lock.json"),
        &modules.join(".promote"),
        || {
            let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
            // Not `npm ci`: it fails over optional packages of other platforms that a lock file leaves out.
            npm.current_dir(folder).args([
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ]);
            steps.run("installing componentize-qjs with npm", &mut npm, MISSING)
        },
    )?;
    let tool = modules.join("componentize-qjs/bin/componentize-qjs");
    anyhow::ensure!(
        tool.exists(),
        "the project does not install componentize-qjs: npm install --save-dev --save-exact componentize-qjs"
    );
    let source = manifest["main"].as_str().unwrap_or("src/policy.js");
    let world = manifest["promote"]["world"].as_str().unwrap_or("promote");
    let mut node = Command::new("node");
    // Without `--sync` it imports WASI 0.3, which hosts of today do not offer.
    node.current_dir(folder)
        .arg(tool)
        .args(["--wit", "wit", "--js", source, "--world", world, "--sync"]);
    steps.run(
        "componentizing with QuickJS",
        node.arg("--output").arg(out),
        MISSING,
    )
}
