//! Port's part: what the catalog lacks, and the action; added to what is there.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::answers::SetupAnswers;
use super::catalog::{CatalogChoice, CatalogNames, GivenNames};
use super::dialog::SetupDialog;
use super::port_change::{CatalogPage, PortChange};
use super::{backend, guide};
use promote_core::run::record::RECORD_BLUEPRINT;
use promote_core::service::http::{or_none, seg};
use promote_core::service::port::Client;
use promote_mock::port::GUIDE_BLUEPRINTS;

/// The properties and relations of each blueprint that a promotion by the built-in policy reads.
const READ_FIELDS: [(&str, &[&str]); 3] = [
    (
        "image",
        &[
            "registryId",
            "digest",
            "tags",
            "pushedAt",
            "triggeredBy",
            "commitHash",
        ],
    ),
    (
        "running_service",
        &["gitPath", "healthStatus", "syncStatus", "image"],
    ),
    (
        "service",
        &[
            "locked_in_prod",
            "locked_reason_prod",
            "test_runtime",
            "prod_runtime",
        ],
    ),
];

/// The fields of an action that Port takes (API reference, "Create an action/automation"); its answer has more.
const ACTION_FIELDS: [&str; 10] = [
    "identifier",
    "title",
    "icon",
    "description",
    "trigger",
    "invocationMethod",
    "requiredApproval",
    "approvalNotification",
    "allowAnyoneToViewRuns",
    "publish",
];

/// Everything that would change in Port.
#[derive(Default)]
pub(super) struct PortChanges {
    pub(super) all: Vec<PortChange>,
    pub(super) warnings: Vec<String>,
}

/// The actions that are there.
#[derive(Default)]
pub(super) struct FoundActions {
    pub(super) promote: Option<Map<String, Value>>,
    pub(super) rollback: Option<Map<String, Value>>,
}

/// Reads all blueprints of the catalog.
pub(super) async fn blueprints(client: &Client) -> anyhow::Result<Vec<Value>> {
    let answer = client
        .get("/v1/blueprints".to_owned())
        .await
        .context("reading the blueprints of the catalog")?;
    Ok(answer.field("blueprints")?)
}

