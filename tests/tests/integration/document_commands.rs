//! Every command of the documents is run as it stands, in a folder in which it can be: those in blocks for a shell by a shell,
//! those within sentences as far as the program knows their options.
//!
//! The guides for authors have tests of their own, in `author`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use promote_mock::World;
use tokio::process::Command;

use crate::documents::{documents, root};
use crate::init_catalog::push;
use crate::init_guide::after_the_guide;
use crate::stage::{PROGRAM, ProgramStage};

/// The folder of a stage in which the commands of a document are run.
const FOLDER: &str = "walk";

/// Documents that begin with a clone of the repository in which nothing is set up.
const SET_UP: [&str; 3] = [
    "README.md",
    "host/docs/FROM-PORTS-GUIDE.md",
    "host/docs/START.md",
];

/// Makes the folder a clone of a repository that can be pushed to.
const CLONE: &str = "git init --quiet --bare ../origin
git init --quiet
git remote add origin ../origin
git config push.autoSetupRemote true
git config user.name Dana
git config user.email dana@acme.example
";

/// Documents whose commands are run here, with what their output must say.
const WALKED: [(&str, &[&str]); 11] = [
    (
        "README.md",
        &[
            "plan: would promote ghcr.io/acme/web:1.4.2",
            "waits for 1 approving review",
            "\"state\":\"APPROVED\"",
            "image: ghcr.io/acme/web:1.4.2",
            "nothing is wrong: a run can start",
        ],
    ),
    ("host/JOURNAL.md", &["run.jsonl"]),
    ("host/PLAN.md", &["promoted ghcr.io/acme/web:1.4.2"]),
    ("host/docs/AT-NIGHT.md", &["1 promotion: 1 promoted"]),
    ("host/docs/AUDIT.md", &["1 promotion: 1 promoted"]),
    (
        "host/docs/FROM-PORTS-GUIDE.md",
        &[
            "is the workflow of Port's guide: it is replaced",
            "nothing is wrong: a run can start",
        ],
    ),
    ("host/docs/REFERENCE.md", &["promote.lock"]),
    (
        "host/docs/START.md",
        &["what is left to do:", "nothing is wrong: a run can start"],
    ),
    ("host/docs/TROUBLESHOOTING.md", &["1 promotion: 1 promoted"]),
    (
        "host/docs/WAITING.md",
        &[
            "\"state\":\"APPROVED\"",
            "\"merged\":true",
            "promoted ghcr.io/acme/web:1.4.2",
            "\"state\":\"closed\"",
            "was closed",
        ],
    ),
    ("tests/scenarios/README.md", &["1 passed, 0 failed"]),
];

/// Documents whose commands are run elsewhere.
const ELSEWHERE: [(&str, &str); 3] = [
    (".github/CONTRIBUTING.md", "they build and run these tests"),
    ("plugin/GUIDE.md", "`author`, and `make test-languages`"),
    ("plugin/RULES.md", "`author`"),
];

/// Commands that cannot be run here, each by its beginning.
const LEFT_OUT: [(&str, &str); 12] = [
    (
        "curl --proto '=https'",
        "it fetches a release from GitHub: `make test-workflow` runs the script on one that it made",
    ),
    ("make demo", "it builds the program that runs here"),
    (
        "export PATH=\"$PWD/target",
        "the program that runs here is on the path",
    ),
    (
        "promote push policy.wasm",
        "it needs a registry: `make test-registry`",
    ),
    (
        "promote test   ",
        "every scenario: `scenarios` runs them all",
    ),
    (
        "promote test --filter",
        "it reads every scenario: `scenarios` runs them all",
    ),
    (
        "promote test --component",
        "every scenario with another policy: `make test-languages`",
    ),
    ("promote test --journals", "every scenario, see above"),
    ("promote test --watch", "it never ends"),
    ("promote test --update", "it would write into the scenarios"),
    ("promote test --sweep", "hours: `make sweep`"),
    (
        "promote simulate --scripts 1000",
        "minutes: `make simulate`",
    ),
];

/// A block for a shell, or the commands of a block that shows a session.
fn blocks(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut kind = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), kind) {
            (Some(word), None) => {
                kind = Some(word);
                found.push(String::new());
            }
            (Some(_), Some(_)) => kind = None,
            (None, Some("sh")) => found.last_mut().unwrap().extend([line, "\n"]),
            (None, Some("console")) => {
                if let Some(command) = line.strip_prefix("$ ") {
                    found.last_mut().unwrap().extend([command, "\n"]);
                }
            }
            _ => {}
        }
    }
    found.retain(|block| !block.is_empty());
    found
}

/// Returns the commands of a document that can be run here, and notes which of those that cannot were met.
fn script(text: &str, left_out: &mut BTreeSet<&'static str>) -> String {
    let mut script = String::new();
    for line in blocks(text).iter().flat_map(|block| block.lines()) {
        match LEFT_OUT.iter().find(|(start, _)| line.starts_with(start)) {
            Some((start, _)) => drop(left_out.insert(start)),
            None => script.extend([line, "\n"]),
        }
    }
    script
}

