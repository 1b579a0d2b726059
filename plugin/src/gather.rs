//! Gathers the facts, by reads alone.
//!
//! What cannot be found is a reason against the promotion; gathering goes on with what does not depend on it, so that all
//! reasons come at once. What only one rule wants to know is in `evidence`, read if that rule is on.

mod evidence;
mod past;

use serde_json::{Value, json};

use crate::catalog::{Item, named};
use crate::facts::{Facts, Target};
use crate::gates::reason;
use crate::host::{File, Host};
use crate::image::Reference;
use crate::settings::{Digest, Manifest, Settings};
use crate::template;
use crate::types::{EntityKey, Failure, Reason, Request};

/// Reads what the settings name. The reasons say what could not be found; the facts are none if not even the service could.
///
/// # Errors
/// Fails as the calls do, except that a file or entity that does not exist is a reason.
pub fn gather(
    host: &mut impl Host,
    request: &Request,
    settings: &Settings,
    repository: Option<&str>,
) -> Result<(Option<Facts>, Vec<Reason>), Failure> {
    let mut gathering = Gathering {
        host,
        request,
        settings,
        reasons: Vec::new(),
    };
    let facts = gathering.facts(repository)?;
    Ok((facts, gathering.reasons))
}

struct Gathering<'a, H> {
    host: &'a mut H,
    request: &'a Request,
    settings: &'a Settings,
    reasons: Vec<Reason>,
}

