//! The files of a new project, all of them part of the binary.

use super::lock;
use crate::build::{ContractTypes, TYPES};
use crate::language::PolicyLanguage;
use promote_core::contract::CONTRACT;

/// What a project makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProjectKind {
    /// A policy.
    Policy,
    /// A rule for every policy.
    Rule,
}

impl ProjectKind {
    #[cfg(test)]
    pub(super) const ALL: [Self; 2] = [Self::Policy, Self::Rule];

    /// Returns its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Rule => "rule",
        }
    }
}

/// A file's path in the project, and its text.
type ProjectFile = (&'static str, &'static str);

/// The files of a folder of `host/`, under their own paths or others.
macro_rules! files {
    ($folder:literal: $($source:literal $(=> $path:literal)?),* $(,)?) => {
        &[$((files!(@path $source $($path)?), include_str!(concat!("../../../", $folder, "/", $source)))),*]
    };
    (@path $source:literal $path:literal) => { $path };
    (@path $source:literal) => { $source };
}

const COMMON: &[ProjectFile] = files!("templates/common":
    "README.md",
    "promote.toml",
    "ci.yml" => ".github/workflows/ci.yml",
    "scenarios/again.toml",
    "scenarios/closed.toml",
    "scenarios/cut-off.toml",
    "scenarios/locked.toml",
    "scenarios/promotes.toml",
);

const RUST: &[ProjectFile] = files!("templates/rust":
    "Cargo.toml",
    "gitignore" => ".gitignore",
    "settings.schema.json",
    "src/lib.rs",
    "src/manifest.rs",
    "src/rules.rs",
);

const JS: &[ProjectFile] = files!("templates/js":
    "gitignore" => ".gitignore",
    "jsconfig.json",
    "package.json",
    "package-lock.json",
    "src/manifest.js",
    "src/policy.js",
    "src/rules.js",
    "test/rules.test.js",
    "types/console.d.ts",
);

const TS: &[ProjectFile] = files!("templates/ts":
    "gitignore" => ".gitignore",
    "package.json",
    "package-lock.json",
    "src/manifest.ts",
    "src/policy.ts",
    "src/rules.ts",
    "test/rules.test.js",
    "tsconfig.json",
    "types/console.d.ts",
);

const PYTHON: &[ProjectFile] = files!("templates/python":
    "gitignore" => ".gitignore",
    "pyproject.toml",
    "requirements.txt",
    "src/manifest.py",
    "src/policy.py",
    "src/rules.py",
    "tests/test_rules.py",
);

const RULE_COMMON: &[ProjectFile] = files!("templates/rule/common":
    "README.md",
    "promote.toml",
    "ci.yml" => ".github/workflows/ci.yml",
    "scenarios/another-service.toml",
    "scenarios/closed.toml",
    "scenarios/defaults.toml",
    "scenarios/open.toml",
    "scenarios/while-waiting.toml",
);

const RULE_RUST: &[ProjectFile] = files!("templates/rule/rust":
    "Cargo.toml",
    "gitignore" => ".gitignore",
    "src/lib.rs",
    "src/rule.rs",
);

const RULE_JS: &[ProjectFile] = files!("templates/rule/js":
    "gitignore" => ".gitignore",
    "package.json",
    "src/component.js",
    "src/rule.js",
    "test/rule.test.js",
);

/// What a rule in JavaScript has in common with a policy.
const JS_TOOLS: &[ProjectFile] = files!("templates/js":
    "jsconfig.json",
    "package-lock.json",
    "types/console.d.ts",
);

const RULE_TS: &[ProjectFile] = files!("templates/rule/ts":
    "gitignore" => ".gitignore",
    "package.json",
    "src/component.ts",
    "src/rule.ts",
    "test/rule.test.js",
);

/// What a rule in TypeScript has in common with a policy.
const TS_TOOLS: &[ProjectFile] = files!("templates/ts":
    "package-lock.json",
    "tsconfig.json",
    "types/console.d.ts",
);

const RULE_PYTHON: &[ProjectFile] = files!("templates/rule/python":
    "gitignore" => ".gitignore",
    "pyproject.toml",
    "src/component.py",
    "src/rule.py",
    "tests/test_rule.py",
);

/// What a rule in Python has in common with a policy.
const PYTHON_TOOLS: &[ProjectFile] = files!("templates/python":
    "requirements.txt",
);

