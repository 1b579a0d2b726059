//! Gathers the facts, by reads alone.
//!
//! What cannot be found is a reason against the promotion; gathering goes on with what does not depend on it, so that all
//! reasons come at once. What only one rule wants to know is in `evidence`, read if that rule is on.

mod behind;
mod build;
mod evidence;
mod history;
mod manifests;
mod origin;
mod past;
mod registry;

pub use past::is_rollback;

use serde_json::{Value, json};

use crate::catalog::{Item, named};
use crate::facts::Facts;
use crate::gates::reason;
use crate::host::PolicyHost;
use crate::image::{ImageReference, is_digest};
use crate::settings::{Digest, Settings};
use crate::template;
use crate::types::{EntityKey, Failure, Reason, Request};

/// Reads what the settings name. The reasons say what could not be found; the facts are none if not even the service could.
///
/// # Errors
/// Fails as the calls do, except that a file or entity that does not exist is a reason.
pub fn gather(
    host: &mut impl PolicyHost,
    request: &Request,
    settings: &Settings,
    repository: Option<&str>,
) -> Result<(Option<Facts>, Vec<Reason>), Failure> {
    let mut gathering = FactsReader {
        host,
        request,
        settings,
        reasons: Vec::new(),
    };
    let facts = gathering.facts(repository)?;
    Ok((facts, gathering.reasons))
}

struct FactsReader<'a, H> {
    host: &'a mut H,
    request: &'a Request,
    settings: &'a Settings,
    reasons: Vec<Reason>,
}

