//! The commands that no production run needs.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use super::shell::{self, CompletionsArgs, ManArgs};
use super::{Environment, connect, output};
use crate::core::engine::Engine;
use crate::kit::build::{self, BuildArgs};
use crate::kit::demo::{self, DemoArgs};
use crate::kit::doctor::{self, DoctorArgs, Patient};
use crate::kit::explain::{self, ExplainArgs};
use crate::kit::fleet;
use crate::kit::init::{self, InitArgs, Talk};
use crate::kit::inspect::{self, InspectArgs};
use crate::kit::matrix::{self, MatrixArgs};
use crate::kit::mock::{self, MockArgs};
use crate::kit::new::{self, NewArgs};
use crate::kit::replay::{self, ReplayArgs};
use crate::kit::start::{self, StartArgs};
use crate::kit::test::{self, Out, TestArgs};
use crate::kit::verify::{self, VerifyArgs};
use crate::request::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Set up Port, the workflow file and promote.toml; shows what would change first
    Init(InitArgs),
    /// Check everything that a run needs, before it is needed
    Doctor(DoctorArgs),
    /// Show a whole promotion against an embedded Port and GitHub; needs nothing
    Demo(DemoArgs),
    /// Serve an embedded Port and GitHub on this machine
    Mock(MockArgs),
    /// Start a policy of your own: a project that builds and passes its tests
    New(NewArgs),
    /// Make the component of a policy project
    Build(BuildArgs),
    /// Say what a component is and could ever do
    Inspect(InspectArgs),
    /// Run scenario files against the embedded Port and GitHub
    Test(TestArgs),
    /// Run the policy of a journal again, and check that it does the same
    Replay(ReplayArgs),
    /// Check that a journal is what its run wrote
    Verify(VerifyArgs),
    /// Say what a rule, an outcome, a failure or a finding means, and what to do
    Explain(ExplainArgs),
    /// List the services to promote, as the matrix of a batch workflow
    Matrix(MatrixArgs),
    /// Start the action in Port for one service, as a click there does
    Start(StartArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual
    Man(ManArgs),
}

/// Runs a command; `line` makes the command line that manuals and completions describe.
pub(super) async fn run(
    command: Command,
    environment: &Environment,
    line: fn() -> clap::Command,
) -> anyhow::Result<u8> {
    match command {
        Command::Init(args) => {
            let talk = Talk { say: &|line: &str| output::raw(line), ask: &output::ask };
            init::run(&args, &talk, || connect::port(environment)).await
        }
        Command::Doctor(args) => examine(&args, environment).await,
        Command::Demo(args) => {
            demo::run(&args, &|line: &str| output::raw(line), &|text: &str| output::data(text)).await
        }
        Command::Mock(args) => {
            mock::serve(&args, &mut std::io::stdout(), output::say).await?;
            Ok(0)
        }
        Command::New(args) => {
            new::run(&args, &|line: &str| output::say(line), &|text: &str| output::data(text))
        }
        Command::Build(args) => {
            build::run(&args, &|line: &str| output::say(line), &|text: &str| output::data(text)).await
        }
        Command::Inspect(args) => {
            inspect::run(&args, &|line: &str| output::say(line), &|text: &str| output::data(text)).await
        }
        Command::Replay(args) => replay::run(&args, &|text: &str| output::data(text)),
        Command::Verify(args) => verify::run(&args, &|text: &str| output::data(text)),
        Command::Test(args) => {
            let status = std::io::stderr().is_terminal().then_some(&output::status as &(dyn Fn(&str) + Sync));
            test::run(&args, &Out { say: &output::say, data: &output::data, status }).await
        }
        Command::Explain(args) => {
            output::data(&explain::run(&args)?);
            Ok(0)
        }
        Command::Matrix(args) => {
            let (_, settings) = settings(&args.config, environment).await?;
            output::data(&matrix::run(&args, &settings, &connect::port(environment)?).await?);
            Ok(0)
        }
        Command::Start(args) => {
            let port = connect::port(environment)?;
            start::run(&args, &port, |line: &str| output::say(line), |text: &str| output::data(text)).await
        }
        Command::Completions(args) => shell::completions(&args, line()),
        Command::Man(args) => shell::man(&args, line()),
    }
}

/// The configuration, and the settings of its policy with every default filled in.
async fn settings(path: &Path, environment: &Environment) -> anyhow::Result<(Config, Value)> {
    let config = Config::read(path)?;
    let engine = Engine::new().context("starting wasmtime")?;
    let policy = super::run::policy(&engine, &config, path, environment.cache().as_deref())?;
    let described = engine.describe(&policy.program).await.context("asking the policy to describe itself")?;
    let settings = fleet::settings(&config, &described.settings_schema);
    Ok((config, settings))
}

async fn examine(args: &DoctorArgs, environment: &Environment) -> anyhow::Result<u8> {
    let config = Config::read(&args.config)?;
    let engine = Engine::new().context("starting wasmtime")?;
    let patient = Patient {
        config: &config,
        engine: &engine,
        policy: super::run::policy(&engine, &config, &args.config, environment.cache().as_deref()),
        port: connect::port(environment),
        github: connect::github(environment, &config.grants),
        app: environment.is_app(),
    };
    let findings = doctor::run(args, patient, |line: &str| output::say(line)).await;
    output::data(&doctor::print(&findings, args.format));
    Ok(findings.exit_code())
}