/// The contract, as this program serves it.
const WIT: &[ProjectFile] = files!("../wit":
    "about.wit" => "wit/about.wit",
    "env.wit" => "wit/env.wit",
    "github-merge.wit" => "wit/github-merge.wit",
    "github-propose.wit" => "wit/github-propose.wit",
    "github-read.wit" => "wit/github-read.wit",
    "policy.wit" => "wit/policy.wit",
    "port-read.wit" => "wit/port-read.wit",
    "port-write.wit" => "wit/port-write.wit",
    "promotion.wit" => "wit/promotion.wit",
    "registry-read.wit" => "wit/registry-read.wit",
    "rules.wit" => "wit/rules.wit",
    "ruling.wit" => "wit/ruling.wit",
    "run-log.wit" => "wit/run-log.wit",
    "settings-check.wit" => "wit/settings-check.wit",
    "types.wit" => "wit/types.wit",
    "README.md" => "wit/README.md",
);

/// The guest library. Two folders deep, as in this program's own repository: it finds the contract at `../../wit`, and the
/// template library at `../template`.
const GUEST: &[ProjectFile] = files!("../plugin/guest":
    "Cargo.toml" => "vendor/guest/Cargo.toml",
    "src/catalog.rs" => "vendor/guest/src/catalog.rs",
    "src/contract.rs" => "vendor/guest/src/contract.rs",
    "src/lib.rs" => "vendor/guest/src/lib.rs",
    "src/policy.rs" => "vendor/guest/src/policy.rs",
    "src/stop.rs" => "vendor/guest/src/stop.rs",
    "src/template.rs" => "vendor/guest/src/template.rs",
);

/// The template library, which the guest library is built on.
const TEMPLATE: &[ProjectFile] = files!("../plugin/template":
    "Cargo.toml" => "vendor/template/Cargo.toml",
    "src/braces.rs" => "vendor/template/src/braces.rs",
    "src/error.rs" => "vendor/template/src/error.rs",
    "src/lib.rs" => "vendor/template/src/lib.rs",
    "src/path.rs" => "vendor/template/src/path.rs",
    "src/tests.rs" => "vendor/template/src/tests.rs",
);

/// The words of a project's README that differ between languages.
struct ReadmeWords {
    /// The file of the rules.
    rules: &'static str,
    /// The file of all the rest.
    source: &'static str,
    /// The command that tries the rules alone.
    unit: &'static str,
    makes: String,
    needs: &'static str,
    more: &'static str,
}

const TYPES_ROW: &str =
    "| `types/` | the contract's types for editors, made of `wit/` by `promote build` |\n";

fn words(language: PolicyLanguage, kind: ProjectKind) -> ReadmeWords {
    let words = policy_words(language);
    if kind == ProjectKind::Policy {
        return words;
    }
    let (rules, source) = match language {
        PolicyLanguage::Rust => ("src/rule.rs", "src/lib.rs"),
        PolicyLanguage::Js => ("src/rule.js", "src/component.js"),
        PolicyLanguage::Ts => ("src/rule.ts", "src/component.ts"),
        PolicyLanguage::Python => ("src/rule.py", "src/component.py"),
    };
    ReadmeWords {
        rules,
        source,
        makes: words.makes.replace("policy.wasm", "rule.wasm"),
        more: match language {
            PolicyLanguage::Rust => "",
            _ => words.more,
        },
        ..words
    }
}

fn policy_words(language: PolicyLanguage) -> ReadmeWords {
    match language {
        PolicyLanguage::Rust => ReadmeWords {
            rules: "src/rules.rs",
            source: "src/lib.rs",
            unit: "cargo test",
            makes: "compiles it to policy.wasm".to_owned(),
            needs: "Rust 1.95 or newer and its target `wasm32-wasip2` (`rustup target add wasm32-wasip2`)",
            more: "| `vendor/` | what a policy in Rust is written with, as this `promote` has it |\n",
        },
        PolicyLanguage::Js => ReadmeWords {
            rules: "src/rules.js",
            source: "src/policy.js",
            unit: "npm test",
            makes: "puts it into policy.wasm, with QuickJS to run it".to_owned(),
            needs: "Node.js 18 or newer with npm; it installs `componentize-qjs` into `node_modules`, in the version and with \
                    the checksum of `package-lock.json`",
            more: TYPES_ROW,
        },
        PolicyLanguage::Ts => ReadmeWords {
            rules: "src/rules.ts",
            source: "src/policy.ts",
            unit: "npm test",
            makes: "checks its types and puts it into policy.wasm, with QuickJS to run it"
                .to_owned(),
            needs: "Node.js 18.19 or newer with npm; it installs `componentize-qjs`, `typescript` and `ts-blank-space` into \
                    `node_modules`, in the versions and with the checksums of `package-lock.json`",
            more: TYPES_ROW,
        },
        PolicyLanguage::Python => ReadmeWords {
            rules: "src/rules.py",
            source: "src/policy.py",
            unit: "python3 -m unittest discover tests",
            makes: "puts it into policy.wasm, with CPython to run it".to_owned(),
            needs: "Python 3.10 or newer with venv and pip; it installs `componentize-py` into `.venv`, in the version and with \
                    a checksum of `requirements.txt`",
            more: "| `bindings/` | the contract's types for editors, mypy and tests, made by `promote build` |\n",
        },
    }
}

