//! The full program `promote`: the commands of the tiny host, and those of the kit.
//!
//! It owns the command line, and it connects the kit to the process: environment, terminal, clients of Port and GitHub. It
//! has no command of its own but `completions` and `man`, and it decides nothing.
//!
//! In reading order: `kit`, the kit's commands; `connect`, clients for those that ask Port and GitHub; `shell`,
//! completions and manual pages.

mod connect;
mod kit;
mod shell;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};
use promote_run::EXIT_CODES;
use promote_run::TerminalArgs;
use promote_run::environment::Environment;

/// The name of the program.
const PROGRAM: &str = "promote";

/// Promotes a container image through a GitOps repository, by a sandboxed policy.
#[derive(Parser)]
#[command(name = PROGRAM, version, max_term_width = 110, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct FullCommandLine {
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(subcommand)]
    command: FullCommand,
}

const EXAMPLES: &str = "\
Examples:
  promote demo                           see a promotion, without any account
  promote init --repository acme/gitops  set up Port, workflow and promote.toml
  promote doctor                         check everything that a run needs
  promote plan --payload payload.json    what would a run do?
  promote explain lock                   what does a refusal by `lock` mean?";

#[derive(Subcommand)]
enum FullCommand {
    #[command(flatten)]
    Host(promote_run::RunCommand),
    #[command(flatten)]
    Kit(kit::KitCommand),
}

/// Runs the full program.
pub fn main() -> ExitCode {
    let line = match FullCommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => suggest(error).exit(),
    };
    promote_run::finish(PROGRAM, async {
        let environment = Environment::of_process();
        line.terminal.apply(&environment);
        match line.command {
            FullCommand::Host(command) => promote_run::dispatch(command, &environment).await,
            FullCommand::Kit(command) => {
                kit::run(command, &environment, FullCommandLine::command).await
            }
        }
    })
}

/// Adds the command that was probably meant, where the parser knows none that is close enough: it compares beginnings, and
/// people swap letters.
fn suggest(mut error: clap::Error) -> clap::Error {
    let has_one = error.get(ContextKind::SuggestedSubcommand).is_some();
    let given = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(given)) if !has_one => given.clone(),
        _ => return error,
    };
    let line = FullCommandLine::command();
    let names = line.get_subcommands().map(clap::Command::get_name);
    if let Some(near) = promote_core::near::near(&given, names) {
        let near = ContextValue::Strings(vec![near.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, near);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_command_or_option_is_understood() {
        for (line, meant) in [
            (["promote", "rnu"], "'run'"),
            (["promote", "dcotor"], "'doctor'"),
            (["promote", "expalin"], "'explain'"),
        ] {
            let error = FullCommandLine::try_parse_from(line).err().map(suggest);
            let said = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(meant), "{said}");
        }
        let error = FullCommandLine::try_parse_from(["promote", "run", "--conifg", "x"]).err();
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("'--config'"), "{said}");
    }

    #[test]
    fn examples_fit_a_terminal_of_eighty_columns() {
        let mut line = FullCommandLine::command();
        line.build();
        let commands = std::iter::once(&line).chain(line.get_subcommands());
        let mut wide = Vec::new();
        for command in commands {
            let after = command.get_after_help().map(ToString::to_string);
            for line in after.unwrap_or_default().lines() {
                if line.chars().count() > 80 {
                    wide.push(format!("{}: {line}", command.get_name()));
                }
            }
        }
        assert!(wide.is_empty(), "{}", wide.join("\n"));
    }
}
