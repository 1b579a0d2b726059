//! The tiny host: the commands `run` and `plan`, as a library for the full program and as the binary `promote-run`.
//!
//! It reads arguments and the environment, shows what happens and chooses the exit code. It has no mock and no kit, and it
//! decides nothing: that is the core's. In reading order: [`environment`], [`command`], [`report`], [`workflow`],
//! [`output`].

pub mod command;
pub mod environment;
pub mod output;
mod plan;
mod report;
mod secret;
mod terminal;
mod workflow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use command::{CommandTask, PlanArgs, RunArgs};
pub use environment::Environment;

/// Runs a promotion policy against Port and GitHub, and nothing else.
#[derive(Parser)]
#[command(name = "promote-run", version, max_term_width = 110, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// The exit codes of a run, for the end of a help text.
pub const EXIT_CODES: &str =
    "Exit codes: 0 promoted, unchanged or pending · 1 refused · 2 usage or configuration · 3 Port or GitHub failed ·
4 the policy broke its grants, hit a limit or crashed";

const RUN_EXAMPLES: &str = "\
Examples:
  promote run                                  in a workflow that Port started
  promote run --payload payload.json           elsewhere, with Port's message in a file
  promote run --plan plan.json                 what was approved, and nothing else
  promote run --format json | jq .outcome      for a program";

const PLAN_EXAMPLES: &str = "\
Examples:
  promote plan --payload payload.json          the manifest's diff, the catalog's change
  promote plan --payload - < payload.json      the message from standard input
  promote plan --out plan.json                 to be approved, and then: promote run --plan plan.json";

/// The commands of the tiny host.
#[derive(Subcommand)]
pub enum Command {
    /// Run a promotion: the main job, in a workflow that Port started
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Show what a run would do; nothing is written
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Compile the built-in policy for this platform, for a build that makes it part of the binary
    #[command(hide = true)]
    Compile {
        /// The file to write
        #[arg(value_name = "FILE")]
        output: PathBuf,
    },
}

/// The exit code of a program that cannot even start.
const USAGE: u8 = 2;

/// Runs the tiny host.
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    finish(async { dispatch(line.command, &Environment::of_process()).await })
}

/// Runs one command and returns its exit code.
///
/// # Errors
/// When the command cannot start: its arguments, its configuration or this machine are in the way.
pub async fn dispatch(command: Command, environment: &Environment) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) => {
            command::run(
                &args.common,
                CommandTask::Run(args.plan.as_deref()),
                environment,
            )
            .await
        }
        Command::Plan(args) => {
            command::run(
                &args.common,
                CommandTask::Plan(args.out.as_deref()),
                environment,
            )
            .await
        }
        Command::Compile { output } => {
            let engine = promote_core::policy::native::engine()?;
            std::fs::write(output, promote_intake::builtin::compile(&engine)?)?;
            Ok(0)
        }
    }
}

/// Runs a program to its end, shows an error, and returns the exit code of the process.
pub fn finish(program: impl Future<Output = anyhow::Result<u8>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(program));
    match ended {
        Ok(0) if output::has_lost() => ExitCode::from(USAGE),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::problem(&format!("{error:#}"));
            ExitCode::from(USAGE)
        }
    }
}
