//! `make bench`: how long a promotion takes, what it asks for, and how much memory it needs.
//!
//! Whole processes against a mock that this process serves, with so much latency for every answer; each number is a median
//! with its spread. It measures and judges nothing: goals stand beside the numbers for whoever reads them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the developers'"
)]

mod inside;
mod parts;
mod process;
mod recorded;
mod table;

use std::path::PathBuf;

use clap::Parser;

use process::{ProcessBench, ProcessSample};
use table::ResultTable;

/// The allocator of the program, so that parts of it cost the same in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Latencies of the whole runs, in milliseconds.
const LATENCIES: [u64; 3] = [0, 20, 50];

/// Measures `promote` against its own mock.
#[derive(Parser)]
struct BenchArgs {
    /// The program to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/promote")]
    program: PathBuf,

    /// How often each thing is measured
    #[arg(long, value_name = "NUMBER", default_value_t = 11)]
    runs: usize,

    /// A policy to run beside the built-in one, for example `js=policy.wasm`; may be given again
    #[arg(long = "component", value_name = "NAME=FILE")]
    policies: Vec<String>,

    /// Another command to time against the same mock, in alternation: run by `sh`, with the credentials and addresses of
    /// the mock, `PROMOTE_BENCH_CONFIG` and `PROMOTE_BENCH_PAYLOAD` in its environment
    #[arg(long, value_name = "COMMAND")]
    baseline: Option<String>,

    /// Also measure the parts of a run, each by itself
    #[arg(long)]
    parts: bool,

    /// Also write the results to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = BenchArgs::parse();
    let bench = ProcessBench::new(&args.program)?;
    let mut table = ResultTable::default();
    starts(&bench, args.runs, &mut table)?;
    table.add(
        "a call through gate, journal and mock",
        "µs",
        Some(20.0),
        inside::calls(args.runs).await?,
    );
    let plain = runs(&bench, &args, &mut table).await?;
    trips(&plain, &mut table);
    for policy in &args.policies {
        let (name, file) = policy.split_once('=').unwrap_or((policy, policy));
        let ran = bench.promote_with(Some(file), 0, args.runs).await?;
        table.add(
            &format!("run with policy {name}, 0 ms"),
            "ms",
            None,
            times(&ran),
        );
        table.add(
            &format!("peak memory with policy {name}"),
            "MiB",
            None,
            memory(&ran),
        );
    }
    let times = args.runs.min(5);
    table.add(
        "scenarios in a second",
        "1/s",
        Some(1000.0),
        bench.scenarios(times)?,
    );
    let journals = recorded::JournalFolder::record().await?;
    table.add(
        "journals replayed in a second",
        "1/s",
        None,
        bench.replays(&journals, &[], times)?,
    );
    let other = ["--backtest", "--component", "builtin"];
    table.add(
        "journals tried with a policy in a second",
        "1/s",
        Some(1000.0),
        bench.replays(&journals, &other, times)?,
    );
    println!("{}", table.print(&args.program));
    if let Some(last) = plain.last().and_then(|(_, runs)| runs.last()) {
        println!("requests of one promotion:\n{}", last.requests.join("\n"));
    }
    if args.parts {
        println!("the parts:");
        tokio::task::spawn_blocking(parts::run).await?;
    }
    if let Some(path) = args.json {
        let requests = plain
            .last()
            .and_then(|(_, runs)| runs.last())
            .map(|ran| ran.requests.clone());
        std::fs::write(
            path,
            format!("{:#}\n", table.json(requests.unwrap_or_default())),
        )?;
    }
    Ok(())
}

/// From the start of the process to the first answer of the policy: `inspect` asks it to describe itself.
fn starts(bench: &ProcessBench, runs: usize, table: &mut ResultTable) -> anyhow::Result<()> {
    table.add(
        "start, built-in policy",
        "ms",
        Some(10.0),
        bench.start(process::ProcessStart::Builtin, runs)?,
    );
    table.add(
        "start, another policy, cold",
        "ms",
        Some(150.0),
        bench.start(process::ProcessStart::Cold, runs)?,
    );
    table.add(
        "start, another policy, cached",
        "ms",
        Some(10.0),
        bench.start(process::ProcessStart::Cached, runs)?,
    );
    Ok(())
}

/// Whole promotions, with every latency; the baseline, if there is one, in alternation.
async fn runs(
    bench: &ProcessBench,
    args: &BenchArgs,
    table: &mut ResultTable,
) -> anyhow::Result<Vec<(u64, Vec<ProcessSample>)>> {
    let mut all = Vec::new();
    for latency in LATENCIES {
        let mut ours = Vec::new();
        let mut others = Vec::new();
        for _ in 0..args.runs {
            ours.extend(bench.promote_with(None, latency, 1).await?);
            if let Some(command) = &args.baseline {
                others.push(bench.baseline(command, latency).await?);
            }
        }
        let goal = [(0, 40.0), (50, 650.0)]
            .into_iter()
            .find(|(at, _)| *at == latency)
            .map(|(_, goal)| goal);
        table.add(
            &format!("promotion, {latency} ms a request"),
            "ms",
            goal,
            times(&ours),
        );
        if !others.is_empty() {
            table.add(
                &format!("baseline, {latency} ms a request"),
                "ms",
                None,
                times(&others),
            );
            table.add(
                &format!("baseline, requests at {latency} ms"),
                "",
                None,
                count(&others),
            );
            table.add(
                &format!("baseline, peak memory at {latency} ms"),
                "MiB",
                None,
                memory(&others),
            );
        }
        all.push((latency, ours));
    }
    Ok(all)
}

/// Requests, and how many of them follow one another: what a millisecond more for each adds to the whole.
fn trips(all: &[(u64, Vec<ProcessSample>)], table: &mut ResultTable) {
    let (Some((low, short)), Some((high, long))) = (all.first(), all.last()) else {
        return;
    };
    table.add("requests of a promotion", "", Some(11.0), count(long));
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let apart = (high - low) as f64;
    let trips = times(long)
        .iter()
        .zip(times(short))
        .map(|(long, short)| (long - short) / apart)
        .collect();
    table.add("round trips that follow one another", "", Some(7.0), trips);
    table.add(
        "peak memory of a promotion",
        "MiB",
        Some(40.0),
        memory(long),
    );
}

fn times(runs: &[ProcessSample]) -> Vec<f64> {
    runs.iter()
        .map(|ran| ran.took.as_secs_f64() * 1e3)
        .collect()
}

fn memory(runs: &[ProcessSample]) -> Vec<f64> {
    runs.iter().map(|ran| ran.peak_mib).collect()
}

fn count(runs: &[ProcessSample]) -> Vec<f64> {
    runs.iter()
        .filter_map(|ran| u32::try_from(ran.requests.len()).ok())
        .map(f64::from)
        .collect()
}
