//! The two ways in which a command prints what it found.

use clap::ValueEnum;
use promote_core::text;
use serde_json::{Value, json};

/// The number of the form of the JSON objects that commands print. It is raised when a reader of the old form would misread
/// the new one; a key that is added raises nothing.
pub const JSON_FORMAT: u32 = 1;

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

/// Returns the text of a JSON object for programs, with the number of its form.
pub fn json_text(mut object: Value) -> String {
    if let Some(object) = object.as_object_mut() {
        object.insert("format".to_owned(), json!(JSON_FORMAT));
    }
    text::json(&format!("{object:#}\n"))
}
