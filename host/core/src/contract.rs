//! The contract of `wit/`, as Rust.
//!
//! The generated types are the types: nothing mirrors them. They serialise, so that a journal holds exactly what
//! crossed the border.

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

pub use bindings::exports::promote::policy::about::Description;
pub use bindings::promote::policy::{
    env, github_merge, github_propose, github_read, port_read, port_write, rules, run_log, types,
};
pub use bindings::{Promote as Policy, PromotePre as PolicyPre};

pub use github_merge::Merged;
pub use github_propose::{FileChange, Proposal};
pub use github_read::{
    Ancestry, BranchRules, Check, CheckState, Commit, Comparison, File, MergeMethod, Mergeability,
    PullFilter, PullRequest, PullState,
};
pub use port_write::Change;
pub use rule_bindings::exports::promote::policy::ruling;
pub use rule_bindings::{Rule as RuleWorld, RulePre};
pub use rules::{Candidate, ValueChange};
pub use run_log::Severity;
pub use types::{
    Actor, Approval, Entity, EntityKey, Failure, Outcome, Promotion, Reason, ReasonCure, Relation,
    Request, StopPoint, Waiting, Workflow,
};

/// Package and version of the contract that this host serves.
pub const CONTRACT: &str = "promote:policy@0.1.0";
