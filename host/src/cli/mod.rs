//! The command line: reads arguments and the environment, shows what happened, chooses the exit code.

mod environment;
#[cfg(feature = "kit")]
mod kit;
mod output;
mod report;
mod run;
mod secret;
mod terminal;
mod workflow;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use environment::Environment;

/// Promotes a container image through a GitOps repository, by a sandboxed policy.
#[derive(Parser)]
#[command(name = "promote", version, max_term_width = 110, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 promoted, unchanged or pending · 1 refused · 2 usage or configuration · 3 Port or GitHub failed ·
4 the policy broke its grants, hit a limit or crashed";

#[derive(Subcommand)]
enum Command {
    /// Run a promotion: the main job, in a workflow that Port started
    Run(run::RunArgs),
    /// Show what a run would do; nothing is written
    Plan(run::RunArgs),
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended =
        runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(dispatch(cli.command)));
    match ended {
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
        Command::Run(args) => run::run(&args, crate::core::run::Mode::Run, &environment).await,
        Command::Plan(args) => run::run(&args, crate::core::run::Mode::Plan, &environment).await,
        Command::Compile { output } => {
            std::fs::write(output, crate::compiled::builtin(&crate::core::engine::Engine::new()?)?)?;
            Ok(0)
        }
        #[cfg(feature = "kit")]
        Command::Kit(command) => kit::run(command).await,
    }
}
