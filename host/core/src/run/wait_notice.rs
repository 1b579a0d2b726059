//! What a run that begins to wait says of those who would go on with it: nothing is worse than a promotion that everybody
//! takes for under way and that nobody carries on.

use std::time::Duration;

use jiff::Timestamp;

use super::observer::Observer;
use super::resume::{ResumeWatch, WorkflowClient};
use crate::gate::RunParts;
use crate::service::port::WorkflowReport;
use crate::source::live::Live;

/// How long looking may take: the run has still to say its last word.
const LOOK_TIME: Duration = Duration::from_secs(10);

/// What is wrong with what comes after this run.
#[derive(Default)]
pub(super) struct WaitNotices {
    /// Port will show a status that is not so, if it will.
    pub(super) status: Option<String>,
    /// Nobody goes on with what waits, as far as that is seen.
    pub(super) resume: Option<String>,
}

/// Who goes on with what waits.
pub(super) struct ResumeTerms {
    /// The way to workflow runs, if there is one.
    pub(super) workflows: Option<WorkflowClient>,
    /// The file of the workflow that resumes.
    pub(super) file: String,
}

impl WaitNotices {
    /// Looks at Port's action and at the workflow that resumes. What cannot be seen is said here, and to nobody else.
    pub(super) async fn look(parts: &RunParts, action: &str, terms: &ResumeTerms) -> Self {
        let (now, observer) = (parts.clock.now(), &*parts.observer);
        let looking =
            async { tokio::join!(status(&parts.live, action), resume(terms, now, observer)) };
        match tokio::time::timeout(LOOK_TIME, looking).await {
            Ok((status, resume)) => Self { status, resume },
            Err(_) => Self::default(),
        }
    }

    /// Returns everything, for people.
    pub(super) fn lines(&self) -> impl Iterator<Item = &String> {
        self.status.iter().chain(&self.resume)
    }
}

/// Says that Port ends the run with its workflow, if the action asks for that.
async fn status(live: &Live, action: &str) -> Option<String> {
    // What cannot be read, `promote doctor` says.
    let workflow = live.port.workflow_of(action).await.ok()??;
    let reports = matches!(
        workflow.report,
        WorkflowReport::On | WorkflowReport::Text(_)
    );
    reports.then(|| {
        format!(
            "Port's status of this run will be wrong: Port ends it with its workflow, and the promotion still waits. Set `reportWorkflowStatus` of the action {action} to false, as `promote init` does"
        )
    })
}

async fn resume(terms: &ResumeTerms, now: Timestamp, observer: &dyn Observer) -> Option<String> {
    let client = terms.workflows.as_ref()?;
    let file = &terms.file;
    let watch = ResumeWatch::look(client.access(), file, now).await;
    if let ResumeWatch::Unseen(why) = &watch {
        observer.say(&format!(
            "whether {file} goes on with what waits was not seen (the job needs `actions: read`): {why}"
        ));
    }
    let problem = watch.problem()?;
    Some(format!(
        "nobody may go on with this: the workflow {file} of {} {problem}",
        client.repository
    ))
}
