//! The default policy, which is part of the binary.

/// The component, built from `plugin/` by the build script.
pub const POLICY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.wasm"));

/// The same, compiled for the platform of this binary; empty unless the build was given it (`make build`).
pub const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.compiled"));
