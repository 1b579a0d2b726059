//! The past images of production, from git: the merged pull requests of this service and environment that changed its file
//! are its history.

use serde_json::{Value, json};

use super::history::{is_way_back, merged, reverted, taken_back_by};
use super::manifests::{ManifestEntry, first};
use super::{FactsReader, context};
use crate::catalog::{Item, named};
use crate::facts::Facts;
use crate::held::HeldImage;
use crate::host::{PolicyHost, PullFilter, PullRequest, PullState};
use crate::image::ImageReference;
use crate::settings::{Part, Settings};
use crate::text;
use crate::types::{EntityKey, Failure, Request};

/// Whether a run is asked to go back.
pub fn is_rollback(request: &Request, settings: &Settings) -> bool {
    let settings = &settings.rollback;
    let asked = || context(request, &[])["inputs"].get(&settings.input) == Some(&Value::Bool(true));
    settings.enabled || (!settings.input.is_empty() && asked())
}

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Looks whether the image was promoted before and taken back since, where a person has to say that it may be promoted again.
    pub(super) fn taken_back(
        &mut self,
        facts: &mut Facts,
        repository: &str,
    ) -> Result<(), Failure> {
        let again = &self.settings.rollback.again;
        let is_merged = self.request.resumed.as_ref();
        let is_merged = is_merged.is_some_and(|it| it.is_merged);
        let says_so =
            || context(self.request, &[])["inputs"].get(again) == Some(&Value::Bool(true));
        if again.is_empty() || facts.is_rollback || facts.is_current() || is_merged || says_so() {
            return Ok(());
        }
        let Some(image) = facts.image.as_ref().map(|it| it.key.identifier.clone()) else {
            return Ok(());
        };
        let Some(path) = facts.files.first().map(|file| file.path.clone()) else {
            return Ok(());
        };
        let past = self.file_pulls(facts, repository, &path)?;
        facts.taken_back_by = taken_back_by(&merged(past), &image);
        Ok(())
    }

    /// The image that the first manifest held before, and who says so.
    pub(super) fn previous(
        &mut self,
        facts: &mut Facts,
        repository: &str,
    ) -> Result<Option<(String, String)>, Failure> {
        let manifest = &self.settings.manifest[0];
        let production = facts.production.first().cloned();
        let Some(entry) = self.entry(facts, manifest, production.as_ref()) else {
            return Ok(None);
        };
        let Some(file) = self.file(facts, repository, &entry.path)? else {
            return Ok(None);
        };
        let current = self.recorded(facts, repository)?;
        let runs = production.as_ref();
        let runs = runs.map_or(0, |it| it.targets(&self.settings.image_relation).len());
        if current.is_none() && runs > 1 {
            return Ok(None);
        }
        let like = current
            .as_ref()
            .and_then(|image| self.reference(image, production.as_ref()).ok());
        let content = &facts.files[file].content;
        let Ok(now) = first(
            content,
            &entry.search,
            entry.part,
            like.as_ref(),
            entry.registry.as_deref(),
        ) else {
            // Said again, with the reason, when the manifests are read.
            return Ok(None);
        };
        let spot = TracedValue {
            entry,
            like,
            part: now.part,
            production,
        };
        let (path, now) = (spot.entry.path.clone(), now.value);
        let mut pulls = self.past_pulls(facts, repository, PullFilter::Any)?;
        let open = pulls
            .iter()
            .find(|pull| pull.state == PullState::Open && is_way_back(pull));
        facts.way_back = open.map(|pull| pull.head.clone());
        // The list tells of a merge of a moment ago, the file's history of one that was long ago in a busy repository.
        for pull in self.file_pulls(facts, repository, &path)? {
            if pulls.iter().all(|known| known.number != pull.number) {
                pulls.push(pull);
            }
        }
        let merged = merged(pulls);
        let wanted = match self.is_done(facts, &spot, current.as_ref(), &merged, &now) {
            true => Some(now.clone()),
            false => self.before(repository, &spot, &merged, &now)?,
        };
        let Some(wanted) = wanted else {
            let what = format!(
                "`{path}` holds `{now}`, and no pull request of `promote` is known that brought it there: pick the image, see setting `image`"
            );
            self.refuse("rollback", what);
            return Ok(None);
        };
        self.identify(&spot, current.as_ref(), &wanted)
    }

    /// The image that production runs, by the catalog. Of several it is the one that was promoted last.
    fn recorded(&mut self, facts: &Facts, repository: &str) -> Result<Option<Item>, Failure> {
        let relation = &self.settings.image_relation;
        let runs: Vec<String> = facts.production.first().map_or_else(Vec::new, |it| {
            let targets = it.targets(relation).into_iter();
            targets.map(str::to_owned).collect()
        });
        let identifier = match runs.as_slice() {
            [] => return Ok(None),
            [one] => one.clone(),
            several => {
                let merged = merged(self.past_pulls(facts, repository, PullFilter::Any)?);
                let last = merged.last().and_then(|pull| pull.image.clone());
                match last.filter(|last| several.contains(last)) {
                    Some(last) => last,
                    None => {
                        let what = format!(
                            "{} runs {} images, and no pull request of `promote` is known that brought one of them there: pick the image, see setting `image`",
                            named(&facts.production[0].key),
                            several.len()
                        );
                        self.refuse("rollback", what);
                        return Ok(None);
                    }
                }
            }
        };
        let key = EntityKey {
            blueprint: self.settings.image_blueprint.clone(),
            identifier,
        };
        let image = self.host.get_entity(&key)?;
        image.as_ref().map(Item::new).transpose()
    }

    /// The pull requests of this service and environment.
    pub(super) fn past_pulls(
        &mut self,
        facts: &Facts,
        repository: &str,
        filter: PullFilter,
    ) -> Result<Vec<PullRequest>, Failure> {
        let folder = text::folder(&facts.service.key.identifier, &self.settings.environment);
        let head = format!("{folder}/*");
        self.host
            .find_pull_requests(repository, &head, &self.settings.base, filter)
    }

    /// The merged pull requests of this service and environment that changed a file, and people's reverts of them.
    fn file_pulls(
        &mut self,
        facts: &Facts,
        repository: &str,
        path: &str,
    ) -> Result<Vec<PullRequest>, Failure> {
        let folder = text::folder(&facts.service.key.identifier, &self.settings.environment);
        let base = &self.settings.base;
        let mut pulls = self.host.get_file_pulls(repository, path, base)?;
        pulls.retain(|pull| {
            let head = reverted(&pull.head).unwrap_or(&pull.head);
            head.strip_prefix(&folder)
                .is_some_and(|rest| rest.starts_with('/'))
        });
        Ok(pulls)
    }

    /// Whether the way back has been taken already: by an earlier attempt of this run, or by one that was cut off before it
    /// told the catalog. Going back once more would be one image too far.
    fn is_done(
        &self,
        facts: &Facts,
        spot: &TracedValue,
        current: Option<&Item>,
        merged: &[PullRequest],
        now: &str,
    ) -> bool {
        let (service, environment) = (&facts.service.key.identifier, &self.settings.environment);
        let own = text::rollback_branch(service, environment, &self.request.run_id);
        let is_own = |pull: &PullRequest| {
            pull.head.starts_with(&own)
                || (is_way_back(pull) && pull.runs.contains(&self.request.run_id))
        };
        if merged.iter().any(is_own) {
            return true;
        }
        let is_last = merged.last().is_some_and(is_way_back);
        is_last && current.is_some_and(|image| self.is_held(spot, image, now) == Some(false))
    }

    /// Whether a value is that of an image; none if the image cannot be written.
    fn is_held(&self, spot: &TracedValue, image: &Item, value: &str) -> Option<bool> {
        let reference = self.reference(image, spot.production.as_ref()).ok()?;
        let digest = self.known_digest(image);
        let held = HeldImage::read(spot.part, value).ok()?;
        Some(held.denotes(spot.part, &reference, digest.as_deref()))
    }

    /// What stood in the manifest before. The values are a stack: a promotion puts one on it, a way back takes one off.
    fn before(
        &mut self,
        repository: &str,
        spot: &TracedValue,
        merged: &[PullRequest],
        now: &str,
    ) -> Result<Option<String>, Failure> {
        let mut stack: Vec<String> = Vec::new();
        for pull in merged {
            let Some(commit) = &pull.merge_commit else {
                continue;
            };
            if stack.is_empty()
                && let Some(commit) = self.host.get_commit(repository, commit)?
                && let Some(parent) = commit.parents.first()
            {
                stack.extend(self.value(repository, spot, parent)?);
            }
            let Some(value) = self.value(repository, spot, commit)? else {
                // What was before is on the other side of a gap.
                stack.clear();
                continue;
            };
            if is_way_back(pull) {
                // A way back to what is not known to have been there leaves nothing to go back to.
                stack.truncate(stack.iter().rposition(|older| *older == value).unwrap_or(0));
            }
            if stack.last() != Some(&value) {
                stack.push(value);
            }
        }
        // Changed by hand since.
        if stack.last().is_some_and(|last| last != now) {
            stack.push(now.to_owned());
        }
        Ok(stack.len().checked_sub(2).map(|at| stack.swap_remove(at)))
    }

    /// Reads the value in the manifest at a commit, if it was there.
    fn value(
        &mut self,
        repository: &str,
        spot: &TracedValue,
        commit: &str,
    ) -> Result<Option<String>, Failure> {
        let file = match self.host.read_file(repository, &spot.entry.path, commit) {
            Err(Failure::NotFound(_) | Failure::Rejected(_)) => None,
            other => other?,
        };
        Ok(file.and_then(|file| spot.value(&file.content).ok()))
    }

    /// The one image of the catalog that is written so.
    fn identify(
        &mut self,
        spot: &TracedValue,
        current: Option<&Item>,
        wanted: &str,
    ) -> Result<Option<(String, String)>, Failure> {
        let mut fitting = Vec::new();
        for image in self.images_like(current, spot.production.as_ref())? {
            if self.is_held(spot, &image, wanted) == Some(true) {
                fitting.push(image.key);
            }
        }
        let whence = format!("`{wanted}`, which git had before,");
        match fitting.as_slice() {
            [one] => return Ok(Some((one.identifier.clone(), whence))),
            [] => self.refuse(
                "rollback",
                format!("no image of Port's catalog is `{wanted}`, which git had before"),
            ),
            many => {
                let names: Vec<_> = many.iter().map(named).collect();
                self.refuse(
                    "rollback",
                    format!(
                        "`{wanted}`, which git had before, may be {}",
                        names.join(" or ")
                    ),
                );
            }
        }
        Ok(None)
    }

    /// Searches the images of the repository that an image is of.
    pub(super) fn images_like(
        &mut self,
        image: Option<&Item>,
        production: Option<&Item>,
    ) -> Result<Vec<Item>, Failure> {
        // Images of one repository share the property that holds it: a catalog is not read whole.
        let repository = image
            .and_then(|image| self.reference(image, production).ok())
            .map(|it| it.repository);
        let properties = image
            .and_then(|image| image.value["properties"].as_object())
            .into_iter()
            .flatten();
        let shared = properties.filter(|(_, value)| {
            value.as_str().is_some() && value.as_str() == repository.as_deref()
        });
        let rules: Vec<_> = shared
            .map(|(name, value)| json!({ "property": name, "operator": "=", "value": value }))
            .collect();
        let query = json!({ "combinator": "and", "rules": rules }).to_string();
        let found = self.host.search(&self.settings.image_blueprint, &query)?;
        found.iter().map(Item::new).collect()
    }
}

/// The one value whose history is looked at.
struct TracedValue {
    entry: ManifestEntry,
    /// An image of the repository that is looked for.
    like: Option<ImageReference>,
    /// The part of a reference that it holds.
    part: Part,
    /// The runtime that it is of.
    production: Option<Item>,
}

impl TracedValue {
    fn value(&self, content: &str) -> Result<String, String> {
        let entry = &self.entry;
        first(
            content,
            &entry.search,
            entry.part,
            self.like.as_ref(),
            entry.registry.as_deref(),
        )
        .map(|first| first.value)
    }
}
