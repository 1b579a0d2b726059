//! What people build and try policies with. No production run needs it.

#[cfg(feature = "oci")]
pub mod artifacts;
pub mod build;
pub mod coverage;
pub mod demo;
pub mod doctor;
pub mod explain;
mod files;
pub mod fleet;
pub mod format;
pub mod init;
pub mod inspect;
mod journals;
pub mod language;
pub mod lock;
pub mod matrix;
pub mod mock;
pub mod new;
pub mod replay;
pub mod scenario;
pub mod start;
pub mod sweep;
pub mod test;
pub mod verify;