impl<H: Host> Gathering<'_, H> {
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
        facts.is_rollback = self.is_rollback();
        (facts.staging, facts.production) = self.runtimes(&facts.service, facts.is_rollback)?;
        self.images(&mut facts, repository)?;
        facts.wanted = facts.image.as_ref().and_then(|image| self.wanted(image));
        match repository {
            Some(repository) => {
                self.manifests(&mut facts, repository)?;
                self.repository_evidence(&mut facts, repository)?;
            }
            None => self.refuse(
                "manifest",
                "no repository is known: set `repository`, or run in a workflow",
            ),
        }
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

    fn runtimes(
        &mut self,
        service: &Item,
        is_rollback: bool,
    ) -> Result<(Option<Item>, Option<Item>), Failure> {
        let context = context(self.request, &[("service", Some(service))]);
        let settings = self.settings;
        let names = [
            ("staging", &settings.staging),
            ("production", &settings.production),
        ];
        // To go back, nothing has to come from anywhere.
        let is_needed = |rule| !(is_rollback && rule == "staging");
        let found = names.map(|(rule, template)| {
            self.fill(rule, rule, template, &context)
                .filter(|_| is_needed(rule))
        });
        let keys: Vec<_> = found
            .iter()
            .flatten()
            .map(|identifier| EntityKey {
                blueprint: settings.runtime_blueprint.clone(),
                identifier: identifier.clone(),
            })
            .collect();
        let mut entities = if keys.is_empty() {
            Vec::new()
        } else {
            self.host.get_entities(&keys)?
        }
        .into_iter();
        let mut keys = keys.iter();
        let mut items = [None, None];
        for ((item, identifier), (rule, _)) in items.iter_mut().zip(&found).zip(names) {
            if identifier.is_none() {
                continue;
            }
            match (entities.next().flatten(), keys.next()) {
                (Some(entity), _) => *item = Some(Item::new(&entity)?),
                (None, Some(key)) => {
                    self.refuse(
                        rule,
                        format!(
                            "{} is not in Port's catalog, although {} names it",
                            named(key),
                            named(&service.key)
                        ),
                    );
                }
                (None, None) => {}
            }
        }
        let [staging, production] = items;
        Ok((staging, production))
    }

    /// The image to promote and, beside it, the one that production runs.
    fn images(&mut self, facts: &mut Facts, repository: Option<&str>) -> Result<(), Failure> {
        let picked = match repository.filter(|_| facts.is_rollback) {
            Some(repository) => self.previous(facts, repository)?,
            None => self.image_identifier(facts),
        };
        let Some((identifier, whence)) = picked else {
            return Ok(());
        };
        let relation = &self.settings.image_relation;
        let blueprint = &self.settings.image_blueprint;
        let key = |identifier: &str| EntityKey {
            blueprint: blueprint.clone(),
            identifier: identifier.to_owned(),
        };
        let current = facts
            .production
            .as_ref()
            .and_then(|production| production.relation(relation));
        let keys: Vec<_> = [
            Some(identifier.as_str()),
            current.filter(|id| *id != identifier),
        ]
        .into_iter()
        .flatten()
        .map(key)
        .collect();
        let mut entities = self.host.get_entities(&keys)?.into_iter();
        match entities.next().flatten() {
            Some(image) => facts.image = Some(Item::new(&image)?),
            None => {
                let what = format!(
                    "{} is not in Port's catalog, although {whence} names it",
                    named(&keys[0])
                );
                self.refuse("image", what);
            }
        }
        facts.current_image = entities
            .next()
            .flatten()
            .as_ref()
            .map(Item::new)
            .transpose()?;
        Ok(())
    }

    /// The image that the settings name, else the one that staging runs; and who says so.
    fn image_identifier(&mut self, facts: &Facts) -> Option<(String, String)> {
        if !self.settings.image.is_empty() {
            let context = self.context(facts);
            let identifier = self.fill("image", "image", &self.settings.image, &context)?;
            return Some((identifier, "setting `image`".to_owned()));
        }
        let relation = &self.settings.image_relation;
        let staging = facts.staging.as_ref()?;
        let whence = named(&staging.key);
        match staging.relation(relation) {
            Some(identifier) => Some((identifier.to_owned(), whence)),
            None => {
                self.refuse(
                    "image",
                    format!("{whence} has no `{relation}` relation: nothing is known to run there"),
                );
                None
            }
        }
    }

    fn wanted(&mut self, image: &Item) -> Option<Reference> {
        self.reference(image)
            .map_err(|reason| self.reasons.push(reason))
            .ok()
    }

    /// How an image is written.
    fn reference(&self, image: &Item) -> Result<Reference, Reason> {
        let refuse = |what| {
            reason(
                "image",
                format!("setting `reference` makes of {}: {what}", named(&image.key)),
            )
        };
        let text = template::render(&self.settings.reference, &image.value)
            .map_err(|what| reason("image", format!("setting `reference`: {what}")))?;
        let wanted = Reference::parse(&text).map_err(refuse)?;
        let property = &self.settings.digest_property;
        match (image.text(property), self.settings.digest) {
            _ if wanted.digest.is_some() => Ok(wanted),
            (Some(digest), Digest::Prefer | Digest::Require) => {
                Reference::parse(&format!("{wanted}@{digest}")).map_err(refuse)
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

    fn manifests(&mut self, facts: &mut Facts, repository: &str) -> Result<(), Failure> {
        let context = context(
            self.request,
            &[
                ("service", Some(&facts.service)),
                ("staging", facts.staging.as_ref()),
                ("production", facts.production.as_ref()),
                ("image", facts.image.as_ref()),
            ],
        );
        for manifest in &self.settings.manifest {
            // A template that needs what is missing would only repeat the reason for that.
            if facts.production.is_none() && manifest.path.contains("{production") {
                continue;
            }
            let Some(path) = self.fill("manifest", "manifest.path", &manifest.path, &context)
            else {
                continue;
            };
            let path = match clean_path(&path) {
                Ok(path) => path,
                Err(what) => {
                    self.refuse("manifest", what);
                    continue;
                }
            };
            if let Some(file) = self.file(facts, repository, &path)? {
                self.target(facts, file, manifest);
            }
        }
        Ok(())
    }

    /// Reads a file once; the second and later ones at the commit of the first.
    fn file(
        &mut self,
        facts: &mut Facts,
        repository: &str,
        path: &str,
    ) -> Result<Option<usize>, Failure> {
        if let Some(known) = facts.files.iter().position(|file| file.path == path) {
            return Ok(Some(known));
        }
        let base = self.settings.base.clone();
        let revision = facts
            .files
            .first()
            .map_or(base.clone(), |file| file.commit.clone());
        let why = match self.host.read_file(repository, path, &revision) {
            Ok(Some(file)) => {
                facts.files.push(File {
                    path: path.to_owned(),
                    ..file
                });
                return Ok(Some(facts.files.len() - 1));
            }
            Ok(None) => format!("`{path}` does not exist on branch `{base}` of {repository}"),
            Err(Failure::NotFound(what)) => {
                format!("`{path}` cannot be read on branch `{base}` of {repository}: {what}")
            }
            Err(Failure::Rejected(what)) => {
                format!("`{path}` in {repository} cannot be changed: {what}")
            }
            Err(failure) => return Err(failure),
        };
        self.refuse("manifest", why);
        Ok(None)
    }

    fn target(&mut self, facts: &mut Facts, file: usize, manifest: &Manifest) {
        let File { path, content, .. } = &facts.files[file];
        let found = manifest
            .find(content)
            .map_err(|what| format!("`{path}`: {what}"));
        let wanted = facts
            .wanted
            .as_ref()
            .map(|image| (image, manifest.part.of(image)));
        match (found, wanted) {
            (Err(what), _) => self.refuse("manifest", what),
            (Ok(_), Some((image, None))) => {
                let part = manifest.part.noun();
                self.refuse(
                    "image",
                    format!("`{path}` takes the {part} of the image, but `{image}` has none"),
                );
            }
            (Ok(site), Some((_, Some(wanted)))) => {
                facts.sites.push(Target {
                    file,
                    manifest: manifest.clone(),
                    site,
                    wanted,
                });
            }
            (Ok(_), None) => {}
        }
    }
}

/// What templates can name.
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
