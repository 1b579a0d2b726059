//! Plans as files, around a run: read before it, or written after it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::output;
use super::run::Task;
use crate::ahead::Ahead;
use crate::choice::Picked;
use crate::core::journal::digest;
use crate::core::run::{Done, Mode};
use crate::core::source::Source;
use crate::plan::{Bound, Plan, PlanFile, Planned, Target};

/// What a run has to do with plans.
pub(super) enum Sheet {
    /// Nothing.
    Blank(Mode),
    /// It keeps to one.
    Bound(PlanFile),
    /// It makes one.
    New {
        path: PathBuf,
        target: Target,
        writes: Arc<Mutex<Vec<Planned>>>,
    },
}

impl Sheet {
    /// Reads the plan that a run must keep to, or sees that there is room for a new one.
    pub(super) fn prepare(task: Task<'_>, target: Target) -> anyhow::Result<Self> {
        Ok(match task {
            Task::Run(None) => Self::Blank(Mode::Run),
            Task::Plan(None) => Self::Blank(Mode::Plan),
            Task::Run(Some(path)) => {
                let plan = PlanFile::read(path, &target)
                    .with_context(|| format!("the plan {}", path.display()))?;
                output::say(&format!("keeping to {}", name(path, plan.writes.len())?));
                Self::Bound(plan)
            }
            Task::Plan(Some(path)) => {
                if path.exists() {
                    bail!(
                        "{} exists: a plan is never replaced, delete it or name another file",
                        path.display()
                    );
                }
                Self::New {
                    path: path.to_owned(),
                    target,
                    writes: Arc::default(),
                }
            }
        })
    }

    /// What answers the calls.
    pub(super) fn source(&mut self, live: Ahead) -> Box<dyn Source> {
        match self {
            Self::Blank(Mode::Run) => Box::new(live),
            Self::Blank(Mode::Plan) => Box::new(Plan::new(live)),
            Self::Bound(plan) => Box::new(Bound::new(live, plan.writes.clone())),
            Self::New { writes, .. } => {
                let plan = Plan::new(live);
                *writes = plan.writes();
                Box::new(plan)
            }
        }
    }

    /// SHA-256 of the component that an approved plan is for.
    pub(super) fn component(&self) -> Option<&str> {
        match self {
            Self::Bound(plan) => Some(&plan.target.component),
            _ => None,
        }
    }

    /// Writes the plan that was made, if it is one that can be run.
    pub(super) fn finish(self, done: &Done, picked: Option<&Picked>) -> anyhow::Result<()> {
        let Self::New {
            path,
            target,
            writes,
        } = self
        else {
            return Ok(());
        };
        let kind = done.ending.kind();
        if done.ending.exit_code() != 0 {
            output::say(&format!(
                "no plan was written: a run that ends as {kind} has nothing to approve"
            ));
            return Ok(());
        }
        let writes = writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let count = writes.len();
        let component = &picked
            .context("no policy was chosen, and the run ended well")?
            .digest;
        let plan = PlanFile::new(
            target.of(component),
            kind,
            &done.message,
            writes,
            Timestamp::now(),
        );
        plan.write(&path)
            .with_context(|| format!("writing the plan {}", path.display()))?;
        output::say(&format!("the plan is in {}", name(&path, count)?));
        Ok(())
    }
}

/// A plan by its file, and by what cannot be changed without notice.
fn name(path: &Path, writes: usize) -> anyhow::Result<String> {
    let sum = digest(&std::fs::read(path).with_context(|| format!("reading {}", path.display()))?);
    Ok(format!(
        "{}: {writes} writes, SHA-256 {sum}",
        path.display()
    ))
}
