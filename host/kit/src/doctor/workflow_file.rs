//! A workflow file of GitHub, as far as doctor reads it: what starts it, its name for a run, and where its jobs run.
//!
//! The file is other people's: it is read within limits, and what it says is only compared and shown.

use std::collections::BTreeMap;

use promote_core::run::resume::RUN_NAME;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};

/// The largest file that is read; GitHub takes none over 512 KiB.
const MAX_BYTES: usize = 512 << 10;
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 64;

/// A workflow file.
#[derive(Debug)]
pub(super) struct ParsedWorkflow(Value);

/// An input of `workflow_dispatch`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DispatchInput<'a> {
    pub(super) name: &'a str,
    /// Whether GitHub refuses to start the workflow without it.
    pub(super) is_needed: bool,
}

/// The environment of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JobEnvironment<'a> {
    Missing,
    Named(&'a str),
    /// An expression says it, or a workflow that the job calls.
    Elsewhere,
}

impl ParsedWorkflow {
    /// Reads a file.
    ///
    /// # Errors
    /// Says in which line it is no YAML, or which limit it is over.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        let mut reader = PlainReader {
            parser: Parser::new_from_str(text),
            anchors: Vec::new(),
            nodes: 0,
        };
        reader.document().map(Self)
    }

    /// Returns the inputs of `workflow_dispatch`; none if nobody can start the workflow so.
    pub(super) fn dispatch_inputs(&self) -> Option<Vec<DispatchInput<'_>>> {
        const DISPATCH: &str = "workflow_dispatch";
        let dispatch = match &self.0["on"] {
            Value::Object(events) => events.get(DISPATCH)?,
            Value::Array(events) if events.iter().any(|event| event == DISPATCH) => &Value::Null,
            Value::String(event) if event == DISPATCH => &Value::Null,
            _ => return None,
        };
        let inputs = dispatch["inputs"].as_object().into_iter().flatten();
        Some(
            inputs
                .map(|(name, input)| DispatchInput {
                    name,
                    is_needed: input["required"] == "true" && input["default"].is_null(),
                })
                .collect(),
        )
    }

    /// Returns whether each run is called by the Port run that it works for.
    pub(super) fn names_port_run(&self) -> bool {
        let rest = self.0["run-name"]
            .as_str()
            .and_then(|name| name.strip_prefix(RUN_NAME));
        rest.is_some_and(|rest| {
            rest.starts_with("${{") && (rest.contains("run_id") || rest.contains("runId"))
        })
    }

    /// Returns the environments of the jobs that promote.
    pub(super) fn environments(&self) -> Vec<JobEnvironment<'_>> {
        self.promoting().into_iter().map(environment_of).collect()
    }

    /// Returns whether a job that promotes acts with the workflow's own token.
    pub(super) fn acts_with_own_token(&self) -> bool {
        let mut steps = self.promoting().into_iter().flat_map(steps);
        steps.any(|step| {
            let token = step["with"]["github-token"].as_str().unwrap_or_default();
            token.contains("github.token") || token.contains("secrets.GITHUB_TOKEN")
        })
    }

    /// Returns which of these permissions a job that promotes does not give its token. Without a word about permissions the
    /// repository's settings decide, which this cannot tell.
    pub(super) fn lacking(&self, needed: &BTreeMap<String, String>) -> Vec<String> {
        let mut lacking = Vec::new();
        for job in self.promoting() {
            let given = match &job["permissions"] {
                Value::Null => &self.0["permissions"],
                own => own,
            };
            for (name, level) in needed {
                let has = match given {
                    Value::Null => true,
                    Value::String(all) => {
                        all == "write-all" || (all == "read-all" && level == "read")
                    }
                    given => given[name] == "write" || given[name] == level.as_str(),
                };
                let line = format!("{name}: {level}");
                if !has && !lacking.contains(&line) {
                    lacking.push(line);
                }
            }
        }
        lacking
    }

    /// The jobs that are given Port's credentials, or all if no job can be told by that.
    fn promoting(&self) -> Vec<&Value> {
        let jobs = || self.0["jobs"].as_object().into_iter().flat_map(Map::values);
        let promoting: Vec<&Value> = jobs().filter(|job| promotes(job)).collect();
        if promoting.is_empty() {
            jobs().collect()
        } else {
            promoting
        }
    }
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

fn promotes(job: &Value) -> bool {
    steps(job).any(|step| {
        step["with"].get("port-client-id").is_some() || step["env"].get("PORT_CLIENT_ID").is_some()
    })
}

fn environment_of(job: &Value) -> JobEnvironment<'_> {
    let environment = &job["environment"];
    let name = environment.as_str().or(environment["name"].as_str());
    match name {
        Some(name) if name.contains("${{") => JobEnvironment::Elsewhere,
        Some(name) => JobEnvironment::Named(name),
        None if job["uses"].is_string() => JobEnvironment::Elsewhere,
        None => JobEnvironment::Missing,
    }
}

/// Makes plain values of YAML: every scalar is its text, an empty one is null.
struct PlainReader<'p> {
    parser: Parser<'p, StrInput<'p>>,
    anchors: Vec<(usize, Value)>,
    nodes: usize,
}

