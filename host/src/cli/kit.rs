//! The commands that no production run needs.

use clap::Subcommand;

use super::output;
use crate::kit::demo::{self, DemoArgs};
use crate::kit::inspect::{self, InspectArgs};
use crate::kit::mock::{self, MockArgs};
use crate::kit::test::{self, TestArgs};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show a whole promotion against an embedded Port and GitHub; needs nothing
    Demo(DemoArgs),
    /// Serve an embedded Port and GitHub on this machine
    Mock(MockArgs),
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
        Command::Inspect(args) => {
            output::data(&inspect::run(&args, &|line: &str| output::say(line)).await?);
            Ok(0)
        }
        Command::Test(args) => {
            test::run(&args, &|line: &str| output::say(line), &|text: &str| output::data(text)).await
        }
    }
}
