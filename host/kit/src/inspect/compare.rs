//! Two components side by side: the powers that one has and the other has not.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::authority::{PolicyPower, gained};
use super::component::{InspectedComponent, sentence_of};
use promote_core::text;

/// The differences between a component and another.
pub(super) struct ComponentComparison {
    /// The other one, by the name that people gave it.
    pub(super) other: String,
    digest: String,
    tiers: [&'static str; 2],
    sizes: [usize; 2],
    /// The powers that only this one has.
    pub(super) gained: Vec<PolicyPower>,
    lost: Vec<PolicyPower>,
    settings: [Vec<String>; 2],
}

impl ComponentComparison {
    /// Compares `new` with `old`.
    pub(super) fn of(old: &InspectedComponent, new: &InspectedComponent) -> Self {
        let before = old.settings();
        let after = new.settings();
        let only = |these: &[String], those: &[String]| {
            these
                .iter()
                .filter(|name| !those.contains(name))
                .cloned()
                .collect::<Vec<_>>()
        };
        Self {
            other: old.name.clone(),
            digest: old.digest.clone(),
            tiers: [old, new].map(|it| it.surface.tier.name()),
            sizes: [old, new].map(|it| it.size),
            gained: gained(&old.powers, &new.powers),
            lost: gained(&new.powers, &old.powers),
            settings: [only(&after, &before), only(&before, &after)],
        }
    }

    pub(super) fn print(&self) -> String {
        let mut out = format!(
            "\nAgainst {} ({}):\n",
            text::line(&self.other),
            &self.digest[..12]
        );
        for (word, powers) in [("gains", &self.gained), ("loses", &self.lost)] {
            if powers.is_empty() {
                let _ = writeln!(out, "  {word} no authority");
            }
            for power in powers {
                let _ = writeln!(out, "  {word} {}.{}", power.interface, sentence_of(power));
            }
        }
        let [old, new] = self.tiers;
        if old != new {
            let _ = writeln!(out, "  tier {new}, it was {old}");
        }
        for (word, names) in ["new settings", "settings no more"]
            .into_iter()
            .zip(&self.settings)
        {
            let names: Vec<String> = names.iter().map(|name| text::line(name)).collect();
            if !names.is_empty() {
                let _ = writeln!(out, "  {word}: {}", names.join(", "));
            }
        }
        let [old, new] = self.sizes;
        let _ = writeln!(out, "  {new} bytes, it was {old}");
        out
    }

    pub(super) fn json(&self) -> Value {
        let list =
            |powers: &[PolicyPower]| powers.iter().map(PolicyPower::json).collect::<Vec<_>>();
        let [added, removed] = &self.settings;
        json!({
            "name": self.other, "sha256": self.digest, "tier": self.tiers[0], "size": self.sizes[0],
            "gained": list(&self.gained), "lost": list(&self.lost),
            "settings": { "added": added, "removed": removed },
        })
    }
}
