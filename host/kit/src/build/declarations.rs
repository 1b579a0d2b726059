//! TypeScript's view of a contract: a module for each interface of `wit/`, with its documentation, as the JavaScript runtime
//! passes the values.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use wit_parser::{
    Docs, Function, InterfaceId, PackageId, Resolve, SourceMap, Type, TypeDefKind, TypeId,
    WorldItem,
};

const HEADER: &str = "// Made of `wit/` by `promote build`; what is changed here is lost.\n";

/// A contract, as `wit/` of a project has it.
pub(crate) struct ContractTypes {
    resolve: Resolve,
    package: PackageId,
}

/// An interface that a component exports, and the names of its functions.
pub(super) struct ExportedInterface {
    pub(super) name: String,
    pub(super) functions: Vec<String>,
}

impl ContractTypes {
    /// Reads the files of a folder.
    ///
    /// # Errors
    /// Names the file and the line that is no WIT.
    pub(super) fn of_folder(folder: &Path) -> anyhow::Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_dir(folder)
            .with_context(|| format!("reading {}", folder.display()))?;
        Ok(Self { resolve, package })
    }

    /// Reads files by their names and texts.
    ///
    /// # Errors
    /// As [`ContractTypes::of_folder`].
    pub(crate) fn of_texts<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> anyhow::Result<Self> {
        let mut source = SourceMap::default();
        for (name, text) in files {
            source.push_str(name, text);
        }
        let mut resolve = Resolve::default();
        let group = source.parse().map_err(|(source, error)| {
            anyhow::anyhow!("reading the contract: {}", error.render(&source))
        })?;
        let package = resolve.push_group(group)?;
        Ok(Self { resolve, package })
    }

    /// The exports of a world, by the names that JavaScript gives them.
    ///
    /// # Errors
    /// When there is no such world.
    pub(super) fn exports(&self, world: &str) -> anyhow::Result<Vec<ExportedInterface>> {
        let worlds = &self.resolve.packages[self.package].worlds;
        let id = worlds.get(world).with_context(|| {
            let known: Vec<&str> = worlds.keys().map(String::as_str).collect();
            format!("`wit/` has no world `{world}`, but {}", known.join(", "))
        })?;
        let mut exports = Vec::new();
        for (key, item) in &self.resolve.worlds[*id].exports {
            let WorldItem::Interface { id, .. } = item else {
                continue;
            };
            let interface = &self.resolve.interfaces[*id];
            let name = match &interface.name {
                Some(name) => name.clone(),
                None => self.resolve.name_world_key(key),
            };
            exports.push(ExportedInterface {
                name: camel(&name),
                functions: interface.functions.keys().map(|name| camel(name)).collect(),
            });
        }
        Ok(exports)
    }

    /// The declarations of all interfaces.
    pub(crate) fn declarations(&self) -> String {
        let mut text = HEADER.to_owned();
        for id in self.resolve.packages[self.package].interfaces.values() {
            self.module(*id, &mut text);
        }
        text
    }

    fn module(&self, id: InterfaceId, text: &mut String) {
        let interface = &self.resolve.interfaces[id];
        let name = self.resolve.id_of(id).unwrap_or_default();
        text.push('\n');
        documented(&interface.docs, "", text);
        let _ = writeln!(text, "declare module \"{name}\" {{");
        for (name, id) in &interface.types {
            self.declared(name, *id, text);
        }
        for function in interface.functions.values() {
            self.function(function, text);
        }
        text.push_str("}\n");
    }

    fn function(&self, function: &Function, text: &mut String) {
        documented(&function.docs, "  ", text);
        let parameters = function
            .params
            .iter()
            .map(|one| format!("{}: {}", camel(&one.name), self.shown(&one.ty)));
        let result = match &function.result {
            None => "void".to_owned(),
            Some(kind) => self.returned(kind),
        };
        let _ = writeln!(
            text,
            "  export function {}({}): {result};",
            camel(&function.name),
            parameters.collect::<Vec<_>>().join(", ")
        );
    }

    /// The type of what a function returns: its failure is thrown.
    fn returned(&self, kind: &Type) -> String {
        if let Type::Id(id) = kind
            && let TypeDefKind::Result(result) = &self.resolve.types[*id].kind
        {
            return result
                .ok
                .as_ref()
                .map_or("void".to_owned(), |ok| self.shown(ok));
        }
        self.shown(kind)
    }

    fn declared(&self, name: &str, id: TypeId, text: &mut String) {
        let item = &self.resolve.types[id];
        documented(&item.docs, "  ", text);
        let name = upper_camel(name);
        if let TypeDefKind::Record(record) = &item.kind {
            let _ = writeln!(text, "  export interface {name} {{");
            for field in &record.fields {
                documented(&field.docs, "    ", text);
                let _ = writeln!(
                    text,
                    "    {}: {};",
                    camel(&field.name),
                    self.shown(&field.ty)
                );
            }
            text.push_str("  }\n");
            return;
        }
        let _ = writeln!(text, "  export type {name} = {};", self.kind(&item.kind));
    }

    fn kind(&self, kind: &TypeDefKind) -> String {
        let tagged = |tag: &str, value: Option<&Type>| match value {
            None => format!("{{ tag: \"{tag}\" }}"),
            Some(value) => format!("{{ tag: \"{tag}\"; val: {} }}", self.shown(value)),
        };
        match kind {
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|case| tagged(&case.name, case.ty.as_ref()));
                cases.collect::<Vec<_>>().join(" | ")
            }
            TypeDefKind::Enum(one) => {
                let cases = one.cases.iter().map(|case| format!("\"{}\"", case.name));
                cases.collect::<Vec<_>>().join(" | ")
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter();
                let flags = flags.map(|flag| format!("{}?: boolean", camel(&flag.name)));
                format!("{{ {} }}", flags.collect::<Vec<_>>().join("; "))
            }
            TypeDefKind::Option(inner) => format!("{} | null", self.shown(inner)),
            TypeDefKind::Result(result) => format!(
                "{} | {}",
                tagged("ok", result.ok.as_ref()),
                tagged("err", result.err.as_ref())
            ),
            TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
            TypeDefKind::List(inner) | TypeDefKind::FixedLengthList(inner, _) => {
                format!("Array<{}>", self.shown(inner))
            }
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|kind| self.shown(kind));
                format!("[{}]", types.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Type(Type::Id(id)) => self.foreign(*id),
            TypeDefKind::Type(kind) => self.shown(kind),
            // The contract has none of the rest; an author's own interface may.
            _ => "unknown".to_owned(),
        }
    }

    /// A type that another interface declares.
    fn foreign(&self, id: TypeId) -> String {
        let item = &self.resolve.types[id];
        let module = match item.owner {
            wit_parser::TypeOwner::Interface(interface) => self.resolve.id_of(interface),
            _ => None,
        };
        match (&item.name, module) {
            (Some(name), Some(module)) => format!("import(\"{module}\").{}", upper_camel(name)),
            _ => self.kind(&item.kind),
        }
    }

    fn shown(&self, kind: &Type) -> String {
        match kind {
            Type::Bool => "boolean".to_owned(),
            Type::U64 | Type::S64 => "bigint".to_owned(),
            Type::Char | Type::String => "string".to_owned(),
            Type::ErrorContext => "unknown".to_owned(),
            Type::Id(id) => {
                let item = &self.resolve.types[*id];
                let named = item.name.as_deref().map(upper_camel);
                named.unwrap_or_else(|| self.kind(&item.kind))
            }
            _ => "number".to_owned(),
        }
    }
}

