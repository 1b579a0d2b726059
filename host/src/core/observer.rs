//! Who is shown what happens, while it happens.

use super::gate::Step;

/// Shows people the progress of a run. Text that it is given may be foreign: it makes it harmless before it shows it.
pub trait Observer: Send + Sync {
    /// A call was made.
    fn step(&self, step: &Step);
    /// Something else that people may want to know, such as a pause.
    fn say(&self, text: &str);
}
