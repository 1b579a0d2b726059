//! Text of a policy is shown to people, and obeyed by nobody.

use promote_tests::guests;
use promote_tests::settings::SampleConfig;

use crate::stage::{ProgramEnd, ProgramStage};

/// The folder with what was written goes with the stage.
async fn injected() -> (ProgramStage, ProgramEnd) {
    let settings = SampleConfig::default().component(guests::INJECTOR);
    let stage = ProgramStage::sample()
        .await
        .settings(&settings)
        .with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    ended.expect(1).expect_said("noted");
    stage.witness.expect_nothing_written();
    (stage, ended)
}

/// Checks that a terminal, a runner and a reader of Markdown obey nothing of all that a run has said.
pub(crate) fn obeyed(ended: &ProgramEnd) -> Vec<String> {
    let said = format!("{}{}", ended.stderr, ended.stdout);
    // actions/runner, ActionCommand.cs: `::command::` after white space, `##[command]` anywhere.
    let known = [
        "::warning title=",
        "::error title=",
        "::add-mask::eyJ",
        "::group::run for the Port run r_",
        "::endgroup::",
    ];
    let ours = |line: &str| known.iter().any(|start| line.starts_with(start));
    let command =
        |line: &str| line.trim_start().starts_with("::") && !ours(line) || line.contains("##[");
    let obeyed =
        |line: &&str| command(line) || line.contains(|c: char| c.is_control() || is_invisible(c));
    let mut found: Vec<String> = said.split('\n').filter(obeyed).map(str::to_owned).collect();
    let summary = ended.summary_if_any().unwrap_or_default();
    let markup = [
        "<img",
        "<script",
        "](https://evil",
        "@everyone",
        "`code`",
        "<!--",
    ];
    found.extend(
        markup
            .into_iter()
            .filter(|markup| summary.contains(markup))
            .map(str::to_owned),
    );
    found.extend(
        summary
            .lines()
            .filter(|line| line.contains(is_invisible))
            .map(str::to_owned),
    );
    let outputs = ended.outputs_if_any().unwrap_or_default();
    found.extend(
        outputs
            .into_keys()
            .filter(|name| !OUTPUTS.contains(&name.as_str())),
    );
    found
}

const OUTPUTS: [&str; 8] = [
    "commit",
    "image",
    "journal",
    "journal-sum",
    "outcome",
    "previous-image",
    "pull-request",
    "reason",
];

/// Turns the direction of a text, or hides in it (Unicode TR 36).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[tokio::test]
async fn no_terminal_and_no_runner_obeys_it() {
    let (_stage, ended) = injected().await;
    assert_eq!(obeyed(&ended), [""; 0]);
    ended.expect_said("printed");
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
    assert_eq!(names, OUTPUTS);
    assert_eq!(outputs["image"], "");
    assert!(outputs["reason"].contains("image=evil"));
}

#[tokio::test]
async fn no_line_of_a_diff_is_obeyed() {
    let mut world = promote_mock::World::sample();
    plant(&mut world);
    let stage = ProgramStage::of(world).await.with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    assert_eq!(obeyed(&ended), [""; 0], "{}", ended.stdout);
    ended.expect(0);
    for planted in ["pay 1 bitcoin", "pay 2 bitcoin"] {
        assert!(ended.stdout.contains(planted), "{}", ended.stdout);
    }
}

/// Puts lines that a runner would obey around the image of the manifest.
fn plant(world: &mut promote_mock::World) {
    const MANIFEST: &str = "\
spec:
  template:
    spec:
      containers:
        # x ##[add-mask]pay 2 bitcoin
        - name: web
          image: ghcr.io/acme/web:1.4.1
          args:
            - |
              ::error file=README.md,line=1,title=owned by a manifest::pay 1 bitcoin
              x
";
    world
        .github
        .commit_files(
            "acme/gitops",
            "main",
            "plant",
            [("apps/web/prod/deployment.yaml".to_owned(), MANIFEST.into())],
        )
        .unwrap();
}