impl<'p> PlainReader<'p> {
    fn next(&mut self) -> Result<(Event<'p>, Span), String> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(format!("line {}: {}", error.marker().line(), error.info())),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn document(&mut self) -> Result<Value, String> {
        loop {
            match self.next()?.0 {
                Event::StreamStart | Event::Nothing => {}
                Event::DocumentStart(_) => {
                    let event = self.next()?;
                    return self.value(event, 0);
                }
                _ => return Err("it is empty".to_owned()),
            }
        }
    }

    fn value(&mut self, event: (Event<'p>, Span), depth: usize) -> Result<Value, String> {
        let (event, span) = event;
        self.count(1)?;
        if depth > MAX_DEPTH {
            return Err(format!(
                "line {}: it is nested too deeply",
                span.start.line()
            ));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor),
            Event::Scalar(text, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain
                    && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null {
                    Value::Null
                } else {
                    Value::String(text.into_owned())
                };
                (anchor, value)
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            _ => return Err(format!("line {}: a value is missing", span.start.line())),
        };
        if anchor != 0 {
            self.anchors.push((anchor, value.clone()));
        }
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                event => items.push(self.value(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, String> {
        let mut entries = Map::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(entries)),
                event => self.value(event, depth + 1)?,
            };
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            if let Value::String(key) = key {
                entries.insert(key, value);
            }
        }
    }

    /// A copy of what an anchor stands for, which counts as much as if it were written out.
    fn alias(&mut self, anchor: usize) -> Result<Value, String> {
        let mut known = self.anchors.iter().rev();
        let value = known
            .find(|(known, _)| *known == anchor)
            .map(|(_, value)| value.clone());
        let value = value.ok_or_else(|| "an alias stands for nothing".to_owned())?;
        self.count(size(&value))?;
        Ok(value)
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(format!("it has more than {MAX_NODES} values"));
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    let below: usize = match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(entries) => entries.values().map(size).sum(),
        _ => 0,
    };
    below + 1
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str) -> ParsedWorkflow {
        ParsedWorkflow::parse(text).unwrap()
    }

    #[test]
    fn a_dispatch_is_found_in_every_form() {
        for (text, expected) in [
            ("on: push\n", None),
            ("on: workflow_dispatch\n", Some(vec![])),
            ("\"on\": [push, workflow_dispatch]\n", Some(vec![])),
            ("on:\n  workflow_dispatch:\n", Some(vec![])),
            ("on:\n  push:\n", None),
            (
                "on:\n  workflow_dispatch:\n    inputs:\n      a: { required: true }\n      b: { required: true, default: x }\n      c:\n",
                Some(vec![("a", true), ("b", false), ("c", false)]),
            ),
            (
                "x: &it\n  inputs:\n    a:\non:\n  workflow_dispatch: *it\n",
                Some(vec![("a", false)]),
            ),
        ] {
            let found = parse(text);
            let found = found.dispatch_inputs().map(|inputs| {
                let inputs = inputs.iter().map(|it| (it.name, it.is_needed));
                inputs.collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_run_is_called_by_its_port_run() {
        let own = "run-name: Port run ${{ fromJSON(inputs.port_payload).run_id }}\n";
        assert!(parse(own).names_port_run());
        for other in [
            "on: push\n",
            "run-name: Port run 1\n",
            "run-name: ${{ inputs.run_id }}\n",
        ] {
            assert!(!parse(other).names_port_run(), "{other}");
        }
    }

    #[test]
    fn the_environment_is_that_of_the_job_that_promotes() {
        let text = "jobs:\n  lint:\n    environment: docs\n  promote:\n    environment:\n      name: production\n    steps:\n      - with: { port-client-id: x }\n";
        assert_eq!(
            parse(text).environments(),
            [JobEnvironment::Named("production")]
        );
        for (job, expected) in [
            ("runs-on: ubuntu-24.04", JobEnvironment::Missing),
            ("environment: live", JobEnvironment::Named("live")),
            ("environment: ${{ inputs.to }}", JobEnvironment::Elsewhere),
            (
                "uses: ./.github/workflows/other.yml",
                JobEnvironment::Elsewhere,
            ),
        ] {
            let text = format!("jobs:\n  one:\n    {job}\n");
            assert_eq!(parse(&text).environments(), [expected], "{job}");
        }
    }

    #[test]
    fn what_is_no_workflow_is_refused_in_words() {
        let deep = "[".repeat(200);
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for at in 1..40 {
            let before = at - 1;
            bomb += &format!("a{at}: &a{at} [*a{before}, *a{before}]\n");
        }
        for (text, said) in [
            ("", "it is empty"),
            ("on: [push", "line"),
            (deep.as_str(), "nested too deeply"),
            (bomb.as_str(), "more than 20000 values"),
            (&"#".repeat(MAX_BYTES + 1), "bytes"),
        ] {
            let refusal = ParsedWorkflow::parse(text).unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
        assert_eq!(parse("- a\n").dispatch_inputs(), None);
    }
}
