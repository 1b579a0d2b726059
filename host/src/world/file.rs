//! World files: a [`World`] as TOML. `sample.toml` documents the format.
//!
//! Whatever the file says is checked by the rules of the services themselves, and an error names line and key.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::port::{Blueprint, Credentials, Port, Rate, ResetFormat, Run, RunStatus, Stamps};
use super::{Event, Faults, World};

/// Why a world file is not one.
#[derive(Debug, thiserror::Error)]
pub enum WorldFileError {
    /// It is not TOML, or holds a key or a value that has no meaning here. The text names line, column and key.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// What it says does not fit together.
    #[error("line {line}: {key}: {message}")]
    Meaning {
        /// The line of the file.
        line: usize,
        /// The key that is wrong.
        key: String,
        /// What is wrong with it.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WorldFile {
    #[serde(default)]
    start: Option<Timestamp>,
    #[serde(default)]
    port: PortFile,
    #[serde(default)]
    faults: Faults,
    #[serde(default)]
    events: Vec<EventFile>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct PortFile {
    organisation: Option<String>,
    unset: Unset,
    token_lifetime: Option<SignedDuration>,
    blueprints: Blueprints,
    credentials: Vec<CredentialsFile>,
    rate: Option<RateFile>,
    blueprint: Vec<Spanned<Definition>>,
    action: Vec<Spanned<Definition>>,
    entities: Vec<EntityFile>,
    runs: Vec<RunFile>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Unset {
    #[default]
    Absent,
    Null,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Blueprints {
    #[default]
    Guide,
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CredentialsFile {
    client_id: String,
    client_secret: String,
    #[serde(default = "yes")]
    may_write: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RateFile {
    limit: u64,
    period: SignedDuration,
    #[serde(default)]
    reset: ResetFormat,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Definition {
    File(String),
    Inline(Map<String, Value>),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct EntityFile {
    blueprint: String,
    identifier: Spanned<String>,
    title: Option<Value>,
    icon: Option<Value>,
    team: Option<Value>,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    relations: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RunFile {
    id: Spanned<String>,
    action: String,
    blueprint: Option<String>,
    entity: Option<String>,
    status: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    created_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct EventFile {
    after: SignedDuration,
    then: Event,
}

impl World {
    /// The world of a file. Paths in it are relative to the folder.
    ///
    /// Fails if the file is not one, or if what it says breaks the rules of Port or GitHub.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, WorldFileError> {
        let file: WorldFile = toml::from_str(text)?;
        let mut world = Self {
            now: file.start.unwrap_or_default(),
            faults: file.faults,
            ..Self::default()
        };
        let at = Place { text, folder };
        file.port.build(&at, world.now, &mut world.port)?;
        for event in file.events {
            world.after(duration(event.after), event.then);
        }
        Ok(world)
    }
}

/// Where a file is and what it says, for errors.
struct Place<'a> {
    text: &'a str,
    folder: &'a Path,
}

impl Place<'_> {
    fn error(&self, offset: usize, key: &str, message: impl Into<String>) -> WorldFileError {
        let before = self.text.get(..offset).unwrap_or_default();
        WorldFileError::Meaning {
            line: before.matches('\n').count() + 1,
            key: key.to_owned(),
            message: message.into(),
        }
    }

    fn read(&self, offset: usize, key: &str, file: &str) -> Result<String, WorldFileError> {
        std::fs::read_to_string(self.folder.join(file))
            .map_err(|error| self.error(offset, key, format!("cannot read {file}: {error}")))
    }

    fn definition(
        &self,
        key: &str,
        definition: &Spanned<Definition>,
    ) -> Result<Map<String, Value>, WorldFileError> {
        let offset = definition.span().start;
        match definition.get_ref() {
            Definition::Inline(definition) => Ok(definition.clone()),
            Definition::File(file) => serde_json::from_str(&self.read(offset, key, file)?)
                .map_err(|error| self.error(offset, key, format!("{file}: {error}"))),
        }
    }
}

fn duration(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

impl PortFile {
    fn build(self, at: &Place<'_>, now: Timestamp, port: &mut Port) -> Result<(), WorldFileError> {
        if let Some(organisation) = self.organisation {
            port.organisation = organisation;
        }
        port.unset_as_null = self.unset == Unset::Null;
        if let Some(lifetime) = self.token_lifetime {
            port.token_lifetime = duration(lifetime);
        }
        if let Some(rate) = self.rate {
            port.rate = Rate::new(rate.limit, rate.period.as_secs(), rate.reset);
        }
        port.credentials
            .extend(self.credentials.into_iter().map(|credentials| Credentials {
                client_id: credentials.client_id,
                client_secret: credentials.client_secret,
                may_write: credentials.may_write,
            }));
        if self.blueprints == Blueprints::Guide {
            port.install_guide(now);
        }
        for definition in &self.blueprint {
            let read = at.definition("port.blueprint", definition)?;
            let blueprint = Blueprint::new(read, Stamps::new(now, "system")).ok_or_else(|| {
                at.error(
                    definition.span().start,
                    "port.blueprint",
                    "it has no identifier",
                )
            })?;
            port.put_blueprint(blueprint);
        }
        for definition in &self.action {
            port.put_action(now, at.definition("port.action", definition)?);
        }
        for (index, entity) in self.entities.iter().enumerate() {
            entity.build(at, now, port).map_err(|message| {
                let key = format!("port.entities[{index}] \"{}\"", entity.identifier.get_ref());
                at.error(entity.identifier.span().start, &key, message)
            })?;
        }
        check_targets(at, &self.entities, port)?;
        for run in self.runs {
            let offset = run.id.span().start;
            run.build(now, port)
                .map_err(|message| at.error(offset, "port.runs", message))?;
        }
        Ok(())
    }
}

/// Entities may name each other in any order, so their relations are checked when all are there.
fn check_targets(
    at: &Place<'_>,
    entities: &[EntityFile],
    port: &Port,
) -> Result<(), WorldFileError> {
    let Some((entity, missing)) = port.dangling() else {
        return Ok(());
    };
    let written = entities.iter().find(|written| {
        *written.identifier.get_ref() == entity.identifier && written.blueprint == entity.blueprint
    });
    let offset = written.map_or(0, |written| written.identifier.span().start);
    let key = format!("port.entities \"{}\" relations", entity.identifier);
    Err(at.error(offset, &key, format!("there is no entity \"{missing}\"")))
}

impl EntityFile {
    fn build(&self, _at: &Place<'_>, now: Timestamp, port: &mut Port) -> Result<(), String> {
        let mut body = Map::new();
        body.insert(
            "identifier".into(),
            self.identifier.get_ref().clone().into(),
        );
        body.insert("properties".into(), self.properties.clone().into());
        body.insert("relations".into(), self.relations.clone().into());
        let optional = [
            ("title", &self.title),
            ("icon", &self.icon),
            ("team", &self.team),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                body.insert(key.into(), value.clone());
            }
        }
        port.put_entity(now, &self.blueprint, &body)
    }
}

impl RunFile {
    fn build(self, now: Timestamp, port: &mut Port) -> Result<(), String> {
        let status = self.status.as_deref().unwrap_or("IN_PROGRESS");
        let status = RunStatus::parse(status).ok_or(format!("status \"{status}\" is none"))?;
        if let (Some(blueprint), Some(entity)) = (&self.blueprint, &self.entity)
            && port.entity(blueprint, entity).is_none()
        {
            return Err(format!(
                "there is no entity \"{entity}\" of \"{blueprint}\""
            ));
        }
        let stamps = Stamps::new(now, self.created_by.as_deref().unwrap_or("system"));
        let mut run = Run::new(self.id.into_inner(), &self.action, stamps);
        run.blueprint = self.blueprint;
        run.entity = self.entity;
        run.properties = self.properties;
        run.status = status;
        run.ended_at = status.is_over().then_some(now);
        port.runs.insert(run.id.clone(), run);
        Ok(())
    }
}
