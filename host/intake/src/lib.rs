//! Untrusted input made into the core's types, and a run made into a report.
//!
//! Reads what operators, services and registries wrote: Port's [`payload`], `promote.toml` ([`config`], [`team`],
//! [`rule`], [`component`], [`settings`]), the [`lock`] beside it, [`plan_file`]s and components ([`supply`], [`registry`],
//! [`builtin`]). Nothing is decided here: what comes out is held to Port's word and to the grants by the core.

pub mod actions;
pub mod attestations;
pub mod baseline;
pub mod builtin;
pub mod changes;
pub mod choice;
pub mod component;
pub mod config;
pub mod lock;
pub mod payload;
pub mod plan_file;
pub mod registry;
pub mod rule;
pub mod settings;
pub mod supply;
pub mod team;
