//! GitHub's answers at the level of [`GitHub::handle`]: a table for each family of operations.

#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod apps;
mod decorations;
mod files;
mod git_data;
mod git_refs;
mod graphql;
mod kit;
mod merging;
mod promotion;
mod pulls;
mod queue;
mod recorded;
mod refusals;
