//! What is late, slow or out of order at a company's GitHub from the beginning, until the weather clears.

use fastrand::Rng;

use super::company::draw;

/// The mutations of GraphQL that may fail while others of their document do not.
pub(super) const FIELDS: [&str; 4] = [
    "createRef",
    "createCommitOnBranch",
    "createPullRequest",
    "mergePullRequest",
];

/// What is late or out of order at GitHub. Numbers say how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weather {
    pub(super) stale_reads: u32,
    pub(super) unknown_mergeable: u32,
    pub(super) base_modified: u32,
    pub(super) head_out_of_date: u32,
    pub(super) slow_merges: u32,
    pub(super) unknown_pulls: u32,
    /// A mutation that always fails.
    pub(super) failing_field: Option<&'static str>,
}

impl Weather {
    /// A weather of this generator: each of its kinds is good in most companies.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let late = |rng: &mut Rng, most: u32| {
            if rng.u8(..4) == 0 {
                rng.u32(1..=most)
            } else {
                0
            }
        };
        Self {
            stale_reads: late(rng, 3),
            unknown_mergeable: 1 + late(rng, 2),
            base_modified: late(rng, 2),
            head_out_of_date: late(rng, 2),
            slow_merges: late(rng, 1),
            unknown_pulls: late(rng, 2),
            failing_field: (rng.u8(..8) == 0).then(|| draw(rng, &FIELDS)),
        }
    }

    /// The part of a scenario file.
    pub(super) fn toml(self) -> String {
        let Self {
            stale_reads,
            unknown_mergeable,
            base_modified,
            head_out_of_date,
            slow_merges,
            unknown_pulls,
            failing_field,
        } = self;
        let mut text = format!(
            "[given.github.weather]\nstale-reads = {stale_reads}\nunknown-mergeable = {unknown_mergeable}\n\
             base-modified = {base_modified}\nhead-out-of-date = {head_out_of_date}\nslow-merges = {slow_merges}\n\
             unknown-pulls = {unknown_pulls}\n"
        );
        if let Some(field) = failing_field {
            text += &format!("failing-fields = [\"{field}\"]\n");
        }
        text
    }

    /// The names of what is bad about it, for the table.
    pub(super) fn names(self) -> Vec<String> {
        let late = [
            ("stale reads", self.stale_reads > 0),
            ("mergeable late", self.unknown_mergeable > 1),
            ("base modified", self.base_modified > 0),
            ("head out of date", self.head_out_of_date > 0),
            ("slow merges", self.slow_merges > 0),
            ("pull requests unknown", self.unknown_pulls > 0),
        ];
        let late = late.iter().filter(|(_, is_bad)| *is_bad);
        let mut names: Vec<String> = late.map(|(name, _)| (*name).to_owned()).collect();
        names.extend(self.failing_field.map(|field| format!("{field} fails")));
        names
    }
}
