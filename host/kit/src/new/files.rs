//! The files of a new project, all of them part of the binary.

use super::lock;
use crate::build::{ContractTypes, TYPES};
use crate::language::PolicyLanguage;
use promote_core::contract::CONTRACT;

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
    makes: &'static str,
    needs: &'static str,
    more: &'static str,
}

const TYPES_ROW: &str =
    "| `types/` | the contract's types for editors, made of `wit/` by `promote build` |\n";

fn words(language: PolicyLanguage) -> ReadmeWords {
    match language {
        PolicyLanguage::Rust => ReadmeWords {
            rules: "src/rules.rs",
            source: "src/lib.rs",
            unit: "cargo test",
            makes: "compiles it to policy.wasm",
            needs: "Rust 1.95 or newer and its target `wasm32-wasip2` (`rustup target add wasm32-wasip2`)",
            more: "| `vendor/` | what a policy in Rust is written with, as this `promote` has it |\n",
        },
        PolicyLanguage::Js => ReadmeWords {
            rules: "src/rules.js",
            source: "src/policy.js",
            unit: "npm test",
            makes: "puts it into policy.wasm, with QuickJS to run it",
            needs: "Node.js 18 or newer with npm; it installs `componentize-qjs` into `node_modules`, in the version and with \
                    the checksum of `package-lock.json`",
            more: TYPES_ROW,
        },
        PolicyLanguage::Ts => ReadmeWords {
            rules: "src/rules.ts",
            source: "src/policy.ts",
            unit: "npm test",
            makes: "checks its types and puts it into policy.wasm, with QuickJS to run it",
            needs: "Node.js 18.19 or newer with npm; it installs `componentize-qjs`, `typescript` and `ts-blank-space` into \
                    `node_modules`, in the versions and with the checksums of `package-lock.json`",
            more: TYPES_ROW,
        },
        PolicyLanguage::Python => ReadmeWords {
            rules: "src/rules.py",
            source: "src/policy.py",
            unit: "python3 -m unittest discover tests",
            makes: "puts it into policy.wasm, with CPython to run it",
            needs: "Python 3.10 or newer with venv and pip; it installs `componentize-py` into `.venv`, in the version and with \
                    a checksum of `requirements.txt`",
            more: "| `bindings/` | the contract's types for editors, mypy and tests, made by `promote build` |\n",
        },
    }
}

/// Returns the path of the policy's rules.
pub(super) fn rules(language: PolicyLanguage) -> &'static str {
    words(language).rules
}

/// Every file of a project, by its path.
///
/// # Errors
/// When the versions that this program was built with cannot be read.
pub(super) fn of(language: PolicyLanguage, name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let own: &[&[ProjectFile]] = match language {
        PolicyLanguage::Rust => &[RUST, GUEST, TEMPLATE],
        PolicyLanguage::Js => &[JS],
        PolicyLanguage::Ts => &[TS],
        PolicyLanguage::Python => &[PYTHON],
    };
    let words = words(language);
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{language}}", language.name())
            .replace("{{contract}}", CONTRACT)
            .replace("{{rules}}", words.rules)
            .replace("{{source}}", words.source)
            .replace("{{unit}}", words.unit)
            .replace("{{makes}}", words.makes)
            .replace("{{needs}}", words.needs)
            .replace("{{more}}", words.more)
    };
    // The contract and the library are nobody's template.
    let filled = [&[COMMON], own].concat().concat();
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
            let lock = lock::cargo_lock(name, &["promote-guest", "serde", "serde_json"])?;
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
        for language in PolicyLanguage::ALL {
            for (path, text) in of(language, "mine").unwrap() {
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
