//! The words by which Port shows that a run waits. `promote resume` reads them again, so they never change.

use crate::contract::types::Awaited;

/// Everything that can be awaited, with the label of the Port run.
const LABELS: [(Awaited, &str); 9] = [
    (Awaited::Review, "Waits for review"),
    (Awaited::Merge, "Waits for merge"),
    (Awaited::Checks, "Waits for checks"),
    (Awaited::Queue, "Waits for queue"),
    (Awaited::Window, "Waits out freeze"),
    (Awaited::Soak, "Waits for soak"),
    (Awaited::Sync, "Waits for sync"),
    (Awaited::RateLimit, "Waits for quota"),
    (Awaited::Rule, "Waits for rule"),
];

impl Awaited {
    /// The label of a Port run that waits for this.
    pub fn label(self) -> &'static str {
        LABELS
            .iter()
            .find(|(awaited, _)| *awaited == self)
            .map_or("Waits", |(_, label)| label)
    }

    /// Returns what a run with this label waits for; none if it does not wait.
    pub fn of_label(label: &str) -> Option<Self> {
        let found = LABELS.iter().find(|(_, known)| *known == label);
        found.map(|(awaited, _)| *awaited)
    }
}
