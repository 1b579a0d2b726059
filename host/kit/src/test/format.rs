//! Reports of scenarios in words, JSON, JUnit's XML or annotations. All text is made harmless: scenarios hold hostile
//! data on purpose.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use clap::ValueEnum;

use super::swept::SweepTotals;
use crate::coverage::CallCoverage;
use crate::scenario::{MadeCall, ReportedRun, ScenarioProblem, ScenarioReport};
use promote_core::text;
use promote_run::json_text;

/// The form of what is said of scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// JUnit's XML, for CI servers
    Junit,
    /// Annotations of a GitHub workflow
    Github,
}

/// The result of all scenarios.
#[derive(Default)]
pub(super) struct TestResult {
    pub(super) reports: Vec<ScenarioReport>,
    /// What is wrong with the files that cannot be used.
    pub(super) unusable: Vec<String>,
    pub(super) took: Duration,
    /// Of a sweep.
    pub(super) sweep: Option<SweepTotals>,
    /// If it was asked for.
    pub(super) coverage: Option<CallCoverage>,
}

impl TestResult {
    fn passed(&self) -> usize {
        let reports = self.reports.iter();
        reports.filter(|report| report.passed()).count()
    }
}

/// Returns everything that is said when all have ended.
pub(super) fn whole(format: TestFormat, result: &TestResult) -> String {
    match format {
        TestFormat::Text => format!("{}\n{}\n", tables(result), summary(result)),
        TestFormat::Json => {
            let mut json = json(result);
            if let Some(sweep) = &result.sweep {
                json["sweep"] = sweep.json();
            }
            if let Some(coverage) = &result.coverage {
                json["coverage"] = coverage.json();
            }
            json_text(json)
        }
        TestFormat::Junit => junit(result),
        TestFormat::Github => format!("{}{}", github(result), tables(result)),
    }
}

fn tables(result: &TestResult) -> String {
    let sweep = result
        .sweep
        .as_ref()
        .map(|sweep| format!("\n{}\n", sweep.table()));
    let coverage = result
        .coverage
        .as_ref()
        .map(|coverage| format!("\n{}\n", coverage.table()));
    [sweep, coverage].into_iter().flatten().collect()
}

/// One scenario as a line, and below it what is wrong and the calls that were made.
pub(super) fn pretty(report: &ScenarioReport) -> String {
    let mut text = format!("{}\n", progress(report));
    let lines = if report.passed() {
        printed(report)
    } else {
        details(report)
    };
    for line in lines {
        let _ = writeln!(text, "      {line}");
    }
    text
}

/// One scenario as a line.
pub(super) fn progress(report: &ScenarioReport) -> String {
    let mark = if report.passed() { "ok  " } else { "FAIL" };
    let millis = report.took.as_millis();
    let title = text::log(&text::line(&report.title));
    format!("{mark}  {title}  ({}, {millis} ms)", report.path.display())
}

fn summary(result: &TestResult) -> String {
    let passed = result.passed();
    let failed = result.reports.len() - passed;
    let unusable = match result.unusable.len() {
        0 => String::new(),
        1 => ", 1 file cannot be used".to_owned(),
        count => format!(", {count} files cannot be used"),
    };
    format!(
        "{passed} passed, {failed} failed{unusable} ({:.1} s)",
        result.took.as_secs_f32()
    )
}

/// Lists the problems and the calls, line by line.
fn details(report: &ScenarioReport) -> Vec<String> {
    let mut lines = Vec::new();
    for problem in &report.problems {
        lines.push(title(report, problem));
        let sides = [
            ("expected", &problem.mismatch.expected),
            ("actual", &problem.mismatch.actual),
        ];
        for (side, shown) in sides {
            let mut shown = shown.lines().map(text::log);
            lines.push(format!("  {side:8}  {}", shown.next().unwrap_or_default()));
            lines.extend(shown.map(|line| format!("            {line}")));
        }
    }
    for run in &report.runs {
        lines.extend(words(run));
        lines.push(format!("calls of step {}:", run.step));
        let calls = run.calls.iter().enumerate();
        lines.extend(calls.map(|(number, made)| {
            format!(
                "  {:>2}  {}",
                number + 1,
                text::log(&text::line(&made.line()))
            )
        }));
    }
    lines
}

