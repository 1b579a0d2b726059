//! The demands of a component that can be known without compiling it: how many instances it makes, and how much of the
//! host's memory those take that no limit of the guest counts.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ElementItems, Encoding, Instance, Parser, Payload,
};

use super::compile::CompileError;

/// Most core modules that are instantiated in one component: one of Python has about thirty.
const MAX_INSTANCES: u64 = 200;
/// Most entries of all instances together: a global, or a function that can be referred to. Each takes up to 32 bytes.
const MAX_ENTRIES: u64 = 300_000;

/// The instances that something makes, and the entries that they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct InstanceDemand {
    instances: u64,
    entries: u64,
}

impl InstanceDemand {
    fn add(&mut self, other: Self) {
        self.instances = self.instances.saturating_add(other.instances);
        self.entries = self.entries.saturating_add(other.entries);
    }
}

/// A module or component that is being read. The demand of a module is that of one instance of it.
#[derive(Default)]
struct OpenScope {
    demand: InstanceDemand,
    modules: Vec<InstanceDemand>,
    components: Vec<InstanceDemand>,
}

/// Checks what can be known of a component's demands without compiling it.
///
/// # Errors
/// Says what it has too much of.
pub(super) fn check_size(component: &[u8]) -> Result<(), CompileError> {
    let demand = measure(component)?;
    if demand.instances > MAX_INSTANCES {
        return Err(CompileError::TooMuch(format!(
            "it has {} instances of core modules, and a policy may have {MAX_INSTANCES}",
            demand.instances
        )));
    }
    if demand.entries > MAX_ENTRIES {
        return Err(CompileError::TooMuch(format!(
            "its instances have {} globals and functions in all, and those of a policy may have {MAX_ENTRIES}",
            demand.entries
        )));
    }
    Ok(())
}

fn measure(component: &[u8]) -> Result<InstanceDemand, CompileError> {
    let invalid = |error| CompileError::Invalid(wasmtime::Error::new(error));
    let mut scopes: Vec<OpenScope> = Vec::new();
    let mut encodings = Vec::new();
    // Of a module that only an alias names, all that is known is that it was read before.
    let mut largest = InstanceDemand::default();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(invalid)?;
        if let Payload::Version { encoding, .. } = payload {
            scopes.push(OpenScope::default());
            encodings.push(encoding);
            continue;
        }
        if let Payload::End(_) = payload {
            let (Some(closed), Some(encoding)) = (scopes.pop(), encodings.pop()) else {
                continue;
            };
            largest = largest.max_of(closed.demand);
            let Some(outer) = scopes.last_mut() else {
                return Ok(closed.demand);
            };
            match encoding {
                Encoding::Module => outer.modules.push(closed.demand),
                Encoding::Component => outer.components.push(closed.demand),
            }
            continue;
        }
        read(&mut scopes, &payload, largest)?;
    }
    Ok(largest)
}

/// Takes note of one section of the innermost scope.
fn read(
    scopes: &mut [OpenScope],
    payload: &Payload<'_>,
    largest: InstanceDemand,
) -> Result<(), CompileError> {
    let invalid = |error| CompileError::Invalid(wasmtime::Error::new(error));
    let Some((scope, outer)) = scopes.split_last_mut() else {
        return Ok(());
    };
    let mut entries = 0_u64;
    match payload {
        Payload::GlobalSection(section) => entries += u64::from(section.count()),
        Payload::ImportSection(section) => entries += u64::from(section.count()),
        Payload::ExportSection(section) => entries += u64::from(section.count()),
        Payload::TableSection(section) => entries += u64::from(section.count()),
        Payload::MemorySection(section) => entries += u64::from(section.count()),
        Payload::TagSection(section) => entries += u64::from(section.count()),
        Payload::ElementSection(section) => {
            for element in section.clone() {
                entries += match element.map_err(invalid)?.items {
                    ElementItems::Functions(items) => u64::from(items.count()),
                    ElementItems::Expressions(_, items) => u64::from(items.count()),
                };
            }
        }
        Payload::InstanceSection(section) => {
            for instance in section.clone() {
                if let Instance::Instantiate { module_index, .. } = instance.map_err(invalid)? {
                    let module = scope.modules.get(module_index as usize);
                    scope.demand.instances += 1;
                    let entries = module.map_or(largest.entries, |module| module.entries);
                    scope.demand.entries = scope.demand.entries.saturating_add(entries);
                }
            }
        }
        Payload::ComponentInstanceSection(section) => {
            for instance in section.clone() {
                if let ComponentInstance::Instantiate {
                    component_index, ..
                } = instance.map_err(invalid)?
                {
                    let component = scope.components.get(component_index as usize);
                    scope.demand.add(component.copied().unwrap_or(largest));
                    // Also one without modules takes something.
                    scope.demand.entries += 1;
                }
            }
        }
        Payload::ComponentAliasSection(section) => {
            for alias in section.clone() {
                add_alias(scope, outer, alias.map_err(invalid)?, largest);
            }
        }
        // What is exported has a second number from then on.
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                let export = export.map_err(invalid)?;
                let index = export.index as usize;
                let second =
                    |known: &[InstanceDemand]| known.get(index).copied().unwrap_or(largest);
                match export.kind {
                    ComponentExternalKind::Module => scope.modules.push(second(&scope.modules)),
                    ComponentExternalKind::Component => {
                        scope.components.push(second(&scope.components));
                    }
                    _ => {}
                }
            }
        }
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                let kind = import.map_err(invalid)?.ty;
                if matches!(
                    kind,
                    ComponentTypeRef::Module(_) | ComponentTypeRef::Component(_)
                ) {
                    return Err(CompileError::TooMuch(
                        "it imports a core module or a component, and a policy imports instances only".to_owned(),
                    ));
                }
            }
        }
        _ => {}
    }
    scope.demand.entries = scope.demand.entries.saturating_add(entries);
    Ok(())
}

