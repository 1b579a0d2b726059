//! Python: `componentize-py` from PyPI, which puts a module beside CPython.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use toml::{Table, Value};

use super::steps::{BuildSteps, once_for};

const MISSING: &str = "a policy in Python needs Python 3.10 or newer with venv and pip; on Debian, as root: apt-get install python3 python3-venv";

const UNLISTED: &str =
    "the project does not install it: requirements.txt must name componentize-py and its version";

pub(super) fn build(folder: &Path, out: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    let path = folder.join("pyproject.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Table =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let ours = manifest.get("tool").and_then(|tool| tool.get("promote"));
    let said = |key| ours.and_then(|ours| ours.get(key)).and_then(Value::as_str);
    let tools = folder
        .join(".venv")
        .join(if cfg!(windows) { "Scripts" } else { "bin" });
    once_for(
        &folder.join("requirements.txt"),
        &folder.join(".venv/.promote"),
        || install(folder, &tools, steps),
    )?;
    let world = said("world").unwrap_or("promote");
    let tool = tools.join("componentize-py");
    let componentize = |arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.current_dir(folder).env_remove("VIRTUAL_ENV");
        command.args(["--quiet", "--wit-path", "wit", "--world", world]);
        command.args(arguments);
        command
    };
    // The tool writes into a new folder only, and nothing else belongs there.
    let bindings = folder.join("bindings");
    if bindings.exists() {
        std::fs::remove_dir_all(&bindings)
            .with_context(|| format!("removing {}", bindings.display()))?;
    }
    steps.run(
        "writing the contract's types to bindings",
        &mut componentize(&["bindings", "bindings"]),
        UNLISTED,
    )?;
    // Its stubs for WASI are not taken: with them, what the policy prints and the traceback of an exception would be lost.
    let module = said("module").unwrap_or("policy");
    let mut whole = componentize(&["componentize", module, "--python-path", "src"]);
    steps.run(
        "componentizing with CPython",
        whole.arg("--output").arg(out),
        UNLISTED,
    )
}

fn install(folder: &Path, tools: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    if !tools
        .join(python)
        .with_extension(std::env::consts::EXE_EXTENSION)
        .exists()
    {
        let mut venv = Command::new(python);
        venv.current_dir(folder).args(["-m", "venv", ".venv"]);
        steps
            .run("making .venv", &mut venv, MISSING)
            .context(MISSING)?;
    }
    let mut pip = Command::new(tools.join(python));
    pip.current_dir(folder).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        // Only what the project has pinned by its bytes, and nothing that runs while it is installed.
        "--require-hashes",
        "--only-binary=:all:",
    ]);
    pip.args(["--requirement", "requirements.txt"]);
    steps.run("installing componentize-py with pip", &mut pip, MISSING)
}
