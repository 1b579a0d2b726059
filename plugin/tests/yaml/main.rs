//! Manifest edits: the table of edge cases, a corpus of manifests, and properties over generated documents.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests; the table prints its rows"
)]

mod corpus;
mod edge_cases;
mod property;

use promote_policy::yaml::{self, Selector, Stream};

/// Edits as the policy does; what it says when it refuses.
fn edit(text: &str, selector: Selector<'_>, path: &str, value: &str) -> Result<String, String> {
    let path = path.parse()?;
    let stream = Stream::read(text)?;
    let site = yaml::find(&stream, selector, &path)?;
    yaml::replace(text, &site, value)
}
