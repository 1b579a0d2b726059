//! `promote verify`: whatever is done to a journal is found, and on the line where it was done.

use std::sync::LazyLock;

use promote_core::journal::record;
use promote_core::journal::{self, chain};
use promote_kit::verify::{JournalCheck, JournalEnd, LineFault, check};
use promote_tests::bench::TestRun;
use promote_tests::guests;
use proptest::prelude::*;
use serde_json::json;

use crate::stage::ProgramStage;

/// The journal of a promotion, line by line, up to its footer.
static WRITTEN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut lines = WITH_LAST_WORDS.clone();
    lines.pop();
    lines
});

/// The same with the line that says that Port was told.
static WITH_LAST_WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let journal = runtime.block_on(TestRun::builtin().run()).journal;
    journal.lines().map(str::to_owned).collect()
});

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn of(lines: &[String]) -> JournalCheck {
    check(text(lines).as_bytes())
}

fn is_whole(verified: &JournalCheck) -> bool {
    verified.findings.is_empty() && matches!(verified.end, JournalEnd::Said { .. })
}

/// Returns the findings, as numbers of lines and words.
fn found(lines: &[String]) -> Vec<(usize, &'static str)> {
    of(lines)
        .findings
        .iter()
        .map(|finding| (finding.line, finding.what.name()))
        .collect()
}

#[test]
fn a_journal_that_nobody_touched_is_whole() {
    let verified = of(&WRITTEN);
    assert!(is_whole(&verified), "{verified:?}");
    assert_eq!(
        verified.end,
        JournalEnd::Said {
            ending: "promoted".to_owned(),
            message: ending_message()
        }
    );
    assert_eq!(
        (verified.lines, verified.header.is_some()),
        (WRITTEN.len(), true)
    );
}

fn ending_message() -> String {
    let entries = record::read(text(&WRITTEN).as_bytes()).unwrap();
    let footer = entries.into_iter().find_map(|entry| match entry {
        journal::JournalEntry::Footer { message, .. } => Some(message),
        _ => None,
    });
    footer.unwrap()
}

#[test]
fn each_kind_of_damage_is_named_on_its_line() {
    let written = &*WRITTEN;
    let change = |at: usize, from: &str, to: &str| {
        let mut lines = written.clone();
        assert!(lines[at - 1].contains(from), "{}", lines[at - 1]);
        lines[at - 1] = lines[at - 1].replacen(from, to, 1);
        lines
    };
    let last = written.len();
    let without = |range: std::ops::Range<usize>| {
        [&written[..range.start - 1], &written[range.end - 1..]].concat()
    };
    let mut swapped = written.clone();
    swapped.swap(4, 5);
    let mut repeated = written.clone();
    repeated.insert(7, written[3].clone());
    let mut continued = written.clone();
    continued.push(signed(last + 1, written, &entry(&written[1])));
    let sum = &written[4].split('"').nth(5).unwrap()[..8];
    for (lines, expected) in [
        (change(1, "\"seed\":7", "\"seed\":8"), vec![(1, "edited")]),
        (change(last, "promoted", "refused"), vec![(last, "edited")]),
        (change(5, sum, "00000000"), vec![(5, "edited")]),
        (change(6, "{\"line\":6", "{\"line\":9"), vec![(6, "edited")]),
        (change(6, "{\"line\"", "{\"lime\""), vec![(6, "unreadable")]),
        (without(4..5), vec![(4, "missing")]),
        (without(4..9), vec![(4, "missing")]),
        (without(1..2), vec![(1, "missing")]),
        (swapped, vec![(5, "moved"), (6, "moved")]),
        (repeated, vec![(8, "repeated")]),
        (continued, vec![(last + 1, "misplaced")]),
        (Vec::new(), vec![(1, "empty")]),
    ] {
        assert_eq!(found(&lines), expected, "{:?}", of(&lines).findings);
    }
    assert_eq!(
        of(&without(4..9)).findings[0].what,
        LineFault::Missing(4, 8)
    );
}

