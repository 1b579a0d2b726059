//! The command line: reads arguments and the environment, shows what happened, chooses the exit code.

#[cfg(feature = "kit")]
mod connect;
mod environment;
#[cfg(feature = "kit")]
mod kit;
mod output;
mod plan;
mod report;
mod run;
mod secret;
#[cfg(feature = "kit")]
mod shell;
mod terminal;
mod workflow;

use std::process::ExitCode;

#[cfg(feature = "kit")]
use clap::CommandFactory as _;
use clap::{Parser, Subcommand};

pub use environment::Environment;
use run::Task;

/// Promotes a container image through a GitOps repository, by a sandboxed policy.
#[derive(Parser)]
#[command(name = "promote", version, max_term_width = 110, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Examples:
  promote demo                                 see a whole promotion, without any account
  promote init --repository acme/gitops        set up Port, the workflow and promote.toml
  promote doctor                               check everything that a run needs
  promote plan --payload payload.json          what would a run do?
  promote explain lock                         what does a refusal by the rule `lock` mean?

Exit codes: 0 promoted, unchanged or pending · 1 refused · 2 usage or configuration · 3 Port or GitHub failed ·
4 the policy broke its grants, hit a limit or crashed";

const RUN: &str = "\
Examples:
  promote run                                  in a workflow that Port started
  promote run --payload payload.json           elsewhere, with Port's message in a file
  promote run --plan plan.json                 what was approved, and nothing else
  promote run --format json | jq .outcome      for a program";

const PLAN: &str = "\
Examples:
  promote plan --payload payload.json          the manifest's diff, the catalog's change
  promote plan --payload - < payload.json      the message from standard input
  promote plan --out plan.json                 to be approved, and then: promote run --plan plan.json";

#[derive(Subcommand)]
enum Command {
    /// Run a promotion: the main job, in a workflow that Port started
    #[command(after_help = RUN)]
    Run(run::RunArgs),
    /// Show what a run would do; nothing is written
    #[command(after_help = PLAN)]
    Plan(run::PlanArgs),
    /// Compile the built-in policy for this platform, for a build that makes it part of the binary
    #[command(hide = true)]
    Compile {
        /// The file to write
        #[arg(value_name = "FILE")]
        output: std::path::PathBuf,
    },
    #[cfg(feature = "kit")]
    #[command(flatten)]
    Kit(kit::Command),
}

/// How the program ends when it cannot even start.
const USAGE: u8 = 2;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(cli.command)));
    match ended {
        Ok(0) if output::has_lost() => ExitCode::from(USAGE),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::problem(&format!("{error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<u8> {
    let environment = Environment::of_process();
    match command {
        Command::Run(args) => {
            run::run(&args.common, Task::Run(args.plan.as_deref()), &environment).await
        }
        Command::Plan(args) => {
            run::run(&args.common, Task::Plan(args.out.as_deref()), &environment).await
        }
        Command::Compile { output } => {
            std::fs::write(
                output,
                crate::compiled::builtin(&crate::compiled::engine()?)?,
            )?;
            Ok(0)
        }
        #[cfg(feature = "kit")]
        Command::Kit(command) => kit::run(command, &environment, Cli::command).await,
    }
}
