//! The commands that no production run needs.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;

use crate::connect;
use crate::shell::{self, CompletionsArgs, ManArgs};
use promote_core::grants::Grants;
use promote_core::policy::compile::StopFlag;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_intake::choice::LoadPolicy as _;
use promote_intake::config::Config;
use promote_intake::supply::Supply;
#[cfg(feature = "oci")]
use promote_kit::artifacts::{self, PullArgs, PushArgs};
use promote_kit::build::{self, BuildArgs};
use promote_kit::demo::{self, DemoArgs};
use promote_kit::doctor::{self, DoctorArgs, ExaminedSetup};
use promote_kit::explain::{self, ExplainArgs};
use promote_kit::failure::ServiceFailure;
use promote_kit::fleet::FleetSettings;
use promote_kit::init::{self, InitArgs, PortRegion, SetupDialog, SetupTools};
use promote_kit::inspect::{self, InspectArgs};
use promote_kit::lock::{self, LockArgs};
use promote_kit::log::{self, LogArgs};
use promote_kit::marks::MarkedSettings;
use promote_kit::matrix::{self, MatrixArgs};
use promote_kit::mock::{self, MockArgs};
use promote_kit::new::{self, NewArgs};
use promote_kit::replay::{self, ReplayArgs};
use promote_kit::simulate::{self, SimulateArgs};
use promote_kit::start::{self, StartArgs};
use promote_kit::test::{self, TestArgs, TestOutput};
use promote_kit::verify::{self, VerifyArgs};
use promote_run::environment::Environment;
use promote_run::{OutputFormat, output};

/// The exit code of a command to which Port or GitHub has said no.
const SERVICE_FAILED: u8 = 3;

#[derive(Subcommand)]
pub(super) enum KitCommand {
    /// Set up Port, the workflow file and promote.toml; shows what would change first
    Init(Box<InitArgs>),
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
    /// Write promote.lock: what each component is; shows what they gain and lose
    Lock(LockArgs),
    /// Fetch a policy from a registry, and print its reference with the digest
    #[cfg(feature = "oci")]
    Pull(PullArgs),
    /// Put a policy into a registry, and print its reference with the digest
    #[cfg(feature = "oci")]
    Push(PushArgs),
    /// Run scenario files against the embedded Port and GitHub
    Test(TestArgs),
    /// Play random companies, people and bad weather by seed, and check the invariants in each world
    Simulate(SimulateArgs),
    /// Run the policy of a journal again, and check that it does the same
    Replay(ReplayArgs),
    /// List what was promoted, by whom and how it ended, from journals or from Port
    Log(LogArgs),
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
    command: KitCommand,
    environment: &Environment,
    line: fn() -> clap::Command,
) -> anyhow::Result<u8> {
    match command {
        KitCommand::Init(args) => set_up(&args, environment).await,
        KitCommand::Doctor(args) => examine(&args, environment).await,
        KitCommand::Demo(args) => {
            demo::run(&args, &|line: &str| output::raw(line), &|text: &str| {
                output::data(text)
            })
            .await
        }
        KitCommand::Mock(args) => serve(&args, environment).await,
        KitCommand::New(args) => new::run(&args, &|line: &str| output::say(line), &|text: &str| {
            output::data(text)
        }),
        KitCommand::Build(args) => {
            let cache = environment.cache();
            build::run(
                &args,
                cache.as_deref(),
                &|line: &str| output::say(line),
                &|text: &str| output::data(text),
            )
            .await
        }
        KitCommand::Inspect(args) => {
            let access = environment.registry()?;
            inspect::run(&args, &access, &output::say, &output::data).await
        }
        KitCommand::Lock(args) => write_lock(&args, environment).await,
        #[cfg(feature = "oci")]
        KitCommand::Pull(args) => {
            let access = environment.registry()?;
            artifacts::pull(
                &args,
                &access,
                environment.cache(),
                &output::say,
                &output::data,
            )
            .await
        }
        #[cfg(feature = "oci")]
        KitCommand::Push(args) => {
            let access = environment.registry()?;
            artifacts::push(&args, &access, &output::say, &output::data).await
        }
        KitCommand::Replay(args) => replay::run(
            &args,
            environment.cache().as_deref(),
            &output::say,
            &output::data,
        ),
        KitCommand::Log(args) => list(&args, environment).await,
        KitCommand::Verify(args) => verify::run(&args, &|text: &str| output::data(text)),
        KitCommand::Test(args) => test::run(&args, environment.cache(), &test_output()).await,
        KitCommand::Simulate(args) => simulate::run(&args, environment.cache(), &test_output()),
        KitCommand::Explain(args) => {
            output::data(&explain::run(&args)?);
            Ok(0)
        }
        KitCommand::Matrix(args) => print_matrix(&args, environment).await,
        KitCommand::Start(args) => {
            let port = connect::port(environment)?;
            let started = start::run(
                &args,
                &port,
                |line: &str| output::say(line),
                |text: &str| output::data(text),
            );
            started.await.or_else(told)
        }
        KitCommand::Completions(args) => shell::completions(&args, line()),
        KitCommand::Man(args) => shell::man(&args, line()),
    }
}