#[test]
fn after_the_footer_comes_the_last_word_and_nothing_else() {
    let written = &*WITH_LAST_WORDS;
    let verified = of(written);
    assert!(is_whole(&verified), "{verified:?}");
    assert_eq!(verified.sum, of(&WRITTEN).sum, "the seal is the footer's");
    let mut lines = written.clone();
    lines.push(signed(
        lines.len() + 1,
        written,
        &entry(&written[lines.len() - 1]),
    ));
    assert_eq!(found(&lines), [(lines.len(), "misplaced")]);
    let wrong = of(&lines).findings[0].what.to_string();
    assert!(wrong.contains("made once each"), "{wrong}");
    let early = &written[..5];
    let mut lines = early.to_vec();
    lines.push(signed(6, early, &entry(&written[written.len() - 1])));
    assert_eq!(found(&lines), [(6, "misplaced")]);
}

#[test]
fn the_listed_closing_writes_are_taken_and_no_others() {
    let seal = WRITTEN.len();
    let closing = |write: serde_json::Value| {
        json!({ "entry": "closing", "at": "2026-01-06T10:00:00Z", "write": write, "failure": null })
            .to_string()
    };
    let [record, deployment, comment, last] = [
        closing(json!({ "record": { "blueprint": "promotion" } })),
        closing(
            json!({ "deployment": { "repository": "acme/gitops", "environment": "production" } }),
        ),
        closing(json!({ "comment": { "repository": "acme/gitops", "number": 7 } })),
        closing(json!("last-words")),
    ];
    let with = |entries: &[&String]| {
        let mut lines = WRITTEN.clone();
        for entry in entries {
            lines.push(signed(lines.len() + 1, &lines, entry));
        }
        lines
    };
    for whole in [
        vec![],
        vec![&last],
        vec![&record, &last],
        vec![&deployment, &comment],
        vec![&record, &deployment, &comment, &last],
    ] {
        let verified = of(&with(&whole));
        assert!(is_whole(&verified), "{verified:?}");
        assert_eq!(verified.sum, of(&WRITTEN).sum, "the seal is the footer's");
    }
    let unknown = closing(json!({ "merge": { "repository": "acme/gitops", "number": 7 } }));
    let call = entry(&WRITTEN[1]);
    for (wrong, line, word) in [
        (vec![&record, &record], 2, "misplaced"),
        (vec![&last, &comment], 2, "misplaced"),
        (vec![&comment, &deployment], 2, "misplaced"),
        (vec![&call], 1, "misplaced"),
        (vec![&last, &call], 2, "misplaced"),
        (vec![&unknown], 1, "unreadable"),
    ] {
        assert_eq!(found(&with(&wrong)), [(seal + line, word)], "{wrong:?}");
    }
    let after = of(&with(&[&call])).findings[0].what.to_string();
    assert!(
        after
            .contains("after that only the record, the deployment, the comment and the last words"),
        "{after}"
    );
}

/// The entry of a line.
fn entry(line: &str) -> String {
    record::JournalLine::parse(line).unwrap().entry.to_owned()
}

/// A line that fits its place, as only who knows the format can write it.
fn signed(number: usize, before: &[String], entry: &str) -> String {
    let sum = before
        .last()
        .map(|line| record::JournalLine::parse(line).unwrap().sum)
        .unwrap_or_default();
    format!(
        "{{\"line\":{number},\"sum\":\"{}\",\"is\":{entry}}}",
        chain(sum, number, entry)
    )
}

#[test]
fn lines_that_fit_their_places_must_make_sense_too() {
    let entries: Vec<String> = WRITTEN.iter().map(|line| entry(line)).collect();
    let resigned = |entries: &[&String]| {
        let mut lines: Vec<String> = Vec::new();
        for entry in entries {
            lines.push(signed(lines.len() + 1, &lines, entry));
        }
        lines
    };
    let [header, call, reply] = [&entries[0], &entries[1], &entries[2]];
    for (order, expected) in [
        (vec![header, reply], vec![(2, "misplaced")]),
        (vec![header, call, call], vec![(3, "misplaced")]),
        (vec![header, header], vec![(2, "misplaced")]),
        (vec![call], vec![(1, "misplaced")]),
        (
            vec![&entries[0].replace("\"format\":1", "\"format\":2")],
            vec![(1, "format")],
        ),
        (
            vec![header, &"{\"entry\":\"gossip\"}".to_owned()],
            vec![(2, "unreadable")],
        ),
    ] {
        assert_eq!(found(&resigned(&order)), expected);
    }
}

