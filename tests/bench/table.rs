//! Results: a table for people, JSON for machines.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// All that was measured.
#[derive(Default)]
pub(crate) struct ResultTable(Vec<ResultRow>);

struct ResultRow {
    what: String,
    unit: &'static str,
    goal: Option<f64>,
    /// Sorted.
    sample: Vec<f64>,
}

impl ResultRow {
    /// The value that this part of the sample lies below.
    fn quantile(&self, part: usize) -> f64 {
        let last = self.sample.len().saturating_sub(1);
        self.sample
            .get(last * part / 4)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

impl ResultTable {
    pub(crate) fn add(
        &mut self,
        what: &str,
        unit: &'static str,
        goal: Option<f64>,
        mut sample: Vec<f64>,
    ) {
        sample.sort_by(f64::total_cmp);
        let row = ResultRow {
            what: what.to_owned(),
            unit,
            goal,
            sample,
        };
        eprintln!("measured: {} {:.1} {unit}", row.what, row.quantile(2));
        self.0.push(row);
    }

    /// Median, quartiles and goal of each row, as Markdown.
    pub(crate) fn print(&self, program: &Path) -> String {
        let mut text = format!(
            "{} on {}\n\n| measure | median | quartiles | goal |\n|---|---:|---:|---:|\n",
            program.display(),
            machine()
        );
        for row in &self.0 {
            let ResultRow {
                what, unit, goal, ..
            } = row;
            let goal = goal
                .map(|goal| format!("{goal} {unit}"))
                .unwrap_or_default();
            let low = row.quantile(1);
            let middle = row.quantile(2);
            let high = row.quantile(3);
            let _ = writeln!(
                text,
                "| {what} | {middle:.1} {unit} | {low:.1} – {high:.1} | {goal} |"
            );
        }
        text
    }

    pub(crate) fn json(&self, requests: Vec<String>) -> Value {
        let row = |row: &ResultRow| json!({ "measure": row.what, "unit": row.unit, "median": row.quantile(2), "goal": row.goal, "sample": row.sample });
        let rows: Vec<Value> = self.0.iter().map(row).collect();
        json!({ "machine": machine(), "rows": rows, "requests": requests })
    }
}

/// Processor, cores and system.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or(std::env::consts::ARCH, |(_, name)| name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "{name}, {cores} cores, {}, load {load}",
        std::env::consts::OS
    )
}
