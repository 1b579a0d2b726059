//! How a command prints what it found, where there are two ways.

use clap::ValueEnum;

/// How to print it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// JSON, for machines
    Json,
}
