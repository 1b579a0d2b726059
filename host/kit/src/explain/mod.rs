//! `promote explain`: the meaning of a code, and what to do about it.
//!
//! A code is a word that a run ends with (`outcome`), what a promotion waits for, how `promote resume` ends what waited, a rule
//! that refuses, a failure that a call comes back with, or a finding of `promote doctor`. A label in Port stands for one of them. The texts are here, and tests hold them to the codes that host, policy and doctor use.

mod code;
mod ended;
mod failures;
mod findings;
mod outcomes;
mod rules;
mod waiting;

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;

use promote_run::{OutputFormat, json_text};
use serde_json::{Value, json};

pub use code::{CodeExplanation, CodeKind};

/// The arguments of `promote explain`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote explain lock                  what the rule `lock` means
  promote explain violation             what the outcome `violation` means
  promote explain \"Waits for review\"    what a label in Port means
  promote explain                       every code there is")]
pub struct ExplainArgs {
    /// A rule, an outcome, a failure, a finding, what is waited for, or a label in Port; without it, all of them are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Returns every explanation.
pub fn all() -> impl Iterator<Item = &'static CodeExplanation> {
    [
        outcomes::ALL,
        waiting::ALL,
        ended::ALL,
        rules::ALL,
        failures::ALL,
        findings::ALL,
    ]
    .into_iter()
    .flatten()
}

/// Returns the explanations of a code, more than one if a rule and a failure share the word, or those of a label in Port.
pub fn of(code: &str) -> Vec<&'static CodeExplanation> {
    let by_code: Vec<_> = all().filter(|one| one.code == code).collect();
    if !by_code.is_empty() {
        return by_code;
    }
    let has_label = |one: &&CodeExplanation| {
        labels(one)
            .iter()
            .any(|label| label.eq_ignore_ascii_case(code))
    };
    all().filter(has_label).collect()
}

/// Returns the labels by which Port shows this.
fn labels(one: &CodeExplanation) -> Vec<&'static str> {
    let of_it = waiting::LABELS
        .iter()
        .filter(|(_, kind, code)| *kind == one.kind && *code == one.code);
    of_it.map(|(label, ..)| *label).collect()
}

