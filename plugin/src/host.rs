//! The calls that the policy makes, as a trait, so that the flow runs against a fake in native tests.
//!
//! [`Imports`] is the only place that touches the component's imports.

use promote_guest::{env, github_merge, github_propose, github_read, port_read, port_write, run_log};

pub use github_merge::Merged;
pub use github_propose::{FileChange, Proposal};
pub use github_read::{
    Ancestry, Check, CheckState, Commit, Comparison, File, MergeMethod, Mergeability, PullFilter,
    PullRequest, PullState,
};
pub use port_write::Change;
pub use run_log::Severity;

use crate::types::{Entity, EntityKey, Failure};

/// What the policy can ask of the world. Each method is documented in `wit/`.
#[allow(missing_docs, reason = "each method is the import of the same name, documented in wit/")]
pub trait Host {
    fn now(&mut self) -> String;
    fn sleep(&mut self, seconds: u32);
    fn note(&mut self, severity: Severity, message: &str);
    fn get_entity(&mut self, key: &EntityKey) -> Result<Option<Entity>, Failure>;
    fn get_entities(&mut self, keys: &[EntityKey]) -> Result<Vec<Option<Entity>>, Failure>;
    fn search(&mut self, blueprint: &str, query: &str) -> Result<Vec<Entity>, Failure>;
    fn update_entity(&mut self, key: &EntityKey, change: &Change) -> Result<Entity, Failure>;
    fn read_file(&mut self, repository: &str, path: &str, revision: &str) -> Result<Option<File>, Failure>;
    fn get_commit(&mut self, repository: &str, revision: &str) -> Result<Option<Commit>, Failure>;
    fn get_pull_request(&mut self, repository: &str, number: u32) -> Result<PullRequest, Failure>;
    fn find_pull_requests(
        &mut self,
        repository: &str,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> Result<Vec<PullRequest>, Failure>;
    fn compare(&mut self, repository: &str, base: &str, head: &str) -> Result<Comparison, Failure>;
    fn propose(&mut self, proposal: &Proposal) -> Result<PullRequest, Failure>;
    fn delete_branch(&mut self, repository: &str, branch: &str) -> Result<(), Failure>;
    fn merge(
        &mut self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure>;
    fn get_checks(&mut self, repository: &str, commit: &str, base: &str) -> Result<Vec<Check>, Failure>;
    fn close_pull_request(&mut self, repository: &str, number: u32) -> Result<(), Failure>;
    fn comment(&mut self, repository: &str, number: u32, marker: &str, body: &str) -> Result<(), Failure>;
    fn add_labels(&mut self, repository: &str, number: u32, labels: &[String]) -> Result<(), Failure>;
    fn request_reviewers(
        &mut self,
        repository: &str,
        number: u32,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Failure>;
    fn merge_when_ready(
        &mut self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure>;
}

/// The component's imports.
#[derive(Debug)]
pub struct Imports;

impl Host for Imports {
    fn now(&mut self) -> String {
        env::now()
    }

    fn sleep(&mut self, seconds: u32) {
        env::sleep(seconds);
    }

    fn note(&mut self, severity: Severity, message: &str) {
        run_log::note(severity, message);
    }

    fn get_entity(&mut self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        port_read::get_entity(key)
    }

    fn get_entities(&mut self, keys: &[EntityKey]) -> Result<Vec<Option<Entity>>, Failure> {
        port_read::get_entities(keys)
    }

    fn search(&mut self, blueprint: &str, query: &str) -> Result<Vec<Entity>, Failure> {
        port_read::search(blueprint, query)
    }

    fn update_entity(&mut self, key: &EntityKey, change: &Change) -> Result<Entity, Failure> {
        port_write::update_entity(key, change)
    }

    fn read_file(&mut self, repository: &str, path: &str, revision: &str) -> Result<Option<File>, Failure> {
        github_read::read_file(repository, path, revision)
    }

    fn get_commit(&mut self, repository: &str, revision: &str) -> Result<Option<Commit>, Failure> {
        github_read::get_commit(repository, revision)
    }

    fn get_pull_request(&mut self, repository: &str, number: u32) -> Result<PullRequest, Failure> {
        github_read::get_pull_request(repository, number)
    }

    fn find_pull_requests(
        &mut self,
        repository: &str,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> Result<Vec<PullRequest>, Failure> {
        github_read::find_pull_requests(repository, head, base, filter)
    }

    fn compare(&mut self, repository: &str, base: &str, head: &str) -> Result<Comparison, Failure> {
        github_read::compare(repository, base, head)
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<PullRequest, Failure> {
        github_propose::propose(proposal)
    }

    fn delete_branch(&mut self, repository: &str, branch: &str) -> Result<(), Failure> {
        github_propose::delete_branch(repository, branch)
    }

    fn merge(
        &mut self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        github_merge::merge(repository, number, expected_head, method)
    }

    fn get_checks(&mut self, repository: &str, commit: &str, base: &str) -> Result<Vec<Check>, Failure> {
        github_read::get_checks(repository, commit, base)
    }

    fn close_pull_request(&mut self, repository: &str, number: u32) -> Result<(), Failure> {
        github_propose::close_pull_request(repository, number)
    }

    fn comment(&mut self, repository: &str, number: u32, marker: &str, body: &str) -> Result<(), Failure> {
        github_propose::comment(repository, number, marker, body)
    }

    fn add_labels(&mut self, repository: &str, number: u32, labels: &[String]) -> Result<(), Failure> {
        github_propose::add_labels(repository, number, labels)
    }

    fn request_reviewers(
        &mut self,
        repository: &str,
        number: u32,
        users: &[String],
        teams: &[String],
    ) -> Result<(), Failure> {
        github_propose::request_reviewers(repository, number, users, teams)
    }

    fn merge_when_ready(
        &mut self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        github_merge::merge_when_ready(repository, number, expected_head, method)
    }
}
