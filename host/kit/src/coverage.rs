//! Effect coverage: which calls met which failures, counted on the calls of the contract, for policies in any language.
//!
//! The failures that the contract documents for a call are read from the comments of `wit/` themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::scenario::{CallTrouble, MadeCall};

/// The interfaces whose functions can fail.
const INTERFACES: [&str; 6] = [
    include_str!("../../../wit/port-read.wit"),
    include_str!("../../../wit/port-write.wit"),
    include_str!("../../../wit/github-read.wit"),
    include_str!("../../../wit/registry-read.wit"),
    include_str!("../../../wit/github-propose.wit"),
    include_str!("../../../wit/github-merge.wit"),
];

/// Failures that a service may answer with, whatever the call.
const ALWAYS: [&str; 3] = ["rate-limited", "unavailable", "other"];

/// Counts for each call the ends that it met: an answer, or a failure.
#[derive(Clone, Debug, Default)]
pub struct CallCoverage(BTreeMap<String, BTreeMap<&'static str, usize>>);

impl CallCoverage {
    /// Counts calls with what became of them.
    pub fn add(&mut self, calls: &[MadeCall]) {
        for made in calls {
            self.count(&made.call_name(), made.failed().unwrap_or("ok"));
        }
    }

    /// Counts a trouble that no journal shows: a lost answer looks like no answer, and a kill like nothing.
    pub fn hit(&mut self, call: &str, trouble: CallTrouble) {
        if !matches!(trouble, CallTrouble::Fails(_)) {
            self.count(call, trouble.name());
        }
    }

    /// Adds what another one has counted.
    pub fn join(&mut self, other: Self) {
        for (call, fates) in other.0 {
            for (fate, count) in fates {
                *self
                    .0
                    .entry(call.clone())
                    .or_default()
                    .entry(fate)
                    .or_default() += count;
            }
        }
    }

    fn count(&mut self, call: &str, fate: &'static str) {
        *self
            .0
            .entry(call.to_owned())
            .or_default()
            .entry(fate)
            .or_default() += 1;
    }

    fn of(&self, call: &str, fate: &str) -> usize {
        self.0
            .get(call)
            .and_then(|fates| fates.get(fate))
            .copied()
            .unwrap_or_default()
    }

    /// The documented pairs of call and failure, and how many of them were met.
    fn pairs(&self) -> (usize, usize) {
        let pairs = DOCUMENTED
            .iter()
            .flat_map(|(call, fates)| fates.iter().map(move |fate| (call, fate)));
        let met = pairs
            .clone()
            .filter(|(call, fate)| self.of(call, fate) > 0)
            .count();
        (met, pairs.count())
    }

    /// The table: a row for each call; `.` is a documented failure that was never met.
    pub fn table(&self) -> String {
        let columns = columns();
        let mut text = format!("{:24}", "call");
        for fate in &columns {
            let _ = write!(text, " {fate:>12}");
        }
        for call in self.calls() {
            let _ = write!(text, "\n{call:24}");
            for fate in &columns {
                let documented = DOCUMENTED
                    .get(call)
                    .is_some_and(|fates| fates.contains(fate));
                let cell = match self.of(call, fate) {
                    0 if documented => ".".to_owned(),
                    0 => String::new(),
                    count => count.to_string(),
                };
                let _ = write!(text, " {cell:>12}");
            }
            text.truncate(text.trim_end().len());
        }
        let (met, all) = self.pairs();
        let _ = write!(
            text,
            "\n{met} of {all} documented pairs of call and failure were met"
        );
        text
    }

    /// The same for machines.
    pub fn json(&self) -> Value {
        let (met, all) = self.pairs();
        let calls = self.calls().into_iter().map(|call| {
            let documented = DOCUMENTED.get(call);
            let missing: Vec<&&str> = documented
                .into_iter()
                .flatten()
                .filter(|fate| self.of(call, fate) == 0)
                .collect();
            (
                call.to_owned(),
                json!({ "met": self.0.get(call), "missing": missing }),
            )
        });
        json!({ "met": met, "documented": all, "calls": Value::Object(calls.collect()) })
    }

    /// Every call that the contract has or that was made.
    fn calls(&self) -> BTreeSet<&str> {
        self.0
            .keys()
            .map(String::as_str)
            .chain(DOCUMENTED.keys().copied())
            .collect()
    }
}

/// The calls of the contract that can fail.
pub(crate) fn documented_calls() -> impl Iterator<Item = &'static str> {
    DOCUMENTED.keys().copied()
}

fn columns() -> Vec<&'static str> {
    let mut columns = vec!["ok"];
    columns.extend(CallTrouble::all().map(CallTrouble::name));
    columns.push("stopped");
    columns
}

/// The failures that the contract documents, by call.
static DOCUMENTED: LazyLock<BTreeMap<&'static str, BTreeSet<&'static str>>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for text in INTERFACES {
        let mut said = BTreeSet::new();
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                said.extend(failures(comment, &all));
            } else if let Some((name, function)) = line.split_once(": func(") {
                said.extend(ALWAYS);
                let said = std::mem::take(&mut said);
                if function.contains("result<") {
                    all.insert(name, said);
                }
            } else if !line.starts_with('@') {
                said.clear();
            }
        }
    }
    all
});

/// The failures that a line of a comment names, and those of a function that it refers to (`Fails as … does`).
fn failures(
    comment: &'static str,
    known: &BTreeMap<&'static str, BTreeSet<&'static str>>,
) -> BTreeSet<&'static str> {
    let names = comment.split('`').skip(1).step_by(2);
    let failures: Vec<&str> = CallTrouble::all()
        .filter(|trouble| matches!(trouble, CallTrouble::Fails(_)))
        .map(CallTrouble::name)
        .collect();
    let mut said: BTreeSet<&str> = names
        .clone()
        .filter(|name| failures.contains(name))
        .collect();
    if comment.contains("Fails as") {
        said.extend(names.filter_map(|name| known.get(name)).flatten());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_says_how_a_call_can_fail() {
        let documented = |call: &str| DOCUMENTED.get(call).cloned().unwrap_or_default();
        let always = |others: &[&'static str]| {
            ALWAYS
                .iter()
                .chain(others)
                .copied()
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(
            documented("merge"),
            always(&["denied", "conflict", "rejected"])
        );
        assert_eq!(documented("merge-when-ready"), documented("merge"));
        assert_eq!(documented("delete-branch"), always(&["denied"]));
        assert!(documented("get-entity").contains("denied"));
        assert_eq!(DOCUMENTED.len(), 27);
    }

    #[test]
    fn a_failure_that_was_never_met_is_shown() {
        let mut coverage = CallCoverage::default();
        coverage.count("merge", "ok");
        coverage.count("merge", "conflict");
        coverage.hit("merge", CallTrouble::KillAfter);
        let table = coverage.table();
        let row = table
            .lines()
            .find(|line| line.starts_with("merge "))
            .unwrap_or_default();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            cells,
            ["merge", "1", ".", "1", ".", ".", ".", ".", "1"],
            "{table}"
        );
        assert_eq!(coverage.json()["calls"]["merge"]["met"]["kill-after"], 1);
    }
}