/// Returns the action that promotes today: under its name, or under the one that Port's move to the new kind of actions gave
/// it. The answer has its identifier.
pub(super) async fn find_action(
    client: &Client,
    answers: &SetupAnswers,
) -> anyhow::Result<Option<Map<String, Value>>> {
    let names = [
        answers.port_action.clone(),
        guide::renamed_action(&answers.port_action, &answers.names.service),
    ];
    for name in names {
        if let Some(found) = action_named(client, &name).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Returns an action by its identifier.
pub(super) async fn action_named(
    client: &Client,
    name: &str,
) -> anyhow::Result<Option<Map<String, Value>>> {
    read(client, &format!("/v1/actions/{}", seg(name)), "action").await
}

/// Compares what is there with what should be.
pub(super) fn plan(
    answers: &SetupAnswers,
    blueprints: &[Value],
    choice: &CatalogChoice,
    actions: FoundActions,
) -> anyhow::Result<PortChanges> {
    let mut changes = PortChanges::default();
    let names = choice.names();
    let page = if answers.catalog_pages {
        CatalogPage::Made
    } else {
        CatalogPage::NotMade
    };
    if matches!(choice, CatalogChoice::Partial(_)) || names.has_guides_blueprints() {
        // In this order: the target of a relation must exist.
        for text in GUIDE_BLUEPRINTS {
            let guide: Map<String, Value> =
                serde_json::from_str(text).context("the guide's blueprint")?;
            changes.add_blueprint(&renamed(guide, names), blueprints, page);
        }
    }
    let wanted = backend::action(answers)?;
    if let Some(record) = &answers.record {
        let mut blueprint: Map<String, Value> =
            serde_json::from_str(RECORD_BLUEPRINT).context("the blueprint of promotions")?;
        blueprint.insert("identifier".to_owned(), json!(record));
        changes.add_blueprint(&blueprint, blueprints, page);
    }
    if page == CatalogPage::NotMade && changes.all.iter().any(PortChange::creates) {
        changes.warnings.push(
            "no page is made in the catalog for the new blueprints: `--catalog-pages` makes one for each".to_owned(),
        );
    }
    changes.add_action(&wanted, actions.promote, true)?;
    if let Some(rollback) = &answers.rollback {
        let wanted = backend::rollback_action(answers, rollback)?;
        changes.add_action(&wanted, actions.rollback, false)?;
    }
    Ok(changes)
}

impl PortChanges {
    /// Adds what an action lacks, or the whole of it.
    fn add_action(
        &mut self,
        wanted: &Map<String, Value>,
        found: Option<Map<String, Value>>,
        asks_again: bool,
    ) -> anyhow::Result<()> {
        let identifier = wanted["identifier"].as_str().unwrap_or_default();
        let name = format!("port: action {identifier}");
        let Some(found) = found else {
            let change = PortChange::create(&name, "/v1/actions".to_owned(), wanted.clone());
            self.all.push(change);
            return Ok(());
        };
        // Port gives null for what is not set, and takes none back.
        let found: Map<String, Value> = found
            .into_iter()
            .filter(|(key, value)| ACTION_FIELDS.contains(&key.as_str()) && !value.is_null())
            .collect();
        let mut after = backend::overlaid_action(&found, wanted)?;
        self.warnings.extend(backend::misleading(&found));
        if asks_again {
            backend::add_again_input(&mut after);
        }
        if found != after {
            let target = format!("/v1/actions/{}", seg(identifier));
            self.all
                .push(PortChange::replace(name, target, &found, after));
        }
        Ok(())
    }

    /// Adds what a blueprint lacks. One of the user's own, under another name than the guide's, gets the relations that lead
    /// on, and nothing else.
    fn add_blueprint(
        &mut self,
        guide: &Map<String, Value>,
        blueprints: &[Value],
        page: CatalogPage,
    ) {
        let identifier = guide["identifier"].as_str().unwrap_or_default();
        let found = blueprints
            .iter()
            .find(|blueprint| blueprint["identifier"] == identifier)
            .and_then(Value::as_object);
        let change = match found {
            None => Some(PortChange::create_blueprint(identifier, guide, page)),
            Some(found) => {
                let target = format!("/v1/blueprints/{}", seg(identifier));
                let name = format!("port: blueprint {identifier}");
                added(identifier, found, guide, &mut self.warnings)
                    .map(|body| PortChange::patch(&name, target, found, body))
            }
        };
        self.all.extend(change);
    }
}

/// A blueprint of the guide under the names of this catalog; under another name it is only its relations.
fn renamed(mut guide: Map<String, Value>, names: &CatalogNames) -> Map<String, Value> {
    let usual = CatalogNames::guide(&GivenNames::default());
    let pairs = [
        (&usual.service, &names.service),
        (&usual.runtime, &names.runtime),
        (&usual.image, &names.image),
    ];
    let name_of = |name: &Value| {
        let pair = pairs.iter().find(|(usual, _)| *name == usual.as_str());
        pair.map_or(name.clone(), |(_, own)| json!(own))
    };
    let relations = [
        (&usual.staging, &names.staging),
        (&usual.production, &names.production),
        (&usual.image_relation, &names.image_relation),
    ];
    let identifier = name_of(&guide["identifier"]);
    if identifier != guide["identifier"] {
        guide.insert(
            "schema".to_owned(),
            json!({ "properties": {}, "required": [] }),
        );
    }
    guide.insert("identifier".to_owned(), identifier);
    let of_guide = guide["relations"].as_object().cloned().unwrap_or_default();
    let own = of_guide.into_iter().filter_map(|(name, mut relation)| {
        relation["target"] = name_of(&relation["target"]);
        match relations.iter().find(|(usual, _)| **usual == name) {
            Some((_, own)) => Some(((*own).clone(), relation)),
            // What a promotion does not read is the guide's alone.
            None => names.has_guides_blueprints().then_some((name, relation)),
        }
    });
    let own: Map<String, Value> = own.collect();
    guide.insert("relations".to_owned(), Value::Object(own));
    guide
}

/// Makes the changes, one after the other.
pub(super) async fn apply(
    client: &Client,
    changes: &PortChanges,
    dialog: &SetupDialog<'_>,
) -> anyhow::Result<()> {
    for change in &changes.all {
        change.send(client).await?;
        (dialog.say)(&format!("wrote {}", change.difference.name));
    }
    Ok(())
}

async fn read(
    client: &Client,
    target: &str,
    key: &str,
) -> anyhow::Result<Option<Map<String, Value>>> {
    let Some(answer) = or_none(client.get(target.to_owned()).await)? else {
        return Ok(None);
    };
    let mut answer: Value = answer.json()?;
    match answer[key].take() {
        Value::Object(found) => Ok(Some(found)),
        _ => bail!("Port's answer to {target} holds no {key}"),
    }
}

/// The parts of a blueprint with what a promotion reads added to them; none if it lacks nothing. What is there stays as it
/// is.
fn added(
    identifier: &str,
    found: &Map<String, Value>,
    guide: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Option<Map<String, Value>> {
    let read = READ_FIELDS.iter().find(|(name, _)| *name == identifier);
    // Of a blueprint under another name `guide` has nothing but the relations that lead on.
    let wanted = |(name, _): &(&String, &Value)| {
        read.is_none_or(|(_, fields)| fields.contains(&name.as_str()))
    };
    let empty = Map::new();
    let of = |map: &Value| map.as_object().unwrap_or(&empty).clone();
    let mut schema = found.get("schema").map(&of).unwrap_or_default();
    let mut properties = schema.get("properties").map(&of).unwrap_or_default();
    let mut relations = found.get("relations").map(&of).unwrap_or_default();
    // Port gives null for what is not set, and takes none back.
    for definition in properties.values_mut().chain(relations.values_mut()) {
        if let Some(definition) = definition.as_object_mut() {
            definition.retain(|_, value| !value.is_null());
        }
    }
    let mut grown = [false, false];
    let places = [
        (&guide["schema"]["properties"], &mut properties),
        (&guide["relations"], &mut relations),
    ];
    for ((from, to), grown) in places.into_iter().zip(&mut grown) {
        for (name, definition) in from.as_object().unwrap_or(&empty).iter().filter(wanted) {
            match to.get(name) {
                None => {
                    to.insert(name.clone(), definition.clone());
                    *grown = true;
                }
                Some(other) => warnings.extend(clash(identifier, name, other, definition)),
            }
        }
    }
    let mut body = Map::new();
    if grown[0] {
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.entry("required").or_insert_with(|| json!([]));
        body.insert("schema".to_owned(), Value::Object(schema));
    }
    if grown[1] {
        body.insert("relations".to_owned(), Value::Object(relations));
    }
    (!body.is_empty()).then_some(body)
}

/// Describes a field under a name that a promotion reads, if it is something else.
fn clash(blueprint: &str, name: &str, found: &Value, guide: &Value) -> Option<String> {
    let key = ["type", "target", "many"]
        .into_iter()
        .find(|key| found.get(key) != guide.get(key))?;
    Some(format!(
        "`{name}` of the blueprint {blueprint} has {key} {}, a promotion reads it with {key} {}: it stays as it is, name another in promote.toml",
        found.get(key).unwrap_or(&Value::Null),
        guide.get(key).unwrap_or(&Value::Null)
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
