//! From the open pull request to the base branch, in the way that the setting `mode` says.

use super::{PromotionPlan, PromotionRun, Stop};
use crate::facts::{ApprovalCount, is_same_person};
use crate::gates::{people, reason};
use crate::host::{Check, CheckState, Merged, PolicyHost, PullRequest};
use crate::settings::{ApprovedThing, Mode};
use crate::text;
use crate::time::duration;
use crate::types::Awaited;

/// The result of landing a pull request.
pub(super) enum LandingResult {
    /// The base branch holds it, in this commit.
    Merged(String),
    /// Something has to happen first.
    Waits(Awaited, String),
}

impl<H: PolicyHost> PromotionRun<'_, H> {
    pub(super) fn land(
        &mut self,
        plan: &PromotionPlan,
        pull: &PullRequest,
    ) -> Result<LandingResult, Stop> {
        let (repository, head) = (&plan.repository, &pull.head_commit);
        let method = self.settings.method.into();
        let mode = self.settings.mode;
        if mode == Mode::PullRequest {
            let by = "somebody to merge it".to_owned();
            return Ok(LandingResult::Waits(Awaited::Merge, by));
        }
        if mode == Mode::Checks
            && let Some(until) = self.wait_for_checks(plan, pull)?
        {
            return Ok(LandingResult::Waits(Awaited::Checks, until));
        }
        if let Some(missing) = self.missing_approvals(plan, pull)? {
            return Ok(LandingResult::Waits(Awaited::Review, missing));
        }
        let merged = if mode == Mode::AutoMerge {
            self.host
                .merge_when_ready(repository, pull.number, head, method)?
        } else {
            self.host.merge(repository, pull.number, head, method)?
        };
        Ok(match merged {
            Merged::Now(commit) => LandingResult::Merged(commit),
            Merged::Later(why) => LandingResult::Waits(self.awaited(&why), why),
        })
    }

    /// Says which approvals of the pull request are missing, if the settings want some.
    fn missing_approvals(
        &mut self,
        plan: &PromotionPlan,
        pull: &PullRequest,
    ) -> Result<Option<String>, Stop> {
        let wanted = self.settings.approvals.iter();
        let wanted = wanted.filter(|wanted| wanted.of == ApprovedThing::PullRequest);
        let wanted = wanted.map(|wanted| wanted.count).max();
        let needs_review = people::needs_review(&plan.facts, &self.settings.people);
        let Some(wanted) = wanted.max(needs_review.then_some(1)) else {
            return Ok(None);
        };
        let mut pull_people = self.host.get_pull_people(&plan.repository, pull.number)?;
        // What is merged is this head, whatever the branch holds by now.
        pull_people.head_commit.clone_from(&pull.head_commit);
        let authors = plan.facts.authors.as_deref().unwrap_or_default();
        let wrote_image = |login: &str| {
            needs_review && authors.iter().any(|author| is_same_person(author, login))
        };
        let is_barred = |login: &str| match login {
            login if plan.facts.is_starter(login) => Some("started the run"),
            login if wrote_image(login) => Some("is an author of the image"),
            _ => None,
        };
        let count = ApprovalCount::of(&pull_people, is_barred);
        let setting = if needs_review {
            "people.four_eyes"
        } else {
            "approvals"
        };
        Ok((!count.is_enough(wanted)).then(|| {
            format!(
                "approvals by others: it has {} (`{setting}`)",
                count.describe(wanted)
            )
        }))
    }

    /// The kind of thing that the host says is awaited.
    fn awaited(&self, why: &str) -> Awaited {
        if why.contains("review") || why.contains("approval") {
            Awaited::Review
        } else if why.contains("merge queue") {
            Awaited::Queue
        } else if why.contains("check") || why.contains("required workflow") {
            Awaited::Checks
        } else {
            Awaited::Rule
        }
    }

    /// Waits for the required and the named checks of the head. Returns what is still awaited at the deadline.
    fn wait_for_checks(
        &mut self,
        plan: &PromotionPlan,
        pull: &PullRequest,
    ) -> Result<Option<String>, Stop> {
        let settings = &self.settings.checks;
        let (deadline, every) = (
            self.seconds("checks.deadline", &settings.deadline)?,
            self.seconds("checks.every", &settings.every)?,
        );
        // Whoever goes on with a promotion looks again, later, and does not wait.
        let deadline = if self.is_resumed { 0 } else { deadline };
        let mut waited = 0;
        let mut told = String::new();
        loop {
            let checks =
                self.host
                    .get_checks(&plan.repository, &pull.head_commit, &self.settings.base)?;
            let standing = standing(&checks, &settings.names);
            if !standing.failing.is_empty() {
                let what = format!("pull request {}: {} failed", pull.number, standing.failing);
                return Err(Stop::Refused(vec![reason("checks", what)]));
            }
            if standing.waiting.is_empty() {
                // Somebody may have locked the service meanwhile, or a freeze may have begun.
                if waited > 0 {
                    self.decide()?;
                }
                return Ok(None);
            }
            if waited >= deadline {
                return Ok(Some(standing.waiting + unbegun(&checks)));
            }
            if standing.waiting != told {
                self.tell(&format!(
                    "pull request {} waits for {}",
                    pull.number, standing.waiting
                ));
                told = standing.waiting;
            }
            let nap = every.clamp(1, (deadline - waited).max(1));
            self.host.sleep(nap);
            waited += nap;
        }
    }

    /// Reads a duration out of the settings.
    pub(super) fn seconds(&self, setting: &str, text: &str) -> Result<u32, Stop> {
        let seconds = duration(text).map_err(|what| format!("setting `{setting}`: {what}"));
        seconds
            .and_then(|seconds| {
                u32::try_from(seconds).map_err(|_| format!("setting `{setting}` is too long"))
            })
            .map_err(|what| Stop::Refused(vec![reason("settings", what)]))
    }
}

/// The reason why a required check may never begin, where none has.
fn unbegun(checks: &[Check]) -> &'static str {
    let is_unbegun =
        |check: &Check| check.required && check.state == CheckState::Waiting && check.url.is_none();
    if checks.iter().any(is_unbegun) {
        "; should it never begin: what GITHUB_TOKEN opens starts its workflows only after a person approves them on its \
         page, what a GitHub App opens at once"
    } else {
        ""
    }
}

/// Names of the checks that count, by how they stand.
#[derive(Debug, Default, PartialEq)]
struct CountedChecks {
    failing: String,
    waiting: String,
}

/// Required and named checks count; a named one that nobody has reported is awaited.
fn standing(checks: &[Check], names: &[String]) -> CountedChecks {
    let counts = |check: &&Check| check.required || names.contains(&check.name);
    let in_state = |state: CheckState| {
        checks
            .iter()
            .filter(counts)
            .filter(move |check| check.state == state)
    };
    let absent = names
        .iter()
        .filter(|name| !checks.iter().any(|check| check.name == **name));
    let waiting = in_state(CheckState::Waiting)
        .map(|check| &check.name)
        .chain(absent);
    let list = |names: Vec<String>| names.join(", ");
    CountedChecks {
        failing: list(
            in_state(CheckState::Failing)
                .map(|check| text::code(&check.name))
                .collect(),
        ),
        waiting: list(waiting.map(|name| text::code(name)).collect()),
    }
}
