//! The calls that the policy makes, as a trait, so that the flow runs against a fake in native tests.
//!
//! [`HostImports`] is the only place that touches the component's imports.

use promote_guest::{
    env, github_merge, github_propose, github_read, port_read, port_write, registry_read, rules,
    run_log,
};

pub use github_merge::Merged;
pub use github_propose::{FileChange, Proposal};
pub use github_read::{
    Ancestry, Attestation, Attestations, Check, CheckState, Commit, Comparison, File, MergeMethod,
    Mergeability, PullFilter, PullPeople, PullRequest, PullState, Review, ReviewState,
};
pub use port_write::Change;
pub use rules::{Candidate, ValueChange};
pub use run_log::Severity;

use crate::types::{Entity, EntityKey, Failure, Reason};

/// The trait and the component's imports, from one list: the interface of `wit/` that a call is part of, and its signature.
macro_rules! calls {
    ($($from:ident: fn $name:ident($($arg:ident: $kind:ty),*) $(-> $answer:ty)?;)*) => {
        /// The calls of a policy. Each method is documented in `wit/`.
        #[allow(missing_docs, reason = "each method is the import of the same name, documented in wit/")]
        pub trait PolicyHost {
            $(fn $name(&mut self, $($arg: $kind),*) $(-> $answer)?;)*
            fn check_rules(&mut self, candidate: &Candidate) -> Vec<Reason>;
        }

        impl PolicyHost for HostImports {
            $(fn $name(&mut self, $($arg: $kind),*) $(-> $answer)? { $from::$name($($arg),*) })*
            // The interface says what is checked, and the trait has no interfaces.
            fn check_rules(&mut self, candidate: &Candidate) -> Vec<Reason> {
                rules::check(candidate)
            }
        }
    };
}

/// The component's imports.
#[derive(Debug)]
pub struct HostImports;

type CallResult<T> = Result<T, Failure>;

calls! {
    env: fn now() -> String;
    env: fn sleep(seconds: u32);
    run_log: fn note(severity: Severity, message: &str);
    port_read: fn get_entity(key: &EntityKey) -> CallResult<Option<Entity>>;
    port_read: fn get_entities(keys: &[EntityKey]) -> CallResult<Vec<Option<Entity>>>;
    port_read: fn search(blueprint: &str, query: &str) -> CallResult<Vec<Entity>>;
    port_write: fn update_entity(key: &EntityKey, change: &Change) -> CallResult<Entity>;
    github_read: fn read_file(repository: &str, path: &str, revision: &str) -> CallResult<Option<File>>;
    github_read: fn get_commit(repository: &str, revision: &str) -> CallResult<Option<Commit>>;
    github_read: fn compare(repository: &str, base: &str, head: &str) -> CallResult<Comparison>;
    github_read: fn get_checks(repository: &str, commit: &str, base: &str) -> CallResult<Vec<Check>>;
    github_read: fn get_pull_request(repository: &str, number: u32) -> CallResult<PullRequest>;
    github_read: fn find_pull_requests(
        repository: &str, head: &str, base: &str, filter: PullFilter
    ) -> CallResult<Vec<PullRequest>>;
    github_read: fn get_pull_people(repository: &str, number: u32) -> CallResult<PullPeople>;
    github_read: fn get_commit_pulls(repository: &str, commit: &str) -> CallResult<Vec<PullRequest>>;
    github_read: fn get_file_pulls(repository: &str, path: &str, branch: &str) -> CallResult<Vec<PullRequest>>;
    github_read: fn get_attestations(repository: &str, digest: &str) -> CallResult<Attestations>;
    registry_read: fn is_granted(reference: &str) -> CallResult<bool>;
    registry_read: fn get_digest(reference: &str) -> CallResult<Option<String>>;
    registry_read: fn get_image_attestations(reference: &str) -> CallResult<Attestations>;
    github_propose: fn propose(proposal: &Proposal) -> CallResult<PullRequest>;
    github_propose: fn delete_branch(repository: &str, branch: &str) -> CallResult<()>;
    github_propose: fn close_pull_request(repository: &str, number: u32) -> CallResult<()>;
    github_propose: fn comment(repository: &str, number: u32, marker: &str, body: &str) -> CallResult<()>;
    github_propose: fn add_labels(repository: &str, number: u32, labels: &[String]) -> CallResult<()>;
    github_propose: fn request_reviewers(
        repository: &str, number: u32, users: &[String], teams: &[String]
    ) -> CallResult<()>;
    github_merge: fn merge(
        repository: &str, number: u32, expected_head: &str, method: MergeMethod
    ) -> CallResult<Merged>;
    github_merge: fn merge_when_ready(
        repository: &str, number: u32, expected_head: &str, method: MergeMethod
    ) -> CallResult<Merged>;
}
