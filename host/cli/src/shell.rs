//! The command line for a shell and for `man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use promote_run::output;

/// The arguments of `promote completions`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  promote completions bash > /etc/bash_completion.d/promote
  promote completions zsh > \"${fpath[1]}/_promote\"
  promote completions fish > ~/.config/fish/completions/promote.fish")]
pub(super) struct CompletionsArgs {
    /// The shell; without it, the one that `$SHELL` names
    #[arg(value_enum)]
    shell: Option<Shell>,
}

/// The arguments of `promote man`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  promote man | man -l -                              read it
  promote man --folder /usr/local/share/man/man1      install it, a page for each command")]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints a completion script.
///
/// # Errors
/// When no shell is named and none can be guessed.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<u8> {
    let shell = args.shell.or_else(Shell::from_env);
    let shell = shell.context("no shell is named: `promote completions bash`, or another")?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "promote", &mut script);
    output::data(&String::from_utf8_lossy(&script));
    Ok(0)
}

/// Prints the manual page, or writes all pages into a folder.
///
/// # Errors
/// When a page cannot be written.
pub(super) fn man(args: &ManArgs, mut command: Command) -> anyhow::Result<u8> {
    if let Some(folder) = &args.folder {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder));
        written.with_context(|| format!("writing pages into {}", folder.display()))?;
        return Ok(0);
    }
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .context("rendering the manual")?;
    output::data(&String::from_utf8_lossy(&page));
    Ok(0)
}
