//! Differences, line by line: between two texts, and of the files before and after a step.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use super::result::StepResult;
use promote_core::run::RunMode;
use promote_intake::changes::FileDiff;
use promote_mock::github::RepositoryState;

/// Returns the lines that a step removed and added, by path; of a plan, the planned ones.
pub(super) fn changed_files(ran: &StepResult) -> BTreeMap<String, String> {
    if ran.mode == Some(RunMode::Plan) {
        return ran
            .planned
            .iter()
            .map(|file| (file.path.clone(), planned(file)))
            .collect();
    }
    let mut files = BTreeMap::new();
    for (index, after) in ran.after.github.repositories.iter().enumerate() {
        let before = ran.before.github.repositories.get(index);
        let prefix = if index == 0 {
            String::new()
        } else {
            format!("{}:", after.full_name())
        };
        let tree = |repository: &RepositoryState| {
            let head = repository.branch(&repository.settings.default_branch)?;
            repository.git.tree_of(head)
        };
        for change in after
            .git
            .changes(before.and_then(|before| tree(before)), tree(after))
        {
            let text = |entry: Option<promote_mock::git::PathEntry>| {
                let blob = entry.and_then(|entry| after.git.blob(entry.id));
                String::from_utf8_lossy(blob.unwrap_or_default()).into_owned()
            };
            let mut lines = changed_lines(&text(change.old), &text(change.new));
            if let (Some(old), Some(new)) = (change.old, change.new)
                && old.mode != new.mode
            {
                lines.insert(
                    0,
                    format!("mode {} -> {}", old.mode.digits(), new.mode.digits()),
                );
            }
            files.insert(format!("{prefix}{}", change.path), lines.join("\n"));
        }
    }
    files
}

/// The lines that only the first text has, and those that only the second has.
pub fn only(before: &str, after: &str) -> (String, String) {
    let diff = TextDiff::from_lines(before, after);
    let lines = |tag: ChangeTag| {
        let lines = diff.iter_all_changes().filter(|change| change.tag() == tag);
        lines.map(|change| change.value()).collect()
    };
    (lines(ChangeTag::Delete), lines(ChangeTag::Insert))
}

fn changed_lines(old: &str, new: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let mark = |tag| match tag {
        ChangeTag::Delete => Some('-'),
        ChangeTag::Insert => Some('+'),
        ChangeTag::Equal => None,
    };
    diff.iter_all_changes()
        .filter_map(|change| {
            let line = change.value();
            Some(format!(
                "{}{}",
                mark(change.tag())?,
                line.strip_suffix('\n').unwrap_or(line)
            ))
        })
        .collect()
}

/// The changed lines of a unified diff, without its two lines of header.
fn planned(file: &FileDiff) -> String {
    let lines = file.diff.split_inclusive('\n').skip(2);
    let changed = lines.filter(|line| line.starts_with(['-', '+']));
    let changed: Vec<&str> = changed
        .map(|line| line.strip_suffix('\n').unwrap_or(line))
        .collect();
    changed.join("\n")
}