impl<H: PolicyHost> FactsReader<'_, H> {
    fn facts(&mut self, repository: Option<&str>) -> Result<Option<Facts>, Failure> {
        let key = &self.request.subject.key;
        let Some(service) = self.host.get_entity(key)? else {
            self.refuse(
                "service",
                format!("{} is not in Port's catalog", named(key)),
            );
            return Ok(None);
        };
        let service = Item::new(&service)?;
        let mut facts = Facts::of(service);
        facts.is_rollback = is_rollback(self.request, self.settings);
        [facts.staging, facts.production] = self.runtimes(
            &facts.service,
            facts.is_rollback || self.request.resumed.is_some(),
        )?;
        self.images(&mut facts, repository)?;
        facts.digest = facts
            .image
            .as_ref()
            .and_then(|image| self.known_digest(image));
        match repository {
            Some(repository) => {
                self.manifests(&mut facts, repository)?;
                self.left_behind(&mut facts, repository)?;
                self.taken_back(&mut facts, repository)?;
                self.repository_evidence(&mut facts, repository)?;
            }
            None => self.refuse(
                "manifest",
                "no repository is known: set `repository`, or run in a workflow",
            ),
        }
        self.existence(&mut facts)?;
        self.evidence(&mut facts)?;
        Ok(Some(facts))
    }

    fn refuse(&mut self, rule: &str, message: impl Into<String>) {
        self.reasons.push(reason(rule, message));
    }

    /// Fills in a setting; what is missing for it is a reason.
    fn fill(
        &mut self,
        rule: &str,
        setting: &str,
        template: &str,
        context: &Value,
    ) -> Option<String> {
        let result = template::render(template, context);
        result
            .map_err(|what| self.refuse(rule, format!("setting `{setting}`: {what}")))
            .ok()
    }

    /// Staging's and production's runtimes.
    fn runtimes(&mut self, service: &Item, is_rollback: bool) -> Result<[Vec<Item>; 2], Failure> {
        let context = context(self.request, &[("service", Some(service))]);
        let settings = self.settings;
        let names = [
            ("staging", &settings.staging),
            ("production", &settings.production),
        ];
        let mut keys: Vec<(&str, EntityKey)> = Vec::new();
        for (rule, templates) in names {
            // To go back, nothing has to come from anywhere.
            if is_rollback && rule == "staging" {
                continue;
            }
            for template in templates {
                match template::render_all(template, &context) {
                    Ok(identifiers) => keys.extend(identifiers.into_iter().map(|identifier| {
                        let blueprint = settings.runtime_blueprint.clone();
                        (
                            rule,
                            EntityKey {
                                blueprint,
                                identifier,
                            },
                        )
                    })),
                    Err(what) => self.refuse(rule, format!("setting `{rule}`: {what}")),
                }
            }
        }
        keys.dedup();
        let wanted: Vec<_> = keys.iter().map(|(_, key)| key.clone()).collect();
        let entities = if wanted.is_empty() {
            Vec::new()
        } else {
            self.host.get_entities(&wanted)?
        };
        let mut items = [Vec::new(), Vec::new()];
        for ((rule, key), entity) in keys.iter().zip(entities) {
            match entity {
                Some(entity) => items[usize::from(*rule != "staging")].push(Item::new(&entity)?),
                None => self.refuse(
                    rule,
                    format!(
                        "{} is not in Port's catalog, although {} names it",
                        named(key),
                        named(&service.key)
                    ),
                ),
            }
        }
        Ok(items)
    }

    /// The image to promote and, beside it, those that production runs.
    fn images(&mut self, facts: &mut Facts, repository: Option<&str>) -> Result<(), Failure> {
        let picked = match repository.filter(|_| facts.is_rollback) {
            Some(repository) if self.request.resumed.is_none() => {
                self.previous(facts, repository)?
            }
            _ => self.image_identifier(facts),
        };
        let Some((identifier, whence)) = picked else {
            return Ok(());
        };
        let relation = &self.settings.image_relation;
        let mut identifiers = vec![identifier.as_str()];
        for runtime in &facts.production {
            let others = runtime.targets(relation).into_iter();
            let others: Vec<_> = others.filter(|id| !identifiers.contains(id)).collect();
            identifiers.extend(others);
        }
        let key = |identifier: &&str| EntityKey {
            blueprint: self.settings.image_blueprint.clone(),
            identifier: (*identifier).to_owned(),
        };
        let keys: Vec<_> = identifiers.iter().map(key).collect();
        let mut entities = self.host.get_entities(&keys)?.into_iter();
        let image = entities.next().flatten();
        let current: Vec<_> = entities.flatten().collect();
        let current: Vec<_> = current.iter().map(Item::new).collect::<Result<_, _>>()?;
        match image {
            Some(image) => facts.image = Some(Item::new(&image)?),
            None => {
                let what = format!(
                    "{} is not in Port's catalog, although {whence} names it",
                    named(&keys[0])
                );
                self.refuse("image", what);
            }
        }
        self.record(facts, &identifier, current);
        Ok(())
    }

    /// What the catalog should say in the end. Of several images that a runtime has, only the one of this repository goes.
    fn record(&self, facts: &mut Facts, image: &str, mut current: Vec<Item>) {
        let repository = |item: &Item, production: &Item| {
            let reference = self.reference(item, Some(production));
            reference.ok().map(|reference| reference.host_and_path())
        };
        for production in &facts.production {
            let targets = production.targets(&self.settings.image_relation);
            let new = facts
                .image
                .as_ref()
                .and_then(|item| repository(item, production));
            let is_replaced = |id: &str| {
                let old = current.iter().find(|item| item.key.identifier == id);
                let old = old.and_then(|item| repository(item, production));
                id == image || (old.is_some() && old == new)
            };
            let mut kept: Vec<String> = match targets.as_slice() {
                [] | [_] => Vec::new(),
                many => many
                    .iter()
                    .filter(|id| !is_replaced(id))
                    .map(|id| (*id).to_owned())
                    .collect(),
            };
            let place = targets
                .iter()
                .position(|id| is_replaced(id))
                .unwrap_or(kept.len());
            kept.insert(place.min(kept.len()), image.to_owned());
            facts.recorded.push(kept);
        }
        let first = facts.production.first();
        let is_current = |item: &Item| {
            first.is_some_and(|production| {
                let new = facts
                    .image
                    .as_ref()
                    .and_then(|item| repository(item, production));
                production.targets(&self.settings.image_relation).len() == 1
                    || repository(item, production) == new
            })
        };
        let at = current.iter().position(is_current);
        facts.current_image = at.map(|at| current.swap_remove(at));
    }

    /// The image that the settings name, else the one that staging runs; and who says so.
    fn image_identifier(&mut self, facts: &Facts) -> Option<(String, String)> {
        // A promotion that goes on is about what was proposed, whatever staging runs by now.
        if let Some(earlier) = &self.request.resumed {
            let whence = format!("pull request {}", earlier.pull_request);
            if earlier.image.is_empty() {
                self.refuse(
                    "image",
                    format!("{whence} does not say which image it promotes"),
                );
                return None;
            }
            return Some((earlier.image.clone(), whence));
        }
        if !self.settings.image.is_empty() {
            let context = self.context(facts);
            let identifier = self.fill("image", "image", &self.settings.image, &context)?;
            return Some((identifier, "setting `image`".to_owned()));
        }
        let relation = &self.settings.image_relation;
        let mut found: Option<(String, String)> = None;
        for staging in &facts.staging {
            let whence = named(&staging.key);
            let identifier = match staging.targets(relation).as_slice() {
                [one] => (*one).to_owned(),
                [] => {
                    self.refuse(
                        "image",
                        format!(
                            "{whence} has no `{relation}` relation: nothing is known to run there"
                        ),
                    );
                    return None;
                }
                many => {
                    let names: Vec<_> = many.iter().map(|id| format!("`{id}`")).collect();
                    self.refuse(
                        "image",
                        format!(
                            "{whence} runs {} images ({}): say which one with setting `image`, `{{staging.relations.{relation}[0]}}` for instance",
                            many.len(),
                            names.join(", ")
                        ),
                    );
                    return None;
                }
            };
            if let Some((known, elsewhere)) = &found
                && *known != identifier
            {
                self.refuse(
                    "image",
                    format!(
                        "{elsewhere} runs `{known}`, but {whence} runs `{identifier}`: promote when all of staging runs the same"
                    ),
                );
                return None;
            }
            found = Some((identifier, whence));
        }
        found
    }

    /// Returns an image as it is written for a runtime of production.
    fn reference(&self, image: &Item, production: Option<&Item>) -> Result<ImageReference, Reason> {
        let refuse = |what| {
            reason(
                "image",
                format!("setting `reference` makes of {}: {what}", named(&image.key)),
            )
        };
        // The image's own values come first: its relation to a service may well be called so.
        let mut own = image.value.clone();
        if let Some(production) = production {
            let known = |name: &str| {
                ["properties", "relations"]
                    .iter()
                    .any(|kind| own[*kind].get(name).is_some())
            };
            if !known("production") {
                own["production"] = production.value.clone();
            }
        }
        let text = template::render(&self.settings.reference, &own)
            .map_err(|what| reason("image", format!("setting `reference`: {what}")))?;
        let wanted = ImageReference::parse(&text).map_err(refuse)?;
        let property = &self.settings.digest_property;
        match (image.text(property), self.settings.digest) {
            _ if wanted.digest.is_some() => Ok(wanted),
            (Some(digest), Digest::Prefer | Digest::Require | Digest::Resolve) => {
                ImageReference::parse(&format!("{wanted}@{digest}")).map_err(refuse)
            }
            (None, Digest::Require) => {
                let what = format!(
                    "{} has no `{property}`, and setting `digest` requires one",
                    named(&image.key)
                );
                Err(reason("digest", what))
            }
            _ => Ok(wanted),
        }
    }

    /// The digest that the catalog knows of an image, if it is one.
    fn known_digest(&self, image: &Item) -> Option<String> {
        let digest = image.text(&self.settings.digest_property)?;
        is_digest(digest).then(|| digest.to_owned())
    }
}

/// Returns the values that templates can name.
pub fn context(request: &Request, items: &[(&str, Option<&Item>)]) -> Value {
    let inputs: Value = serde_json::from_str(&request.inputs).unwrap_or(Value::Null);
    let mut context = json!({
        "inputs": inputs,
        "run": { "id": request.run_id, "action": request.action },
        "actor": { "id": request.actor.id, "email": request.actor.email, "name": request.actor.name },
    });
    for (name, item) in items {
        if let Some(item) = item {
            context[*name] = item.value.clone();
        }
    }
    context
}

/// A path within a repository, from text that may come from the catalog: `./apps//web/` is `apps/web`.
fn clean_path(path: &str) -> Result<String, String> {
    let parts: Vec<_> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    let hostile =
        |part: &&str| *part == ".." || part.contains(|c: char| c.is_control() || c == '\\');
    if path.starts_with('/') || parts.is_empty() || parts.iter().any(hostile) {
        return Err(format!(
            "`{}` is not a path within the repository",
            path.escape_debug()
        ));
    }
    Ok(parts.join("/"))
}
