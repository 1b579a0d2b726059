//! End-to-end and contract tests: a module per subject.
//!
//! What can fail in process is tried in process (`promote_tests::bench`); what only the program has, its arguments, its
//! environment, its outputs and its exit code, is tried on the program (`stage`).

#![allow(clippy::unwrap_used, reason = "tests")]

mod canary;
mod catalog;
mod commands;
mod contract;
mod exit_codes;
mod files;
mod grants;
mod guests;
mod injection;
mod journal;
mod latency;
mod limits;
mod plan;
mod run;
mod sandbox;
mod scenarios;
mod secrets;
mod stage;
mod structure;
mod wire;
