//! Facts for single rules. A rule that is off costs no call.

use serde_json::Value;

use super::{FactsReader, clean_path, context};
use crate::catalog::{Item, named};
use crate::facts::{Facts, ImageProvenance, SoakFacts};
use crate::host::{Comparison, PolicyHost};
use crate::template;
use crate::time::{duration, timestamp};
use crate::types::{EntityKey, Failure};
use promote_guest::explain;

impl<H: PolicyHost> FactsReader<'_, H> {
    /// Reads the facts of the catalog and the request.
    pub(super) fn evidence(&mut self, facts: &mut Facts) -> Result<(), Failure> {
        let (request, settings) = (self.request, self.settings);
        let context = self.context(facts);
        facts.actor = request
            .actor
            .email
            .clone()
            .or_else(|| request.actor.name.clone())
            .or_else(|| Some(request.actor.id.clone()).filter(|id| !id.is_empty()));
        facts.requested_at.clone_from(&request.requested_at);
        let hotfix = context["inputs"].get(&settings.freeze.hotfix_input);
        facts.is_hotfix =
            !settings.freeze.hotfix_input.is_empty() && hotfix == Some(&Value::Bool(true));
        facts.actor_id.clone_from(&request.actor.id);
        facts
            .environment_reviews
            .clone_from(&request.environment_reviews);
        facts.approval.clone_from(&request.approval);
        facts.soaking = self.soaking(facts);
        let pushed = |image: &Option<Item>| {
            image
                .as_ref()
                .and_then(|image| timestamp(image.text("pushedAt")?))
        };
        facts.pushed = pushed(&facts.image).zip(pushed(&facts.current_image));
        let calendar = !settings.freeze.windows.is_empty() || !settings.freeze.holidays.is_empty();
        if calendar || duration(&settings.soak.at_least).is_ok_and(|least| least > 0) {
            facts.now = timestamp(&self.host.now());
        }
        let login = settings.people.login.as_deref();
        let asks_for_user = login.is_some() || !settings.people.teams.is_empty();
        let mut named = context.clone();
        if let Some(actor) = facts.actor.as_ref().filter(|_| asks_for_user) {
            let key = EntityKey {
                blueprint: settings.people.user_blueprint.clone(),
                identifier: actor.clone(),
            };
            if let Some(user) = self.host.get_entity(&key)? {
                named["user"] = Item::new(&user)?.value;
                let related = user
                    .relations
                    .iter()
                    .filter(|relation| matches!(relation.name.as_str(), "team" | "teams"));
                facts.actor_teams = related
                    .flat_map(|relation| relation.targets.clone())
                    .chain(user.teams.clone())
                    .collect();
            }
        }
        if let Some(login) = login {
            facts.login = self.fill("people", "people.login", login, &named);
        }
        facts.origin = self.origin(facts, &context)?;
        facts.authors = self.authors(facts, &context);
        facts.provenance = self.provenance(facts, &context)?;
        facts.build = self.build(facts, &context)?;
        facts.commits = self.commits(facts, &context)?;
        Ok(())
    }

    /// Reads the facts of the manifests' repository.
    pub(super) fn repository_evidence(
        &mut self,
        facts: &mut Facts,
        repository: &str,
    ) -> Result<(), Failure> {
        let settings = self.settings;
        let revision = facts
            .files
            .first()
            .map_or(settings.base.clone(), |file| file.commit.clone());
        if !settings.freeze.file.is_empty() {
            let file = self
                .host
                .read_file(repository, &settings.freeze.file, &revision)?;
            facts.freeze_file = file.map(|file| file.content);
        }
        if settings.health.manifest.is_empty()
            || !settings.health.enabled
            || !settings.image.is_empty()
            || facts.staging.is_empty()
        {
            return Ok(());
        }
        for staging in facts.staging.clone() {
            let mut context = self.context(facts);
            context["staging"] = staging.value.clone();
            let template = &settings.health.manifest;
            let path = self.fill("health", "health.manifest", template, &context);
            let path = path.and_then(|path| {
                clean_path(&path)
                    .map_err(|what| self.refuse("health", what))
                    .ok()
            });
            let Some(path) = path else { continue };
            let Some(file) = self.host.read_file(repository, &path, &revision)? else {
                self.refuse(
                    "health",
                    format!("staging's manifest `{path}` does not exist in {repository}"),
                );
                continue;
            };
            match self.staging_manifest(facts, &staging, &path, &file.content) {
                Ok(found) => facts.staging_manifests.extend(found),
                Err(what) => self.refuse("health", format!("staging's manifest `{path}`: {what}")),
            }
        }
        Ok(())
    }

    /// Since when the image has been in each of staging.
    fn soaking(&self, facts: &Facts) -> Vec<SoakFacts> {
        let since = |staging: &Item| {
            let mut context = self.context(facts);
            context["staging"] = staging.value.clone();
            SoakFacts {
                runtime: staging.key.clone(),
                since: template::render(&self.settings.soak.since, &context),
            }
        };
        facts.staging.iter().map(since).collect()
    }

    pub(super) fn context(&self, facts: &Facts) -> Value {
        context(
            self.request,
            &[
                ("service", Some(&facts.service)),
                ("staging", facts.staging.first()),
                ("production", facts.production.first()),
                ("image", facts.image.as_ref()),
            ],
        )
    }

    /// Compares the image's commit with the branch of its source.
    fn provenance(&mut self, facts: &Facts, context: &Value) -> Result<ImageProvenance, Failure> {
        let settings = &self.settings.provenance;
        let Some(image) = facts.image.as_ref().filter(|_| settings.enabled) else {
            return Ok(ImageProvenance::NotAsked);
        };
        let (repository, commit) = match self.source(image, context) {
            Ok(known) => known,
            Err(what) => return Ok(ImageProvenance::Unknown(what)),
        };
        let branch = settings.branch.clone();
        match self.host.compare(&repository, &branch, &commit) {
            Ok(comparison) => Ok(ImageProvenance::Known {
                repository,
                branch,
                commit,
                status: comparison.status,
            }),
            Err(Failure::NotFound(what)) => Ok(ImageProvenance::Unknown(format!(
                "commit {commit} or branch `{branch}` of {repository} cannot be found: {what}"
            ))),
            Err(failure) => Err(failure),
        }
    }

    /// What lies between the commits of the current and the new image; a text for people, so what is missing only says so.
    fn commits(
        &mut self,
        facts: &Facts,
        context: &Value,
    ) -> Result<Option<Result<Comparison, String>>, Failure> {
        let images = facts.current_image.as_ref().zip(facts.image.as_ref());
        let Some((old, new)) = images.filter(|_| self.settings.commits) else {
            return Ok(None);
        };
        let mut before = context.clone();
        before["image"] = old.value.clone();
        let sources = self
            .source(old, &before)
            .and_then(|old| Ok((old, self.source(new, context)?)));
        let ((_, old), (repository, new)) = match sources {
            Ok(sources) => sources,
            Err(what) => return Ok(Some(Err(what))),
        };
        match self.host.compare(&repository, &old, &new) {
            Ok(comparison) => Ok(Some(Ok(comparison))),
            Err(Failure::Denied(what)) => Err(Failure::Denied(what)),
            Err(failure) => Ok(Some(Err(explain(&failure).to_owned()))),
        }
    }

    /// The repository that images are built from.
    pub(super) fn source_repository(&self, context: &Value) -> Result<String, String> {
        let repository = template::render(&self.settings.provenance.repository, context)
            .map_err(|what| format!("setting `provenance.repository`: {what}"))?;
        repository_name(&repository)
    }

    /// The repository and the commit that an image was built from.
    pub(super) fn source(&self, image: &Item, context: &Value) -> Result<(String, String), String> {
        let settings = &self.settings.provenance;
        let fill = |name: &str, text: &str| {
            template::render(text, context)
                .map_err(|what| format!("setting `provenance.{name}`: {what}"))
        };
        let repository = self.source_repository(context)?;
        let commit = fill("commit", &settings.commit)?;
        let is_commit =
            (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit());
        if is_commit {
            return Ok((repository, commit));
        }
        Err(format!(
            "`{}` of {} is not the identifier of a commit",
            commit.escape_debug(),
            named(&image.key)
        ))
    }
}

/// `owner/name`, from that or from an address that ends in it.
fn repository_name(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let (name, owner) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let fits = |part: &str| {
        !part.is_empty()
            && part != ".."
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if fits(name) && fits(owner) {
        Ok(format!("{owner}/{name}"))
    } else {
        Err(format!(
            "`{}` does not name a repository",
            text.escape_debug()
        ))
    }
}
