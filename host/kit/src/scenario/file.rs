//! From the text of a scenario file to a [`Scenario`].
//!
//! Its tables are used twice: as types, so that whatever has no meaning is found where it stands, and as they are, to be
//! laid over what the scenario starts from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::DeTable;

use super::ask::StepExpect;
use super::defaults::{self, FolderDefaults};
use super::error::{ScenarioError, ScenarioText};
use super::form::{
    ConfigFile, GivenFile, PayloadFile, PayloadShape, ScenarioFile, StartMode, StepFile,
};
use super::lay::{ListRule, is_entity, lay, read, take, take_entity};
use super::model::{RunsTogether, Scenario, ScenarioStep, StepAction, StepTrouble};
use crate::demo::CONFIG;
use promote_core::run::RunMode;
use promote_intake::config::{ComponentRef, Config};
use promote_mock::file::WorldFileError;
use promote_mock::{ServiceFaults, World, sample};

/// The sample world, as far as files can be laid over it.
static WORLD: LazyLock<DeTable<'static>> = LazyLock::new(|| {
    DeTable::parse(sample::SAMPLE)
        .expect("the embedded sample is TOML")
        .into_inner()
});

/// The sample configuration, as a table and as what it means.
static SAMPLE_CONFIG: LazyLock<(DeTable<'static>, Config)> = LazyLock::new(|| {
    let table = DeTable::parse(CONFIG)
        .expect("the embedded sample is TOML")
        .into_inner();
    (
        table,
        Config::parse(CONFIG).expect("the embedded sample is a configuration"),
    )
});

/// The sample's message of Port.
static SAMPLE_PAYLOAD: LazyLock<String> = LazyLock::new(|| sample::payload().to_string());

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, and the line and the key that are wrong.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|why| ScenarioError::Read {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a text as if it stood in that file, which need not exist.
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ScenarioError> {
        parse(text, path)
    }
}

fn parse(text: &str, path: &Path) -> Result<Scenario, ScenarioError> {
    let source = ScenarioText { path, text };
    let whole = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
    let [given, config] = ["given", "config"].map(|name| section(whole.get_ref(), name));
    let file = ScenarioFile::deserialize(toml::Deserializer::from(whole));
    let mut file = file.map_err(|error| source.syntax(&error))?;
    let defaults = defaults::read(path)?;
    let defaults = match &defaults {
        Some(text) => defaults::parse(text)?,
        None => FolderDefaults::default(),
    };
    let [given, config] = defaults.under(&mut file, [given, config]);
    let reading = ScenarioReader {
        folder: path.parent().unwrap_or(Path::new("")),
        source,
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Scenario {
        title: file.title.unwrap_or_else(|| name.into_owned()),
        path: path.to_owned(),
        world: reading.world(&file.given, given)?,
        config: reading.config(&file.config, config)?,
        steps: reading.steps(file.act, file.payload, file.expect, file.step)?,
    })
}

fn section<'t>(whole: &DeTable<'t>, name: &str) -> DeTable<'t> {
    let section = whole
        .get(name)
        .and_then(|section| section.get_ref().as_table());
    section.cloned().unwrap_or_default()
}

/// The file that a scenario starts from, before its own tables are laid over it.
struct ScenarioBase {
    /// The key that names it.
    key: &'static str,
    /// The place that names it.
    at: Range<usize>,
    /// Of a file, or of nothing; none if it is the sample.
    text: Option<String>,
    /// The folder that its paths are relative to.
    folder: PathBuf,
}

struct ScenarioReader<'a> {
    folder: &'a Path,
    source: ScenarioText<'a>,
}

