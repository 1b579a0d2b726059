//! The authority of a component: the functions of the contract that it imports, each in a sentence.
//!
//! A component cannot call what it does not import, so this is a bound that no bug and no malice in it can exceed. The
//! operator's grants narrow it down further.

use serde_json::{Value, json};

use promote_core::policy::ComponentSurface;

/// The authority that each interface gives to a policy, at most.
pub(crate) const INTERFACES: [(&str, &str); 8] = [
    ("env", "ask for the time, and wait"),
    ("run-log", "add lines to the log of the Port run"),
    ("port-read", "read and search the catalog"),
    (
        "github-read",
        "read files, commits, pull requests, checks and branch rules",
    ),
    ("rules", "ask the operator's rules early"),
    (
        "github-propose",
        "commit to branches of its own, open, close, comment and label pull requests",
    ),
    ("github-merge", "merge the pull requests that it opened"),
    ("port-write", "change entities of the catalog that exist"),
];

/// One function of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PolicyPower {
    /// Its interface.
    pub(crate) interface: &'static str,
    /// Its name in the interface.
    pub(crate) function: &'static str,
    /// The operation that a grant must allow; none if it needs no grant.
    pub(crate) operation: Option<&'static str>,
    /// The authority that it gives to a policy.
    pub(crate) may: &'static str,
}

impl PolicyPower {
    /// For machines.
    pub(super) fn json(&self) -> Value {
        json!({ "function": format!("{}.{}", self.interface, self.function), "needs": self.operation, "may": self.may })
    }
}

/// A row of the table.
const fn power(
    interface: &'static str,
    function: &'static str,
    operation: Option<&'static str>,
    may: &'static str,
) -> PolicyPower {
    PolicyPower {
        interface,
        function,
        operation,
        may,
    }
}

/// Every function of the contract that a policy may import.
pub(crate) const POWERS: [PolicyPower; 31] = [
    power("env", "now", None, "ask for the time"),
    power("env", "sleep", None, "wait, within the run's limit"),
    power(
        "run-log",
        "note",
        Some("run.note"),
        "add a line to the log of the Port run",
    ),
    power(
        "port-read",
        "get-entity",
        Some("port.get-entity"),
        "read an entity of the catalog",
    ),
    power(
        "port-read",
        "get-entities",
        Some("port.get-entity"),
        "read several entities of the catalog",
    ),
    power(
        "port-read",
        "search",
        Some("port.search"),
        "search the entities of a blueprint",
    ),
    power(
        "github-read",
        "read-file",
        Some("github.read-file"),
        "read a file of a repository",
    ),
    power(
        "github-read",
        "get-pull-request",
        Some("github.read-pull-request"),
        "read a pull request",
    ),
    power(
        "github-read",
        "get-pull-people",
        Some("github.read-pull-request"),
        "read who opened, wrote, reviewed and merged a pull request",
    ),
    power(
        "github-read",
        "get-commit-pulls",
        Some("github.read-pull-request"),
        "read which pull requests brought a commit",
    ),
    power(
        "github-read",
        "get-file-pulls",
        Some("github.read-pull-request"),
        "read which pull requests changed a file",
    ),
    power(
        "github-read",
        "find-pull-requests",
        Some("github.read-pull-request"),
        "list pull requests",
    ),
    power(
        "github-read",
        "get-checks",
        Some("github.read-checks"),
        "read the checks of a commit",
    ),
    power(
        "github-read",
        "get-branch-rules",
        Some("github.read-rules"),
        "read what a branch demands",
    ),
    power(
        "github-read",
        "get-commit",
        Some("github.read-commits"),
        "read a commit",
    ),
    power(
        "github-read",
        "compare",
        Some("github.read-commits"),
        "compare two commits",
    ),
    power(
        "github-read",
        "get-attestations",
        Some("github.attestations"),
        "read who built an artifact, as verified by the host",
    ),
    power(
        "registry-read",
        "is-granted",
        None,
        "ask whether an image may be read",
    ),
    power(
        "registry-read",
        "get-digest",
        Some("registry.read"),
        "read the digest of an image in a registry",
    ),
    power(
        "registry-read",
        "get-image",
        Some("registry.read"),
        "read an image in a registry, and its labels",
    ),
    power(
        "registry-read",
        "get-image-attestations",
        Some("registry.read"),
        "read who built an image, by what its registry keeps beside it and the host verifies",
    ),
    power(
        "rules",
        "check",
        None,
        "ask the operator's rules before the host does",
    ),
    power(
        "github-propose",
        "propose",
        Some("github.propose"),
        "commit to a branch of its own, open a pull request",
    ),
    power(
        "github-propose",
        "delete-branch",
        Some("github.propose"),
        "delete a branch of its own",
    ),
    power(
        "github-propose",
        "close-pull-request",
        Some("github.propose"),
        "close a pull request of its own",
    ),
    power(
        "github-propose",
        "comment",
        Some("github.decorate"),
        "comment on a pull request",
    ),
    power(
        "github-propose",
        "add-labels",
        Some("github.decorate"),
        "label a pull request",
    ),
    power(
        "github-propose",
        "request-reviewers",
        Some("github.decorate"),
        "ask people for a review",
    ),
    power(
        "github-merge",
        "merge",
        Some("github.merge"),
        "merge a pull request that it opened",
    ),
    power(
        "github-merge",
        "merge-when-ready",
        Some("github.merge"),
        "have GitHub merge it when its rules are met",
    ),
    power(
        "port-write",
        "update-entity",
        Some("port.update-entity"),
        "change an entity of the catalog",
    ),
];

/// The functions that a component imports, in the order of the table.
pub(crate) fn of(surface: &ComponentSurface) -> Vec<PolicyPower> {
    let imports = |power: &PolicyPower| {
        let function = (power.interface.to_owned(), power.function.to_owned());
        surface.functions.contains(&function)
    };
    POWERS.into_iter().filter(imports).collect()
}

/// Returns the powers that `new` has and `old` has not. A function that needs no grant gives no power.
pub(super) fn gained(old: &[PolicyPower], new: &[PolicyPower]) -> Vec<PolicyPower> {
    let more = new
        .iter()
        .filter(|power| power.operation.is_some() && !old.contains(power));
    more.copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use promote_core::grants::Operation;

    #[test]
    fn every_operation_that_can_be_granted_is_the_need_of_some_function() {
        let needed: BTreeSet<&str> = POWERS.iter().filter_map(|power| power.operation).collect();
        // What the host itself does needs no function.
        let granted: BTreeSet<&str> = Operation::ALL
            .iter()
            .filter(|operation| !operation.is_hosts())
            .map(|operation| operation.name())
            .collect();
        assert_eq!(needed, granted);
    }

    #[test]
    fn waiting_is_no_authority_and_merging_is() {
        let [now, merge] = [POWERS[0], POWERS[26]];
        assert_eq!(gained(&[], &[now, merge]), [merge]);
        assert_eq!(gained(&[merge], &[now]), []);
    }
}