/// Returns the path of the file that an author changes first.
pub(super) fn rules(language: PolicyLanguage, kind: ProjectKind) -> &'static str {
    words(language, kind).rules
}

/// Every file of a project, by its path.
///
/// # Errors
/// When the versions that this program was built with cannot be read.
pub(super) fn of(
    language: PolicyLanguage,
    kind: ProjectKind,
    name: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    use ProjectKind::{Policy, Rule};
    let own: &[&[ProjectFile]] = match (language, kind) {
        (PolicyLanguage::Rust, Policy) => &[COMMON, RUST, GUEST, TEMPLATE],
        (PolicyLanguage::Js, Policy) => &[COMMON, JS],
        (PolicyLanguage::Ts, Policy) => &[COMMON, TS],
        (PolicyLanguage::Python, Policy) => &[COMMON, PYTHON],
        (PolicyLanguage::Rust, Rule) => &[RULE_COMMON, RULE_RUST],
        (PolicyLanguage::Js, Rule) => &[RULE_COMMON, RULE_JS, JS_TOOLS],
        (PolicyLanguage::Ts, Rule) => &[RULE_COMMON, RULE_TS, TS_TOOLS],
        (PolicyLanguage::Python, Rule) => &[RULE_COMMON, RULE_PYTHON, PYTHON_TOOLS],
    };
    let words = words(language, kind);
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{language}}", language.name())
            .replace("{{contract}}", CONTRACT)
            .replace("{{rules}}", words.rules)
            .replace("{{source}}", words.source)
            .replace("{{unit}}", words.unit)
            .replace("{{makes}}", &words.makes)
            .replace("{{needs}}", words.needs)
            .replace("{{more}}", words.more)
    };
    // The contract and the library are nobody's template.
    let filled = own.concat();
    let mut files: Vec<(String, String)> = filled
        .iter()
        .map(|(path, text)| ((*path).to_owned(), fill(text)))
        .collect();
    files.extend(
        WIT.iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned())),
    );
    match language {
        PolicyLanguage::Rust => {
            let dependencies: &[&str] = match kind {
                Policy => &["promote-guest", "serde", "serde_json"],
                Rule => &["serde_json", "wit-bindgen"],
            };
            let lock = lock::cargo_lock(name, dependencies)?;
            files.push(("Cargo.lock".to_owned(), lock));
        }
        PolicyLanguage::Js | PolicyLanguage::Ts => {
            let contract = WIT.iter().filter(|(path, _)| path.ends_with(".wit"));
            let types = ContractTypes::of_texts(contract.copied())?;
            files.push((TYPES.to_owned(), types.declarations()));
        }
        PolicyLanguage::Python => {}
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn below(folder: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(below(&path));
            } else {
                found.insert(std::fs::read_to_string(path).unwrap());
            }
        }
        found
    }

    #[test]
    fn no_file_of_a_folder_is_forgotten() {
        let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (folder, files) in [
            ("templates/common", COMMON),
            ("templates/rust", RUST),
            ("templates/js", JS),
            ("templates/ts", TS),
            ("templates/python", PYTHON),
            ("templates/rule/common", RULE_COMMON),
            ("templates/rule/rust", RULE_RUST),
            ("templates/rule/js", RULE_JS),
            ("templates/rule/ts", RULE_TS),
            ("templates/rule/python", RULE_PYTHON),
            ("../plugin/guest", GUEST),
            ("../plugin/template", TEMPLATE),
            ("../wit", WIT),
        ] {
            let listed: BTreeSet<String> =
                files.iter().map(|(_, text)| (*text).to_owned()).collect();
            assert_eq!(listed, below(&host.join(folder)), "{folder}");
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let kinds = PolicyLanguage::ALL.map(|it| ProjectKind::ALL.map(|kind| (it, kind)));
        for (language, kind) in kinds.concat() {
            for (path, text) in of(language, kind, "mine").unwrap() {
                let open = [
                    "{{name", "{{lang", "{{con", "{{rules", "{{source", "{{unit", "{{makes",
                    "{{needs", "{{more",
                ];
                assert!(
                    open.iter().all(|placeholder| !text.contains(placeholder)),
                    "{path}: {text}"
                );
            }
        }
    }
}
