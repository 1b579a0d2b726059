//! From the text of a scenario file to a [`Scenario`].
//!
//! The text is read twice: once into types, so that whatever has no meaning is found where it stands, and once as plain
//! tables, which are laid over what the scenario starts from.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::{Spanned, Table};

use super::ask::Expect;
use super::error::{ScenarioError, Source};
use super::lay::{Lists, is_entity, lay, take, take_entity};
use super::{Act, Scenario, Step};
use crate::core::grants::Grants;
use crate::core::limits::Limits;
use crate::core::run::Mode;
use crate::kit::demo::CONFIG;
use crate::request::config::{ComponentRef, Config, PolicyConfig, PortConfig};
use crate::request::limits::Table as LimitsTable;
use crate::world::file::{EventFile, GitHubFile, PortFile};
use crate::world::{Event, Faults, World, sample};

/// The sample world, as far as files can be laid over it.
static WORLD: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(sample::SAMPLE).expect("the embedded sample is TOML"));

/// The sample configuration, as a table and as what it means.
static SAMPLE_CONFIG: LazyLock<(Table, Config)> = LazyLock::new(|| {
    let table = toml::from_str(CONFIG).expect("the embedded sample is TOML");
    (table, Config::parse(CONFIG).expect("the embedded sample is a configuration"))
});

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ScenarioFile {
    title: Option<String>,
    #[serde(default)]
    given: Given,
    #[serde(default)]
    config: ConfigFile,
    #[serde(rename = "do")]
    act: Option<Spanned<Do>>,
    payload: Option<Spanned<PayloadFile>>,
    expect: Option<Spanned<Expect>>,
    #[serde(default)]
    step: Vec<Spanned<StepFile>>,
}

/// A world file, which one it is laid over, and what is taken away from that.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Given {
    world: Option<Spanned<String>>,
    without: Vec<Spanned<String>>,
    #[serde(rename = "start")]
    _start: Option<Timestamp>,
    #[serde(rename = "port")]
    _port: PortFile,
    #[serde(rename = "github")]
    _github: GitHubFile,
    #[serde(rename = "faults")]
    _faults: Faults,
    #[serde(rename = "events")]
    _events: Vec<Spanned<EventFile>>,
}

/// A `promote.toml`, and which one it is laid over.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    file: Option<Spanned<String>>,
    #[serde(rename = "policy")]
    _policy: PolicyConfig,
    #[serde(rename = "port")]
    _port: PortConfig,
    #[serde(rename = "grants")]
    _grants: Grants,
    #[serde(rename = "limits", with = "LimitsTable")]
    _limits: Limits,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct StepFile {
    #[serde(rename = "do")]
    act: Option<Do>,
    event: Option<Event>,
    advance: Option<SignedDuration>,
    #[serde(default)]
    heal: bool,
    payload: Option<Spanned<PayloadFile>>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Do {
    #[default]
    Run,
    Plan,
}

/// Port's message: one of the sample's shapes or a file, with changes; or any text.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct PayloadFile {
    shape: Shape,
    file: Option<String>,
    text: Option<String>,
    set: Map<String, Value>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    /// The old message.
    #[default]
    Sample,
    /// What the sample's action makes of it.
    Action,
    /// The templated message.
    Templated,
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Scenario, ScenarioError> {
    let source = Source { path, text };
    let file: ScenarioFile = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let mut raw: Table = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let reading = Reading { folder: path.parent().unwrap_or(Path::new("")), source };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Scenario {
        title: file.title.unwrap_or_else(|| name.into_owned()),
        path: path.to_owned(),
        world: reading.world(&file.given, section(&mut raw, "given"))?,
        config: reading.config(&file.config, section(&mut raw, "config"))?,
        steps: reading.steps(file.act, file.payload, file.expect, file.step)?,
    })
}

fn section(raw: &mut Table, name: &str) -> Table {
    match raw.remove(name) {
        Some(toml::Value::Table(table)) => table,
        _ => Table::new(),
    }
}

struct Reading<'a> {
    folder: &'a Path,
    source: Source<'a>,
}

