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

use clap::{CommandFactory as _, Parser, Subcommand};
use promote_run::environment::Environment;

/// The name of the program.
const PROGRAM: &str = "promote";

/// Promotes a container image through a GitOps repository, by a sandboxed policy.
#[derive(Parser)]
#[command(name = PROGRAM, version, max_term_width = 110, after_help = EXAMPLES)]
struct FullCommandLine {
    #[command(subcommand)]
    command: FullCommand,
}

const EXAMPLES: &str = "\
Examples:
  promote demo                                 see a whole promotion, without any account
  promote init --repository acme/gitops        set up Port, the workflow and promote.toml
  promote doctor                               check everything that a run needs
  promote plan --payload payload.json          what would a run do?
  promote explain lock                         what does a refusal by the rule `lock` mean?

Exit codes: 0 promoted, unchanged or waiting · 1 refused · 2 usage or configuration · 3 Port or GitHub failed ·
4 the policy broke its grants, hit a limit or crashed";

#[derive(Subcommand)]
enum FullCommand {
    #[command(flatten)]
    Host(promote_run::RunCommand),
    #[command(flatten)]
    Kit(kit::KitCommand),
}

/// Runs the full program.
pub fn main() -> ExitCode {
    let line = FullCommandLine::parse();
    promote_run::finish(PROGRAM, async {
        let environment = Environment::of_process();
        match line.command {
            FullCommand::Host(command) => promote_run::dispatch(command, &environment).await,
            FullCommand::Kit(command) => {
                kit::run(command, &environment, FullCommandLine::command).await
            }
        }
    })
}
