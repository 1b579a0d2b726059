//! Port's part of a world file.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::{FilePlace, WorldFileError, duration, meant};
use crate::port::{
    ActionRun, CatalogBlueprint, ChangeStamps, ClientCredentials, OrganisationUser, Port,
    PortIntegration, PortRate, ResetFormat, RunStatus,
};

/// Port's part of a world file: credentials, blueprints, actions, entities and runs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PortFile {
    organisation: Option<String>,
    unset: UnsetStyle,
    token_lifetime: Option<SignedDuration>,
    blueprints: BlueprintChoice,
    /// The blueprints whose entities have teams as owners.
    owned: Vec<Spanned<String>>,
    credentials: Vec<CredentialsFile>,
    rate: Option<RateFile>,
    integrations: Vec<IntegrationFile>,
    blueprint: Vec<Spanned<DefinitionFile>>,
    action: Vec<Spanned<DefinitionFile>>,
    entities: Vec<EntityFile>,
    runs: Vec<RunFile>,
    users: Vec<UserFile>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum UnsetStyle {
    #[default]
    Absent,
    Null,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum BlueprintChoice {
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
struct IntegrationFile {
    installation_id: String,
    kind: String,
    #[serde(default = "yes")]
    processes_actions: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DefinitionFile {
    file: Option<String>,
    inline: Option<Map<String, Value>>,
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
    /// How long before the beginning it was started.
    ago: Option<SignedDuration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct UserFile {
    id: String,
    email: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
}

impl PortFile {
    pub(super) fn build(
        self,
        at: &FilePlace<'_>,
        now: Timestamp,
        port: &mut Port,
    ) -> Result<(), WorldFileError> {
        self.definitions(at, now, port)?;
        for (index, entity) in self.entities.iter().enumerate() {
            let built = entity.build(now, port);
            built.map_err(|message| {
                let key = format!("port.entities[{index}] \"{}\"", entity.identifier.get_ref());
                let hint = entity.unknown_name(port).unwrap_or_default();
                at.error(
                    entity.identifier.span().start,
                    &key,
                    format!("{message}{hint}"),
                )
            })?;
        }
        check_targets(at, &self.entities, port)?;
        for run in self.runs {
            let offset = run.id.span().start;
            run.build(now, port)
                .map_err(|message| at.error(offset, "port.runs", message))?;
        }
        if let Some(organisation) = self.organisation {
            port.organisation = organisation;
        }
        if let Some(lifetime) = self.token_lifetime {
            port.token_lifetime = duration(lifetime);
        }
        if let Some(rate) = self.rate {
            port.rate = PortRate::new(rate.limit, rate.period.as_secs(), rate.reset);
        }
        port.integrations = self.integrations.into_iter().map(Into::into).collect();
        port.unset_as_null = self.unset == UnsetStyle::Null;
        port.users = self.users.into_iter().map(Into::into).collect();
        port.credentials = self.credentials.into_iter().map(Into::into).collect();
        Ok(())
    }

    /// Blueprints and actions.
    fn definitions(
        &self,
        at: &FilePlace<'_>,
        now: Timestamp,
        port: &mut Port,
    ) -> Result<(), WorldFileError> {
        if self.blueprints == BlueprintChoice::Guide {
            port.install_guide(now);
        }
        for definition in &self.blueprint {
            let read = at.definition("port.blueprint", definition)?;
            let blueprint = CatalogBlueprint::new(read, ChangeStamps::new(now, "system"));
            let offset = definition.span().start;
            let mut blueprint =
                blueprint.ok_or_else(|| at.error(offset, "port.blueprint", "no identifier"))?;
            // One that is there already is changed, so that a property more needs no copy of it all.
            if let Some(known) = port.blueprints.get(&blueprint.identifier) {
                let mut whole = Value::Object((*known.definition).clone());
                lay(&mut whole, &Value::Object((*blueprint.definition).clone()));
                if let Value::Object(whole) = whole {
                    blueprint.definition = whole.into();
                }
            }
            port.put_blueprint(blueprint);
        }
        for blueprint in &self.owned {
            if !port.own(blueprint.get_ref()) {
                let message = format!("there is no blueprint \"{}\"", blueprint.get_ref());
                return Err(at.error(blueprint.span().start, "port.owned", message));
            }
        }
        for definition in &self.action {
            port.put_action(now, at.definition("port.action", definition)?);
        }
        Ok(())
    }
}

impl From<IntegrationFile> for PortIntegration {
    fn from(file: IntegrationFile) -> Self {
        Self {
            installation_id: file.installation_id,
            kind: file.kind,
            processes_actions: file.processes_actions,
        }
    }
}

impl From<CredentialsFile> for ClientCredentials {
    fn from(file: CredentialsFile) -> Self {
        Self {
            client_id: file.client_id,
            client_secret: file.client_secret,
            may_write: file.may_write,
        }
    }
}

impl From<UserFile> for OrganisationUser {
    fn from(file: UserFile) -> Self {
        Self {
            id: file.id,
            email: file.email,
            first_name: file.first_name,
            last_name: file.last_name,
        }
    }
}

/// Entities may name each other in any order, so their relations are checked when all are there.
fn check_targets(
    at: &FilePlace<'_>,
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
    fn build(&self, now: Timestamp, port: &mut Port) -> Result<(), String> {
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

    /// Says of the first name that its blueprint does not have which one was meant, or how the blueprint gets it.
    fn unknown_name(&self, port: &Port) -> Option<String> {
        let Some(blueprint) = port.blueprints.get(&self.blueprint) else {
            let known = port.blueprints.keys().map(String::as_str);
            return Some(meant(&self.blueprint, known));
        };
        let names = |object: Option<&Value>| {
            let object = object.and_then(Value::as_object).into_iter().flatten();
            object.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let definition = &blueprint.definition;
        let properties = names(definition.get("schema").and_then(|it| it.get("properties")));
        let relations = names(definition.get("relations"));
        for (written, known, more) in [
            (
                &self.properties,
                properties,
                "schema = { properties = { NAME = { type = \"string\" } } }",
            ),
            (
                &self.relations,
                relations,
                "relations = { NAME = { target = \"…\", many = false } }",
            ),
        ] {
            let unknown = written.keys().find(|name| !known.contains(name));
            if let Some(unknown) = unknown {
                let hint = meant(unknown, known.iter().map(String::as_str));
                let more = more.replace("NAME", unknown);
                return Some(format!(
                    "{hint}; a [[port.blueprint]] with `inline = {{ identifier = \"{}\", {more} }}` adds it",
                    self.blueprint
                ));
            }
        }
        None
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
        let ago = self.ago.unwrap_or_default();
        let made = now.checked_sub(ago).map_err(|why| why.to_string())?;
        let stamps = ChangeStamps::new(made, self.created_by.as_deref().unwrap_or("system"));
        let mut run = ActionRun::new(self.id.into_inner(), &self.action, stamps);
        run.blueprint = self.blueprint;
        run.entity = self.entity;
        run.properties = self.properties;
        run.status = status;
        run.ended_at = status.is_over().then_some(now);
        port.runs.insert(run.id.clone(), run);
        Ok(())
    }
}

impl FilePlace<'_> {
    fn definition(
        &self,
        key: &str,
        definition: &Spanned<DefinitionFile>,
    ) -> Result<Map<String, Value>, WorldFileError> {
        let offset = definition.span().start;
        match definition.get_ref() {
            DefinitionFile {
                file: None,
                inline: Some(definition),
            } => Ok(definition.clone()),
            DefinitionFile {
                file: Some(file),
                inline: None,
            } => serde_json::from_str(&self.read(offset, key, file)?)
                .map_err(|error| self.error(offset, key, format!("{file}: {error}"))),
            _ => Err(self.error(offset, key, "it has either `file` or `inline`")),
        }
    }
}

/// Objects go into each other, everything else takes the other's place.
fn lay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => base.clone_from(over),
    }
}