impl Reading<'_> {
    fn world(&self, given: &Given, mut over: Table) -> Result<World, ScenarioError> {
        if over.is_empty() {
            return Ok(World::sample());
        }
        over.remove("world");
        over.remove("without");
        let (mut base, folder) = self.base(given.world.as_ref(), &WORLD, "given.world")?;
        let (entities, parts): (Vec<_>, Vec<_>) =
            given.without.iter().partition(|what| is_entity(what.get_ref()));
        for what in parts {
            take(&mut base, what.get_ref()).map_err(|error| self.source.wrong(&what.span(), error))?;
        }
        lay(over, &mut base, Lists::Join);
        let whole = base.to_string();
        // The line that it names is one of the result, which nobody has seen.
        let mut world = World::from_toml(&whole, &folder).map_err(|error| {
            let error = error.to_string();
            let message = error
                .strip_prefix("line ")
                .and_then(|rest| rest.split_once(": "))
                .map_or(error.as_str(), |(_, message)| message);
            self.source.laid("given", message)
        })?;
        for what in entities {
            take_entity(&mut world, what.get_ref())
                .map_err(|error| self.source.wrong(&what.span(), error))?;
        }
        Ok(world)
    }

    fn config(&self, config: &ConfigFile, mut over: Table) -> Result<Config, ScenarioError> {
        if over.is_empty() {
            return Ok(SAMPLE_CONFIG.1.clone());
        }
        over.remove("file");
        let (mut base, folder) = self.base(config.file.as_ref(), &SAMPLE_CONFIG.0, "config.file")?;
        let component = |table: &Table| table.get("policy").and_then(|p| p.get("component")).cloned();
        let (is_own, own_teams) = (component(&over).is_some(), over.contains_key("team"));
        lay(over, &mut base, Lists::Replace);
        let mut config =
            Config::parse(&base.to_string()).map_err(|error| self.source.laid("config", &error))?;
        // A component is named relative to the file that names it; the runner takes other names from the scenario's folder.
        let elsewhere = |component: &mut ComponentRef| {
            if let ComponentRef::Path(path) = component {
                let found = folder.join(&*path);
                *path = std::path::absolute(&found).unwrap_or(found);
            }
        };
        if !is_own {
            elsewhere(&mut config.policy.component);
        }
        if !own_teams {
            config.team.iter_mut().for_each(|team| elsewhere(&mut team.policy.component));
        }
        Ok(config)
    }

    /// What something is laid over: the sample, nothing, or a file; and the folder that its paths are relative to.
    fn base(
        &self,
        named: Option<&Spanned<String>>,
        sample: &Table,
        key: &str,
    ) -> Result<(Table, PathBuf), ScenarioError> {
        match named.map(|named| named.get_ref().as_str()) {
            None | Some("sample") => Ok((sample.clone(), self.folder.to_owned())),
            Some("none") => Ok((Table::new(), self.folder.to_owned())),
            Some(file) => {
                let path = self.folder.join(file);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    self.wrong(named, format!("{key}: cannot read {}: {error}", path.display()))
                })?;
                let table = toml::from_str(&text);
                let table =
                    table.map_err(|error| self.wrong(named, format!("{key}: {}", error.message())))?;
                Ok((table, path.parent().unwrap_or(Path::new("")).to_owned()))
            }
        }
    }

    fn wrong<T>(&self, at: Option<&Spanned<T>>, what: String) -> ScenarioError {
        let at = at.map(Spanned::span).unwrap_or_default();
        self.source.wrong(&at, what)
    }

    fn steps(
        &self,
        act: Option<Spanned<Do>>,
        payload: Option<Spanned<PayloadFile>>,
        expect: Option<Spanned<Expect>>,
        steps: Vec<Spanned<StepFile>>,
    ) -> Result<Vec<Step>, ScenarioError> {
        if let Some(first) = steps.first() {
            let outside = [
                ("do", act.as_ref().map(Spanned::span)),
                ("payload", payload.as_ref().map(Spanned::span)),
                ("expect", expect.as_ref().map(Spanned::span)),
            ];
            for (key, at) in outside {
                if let Some(at) = at {
                    let what = format!("{key}: this scenario has steps, so it belongs to one of them");
                    return Err(self.source.wrong(&at, what));
                }
            }
            let at = first.span();
            let steps: Vec<Step> = steps.into_iter().map(|step| self.step(step)).collect::<Result<_, _>>()?;
            return self.expecting(steps, &at);
        }
        let at = expect.as_ref().map(Spanned::span).unwrap_or_default();
        let step = Step {
            line: self.source.line(at.start),
            act: Act::Start(
                act.map(Spanned::into_inner).unwrap_or_default().into(),
                self.payload(payload.as_ref())?,
            ),
            expect: expect.map(Spanned::into_inner).unwrap_or_default(),
        };
        self.expecting(vec![step], &at)
    }

    /// A scenario that expects nothing passes whatever happens.
    fn expecting(&self, steps: Vec<Step>, at: &std::ops::Range<usize>) -> Result<Vec<Step>, ScenarioError> {
        if steps.iter().all(|step| step.expect.is_empty()) {
            return Err(self.source.wrong(at, "expect: the scenario expects nothing"));
        }
        Ok(steps)
    }

    fn step(&self, step: Spanned<StepFile>) -> Result<Step, ScenarioError> {
        let at = step.span();
        let file = step.into_inner();
        let act = match (file.act, file.event, file.advance, file.heal) {
            (act, None, None, false) => {
                Act::Start(act.unwrap_or_default().into(), self.payload(file.payload.as_ref())?)
            }
            (None, Some(event), None, false) => Act::Event(Box::new(event)),
            (None, None, Some(time), false) => Act::Advance(Duration::try_from(time).unwrap_or_default()),
            (None, None, None, true) => Act::Heal,
            _ => {
                let what = "step: it is one of `do`, `event`, `advance` and `heal`";
                return Err(self.source.wrong(&at, what));
            }
        };
        Ok(Step { line: self.source.line(at.start), act, expect: file.expect })
    }

    fn payload(&self, file: Option<&Spanned<PayloadFile>>) -> Result<String, ScenarioError> {
        let default = PayloadFile::default();
        let payload = file.map_or(&default, Spanned::get_ref);
        if let Some(text) = &payload.text {
            return Ok(text.clone());
        }
        let mut message = match (&payload.file, payload.shape) {
            (Some(name), _) => {
                let text = std::fs::read_to_string(self.folder.join(name))
                    .map_err(|error| self.wrong(file, format!("payload: cannot read {name}: {error}")))?;
                serde_json::from_str(&text)
                    .map_err(|error| self.wrong(file, format!("payload: {name}: {error}")))?
            }
            (None, Shape::Sample) => sample::payload(),
            (None, Shape::Action) => sample::action_payload(),
            (None, Shape::Templated) => sample::templated_payload(),
        };
        for (key, value) in &payload.set {
            set(&mut message[key], value);
        }
        Ok(message.to_string())
    }
}

/// Objects go into each other, everything else takes the other's place.
fn set(base: &mut Value, over: &Value) {
    match over {
        Value::Object(over) if base.is_object() => {
            for (key, value) in over {
                set(&mut base[key], value);
            }
        }
        over => *base = over.clone(),
    }
}

impl From<Do> for Mode {
    fn from(what: Do) -> Self {
        match what {
            Do::Run => Self::Run,
            Do::Plan => Self::Plan,
        }
    }
}
