//! End-to-end and contract tests: a module per subject.
//!
//! Everything that can fail in process is tried in process (`promote_tests::bench`). Arguments, environment, outputs and
//! exit codes, which only the program has, are tried on the program (`stage`).

#![allow(clippy::unwrap_used, reason = "tests")]

mod action_settings;
mod agreement;
mod any_grant;
mod author;
mod backtest;
mod canary;
mod catalog;
mod catalog_shape;
mod commands;
mod contract;
mod crash;
mod crowd;
mod dependencies;
mod doctor;
mod doctor_causes;
mod doctor_workflow;
mod document_commands;
mod document_reference;
mod documents;
mod exit_codes;
mod expressions;
mod figures;
mod files;
mod fleet;
mod github_rows;
mod grants;
mod guests;
mod hostile;
mod init;
mod init_catalog;
mod init_guide;
mod init_questions;
mod init_side_by_side;
mod injection;
mod journal;
mod kit;
mod latency;
mod layouts;
mod live;
mod log;
mod memory;
mod messages;
mod native;
mod plan;
mod port_user;
mod promotion;
mod records;
mod reference;
mod replay;
mod reruns;
mod rules;
mod run;
mod same_words;
mod sandbox;
mod scenarios;
mod secrets;
mod settings;
mod setups;
mod signals;
mod slow_merge;
mod stage;
mod sweep;
mod teams;
mod verify;
mod versions;
mod waiting;
mod wire;
