//! The documents name only files that exist, so that nobody is sent to a place that has moved, and show only settings that
//! the program takes, so that nobody copies a mistake.

use std::path::{Path, PathBuf};

use promote_core::journal::digest;
use promote_core::policy::native::CodeCache;
use promote_kit::scenario::Scenario;
use promote_mock::sample;
use promote_tests::guests;
use toml::{Table, Value};

use crate::stage::{ProgramEnd, ProgramStage};

/// Folders of the repository that documents name files in.
const FOLDERS: [&str; 6] = ["host/", "plugin/", "tests/", "wit/", ".github/", ".ci/"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the documents of the repository. Those of `host/templates` are about a project of their own.
pub(crate) fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            let elsewhere = ["target", ".git", "node_modules", "templates", "corpus"];
            if path.is_dir() && !elsewhere.contains(&name) {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// Returns the targets of links that lead into the repository: each a file, none for this one, and the place in it.
fn links(text: &str) -> Vec<(&str, Option<&str>)> {
    let targets = text.split("](").skip(1);
    let targets = targets.map(|rest| rest.split([')', ' ']).next().unwrap_or_default());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(|target| match target.split_once('#') {
            Some((file, place)) => (file, Some(place)),
            None => (target, None),
        })
        .collect()
}

/// Returns the places of a document that links can lead to, as GitHub names them: its headings in small letters, hyphens for
/// spaces, and nothing else but letters, digits and underscores.
fn places(text: &str) -> Vec<String> {
    let mut is_code = false;
    let headings = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// Returns the paths that a text names in code quotes: without patterns and without what stands for a name.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .filter(|path| !path.contains(['*', ' ', '{', ':']) && !path.contains("NAME"))
        .collect()
}

#[test]
fn every_link_and_every_path_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let shown = document.display();
        for (link, place) in links(&text) {
            count += 1;
            let target = match link {
                "" => document.clone(),
                _ => document.parent().unwrap().join(link),
            };
            assert!(target.exists(), "{shown} links to {link}");
            if let Some(place) = place {
                let places = places(&std::fs::read_to_string(&target).unwrap());
                assert!(
                    places.iter().any(|known| known == place),
                    "{shown} links to {link}#{place}"
                );
            }
        }
        for path in paths(&text) {
            count += 1;
            assert!(root().join(path).exists(), "{shown} names {path}");
        }
    }
    assert!(count > 50, "only {count} were found");
}

/// What the documents leave out with `…`, and the files that they name beside `promote.toml`.
const BASELINE: &str = "[limits]\nwall = \"5m\"\n";
const LEFT_OUT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Returns the examples in TOML of a text, each with the line that it begins on.
fn examples(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (line, number) in text.lines().zip(1..) {
        match line.trim() {
            "```toml" => {
                is_inside = true;
                found.push((number, String::new()));
            }
            "```" => is_inside = false,
            _ if is_inside => {
                let (_, example) = found.last_mut().unwrap();
                example.push_str(line);
                example.push('\n');
            }
            _ => {}
        }
    }
    found
}

/// Returns a configuration that has all of an example, and of the sample what the example says nothing about: a setting and
/// a section of the example stand as they are, grants are added.
fn completed(example: &str) -> String {
    let example = example
        .replace("@sha256:…", &format!("@sha256:{LEFT_OUT}"))
        .replace("\"…\"", &format!("\"{}\"", digest(BASELINE.as_bytes())));
    let example: Table = example.parse().unwrap();
    let mut whole: Table = promote_kit::demo::CONFIG.parse().unwrap();
    for (key, value) in example {
        match (whole.get_mut(&key), value) {
            (Some(Value::Array(grants)), Value::Array(more)) => grants.extend(more),
            (Some(Value::Table(policy)), Value::Table(mut more)) if key == "policy" => {
                if let Some(Value::Table(settings)) = more.remove("settings") {
                    policy["settings"].as_table_mut().unwrap().extend(settings);
                }
                policy.extend(more);
            }
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
    whole.to_string()
}

/// Starts a run of which Port knows nothing with a configuration: it ends at Port, unless the configuration is no good.
async fn try_to_run(stage: &ProgramStage, config: &str) -> ProgramEnd {
    stage.write("example.toml", config);
    let payload = sample::payload()
        .to_string()
        .replace("r_Ab12Cd34Ef56Gh78", "r_Nobody0000000000");
    stage.write("payload.json", &payload);
    stage.run(&["--config", "example.toml"]).await
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the number of examples")]
async fn every_example_is_a_configuration_that_a_run_takes() {
    let stage = ProgramStage::sample().await;
    stage.write("baseline.toml", BASELINE);
    // No registry of an example is there: its baseline was fetched before.
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled/baselines");
    let kept = CodeCache::open(Path::new(cache)).unwrap();
    let name = format!("{}.baseline", digest(BASELINE.as_bytes()));
    kept.put(&name, BASELINE.as_bytes()).unwrap();
    std::fs::create_dir(stage.path("rules")).unwrap();
    std::fs::copy(guests::INCIDENTS, stage.path("rules/incidents.wasm")).unwrap();
    let (mut count, mut refused) = (0, Vec::new());
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for (line, example) in examples(&text) {
            let shown = document.strip_prefix(root()).unwrap().display();
            let shown = format!("{shown}:{line}");
            count += 1;
            if example.starts_with("title = ") {
                let scenario = Scenario::parse(&example, &document);
                assert!(scenario.is_ok(), "{shown}: {scenario:?}");
                continue;
            }
            let ended = try_to_run(&stage, &completed(&example)).await;
            if ended.code() == 2 {
                refused.push(format!("{shown}: {}{}", ended.stderr, ended.stdout));
            } else {
                ended.expect(3).expect_said("r_Nobody0000000000");
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count >= 45, "only {count} examples were found");
    eprintln!("{count} examples of the documents, each taken by a run");
}

#[tokio::test]
async fn an_example_with_a_mistake_is_found() {
    let stage = ProgramStage::sample().await;
    for (example, said) in [
        (
            "[policy.settings]\nsoak = { at_lest = \"1h\" }\n",
            "at_lest",
        ),
        ("[[grants]]\nallow = [\"github.stat\"]\n", "github.stat"),
        ("[workflow]\nenviroment = \"production\"\n", "enviroment"),
        (
            "[[rule]]\nname = \"own\"\ndeny = \"servce == null\"\nmessage = \"no\"\n",
            "servce",
        ),
    ] {
        let ended = try_to_run(&stage, &completed(example)).await;
        ended.expect(2).expect_said(said);
    }
}
