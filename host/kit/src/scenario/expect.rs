//! Holds what came of a step against what was expected.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ask::{
    CallName, ExpectedTexts, FileExpect, PullExpect, PullWord, RunExpect, StepExpect,
};
use super::change::{forbidden, unnamed};
use super::diff::{changed_files, only};
use super::error::near;
use super::made::MadeCall;
use super::others::{changed, others};
use super::result::{ExpectMismatch, StepResult};
use promote_core::run::RunMode;
use promote_mock::github::RepositoryState;
use promote_mock::port::{CatalogEntity, RelationTargets};
use promote_mock::{World, WorldEvent};

/// Everything that is not as expected.
pub(super) fn check(expect: &StepExpect, ran: &StepResult) -> Vec<ExpectMismatch> {
    let mut found = MismatchList(Vec::new());
    found.ending(expect, ran);
    found.calls(expect, ran);
    found.git(expect, ran);
    found.port(expect, ran);
    found.always(expect, ran);
    found.0
}

const NOTHING_ELSE: &str =
    "nothing but the log and end of the Port run, and what the expectation names";

struct MismatchList(Vec<ExpectMismatch>);

impl MismatchList {
    fn add(
        &mut self,
        key: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        self.0.push(ExpectMismatch {
            key: key.into(),
            expected: expected.into(),
            actual: actual.into(),
        });
    }

    fn same(&mut self, key: &str, expected: Option<impl ToString>, actual: impl ToString) {
        if let Some(expected) = expected.map(|expected| expected.to_string())
            && let actual = actual.to_string()
            && actual != expected
        {
            self.add(key, expected, actual);
        }
    }

    fn holds(&mut self, key: &str, expected: &ExpectedTexts, actual: &str) {
        for text in expected.0.iter().filter(|text| !actual.contains(*text)) {
            self.add(key, format!("… {text} …"), actual);
        }
    }

    fn ending(&mut self, expect: &StepExpect, ran: &StepResult) {
        self.same(
            "outcome",
            expect.outcome.map(|kind| kind.name()),
            ran.ending.unwrap_or("none"),
        );
        let exit = ran.exit.map_or("none".to_owned(), |exit| exit.to_string());
        self.same("exit", expect.exit, exit);
        self.same(
            "rules",
            expect.rules.as_ref().map(|rules| rules.join(", ")),
            ran.rules.join(", "),
        );
        self.holds("message", &expect.message, &ran.message);
        self.holds("says", &expect.says, &ran.said.join("\n"));
    }

    fn calls(&mut self, expect: &StepExpect, ran: &StepResult) {
        let made: Vec<String> = ran.calls.iter().map(MadeCall::name).collect();
        let names = |names: &[CallName]| {
            names
                .iter()
                .map(|name| name.text().to_owned())
                .collect::<Vec<_>>()
        };
        self.same(
            "calls",
            expect.calls.as_deref().map(|calls| names(calls).join("\n")),
            made.join("\n"),
        );
        let writing = ran
            .calls
            .iter()
            .zip(&made)
            .filter(|(call, _)| call.changes_something());
        let writing: Vec<&str> = writing.map(|(_, name)| name.as_str()).collect();
        self.same(
            "writes",
            expect
                .writes
                .as_deref()
                .map(|calls| names(calls).join("\n")),
            writing.join("\n"),
        );
        let mut left = made.iter();
        let missing = expect
            .includes
            .iter()
            .find(|name| !left.any(|made| made == name.text()));
        if let Some(missing) = missing {
            let expected = format!(
                "{} (the first that is missing: {})",
                names(&expect.includes).join(", "),
                missing.text()
            );
            self.add("includes", expected, made.join("\n"));
        }
        for name in expect
            .never
            .iter()
            .filter(|name| made.iter().any(|made| is(made, name.text())))
        {
            self.add("never", format!("no {}", name.text()), made.join("\n"));
        }
        if let Some(most) = expect.requests
            && ran.requests.len() > most
        {
            let requests: Vec<String> = ran
                .requests
                .iter()
                .map(|seen| format!("{} {}", seen.method, seen.path))
                .collect();
            self.add(
                "requests",
                format!("at most {most}"),
                format!("{}:\n{}", requests.len(), requests.join("\n")),
            );
        }
    }