proptest! {
    #[test]
    fn a_changed_byte_is_found_on_its_line(at in 0_usize..1 << 20, byte: u8) {
        let mut bytes = text(&WRITTEN).into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        bytes[at] = byte;
        let verified = check(&bytes);
        let located = verified.findings.iter().any(|finding| finding.line == line);
        let torn = verified.end == JournalEnd::Torn && at + 1 == bytes.len();
        prop_assert!(located || torn, "{:?}", verified.findings);
    }

    #[test]
    fn lines_that_are_removed_moved_or_repeated_are_found(from in 0_usize..1000, to in 0_usize..1000, deed in 0..3) {
        let from = from % WRITTEN.len();
        let to = to % WRITTEN.len();
        let mut lines = WRITTEN.clone();
        match deed {
            0 => drop(lines.remove(from)),
            1 => lines.swap(from, to),
            _ => lines.insert(to, WRITTEN[from].clone()),
        }
        prop_assume!(lines != *WRITTEN);
        let verified = of(&lines);
        prop_assert!(!is_whole(&verified));
        if let Some(first) = verified.findings.first() {
            prop_assert!(first.line + 1 >= from.min(to).max(1), "{:?}", verified.findings);
        }
    }

    #[test]
    fn a_cut_leaves_what_stands_before_it(at in 0_usize..1 << 20) {
        let bytes = text(&WRITTEN).into_bytes();
        let kept = &bytes[..at % bytes.len()];
        let whole = kept.iter().filter(|byte| **byte == b'\n').count();
        let verified = check(kept);
        prop_assert_eq!(verified.lines, whole);
        prop_assert!(!is_whole(&verified));
        prop_assert_eq!(verified.end == JournalEnd::Torn, kept.last().is_some_and(|byte| *byte != b'\n'));
        if whole > 0 {
            prop_assert!(verified.findings.is_empty(), "{:?}", verified.findings);
            let entries = record::read(kept).unwrap();
            prop_assert_eq!(entries.len(), whole);
        }
    }
}

#[tokio::test]
async fn every_ending_leaves_a_whole_journal() {
    for (guest, deed) in [
        (guests::TRAPPER, ""),
        (guests::UNGRANTED, ""),
        (guests::GLUTTON, "loop"),
        (guests::GLUTTON, "memory"),
        (guests::GLUTTON, "notes"),
    ] {
        let ended = TestRun::guest(guest)
            .deed(deed)
            .limits("wall = \"1s\"")
            .run()
            .await;
        let verified = check(ended.journal.as_bytes());
        assert!(is_whole(&verified), "{guest} {deed}: {verified:?}");
    }
}

#[tokio::test]
async fn the_program_says_what_it_found() {
    let stage = ProgramStage::sample().await;
    let made = stage
        .run(&["--journal", "run.jsonl", "--format", "json"])
        .await;
    let made = made.expect(0).json();
    let sum = made["journal-sum"].as_str().unwrap();
    stage
        .promote(&["verify", "run.jsonl", "--sum", sum])
        .await
        .expect(0)
        .expect_said("ends as promoted")
        .expect_said("1 whole");
    stage
        .promote(&["verify", "run.jsonl"])
        .await
        .expect(0)
        .expect_said("1 unanchored");
    assert!(stage.witness.log().contains(sum), "Port's log has the seal");
    let lines: Vec<String> = std::fs::read_to_string(stage.path("run.jsonl"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();

    stage.write("cut.jsonl", &text(&lines[..9]));
    stage
        .promote(&["verify", "cut.jsonl"])
        .await
        .expect(1)
        .expect_said("no ending after line 9");
    stage
        .promote(&["verify", "cut.jsonl", "--allow-cut"])
        .await
        .expect(0);
    stage
        .promote(&["verify", "cut.jsonl", "--sum", sum])
        .await
        .expect(1)
        .expect_said("was cut");

    stage.write(
        "edited.jsonl",
        &text(&lines).replacen("web-1.4.2", "web-1.4.3", 1),
    );
    let all = stage.promote(&["verify", ".", "--format", "json"]).await;
    let all = all.expect(1).json();
    assert_eq!(
        (&all["unanchored"], &all["cut"], &all["broken"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let edited = all["journals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["state"] == "broken")
        .unwrap();
    assert_eq!(edited["findings"][0]["what"], "edited");
    stage
        .promote(&["verify", "nothing.jsonl"])
        .await
        .expect(2)
        .expect_said("nothing.jsonl");
    stage
        .promote(&["verify", ".", "--sum", sum])
        .await
        .expect(2)
        .expect_said("one journal");
}
