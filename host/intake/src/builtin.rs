//! The components that are part of the binary: the default policy, and the rule for expressions.

use std::path::Path;

use promote_core::policy::engine::Engine;
use promote_core::policy::native::{self, CodeOrigin};
use promote_core::policy::{NotAPolicy, Policy};
use promote_core::rule::RuleProgram;

/// The component, built from `plugin/` by the build script.
pub const POLICY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.wasm"));

/// The rule for expressions, built from `plugin/cel`.
pub const CEL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cel.wasm"));

/// The policy, compiled for the platform of this binary; empty unless the build was given it (`make build`).
pub const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.compiled"));

/// Returns the native code of the policy, for a build that makes it part of the binary.
///
/// # Errors
/// When it cannot be compiled or written down.
pub fn compile(engine: &Engine) -> anyhow::Result<Vec<u8>> {
    native::artifact_for_binary(engine, POLICY)
}

/// Loads a component, from the binary's native code if it is the built-in one; see [`native::load`].
///
/// # Errors
/// When it is no policy.
pub fn load(
    engine: &Engine,
    component: &[u8],
    cache: Option<&Path>,
    say: &dyn Fn(&str),
) -> Result<(Policy, CodeOrigin), NotAPolicy> {
    native::load(engine, component, COMPILED, cache, say)
}

/// Loads a rule, which may have been compiled before; see [`native::load_program`].
///
/// # Errors
/// When it is no rule.
pub fn load_rule(
    engine: &Engine,
    component: &[u8],
    cache: Option<&Path>,
    say: &dyn Fn(&str),
) -> anyhow::Result<RuleProgram> {
    let (program, _) = native::load_program(engine, component, &[], cache, say)?;
    Ok(RuleProgram::of(engine, &program)?)
}
