//! The commands that no production run needs.

use std::io::IsTerminal as _;

use clap::Subcommand;

use super::output;
use crate::kit::build::{self, BuildArgs};
use crate::kit::demo::{self, DemoArgs};
use crate::kit::inspect::{self, InspectArgs};
use crate::kit::mock::{self, MockArgs};
use crate::kit::new::{self, NewArgs};
use crate::kit::test::{self, Out, TestArgs};

#[derive(Subcommand)]
pub(super) enum Command {
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
}

pub(super) async fn run(command: Command) -> anyhow::Result<u8> {
    match command {
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
        Command::Test(args) => {
            let status = std::io::stderr().is_terminal().then_some(&output::status as &(dyn Fn(&str) + Sync));
            test::run(&args, &Out { say: &output::say, data: &output::data, status }).await
        }
    }
}
