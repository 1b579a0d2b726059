//! `tests/messages.txt` lists what the program says to people: the last word of every run of every scenario, every explanation,
//! what it answers to command lines that are wrong, and the findings of `promote doctor`. A reviewer reads there what changed.
//!
//! `UPDATE=1 cargo test --workspace --exclude promote-guests --test integration -- every_scenario messages doctor` writes it
//! again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use promote_core::source::dry_run::planned_number;
use promote_kit::explain;
use promote_kit::finding::FindingCode;
use promote_kit::scenario::ScenarioReport;
use serde_json::Value;

use crate::documents::root;
use crate::stage::ProgramStage;

/// Hexadecimal digits of this length are a digest or a commit.
const DIGEST_DIGITS: usize = 10;

/// Returns a message with what differs from run to run, or says nothing to a reader, taken out.
pub(crate) fn plain(message: &str) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut text = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(is_hex) {
        let run = rest[start..]
            .find(|c| !is_hex(c))
            .unwrap_or(rest.len() - start);
        text += &rest[..start];
        let digits = &rest[start..start + run];
        let is_digest = run >= DIGEST_DIGITS && digits.bytes().any(|byte| byte.is_ascii_digit());
        text += if is_digest { "HEX" } else { digits };
        rest = &rest[start + run..];
    }
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '␛'
        } else {
            c
        }
    };
    let text: String = (text + rest).chars().map(shown).collect();
    text.replace('\n', "\n    ")
}

/// The parts of the list, in order. Each is made by a test of its own.
const PARTS: [&str; 7] = [
    LAST_WORDS,
    PORT_USER,
    EXPLANATIONS,
    WRONG_LINES,
    SET_UP_FINDINGS,
    CREDENTIAL_FINDINGS,
    WORKFLOW_FINDINGS,
];
const LAST_WORDS: &str = "The last words of runs, in every scenario";
/// The run in Port, for each way to end.
pub(crate) const PORT_USER: &str = "What Port's user sees, for each way to end";
const EXPLANATIONS: &str = "Explanations";
const WRONG_LINES: &str = "Command lines that are wrong";
/// What `promote doctor` finds in the tests of `doctor`.
pub(crate) const SET_UP_FINDINGS: &str = "Findings of doctor: the set-up";
/// What it finds in those of `doctor_causes`.
pub(crate) const CREDENTIAL_FINDINGS: &str =
    "Findings of doctor: credentials and branches at GitHub";
/// What it finds in those of `doctor_workflow`.
pub(crate) const WORKFLOW_FINDINGS: &str = "Findings of doctor: the workflow";

const HEAD: &str = "What the program says to people. Tests make this list; read what changed.\n";

/// Tests of one process write one after the other.
static FILE: Mutex<()> = Mutex::new(());

/// Returns the parts of the list by their titles.
fn parts(text: &str) -> BTreeMap<String, String> {
    let parts = text.split("\n== ").skip(1);
    let titled = parts.filter_map(|part| part.split_once('\n'));
    titled
        .map(|(title, body)| (title.to_owned(), format!("{}\n", body.trim_end())))
        .collect()
}

