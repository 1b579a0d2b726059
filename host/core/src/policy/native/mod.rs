//! Compiled policies: from this binary, else from the user's cache, else from the compiler.
//!
//! It decides where native code may come from, and nothing about what a policy may do. It must never hand the engine
//! bytes that neither this binary nor this user's own cache vouches for: they would run as the host itself.

mod artifact;
mod cache;

use std::path::Path;

use anyhow::Context as _;
use wasmtime::{Config, OptLevel, RegallocAlgorithm};

use crate::journal::digest;
use crate::policy::engine::{Engine, Program};
use crate::policy::{NotAPolicy, Policy, check_header};
use crate::text;

pub use artifact::CodeArtifact;
pub use cache::{CacheError, CodeCache};

/// The origin of a policy's native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// It is part of this binary.
    Binary,
    /// An earlier run compiled it.
    Cache,
    /// It was compiled now.
    Compiler,
}

/// How policies are compiled while somebody waits: in half the time, to code that takes a fifth more of a policy's
/// milliseconds.
pub fn quick() -> Config {
    let mut config = bare();
    config.cranelift_opt_level(OptLevel::None);
    config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    config
}

/// Native code alone: no table of the places in the component that it came from, for which a backtrace has the names of
/// functions, and no frames for debuggers of the host, where the system can do without.
fn bare() -> Config {
    let mut config = Config::new();
    config.generate_address_map(false);
    config.native_unwind_info(cfg!(windows));
    config
}

/// An engine that compiles so.
///
/// # Errors
/// As [`Engine::new`].
pub fn engine() -> anyhow::Result<Engine> {
    Engine::new(quick()).context("starting wasmtime")
}

/// Loads a component: the compiler is asked only if neither this binary nor the cache has its native code. `embedded` is
/// an artifact that is part of this binary, or empty. Whatever is wrong with the cache is told to `say`, and costs no more
/// than the time to compile.
///
/// # Errors
/// As [`Policy::compile`].
pub fn load(
    engine: &Engine,
    bytes: &[u8],
    embedded: &'static [u8],
    cache: Option<&Path>,
    say: &dyn Fn(&str),
) -> Result<(Policy, CodeOrigin), NotAPolicy> {
    let (program, origin) = load_program(engine, bytes, embedded, cache, say)?;
    Policy::of(engine, program, bytes.len()).map(|policy| (policy, origin))
}

/// Loads a component in the same way, whatever it is.
///
/// # Errors
/// When it is no component, or takes too much to compile.
pub fn load_program(
    engine: &Engine,
    bytes: &[u8],
    embedded: &'static [u8],
    cache: Option<&Path>,
    say: &dyn Fn(&str),
) -> Result<(Program, CodeOrigin), NotAPolicy> {
    check_header(bytes)?;
    let key = artifact::key(engine, &digest(bytes));
    let embedded = CodeArtifact::parse(embedded, &key).ok();
    if let Some(program) = embedded.and_then(|artifact| artifact.program(engine, bytes).ok()) {
        return Ok((program, CodeOrigin::Binary));
    }
    let cache = cache.and_then(|folder| {
        let complain = |why: CacheError| say(&format!("compiled policies are not kept: {why}"));
        CodeCache::open(folder).map_err(complain).ok()
    });
    if let Some(program) = cache
        .as_ref()
        .and_then(|cache| recall(engine, bytes, cache, &key, say))
    {
        return Ok((program, CodeOrigin::Cache));
    }
    let program = engine
        .compile(bytes)
        .map_err(|error| NotAPolicy::NotAComponent(text::line(&error.to_string())))?;
    if let Some(cache) = cache {
        let kept = artifact::bytes(&program, &key)
            .and_then(|artifact| Ok(cache.put(&file(&key), &artifact)?));
        if let Err(why) = kept {
            say(&format!("the compiled policy could not be kept: {why:#}"));
        }
    }
    Ok((program, CodeOrigin::Compiler))
}

/// Loads the code of this key from the cache, if that can be trusted and used.
fn recall(
    engine: &Engine,
    bytes: &[u8],
    cache: &CodeCache,
    key: &str,
    say: &dyn Fn(&str),
) -> Option<Program> {
    let ignored =
        |why: &dyn std::fmt::Display| say(&format!("a compiled policy is made anew: {why}"));
    let held = cache.get(&file(key)).map_err(|why| ignored(&why)).ok()??;
    let artifact = CodeArtifact::parse(&held, key)
        .map_err(|why| ignored(&why))
        .ok()?;
    artifact
        .program(engine, bytes)
        .map_err(|why| ignored(&format_args!("{why:#}")))
        .ok()
}

/// The name of an artifact's file.
fn file(key: &str) -> String {
    format!("{key}.compiled")
}

/// Returns the artifact of a component, for a build that makes it part of the binary. A build has the time for Cranelift's
/// best code, and an engine takes that for its own.
///
/// # Errors
/// When it cannot be compiled or written down.
pub fn artifact_for_binary(engine: &Engine, component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let policy = Policy::compile(&Engine::new(bare())?, component)?;
    artifact::bytes(&policy.program, &artifact::key(engine, &policy.digest))
}
