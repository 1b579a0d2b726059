//! One line for each item, field, variant, method and implementation that can be reached.

use syn::{Fields, ImplItem, Item, ItemImpl, ItemTrait, TraitItem, Type};

use crate::exports::PublicExports;
use crate::modules::{ModuleTree, is_for_tests, is_public_to_all, name_of};
use crate::print;

/// Describes all exports, in no order.
pub(crate) fn describe(modules: &ModuleTree, exports: &PublicExports) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, paths) in &exports.items {
        let (path, aliases) = paths.split_first().expect("each was found under a path");
        for alias in aliases {
            lines.push(format!("{alias}: use crate::{path}"));
        }
        let items = &modules.0[&place.module].items;
        for item in items
            .iter()
            .filter(|item| name_of(item).as_ref() == Some(&place.name))
        {
            lines.push(format!("{path}: {}", print::declaration(item)));
            lines.extend(parts(path, item));
        }
    }
    for (path, target) in &exports.others {
        lines.push(format!("{path}: use {target}"));
    }
    for (module, content) in &modules.0 {
        for item in &content.items {
            if let Item::Impl(item) = item
                && !is_for_tests(&item.attrs)
            {
                lines.extend(implementation(modules, exports, module, item));
            }
        }
    }
    lines
}

/// Describes the public parts of one item.
fn parts(path: &str, item: &Item) -> Vec<String> {
    match item {
        Item::Struct(item) => match &item.fields {
            Fields::Named(fields) => fields
                .named
                .iter()
                .filter(|field| is_public_to_all(&field.vis))
                .filter_map(|field| Some((field.ident.as_ref()?, &field.ty)))
                .map(|(name, kind)| format!("{path}::{name}: {}", print::kind(kind)))
                .collect(),
            _ => Vec::new(),
        },
        Item::Enum(item) => item
            .variants
            .iter()
            .map(|variant| format!("{path}::{}: {}", variant.ident, print::variant(variant)))
            .collect(),
        Item::Trait(item) => members(path, item),
        _ => Vec::new(),
    }
}

fn members(path: &str, item: &ItemTrait) -> Vec<String> {
    let described = item.items.iter().filter_map(|member| match member {
        TraitItem::Fn(member) => Some((&member.sig.ident, print::signature(&member.sig))),
        TraitItem::Type(member) => Some((&member.ident, format!("type {}", member.ident))),
        TraitItem::Const(member) => Some((
            &member.ident,
            format!("const {}: {}", member.ident, print::kind(&member.ty)),
        )),
        _ => None,
    });
    described
        .map(|(name, text)| format!("{path}::{name}: {text}"))
        .collect()
}

/// Describes an `impl` block, if both its type and its trait can be named outside.
fn implementation(
    modules: &ModuleTree,
    exports: &PublicExports,
    module: &[String],
    item: &ItemImpl,
) -> Vec<String> {
    let kind = Name::of(modules, exports, module, &segments(&item.self_ty));
    let Some((_, trait_path, _)) = &item.trait_ else {
        let Name::Exported(path) = kind else {
            return Vec::new();
        };
        return methods(&path, item);
    };
    let names: Vec<String> = trait_path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    let owner = match (kind, Name::of(modules, exports, module, &names)) {
        (Name::Hidden, _) | (_, Name::Hidden) => return Vec::new(),
        (Name::Exported(path), _) | (Name::Foreign, Name::Exported(path)) => path,
        (Name::Foreign, Name::Foreign) => return Vec::new(),
    };
    vec![format!("{owner}: {}", print::heading(item))]
}

fn methods(path: &str, item: &ItemImpl) -> Vec<String> {
    let described = item.items.iter().filter_map(|member| match member {
        ImplItem::Fn(member) if is_public_to_all(&member.vis) && !is_for_tests(&member.attrs) => {
            Some((&member.sig.ident, print::signature(&member.sig)))
        }
        ImplItem::Const(member) if is_public_to_all(&member.vis) => Some((
            &member.ident,
            format!("const {}: {}", member.ident, print::kind(&member.ty)),
        )),
        _ => None,
    });
    described
        .map(|(name, text)| format!("{path}::{name}: {text}"))
        .collect()
}

/// The reach of a name: an item of the crate, or something else.
enum Name {
    /// An item of this crate, by its path.
    Exported(String),
    /// An item of this crate that nobody else can name.
    Hidden,
    /// An item of another crate, or generated.
    Foreign,
}

impl Name {
    fn of(
        modules: &ModuleTree,
        exports: &PublicExports,
        module: &[String],
        path: &[String],
    ) -> Self {
        match modules.resolve(module, path) {
            None => Self::Foreign,
            Some(place) => match exports.items.get(&place) {
                Some(paths) => Self::Exported(paths[0].clone()),
                None => Self::Hidden,
            },
        }
    }
}

/// Returns the names in the path of a type; none for what is not a path, such as a tuple.
fn segments(kind: &Type) -> Vec<String> {
    match kind {
        Type::Path(path) => {
            let segments = path.path.segments.iter();
            segments.map(|segment| segment.ident.to_string()).collect()
        }
        Type::Reference(reference) => segments(&reference.elem),
        _ => Vec::new(),
    }
}
