//! `promote explain`: what a code means and what to do about it.
//!
//! A code is a word that a run ends with (`outcome`), a rule that refuses, a failure that a call comes back with, or a
//! finding of `promote doctor`. The texts are here; a test holds them to every code that host and built-in policy use.

mod failures;
mod findings;
mod outcomes;
mod rules;

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;

use super::format::Format;
use serde_json::{Value, json};

/// What `promote explain` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote explain lock          what a refusal by the rule `lock` means
  promote explain violation     what the outcome `violation` means
  promote explain               every code there is")]
pub struct ExplainArgs {
    /// A rule, an outcome, a failure or a finding; without it, all of them are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What kind of code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How a run ends: the step's output `outcome`.
    Outcome,
    /// Why the built-in policy refuses.
    Rule,
    /// What a call to Port or GitHub comes back with.
    Failure,
    /// What `promote doctor` finds.
    Finding,
}

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// What kind of code it is.
    pub kind: Kind,
    /// What has happened.
    pub means: &'static str,
    /// What the reader can do.
    pub remedy: &'static str,
}

impl Kind {
    /// A word for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Rule => "rule",
            Self::Failure => "failure",
            Self::Finding => "finding",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Outcome => "how a run ends",
            Self::Rule => "a rule of the built-in policy that refuses (exit code 1)",
            Self::Failure => "what a call to Port or GitHub came back with",
            Self::Finding => "a finding of `promote doctor`",
        }
    }
}

/// Every explanation.
pub fn all() -> impl Iterator<Item = &'static Explanation> {
    [outcomes::ALL, rules::ALL, failures::ALL, findings::ALL]
        .into_iter()
        .flatten()
}

/// The explanations of a code: more than one if a rule and a failure share the word.
pub fn of(code: &str) -> Vec<&'static Explanation> {
    all().filter(|one| one.code == code).collect()
}

/// Explains a code and returns what to print.
///
/// # Errors
/// When there is no such code; names the ones that are spelt like it.
pub fn run(args: &ExplainArgs) -> anyhow::Result<String> {
    let Some(code) = &args.code else {
        return Ok(match args.format {
            Format::Text => list(),
            Format::Json => format!("{:#}\n", all().map(json).collect::<Value>()),
        });
    };
    let found = of(code.trim());
    if found.is_empty() {
        let near = nearest(code);
        let hint = near
            .map(|near| format!(", did you mean `{near}`?"))
            .unwrap_or_default();
        bail!("no code `{code}`{hint}; `promote explain` lists all of them");
    }
    Ok(match args.format {
        Format::Text => found.into_iter().map(print).collect::<Vec<_>>().join("\n"),
        Format::Json => format!("{:#}\n", found.into_iter().map(json).collect::<Value>()),
    })
}

fn print(one: &Explanation) -> String {
    format!(
        "{}: {}\n\n{}\n\nWhat to do: {}\n",
        one.code,
        one.kind.sentence(),
        one.means,
        one.remedy
    )
}

fn list() -> String {
    let mut text = String::new();
    for kind in [Kind::Outcome, Kind::Rule, Kind::Failure, Kind::Finding] {
        let of_kind: Vec<_> = all().filter(|one| one.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}:", kind.sentence());
        for one in of_kind {
            let first = one
                .means
                .split_inclusive(['.', ';'])
                .next()
                .unwrap_or(one.means);
            let _ = writeln!(
                text,
                "  {:<22} {}",
                one.code,
                first.trim_end_matches(['.', ';'])
            );
        }
        text.push('\n');
    }
    text.push_str("`promote explain CODE` says what to do.\n");
    text
}

fn json(one: &Explanation) -> Value {
    json!({ "code": one.code, "kind": one.kind.name(), "means": one.means, "remedy": one.remedy })
}

fn nearest(code: &str) -> Option<&'static str> {
    promote_core::near::near(code, all().map(|one| one.code))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use promote_core::run::ending::Ending;

    fn explained(kind: Kind, code: &str) -> bool {
        all().any(|one| one.kind == kind && one.code == code)
    }

    /// The sources of the built-in policy, without their tests.
    fn sources() -> Vec<PathBuf> {
        let (mut files, mut folders) = (
            Vec::new(),
            vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/src")],
        );
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false
                        if path.to_string_lossy().contains("tests")
                            || path.ends_with("fake.rs") => {}
                    false => files.push(path),
                }
            }
        }
        files
    }

    /// The first argument of each call of `function` that is a text.
    fn arguments(text: &str, function: &str) -> Vec<String> {
        let calls = text
            .split(function)
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"'));
        calls
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect()
    }

    #[test]
    fn every_rule_of_the_policy_is_explained() {
        // The two that are named in a table, not in a call.
        let mut rules = vec!["staging".to_owned(), "production".to_owned()];
        for file in sources() {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for function in ["reason(", ".refuse(", "self.fill("] {
                rules.extend(arguments(code, function));
            }
        }
        rules.sort();
        rules.dedup();
        assert!(rules.len() > 15, "the scan finds the rules: {rules:?}");
        for rule in rules {
            assert!(
                explained(Kind::Rule, &rule),
                "rule `{rule}` has no explanation"
            );
        }
    }

    #[test]
    fn every_end_and_every_failure_is_explained() {
        for ending in [
            Ending::Failed(String::new()),
            Ending::Violation(Vec::new()),
            Ending::Limit(String::new()),
            Ending::Trapped(String::new()),
            Ending::Cancelled,
            Ending::Unusable(String::new()),
        ] {
            assert!(explained(Kind::Outcome, ending.kind()), "{}", ending.kind());
        }
        for decided in ["promoted", "unchanged", "pending", "refused"] {
            assert!(explained(Kind::Outcome, decided), "{decided}");
        }
        // The cases of `failure` in wit/types.wit.
        let contract = include_str!("../../../../wit/types.wit");
        let cases = contract
            .split("variant failure {")
            .nth(1)
            .and_then(|rest| rest.split('}').next())
            .unwrap();
        let cases = cases
            .lines()
            .filter_map(|line| line.trim().strip_suffix("(string),"));
        let cases: Vec<&str> = cases.collect();
        assert!(cases.len() >= 7, "{cases:?}");
        for case in cases {
            assert!(explained(Kind::Failure, case), "{case}");
        }
    }

    #[test]
    fn every_finding_is_explained() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kit/doctor");
        let mut codes = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for function in ["findings.error(", "findings.warning(", "findings.note("] {
                codes.extend(arguments(&text, function));
            }
            codes.extend(
                arguments(&text, "severity, ")
                    .into_iter()
                    .chain(arguments(&text, "Severity::Unknown, ")),
            );
        }
        assert!(codes.len() > 25, "the scan finds the codes: {codes:?}");
        for code in codes {
            assert!(
                explained(Kind::Finding, &code),
                "finding `{code}` has no explanation"
            );
        }
    }

    #[test]
    fn a_code_is_explained_once_a_kind_and_a_typo_is_understood() {
        for one in all() {
            let same = all().filter(|other| other.code == one.code && other.kind == one.kind);
            assert_eq!(same.count(), 1, "{}", one.code);
            assert!(
                one.means.len() > 30 && one.remedy.len() > 20,
                "{} is explained",
                one.code
            );
        }
        let ask = |code: &str| {
            run(&ExplainArgs {
                code: Some(code.to_owned()),
                format: Format::Text,
            })
        };
        assert!(ask("lock").unwrap().contains("What to do: "));
        let error = ask("lokc").unwrap_err().to_string();
        assert!(error.contains("did you mean `lock`?"), "{error}");
        let error = ask("quux-quux-quux").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }
}
