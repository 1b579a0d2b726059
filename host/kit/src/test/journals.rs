//! `promote test --journals`: the journals of the runs, as production would have kept them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use promote_core::text;

use crate::scenario::ScenarioReport;

/// Writes the journals of all runs into a folder, and says where they are.
pub(super) fn keep(folder: &Path, reports: &[ScenarioReport]) -> anyhow::Result<Vec<String>> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut lines = Vec::new();
    let mut taken = BTreeSet::new();
    for report in reports {
        for run in report.runs.iter().filter(|run| !run.journal.is_empty()) {
            let path = free(folder, &report.path, run.step, &mut taken);
            fs::write(&path, &run.journal)
                .with_context(|| format!("writing {}", path.display()))?;
            if !report.passed() {
                lines.push(format!(
                    "journal of step {} of {}: promote replay {} --component FILE runs it again",
                    run.step,
                    report.path.display(),
                    path.display()
                ));
            }
        }
    }
    lines.push(format!(
        "{} in {}",
        text::count(taken.len(), "journal"),
        folder.display()
    ));
    Ok(lines)
}

/// A name that no other run has: two scenarios of different folders may be called the same.
fn free(folder: &Path, scenario: &Path, step: usize, taken: &mut BTreeSet<PathBuf>) -> PathBuf {
    let name = scenario.file_stem().unwrap_or_default().to_string_lossy();
    let mut path = folder.join(format!("{name}-{step}.jsonl"));
    let mut more = 2;
    while !taken.insert(path.clone()) {
        path = folder.join(format!("{name}-{step}-{more}.jsonl"));
        more += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_of_one_name_have_journals_of_their_own() {
        let mut taken = BTreeSet::new();
        let mut name = |scenario: &str| {
            let path = free(Path::new("kept"), Path::new(scenario), 1, &mut taken);
            path.display().to_string()
        };
        assert_eq!(name("a/locked.toml"), "kept/locked-1.jsonl");
        assert_eq!(name("b/locked.toml"), "kept/locked-1-2.jsonl");
        assert_eq!(name("b/open.toml"), "kept/open-1.jsonl");
    }
}
