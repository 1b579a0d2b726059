//! What the tests share.

pub mod guests {
    //! Paths of the guests' components. `tests/build.rs` makes them from `tests/guests`.

    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}
