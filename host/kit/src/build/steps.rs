//! Runs the commands of a build, and says which one runs.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tokio::sync::mpsc::UnboundedSender;

use promote_core::journal::digest;

/// Tells whoever waits what is being done.
pub(super) struct BuildSteps(UnboundedSender<String>);

impl BuildSteps {
    pub(super) fn new(tell: UnboundedSender<String>) -> Self {
        Self(tell)
    }

    pub(super) fn say(&self, what: &str) {
        // Nobody may be listening any more: the build goes on.
        let _ = self.0.send(what.to_owned());
    }

    /// Runs a command; what it prints is shown only if it fails. `missing` says what to do if there is no such program.
    pub(super) fn run(
        &self,
        what: &str,
        command: &mut Command,
        missing: &str,
    ) -> anyhow::Result<()> {
        self.say(what);
        let program = command.get_program().to_string_lossy().into_owned();
        promote_toolchain::withhold_credentials(command);
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("there is no `{program}`: {missing}")
            }
            Err(error) => return Err(error).with_context(|| format!("starting {program}")),
        };
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        bail!(
            "{what} failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&said).trim_end()
        )
    }
}

/// Does something unless it was done for the same contents of a file before; `mark` remembers it.
pub(super) fn once_for(
    file: &Path,
    mark: &Path,
    act: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let wanted = digest(&text);
    if std::fs::read_to_string(mark).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    act()?;
    std::fs::write(mark, wanted).with_context(|| format!("writing {}", mark.display()))
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Variables that the host reads credentials from.
    const WITH_CREDENTIALS: [&str; 6] = [
        "PORT_CLIENT_ID",
        "PORT_CLIENT_SECRET",
        "GITHUB_TOKEN",
        "GITHUB_APP_PRIVATE_KEY",
        "PROMOTE_REGISTRY_PASSWORD",
        "GH_TOKEN",
    ];

    #[test]
    fn a_tool_is_given_no_credentials() {
        let test = "build::steps::tests::shows_the_environment_of_a_tool";
        let mut outer = Command::new(std::env::current_exe().unwrap());
        outer.args(["--exact", test, "--ignored", "--nocapture"]);
        for name in WITH_CREDENTIALS {
            outer.env(name, "a-secret-value");
        }
        outer.env("PROMOTE_UNRELATED", "another-value");
        let said = String::from_utf8(outer.output().unwrap().stdout).unwrap();
        assert!(said.contains("PROMOTE_UNRELATED=another-value"), "{said}");
        assert!(!said.contains("a-secret-value"), "{said}");
    }

    /// Runs in a process of its own, which [`a_tool_is_given_no_credentials`] starts with credentials.
    #[test]
    #[ignore = "it shows an environment that another test prepares"]
    fn shows_the_environment_of_a_tool() {
        let (tell, _told) = tokio::sync::mpsc::unbounded_channel();
        let mut tool = Command::new("sh");
        // It fails, since only then are a tool's words shown.
        tool.args(["-c", "env; exit 1"]);
        let failed = BuildSteps::new(tell).run("showing the environment", &mut tool, "");
        let said = failed.unwrap_err().to_string();
        assert!(said.contains("PATH="), "{said}");
        std::io::Write::write_all(&mut std::io::stdout(), said.as_bytes()).unwrap();
    }
}
