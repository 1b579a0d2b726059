//! `promote verify`: is a journal what the run wrote?
//!
//! A journal proves itself only so far: who rewrites all of it, sums included, leaves one that holds. Its seal, the sum of the
//! footer, closes that gap: Port's log of the run has it, and `--sum` asks for it. JOURNAL.md has the format.

mod check;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::journals;
use promote_core::text;
use promote_run::{OutputFormat, json_text};

pub use check::{JournalCheck, JournalEnd, LineFault, LineFinding, check};

/// The arguments of `promote verify`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Journals, or folders that are searched for `*.jsonl`
    #[arg(value_name = "JOURNAL", required = true)]
    pub paths: Vec<PathBuf>,

    /// The seal that the journal must have, as the log of the Port run has it (`journal sealed`); for one journal
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
  promote verify --sum 9f2c… run.jsonl      the seal, from Port's log of the run
  promote verify run.jsonl                  what the journal says of itself
  promote verify --format json journals/

A journal is whole if it is what was written and has the seal that was asked
for. Anybody can write a new journal that fits itself: one that nothing from
elsewhere vouches for is unanchored.

Exit codes:
  0  every journal is whole or unanchored
  1  one is cut or broken
  2  one cannot be read";

/// The states of a journal, the best first.
const STATES: [&str; 4] = ["whole", "unanchored", "cut", "broken"];

/// One journal and what was found in it.
struct CheckedJournal {
    path: PathBuf,
    verified: JournalCheck,
    /// Whether its seal is the one that was asked for; none if none was.
    fits: Option<bool>,
}

impl CheckedJournal {
    /// A stable word for machines.
    fn state(&self) -> &'static str {
        match (&self.verified.end, self.fits) {
            (_, Some(false)) => "broken",
            _ if !self.verified.findings.is_empty() => "broken",
            (JournalEnd::Said { .. }, Some(true)) => "whole",
            (JournalEnd::Said { .. }, None) => "unanchored",
            (JournalEnd::Cut | JournalEnd::Torn, _) => "cut",
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
            .map(|sum| sum.trim().eq_ignore_ascii_case(&verified.sum));
        all.push(CheckedJournal {
            path,
            verified,
            fits,
        });
    }
    match args.format {
        OutputFormat::Text => data(&format!("{}\n", text::log(&pretty(&all)))),
        OutputFormat::Json => data(&json_text(machine(&all))),
    }
    let is_good = all.iter().all(|journal| match journal.state() {
        "cut" => args.allow_cut,
        state => state != "broken",
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
            "{:10}  {path}: {}, {}",
            looked.state(),
            text::count(lines, "line"),
            ending(verified)
        );
        for finding in &verified.findings {
            let _ = writeln!(
                shown,
                "            line {} {}",
                finding.line,
                text::line(&finding.what.to_string())
            );
        }
        let sum = text::line(&verified.sum);
        let _ = match fits {
            Some(true) => writeln!(shown, "            sealed {sum}"),
            Some(false) => writeln!(
                shown,
                "            its seal is {sum}, not the one that was asked for: it was cut, or written again"
            ),
            None => writeln!(
                shown,
                "            seal {sum}: hold it against the log of the Port run, or give that one with --sum"
            ),
        };
    }
    let counts = STATES.map(|state| format!("{} {state}", count(all, state)));
    let _ = writeln!(shown, "{}", counts.join(", "));
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
    let counts = STATES.map(|state| (state.to_owned(), json!(count(all, state))));
    let mut shown = serde_json::Map::from_iter(counts);
    let journals: Vec<Value> = all.iter().map(journal).collect();
    shown.insert("journals".to_owned(), Value::Array(journals));
    Value::Object(shown)
}