/// What a run came to in its own words: how it ended, which rules refused, what the policy printed.
fn words(run: &ReportedRun) -> Vec<String> {
    let harmless = |line: &str| text::log(&text::line(line));
    let ending = run.ending.unwrap_or("none");
    let mut lines = vec![format!(
        "step {} ended as {ending}: {}",
        run.step,
        harmless(&run.message)
    )];
    if !run.rules.is_empty() {
        lines.push(format!("  rules: {}", harmless(&run.rules.join(", "))));
    }
    let printed = run.printed.lines().filter(|line| !line.trim().is_empty());
    lines.extend(printed.map(|line| format!("  policy: {}", text::log(line))));
    lines
}

/// What the policy printed, of a scenario that holds: somebody wants to see it, or would not have printed it.
fn printed(report: &ScenarioReport) -> Vec<String> {
    let runs = report.runs.iter();
    let printing = runs.filter(|run| !run.printed.trim().is_empty());
    printing.flat_map(words).collect()
}

fn title(report: &ScenarioReport, problem: &ScenarioProblem) -> String {
    let path = report.path.display();
    let line = problem.line;
    let step = problem.step;
    let key = text::log(&text::line(&problem.mismatch.key));
    let at = problem.at;
    format!("{path}:{line}: step {step}: {key} {at}")
}