fn documented(docs: &Docs, indent: &str, text: &mut String) {
    let Some(contents) = &docs.contents else {
        return;
    };
    let contents = contents.trim().replace("*/", "* /");
    let _ = writeln!(text, "{indent}/**");
    for line in contents.lines() {
        let _ = writeln!(text, "{}", format!("{indent} * {line}").trim_end());
    }
    let _ = writeln!(text, "{indent} */");
}

fn upper_camel(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('-') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

fn camel(name: &str) -> String {
    let upper = upper_camel(name);
    let mut letters = upper.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CONTRACT: &str = "
        package acme:rules@1.2.0;
        /// Values */ of all kinds.
        interface types {
            record pull-request { number: u32, head-commit: option<string>, tags: list<string> }
            variant outcome { done(pull-request), late }
            enum merge-method { squash, fast-forward }
            flags marks { is-old }
        }
        interface read {
            use types.{outcome};
            /// Looks.
            get-all: func(at-most: u64, bytes: list<u8>) -> result<list<outcome>, string>;
            wait: func() -> result<_, string>;
        }
        world rule { import read; export answers: interface { check-it: func() -> tuple<bool, char>; } export read; }
    ";

    #[test]
    fn every_kind_of_type_is_declared_as_the_runtime_passes_it() {
        let types = ContractTypes::of_texts([("all.wit", CONTRACT)]).unwrap();
        let text = types.declarations();
        for part in [
            "/**\n * Values * / of all kinds.\n */\ndeclare module \"acme:rules/types@1.2.0\" {",
            "export interface PullRequest {\n    number: number;\n    headCommit: string | null;\n    tags: Array<string>;\n  }",
            "export type Outcome = { tag: \"done\"; val: PullRequest } | { tag: \"late\" };",
            "export type MergeMethod = \"squash\" | \"fast-forward\";",
            "export type Marks = { isOld?: boolean };",
            "export type Outcome = import(\"acme:rules/types@1.2.0\").Outcome;",
            "  /**\n   * Looks.\n   */\n  export function getAll(atMost: bigint, bytes: Uint8Array): Array<Outcome>;",
            "export function wait(): void;",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn exports_have_the_names_that_javascript_gives_them() {
        let types = ContractTypes::of_texts([("all.wit", CONTRACT)]).unwrap();
        let exports: Vec<(String, Vec<String>)> = types
            .exports("rule")
            .unwrap()
            .into_iter()
            .map(|one| (one.name, one.functions))
            .collect();
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert!(
            exports.contains(&("answers".to_owned(), own(&["checkIt"]))),
            "{exports:?}"
        );
        assert!(
            exports.contains(&("read".to_owned(), own(&["getAll", "wait"]))),
            "{exports:?}"
        );
        let error = types.exports("rules").map(drop).unwrap_err().to_string();
        assert!(error.contains("no world `rules`, but rule"), "{error}");
        let bad = ContractTypes::of_texts([("a.wit", "package a:b;\ninterface {")]).map(drop);
        assert!(bad.unwrap_err().to_string().contains("a.wit:2"));
    }
}
