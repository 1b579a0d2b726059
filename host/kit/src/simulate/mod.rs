//! `promote simulate`: companies that nobody thought of, by seed, and the invariants looked up in each world.
//!
//! A seed makes up a company and a script of clicks, people and bad weather. The script is a scenario file: it is played by the
//! runner of scenarios, through the host of production, and when a law is broken it is made as small as can be and printed, to be
//! kept beside the others. After each step the world is judged by code that shares nothing with policy and gate.

mod aftermath;
mod company;
mod customs;
mod deed;
mod evidence;
mod fault;
mod generate;
mod guarded;
mod history;
mod judge;
mod law;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod planted;
mod play;
mod replayed;
mod script;
mod settle;
mod shrink;
mod story;
mod tally;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod weather;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use promote_run::json_text;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::replay::RuleShelf;
use crate::scenario::{Scenario, ScenarioRunner};
use crate::test::{TestOutput, policies};

pub use law::{BrokenLaw, WorldLaw};
use play::{NoHand, Played, play};
use replayed::{JournalReplay, REPLAY_EVERY};
use script::Script;
use shrink::shrink;
use tally::SimulationTally;

/// The arguments of `promote simulate`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote simulate --scripts 1000               a thousand random companies
  promote simulate --scripts 1 --seed 42        one of them again
  promote simulate --seed 42 --print > 42.toml  one as a scenario file")]
pub struct SimulateArgs {
    /// How many scripts, each of a seed of its own
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub scripts: u64,

    /// The first seed; with `--scripts 1` one script is played again
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Stop when this many scripts have broken an invariant
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub max_broken: u64,

    /// The component that takes the built-in policy's place
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,

    /// Show what was met, and how often
    #[arg(long)]
    pub coverage: bool,

    /// Print the script of the first seed as a scenario file, and run nothing
    #[arg(long)]
    pub print: bool,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: SimulateFormat,
}

/// The form of what `promote simulate` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SimulateFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// A script that broke a law, made small.
struct Finding {
    seed: u64,
    broken: BrokenLaw,
    /// The scenario file.
    scenario: String,
}

/// Plays scripts, with compiled policies kept in `cache` if there is one. Returns the exit code: 0 if every law holds, 1 if one is
/// broken.
///
/// # Errors
/// When the policy cannot be used, or nothing can be run on this machine.
pub fn run(
    args: &SimulateArgs,
    cache: Option<PathBuf>,
    out: &TestOutput<'_>,
) -> anyhow::Result<u8> {
    if args.print {
        let script = Script::draw(args.seed);
        (out.data)(&script.scenario(&format!("seed {}", args.seed), "{ exit = 0 }", &[]));
        return Ok(0);
    }
    let named = args.component.iter().map(|file| file.display().to_string());
    let runner = ScenarioRunner::new(policies(&named.collect::<Vec<_>>()))?.caching(cache);
    let started = Instant::now();
    let (tally, mut findings) = play_all(args, &runner, out)?;
    findings.sort_by_key(|finding| finding.seed);
    let seconds = started.elapsed().as_secs_f64();
    (out.data)(&match args.format {
        SimulateFormat::Text => words(args, &tally, &findings, seconds),
        SimulateFormat::Json => json_text(whole(&tally, &findings, seconds)),
    });
    Ok(u8::from(!findings.is_empty()))
}

