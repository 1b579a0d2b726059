//! After the merge: does production run it, and is it well? If not, a pull request that puts the old image back.
//!
//! Only what production says of itself counts: the commit that it has synced, or the image that it runs. Health alone may be
//! that of the old image, and the relation to the image is this policy's own word.

use super::{PromotionPlan, PromotionRun, Stop, explain};
use crate::catalog::{Item, named};
use crate::facts::DeployTarget;
use crate::gates::health::unwell;
use crate::host::{Ancestry, FileChange, PolicyHost, Proposal, PullRequest};
use crate::text;
use crate::time::{UnixSeconds, rfc3339, timestamp};
use crate::types::{Awaited, Failure, Waiting};
use crate::yaml;
use serde_json::{Value, json};

/// A merge whose deployment is verified.
pub(super) struct MergedPull<'a> {
    /// The number of the pull request.
    pub(super) number: u32,
    /// The commit that the merge made.
    pub(super) commit: &'a str,
    /// The pull request, if an earlier attempt merged it.
    pub(super) earlier: Option<&'a PullRequest>,
}

/// What production says of a merge.
#[derive(Debug, PartialEq)]
enum Deployment {
    /// It runs it and is well.
    Well,
    /// It does not run it yet, or is not well yet: why.
    Pending(String),
    /// It runs it and has failed: why.
    Degraded(String),
    /// It says nothing: which property is missing.
    Untold(String),
}

