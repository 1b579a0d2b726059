//! A policy component: what it is and could ever do, before anything of it runs.
//!
//! This explains, and refuses early. What holds is the linker of [`Engine`], which offers the contract and nothing else.
//!
//! ```
//! use promote_core::policy::{NotAPolicy, check_header};
//!
//! let native = check_header(b"\x7fELF and more").unwrap_err();
//! assert!(matches!(native, NotAPolicy::NotAComponent(_)));
//! assert!(native.to_string().starts_with("this is native code"));
//! ```
//!
//! In reading order: `surface` and `demand`, what a component imports and so could do; [`engine`] and [`compile`], how it is
//! made ready; [`sandbox`], in which it runs; [`native`], code that an earlier run has compiled. Next: [`rule`](crate::rule).

pub mod compile;
pub(crate) mod crash;
mod demand;
pub mod engine;
pub mod native;
pub mod sandbox;
mod surface;

pub use surface::{ComponentSurface, PolicyTier};

use crate::contract::CONTRACT;
use crate::policy::engine::{Engine, Program};
use crate::text;

/// Most bytes of a component: a Python policy has 18 MB.
pub const LARGEST: usize = 64 << 20;

/// The number of bytes that tell what a file is.
pub const HEADER: usize = 8;

/// A component that targets one of the contract's worlds.
#[derive(Clone)]
pub struct Policy {
    /// The component, ready to run.
    pub program: Program,
    /// Its imports and exports.
    pub surface: ComponentSurface,
    /// SHA-256 of the component in hex.
    pub digest: String,
    /// Size in bytes.
    pub size: usize,
}

/// The reason why something is no policy.
#[derive(Debug, thiserror::Error)]
pub enum NotAPolicy {
    /// Not a component at all.
    #[error("{0}")]
    NotAComponent(String),
    /// More than anybody wants to read.
    #[error("it is larger than a component may be ({LARGEST} bytes)")]
    TooLarge,
    /// It imports what this host does not offer.
    #[error(
        "the component imports {0}, which this host does not offer (it serves {CONTRACT} and WASI 0.2)"
    )]
    Import(String),
    /// An import or an export has other types than the contract.
    #[error("the component was built for another contract than {CONTRACT}: {0}")]
    Types(String),
    /// It could do more than the operator wants.
    #[error("the component imports {import}: it is of tier {}, and `policy.tier` allows {}", tier.name(), allowed.name())]
    Tier {
        /// The import that is too much.
        import: String,
        /// The tier of the component.
        tier: PolicyTier,
        /// The allowed operations.
        allowed: PolicyTier,
    },
    /// It does not export what a policy must.
    #[error("the component does not export {0}: it is no promotion policy of {CONTRACT}")]
    Export(String),
}

impl Policy {
    /// Compiles a component and checks that it is a policy. Nothing of it runs.
    ///
    /// # Errors
    /// Says what it is instead, or which import or export does not fit.
    pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Self, NotAPolicy> {
        check_header(bytes)?;
        let program = engine
            .compile(bytes)
            .map_err(|error| NotAPolicy::NotAComponent(text::line(&error.to_string())))?;
        Self::of(engine, program, bytes.len())
    }

    /// Checks that what is ready to run is a policy.
    ///
    /// # Errors
    /// Says which import or export does not fit.
    pub fn of(engine: &Engine, program: Program, size: usize) -> Result<Self, NotAPolicy> {
        let surface = ComponentSurface::of(program.component())?;
        engine
            .check_types(&program)
            .map_err(|error| NotAPolicy::Types(text::line(&format!("{error:#}"))))?;
        Ok(Self {
            surface,
            digest: program.digest().to_owned(),
            program,
            size,
        })
    }
}

/// Tells common mistakes apart before the compiler speaks: every file of WebAssembly starts with `\0asm`, a version and
/// a layer, which is 0 for a module and 1 for a component (component model, Binary.md).
///
/// # Errors
/// Says what it is instead.
pub fn check_header(bytes: &[u8]) -> Result<(), NotAPolicy> {
    let what = match bytes {
        [] => "the file is empty".to_owned(),
        _ if bytes.len() > LARGEST => return Err(NotAPolicy::TooLarge),
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', ..] => {
            "this is a core WebAssembly module, not a component: build it for the target wasm32-wasip2"
                .to_owned()
        }
        [0x7f, b'E', b'L', b'F', ..] => {
            "this is native code (perhaps precompiled): only a WebAssembly component is taken".to_owned()
        }
        _ => "this is not WebAssembly".to_owned(),
    };
    Err(NotAPolicy::NotAComponent(what))
}