fn json(result: &TestResult) -> Value {
    let reports = &result.reports;
    let problem = |problem: &ScenarioProblem| {
        let mismatch = &problem.mismatch;
        json!({
            "step": problem.step, "line": problem.line, "at": problem.at,
            "key": mismatch.key, "expected": mismatch.expected, "actual": mismatch.actual,
        })
    };
    let scenario = |report: &ScenarioReport| {
        let names = |run: &ReportedRun| run.calls.iter().map(MadeCall::name).collect::<Vec<_>>();
        let run = |run: &ReportedRun| {
            json!({
                "step": run.step, "ending": run.ending, "message": run.message, "rules": run.rules,
                "printed": run.printed, "calls": names(run),
            })
        };
        json!({
            "title": report.title, "path": report.path, "passed": report.passed(),
            "milliseconds": millis(report.took),
            "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
            "runs": report.runs.iter().map(run).collect::<Vec<_>>(),
        })
    };
    let passed = result.passed();
    json!({
        "passed": passed, "failed": reports.len() - passed, "unusable": result.unusable,
        "milliseconds": millis(result.took),
        "scenarios": reports.iter().map(scenario).collect::<Vec<_>>(),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn junit(result: &TestResult) -> String {
    let reports = &result.reports;
    let unusable = &result.unusable;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"promote test\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\">\n",
        reports.len() + unusable.len(),
        reports.len() - result.passed(),
        unusable.len(),
        result.took.as_secs_f32()
    );
    for error in unusable.iter().map(|error| escape(&text::line(error))) {
        let _ = writeln!(
            xml,
            "    <testcase name=\"a file that cannot be used\">\n      <error message=\"{error}\"/>\n    </testcase>"
        );
    }
    for report in reports {
        let name = escape(&report.title);
        let class = escape(&report.path.display().to_string());
        let time = report.took.as_secs_f32();
        let _ = write!(
            xml,
            "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time:.3}\""
        );
        if let Some(first) = report.problems.first() {
            let message = escape(&title(report, first));
            let body = escape(&details(report).join("\n"));
            let _ = writeln!(
                xml,
                ">\n      <failure message=\"{message}\">{body}</failure>\n    </testcase>"
            );
        } else {
            xml.push_str("/>\n");
        }
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text in XML; what XML cannot hold at all is made a space.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// An annotation for each problem, at its line (GitHub, "Workflow commands for GitHub Actions").
fn github(result: &TestResult) -> String {
    let mut all = String::new();
    for error in &result.unusable {
        let _ = writeln!(all, "::error::{}", text::command_data(&text::line(error)));
    }
    for report in &result.reports {
        for problem in &report.problems {
            let mismatch = &problem.mismatch;
            let mut message = format!(
                "step {}: {} {}\nexpected: {}\nactual: {}",
                problem.step, mismatch.key, problem.at, mismatch.expected, mismatch.actual
            );
            let run = report.runs.iter().find(|run| run.step == problem.step);
            for line in run.map(words).unwrap_or_default() {
                let _ = write!(message, "\n{line}");
            }
            let message: Vec<String> = message.lines().map(text::line).collect();
            let _ = writeln!(
                all,
                "::error file={},line={},title={}::{}",
                property(&report.path.display().to_string()),
                problem.line,
                property(&text::log(&text::line(&report.title))),
                text::command_data(&message.join("\n"))
            );
        }
    }
    let _ = writeln!(all, "{}", summary(result));
    all
}

/// A property of a workflow command (actions/toolkit, command.ts).
fn property(text: &str) -> String {
    text::command_data(text)
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::scenario::ExpectMismatch;

    fn reports() -> Vec<ScenarioReport> {
        let report = |title: &str, problems| ScenarioReport {
            title: title.to_owned(),
            path: PathBuf::from("a,b.toml"),
            took: Duration::from_millis(12),
            problems,
            runs: vec![ReportedRun {
                step: 1,
                ending: Some("refused"),
                message: "locked \u{1b}[31m".to_owned(),
                rules: vec!["lock".to_owned()],
                printed: "looking\n::error::y\n".to_owned(),
                calls: Vec::new(),
                journal: String::new(),
            }],
        };
        let mismatch = ExpectMismatch {
            key: "message".to_owned(),
            expected: "<b>".to_owned(),
            actual: "::error::x\n\u{1b}[31m".to_owned(),
        };
        let problem = ScenarioProblem {
            line: 3,
            step: 1,
            at: "on the mock",
            mismatch,
            snapshot: None,
        };
        vec![
            report("fine", Vec::new()),
            report("not fine", vec![problem]),
        ]
    }

    fn result() -> TestResult {
        TestResult {
            reports: reports(),
            took: Duration::from_secs(1),
            ..TestResult::default()
        }
    }

    #[test]
    fn every_format_tells_what_cannot_be_used() {
        let result = TestResult {
            unusable: vec!["a.toml:3: unknown key `<b>`\n::error::x".to_owned()],
            ..result()
        };
        for (format, told) in [
            (TestFormat::Text, "1 failed, 1 file cannot be used"),
            (TestFormat::Json, "a.toml:3: unknown key"),
            (TestFormat::Junit, "tests=\"3\" failures=\"1\" errors=\"1\""),
            (TestFormat::Junit, "unknown key `&lt;b&gt;`"),
            (TestFormat::Github, "::error::a.toml:3: unknown key"),
        ] {
            let text = whole(format, &result);
            assert!(text.contains(told), "{format:?}: {text}");
            assert!(!text.contains("\n::error::x"), "{format:?}: {text}");
        }
    }

    #[test]
    fn every_format_counts_and_none_passes_on_what_is_hostile() {
        for (format, counts) in [
            (TestFormat::Text, "1 passed, 1 failed"),
            (TestFormat::Json, "\"failed\": 1"),
            (TestFormat::Junit, "tests=\"2\" failures=\"1\""),
            (TestFormat::Github, "1 passed, 1 failed"),
        ] {
            let text = whole(format, &result());
            assert!(text.contains(counts), "{format:?}: {text}");
            assert!(
                !text.contains('\u{1b}') && !text.contains("\n::error::x"),
                "{format:?}: {text}"
            );
        }
    }

    #[test]
    fn a_failure_shows_both_sides_and_where() {
        let shown = pretty(&reports()[1]);
        for part in [
            "FAIL  not fine",
            "a,b.toml:3: step 1: message on the mock",
            "step 1 ended as refused: locked",
            "rules: lock",
            "policy: looking",
            "expected  <b>",
            "actual    : :error::x",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let annotation = github(&result());
        assert!(
            annotation.starts_with("::error file=a%2Cb.toml,line=3,title=not fine::step 1"),
            "{annotation}"
        );
        let xml = junit(&result());
        assert!(xml.contains("expected  &lt;b&gt;"), "{xml}");
        for said in [annotation, xml] {
            assert!(said.contains("ended as refused: locked"), "{said}");
            assert!(said.contains("policy: looking"), "{said}");
        }
    }

    #[test]
    fn what_a_policy_prints_is_shown_although_the_scenario_holds() {
        let shown = pretty(&reports()[0]);
        assert!(shown.contains("policy: looking"), "{shown}");
        assert!(!shown.contains("\n::error"), "{shown}");
    }
}
