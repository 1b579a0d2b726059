//! The tiny host: the commands `run` and `plan`, as a library for the full program and as the binary `promote-run`.
//!
//! It owns the arguments and the environment of a run, what is shown while it goes on, the report at its end and the exit
//! code. It has no mock and no kit, and it decides nothing: that is the core's. It never prints a text of Port, GitHub or a
//! policy that was not made harmless, and never a secret.
//!
//! In reading order: [`environment`], [`variables`] and `secret`, what a run is given; [`connector`], its
//! clients; [`command`] and `resume`, how it is put together; `plan`, plan
//! files around it; `terminal`, while it goes on; `report`, `workflow` and `summary`, when it is over; [`output`], the only place that
//! prints, in an [`OutputFormat`].

pub mod command;
pub mod connector;
pub mod environment;
pub mod output;
mod output_format;
mod plan;
mod report;
pub mod requests;
mod resume;
mod resumed;
mod secret;
mod summary;
mod terminal;
mod terminal_args;
pub mod variables;
mod workflow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use command::{PlanArgs, RunArgs};
use environment::Environment;
pub use output_format::{JSON_FORMAT, OutputFormat, json_text};
use plan::CommandTask;
use resume::ResumeArgs;
pub use terminal_args::TerminalArgs;

/// The name of the tiny host's binary.
const PROGRAM: &str = "promote-run";

/// Runs a promotion policy against Port and GitHub, and nothing else.
#[derive(Parser)]
#[command(name = PROGRAM, version, max_term_width = 110, after_help = EXIT_CODES)]
struct RunCommandLine {
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(subcommand)]
    command: RunCommand,
}

/// The exit codes of a run, for the end of a help text.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  promoted, unchanged or waiting
  1  refused
  2  usage or configuration: nothing was asked
  3  Port or GitHub failed
  4  the policy broke its grants, hit a limit or crashed";

const RUN_EXAMPLES: &str = "\
Examples:
  promote run                              in a workflow that Port started
  promote run --payload payload.json       elsewhere, with Port's message
  promote run --plan plan.json             what was approved, and no more
  promote run --format json | jq .outcome  for a program";

const PLAN_EXAMPLES: &str = "\
Examples:
  promote plan --payload payload.json      the diffs of manifest and catalog
  promote plan --payload - < payload.json  the message from standard input
  promote plan --out plan.json             to be approved, for `run --plan`";

const RESUME_EXAMPLES: &str = "\
Examples:
  promote resume                      on a schedule, and after a merge
  promote resume --journals journals  keep the journals of what goes on";

/// The commands of the tiny host. Their help calls the program `promote`; [`main`] puts its own name there.
#[derive(Subcommand)]
pub enum RunCommand {
    /// Run a promotion: the main job, in a workflow that Port started
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Show what a run would do; nothing is written
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Go on with every promotion that waits: merge what may be merged, record what people merged, end what is over
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(ResumeArgs),
    /// Compile the built-in policy for this platform, for a build that makes it part of the binary
    #[command(hide = true)]
    Compile {
        /// The file to write
        #[arg(value_name = "FILE")]
        output: PathBuf,
    },
}

/// The exit code of a program that cannot even start.
const USAGE_ERROR: u8 = 2;

/// Runs the tiny host.
pub fn main() -> ExitCode {
    let matches = name_program(RunCommandLine::command(), PROGRAM).get_matches();
    let line = match RunCommandLine::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    finish(PROGRAM, async {
        let environment = Environment::of_process();
        line.terminal.apply(&environment);
        dispatch(line.command, &environment).await
    })
}

/// Puts a program's name into the help of the commands `run` and `plan`.
fn name_program(line: clap::Command, program: &str) -> clap::Command {
    let named = |text: String| {
        ["run", "plan", "resume"]
            .iter()
            .fold(text, |text, command| {
                text.replace(
                    &format!("promote {command}"),
                    &format!("{program} {command}"),
                )
            })
    };
    line.mut_subcommands(|command| {
        let examples = command.get_after_help().map(ToString::to_string);
        let command = command.mut_args(|arg| {
            let help = arg.get_help().map(ToString::to_string);
            arg.help(named(help.unwrap_or_default()))
        });
        command.after_help(named(examples.unwrap_or_default()))
    })
}

/// Runs one command and returns its exit code. A workflow is told, too, when a command cannot start.
///
/// # Errors
/// When the command cannot start: its arguments, its configuration or this machine are in the way.
pub async fn dispatch(command: RunCommand, environment: &Environment) -> anyhow::Result<u8> {
    let (name, ended) = match command {
        RunCommand::Run(args) => {
            let task = CommandTask::Run(args.plan.as_deref());
            let ended = command::run(&args.common, task, environment).await;
            ("promote run", ended)
        }
        RunCommand::Plan(args) => {
            let task = CommandTask::Plan(args.out.as_deref());
            let ended = command::run(&args.common, task, environment).await;
            ("promote plan", ended)
        }
        RunCommand::Resume(args) => ("promote resume", resume::resume(&args, environment).await),
        RunCommand::Compile { output } => {
            let engine = promote_core::policy::native::engine()?;
            std::fs::write(output, promote_intake::builtin::compile(&engine)?)?;
            return Ok(0);
        }
    };
    if let Err(error) = &ended {
        workflow::publish_unusable(name, &format!("{error:#}"), environment);
    }
    ended
}

/// Runs a command to its end, shows an error under the name of the program, and returns the exit code of the process.
pub fn finish(
    program: &'static str,
    command: impl Future<Output = anyhow::Result<u8>>,
) -> ExitCode {
    output::set_program(program);
    leave_no_core();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(command));
    match ended {
        Ok(0) if output::has_lost() => ExitCode::from(USAGE_ERROR),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::problem(&format!("{error:#}"));
            ExitCode::from(USAGE_ERROR)
        }
    }
}

/// Keeps the process from writing its memory, in which the credentials are, to a file when it crashes.
fn leave_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        // Lowering a limit is always allowed; where it is not, the system's own limit stands.
        let _ = setrlimit(Resource::Core, none);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_calls_the_program_by_its_name() {
        let mut line = name_program(RunCommandLine::command(), PROGRAM);
        line.build();
        for command in line.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            for other in ["promote run", "promote plan", "promote resume"] {
                assert!(!help.contains(other), "{help}");
            }
        }
        let plan = line
            .find_subcommand_mut("plan")
            .map(|plan| plan.render_help().to_string());
        let plan = plan.unwrap_or_default();
        assert!(
            plan.contains("promote-run plan --payload payload.json"),
            "{plan}"
        );
        assert!(plan.contains("for `promote-run run --plan`"), "{plan}");
    }
}