/// A second name of a module or component, which has a number of its own.
fn add_alias(
    scope: &mut OpenScope,
    outer: &[OpenScope],
    alias: ComponentAlias<'_>,
    largest: InstanceDemand,
) {
    match alias {
        ComponentAlias::InstanceExport { kind, .. } => match kind {
            ComponentExternalKind::Module => scope.modules.push(largest),
            ComponentExternalKind::Component => scope.components.push(largest),
            _ => {}
        },
        ComponentAlias::Outer { kind, count, index } => {
            let at = |all: &dyn Fn(&OpenScope) -> Option<InstanceDemand>| {
                let from = match (count as usize).checked_sub(1) {
                    Some(above) => outer.iter().rev().nth(above),
                    None => None,
                };
                from.and_then(all).unwrap_or(largest)
            };
            let index = index as usize;
            match kind {
                ComponentOuterAliasKind::CoreModule => {
                    let module = at(&|from| from.modules.get(index).copied());
                    scope.modules.push(module);
                }
                ComponentOuterAliasKind::Component => {
                    let component = at(&|from| from.components.get(index).copied());
                    scope.components.push(component);
                }
                _ => {}
            }
        }
        ComponentAlias::CoreInstanceExport { .. } => {}
    }
}

impl InstanceDemand {
    fn max_of(self, other: Self) -> Self {
        Self {
            instances: self.instances.max(other.instances),
            entries: self.entries.max(other.entries),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A section of less than 128 bytes.
    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn component(sections: &[Vec<u8>]) -> Vec<u8> {
        [b"\0asm\x0d\0\x01\0".to_vec(), sections.concat()].concat()
    }

    /// A module with three globals.
    fn module() -> Vec<u8> {
        let globals = [&[3_u8][..], &[0x7e, 1, 0x42, 0, 0x0b].repeat(3)].concat();
        section(
            1,
            &[b"\0asm\x01\0\0\0".to_vec(), section(6, &globals)].concat(),
        )
    }

    /// Instances of these core modules.
    fn instances(modules: &[u8]) -> Vec<u8> {
        let each = modules.iter().flat_map(|index| [0, *index, 0]);
        let count = u8::try_from(modules.len()).unwrap();
        section(2, &std::iter::once(count).chain(each).collect::<Vec<_>>())
    }

    /// Instances of these components.
    fn component_instances(components: &[u8]) -> Vec<u8> {
        let each = components.iter().flat_map(|index| [0, *index, 0]);
        let count = u8::try_from(components.len()).unwrap();
        section(5, &std::iter::once(count).chain(each).collect::<Vec<_>>())
    }

    #[test]
    fn every_instance_counts_with_what_its_module_has() {
        let empty = section(1, b"\0asm\x01\0\0\0");
        let nested = section(4, &component(&[module(), instances(&[0, 0])]));
        // An alias of a module of the component around it (kind core module, count 1, index 0).
        let alias = section(6, &[1, 0x00, 0x11, 0x02, 1, 0]);
        let outer = section(4, &component(&[alias, instances(&[0])]));
        let cases = [
            (vec![module()], (0, 0)),
            (vec![module(), instances(&[0, 0])], (2, 6)),
            (vec![empty.clone(), module(), instances(&[0, 0])], (2, 0)),
            (vec![empty, module(), instances(&[0, 1])], (2, 3)),
            (vec![nested.clone()], (0, 0)),
            (vec![nested, component_instances(&[0, 0, 0])], (6, 21)),
            (vec![module(), outer, component_instances(&[0])], (1, 4)),
            // Exported under a second number.
            (
                vec![
                    module(),
                    section(11, &[1, 0, 1, b'm', 0x00, 0x11, 0, 0]),
                    instances(&[1]),
                ],
                (1, 3),
            ),
        ];
        for (sections, (instances, entries)) in cases {
            let found = measure(&component(&sections)).unwrap();
            assert_eq!(
                (found.instances, found.entries),
                (instances, entries),
                "{sections:?}"
            );
        }
    }

    #[test]
    fn components_within_components_multiply() {
        let mut inner = component(&[module(), instances(&[0])]);
        for _ in 0..3 {
            inner = [
                component(&[]),
                [vec![4], leb(inner.len()), inner].concat(),
                component_instances(&[0; 20]),
            ]
            .concat();
        }
        let error = check_size(&inner).unwrap_err().to_string();
        assert!(error.starts_with("it has 8000 instances"), "{error}");
    }

    fn leb(number: usize) -> Vec<u8> {
        let low = u8::try_from(number & 0x7f).unwrap();
        match number >> 7 {
            0 => vec![low],
            rest => [vec![low | 0x80], leb(rest)].concat(),
        }
    }

    #[test]
    fn what_is_not_webassembly_is_no_component() {
        assert!(matches!(
            check_size(b"not wasm"),
            Err(CompileError::Invalid(_))
        ));
        assert!(check_size(b"\0asm\x0d\0\x01\0").is_ok());
    }
}
