//! Port, GitHub and registries in memory, and their server on loopback.
//!
//! The crate owns one state machine, the [`World`]: the catalog and runs of a Port, the repositories and pull requests
//! of a GitHub, the images of registries, the faults that strike their answers, and the events that other people cause meanwhile. The clients of
//! production reach it through [`WorldTransport`] in the same process or through [`server`] behind a socket, and must
//! not be able to tell it from the real services. Where they could, the mock is wrong.
//!
//! It must never decide anything for a policy, reach a network, or know what a promotion is. Of `promote-core` it uses
//! the types of [`promote_core::service::transport`] and nothing else, so that no rule of the gate can leak into the
//! services which the gate is tested against.
//!
//! In reading order:
//!
//! | module | holds |
//! |---|---|
//! | [`world`] | the state of both services at one moment, and [`World::handle`], the only way into it |
//! | [`github`], [`git`] | GitHub's answers, on real Git objects |
//! | [`port`] | Port's answers |
//! | [`mod@registry`] | the answers of registries of images |
//! | [`fault`], [`event`] | answers that go wrong, and the deeds of other people |
//! | [`mod@file`], [`sample`] | worlds written as TOML, and the one that documents the format |
//! | [`shared`], [`transport`], [`clock`], [`server`] | how clients reach a world: in process, or over HTTP |
//!
//! ```
//! use promote_mock::{ServiceName, World};
//!
//! let mut world = World::sample();
//! let request = http::Request::get("/v1/blueprints/image").body(Vec::new())?;
//! let answer = world.handle(ServiceName::Port, &request);
//! assert_eq!(answer.result.expect("no fault is set").status(), 401);
//! # Ok::<(), http::Error>(())
//! ```

pub mod clock;
pub mod event;
pub mod fault;
pub mod file;
pub mod git;
pub mod github;
mod on_write;
pub mod port;
pub mod registry;
pub mod sample;
mod secret;
pub mod server;
mod service;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod transport;
pub mod world;

pub use clock::WorldClock;
pub use event::{AwaitedEvent, RequestPattern, RequestTrigger, TimedEvent, WorldEvent};
pub use fault::{ConnectionCut, FaultEffect, PathGlob, ServiceFault, ServiceFaults};
pub use github::GitHub;
pub use on_write::CopyOnWrite;
pub use port::Port;
pub use registry::Registry;
pub use secret::SecretText;
pub use service::ServiceName;
pub use shared::SharedWorld;
pub use transport::WorldTransport;
pub use world::{RequestRecord, UnknownRoute, World, WorldAnswer};
