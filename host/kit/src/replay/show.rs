//! The results of exact replays, in words and JSON. All text is made harmless: journals hold hostile data.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::error::ReplayError;
use super::exact::{DivergenceSide, ReplayComparison, ReplayDivergence, ReplayResult};
use super::recording::RunRecording;
use promote_core::call::contrast::{Difference, differences};
use promote_core::text;

/// The exact replay of one journal.
pub(super) type ExactReplay = (PathBuf, Result<(RunRecording, ReplayResult), ReplayError>);

/// Returns a stable word for machines.
fn state(replayed: &Result<(RunRecording, ReplayResult), ReplayError>) -> &'static str {
    match replayed.as_ref().map(|(_, replayed)| &replayed.verdict) {
        Ok(ReplayComparison::Same { .. }) => "same",
        Ok(ReplayComparison::Ends) => "ends",
        Ok(ReplayComparison::Diverged(_)) => "diverged",
        Err(_) => "unusable",
    }
}

fn count(all: &[ExactReplay], word: &str) -> usize {
    all.iter()
        .filter(|(_, replayed)| state(replayed) == word)
        .count()
}

/// Returns the text for people.
pub(super) fn text(all: &[ExactReplay]) -> String {
    let mut shown = String::new();
    for (path, replayed) in all {
        let path = text::line(&path.display().to_string());
        let words = match replayed {
            Err(why) => why.to_string(),
            Ok((recording, ReplayResult { calls, verdict, .. })) => match verdict {
                ReplayComparison::Same { ending } => {
                    format!("{}, {ending}", text::count(*calls, "call"))
                }
                ReplayComparison::Ends => format!(
                    "{}, then the recording ends ({})",
                    text::count(*calls, "call"),
                    recording.end()
                ),
                ReplayComparison::Diverged(divergence) => {
                    format!(
                        "at call {}, line {} of the journal",
                        divergence.number, divergence.line
                    )
                }
            },
        };
        let _ = writeln!(
            shown,
            "{:8}  {path}: {}",
            state(replayed),
            text::line(&words)
        );
        let Ok((_, replayed)) = replayed else {
            continue;
        };
        if let ReplayComparison::Diverged(divergence) = &replayed.verdict {
            for line in divergence.show().lines() {
                let _ = writeln!(shown, "            {line}");
            }
        }
        for line in replayed.printed.lines() {
            let _ = writeln!(shown, "          policy: {}", text::line(line));
        }
    }
    let [same, ends, diverged, unusable] =
        ["same", "ends", "diverged", "unusable"].map(|word| count(all, word));
    let _ = writeln!(
        shown,
        "{same} the same, {ends} the same until the recording ends, {diverged} diverged, {unusable} unusable"
    );
    shown
}

/// Returns the JSON for programs.
pub(super) fn machine(all: &[ExactReplay]) -> Value {
    let one = |(path, replayed): &ExactReplay| {
        let mut one = json!({ "path": path.display().to_string(), "state": state(replayed) });
        match replayed {
            Err(why) => one["why"] = json!(why.to_string()),
            Ok((recording, replayed)) => {
                one["run"] = json!(recording.header.request.run_id);
                one["calls"] = json!(replayed.calls);
                one["end"] = json!(recording.end());
                if let ReplayComparison::Diverged(divergence) = &replayed.verdict {
                    one["divergence"] = side_by_side(divergence);
                }
            }
        }
        one
    };
    json!({
        "same": count(all, "same"), "ends": count(all, "ends"),
        "diverged": count(all, "diverged"), "unusable": count(all, "unusable"),
        "journals": all.iter().map(one).collect::<Vec<_>>(),
    })
}

fn side_by_side(divergence: &ReplayDivergence) -> Value {
    let side = |side: &DivergenceSide| match side {
        DivergenceSide::Call(call) => json!(call),
        DivergenceSide::Ending(words) => json!({ "end": words }),
        DivergenceSide::Rules(words) => json!({ "rules": words }),
    };
    let calls = divergence.recorded.call().zip(divergence.now.call());
    let fields = calls
        .map(|(recorded, now)| differences(recorded, now))
        .unwrap_or_default();
    let field =
        |one: &Difference| json!({ "field": one.field, "recorded": one.left, "now": one.right });
    json!({
        "line": divergence.line, "call": divergence.number,
        "recorded": side(&divergence.recorded), "now": side(&divergence.now),
        "differences": fields.iter().map(field).collect::<Vec<_>>(),
    })
}
