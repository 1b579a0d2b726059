//! What every command takes about the terminal: when to use colours, and how much to say.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};

use crate::environment::Environment;
use crate::output::{self, OutputStyle};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    #[default]
    Auto,
    /// Also where the output is no terminal
    Always,
    /// Nowhere
    Never,
}

/// The arguments about the terminal, which every command takes.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct TerminalArgs {
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        help_heading = "Terminal"
    )]
    color: ColorChoice,

    /// Say nothing but the result and what is wrong
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Terminal"
    )]
    quiet: bool,

    /// Say each request to Port, GitHub and registries as well
    #[arg(short, long, global = true, help_heading = "Terminal")]
    verbose: bool,
}

impl TerminalArgs {
    /// Has this process print in this way.
    pub fn apply(self, environment: &Environment) {
        let is_coloured = |is_terminal: bool| match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !environment.no_color(),
        };
        output::set_style(OutputStyle {
            colours_out: is_coloured(std::io::stdout().is_terminal()),
            colours_err: is_coloured(std::io::stderr().is_terminal()),
            has_status: std::io::stderr().is_terminal() && !environment.is_dumb(),
            is_quiet: self.quiet,
            is_verbose: self.verbose,
        });
    }
}
