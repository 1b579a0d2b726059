//! Port, the step summary, the annotation, the pull request and the terminal say the same of each ending, in the same words.

use promote_core::text::prose;
use promote_mock::World;
use promote_mock::sample::{RUN, add_reviewer};
use promote_tests::settings::SampleConfig;

use crate::port_user::{PROMOTED, RUN_BACK, RUNS, SeenDeed, SeenRun, act};
use crate::stage::{ProgramEnd, ProgramStage};

/// Kinds of waiting that differ from others by their label and their words only.
const MORE_WAITING: &[SeenRun] = &[
    SeenRun {
        name: "waiting out a freeze",
        settings: |settings| {
            let now = jiff::Timestamp::now();
            let [begin, end] =
                [-24, 24].map(|hours: i64| now + jiff::SignedDuration::from_hours(hours));
            let [begin, end] = [begin, end].map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string());
            settings.more(&format!(
                "freeze = {{ holidays = [\"{begin}..{end}\"], on_no = \"wait\" }}"
            ))
        },
        status: "IN_PROGRESS",
        label: "Waits out freeze",
        has_pull_request: false,
        says: "ghcr.io/acme/web:1.4.2 waits for the end of the freeze, until ",
        ..PROMOTED
    },
    SeenRun {
        name: "waiting for a rule",
        settings: |settings| {
            let rule = "\n[[rule]]\nname = \"mature\"\ndeny = \"true\"\nmessage = \"it is too young\"\non_no = \"wait\"\n";
            SampleConfig::read(&(settings.text() + rule))
        },
        status: "IN_PROGRESS",
        label: "Waits for rule",
        has_pull_request: false,
        says: "waits for the rule mature (it is too young)",
        ..PROMOTED
    },
    SeenRun {
        name: "waiting for a soak",
        settings: |settings| settings.more("soak = { at_least = \"2h\", on_no = \"wait\" }"),
        status: "IN_PROGRESS",
        label: "Waits for soak",
        has_pull_request: false,
        says: "ghcr.io/acme/web:1.4.2 waits for",
        ..PROMOTED
    },
    SeenRun {
        name: "waiting for checks",
        world: ask_for_checks,
        settings: |settings| {
            settings.more("mode = \"checks\"\nchecks = { deadline = \"1s\", every = \"1s\" }")
        },
        status: "IN_PROGRESS",
        label: "Waits for checks",
        says: "waits for `validate`",
        ..PROMOTED
    },
];

/// Has the main branch ask for a check that nobody begins.
fn ask_for_checks(world: &mut World) {
    let repository = world.github.repositories.iter_mut();
    for repository in repository {
        let rules = repository.rules.entry("main".to_owned()).or_default();
        rules.required_checks.push("validate".to_owned());
    }
}

/// Has the host keep its comment under the pull request.
fn with_comment(settings: &SampleConfig) -> SampleConfig {
    let decorated = "\"github.decorate\"";
    let commented = format!("{decorated}, \"github.comment\"");
    SampleConfig::read(&settings.text().replace(decorated, &commented))
}

#[tokio::test]
async fn port_summary_annotation_pull_request_and_terminal_say_the_same() {
    for seen in RUNS.iter().chain(MORE_WAITING) {
        let mut world = World::sample();
        (seen.world)(&mut world);
        add_reviewer(&mut world, 0);
        let stage = ProgramStage::of(world).await.with("GITHUB_ACTIONS", "true");
        let settings = with_comment(&(seen.settings)(SampleConfig::default()));
        let stage = stage.settings(&settings);
        let ended = act(seen.deed, &stage).await;
        let name = seen.name;
        let summary = ended.summary();
        let terminal = last_words(&ended);
        // What Port's user is told of a service's no is in plainer words.
        let is_plainer = name == "failed";
        let head = summary.lines().next().unwrap_or_default();
        let label = match seen.deed {
            SeenDeed::Plan => "Plan: would promote",
            _ => seen.label,
        };
        assert!(head.ends_with(&format!(": {label}")), "{name}: {summary}");
        let said = terminal.trim_start_matches("plan: ");
        let shown = prose(said);
        assert!(summary.contains(&shown), "{name}: {shown}: {summary}");

        let annotated = ended
            .stderr
            .lines()
            .find(|line| line.starts_with("::warning") || line.starts_with("::error"));
        match (annotated, ended.code()) {
            (None, 0) => {}
            (Some(line), 1) => assert!(line.starts_with("::warning"), "{name}: {line}"),
            (Some(line), _) => assert!(line.starts_with("::error"), "{name}: {line}"),
            (None, code) => panic!("{name}: no annotation with exit code {code}"),
        }
        if let Some(line) = annotated {
            assert!(
                line.contains(&format!("::{said}; what to do: ")),
                "{name}: {line}"
            );
        }

        let world = stage.world.lock();
        if seen.deed == SeenDeed::Plan {
            assert!(world.github.pull_requests("acme/gitops").is_empty());
            continue;
        }
        let is_back = seen.deed == SeenDeed::GoBack;
        let run = &world.port.runs[if is_back { RUN_BACK } else { RUN }];
        assert_eq!(run.label.as_deref(), Some(seen.label), "{name}");
        let log = run.logs.last().map(|line| line.message.clone());
        let log = log.unwrap_or_default();
        let told = log.lines().last().unwrap_or_default();
        assert!(told.contains(seen.says), "{name}: {told}");
        if is_plainer {
            let word = |text: &str| text.split(':').next().map(str::to_owned);
            assert_eq!(word(told), word(said), "{name}");
        } else {
            assert_eq!(told, said, "{name}");
        }

        // A pull request that a person closed is theirs: nobody comments on it.
        if seen.has_pull_request && seen.deed != SeenDeed::Close {
            let last = world.github.pull_requests("acme/gitops").pop();
            let comments = last
                .map(|pull| pull.comments.as_slice())
                .unwrap_or_default();
            let text: String = comments.iter().map(|one| one.body.as_str()).collect();
            let words = format!("**{}**: {shown}\n", seen.label);
            assert!(text.contains(&words), "{name}: {text}");
        }
    }
}

/// Returns the last word that a terminal shows: of a run on standard output, of `resume` in the line of its run.
fn last_words(ended: &ProgramEnd) -> String {
    let resumed = ended.stderr.lines().rev().find_map(|line| {
        let (_, said) = line.strip_prefix("Port run ")?.split_once(": ")?;
        Some(said.to_owned())
    });
    let last = ended.stdout.lines().last().unwrap_or_default();
    resumed.unwrap_or_else(|| last.to_owned())
}
