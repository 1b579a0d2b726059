//! What a decision rests on, gathered by reads alone.
//!
//! What cannot be found is a reason against the promotion; gathering goes on with what does not depend on it, so that all
//! reasons come at once.

use serde_json::{Value, json};

use crate::catalog::{Item, named};
use crate::gates::reason;
use crate::host::{File, Host};
use crate::image::Reference;
use crate::settings::{Manifest, Settings};
use crate::template;
use crate::types::{EntityKey, Failure, Reason, Request};
use crate::yaml::{self, Selector, Site, Stream};

/// Everything known about a promotion.
#[derive(Debug)]
pub struct Facts {
    /// The service, read again: the payload is only a claim.
    pub service: Item,
    /// What the image comes from.
    pub staging: Option<Item>,
    /// What the image goes to.
    pub production: Option<Item>,
    /// The image that staging runs.
    pub image: Option<Item>,
    /// Its reference.
    pub wanted: Option<Reference>,
    /// The files at the base branch, all at one commit.
    pub files: Vec<File>,
    /// The scalars to change, in the order of the settings.
    pub sites: Vec<Target>,
}

/// One scalar of one file, and what it should hold.
#[derive(Clone, Debug)]
pub struct Target {
    /// Index into [`Facts::files`].
    pub file: usize,
    /// The setting that asks for it.
    pub manifest: Manifest,
    /// Where it is and what it holds.
    pub site: Site,
    /// What it should hold.
    pub wanted: String,
}

impl Target {
    /// Whether the manifest holds the image already, as text that no reader takes for a number.
    pub fn is_current(&self) -> bool {
        self.site.value == self.wanted && self.site.is_text
    }
}

impl Facts {
    /// Whether nothing has to change in git.
    pub fn is_current(&self) -> bool {
        self.sites.iter().all(Target::is_current)
    }

    /// What changes, for people.
    pub fn changed(&self) -> String {
        let changed = self.sites.iter().filter(|target| !target.is_current());
        let places =
            changed.map(|target| format!("{} in {}", target.manifest.image, self.files[target.file].path));
        places.collect::<Vec<_>>().join(", ")
    }

    /// The image that the manifests hold now, as far as one of them holds a whole reference.
    pub fn previous(&self) -> Option<&str> {
        let holds = |target: &&Target| target.manifest.part == crate::settings::Part::Reference;
        self.sites.iter().find(holds).map(|target| target.site.value.as_str())
    }
}

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
    let mut gathering = Gathering { host, request, settings, reasons: Vec::new() };
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
            self.refuse("service", format!("{} is not in Port's catalog", named(key)));
            return Ok(None);
        };
        let service = Item::new(&service)?;
        let (staging, production) = self.runtimes(&service)?;
        let image = match &staging {
            Some(staging) => self.image(staging)?,
            None => None,
        };
        let wanted = image.as_ref().and_then(|image| self.wanted(image));
        let mut facts =
            Facts { service, staging, production, image, wanted, files: Vec::new(), sites: Vec::new() };
        match repository {
            Some(repository) => self.manifests(&mut facts, repository)?,
            None => self.refuse("manifest", "no repository is known: set `repository`, or run in a workflow"),
        }
        Ok(Some(facts))
    }

    fn refuse(&mut self, rule: &str, message: impl Into<String>) {
        self.reasons.push(reason(rule, message));
    }

    /// Fills in a setting; what is missing for it is a reason.
    fn fill(&mut self, rule: &str, setting: &str, template: &str, context: &Value) -> Option<String> {
        let result = template::render(template, context);
        result.map_err(|what| self.refuse(rule, format!("setting `{setting}`: {what}"))).ok()
    }

    fn runtimes(&mut self, service: &Item) -> Result<(Option<Item>, Option<Item>), Failure> {
        let context = context(self.request, &[("service", Some(service))]);
        let settings = self.settings;
        let names = [("staging", &settings.staging), ("production", &settings.production)];
        let found = names.map(|(rule, template)| self.fill(rule, rule, template, &context));
        let keys: Vec<_> = found
            .iter()
            .flatten()
            .map(|identifier| EntityKey {
                blueprint: settings.runtime_blueprint.clone(),
                identifier: identifier.clone(),
            })
            .collect();
        let mut entities =
            if keys.is_empty() { Vec::new() } else { self.host.get_entities(&keys)? }.into_iter();
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

    fn image(&mut self, staging: &Item) -> Result<Option<Item>, Failure> {
        let relation = &self.settings.image_relation;
        let Some(identifier) = staging.relation(relation) else {
            self.refuse(
                "image",
                format!(
                    "{} has no `{relation}` relation: nothing is known to run there",
                    named(&staging.key)
                ),
            );
            return Ok(None);
        };
        let key =
            EntityKey { blueprint: self.settings.image_blueprint.clone(), identifier: identifier.to_owned() };
        let entity = self.host.get_entity(&key)?;
        if entity.is_none() {
            self.refuse(
                "image",
                format!("{} is not in Port's catalog, although {} runs it", named(&key), named(&staging.key)),
            );
        }
        entity.as_ref().map(Item::new).transpose()
    }

    fn wanted(&mut self, image: &Item) -> Option<Reference> {
        let text = self.fill("image", "reference", &self.settings.reference, &image.value)?;
        let parsed = Reference::parse(&text);
        parsed
            .map_err(|what| {
                self.refuse("image", format!("setting `reference` makes of {}: {what}", named(&image.key)))
            })
            .ok()
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
            let Some(path) = self.fill("manifest", "manifest.path", &manifest.path, &context) else {
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
    fn file(&mut self, facts: &mut Facts, repository: &str, path: &str) -> Result<Option<usize>, Failure> {
        if let Some(known) = facts.files.iter().position(|file| file.path == path) {
            return Ok(Some(known));
        }
        let base = self.settings.base.clone();
        let revision = facts.files.first().map_or(base.clone(), |file| file.commit.clone());
        let why = match self.host.read_file(repository, path, &revision) {
            Ok(Some(file)) => {
                facts.files.push(File { path: path.to_owned(), ..file });
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
        let selector =
            Selector { kind: manifest.document.kind.as_deref(), name: manifest.document.name.as_deref() };
        let found = manifest
            .image
            .parse::<yaml::Path>()
            .map_err(|what| format!("setting `manifest.image`: {what}"))
            .and_then(|address| {
                let stream = Stream::read(content).map_err(|what| format!("`{path}`: {what}"))?;
                yaml::find(&stream, selector, &address).map_err(|what| format!("`{path}`: {what}"))
            });
        let wanted = facts.wanted.as_ref().map(|image| (image, manifest.part.of(image)));
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
                facts.sites.push(Target { file, manifest: manifest.clone(), site, wanted });
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
        "actor": { "email": request.actor.email, "name": request.actor.name },
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
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let hostile = |part: &&str| *part == ".." || part.contains(|c: char| c.is_control() || c == '\\');
    if path.starts_with('/') || parts.is_empty() || parts.iter().any(hostile) {
        return Err(format!("`{}` is not a path within the repository", path.escape_debug()));
    }
    Ok(parts.join("/"))
}