/// Plays every seed, on each processor one at a time.
fn play_all(
    args: &SimulateArgs,
    runner: &ScenarioRunner,
    out: &TestOutput<'_>,
) -> anyhow::Result<(SimulationTally, Vec<Finding>)> {
    let next = AtomicU64::new(0);
    let broken = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let work = || -> anyhow::Result<(SimulationTally, Vec<Finding>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting a runtime")?;
        let shelf = RuleShelf::new(runner.engine(), &[], runner.cache())?;
        let mut tally = SimulationTally::default();
        let mut findings = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= args.scripts || broken.load(Ordering::Relaxed) >= args.max_broken {
                return Ok((tally, findings));
            }
            let seed = args.seed.wrapping_add(number);
            let found = play_seed(runner, seed, &shelf, &runtime, &mut tally)?;
            if let Some(finding) = found {
                broken.fetch_add(1, Ordering::Relaxed);
                findings.push(finding);
            }
            if let Some(status) = out.status {
                status(&format!("{} of {} scripts", number + 1, args.scripts));
            }
        }
    };
    let mut tally = SimulationTally::default();
    let mut findings = Vec::new();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (own, found) = worker
                .join()
                .map_err(|_| anyhow::anyhow!("a thread of the simulation panicked"))??;
            tally.join(own);
            findings.extend(found);
        }
        anyhow::Ok(())
    })?;
    Ok((tally, findings))
}

/// Plays one seed; a script that breaks a law is made small.
fn play_seed(
    runner: &ScenarioRunner,
    seed: u64,
    shelf: &RuleShelf<'_>,
    runtime: &Runtime,
    tally: &mut SimulationTally,
) -> anyhow::Result<Option<Finding>> {
    let script = Script::draw(seed);
    let played = runtime.block_on(play(runner, &script, &NoHand))?;
    tally.add(&script, &played);
    let replayed = match seed % REPLAY_EVERY {
        0 => unreplayed(runner, &script, &played, shelf, runtime)?,
        _ => None,
    };
    let Some((_, broken)) = played.broken.or(replayed) else {
        return Ok(None);
    };
    let small = runtime.block_on(shrink(runner, &script, broken.law))?;
    let (script, broken) = small.map_or((script, broken), |small| (small.script, small.broken));
    let title = format!("seed {seed}: {}: {}", broken.law.name(), broken.what);
    let ends = runtime.block_on(play(runner, &script, &NoHand))?.ends();
    let scenario = script.scenario(&title, &broken.expect, &ends);
    Ok(Some(Finding {
        seed,
        broken,
        scenario,
    }))
}

fn unreplayed(
    runner: &ScenarioRunner,
    script: &Script,
    played: &Played,
    shelf: &RuleShelf<'_>,
    runtime: &Runtime,
) -> anyhow::Result<Option<(usize, BrokenLaw)>> {
    let text = script.scenario("replayed", "{ exit = 0 }", &[]);
    let scenario = Scenario::parse(&text, Path::new("replayed.toml"))?;
    let policy = runner.policy(&scenario)?;
    let replay = JournalReplay {
        runner,
        policy: &policy,
        shelf,
        runtime,
    };
    Ok(replay.unreplayed(played, &|_| {}))
}

fn words(
    args: &SimulateArgs,
    tally: &SimulationTally,
    findings: &[Finding],
    seconds: f64,
) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!(
            "# seed {}: {} is broken: {}\n# again: promote simulate --seed {} --scripts 1\n{}\n",
            finding.seed,
            finding.broken.law.name(),
            finding.broken.what.replace('\n', " "),
            finding.seed,
            finding.scenario
        );
    }
    if args.coverage {
        text += &format!("{}\n", tally.table());
        for hole in tally.holes() {
            text += &format!("less than 100 in a million promotions: {hole}\n");
        }
    }
    text + &format!(
        "{} scripts, {} promotions, {} of them merged ({:.0} %), {} runs in {seconds:.1} s ({:.0} a second); {} broken",
        tally.scripts,
        tally.promotions,
        tally.merged,
        100.0 * tally.merged as f64 / tally.promotions.max(1) as f64,
        tally.runs,
        tally.runs as f64 / seconds,
        findings.len()
    )
}

fn whole(tally: &SimulationTally, findings: &[Finding], seconds: f64) -> Value {
    let mut whole = tally.json();
    let findings = findings.iter().map(|finding| {
        json!({
            "seed": finding.seed,
            "law": finding.broken.law.name(),
            "what": finding.broken.what,
            "scenario": finding.scenario,
        })
    });
    whole["seconds"] = json!(seconds);
    whole["broken"] = findings.collect();
    whole
}