    fn git(&mut self, expect: &StepExpect, ran: &StepResult) {
        if let Some(expected) = &expect.diff {
            let expected: BTreeMap<&str, &str> = expected
                .iter()
                .map(|(path, lines)| (path.as_str(), lines.trim_end_matches('\n')))
                .collect();
            let actual = changed_files(ran);
            let actual: BTreeMap<&str, &str> = actual
                .iter()
                .map(|(path, lines)| (path.as_str(), lines.as_str()))
                .collect();
            // Where removed and added lines stand between each other is the differ's choice.
            let expected_lines = expected.values().copied().map(removed_and_added);
            let actual_lines = actual.values().copied().map(removed_and_added);
            if !expected.keys().eq(actual.keys()) || !expected_lines.eq(actual_lines) {
                self.add("diff", show_diff(&expected), show_diff(&actual));
            }
        }
        for (name, expected) in &expect.files {
            self.file(name, expected, &ran.after);
        }
        let Some(repository) = ran.after.github.repositories.first() else {
            return;
        };
        let pulls: Vec<&str> = repository
            .pulls
            .values()
            .map(|pull| PullWord::of(&pull.state).name())
            .collect();
        let expected = expect.pulls.as_ref().map(|pulls| {
            pulls
                .iter()
                .map(|pull| pull.name())
                .collect::<Vec<_>>()
                .join(", ")
        });
        self.same("pulls", expected, pulls.join(", "));
        for (number, expected) in &expect.pull {
            self.pull(number, expected, repository);
        }
        let branches = ran
            .after
            .github
            .branches(&repository.full_name())
            .join(", ");
        self.same(
            "branches",
            expect.branches.as_ref().map(|branches| branches.join(", ")),
            branches,
        );
    }

    fn pull(&mut self, number: &str, expected: &PullExpect, repository: &RepositoryState) {
        let key = |part: &str| format!("pull.{number}.{part}");
        let Some(pull) = number
            .parse()
            .ok()
            .and_then(|number: u64| repository.pulls.get(&number))
        else {
            let known: Vec<String> = repository.pulls.keys().map(ToString::to_string).collect();
            return self.add(
                format!("pull.{number}"),
                "a pull request",
                missing(number, &known),
            );
        };
        let (people, teams) = &pull.reviewers;
        let listed = |names: &Option<Vec<String>>| names.as_ref().map(|names| names.join(", "));
        let of = |names: Vec<&str>| names.join(", ");
        self.same(&key("title"), expected.title.as_ref(), &pull.title);
        self.holds(
            &key("body"),
            &expected.body,
            pull.body.as_deref().unwrap_or_default(),
        );
        let labels = pull.labels.iter().map(String::as_str);
        self.same(
            &key("labels"),
            listed(&expected.labels),
            of(labels.collect()),
        );
        let reviewers = people.iter().chain(teams).map(String::as_str);
        self.same(
            &key("reviewers"),
            listed(&expected.reviewers),
            of(reviewers.collect()),
        );
        let comments: Vec<&str> = pull
            .comments
            .iter()
            .map(|comment| comment.body.as_str())
            .collect();
        self.holds(&key("comments"), &expected.comments, &comments.join("\n"));
    }

    fn file(&mut self, name: &str, expected: &FileExpect, world: &World) {
        let key = format!("files.\"{name}\"");
        let (repository, path) = match name.split_once(':') {
            Some((repository, path)) => (world.github.find(repository), path),
            None => (
                world.github.repositories.first().map(|first| &**first),
                name,
            ),
        };
        let Some(repository) = repository else {
            let known = world
                .github
                .repositories
                .iter()
                .map(|known| known.full_name());
            let named = name.split(':').next().unwrap_or_default();
            return self.add(
                key,
                "a repository",
                missing(named, &known.collect::<Vec<_>>()),
            );
        };
        let full = repository.full_name();
        let base = &repository.settings.default_branch;
        let entry = world.github.entry_at(&full, base, path);
        let text = world.github.file_at(&full, base, path);
        let there = |there: bool| {
            if there {
                "it exists"
            } else {
                "it does not exist"
            }
        };
        match (expected, text) {
            (FileExpect::Whole(expected), Some(text)) => {
                if *expected != text {
                    self.add(key, format!("{expected:?}"), format!("{text:?}"));
                }
            }
            (FileExpect::Parts(parts), Some(text)) => {
                self.same(&key, Some(there(parts.exists)), there(true));
                self.holds(&key, &parts.holds, &text);
                let mode = entry.map(|entry| entry.mode.digits()).unwrap_or_default();
                self.same(&format!("{key}.mode"), parts.mode.as_ref(), mode);
            }
            (FileExpect::Parts(parts), None) if !parts.exists => {}
            (_, None) => self.add(key, there(true), there(false)),
        }
    }

