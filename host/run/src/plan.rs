//! Plan files around a run: read before it, or written after it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use promote_core::contract::Outcome;
use promote_core::journal::digest;
use promote_core::run::ending::Ending;
use promote_core::run::{RunMode, RunResult, RunTask};
use promote_core::text;
use promote_intake::choice::PickedPolicy;
use promote_intake::plan_file::{PlanFile, PlanTarget};

use crate::output;

/// The task of a command.
#[derive(Clone, Copy, Debug)]
pub enum CommandTask<'a> {
    /// Make the writes: those of a plan, or whatever the policy asks for.
    Run(Option<&'a Path>),
    /// Keep them back, and perhaps put them down in a file.
    Plan(Option<&'a Path>),
}

/// The part that a plan file has in a run.
pub(super) enum PlanUse {
    /// None.
    Without(RunMode),
    /// The run makes exactly its writes.
    Keep {
        /// The plan.
        plan: PlanFile,
        /// SHA-256 of its file.
        digest: String,
    },
    /// The run's plan is written to it.
    Write {
        /// The new file.
        path: PathBuf,
        /// The run that the plan will be for.
        target: PlanTarget,
    },
}

impl PlanUse {
    /// Reads the plan that a run must keep to, or sees that there is room for a new one.
    pub(super) fn prepare(task: CommandTask<'_>, target: PlanTarget) -> anyhow::Result<Self> {
        match task {
            CommandTask::Run(None) => Ok(Self::Without(RunMode::Run)),
            CommandTask::Plan(None) => Ok(Self::Without(RunMode::Plan)),
            CommandTask::Run(Some(path)) => {
                let (plan, digest) = PlanFile::read(path, &target)
                    .with_context(|| format!("the plan {}", path.display()))?;
                let name = plan_name(path, plan.writes.len(), &digest);
                output::say(&format!("keeping to {name}"));
                Ok(Self::Keep { plan, digest })
            }
            CommandTask::Plan(Some(path)) => {
                if path.exists() {
                    bail!(
                        "{} exists: a plan is never replaced, delete it or name another file",
                        path.display()
                    );
                }
                Ok(Self::Write {
                    path: path.to_owned(),
                    target,
                })
            }
        }
    }

    /// Returns the writes that the run may make.
    pub(super) fn task(&self) -> RunTask {
        match self {
            Self::Without(RunMode::Run) => RunTask::Run,
            Self::Without(RunMode::Plan) | Self::Write { .. } => RunTask::Plan,
            Self::Keep { plan, digest } => RunTask::Approved {
                writes: plan.writes.clone(),
                plan: digest.clone(),
            },
        }
    }

    /// Returns the SHA-256 of the component that an approved plan is for.
    pub(super) fn component(&self) -> Option<&str> {
        match self {
            Self::Keep { plan, .. } => Some(&plan.target.component),
            Self::Without(_) | Self::Write { .. } => None,
        }
    }

    /// Writes the plan that was made, if it is one that can be run.
    pub(super) fn finish(
        self,
        result: &RunResult,
        picked: Option<&PickedPolicy>,
    ) -> anyhow::Result<()> {
        let Self::Write { path, target } = self else {
            return Ok(());
        };
        let kind = result.ending.kind();
        if result.ending.exit_code() != 0 {
            output::say(&format!(
                "no plan was written: a run that ends as {kind} has nothing to approve"
            ));
            return Ok(());
        }
        if let Ending::Decided(Outcome::Waiting(waiting)) = &result.ending
            && waiting.pull_request.is_none()
        {
            output::say(
                "no plan was written: a run that waits before its pull request is open has nothing to approve yet",
            );
            return Ok(());
        }
        let component = &picked
            .context("no policy was chosen, and the run ended well")?
            .digest;
        let plan = PlanFile::new(
            target.of(component),
            kind,
            &result.message,
            result.planned.clone(),
            Timestamp::now(),
        );
        plan.write(&path)
            .with_context(|| format!("writing the plan {}", path.display()))?;
        let written =
            std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = plan_name(&path, result.planned.len(), &digest(&written));
        output::say(&format!("the plan is in {name}"));
        Ok(())
    }
}

/// Returns the name of a plan: its file, and what cannot be changed without notice.
fn plan_name(path: &Path, writes: usize, sum: &str) -> String {
    format!(
        "{}: {}, SHA-256 {sum}",
        path.display(),
        text::count(writes, "write")
    )
}
