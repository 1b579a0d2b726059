//! `promote log`: what was promoted, by whom, and how it ended, from the journals of its runs.
//!
//! A promotion is a run of Port's action: all journals of one run of Port belong together, the first run's and those that went
//! on with it. A journal says what its run saw; `promote verify` tells whether it is what the run wrote.

mod html;
mod promotion;
mod record;
mod show;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use promote_core::service::port;
use promote_core::text;
use promote_run::json_text;

use crate::journals;
use crate::page::ReportFormat;
use crate::replay::{RunRecording, read_recording};
use promotion::{LoggedPromotion, LoggedRun};
use record::RecordedPromotion;

/// The arguments of `promote log`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote log journals/                       the newest first
  promote log --entity web --since 2026-01-01 journals/
  promote log --outcome violation --outcome trapped journals/
  promote log --format html journals/ > promotions.html
                                              one page, each run's timeline
  promote log --port                          from Port's records instead

A promotion is one run of Port's action; the runs that went on with it belong
to it. Plans are left out.

Exit codes:
  0  every journal was read
  1  one is damaged
  2  one cannot be read at all
  3  Port failed")]
pub struct LogArgs {
    /// Journals, or folders that are searched for `*.jsonl`
    #[arg(value_name = "JOURNAL", required_unless_present = "port")]
    pub paths: Vec<PathBuf>,

    /// Read what Port keeps of each promotion instead: the entities of this blueprint
    #[arg(
        long,
        value_name = "BLUEPRINT",
        num_args = 0..=1,
        default_missing_value = "promotion",
        conflicts_with = "paths"
    )]
    pub port: Option<String>,

    /// Only promotions of this entity
    #[arg(long, value_name = "IDENTIFIER")]
    pub entity: Option<String>,

    /// Only promotions that ended like this; may be given several times
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Vec<String>,

    /// Only promotions that began at this time or later, in UTC: `2026-01-31` or `2026-01-31T18:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

/// Everything that is shown.
struct PromotionLog {
    /// The newest first.
    promotions: Vec<LoggedPromotion>,
    /// What Port keeps of others, the newest first.
    records: Vec<RecordedPromotion>,
    /// Journals that could not be read, with the reasons.
    damaged: Vec<(PathBuf, String)>,
    /// The number of plans, which promote nothing.
    plans: usize,
}

impl PromotionLog {
    /// Returns how each promotion ended.
    fn outcomes(&self) -> impl Iterator<Item = &str> {
        let logged = self.promotions.iter().map(LoggedPromotion::outcome);
        logged.chain(self.records.iter().map(RecordedPromotion::outcome))
    }
}

/// Reads the journals and gives the log to `data`. Returns the exit code: 0, or 1 if a journal is damaged.
///
/// # Errors
/// When a file cannot be read.
pub fn run(args: &LogArgs, data: &dyn Fn(&str)) -> anyhow::Result<u8> {
    let mut log = read(&args.paths)?;
    log.promotions.retain(|promotion| {
        let entity = &promotion.first().header.request.subject.key.identifier;
        fits(args, entity, Some(promotion.began()), promotion.outcome())
    });
    print(&log, args, data);
    Ok(u8::from(!log.damaged.is_empty()))
}

/// Reads the records of a blueprint and gives the log to `data`.
///
/// # Errors
/// When Port does not answer.
pub async fn run_from_port(
    args: &LogArgs,
    port: &port::Client,
    blueprint: &str,
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let mut records = record::read(port, blueprint).await?;
    records.retain(|one| fits(args, one.subject(), one.began(), one.outcome()));
    let log = PromotionLog {
        promotions: Vec::new(),
        records,
        damaged: Vec::new(),
        plans: 0,
    };
    print(&log, args, data);
    Ok(0)
}

fn print(log: &PromotionLog, args: &LogArgs, data: &dyn Fn(&str)) {
    data(&match args.format {
        ReportFormat::Text => format!("{}\n", text::log(&show::text(log))),
        ReportFormat::Json => json_text(show::machine(log)),
        ReportFormat::Html => html::page(log),
    });
}

fn read(paths: &[PathBuf]) -> anyhow::Result<PromotionLog> {
    let mut runs = Vec::new();
    let mut damaged = Vec::new();
    let mut plans = 0;
    for path in journals::find(paths)? {
        match read_recording(&path) {
            Ok(recording) if is_plan(&recording) => plans += 1,
            Ok(recording) => runs.push(LoggedRun::new(path, recording)),
            Err(why) => damaged.push((path, why.to_string())),
        }
    }
    Ok(PromotionLog {
        promotions: promotion::gather(runs),
        records: Vec::new(),
        damaged,
        plans,
    })
}

fn is_plan(recording: &RunRecording) -> bool {
    recording.mode() == promote_core::run::RunMode::Plan
}

fn fits(args: &LogArgs, entity: &str, began: Option<Timestamp>, outcome: &str) -> bool {
    args.entity.as_ref().is_none_or(|wanted| wanted == entity)
        && args
            .since
            .is_none_or(|since| began.is_some_and(|began| began >= since))
        && (args.outcome.is_empty() || args.outcome.iter().any(|word| word == outcome))
}

/// A day, or a point in time.
fn time(text: &str) -> anyhow::Result<Timestamp> {
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    whole
        .parse()
        .with_context(|| "write a day, 2026-01-31, or a time in UTC, 2026-01-31T18:00:00Z")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        let day = time("2026-01-31").unwrap();
        assert_eq!(day, time("2026-01-31T00:00:00Z").unwrap());
        for wrong in ["yesterday", "2026-13-01", "31.01.2026", ""] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