    fn port(&mut self, expect: &StepExpect, ran: &StepResult) {
        for (name, fields) in &expect.entities {
            let found = name
                .split_once('/')
                .and_then(|(blueprint, identifier)| ran.after.port.entity(blueprint, identifier));
            let Some(entity) = found else {
                let known = ran
                    .after
                    .port
                    .entities
                    .keys()
                    .map(|(blueprint, id)| format!("{blueprint}/{id}"));
                let actual = missing(name, &known.collect::<Vec<_>>());
                self.add(format!("entities.\"{name}\""), "an entity", actual);
                continue;
            };
            for (field, expected) in fields {
                let key = format!("entities.\"{name}\".{field}");
                self.same(&key, Some(expected), show_field(entity, field));
            }
        }
        if let Some(expected) = &expect.run {
            self.run(expected, ran);
        }
    }

    fn run(&mut self, expected: &RunExpect, ran: &StepResult) {
        let id = expected.id.as_ref().or(ran.run.as_ref());
        let Some(run) = id.and_then(|id| ran.after.port.runs.get(id)) else {
            let known: Vec<String> = ran.after.port.runs.keys().cloned().collect();
            return self.add(
                "run",
                "a Port run",
                missing(id.map_or("", String::as_str), &known),
            );
        };
        self.same("run.status", expected.status.as_ref(), run.status.as_str());
        self.same(
            "run.label",
            expected.label.as_ref(),
            run.label.as_deref().unwrap_or("none"),
        );
        let log: Vec<&str> = run.logs.iter().map(|line| line.message.as_str()).collect();
        self.holds("run.log", &expected.log, &log.join("\n"));
        if expected.lines.is_some_and(|lines| lines != log.len()) {
            self.same(
                "run.lines",
                expected.lines,
                format!("{}:\n{}", log.len(), log.join("\n")),
            );
        }
    }

    /// Checks what holds of every step, also where the scenario does not ask for it.
    fn always(&mut self, expect: &StepExpect, ran: &StepResult) {
        if expect.no_writes || ran.mode == Some(RunMode::Plan) {
            let keep = if expect.no_writes {
                ran.run.as_deref()
            } else {
                None
            };
            if let Some([before, after]) = changed(&ran.before, &ran.after, keep) {
                match forbidden(&ran.before, &ran.after, keep) {
                    Some(changes) => self.add("no-writes", NOTHING_ELSE, changes),
                    None => {
                        let (gone, new) = only(&before, &after);
                        self.add("no-writes", gone, new);
                    }
                }
            }
        }
        if expect.no_other_writes {
            let before = others(&ran.before, expect, ran);
            let after = others(&ran.after, expect, ran);
            if before != after {
                match unnamed(expect, ran) {
                    Some(changes) => self.add("no-other-writes", NOTHING_ELSE, changes),
                    None => {
                        let (gone, new) = only(&before, &after);
                        self.add("no-other-writes", gone, new);
                    }
                }
            }
        }
        // Of these it would show if they had happened.
        let shows = matches!(
            ran.event,
            Some(WorldEvent::Request(_) | WorldEvent::GitHub(_))
        );
        if shows && ran.before.fingerprint() == ran.after.fingerprint() {
            let actual = "it had none: what it names is not there, or the service refused it";
            self.add("event", "an effect", actual);
        }
        for place in &ran.leaks {
            self.add("secrets", "in no place that anybody reads", *place);
        }
        for seen in ran.requests.iter().filter(|seen| seen.unknown) {
            let actual = format!("{} {} at {}", seen.method, seen.path, seen.service);
            self.add("requests", "only what the mock world knows", actual);
        }
    }
}

/// Says that there is no such thing, and which name may have been meant.
fn missing(name: &str, known: &[String]) -> String {
    let hint = near(name, known.iter().map(String::as_str));
    let hint = hint
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!("there is none of that name{hint}")
}

/// Returns whether a made call is meant by a name without a failure, too.
fn is(made: &str, name: &str) -> bool {
    made == name || made.split_once(": ").is_some_and(|(made, _)| made == name)
}

fn show_field(entity: &CatalogEntity, field: &str) -> String {
    let value = match (field, entity.relations.get(field)) {
        ("title", _) => entity.title.clone().map_or(Value::Null, Value::String),
        (_, Some(RelationTargets::One(one))) => one.clone().into(),
        (_, Some(RelationTargets::Many(many))) => many.clone().into(),
        (_, None) => entity.properties.get(field).cloned().unwrap_or_default(),
    };
    value.to_string()
}

/// The lines of a difference that are removed, and those that are added or say something else.
fn removed_and_added(lines: &str) -> (Vec<&str>, Vec<&str>) {
    lines.lines().partition(|line| line.starts_with('-'))
}

fn show_diff(files: &BTreeMap<&str, &str>) -> String {
    let shown = files.iter().map(|(path, lines)| format!("{path}\n{lines}"));
    match files.len() {
        0 => "no difference".to_owned(),
        _ => shown.collect::<Vec<_>>().join("\n"),
    }
}
