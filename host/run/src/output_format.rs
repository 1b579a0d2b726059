//! The two ways in which a command prints what it found.

use clap::ValueEnum;

/// The form of what a command prints on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// JSON, for programs
    Json,
}

impl OutputFormat {
    /// Has the log of this process written in this form.
    pub(crate) fn choose_log(self) {
        if self == Self::Json {
            crate::output::log_as_json();
        }
    }
}