async fn set_up(args: &InitArgs, environment: &Environment) -> anyhow::Result<u8> {
    let dialog = SetupDialog {
        say: &|line: &str| output::raw(line),
        ask: &output::ask,
    };
    let find_commit =
        async |repository: &str, tag: &str| connect::tag_commit(environment, repository, tag).await;
    let check = |grants: &Grants| -> init::AppCheck { connect::check_app(environment, grants) };
    let tools = SetupTools {
        region: PortRegion {
            api_url: environment.port_url(),
            app: environment.port_app(),
        },
        github: environment
            .github_server()
            .unwrap_or_else(|| "https://github.com".to_owned()),
        check_app: environment.is_app().then_some(&check),
    };
    let port = || connect::port(environment);
    let report = match init::run(args, &dialog, &tools, port, find_commit).await {
        Ok(report) => report,
        Err(error) => return told(error),
    };
    if args.format == OutputFormat::Json {
        output::data(&report.json());
    }
    Ok(report.exit_code())
}

async fn serve(args: &MockArgs, environment: &Environment) -> anyhow::Result<u8> {
    if args.from_port {
        let world = mock::world_of(args, &connect::port(environment)?).await?;
        output::data(&promote_core::text::json(&world));
        return Ok(0);
    }
    // A command has the terminal for itself.
    let log = if args.command.is_empty() {
        output::say
    } else {
        |_: &str| {}
    };
    mock::serve(args, &mut std::io::stdout(), log).await
}

async fn write_lock(args: &LockArgs, environment: &Environment) -> anyhow::Result<u8> {
    let config = environment.config(&args.config).await?.config;
    let engine = engine_of(&config)?;
    let access = environment.registry()?;
    let cache = environment.cache();
    let supply = Supply::new(&engine, &args.config, cache, access, &output::say);
    lock::run(args, &config, &engine, &supply, &output::say, &output::data).await
}

async fn list(args: &LogArgs, environment: &Environment) -> anyhow::Result<u8> {
    let data = |text: &str| output::data(text);
    match &args.port {
        Some(blueprint) => {
            let port = connect::port(environment)?;
            log::run_from_port(args, &port, blueprint, &data)
                .await
                .or_else(told)
        }
        None => log::run(args, &data),
    }
}

async fn print_matrix(args: &MatrixArgs, environment: &Environment) -> anyhow::Result<u8> {
    let config = environment.config(&args.config).await?.config;
    let settings = fleet_settings(&config, &args.config, environment).await?;
    let port = connect::port(environment)?;
    match matrix::run(args, &settings, &port).await {
        Ok(jobs) => {
            output::data(&jobs);
            Ok(0)
        }
        Err(error) => told(error),
    }
}

/// Returns the output of tests: with progress on a terminal.
fn test_output() -> TestOutput<'static> {
    TestOutput {
        say: &output::say,
        data: &output::data,
        status: std::io::stderr()
            .is_terminal()
            .then_some(&output::status as &(dyn Fn(&str) + Sync)),
    }
}

/// Says an error and returns its exit code, if a service has failed; then neither usage nor configuration was wrong.
fn told(error: anyhow::Error) -> anyhow::Result<u8> {
    if !ServiceFailure::caused(&error) {
        return Err(error);
    }
    output::problem(&format!("{error:#}"));
    Ok(SERVICE_FAILED)
}

/// Returns an engine that compiles within the limits of a configuration.
fn engine_of(config: &Config) -> anyhow::Result<Engine> {
    let limits = config.limits.compile.clone();
    Ok(native::engine()?.with_compile_limits(limits, StopFlag::default()))
}

/// Returns the settings of every policy of a configuration, as the policies mark them.
async fn fleet_settings<'a>(
    config: &'a Config,
    path: &Path,
    environment: &Environment,
) -> anyhow::Result<FleetSettings<'a>> {
    let engine = engine_of(config)?;
    let supply = promote_run::command::supply(&engine, path, environment.cache(), environment)?;
    let mut all = Vec::new();
    for (_, wanted) in config.policies() {
        let policy = supply.load(wanted).await?;
        let described = engine
            .describe(&policy.program)
            .await
            .context("asking the policy to describe itself")?;
        all.push(MarkedSettings::read(
            &described.settings_schema,
            &wanted.settings(),
        ));
    }
    Ok(FleetSettings::new(&config.team, all))
}

async fn examine(args: &DoctorArgs, environment: &Environment) -> anyhow::Result<u8> {
    let config = environment.config(&args.config).await?.config;
    let engine = engine_of(&config)?;
    let supply =
        promote_run::command::supply(&engine, &args.config, environment.cache(), environment)?;
    let setup = ExaminedSetup {
        config: &config,
        engine: &engine,
        load: &supply,
        port: connect::port(environment),
        github: connect::github(environment, &config.grants),
        registry: connect::registry(environment, &config.grants)?,
        verifier: config.attestations.verifier()?,
        own: connect::workflows(environment)?,
        is_app: environment.is_app(),
    };
    let findings = doctor::run(args, setup, |line: &str| output::say(line)).await;
    output::data(&doctor::print(&findings, args.format));
    Ok(findings.exit_code())
}