impl<H: PolicyHost> PromotionRun<'_, H> {
    /// Verifies a promotion that an earlier attempt of this run merged: as long as it waits for that, or if it is not longer ago
    /// than the deadline.
    pub(super) fn verify_again(
        &mut self,
        plan: &mut PromotionPlan,
        pull: &PullRequest,
    ) -> Result<(), Stop> {
        let settings = &self.settings.verify;
        let is_own = pull.runs.contains(&self.request.run_id);
        let Some(commit) = pull.merge_commit.as_deref() else {
            return Ok(());
        };
        if !settings.enabled || !is_own {
            return Ok(());
        }
        if self.request.resumed.is_none() {
            let deadline = self.seconds("verify.deadline", &settings.deadline)?;
            let merged = pull.merged_at.as_deref().and_then(timestamp);
            let now = timestamp(&self.host.now());
            if let Some((merged, now)) = merged.zip(now)
                && now - merged > i64::from(deadline)
            {
                return Ok(());
            }
        }
        let merged = MergedPull {
            number: pull.number,
            commit,
            earlier: Some(pull),
        };
        self.verify(plan, &merged)
    }

    /// Looks whether production runs a merge and is well. If it does not yet, the run waits, without a runner.
    pub(super) fn verify(
        &mut self,
        plan: &mut PromotionPlan,
        merged: &MergedPull<'_>,
    ) -> Result<(), Stop> {
        let settings = &self.settings.verify;
        if !settings.enabled {
            return Ok(());
        }
        if settings.revision.is_empty() && settings.image.is_empty() {
            self.warn(&format!(
                "{} is not verified: Port has no revision; the setting `verify.revision` names the property with the commit that production has synced",
                plan.image
            ));
            return Ok(());
        }
        let deadline = self.seconds("verify.deadline", &settings.deadline)?;
        let now = timestamp(&self.host.now()).unwrap_or_default();
        let told = self.request.resumed.as_ref();
        let told = told.and_then(|it| timestamp(it.waits_until.as_deref()?));
        let until = told.unwrap_or(now + UnixSeconds::from(deadline));
        match self.look(plan, merged.commit)? {
            Deployment::Well => {
                self.tell(&format!(
                    "{} is verified: production runs it and is well",
                    plan.image
                ));
                Ok(())
            }
            Deployment::Degraded(wrong) => Err(self.degraded(plan, merged.earlier, &wrong)),
            Deployment::Untold(missing) if now >= until => {
                self.warn(&format!("{} is not verified: {missing}", plan.image));
                Ok(())
            }
            Deployment::Pending(wrong) if now >= until => {
                Err(Stop::Failed(Failure::Other(format!(
                    "{} is merged, but {} has not come to run it well in time (`verify.deadline`): {wrong}",
                    plan.image, self.settings.environment
                ))))
            }
            Deployment::Pending(_) | Deployment::Untold(_) => Err(Stop::Waits(Waiting {
                image: Some(plan.image.clone()),
                awaited: Awaited::Sync,
                message: format!("{} to run it", self.settings.environment),
                until: Some(rfc3339(until)),
                pull_request: Some(merged.number),
            })),
        }
    }

    /// Asks every runtime of production; the worst answer counts.
    fn look(&mut self, plan: &PromotionPlan, commit: &str) -> Result<Deployment, Stop> {
        let (mut pending, mut untold) = (Vec::new(), Vec::new());
        for production in &plan.facts.production {
            let Some(runtime) = self.host.get_entity(&production.key)? else {
                pending.push(format!(
                    "{} is gone from Port's catalog",
                    named(&production.key)
                ));
                continue;
            };
            let runtime = Item::new(&runtime)?;
            match self.look_at(plan, &runtime, commit)? {
                Deployment::Well => {}
                Deployment::Degraded(wrong) => return Ok(Deployment::Degraded(wrong)),
                Deployment::Pending(wrong) => pending.push(wrong),
                Deployment::Untold(missing) => untold.push(missing),
            }
        }
        Ok(if !pending.is_empty() {
            Deployment::Pending(pending.join("; "))
        } else if !untold.is_empty() {
            Deployment::Untold(untold.join("; "))
        } else {
            Deployment::Well
        })
    }

    fn look_at(
        &mut self,
        plan: &PromotionPlan,
        runtime: &Item,
        commit: &str,
    ) -> Result<Deployment, Stop> {
        let settings = &self.settings.verify;
        let revisions = texts(runtime, &settings.revision);
        let images = texts(runtime, &settings.image);
        let name = named(&runtime.key);
        if revisions.is_empty() && images.is_empty() {
            let names = [&settings.revision, &settings.image];
            let names: Vec<String> = names
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(|name| format!("`{name}`"))
                .collect();
            return Ok(Deployment::Untold(format!(
                "{name} has no {}",
                names.join(" and no ")
            )));
        }
        let mut runs = images.contains(&plan.image.as_str());
        for revision in &revisions {
            if runs {
                break;
            }
            runs = self.contains(&plan.repository, commit, revision)?;
        }
        if !runs {
            let said: Vec<_> = revisions.iter().chain(&images).copied().collect();
            let said = said.join(", ").escape_debug().to_string();
            return Ok(Deployment::Pending(format!(
                "{name} says that it runs `{said}`"
            )));
        }
        let health = &self.settings.health;
        let wrong = unwell(runtime, health);
        let is_degraded = !settings.degraded.is_empty()
            && runtime.text(&health.property) == Some(settings.degraded.as_str());
        Ok(match wrong.join("; ") {
            wrong if is_degraded => Deployment::Degraded(wrong),
            wrong if wrong.is_empty() => Deployment::Well,
            wrong => Deployment::Pending(wrong),
        })
    }

    /// Returns whether a revision is a commit or contains it. A name of a branch says nothing of what was synced.
    fn contains(&mut self, repository: &str, commit: &str, revision: &str) -> Result<bool, Stop> {
        if revision == commit {
            return Ok(true);
        }
        let is_commit =
            matches!(revision.len(), 40 | 64) && revision.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_commit {
            return Ok(false);
        }
        match self.host.compare(repository, commit, revision) {
            Ok(compared) => Ok(matches!(
                compared.status,
                Ancestry::Ahead | Ancestry::Identical
            )),
            // The commit of another repository, or one that nobody has any more.
            Err(Failure::NotFound(_)) => Ok(false),
            Err(failure) => Err(Stop::Failed(failure)),
        }
    }

    fn degraded(
        &mut self,
        plan: &mut PromotionPlan,
        earlier: Option<&PullRequest>,
        wrong: &str,
    ) -> Stop {
        let mut message = format!(
            "{} is merged, but not well in {}: {wrong}",
            plan.image, self.settings.environment
        );
        if self.settings.verify.revert {
            let known = earlier.map_or(Ok(()), |pull| self.look_back(plan, pull));
            message += &match known.and_then(|()| self.revert(plan, wrong)) {
                Ok(pull) => {
                    format!(
                        "; pull request {} puts the old image back, merge it or fix forward",
                        pull.number
                    )
                }
                Err(Stop::Failed(failure)) => {
                    format!("; a revert could not be proposed: {}", explain(&failure))
                }
                Err(Stop::Waits(waiting)) => {
                    format!(
                        "; a revert could not be proposed: it waits for {}",
                        waiting.message
                    )
                }
                Err(Stop::Refused(reasons)) => {
                    let why: Vec<_> = reasons.into_iter().map(|reason| reason.message).collect();
                    format!("; a revert could not be proposed: {}", why.join("; "))
                }
            };
        }
        Stop::Failed(Failure::Other(message))
    }

    /// Finds out what the manifests held before an earlier attempt merged.
    fn look_back(&mut self, plan: &mut PromotionPlan, pull: &PullRequest) -> Result<(), Stop> {
        let commit = pull.merge_commit.as_deref().unwrap_or_default();
        let merged = self.host.get_commit(&plan.repository, commit)?;
        let before = merged.and_then(|merged| merged.parents.into_iter().next());
        let before = before
            .ok_or_else(|| Failure::NotFound(format!("nothing is known before `{commit}`")))?;
        for target in &mut plan.facts.sites {
            let path = &plan.facts.files[target.file].path;
            let file = self.host.read_file(&plan.repository, path, &before)?;
            let file =
                file.ok_or_else(|| Failure::NotFound(format!("`{path}` was not there before")))?;
            target.site = target.find(&file.content).map_err(Failure::Conflict)?;
        }
        self.read_images(plan)
    }

    /// Reads the images of the same repository: by one of them the host knows that the catalog can be told what is put back.
    fn read_images(&mut self, plan: &PromotionPlan) -> Result<(), Stop> {
        let (Some(image), Some(wanted)) = (&plan.facts.image, &plan.facts.wanted) else {
            return Ok(());
        };
        let properties = image.value["properties"].as_object().into_iter().flatten();
        let rules: Vec<Value> = properties
            .filter(|(_, value)| value.as_str() == Some(wanted.repository.as_str()))
            .map(|(name, value)| json!({ "property": name, "operator": "=", "value": value }))
            .collect();
        let query = json!({ "combinator": "and", "rules": rules }).to_string();
        self.host.search(&self.settings.image_blueprint, &query)?;
        Ok(())
    }

    /// Proposes to put back what the manifests held before. A person merges it.
    fn revert(&mut self, plan: &PromotionPlan, wrong: &str) -> Result<PullRequest, Stop> {
        let mut changes: Vec<FileChange> = Vec::new();
        let mut commit = None;
        for target in plan
            .facts
            .sites
            .iter()
            .filter(|target| !target.is_current())
        {
            let path = &plan.facts.files[target.file].path;
            let known = changes.iter().position(|change| change.path == *path);
            let at = match known {
                Some(at) => at,
                None => {
                    let revision = commit.clone().unwrap_or_else(|| self.settings.base.clone());
                    let file = self.host.read_file(&plan.repository, path, &revision)?;
                    let file =
                        file.ok_or_else(|| Failure::NotFound(format!("`{path}` is gone")))?;
                    commit.get_or_insert(file.commit);
                    changes.push(FileChange {
                        path: path.clone(),
                        content: file.content,
                        expected_blob: file.blob,
                    });
                    changes.len() - 1
                }
            };
            changes[at].content =
                put_back(&changes[at].content, target).map_err(Failure::Conflict)?;
        }
        let Some(base_commit) = commit.filter(|_| !changes.is_empty()) else {
            return Err(Stop::Failed(Failure::Other(
                "this run has changed nothing".to_owned(),
            )));
        };
        let (folder, name) = plan
            .branch
            .rsplit_once('/')
            .unwrap_or(("promote", &plan.branch));
        let words = text::PullRequestText {
            facts: &plan.facts,
            request: &self.request,
            settings: self.settings,
            image: &plan.image,
        };
        self.propose_in_series(Proposal {
            repository: plan.repository.clone(),
            base: self.settings.base.clone(),
            base_commit,
            head: format!("{folder}/revert-{name}"),
            title: format!("Revert: {}", words.title()),
            body: words.revert_body(wrong),
            changes,
            image: None,
        })
    }
}

/// Returns the texts of a property that is a text or a list of texts; none if it has no name or is not set.
fn texts<'a>(runtime: &'a Item, property: &str) -> Vec<&'a str> {
    if property.is_empty() {
        return Vec::new();
    }
    match runtime.property(property) {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The file with the old value in place of the new one.
fn put_back(content: &str, target: &DeployTarget) -> Result<String, String> {
    let site = target.find(content)?;
    if site.value != target.wanted {
        return Err(format!("`{}` holds something else by now", target.shown));
    }
    yaml::replace(content, &site, &target.site.value)
}
