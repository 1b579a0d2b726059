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
