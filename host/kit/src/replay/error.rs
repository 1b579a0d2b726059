//! The reasons for which a journal cannot be replayed, and the one way to read one that can.

use std::path::Path;

use super::recording::RunRecording;
use crate::journals;
use promote_core::contract::{self, CONTRACT};
use promote_core::journal::record::JournalDamage;

/// The reason for which a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("{0:#}")]
    Unreadable(anyhow::Error),
    /// It is not what a run wrote.
    #[error(transparent)]
    Damaged(#[from] JournalDamage),
    /// It is of another contract.
    #[error(
        "it was recorded with the contract {0}, and this version has {CONTRACT}: replay it with the version that wrote it"
    )]
    Contract(String),
    /// It is of another policy.
    #[error(
        "it was recorded with the policy {recorded}, and this is {given}: name the component with `--component FILE`, or compare the two with `--backtest`"
    )]
    OtherPolicy {
        /// SHA-256 of the recorded component.
        recorded: String,
        /// SHA-256 of this one.
        given: String,
    },
    /// Its settings are those of another policy.
    #[error(
        "the recorded settings are another policy's ({0}): give settings for this one, with a file that has them in [policy.settings], by `--config FILE`"
    )]
    OtherSettings(String),
}

/// Reads a journal that this version can replay.
///
/// # Errors
/// When it cannot be read, is damaged, or is of another contract.
pub fn read_recording(path: &Path) -> Result<RunRecording, ReplayError> {
    let recording = RunRecording::read(&journals::bytes(path).map_err(ReplayError::Unreadable)?)?;
    if !contract::serves(&recording.header.contract) {
        return Err(ReplayError::Contract(recording.header.contract));
    }
    Ok(recording)
}
