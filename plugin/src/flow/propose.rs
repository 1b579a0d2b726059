//! The commit, the pull request, and what is written beside it.

use super::{PromotionPlan, PromotionRun, Stop, explain};
use crate::facts::{DeployTarget, Facts};
use crate::gates::reason;
use crate::host::{FileChange, PolicyHost, Proposal, PullFilter, PullRequest, PullState};
use crate::settings::Newer;
use crate::text;
use crate::types::Failure;
use crate::yaml;

/// The most times that one image can be promoted to one environment again after it was undone.
const SERIES: usize = 20;

impl<H: PolicyHost> PromotionRun<'_, H> {
    /// Proposes the change of the plan.
    pub(super) fn propose(&mut self, plan: &PromotionPlan) -> Result<PullRequest, Stop> {
        let words = text::PullRequestText {
            facts: &plan.facts,
            request: &self.request,
            settings: self.settings,
            image: &plan.image,
        };
        let proposal = Proposal {
            repository: plan.repository.clone(),
            base: self.settings.base.clone(),
            base_commit: plan.facts.files[0].commit.clone(),
            head: plan.branch.clone(),
            title: words.title(),
            body: words.body(),
            changes: edit(&plan.facts)?,
            image: Some(plan.image_id.clone()),
        };
        match self.propose_in_series(proposal) {
            // The same again after another look: nobody was faster, it just is so.
            Err(Stop::Failed(Failure::Conflict(what))) if self.conflict.as_ref() == Some(&what) => {
                Err(Stop::Refused(vec![reason("branch", what)]))
            }
            // The settings name a value that the grants do not let change. Any other denial ends the run, whatever is said here.
            Err(Stop::Failed(Failure::Denied(what))) => {
                Err(Stop::Refused(vec![reason("grants", what)]))
            }
            Err(Stop::Failed(Failure::Conflict(what))) => {
                self.conflict = Some(what.clone());
                Err(Stop::Failed(Failure::Conflict(what)))
            }
            result => result,
        }
    }

    /// Proposes. A branch whose pull request is merged, although the base branch does not hold its change, belongs to a
    /// promotion that was undone since: the next one in the series is taken.
    pub(super) fn propose_in_series(
        &mut self,
        mut proposal: Proposal,
    ) -> Result<PullRequest, Stop> {
        let branch = proposal.head.clone();
        for number in 1..=SERIES {
            if number > 1 {
                proposal.head = format!("{branch}-{number}");
            }
            let pull = self.host.propose(&proposal)?;
            if pull.state != PullState::Merged {
                return Ok(pull);
            }
            // Not undone but done: another run of this promotion was faster.
            if self.holds(&proposal)? {
                let what = format!("pull request {} was merged meanwhile", pull.number);
                return Err(Stop::Failed(Failure::Conflict(what)));
            }
        }
        let what = format!("the change of `{branch}` has been made and undone {SERIES} times");
        Err(Stop::Refused(vec![reason("series", what)]))
    }

    /// Whether the base branch holds all of it by now.
    fn holds(&mut self, proposal: &Proposal) -> Result<bool, Stop> {
        for change in &proposal.changes {
            let file = self
                .host
                .read_file(&proposal.repository, &change.path, &proposal.base)?;
            if file.is_none_or(|file| file.content != change.content) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Labels and reviewers. That they are missing never stops a promotion.
    pub(super) fn decorate(&mut self, plan: &PromotionPlan, pull: &PullRequest) {
        let settings = self.settings;
        if !settings.labels.is_empty() {
            let result = self
                .host
                .add_labels(&plan.repository, pull.number, &settings.labels);
            self.warn_of(result, "the labels could not be added");
        }
        if !settings.reviewers.is_empty() || !settings.team_reviewers.is_empty() {
            let (users, teams) = (&settings.reviewers, &settings.team_reviewers);
            let result = self
                .host
                .request_reviewers(&plan.repository, pull.number, users, teams);
            self.warn_of(result, "reviewers could not be asked");
        }
    }

    /// Closes the open pull requests of older promotions of this service to this environment; those of this run itself, which
    /// has put a newer image in their place, in any case.
    pub(super) fn supersede(&mut self, plan: &PromotionPlan, pull: &PullRequest) {
        let closes_all = self.settings.supersede;
        if !closes_all && self.settings.newer == Newer::Keep {
            return;
        }
        let run = self.request.run_id.clone();
        let is_replaced = |other: &PullRequest| {
            other.number != pull.number && (closes_all || other.runs.contains(&run))
        };
        let head = plan.branches();
        let found = self.host.find_pull_requests(
            &plan.repository,
            &head,
            &self.settings.base,
            PullFilter::Open,
        );
        let older = match found {
            Ok(open) => open.into_iter().filter(is_replaced).collect(),
            Err(failure) => {
                self.warn_of(Err(failure), "older promotions could not be looked for");
                Vec::new()
            }
        };
        for other in older {
            let words = format!(
                "Superseded by #{}, which promotes {}.",
                pull.number,
                text::code(&plan.image)
            );
            let result = self
                .host
                .comment(&plan.repository, other.number, "superseded", &words)
                // The branch first: GitHub closes the pull request with it, so that nothing of it is left to a run that
                // finds no open one, whenever this one is cut off.
                .and_then(|()| self.host.delete_branch(&plan.repository, &other.head))
                .and_then(|()| self.host.close_pull_request(&plan.repository, other.number));
            self.warn_of(
                result,
                &format!(
                    "the older pull request {} could not be closed",
                    other.number
                ),
            );
        }
    }

    fn warn_of(&mut self, result: Result<(), Failure>, what: &str) {
        if let Err(failure) = result {
            self.warn(&format!("{what}: {}", explain(&failure)));
        }
    }
}

/// The new text of every file that changes.
fn edit(facts: &Facts) -> Result<Vec<FileChange>, Stop> {
    let mut changes = Vec::new();
    for (index, file) in facts.files.iter().enumerate() {
        // From the end of the file: an edit then moves no scalar that is still to be edited.
        let mut targets: Vec<&DeployTarget> = Vec::new();
        for target in facts
            .sites
            .iter()
            .filter(|target| target.file == index && !target.is_current())
        {
            let earlier = |other: &&DeployTarget| other.site.bytes.start < target.site.bytes.start;
            targets.insert(
                targets.iter().position(earlier).unwrap_or(targets.len()),
                target,
            );
        }
        let mut content = file.content.clone();
        for target in &targets {
            content = yaml::replace(&content, &target.site, &target.wanted).map_err(|what| {
                Stop::Refused(vec![reason("manifest", format!("`{}`: {what}", file.path))])
            })?;
        }
        if !targets.is_empty() {
            changes.push(FileChange {
                path: file.path.clone(),
                content,
                expected_blob: file.blob.clone(),
            });
        }
    }
    Ok(changes)
}
