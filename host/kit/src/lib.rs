//! The kit: what people build, try and set up policies with, and what an operator needs around a run.
//!
//! It owns scenarios and everything that runs them on the mock, the reading of journals again, policy projects, and the
//! set-up of Port, GitHub and `promote.toml`. No production run needs it. It decides nothing for a run: grants, gate and
//! endings are the core's, and a run in a scenario is put together as one in production is. It prints nothing itself; each
//! command is given where its lines and its result go.
//!
//! In reading order:
//! - policies by scenarios: [`scenario`], [`mod@test`], [`sweep`], [`simulate`], [`coverage`]; `failure` has the names that they share,
//!   `settled` what two worlds are compared by;
//! - runs from their journals: `journals`, [`verify`], [`replay`], [`mod@log`], with `page` for what is read in a browser;
//! - a policy of one's own: [`language`], [`mod@new`], [`build`], [`inspect`], [`lock`], [`artifacts`];
//! - a first look: [`demo`], [`mock`];
//! - an operator's set-up: [`marks`], [`fleet`], [`init`], [`finding`], [`doctor`], [`explain`], [`matrix`], [`start`];
//! - `files`, which finds what is named on the command line.

#[cfg(feature = "oci")]
pub mod artifacts;
pub mod build;
pub mod coverage;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod failure;
mod files;
pub mod finding;
pub mod fleet;
pub mod init;
pub mod inspect;
mod journals;
pub mod language;
pub mod lock;
pub mod log;
pub mod marks;
pub mod matrix;
pub mod mock;
pub mod new;
mod page;
pub mod replay;
pub mod scenario;
mod settled;
pub mod simulate;
pub mod start;
pub mod sweep;
pub mod test;
pub mod verify;