/// Compares a part of the list with the file, or writes it there.
pub(crate) fn check_part(title: &str, body: &str) {
    // One that has failed says so itself.
    let _writing = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join("tests/messages.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut parts = parts(&text);
    let made = format!("{}\n", body.trim_end());
    if std::env::var_os("UPDATE").is_some() {
        parts.insert(title.to_owned(), made);
        let mut text = HEAD.to_owned();
        for title in PARTS {
            let body = parts.get(title).map_or("", String::as_str);
            let _ = write!(text, "\n== {title}\n{body}");
        }
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = parts.remove(title).unwrap_or_default();
    let new: Vec<&str> = made.lines().filter(|line| !kept.contains(line)).collect();
    let gone: Vec<&str> = kept.lines().filter(|line| !made.contains(line)).collect();
    assert!(
        kept == made,
        "tests/messages.txt is not what people are told ({title}); new:\n{}\ngone:\n{}\nread it, then renew it: UPDATE=1 \
         cargo test --workspace --exclude promote-guests --test integration -- every_scenario messages doctor",
        new.join("\n"),
        gone.join("\n")
    );
}

/// Checks the last word of every run of every scenario.
pub(crate) fn check_last_words(reports: &[ScenarioReport]) {
    let mut endings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for run in reports.iter().flat_map(|report| &report.runs) {
        // A resume that finds nothing to do says nothing of a run.
        let Some(kind) = run.ending else { continue };
        let message = planned_number::replace(&run.message);
        endings.entry(kind).or_default().insert(plain(&message));
    }
    let mut text = String::new();
    for (kind, messages) in &endings {
        let _ = write!(text, "\n{kind}\n");
        for message in messages {
            let _ = writeln!(text, "  {message}");
        }
    }
    check_part(LAST_WORDS, &text);
}

/// Returns a text without what differs from run to run: moments, and the numbers of requests.
fn without_moments(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let moment = word.trim_end();
        let is_moment = moment.starts_with("20") && moment.ends_with('Z') && moment.contains('T');
        if is_moment {
            word.replace(moment, "MOMENT")
        } else {
            word.to_owned()
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    match text.split_once(" (request ") {
        Some((before, after)) => {
            let after = after.split_once(')').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => text,
    }
}

/// The sentences of findings, by their codes.
#[derive(Default)]
pub(crate) struct FindingList(BTreeMap<String, BTreeSet<String>>);

impl FindingList {
    /// Takes the findings of a `promote doctor --format json`.
    pub(crate) fn add(&mut self, stage: &ProgramStage, report: &Value) {
        for finding in report["findings"].as_array().unwrap() {
            let text = |key: &str| finding[key].as_str().unwrap();
            let sentence = format!(
                "{}: {}: {}\n  What to do: {}",
                text("severity"),
                text("subject"),
                text("what"),
                text("fix")
            );
            let sentence = without_moments(&stage.without_places(&sentence));
            let code = text("code").to_owned();
            self.0.entry(code).or_default().insert(plain(&sentence));
        }
    }

    /// Compares them with a part of the list.
    pub(crate) fn check(&self, title: &str) {
        let mut text = String::new();
        for (code, sentences) in &self.0 {
            let _ = write!(text, "\n{code}\n");
            for sentence in sentences {
                let _ = writeln!(text, "  {sentence}");
            }
        }
        check_part(title, &text);
    }
}

#[test]
fn explanations_are_in_the_list_of_messages() {
    let mut text = String::new();
    for one in explain::all() {
        let _ = write!(
            text,
            "\n{} ({})\n  {}\n  What to do: {}\n",
            one.code,
            one.kind.name(),
            one.means,
            one.remedy
        );
    }
    check_part(EXPLANATIONS, &text);
}

/// Command lines as people get them wrong: each way in which a line can be wrong, for the commands that they use.
const MISTAKES: &[&str] = &[
    "",
    "rnu",
    "promte",
    "run --conifg x",
    "run --config",
    "run extra",
    "run --format yaml",
    "run --color sometimes",
    "run --quiet --verbose",
    "run",
    "run --payload none.json",
    "run --payload payload.json --config none.toml",
    "run --payload payload.json --plan none.json",
    "plan --payload payload.json --out promote.toml",
    "resume --config none.toml",
    "resume --payload x",
    "init --yes --dry-run",
    "init --installation x --legacy-app",
    "init --repository acme",
    "init --no-port",
    "doctor --service",
    "doctor --service web --all-services",
    "doctor --format yaml",
    "explain no-such-code",
    "start",
    "start web --input hotfix",
    "start web --wait soon",
    "start nobody",
    "start web --action none",
    "matrix --config none.toml",
    "inspect none.wasm",
    "inspect promote.toml",
    "lock --config none.toml",
    "log none",
    "log --since yesterdayish",
    "verify",
    "verify none.jsonl",
    "replay",
    "replay none.jsonl",
    "test none.toml",
    "test promote.toml",
    "simulate --scripts many",
    "simulate --seed x",
    "new",
    "new Bad_Name",
    "new good --language cobol",
    "build --folder none",
    "mock --listen nowhere",
    "mock --images none",
    "push none.wasm",
    "pull",
    "completions",
    "completions dos",
];

#[tokio::test]
async fn wrong_command_lines_are_in_the_list_of_messages() {
    let stage = ProgramStage::sample().await;
    let mut text = String::new();
    for line in MISTAKES {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let ended = stage.promote(&arguments).await;
        assert_ne!(ended.code(), 0, "{line}: {}", ended.stdout);
        let said = stage.without_places(&format!("{}{}", ended.stderr, ended.stdout));
        let said: Vec<&str> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let _ = write!(
            text,
            "\n$ promote {line}    (exit {})\n  {}\n",
            ended.code(),
            plain(&said.join("\n"))
        );
    }
    check_part(WRONG_LINES, &text);
}

#[test]
fn every_finding_of_doctor_has_a_sentence_in_the_list_of_messages() {
    let text = std::fs::read_to_string(root().join("tests/messages.txt")).unwrap();
    let parts = parts(&text);
    let found: BTreeSet<&str> = [SET_UP_FINDINGS, CREDENTIAL_FINDINGS, WORKFLOW_FINDINGS]
        .into_iter()
        .flat_map(|title| parts[title].lines())
        .filter(|line| !line.starts_with(' ') && !line.is_empty())
        .collect();
    let missing: Vec<&str> = FindingCode::ALL
        .iter()
        .map(|code| code.name())
        // It needs a lock beside the configuration: `teams` looks at it.
        .filter(|name| !found.contains(name) && *name != "component-unlocked")
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn digests_are_taken_out_and_numbers_stay() {
    for (message, expected) in [
        ("at df7557d50bae9489, #12", "at HEX, #12"),
        ("the facade of 1.4.2", "the facade of 1.4.2"),
        ("a\nb", "a\n    b"),
        ("a\u{1b}[31mb", "a␛[31mb"),
    ] {
        assert_eq!(plain(message), expected);
    }
}
