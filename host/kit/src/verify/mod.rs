//! `promote verify`: is a journal what the run wrote?
//!
//! A journal proves itself only so far: who rewrites all of it, sums included, leaves one that holds. The sum of the last
//! line, kept elsewhere, closes that gap: a run prints it, and `--sum` asks for it. JOURNAL.md has the format.

mod check;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::journals;
use promote_core::text;
use promote_run::OutputFormat;

pub use check::{JournalCheck, JournalEnd, LineFault, LineFinding, check};

/// The arguments of `promote verify`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Journals, or folders that are searched for `*.jsonl`
    #[arg(value_name = "JOURNAL", required = true)]
    pub paths: Vec<PathBuf>,

    /// The sum that the last line must have, as the run printed it; for one journal
    #[arg(long, value_name = "HEX")]
    pub sum: Option<String>,

    /// Take a journal without an ending, as a killed run leaves it, for a good one
    #[arg(long)]
    pub allow_cut: bool,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

const EXAMPLES: &str = "\
Examples:
  promote verify run.jsonl
  promote verify --sum 9f2c… run.jsonl      the sum that the run printed (`journal-sum`)
  promote verify --format json journals/

Exit codes: 0 every journal is whole · 1 one is cut or broken · 2 one cannot be read";

/// One journal and what was found in it.
struct CheckedJournal {
    path: PathBuf,
    verified: JournalCheck,
    /// True if the last sum is the one that was asked for; true if none was.
    fits: bool,
}

impl CheckedJournal {
    /// A stable word for machines.
    fn state(&self) -> &'static str {
        match (
            &self.verified.end,
            self.verified.findings.is_empty() && self.fits,
        ) {
            (_, false) => "broken",
            (JournalEnd::Said { .. }, true) => "whole",
            (JournalEnd::Cut | JournalEnd::Torn, true) => "cut",
        }
    }
}

/// Verifies journals; the result goes to `data`. Returns the exit code: 0 if all are whole, 1 if one is not.
///
/// # Errors
/// When a file cannot be read, or one sum is asked of several journals.
pub fn run(args: &VerifyArgs, data: &dyn Fn(&str)) -> anyhow::Result<u8> {
    let paths = journals::find(&args.paths)?;
    if args.sum.is_some() && paths.len() != 1 {
        bail!(
            "`--sum` is the sum of one journal, and these are {}",
            paths.len()
        );
    }
    let mut all = Vec::new();
    for path in paths {
        let verified = check(&journals::bytes(&path)?);
        let fits = args
            .sum
            .as_ref()
            .is_none_or(|sum| sum.trim().eq_ignore_ascii_case(&verified.sum));
        all.push(CheckedJournal {
            path,
            verified,
            fits,
        });
    }
    match args.format {
        OutputFormat::Text => data(&format!("{}\n", text::log(&pretty(&all)))),
        OutputFormat::Json => data(&text::json(&format!("{:#}\n", machine(&all)))),
    }
    let is_good = all.iter().all(|journal| match journal.state() {
        "cut" => args.allow_cut,
        state => state == "whole",
    });
    Ok(u8::from(!is_good))
}

fn count(all: &[CheckedJournal], state: &str) -> usize {
    all.iter().filter(|looked| looked.state() == state).count()
}

fn pretty(all: &[CheckedJournal]) -> String {
    let mut shown = String::new();
    for looked in all {
        let CheckedJournal {
            path,
            verified,
            fits,
        } = looked;
        let path = text::line(&path.display().to_string());
        let lines = verified.lines;
        let _ = writeln!(
            shown,
            "{:6}  {path}: {lines} lines, {}",
            looked.state(),
            ending(verified)
        );
        for finding in &verified.findings {
            let _ = writeln!(
                shown,
                "        line {} {}",
                finding.line,
                text::line(&finding.what.to_string())
            );
        }
        let sum = text::line(&verified.sum);
        let _ = if *fits {
            writeln!(shown, "        sum {sum}")
        } else {
            writeln!(
                shown,
                "        its sum is {sum}, not the one that was asked for: it was cut, or written again"
            )
        };
    }
    let [whole, cut, broken] = ["whole", "cut", "broken"].map(|state| count(all, state));
    let _ = writeln!(shown, "{whole} whole, {cut} cut, {broken} broken");
    shown
}

fn ending(verified: &JournalCheck) -> String {
    let lines = verified.lines;
    match &verified.end {
        JournalEnd::Said { ending, .. } => format!("ends as {}", text::line(ending)),
        JournalEnd::Cut => {
            format!(
                "no ending after line {lines}: the run was killed there, or the rest was removed"
            )
        }
        JournalEnd::Torn => {
            format!(
                "line {} is torn: the run was killed while it wrote it, or the rest was removed",
                lines + 1
            )
        }
    }
}

fn machine(all: &[CheckedJournal]) -> Value {
    let finding = |finding: &LineFinding| json!({ "line": finding.line, "what": finding.what.name(), "message": finding.what.to_string() });
    let journal = |looked: &CheckedJournal| {
        let verified = &looked.verified;
        let header = verified.header.as_ref();
        let ending = match &verified.end {
            JournalEnd::Said { ending, message } => {
                json!({ "outcome": ending, "message": message })
            }
            JournalEnd::Cut | JournalEnd::Torn => Value::Null,
        };
        json!({
            "path": looked.path.display().to_string(),
            "state": looked.state(),
            "lines": verified.lines,
            "torn": verified.end == JournalEnd::Torn,
            "sum": verified.sum,
            "sum-fits": looked.fits,
            "ending": ending,
            "run": header.map(|header| &header.request.run_id),
            "component": header.map(|header| &header.component),
            "findings": verified.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    };
    json!({
        "whole": count(all, "whole"), "cut": count(all, "cut"), "broken": count(all, "broken"),
        "journals": all.iter().map(journal).collect::<Vec<_>>(),
    })
}
