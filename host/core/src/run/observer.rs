//! People who are shown what happens, while it happens.

use crate::gate::CallRecord;

/// Shows people the progress of a run. Text that it is given may be foreign: it makes it harmless before it shows it.
pub trait Observer: Send + Sync {
    /// A call was made.
    fn step(&self, step: &CallRecord);
    /// Something else that people may want to know, such as a pause.
    fn say(&self, text: &str);
}

/// Shows nothing of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn step(&self, _: &CallRecord) {}
    fn say(&self, _: &str) {}
}