impl ScenarioReader<'_> {
    fn world(&self, given: &GivenFile, mut over: DeTable<'_>) -> Result<World, ScenarioError> {
        if over.is_empty() {
            return Ok(World::sample());
        }
        over.remove("world");
        over.remove("without");
        let base = self.base(given.world.as_ref(), "given.world")?;
        let mut whole = self.tables(&base, &WORLD)?;
        let extended = whole.remove("extends");
        if let Some(extended) = &extended {
            if extended.get_ref().as_str() != Some("sample") {
                let what = "given.world: `extends` takes \"sample\"";
                return Err(self.source.wrong(&base.at, what));
            }
            let own = std::mem::replace(&mut whole, WORLD.clone());
            lay(own, &mut whole, ListRule::Join);
        }
        let (entities, parts): (Vec<_>, Vec<_>) = given
            .without
            .iter()
            .partition(|what| is_entity(what.get_ref()));
        for what in parts {
            take(&mut whole, what.get_ref())
                .map_err(|error| self.source.wrong(&what.span(), error))?;
        }
        lay(over, &mut whole, ListRule::Join);
        let world = read(whole).map_err(WorldFileError::from);
        let mut world = world
            .and_then(|file| World::assembled(file, &base.folder))
            .map_err(|error| {
                let message = match error {
                    WorldFileError::Syntax(error) => error.message().to_owned(),
                    WorldFileError::Meaning { key, message, .. } => format!("{key}: {message}"),
                };
                self.source.laid("given", &message)
            })?;
        for what in entities {
            take_entity(&mut world, what.get_ref())
                .map_err(|error| self.source.wrong(&what.span(), error))?;
        }
        Ok(world)
    }

    fn config(&self, config: &ConfigFile, mut over: DeTable<'_>) -> Result<Config, ScenarioError> {
        if over.is_empty() {
            return Ok(SAMPLE_CONFIG.1.clone());
        }
        over.remove("file");
        let base = self.base(config.file.as_ref(), "config.file")?;
        let mut whole = self.tables(&base, &SAMPLE_CONFIG.0)?;
        let is_own = over
            .get("policy")
            .is_some_and(|policy| policy.get_ref().get("component").is_some());
        let has_own = |key| over.get(key).is_some();
        let (has_own_rules, has_own_baseline) = (has_own("rule"), has_own("baseline"));
        let has_own_roots = has_own("attestations");
        lay(over, &mut whole, ListRule::Replace);
        let folder_of = |is_own| if is_own { self.folder } else { &base.folder };
        let config = read(whole).map_err(|error| error.message().to_owned());
        let mut config = config
            .and_then(Config::checked)
            .and_then(|config| config.within_baseline(folder_of(has_own_baseline)))
            .and_then(|config| config.with_roots(folder_of(has_own_roots)))
            .map_err(|error| self.source.laid("config", &error))?;
        // A component is named relative to the file that names it; the runner takes other names from the scenario's folder.
        let elsewhere = |component: &mut ComponentRef| {
            if let ComponentRef::Path(path) = component {
                let found = base.folder.join(&*path);
                *path = std::path::absolute(&found).unwrap_or(found);
            }
        };
        if !is_own {
            elsewhere(&mut config.policy.component);
        }
        if !has_own_rules {
            config
                .rule
                .iter_mut()
                .for_each(|rule| elsewhere(&mut rule.component.component));
        }
        // A scenario has no teams of its own.
        config
            .team
            .iter_mut()
            .for_each(|team| elsewhere(&mut team.policy.component));
        Ok(config)
    }

    /// Finds what the scenario starts from.
    fn base(
        &self,
        named: Option<&Spanned<String>>,
        key: &'static str,
    ) -> Result<ScenarioBase, ScenarioError> {
        let at = named.map(Spanned::span).unwrap_or_default();
        let mut folder = self.folder.to_owned();
        let text = match named.map(|named| named.get_ref().as_str()) {
            None | Some("sample") => None,
            Some("none") => Some(String::new()),
            Some(file) => {
                let path = self.folder.join(file);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    self.source.wrong(
                        &at,
                        format!("{key}: cannot read {}: {error}", path.display()),
                    )
                })?;
                folder = path.parent().unwrap_or(Path::new("")).to_owned();
                Some(text)
            }
        };
        Ok(ScenarioBase {
            key,
            at,
            text,
            folder,
        })
    }

    /// Takes apart what the scenario starts from.
    fn tables<'t>(
        &self,
        base: &'t ScenarioBase,
        sample: &DeTable<'static>,
    ) -> Result<DeTable<'t>, ScenarioError> {
        let Some(text) = &base.text else {
            return Ok(sample.clone());
        };
        let tables = DeTable::parse(text).map(Spanned::into_inner);
        tables.map_err(|error| {
            self.source
                .wrong(&base.at, format!("{}: {}", base.key, error.message()))
        })
    }

    fn wrong<T>(&self, at: Option<&Spanned<T>>, what: String) -> ScenarioError {
        let at = at.map(Spanned::span).unwrap_or_default();
        self.source.wrong(&at, what)
    }

    fn steps(
        &self,
        act: Option<Spanned<StartMode>>,
        payload: Option<Spanned<PayloadFile>>,
        expect: Option<Spanned<StepExpect>>,
        steps: Vec<Spanned<StepFile>>,
    ) -> Result<Vec<ScenarioStep>, ScenarioError> {
        if let Some(first) = steps.first() {
            let outside = [
                ("do", act.as_ref().map(Spanned::span)),
                ("payload", payload.as_ref().map(Spanned::span)),
                ("expect", expect.as_ref().map(Spanned::span)),
            ];
            for (key, at) in outside {
                if let Some(at) = at {
                    let what =
                        format!("{key}: this scenario has steps, so it belongs to one of them");
                    return Err(self.source.wrong(&at, what));
                }
            }
            let at = first.span();
            let steps: Vec<ScenarioStep> = steps
                .into_iter()
                .map(|step| self.step(step))
                .collect::<Result<_, _>>()?;
            return self.expecting(steps, &at);
        }
        let at = expect.as_ref().map(Spanned::span).unwrap_or_default();
        let step = ScenarioStep {
            line: self.source.line(at.start),
            faults: ServiceFaults::default(),
            trouble: None,
            act: self.start(
                act.map(Spanned::into_inner).unwrap_or_default(),
                payload.as_ref(),
            )?,
            expect: expect.map(Spanned::into_inner).unwrap_or_default(),
        };
        self.expecting(vec![step], &at)
    }

    fn start(
        &self,
        mode: StartMode,
        payload: Option<&Spanned<PayloadFile>>,
    ) -> Result<StepAction, ScenarioError> {
        let mode = match mode {
            StartMode::Run => RunMode::Run,
            StartMode::Plan => RunMode::Plan,
            StartMode::Approved => return Ok(StepAction::Approved(self.payload(payload)?)),
            StartMode::Resume => return Ok(StepAction::Resume),
        };
        Ok(StepAction::Start(mode, self.payload(payload)?))
    }

    /// A scenario that expects nothing passes whatever happens.
    fn expecting(
        &self,
        steps: Vec<ScenarioStep>,
        at: &Range<usize>,
    ) -> Result<Vec<ScenarioStep>, ScenarioError> {
        if steps.iter().all(|step| step.expect.is_empty()) {
            return Err(self
                .source
                .wrong(at, "expect: the scenario expects nothing"));
        }
        Ok(steps)
    }

    fn step(&self, step: Spanned<StepFile>) -> Result<ScenarioStep, ScenarioError> {
        let at = step.span();
        let file = step.into_inner();
        let others = (file.event, file.advance, file.heal, file.together);
        let act = match (file.act, others) {
            (act, (None, None, false, None)) => {
                self.start(act.unwrap_or_default(), file.payload.as_ref())?
            }
            (None, (Some(event), None, false, None)) => StepAction::Event(Box::new(event)),
            (None, (None, Some(time), false, None)) => {
                StepAction::Advance(Duration::try_from(time).unwrap_or_default())
            }
            (None, (None, None, true, None)) => StepAction::Heal,
            (None, (None, None, false, Some(payloads))) => {
                let payloads = payloads.iter().map(|one| self.payload(Some(one)));
                StepAction::Together(RunsTogether {
                    payloads: payloads.collect::<Result<_, _>>()?,
                    order: file.order.unwrap_or_default(),
                })
            }
            _ => {
                let what = "step: it is one of `do`, `event`, `advance`, `heal` and `together`";
                return Err(self.source.wrong(&at, what));
            }
        };
        let trouble = match (file.trouble, &act) {
            (None, _) => None,
            (Some(file), StepAction::Start(..) | StepAction::Approved(_) | StepAction::Resume)
                if file.call > 0 =>
            {
                Some(StepTrouble {
                    call: file.call,
                    trouble: file.is,
                })
            }
            (Some(_), StepAction::Start(..) | StepAction::Approved(_) | StepAction::Resume) => {
                let what = "step.trouble.call: calls are counted from 1";
                return Err(self.source.wrong(&at, what));
            }
            (Some(_), _) => {
                let what = "step.trouble: only a call of one run can meet it";
                return Err(self.source.wrong(&at, what));
            }
        };
        Ok(ScenarioStep {
            line: self.source.line(at.start),
            faults: file.faults,
            trouble,
            act,
            expect: file.expect,
        })
    }

    fn payload(&self, file: Option<&Spanned<PayloadFile>>) -> Result<String, ScenarioError> {
        let Some(payload) = file.map(Spanned::get_ref) else {
            return Ok(SAMPLE_PAYLOAD.clone());
        };
        if let Some(text) = &payload.text {
            return Ok(text.clone());
        }
        let mut message = match (&payload.file, payload.shape) {
            (Some(name), _) => {
                let text = std::fs::read_to_string(self.folder.join(name)).map_err(|error| {
                    self.wrong(file, format!("payload: cannot read {name}: {error}"))
                })?;
                serde_json::from_str(&text)
                    .map_err(|error| self.wrong(file, format!("payload: {name}: {error}")))?
            }
            (None, PayloadShape::Sample) => sample::payload(),
            (None, PayloadShape::Action) => sample::action_payload(),
            (None, PayloadShape::Templated) => sample::templated_payload(),
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
