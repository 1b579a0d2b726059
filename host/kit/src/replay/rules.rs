//! New rules on recorded promotions: which would they have stopped?
//!
//! A rule can call nothing, so it is asked exactly as a run asks it, with what the journal holds. What it needs and the journal
//! lacks makes its verdict unknown: nobody guesses.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::runtime::Runtime;

use super::recording::RunRecording;
use super::rulings::{self, RecordedQuestion, RecordedRuling};
use super::{ReplayArgs, read_recording};
use crate::page::ReportFormat;
use promote_core::call::Call;
use promote_core::contract::Reason;
use promote_core::policy::engine::Engine;
use promote_core::rule::{Rule, RuleStep, RuleSubject};
use promote_core::text;
use promote_intake::config::Config;

/// The verdict of the rules on one recorded promotion.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RecordedVerdict {
    /// They would have stopped it.
    Stopped(Vec<Reason>),
    /// They have nothing against it.
    Agreed,
    /// The journal lacks what they need.
    Unknown(String),
    /// Nothing was about to change: no rule is asked then.
    NotAsked,
}

/// Asks the rules of a file about every journal. Returns the exit code.
///
/// # Errors
/// When the file has no rule, or one that cannot be used.
pub(super) fn run(
    args: &ReplayArgs,
    file: &Path,
    engine: &Engine,
    cache: Option<&Path>,
    paths: &[PathBuf],
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    if args.format != ReportFormat::Text {
        bail!("`--rule` reports as text");
    }
    // On a thread of its own: the caller's may be busy with a runtime already.
    let asked =
        std::thread::scope(|scope| scope.spawn(|| report(file, engine, cache, paths)).join());
    let (report, code) = asked.map_err(|_| anyhow::anyhow!("asking the rules broke off"))??;
    data(&text::log(&report));
    Ok(code)
}

fn report(
    file: &Path,
    engine: &Engine,
    cache: Option<&Path>,
    paths: &[PathBuf],
) -> anyhow::Result<(String, u8)> {
    let config = Config::read_local(file)?;
    if config.rule.is_empty() {
        bail!("{} has no [[rule]]", file.display());
    }
    let rules = rulings::load(&config, file, engine, cache)?;
    let runtime = Runtime::new().context("preparing to ask rules")?;
    let mut report = String::new();
    let mut counts = [0_usize; 5];
    for path in paths {
        let line = match read_recording(path) {
            Ok(recording) => {
                let subject = &recording.header.request.subject;
                let asked = rules.iter().filter(|(rule, _)| rule.applies_to(subject));
                let asked: Vec<Rule> = asked.map(|(_, rule)| rule.clone()).collect();
                describe(&runtime.block_on(judge(&asked, &recording)), &mut counts)
            }
            Err(error) => {
                counts[4] += 1;
                format!("unusable: {error}")
            }
        };
        writeln!(report, "{}  {}", path.display(), text::line(&line))?;
    }
    let [stopped, agreed, unknown, not_asked, unusable] = counts;
    writeln!(
        report,
        "\n{} journals: {stopped} would be stopped, {agreed} not, {unknown} unknown, {not_asked} with nothing to judge, {unusable} unusable",
        paths.len()
    )?;
    Ok((report, if unusable > 0 { 2 } else { 0 }))
}

fn describe(verdict: &RecordedVerdict, counts: &mut [usize; 5]) -> String {
    let (at, line) = match verdict {
        RecordedVerdict::Stopped(reasons) => {
            let told = reasons
                .iter()
                .map(|one| format!("{}: {}", one.rule, one.message));
            (
                0,
                format!("stopped: {}", told.collect::<Vec<_>>().join("; ")),
            )
        }
        RecordedVerdict::Agreed => (1, "agreed".to_owned()),
        RecordedVerdict::Unknown(why) => (2, format!("unknown: {why}")),
        RecordedVerdict::NotAsked => (3, "nothing to judge".to_owned()),
    };
    counts[at] += 1;
    line
}

/// Asks the rules before each step at which the recorded run asked any, until one says no.
async fn judge(rules: &[Rule], recording: &RunRecording) -> RecordedVerdict {
    let mut verdict = RecordedVerdict::NotAsked;
    for (number, step) in recording.steps.iter().enumerate() {
        let recorded = step.inquiries.iter();
        let mut questions: Vec<(RuleStep, RuleSubject)> = recorded
            .map(|inquiry| (inquiry.step, inquiry.subject.clone()))
            .collect();
        if let (Call::CheckRules { candidate }, true) = (&step.call, questions.is_empty()) {
            let subject = RuleSubject {
                candidate: candidate.clone(),
                pull_request: None,
                head_commit: None,
            };
            questions.push((RuleStep::Propose, subject));
        }
        for (next, subject) in questions {
            match ask(rules, recording, number, next, &subject).await {
                RecordedVerdict::Agreed if verdict == RecordedVerdict::NotAsked => {
                    verdict = RecordedVerdict::Agreed;
                }
                RecordedVerdict::Stopped(reasons) => return RecordedVerdict::Stopped(reasons),
                RecordedVerdict::Unknown(why) => verdict = RecordedVerdict::Unknown(why),
                _ => {}
            }
        }
    }
    verdict
}

async fn ask(
    rules: &[Rule],
    recording: &RunRecording,
    number: usize,
    step: RuleStep,
    subject: &RuleSubject,
) -> RecordedVerdict {
    let asked = RecordedQuestion {
        recording,
        number,
        facts: None,
        step,
        subject,
        now: recording.steps[number].at,
    };
    let verdicts = match rulings::ask(rules, &asked).await {
        RecordedRuling::Verdicts(verdicts) => verdicts,
        RecordedRuling::NoService => {
            return RecordedVerdict::Unknown("the journal does not tell the service".to_owned());
        }
        RecordedRuling::Unknown(call) => {
            return RecordedVerdict::Unknown(format!("the journal has no answer to: {call}"));
        }
    };
    let refusals = verdicts.iter().flat_map(|verdict| verdict.refusals(step));
    let reasons: Vec<Reason> = refusals.collect();
    if reasons.is_empty() {
        return RecordedVerdict::Agreed;
    }
    RecordedVerdict::Stopped(reasons)
}
