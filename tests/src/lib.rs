//! What the tests share: guests, a run of one in process, and what a run may leave behind.

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
