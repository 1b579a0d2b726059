//! Text of a policy is shown to people, and obeyed by nobody.

use promote_tests::guests;
use promote_tests::settings::Settings;

use crate::stage::{Ended, Stage};

/// The folder with what was written goes with the stage.
async fn injected() -> (Stage, Ended) {
    let settings = Settings::default().component(guests::INJECTOR);
    let stage = Stage::sample().await.settings(&settings).with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    ended.expect(1).expect_said("noted");
    stage.witness.expect_nothing_written();
    (stage, ended)
}

#[tokio::test]
async fn no_terminal_and_no_runner_obeys_it() {
    let (_stage, ended) = injected().await;
    let said = format!("{}{}", ended.stderr, ended.stdout);
    // actions/runner, ActionCommand.cs: `::command::` after white space, `##[command]` anywhere.
    let commands: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    let known = ["::warning title=", "::add-mask::eyJ", "::group::run of service/web", "::endgroup::"];
    let ours = |line: &&str| known.iter().any(|start| line.starts_with(start));
    assert!(commands.iter().all(ours), "{commands:?}");
    assert!(!said.contains("##["), "{said}");
    let obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!said.contains(obeyed), "{said:?}");
    assert!(said.contains("printed"), "what a policy prints is shown: {said}");
}

#[tokio::test]
async fn no_reader_of_markdown_obeys_it() {
    let (_stage, ended) = injected().await;
    let summary = ended.summary();
    let text = summary.split("<details>").next().unwrap();
    for markup in ["<img", "](https", "@everyone", " #1", "`code`"] {
        assert!(!summary.contains(markup), "{markup} is in {summary}");
    }
    assert_eq!(summary.matches("</details>").count(), 1);
    assert!(text.contains("&lt;img"), "{text}");
}

#[tokio::test]
async fn no_output_is_made_of_it() {
    let (_stage, ended) = injected().await;
    let outputs = ended.outputs();
    let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
    let expected =
        ["commit", "image", "journal", "journal-sum", "outcome", "previous-image", "pull-request", "reason"];
    assert_eq!(names, expected);
    assert_eq!(outputs["image"], "");
    assert!(outputs["reason"].contains("image=evil"));
}
