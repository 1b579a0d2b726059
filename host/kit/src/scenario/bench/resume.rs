//! Goes on with whatever waits in the world, as `promote resume` does, one after the other.

use std::sync::Arc;

use anyhow::Context as _;

use super::job::WORKFLOW_REPOSITORY;
use super::{HeardLines, ScenarioBench, run_until_killed, written};
use crate::scenario::inject::CallInjection;
use crate::scenario::made::MadeCall;
use crate::scenario::model::StepAction;
use crate::scenario::result::StepResult;
use promote_core::gate::describe;
use promote_core::journal::Journal;
use promote_core::run::observer::Observer as _;
use promote_core::run::resume::{
    self, NextStep, SurveyTerms, SurveyedRun, WaitEnd, WorkflowAccess,
};
use promote_core::run::{PolicyChoice, ResumedRun, RunMode, RunOrigin};
use promote_core::service::transport::Clock as _;
use promote_intake::choice::Policies;
use promote_intake::payload::Payload;

/// Whether a resume goes on with the next run.
#[derive(PartialEq, Eq)]
enum ResumeProgress {
    Next,
    Killed,
}

impl ScenarioBench<'_> {
    /// Goes on with whatever waits; the result is that of the last run that something became of.
    pub(super) async fn resume(
        &self,
        mut injection: Option<CallInjection>,
        ran: &mut StepResult,
    ) -> anyhow::Result<()> {
        let heard = Arc::new(HeardLines::default());
        ran.run = self.first_run();
        ran.end_resume("idle", String::new(), 0);
        let surveyed = match self.survey(&heard).await? {
            Ok(surveyed) => surveyed,
            Err(why) => {
                ran.end_resume("failed", why, 3);
                return Ok(());
            }
        };
        let policies = Policies::prepare(&self.scenario.config, self.engine, self.load).await?;
        for SurveyedRun { run_id, step } in surveyed {
            match step {
                NextStep::Leave => {}
                NextStep::Hold(why) => {
                    heard.say(&why);
                    ran.end_resume("held", why, 0);
                }
                NextStep::Unclear(why) => {
                    heard.say(&why);
                    ran.end_resume("unclear", why, 3);
                }
                NextStep::End(end) => self.end(run_id, end, &heard, ran).await?,
                NextStep::GoOn(resumed) => {
                    let injection = injection.take();
                    let progress = self
                        .go_on(resumed, &policies, injection, &heard, ran)
                        .await?;
                    if progress == ResumeProgress::Killed {
                        break;
                    }
                }
            }
        }
        ran.said = heard.take();
        Ok(())
    }

    /// The Port run that the scenario is about: the first that it starts, else the first of its world, which somebody else has
    /// started.
    fn first_run(&self) -> Option<String> {
        let started = self.scenario.steps.iter().find_map(|step| match &step.act {
            StepAction::Start(_, payload) | StepAction::Approved(payload) => {
                Some(Payload::read(payload).ok()?.run)
            }
            _ => None,
        });
        started.or_else(|| self.world.lock().port.runs.keys().next().cloned())
    }

    /// Looks at what waits; the inner error is what Port or GitHub failed with.
    async fn survey(
        &self,
        heard: &Arc<HeardLines>,
    ) -> anyhow::Result<Result<Vec<SurveyedRun>, String>> {
        let config = &self.scenario.config;
        let live = self.live("", heard)?;
        let actions = config.port.actions.identifiers();
        let terms = SurveyTerms {
            actions: &actions,
            grants: &config.grants,
            wait: config.limits.wait.try_into()?,
            visits_open: config.keeps_status() || config.follows_staging(),
            now: self.world.clock().now(),
            workflows: Some(WorkflowAccess {
                github: &live.github,
                repository: WORKFLOW_REPOSITORY,
            }),
            environment: config.workflow.environment.as_deref(),
        };
        let surveyed = resume::survey(&live, terms).await;
        Ok(surveyed.map_err(|failure| describe(&failure).to_owned()))
    }

    /// Ends a run that nothing can become of.
    async fn end(
        &self,
        run_id: String,
        end: WaitEnd,
        heard: &Arc<HeardLines>,
        ran: &mut StepResult,
    ) -> anyhow::Result<()> {
        let live = self.live(&run_id, heard)?;
        match resume::end(&live, &end).await {
            Ok(true) => {
                let mut one = StepResult::new(ran.before.clone());
                one.run = Some(run_id.clone());
                one.end_resume("ended", end.message.clone(), 0);
                ran.together.push(one);
                ran.run = Some(run_id);
                ran.end_resume("ended", end.message, 0);
            }
            // It moved on by itself.
            Ok(false) => {}
            // Port still shows it in progress: the next resume ends it.
            Err(failure) => {
                let why = describe(&failure).to_owned();
                heard.say(&why);
                ran.end_resume("unclear", why, 3);
            }
        }
        Ok(())
    }

    /// Goes on with one run, and writes down what people merged for a Port run that has ended.
    async fn go_on(
        &self,
        resumed: ResumedRun,
        policies: &dyn PolicyChoice,
        injection: Option<CallInjection>,
        heard: &Arc<HeardLines>,
        ran: &mut StepResult,
    ) -> anyhow::Result<ResumeProgress> {
        let run_id = resumed.run_id.clone();
        ran.run = Some(run_id.clone());
        let recorded = resumed.proposal.clone().filter(|_| resumed.records_ended);
        let live = Arc::new(self.live(&run_id, heard)?);
        let (journal, bytes) = Journal::in_memory();
        let origin = RunOrigin::Resumed(resumed);
        let job = self.job(origin, Arc::clone(&live), policies, journal, heard)?;
        let done = run_until_killed(job, injection).await;
        ran.journal = written(&bytes)?;
        let mut one = StepResult::new(ran.before.clone());
        one.mode = Some(RunMode::Run);
        one.run = Some(run_id);
        one.journal.clone_from(&ran.journal);
        one.calls = MadeCall::of_journal(&ran.journal).context("reading the journal of the run")?;
        let Some(done) = done else {
            ran.calls.clone_from(&one.calls);
            ran.together.push(one);
            return Ok(ResumeProgress::Killed);
        };
        if let Some(proposal) = recorded
            && done.ending.exit_code() == 0
            && let Err(failure) = resume::note_recorded(&live, &proposal).await
        {
            heard.say(describe(&failure));
        }
        ran.end(done);
        one.ending = ran.ending;
        one.message.clone_from(&ran.message);
        one.rules.clone_from(&ran.rules);
        ran.together.push(one);
        ran.leaks.extend(self.leaks(&ran.journal, ran));
        Ok(ResumeProgress::Next)
    }
}
