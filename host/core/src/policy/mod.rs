//! A policy component: what it is and could ever do, before anything of it runs.
//!
//! This explains, and refuses early. What holds is the linker of [`Engine`], which offers the contract and nothing else.

pub mod compile;
pub mod engine;
pub mod native;
pub mod sandbox;

use serde::Deserialize;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::contract::{self, CONTRACT};
use crate::policy::engine::{Engine, Program};
use crate::text;

/// Most bytes of a component: a Python policy has 18 MB.
pub const LARGEST: usize = 64 << 20;

/// How many bytes tell what a file is.
pub const HEADER: usize = 8;

/// A component that targets one of the contract's worlds.
#[derive(Clone)]
pub struct Policy {
    /// The component, ready to run.
    pub program: Program,
    /// What it imports and exports.
    pub surface: ComponentSurface,
    /// SHA-256 of the component in hex.
    pub digest: String,
    /// Size in bytes.
    pub size: usize,
}

/// What a component imports and exports, as far as the contract is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentSurface {
    /// The smallest world that has all its imports.
    pub tier: PolicyTier,
    /// The contract's interfaces that it imports, without package and version.
    pub imports: Vec<String>,
    /// The WASI interfaces that it imports; each is linked inert.
    pub wasi: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
}

/// How much a component could ever do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyTier {
    /// Look and answer.
    Observe,
    /// Also propose.
    Propose,
    /// Also merge, and record in the catalog.
    Promote,
}

impl PolicyTier {
    /// The world's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Propose => "propose",
            Self::Promote => "promote",
        }
    }
}

/// Why something is no policy.
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
    /// What it imports or exports has other types than the contract.
    #[error("the component was built for another contract than {CONTRACT}: {0}")]
    Types(String),
    /// It could do more than the operator wants.
    #[error("the component imports {import}: it is of tier {}, and `policy.tier` allows {}", tier.name(), allowed.name())]
    Tier {
        /// The import that is too much.
        import: String,
        /// What the component is.
        tier: PolicyTier,
        /// What is allowed.
        allowed: PolicyTier,
    },
    /// It does not export what a policy must.
    #[error("the component does not export {0}: it is no promotion policy of {CONTRACT}")]
    Export(String),
}

/// The contract's interfaces and the tier that each needs.
const INTERFACES: [(&str, PolicyTier); 9] = [
    ("types", PolicyTier::Observe),
    ("env", PolicyTier::Observe),
    ("run-log", PolicyTier::Observe),
    ("port-read", PolicyTier::Observe),
    ("github-read", PolicyTier::Observe),
    ("rules", PolicyTier::Observe),
    ("github-propose", PolicyTier::Propose),
    ("github-merge", PolicyTier::Promote),
    ("port-write", PolicyTier::Promote),
];

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

impl ComponentSurface {
    /// Checks that the component could never do more than a tier allows.
    ///
    /// # Errors
    /// Names the first import that is too much.
    pub fn check(&self, allowed: Option<PolicyTier>) -> Result<(), NotAPolicy> {
        let Some(allowed) = allowed else {
            return Ok(());
        };
        let tier_of = |import: &str| {
            INTERFACES
                .iter()
                .find(|(name, _)| *name == import)
                .map(|(_, tier)| *tier)
        };
        let beyond = |import: &&String| tier_of(import).is_some_and(|tier| tier > allowed);
        match self.imports.iter().find(beyond) {
            None => Ok(()),
            Some(import) => Err(NotAPolicy::Tier {
                import: import.clone(),
                tier: self.tier,
                allowed,
            }),
        }
    }

    fn of(component: &Component) -> Result<Self, NotAPolicy> {
        let (engine, kind) = (component.engine(), component.component_type());
        let mut surface = Self {
            tier: PolicyTier::Observe,
            imports: Vec::new(),
            wasi: Vec::new(),
            exports: Vec::new(),
        };
        for (name, _) in kind.imports(engine) {
            match interface_of(name)
                .and_then(|interface| INTERFACES.iter().find(|(known, _)| *known == interface))
            {
                Some((interface, tier)) => {
                    surface.tier = surface.tier.max(*tier);
                    if *interface != "types" {
                        surface.imports.push((*interface).to_owned());
                    }
                }
                None if name.starts_with("wasi:") && name.contains("@0.2.") => {
                    surface.wasi.push(name.to_owned())
                }
                None => return Err(NotAPolicy::Import(text::line(name))),
            }
        }
        for (name, item) in kind.exports(engine) {
            if matches!(item.ty, ComponentItem::ComponentInstance(_)) {
                surface.exports.push(text::line(name));
            }
        }
        for needed in ["promotion", "about"] {
            let mut exports = surface.exports.iter();
            if !exports.any(|export| interface_of(export) == Some(needed)) {
                let (package, version) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
                return Err(NotAPolicy::Export(format!("{package}/{needed}@{version}")));
            }
        }
        Ok(surface)
    }
}

/// The interface of the contract that an import or export is, in a version that this host serves.
fn interface_of(name: &str) -> Option<&str> {
    let (path, version) = name.split_once('@')?;
    let (package, interface) = path.split_once('/')?;
    contract::serves(&format!("{package}@{version}")).then_some(interface)
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
