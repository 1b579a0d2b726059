//! The border of a component: its imports and exports, read from a compiled component, or from its bytes without
//! compiling them.

use std::collections::BTreeSet;

use serde::Deserialize;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::{NotAPolicy, check_header};
use crate::contract::{self, CONTRACT};
use crate::policy::demand::check_size;
use crate::text;

/// The imports and exports of a component, as far as the contract is concerned.
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
    /// The functions of the contract that it imports: interface and name.
    pub functions: BTreeSet<(String, String)>,
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

/// The contract's interfaces and the tier that each needs.
const INTERFACES: [(&str, PolicyTier); 10] = [
    ("types", PolicyTier::Observe),
    ("env", PolicyTier::Observe),
    ("run-log", PolicyTier::Observe),
    ("port-read", PolicyTier::Observe),
    ("github-read", PolicyTier::Observe),
    ("registry-read", PolicyTier::Observe),
    ("rules", PolicyTier::Observe),
    ("github-propose", PolicyTier::Propose),
    ("github-merge", PolicyTier::Promote),
    ("port-write", PolicyTier::Promote),
];

impl ComponentSurface {
    /// Reads the border of a component from its bytes. Nothing is compiled, and the types of what it imports are not compared
    /// with the contract's: only a compiled policy can run, and that is checked again.
    ///
    /// # Errors
    /// Says what it is instead, or which import or export does not fit.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAPolicy> {
        Self::judge(Self::names(bytes)?)
    }

    /// Returns whether a component exports what a rule does, and is to be judged as one.
    ///
    /// # Errors
    /// When it is no component.
    pub fn is_of_rule(bytes: &[u8]) -> Result<bool, NotAPolicy> {
        let names = Self::names(bytes)?;
        let mut exports = names.exports.iter();
        Ok(exports.any(|export| interface_of(export) == Some("ruling")))
    }

    fn names(bytes: &[u8]) -> Result<BorderNames, NotAPolicy> {
        check_header(bytes)?;
        check_size(bytes)
            .map_err(|error| NotAPolicy::NotAComponent(text::line(&error.to_string())))?;
        BorderNames::read(bytes).map_err(|error| {
            NotAPolicy::NotAComponent(text::line(&format!("not a valid component: {error}")))
        })
    }

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

    pub(super) fn of(component: &Component) -> Result<Self, NotAPolicy> {
        Self::judge(BorderNames::of(component))
    }

    /// Decides by the names alone whether this is a policy.
    fn judge(names: BorderNames) -> Result<Self, NotAPolicy> {
        let mut surface = Self {
            tier: PolicyTier::Observe,
            imports: Vec::new(),
            wasi: Vec::new(),
            exports: names.exports.iter().map(|name| text::line(name)).collect(),
            functions: BTreeSet::new(),
        };
        for (name, functions) in names.imports {
            match interface_of(&name)
                .and_then(|interface| INTERFACES.iter().find(|(known, _)| *known == interface))
            {
                Some((interface, tier)) => {
                    surface.tier = surface.tier.max(*tier);
                    if *interface != "types" {
                        surface.imports.push((*interface).to_owned());
                    }
                    let functions = functions.into_iter();
                    surface
                        .functions
                        .extend(functions.map(|function| ((*interface).to_owned(), function)));
                }
                None if name.starts_with("wasi:") && name.contains("@0.2.") => {
                    surface.wasi.push(name);
                }
                None => return Err(NotAPolicy::Import(text::line(&name))),
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

/// The names of what a component imports and exports.
#[derive(Default)]
struct BorderNames {
    /// Each import with the functions of its instance, if it is one.
    imports: Vec<(String, Vec<String>)>,
    /// The exported instances.
    exports: Vec<String>,
}

impl BorderNames {
    /// Reads them from a component that was compiled.
    fn of(component: &Component) -> Self {
        let (engine, kind) = (component.engine(), component.component_type());
        let functions = |item: &ComponentItem| match item {
            ComponentItem::ComponentInstance(instance) => instance
                .exports(engine)
                .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                .map(|(name, _)| name.to_owned())
                .collect(),
            _ => Vec::new(),
        };
        Self {
            imports: kind
                .imports(engine)
                .map(|(name, item)| (name.to_owned(), functions(&item.ty)))
                .collect(),
            exports: kind
                .exports(engine)
                .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }

    /// Reads them from the sections of a component, whose functions are not looked at.
    fn read(bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        let mut depth = 0_usize;
        let mut imports = Vec::new();
        let mut exports = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section.clone() {
                        imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section.clone() {
                        exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
            match validator.payload(&payload)? {
                ValidPayload::Parser(_) => depth += 1,
                ValidPayload::End(types) if depth == 0 => {
                    return Ok(Self::named(imports, exports, &types));
                }
                ValidPayload::End(_) => depth -= 1,
                ValidPayload::Ok | ValidPayload::Func(..) => {}
            }
        }
        Ok(Self::default())
    }

    fn named(imports: Vec<String>, exports: Vec<String>, types: &wasmparser::types::Types) -> Self {
        let functions = |name: &str| {
            let item = types.component_item_for_import(name);
            let Some(ComponentEntityType::Instance(id)) = item.map(|item| item.ty) else {
                return Vec::new();
            };
            types[id]
                .exports
                .iter()
                .filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)))
                .map(|(function, _)| function.clone())
                .collect()
        };
        let is_instance = |name: &String| {
            let item = types.component_item_for_export(name);
            item.is_some_and(|item| matches!(item.ty, ComponentEntityType::Instance(_)))
        };
        Self {
            imports: imports
                .into_iter()
                .map(|name| {
                    let functions = functions(&name);
                    (name, functions)
                })
                .collect(),
            exports: exports.into_iter().filter(is_instance).collect(),
        }
    }
}
