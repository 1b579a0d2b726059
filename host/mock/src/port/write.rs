//! Writing an entity: everything is checked before anything changes.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Map;

use super::answer::PortRefusal;
use super::audit::EntityChange;
use super::input::{IdentifierKind, PortCall};
use super::schema::{self, EntityDraft};
use super::{CatalogEntity, ChangeStamps, Port, RunStatus};

/// The treatment of an entity that exists, and of one that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteMode {
    /// It must not exist.
    Create,
    /// It is created, or loses what is not sent.
    Upsert,
    /// It is created, or keeps what is not sent.
    UpsertMerge,
    /// It must exist, and loses what is not sent.
    Replace,
    /// It must exist, and keeps what is not sent.
    Change,
}

impl WriteMode {
    pub(super) fn of_post(call: &PortCall<'_>) -> Result<Self, PortRefusal> {
        Ok(
            match (call.query.flag("upsert")?, call.query.flag("merge")?) {
                (false, _) => Self::Create,
                (true, false) => Self::Upsert,
                (true, true) => Self::UpsertMerge,
            },
        )
    }

    fn keeps(self) -> bool {
        matches!(self, Self::UpsertMerge | Self::Change)
    }

    /// Refuses a mode that does not fit an entity which exists, or one which does not.
    fn check(self, exists: bool, identifier: &str) -> Result<(), PortRefusal> {
        match self {
            Self::Create if exists => Err(PortRefusal::taken("entity", identifier)),
            Self::Replace | Self::Change if !exists => {
                Err(PortRefusal::not_found("entity", identifier))
            }
            _ => Ok(()),
        }
    }
}

impl Port {
    /// Checks everything, then writes; returns the entity and whether it is new.
    pub(super) fn write_entity(
        &mut self,
        call: &PortCall<'_>,
        blueprint: &str,
        identifier: &str,
        draft: &EntityDraft,
        mode: WriteMode,
    ) -> Result<(CatalogEntity, bool), PortRefusal> {
        let definition = self.blueprint(blueprint)?;
        let run = self.run_of_write(call)?;
        IdentifierKind::Entity.check("body/identifier", identifier)?;
        let before = self.entity(blueprint, identifier).cloned();
        mode.check(before.is_some(), identifier)?;
        let mut after = self.start_of(call, blueprint, identifier, before.as_ref(), mode);
        schema::apply(&definition, draft, &mut after)?;
        self.resolve(call, &definition, draft, &mut after)?;
        schema::check_required(&definition, &after, before.as_ref())?;
        let missing = self.missing_targets(&definition, &after);
        if let Some((_, target)) = missing.first()
            && !call.query.flag("create_missing_related_entities")?
        {
            return Err(PortRefusal::not_found("entity", target));
        }
        let renamed = after.identifier != identifier;
        if renamed && self.entity(blueprint, &after.identifier).is_some() {
            return Err(PortRefusal::taken("entity", &after.identifier));
        }
        if call.query.flag("validation_only")? {
            return Ok((after, before.is_none()));
        }
        for (target, identifier) in missing {
            self.put_bare(call, &target, &identifier);
        }
        if renamed {
            self.rename(blueprint, identifier, &after.identifier);
        }
        self.store(call, run, before.as_ref(), &after);
        Ok((after, before.is_none()))
    }

    /// Returns the entity that a write starts from: the one that exists, or an empty one.
    fn start_of(
        &self,
        call: &PortCall<'_>,
        blueprint: &str,
        identifier: &str,
        before: Option<&CatalogEntity>,
        mode: WriteMode,
    ) -> CatalogEntity {
        let mut stamps = ChangeStamps::new(call.now, &call.actor);
        if let Some(before) = before {
            stamps = before.stamps.clone();
            stamps.touch(call.now, &call.actor);
        }
        match before {
            Some(before) if mode.keeps() => CatalogEntity {
                stamps,
                ..before.clone()
            },
            _ => CatalogEntity {
                identifier: identifier.to_owned(),
                blueprint: blueprint.to_owned(),
                title: None,
                icon: None,
                team: Vec::new(),
                properties: Map::new(),
                relations: BTreeMap::new(),
                stamps,
            },
        }
    }

    /// The run that a write is tied to: 404 if there is none, 400 if it takes no more (Port docs, "Reflect action
    /// progress").
    pub(super) fn run_of_write(&self, call: &PortCall<'_>) -> Result<Option<String>, PortRefusal> {
        let Some(id) = call.query.text("run_id") else {
            return Ok(None);
        };
        let run = self
            .runs
            .get(id)
            .ok_or_else(|| PortRefusal::not_found("run", id))?;
        if run.status != RunStatus::InProgress {
            return Err(PortRefusal::new(
                StatusCode::BAD_REQUEST,
                "run_exhausted",
                format!(
                    "run \"{id}\" is {} and takes no more changes",
                    run.status.as_str()
                ),
            ));
        }
        Ok(Some(id.to_owned()))
    }

    fn put_bare(&mut self, call: &PortCall<'_>, blueprint: &str, identifier: &str) {
        let bare = self.start_of(call, blueprint, identifier, None, WriteMode::Create);
        self.store(call, None, None, &bare);
    }

    fn store(
        &mut self,
        call: &PortCall<'_>,
        run: Option<String>,
        before: Option<&CatalogEntity>,
        after: &CatalogEntity,
    ) {
        let key = (after.blueprint.clone(), after.identifier.clone());
        self.entities.insert(key, after.clone());
        self.record_entity(
            call,
            run,
            EntityChange {
                before,
                after: Some(after),
            },
        );
    }

    /// Moves an entity to a new identifier, with the relations that point at it.
    fn rename(&mut self, blueprint: &str, from: &str, to: &str) {
        self.entities
            .remove(&(blueprint.to_owned(), from.to_owned()));
        for entity in self.entities.values_mut() {
            let Some(definition) = self.blueprints.get(&entity.blueprint) else {
                continue;
            };
            for (name, targets) in &mut entity.relations {
                if definition
                    .relation(name)
                    .is_some_and(|rule| rule.target == blueprint)
                {
                    targets.rename(from, to);
                }
            }
        }
    }
}
