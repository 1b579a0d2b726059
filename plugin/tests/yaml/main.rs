//! Manifest edits: the table of edge cases, a corpus of manifests, and properties over generated documents.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests; the table prints its rows"
)]

mod corpus;
mod edge_cases;
mod judged;
mod layouts;
mod property;

use promote_policy::yaml::{self, DocumentSelector, ScalarAddress, YamlStream};

/// Edits as the policy does; what it says when it refuses.
fn edit(text: &str, document: DocumentSelector, path: &str, value: &str) -> Result<String, String> {
    edit_at(
        text,
        &ScalarAddress {
            document,
            path: path.parse()?,
            shared: false,
        },
        value,
    )
}

fn edit_at(text: &str, address: &ScalarAddress, value: &str) -> Result<String, String> {
    let stream = YamlStream::read(text)?;
    let site = yaml::find(&stream, address)?;
    yaml::replace(text, &site, value)
}
