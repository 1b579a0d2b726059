//! The contract of `wit/`, as Rust.
//!
//! The generated types are the types: nothing mirrors them. They serialise, so that a journal holds exactly what
//! crossed the border. What each means is written in `wit/`, where authors of policies read it.
//!
//! ```
//! use promote_core::contract::{Failure, Outcome, Reason};
//!
//! let answer = Failure::NotFound("there is no service/web".into()); // what a call may come back with
//! assert_eq!(serde_json::to_value(&answer).unwrap()["NotFound"], "there is no service/web");
//! ```
//!
//! | interface | is for |
//! |---|---|
//! | [`types`] | what the others speak of: requests, entities, reasons, failures, outcomes |
//! | [`port_read`], [`port_write`] | Port's catalog |
//! | [`github_read`] | files, pull requests, checks, branch rules, commits, people, attestations |
//! | [`github_propose`], [`github_merge`] | a pull request of the policy's own, and its merge |
//! | [`registry_read`] | images in their registries |
//! | [`rules`] | the operator's rules, asked early |
//! | [`env`](mod@env) | the time, and pauses |
//! | [`run_log`] | lines for the log of the Port run |
//! | [`ruling`] | the types with which rules are asked and answer |
//!
//! Next: [`call`](crate::call).

#[expect(
    missing_docs,
    reason = "documented in wit/, where policy authors read it"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "promote",
        imports: { default: async | trappable },
        exports: { default: async },
        trappable_error_type: { "promote:policy/types.failure" => crate::call::Fault },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

#[expect(
    missing_docs,
    reason = "documented in wit/, where authors of rules read it"
)]
mod rule_bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "rule",
        exports: { default: async },
        with: { "promote:policy/types": super::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

#[expect(
    missing_docs,
    reason = "documented in wit/, where authors of rules read it"
)]
mod settings_bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "checked-rule",
        exports: { default: async },
        with: { "promote:policy/types": super::types },
        additional_derives: [PartialEq],
    });
}

pub use bindings::exports::promote::policy::about::Description;
pub use bindings::promote::policy::{
    env, github_merge, github_propose, github_read, port_read, port_write, registry_read, rules,
    run_log, types,
};
pub use bindings::{Promote as Policy, PromotePre as PolicyPre};

pub use github_merge::Merged;
pub use github_propose::{FileChange, Proposal};
pub use github_read::{
    Ancestry, Attestation, Attestations, BranchRules, Check, CheckState, Commit, Comparison, File,
    MergeMethod, Mergeability, PullFilter, PullPeople, PullRequest, PullState, Review, ReviewState,
};
pub use port_write::Change;
pub use registry_read::{Image, ImageLabel};
pub use rule_bindings::exports::promote::policy::ruling;
pub use rule_bindings::{Rule as RuleWorld, RulePre};
pub use rules::{Candidate, ValueChange};
pub use run_log::Severity;
pub use settings_bindings::{CheckedRule as CheckedRuleWorld, CheckedRulePre};
pub use types::{
    Actor, Approval, Awaited, EarlierProposal, Entity, EntityKey, EnvironmentReview,
    EnvironmentVerdict, Failure, Outcome, Promotion, Reason, ReasonCure, Relation, Request,
    StopPoint, Waiting, Workflow,
};

/// Package and version of the contract that this host serves.
pub const CONTRACT: &str = "promote:policy@0.1.0";

/// Returns whether something made for a version of the contract is served by this one, as a component links: both are of one
/// major version, and below 1.0 of one minor version. Such versions differ in what they add.
#[must_use]
pub fn serves(contract: &str) -> bool {
    fn track(contract: &str) -> Option<(&str, [u64; 2])> {
        let (package, version) = contract.split_once('@')?;
        let mut numbers = version.splitn(3, '.');
        let [major, minor] = [numbers.next()?, numbers.next()?].map(|part| part.parse::<u64>());
        let _: u64 = numbers.next()?.parse().ok()?;
        let (major, minor) = (major.ok()?, minor.ok()?);
        Some((package, if major == 0 { [0, minor] } else { [major, 0] }))
    }
    track(contract).is_some_and(|other| Some(other) == track(CONTRACT))
}

impl Entity {
    /// Returns an entity of which nothing is known but its name.
    #[must_use]
    pub fn named(key: EntityKey) -> Self {
        Self {
            key,
            title: None,
            teams: Vec::new(),
            properties: "{}".to_owned(),
            relations: Vec::new(),
            updated_at: None,
        }
    }
}

impl Request {
    /// Returns a request that the host makes up to ask a policy or a rule something: nobody clicked it, and it has no inputs, no
    /// settings and no workflow. `name` stands for the run and for its action.
    #[must_use]
    pub fn trial(name: &str, subject: Entity) -> Self {
        Self {
            run_id: name.to_owned(),
            action: name.to_owned(),
            actor: Actor {
                id: String::new(),
                email: None,
                name: None,
            },
            approval: None,
            environment_reviews: None,
            requested_at: None,
            subject,
            inputs: "{}".to_owned(),
            settings: "{}".to_owned(),
            workflow: Workflow {
                repository: None,
                url: None,
                attempt: 1,
            },
            resumed: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn versions_that_only_add_are_served() {
        for contract in ["promote:policy@0.1.0", "promote:policy@0.1.12"] {
            assert!(serves(contract), "{contract}");
        }
        for contract in [
            "promote:policy@0.2.0",
            "promote:policy@1.1.0",
            "promote:policy@0.1",
            "promote:policy@0.1.x",
            "promote:policy@0.1.0-rc.1",
            "promote:policy",
            "other:policy@0.1.0",
            "",
        ] {
            assert!(!serves(contract), "{contract}");
        }
    }
}
