//! The invariants, and the sign that one does not hold.

/// An invariant, by its number in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorldLaw {
    /// 1: the catalog is never ahead of git, and does not stay behind it.
    Catalog,
    /// 2: one promotion, one pull request; a second run ends as the first.
    Once,
    /// 3: what was merged is what was proposed.
    Proposed,
    /// 4: nothing is changed that was not granted.
    Authority,
    /// 5: secrets stay in the host.
    Secrets,
    /// 6: every run ends, and says how.
    Said,
    /// 7: no write without a trace.
    Trace,
    /// 8: no client asks the services for what they do not have.
    Routes,
    /// 9: a journal replays exactly.
    Replayed,
    /// 10: Port is believed, a payload is not.
    Believed,
    /// 11: a rule that says no is not skipped.
    Rules,
    /// 12: the catalog is told of what stands at the granted place, and nowhere else.
    Evidence,
    /// A failure is no reason to crash, to break grants or to run into a limit.
    Sound,
}

impl WorldLaw {
    /// All, in their order.
    pub const ALL: [Self; 13] = [
        Self::Catalog,
        Self::Once,
        Self::Proposed,
        Self::Authority,
        Self::Secrets,
        Self::Said,
        Self::Trace,
        Self::Routes,
        Self::Replayed,
        Self::Believed,
        Self::Rules,
        Self::Evidence,
        Self::Sound,
    ];

    /// A few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "1 catalog as git",
            Self::Once => "2 once",
            Self::Proposed => "3 merged as proposed",
            Self::Authority => "4 only what is granted",
            Self::Secrets => "5 secrets",
            Self::Said => "6 ends said",
            Self::Trace => "7 traces",
            Self::Routes => "8 known requests",
            Self::Replayed => "9 replays",
            Self::Believed => "10 Port is believed",
            Self::Rules => "11 rules",
            Self::Evidence => "12 evidence",
            Self::Sound => "no crash",
        }
    }
}

/// A law that does not hold after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLaw {
    /// The law.
    pub law: WorldLaw,
    /// The sign of it; foreign text in it is not neutralised.
    pub what: String,
    /// What a scenario file would expect after that step, as an inline table of TOML.
    pub expect: String,
}

impl BrokenLaw {
    pub(super) fn new(law: WorldLaw, what: String, expect: String) -> Self {
        Self { law, what, expect }
    }
}
