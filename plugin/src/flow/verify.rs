//! After the merge: does production run the image, and is it well? If not, a pull request that puts the old one back.

use super::{PromotionPlan, PromotionRun, Stop, explain};
use crate::catalog::{Item, named};
use crate::facts::DeployTarget;
use crate::gates::health::unwell;
use crate::host::{FileChange, PolicyHost, Proposal, PullRequest};
use crate::text;
use crate::time::{spell, timestamp};
use crate::types::Failure;
use crate::yaml;

impl<H: PolicyHost> PromotionRun<'_, H> {
    /// Verifies a promotion that an earlier attempt merged, if that is not longer ago than the deadline.
    pub(super) fn verify_if_recent(
        &mut self,
        plan: &mut PromotionPlan,
        pull: &PullRequest,
    ) -> Result<(), Stop> {
        let settings = &self.settings.verify;
        if !settings.enabled {
            return Ok(());
        }
        let deadline = self.seconds("verify.deadline", &settings.deadline)?;
        let merged = pull.merged_at.as_deref().and_then(timestamp);
        let now = timestamp(&self.host.now());
        match merged.zip(now) {
            Some((merged, now)) if now - merged > i64::from(deadline) => Ok(()),
            _ => self.verify(plan, Some(pull)),
        }
    }

    /// Waits until production is well with the new image, which an earlier attempt may have merged by this pull request.
    pub(super) fn verify(
        &mut self,
        plan: &mut PromotionPlan,
        earlier: Option<&PullRequest>,
    ) -> Result<(), Stop> {
        let settings = &self.settings.verify;
        if !settings.enabled {
            return Ok(());
        }
        let after = self.seconds("verify.after", &settings.after)?;
        let every = self.seconds("verify.every", &settings.every)?.max(1);
        let deadline = self.seconds("verify.deadline", &settings.deadline)?;
        let mut waited = after;
        self.host.sleep(after);
        loop {
            let wrong = self.wrong_in_production(plan)?;
            if wrong.is_empty() {
                self.tell(&format!(
                    "{} is verified after {}",
                    plan.image,
                    spell(waited.into())
                ));
                return Ok(());
            }
            if waited >= deadline {
                return Err(self.not_verified(plan, earlier, &wrong, waited));
            }
            self.host.sleep(every);
            waited = waited.saturating_add(every);
        }
    }

    fn wrong_in_production(&mut self, plan: &PromotionPlan) -> Result<String, Stop> {
        let mut wrong = Vec::new();
        for production in &plan.facts.production {
            let Some(runtime) = self.host.get_entity(&production.key)? else {
                wrong.push(format!(
                    "{} is gone from Port's catalog",
                    named(&production.key)
                ));
                continue;
            };
            let runtime = Item::new(&runtime)?;
            wrong.extend(unwell(&runtime, &self.settings.health));
            let runs = runtime.targets(&self.settings.image_relation);
            if !runs.contains(&plan.image_id.as_str()) {
                let runs = match runs.as_slice() {
                    [] => "nothing known".to_owned(),
                    runs => runs.join(", ").escape_debug().to_string(),
                };
                wrong.push(format!("{} runs `{runs}`", named(&runtime.key)));
            }
        }
        Ok(wrong.join("; "))
    }

    fn not_verified(
        &mut self,
        plan: &mut PromotionPlan,
        earlier: Option<&PullRequest>,
        wrong: &str,
        waited: u32,
    ) -> Stop {
        let waited = spell(waited.into());
        let mut message = format!(
            "{} is merged, but not well in {} after {waited}: {wrong}",
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
            request: self.request,
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

/// The file with the old value in place of the new one.
fn put_back(content: &str, target: &DeployTarget) -> Result<String, String> {
    let site = target.find(content)?;
    if site.value != target.wanted {
        return Err(format!("`{}` holds something else by now", target.shown));
    }
    yaml::replace(content, &site, &target.site.value)
}