/// Explains a code and returns what to print.
///
/// # Errors
/// When there is no such code; names the ones that are spelt like it.
pub fn run(args: &ExplainArgs) -> anyhow::Result<String> {
    let Some(code) = &args.code else {
        return Ok(match args.format {
            OutputFormat::Text => list(),
            OutputFormat::Json => json_text(json!({ "codes": all().map(json).collect::<Value>() })),
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
        OutputFormat::Text => found.into_iter().map(print).collect::<Vec<_>>().join("\n"),
        OutputFormat::Json => {
            json_text(json!({ "codes": found.into_iter().map(json).collect::<Value>() }))
        }
    })
}

fn print(one: &CodeExplanation) -> String {
    let labels: Vec<String> = labels(one)
        .into_iter()
        .map(|label| format!("“{label}”"))
        .collect();
    let shown = match labels.as_slice() {
        [] => String::new(),
        labels => format!("Port shows it as {}.\n\n", labels.join(" or ")),
    };
    format!(
        "{}: {}\n\n{}\n\n{shown}What to do: {}\n",
        one.code,
        one.kind.sentence(),
        one.means,
        one.remedy
    )
}

fn list() -> String {
    let mut text = String::new();
    for kind in [
        CodeKind::Outcome,
        CodeKind::Waiting,
        CodeKind::Ended,
        CodeKind::Rule,
        CodeKind::Failure,
        CodeKind::Finding,
    ] {
        let of_kind: Vec<_> = all().filter(|one| one.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}:", kind.sentence());
        for one in of_kind {
            let _ = writeln!(text, "  {:<22} {}", one.code, first_sentence(one.means));
        }
        text.push('\n');
    }
    text.push_str("`promote explain CODE` says what to do.\n");
    text
}

/// The first sentence of a text, or its part before a semicolon: a dot within a name ends nothing.
fn first_sentence(text: &str) -> &str {
    let ends = [". ", ".\n", "; "].iter().filter_map(|end| text.find(end));
    text[..ends.min().unwrap_or(text.len())].trim_end_matches(['.', ';'])
}

fn json(one: &CodeExplanation) -> Value {
    json!({
        "code": one.code, "kind": one.kind.name(), "labels": labels(one), "means": one.means, "remedy": one.remedy,
    })
}

fn nearest(code: &str) -> Option<&'static str> {
    let labels = waiting::LABELS.iter().map(|(label, ..)| *label);
    promote_core::near::near(code, all().map(|one| one.code).chain(labels))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn a_dot_within_a_name_ends_no_sentence() {
        for (text, first) in [
            (
                "`promote.toml` says so. The rest.",
                "`promote.toml` says so",
            ),
            ("One; two.", "One"),
            ("Version 1.2 is old.", "Version 1.2 is old"),
            ("No end", "No end"),
        ] {
            assert_eq!(super::first_sentence(text), first);
        }
    }

    use super::*;
    use crate::failure::FAILURES;
    use crate::finding::FindingCode;
    use crate::scenario::Scenario;
    use promote_core::run::ending::Ending;
    use promote_intake::config::ComponentRef;

    fn is_explained(kind: CodeKind, code: &str) -> bool {
        all().any(|one| one.kind == kind && one.code == code)
    }

    #[test]
    fn every_rule_that_scenarios_meet_is_explained() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
        let mut rules = BTreeSet::new();
        for path in crate::test::find(&[folder]).unwrap() {
            let scenario = Scenario::read(&path).unwrap();
            if scenario.config.policy.component == ComponentRef::Builtin {
                let expected = scenario
                    .steps
                    .into_iter()
                    .filter_map(|step| step.expect.rules);
                let own = &scenario.config.rule;
                // A rule of an operator's explains itself.
                let is_ours = |name: &String| !own.iter().any(|rule| rule.name == *name);
                rules.extend(expected.flatten().filter(is_ours));
            }
        }
        assert!(rules.len() > 15, "the scenarios meet the rules: {rules:?}");
        for rule in rules {
            assert!(is_explained(CodeKind::Rule, &rule), "{rule}");
        }
    }

    #[test]
    fn every_ending_and_every_failure_is_explained() {
        for ending in [
            Ending::Failed(String::new()),
            Ending::Violation(Vec::new()),
            Ending::Limit(String::new()),
            Ending::Trapped(String::new()),
            Ending::Cancelled,
            Ending::Unusable(String::new()),
        ] {
            let kind = ending.kind();
            assert!(is_explained(CodeKind::Outcome, kind), "{kind}");
        }
        for decided in [
            "promoted",
            "unchanged",
            "waiting",
            "would-promote",
            "would-wait",
            "refused",
        ] {
            assert!(is_explained(CodeKind::Outcome, decided), "{decided}");
        }
        for (failure, _) in FAILURES {
            assert!(is_explained(CodeKind::Failure, failure), "{failure}");
        }
    }

    #[test]
    fn every_finding_of_the_doctor_is_explained() {
        for code in FindingCode::ALL {
            assert!(is_explained(CodeKind::Finding, code.name()), "{code:?}");
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
            for (text, what) in [(one.means, "meaning"), (one.remedy, "remedy")] {
                assert!(
                    text.ends_with('.'),
                    "the {what} of {} is a sentence",
                    one.code
                );
            }
            let begins = one.means.chars().next();
            assert!(
                begins.is_some_and(|first| first.is_uppercase() || first == '`'),
                "{}",
                one.code
            );
        }
        let ask = |code: &str| {
            run(&ExplainArgs {
                code: Some(code.to_owned()),
                format: OutputFormat::Text,
            })
        };
        assert!(ask("lock").unwrap().contains("What to do: "));
        let waits = ask("waits for review").unwrap();
        assert!(waits.starts_with("review: ") && waits.contains("“Waits for review”"));
        let error = ask("lokc").unwrap_err().to_string();
        assert!(error.contains("did you mean `lock`?"), "{error}");
        let error = ask("quux-quux-quux").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }
}
