//! Shared by all tests: the guests, runs in process, an open door to the clients, and the state that a run leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a kit for tests, which fails by panicking"
)]

pub mod bench;
pub mod door;
pub mod settings;
pub mod witness;

pub mod guests {
    //! Paths of the guests' components. `tests/build.rs` makes them from `tests/guests`.

    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}