/// Programs by which the commands of a document are found, before those of this machine.
fn tools(stage: &ProgramStage) -> String {
    let bin = stage.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let uses = "acme/promote@0123456789abcdef0123456789abcdef01234567";
    // A released program knows its own action; this one was built for tests.
    let promote = format!(
        "#!/bin/sh\nif [ \"$1\" = init ]; then exec '{0}' \"$@\" --uses {uses}; fi\nexec '{0}' \"$@\"\n",
        *PROGRAM
    );
    // The shell that a mock starts stops at the first command that fails, and reads no further than its own `exit`.
    let sh = "#!/bin/sh\nexec bash --posix -e \"$@\"\n";
    for (name, text) in [("promote", promote.as_str()), ("sh", sh)] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(bin.join(name), text).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join(name), mode).unwrap();
    }
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// Makes the world and the folder of a document, and returns what the commands find in their environment.
async fn prepare(document: &str) -> (ProgramStage, BTreeMap<String, String>) {
    let stage = match document {
        "host/docs/FROM-PORTS-GUIDE.md" => after_the_guide().await,
        _ => ProgramStage::of(World::sample()).await,
    };
    let folder = stage.path(FOLDER);
    if stage.exists("clone") {
        std::fs::rename(stage.path("clone"), &folder).unwrap();
    } else {
        std::fs::create_dir(&folder).unwrap();
    }
    let mut variables = BTreeMap::from([("PATH".to_owned(), tools(&stage))]);
    if SET_UP.contains(&document) {
        shell(&stage, &variables, CLONE).await;
        return (stage, variables);
    }
    for file in ["promote.toml", "payload.json"] {
        std::fs::copy(stage.path(file), folder.join(file)).unwrap();
    }
    if document == "host/PLAN.md" {
        return (stage, variables);
    }
    std::fs::create_dir(folder.join("journals")).unwrap();
    let journal = "walk/journals/run.jsonl";
    let ran = stage.run(&["--journal", journal, "--format", "json"]).await;
    let seal = ran.expect(0).json()["journal-sum"]
        .as_str()
        .unwrap()
        .to_owned();
    variables.insert("SEAL".to_owned(), seal);
    std::fs::copy(stage.path(journal), folder.join("run.jsonl")).unwrap();
    let policy = promote_intake::builtin::POLICY;
    std::fs::write(folder.join("new.wasm"), policy).unwrap();
    std::os::unix::fs::symlink(root().join("tests"), folder.join("tests")).unwrap();
    (stage, variables)
}

/// Lets a shell read commands as a person types them; it stops at the first that fails. Returns what was printed.
async fn shell(
    stage: &ProgramStage,
    variables: &BTreeMap<String, String>,
    commands: &str,
) -> String {
    let mut command = Command::new("/usr/bin/env");
    // No workflow is around a person.
    for name in ["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_REPOSITORY"] {
        command.args(["-u", name]);
    }
    for (name, value) in variables {
        command.arg(format!("{name}={value}"));
    }
    command.args(["bash", "-euo", "pipefail"]);
    let commands = format!("cd {FOLDER}\n{commands}");
    let ended = stage.start(command, &commands);
    let ended = ended.end_within(Duration::from_secs(300)).await;
    ended.expect(0);
    format!("{}{}", ended.stderr, ended.stdout)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the time of each walk")]
async fn every_command_in_a_block_does_what_it_says() {
    let (mut left_out, mut count) = (BTreeSet::new(), 0);
    for (document, expected) in WALKED {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let script = script(&text, &mut left_out);
        count += script.lines().count();
        let (stage, variables) = prepare(document).await;
        let begun = Instant::now();
        let mut said = String::new();
        for part in script.split_inclusive("git push\n") {
            said += &shell(&stage, &variables, part).await;
            if part.ends_with("git push\n") {
                push(&stage, FOLDER);
            }
        }
        for words in expected {
            assert!(
                said.contains(words),
                "{document}: {words:?} is not in:\n{said}"
            );
        }
        eprintln!("{document}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    let needless = LEFT_OUT
        .iter()
        .filter(|(start, _)| !left_out.contains(start));
    assert_eq!(needless.count(), 0, "met: {left_out:?}");
    eprintln!(
        "{count} lines of commands; {} commands cannot be run here",
        LEFT_OUT.len()
    );
}

#[test]
fn every_document_with_commands_is_walked() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let name = document.strip_prefix(root()).unwrap().to_str().unwrap();
        let is_known = WALKED.iter().any(|(known, _)| *known == name)
            || ELSEWHERE.iter().any(|(known, _)| *known == name);
        assert!(is_known || blocks(&text).is_empty(), "{name}");
    }
}

/// Returns the pieces of code within the sentences of a text that begin with the program's name.
fn mentioned(text: &str) -> BTreeSet<&str> {
    let mut is_inside = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_fence && !is_inside
    });
    let code = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    code.filter(|code| code.starts_with("promote ")).collect()
}

#[tokio::test]
async fn every_command_in_a_sentence_is_one_of_the_program() {
    let stage = ProgramStage::sample().await;
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for command in mentioned(&text) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let name = words[1];
            if !name.bytes().all(|byte| byte.is_ascii_lowercase()) {
                continue;
            }
            count += 1;
            if !known.contains_key(name) {
                let help = stage.promote(&[name, "--help"]).await;
                assert_eq!(help.code(), 0, "{}: {command}", document.display());
                known.insert(name.to_owned(), help.stdout);
            }
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                assert!(
                    known[name].contains(option),
                    "{}: {command}",
                    document.display()
                );
            }
        }
    }
    assert!(count > 100, "only {count}");
}
