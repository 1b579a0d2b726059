//! The full program `promote`: the tiny host's commands, and the kit's.

mod connect;
mod kit;
mod shell;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use promote_run::Environment;

/// Promotes a container image through a GitOps repository, by a sandboxed policy.
#[derive(Parser)]
#[command(name = "promote", version, max_term_width = 110, after_help = EXAMPLES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  promote demo                                 see a whole promotion, without any account
  promote init --repository acme/gitops        set up Port, the workflow and promote.toml
  promote doctor                               check everything that a run needs
  promote plan --payload payload.json          what would a run do?
  promote explain lock                         what does a refusal by the rule `lock` mean?

Exit codes: 0 promoted, unchanged or pending · 1 refused · 2 usage or configuration · 3 Port or GitHub failed ·
4 the policy broke its grants, hit a limit or crashed";

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Host(promote_run::Command),
    #[command(flatten)]
    Kit(kit::Command),
}

/// Runs the full program.
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    promote_run::finish(async {
        let environment = Environment::of_process();
        match line.command {
            Command::Host(command) => promote_run::dispatch(command, &environment).await,
            Command::Kit(command) => kit::run(command, &environment, CommandLine::command).await,
        }
    })
}
