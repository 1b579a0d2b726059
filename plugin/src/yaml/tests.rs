//! Tests: see stage 2.
