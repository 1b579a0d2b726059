//! The client of GitHub: reads, proposes, merges.
//!
//! It pins what it reads to a commit, adopts only what is provably ours, and never takes "later" for "done".

mod access;
mod app;
mod attestations;
mod checks;
mod commits;
mod decorate;
mod deployments;
mod file_pulls;
mod merge;
mod open_pulls;
mod people;
mod proposal;
mod protection;
mod pull_node;
mod pulls;
mod read;
mod repository_name;
mod status;
#[cfg(test)]
mod tests;
mod workflows;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use access::Credentials;
pub use app::{App, TokenScope};
pub(crate) use deployments::{DeploymentRecord, DeploymentState};
pub(crate) use file_pulls::{FileHistory, file_history};
pub(crate) use open_pulls::Connection;
pub use proposal::TreeEntry;
pub(crate) use proposal::{PlanBond, ProposalNote};
pub use protection::{BranchDemand, BranchProtection, RequiredCheck};
pub(crate) use pull_node::OpenPullNode;
pub use pulls::ProposedPull;
pub use read::blob_id;
pub use repository_name::RepositoryName;
pub use status::{STATUS, StatusWord};
pub(crate) use workflows::WorkflowFile;
pub use workflows::{WorkflowRun, WorkflowRuns};

use crate::contract::{Failure, FileChange, Proposal};
use crate::service::http::{
    CallResult, Http, HttpAnswer, Request, Service, ServiceError, ServiceResult, Session, TokenSlot,
};

/// The most pages of a list that are read.
const MAX_PAGES: usize = 10;

/// GitHub, for one run.
pub struct Client {
    http: Http,
    credentials: Credentials,
    /// One for each scope of an App.
    tokens: Vec<TokenSlot>,
    base: Mutex<Option<ReadBase>>,
    /// The pull request that this run has opened last, until something may have changed it.
    fresh: Mutex<Option<FreshPull>>,
    /// Port's run, for the notes in pull requests; empty if there is none.
    run: String,
    /// The author of the commits of this run.
    identity: Mutex<Option<proposal::CommitIdentity>>,
    /// How a plan binds this run; set once it is known.
    bond: OnceLock<PlanBond>,
    /// The texts of files that were fetched with their merge.
    merged_files: Mutex<BTreeMap<MergedFileKey, String>>,
    /// Repositories that have moved, by the path of their old name, and their owner of today once that was asked for.
    moved: Mutex<BTreeMap<String, Option<String>>>,
}

/// A file at the commit of a merge.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct MergedFileKey {
    repository: String,
    commit: String,
    path: String,
}

/// The base of a proposal, as far as it was read with the file to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBase {
    /// `owner/name`.
    pub repository: String,
    /// Its node id, for GraphQL.
    pub id: String,
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// The file.
    pub file: TreeEntry,
    /// The branches of a folder, if they are known.
    pub heads: Option<KnownHeads>,
}

/// All branches of a folder, as GitHub has shown them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHeads {
    /// The folder, with a slash at its end.
    pub folder: String,
    /// The names of the branches, from the root.
    pub branches: Vec<String>,
}

/// A pull request that was opened in one request with its branch and its commit, on top of where the base branch stood.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FreshPull {
    /// `owner/name`.
    repository: String,
    number: u32,
    /// Its node id, for GraphQL.
    id: String,
    /// The commit at its head.
    head: String,
    /// The parent of that commit.
    base_commit: String,
    /// When GitHub has shown all of it.
    at: Timestamp,
}

/// A repository, with all that can be done to it: in the core whatever a call asks for, outside it only reads.
pub struct Repo<'a> {
    client: &'a Client,
    named: RepositoryName,
}

/// A list, as far as it was read.
#[derive(Debug)]
pub struct PagedList<T> {
    /// Its pages, in order.
    pub pages: Vec<T>,
    /// Whether they are all of it.
    pub is_whole: bool,
}

/// A thing with an identifier of git, as REST names it.
#[derive(Debug, Deserialize)]
struct ObjectSha {
    sha: String,
}

/// A thing with an identifier of git, as GraphQL names it.
#[derive(Debug, Deserialize)]
struct ObjectOid {
    oid: String,
}

/// The parents of a commit, as GraphQL lists them.
#[derive(Debug, Deserialize)]
struct ParentList {
    nodes: Vec<ObjectOid>,
}

impl ReadBase {
    /// Returns whether a proposal changes this file on top of this commit.
    fn fits(&self, proposal: &Proposal, change: &FileChange) -> bool {
        self.repository == proposal.repository
            && self.commit == proposal.base_commit
            && self.file.path == change.path
    }
}

impl KnownHeads {
    /// Returns whether it is known that there is no such branch.
    fn lacks(&self, branch: &str) -> bool {
        branch.starts_with(&self.folder) && !self.branches.iter().any(|known| known == branch)
    }
}

impl Client {
    /// Makes a client with the credentials; an App's tokens are minted when they are needed first.
    ///
    /// Fails if `base` is not a URL that credentials may be sent to.
    pub fn new(base: &str, credentials: Credentials, session: Arc<Session>) -> ServiceResult<Self> {
        let (Credentials::Token(secret) | Credentials::App(App { key: secret, .. })) = &credentials;
        session.keep(secret);
        let http = Http::new(Service::GitHub, base, session)?;
        let tokens = match &credentials {
            Credentials::Token(_) => 1,
            Credentials::App(app) => app.scopes.len().max(1),
        };
        Ok(Self {
            http,
            credentials,
            tokens: (0..tokens).map(|_| TokenSlot::default()).collect(),
            base: Mutex::default(),
            fresh: Mutex::default(),
            run: String::new(),
            identity: Mutex::default(),
            bond: OnceLock::new(),
            merged_files: Mutex::default(),
            moved: Mutex::default(),
        })
    }

    /// Takes what the answer to a proposal has shown for old: the next merge looks at its pull request before.
    pub(crate) fn forget_fresh(&self) {
        *self.fresh.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The same client for a Port run, which the notes in pull requests name.
    pub(crate) fn for_run(mut self, run: &str) -> Self {
        run.clone_into(&mut self.run);
        self
    }

    /// Binds this run to a plan, or to what was proposed; the first word counts.
    pub(crate) fn bind(&self, bond: PlanBond) {
        // Whoever comes second is a second beginning of the same run.
        let _ = self.bond.set(bond);
    }

    fn bond(&self) -> PlanBond {
        self.bond.get().cloned().unwrap_or_default()
    }

    /// A repository, `owner/name`.
    ///
    /// Fails with `rejected` if that is not what its name is made of.
    pub fn repo(&self, name: &str) -> CallResult<Repo<'_>> {
        Ok(Repo {
            client: self,
            named: RepositoryName::parse(name)?,
        })
    }

    /// Reads what is about no repository, for a check-up.
    pub async fn read(&self, target: String) -> ServiceResult<HttpAnswer> {
        self.send(0, Request::get(target)).await
    }

    /// Tells people what goes on beside the calls.
    pub(crate) fn say(&self, message: &str) {
        self.http.session.say(message);
    }

    async fn send(&self, scope: usize, request: Request) -> ServiceResult<HttpAnswer> {
        let token = self.token(scope).await?;
        self.http
            .send(&Request {
                bearer: Some(token),
                ..request
            })
            .await
    }

    /// Notes what a commit holds, so that a proposal on top of it need not read it again. It is checked by nobody: GitHub
    /// refuses a tree that is not there, and a wrong mode of a file would be seen in the pull request.
    pub fn note(&self, base: ReadBase) {
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
    }
}

/// Requests about the repository, with the token that is meant for it.
impl Repo<'_> {
    /// Sends a query of GraphQL, which answers 200 whatever came of it: see `errors`.
    ///
    /// Fails with `malformed`, and sends nothing, if it is anything else: the type of the first operation decides, since
    /// no second one is run unless it is named (GraphQL, section 6.1).
    pub async fn query(&self, query: &str, variables: &Value) -> ServiceResult<Value> {
        if !query.starts_with("query") {
            return Err(ServiceError::Malformed(
                "only a query may be sent from here".to_owned(),
            ));
        }
        self.graphql(query, variables).await
    }

    /// Sends a query or a mutation that may be repeated.
    async fn graphql(&self, query: &str, variables: &Value) -> ServiceResult<Value> {
        let body = json!({ "query": query, "variables": variables });
        let target = self.client.http.graphql();
        let request = Request::write(Method::POST, target, body);
        self.client.send(self.scope(), request).await?.json()
    }

    /// Sends a mutation that must not be repeated.
    async fn graphql_once(&self, query: &str, variables: &Value) -> ServiceResult<Value> {
        let body = json!({ "query": query, "variables": variables });
        let target = self.client.http.graphql();
        let request = Request::once(Method::POST, target, body);
        self.client.send(self.scope(), request).await?.json()
    }

    /// Returns the reasons why fields of an answer of GraphQL are null; none if it has no errors.
    fn refusal(&self, answer: &Value) -> Option<String> {
        let errors = answer["errors"].as_array().into_iter().flatten();
        let texts: Vec<_> = errors
            .map(|error| error["message"].as_str().unwrap_or("no reason"))
            .collect();
        (!texts.is_empty()).then(|| self.client.http.clean(&texts.join("; ")))
    }

    fn note_fresh(&self, fresh: FreshPull) {
        *self
            .client
            .fresh
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(fresh);
    }

    /// Reads what stands below the repository's path, for a check-up; a policy reads by calls.
    pub async fn read(&self, below: String) -> ServiceResult<HttpAnswer> {
        self.send(Request::get(below)).await
    }

    fn scope(&self) -> usize {
        self.client.scope_of(&self.named)
    }

    /// Reads what stands below the repository's path.
    pub async fn get<T: DeserializeOwned>(&self, below: String) -> ServiceResult<T> {
        self.send(Request::get(below)).await?.json()
    }

    async fn write(&self, method: Method, below: String, body: Value) -> ServiceResult<()> {
        self.send(Request::write(method, below, body))
            .await
            .map(drop)
    }

    async fn post<T: DeserializeOwned>(&self, below: &str, body: Value) -> ServiceResult<T> {
        self.send(Request::write(Method::POST, below, body))
            .await?
            .json()
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        below: &str,
        body: Value,
    ) -> ServiceResult<T> {
        self.send(Request::once(method, below, body)).await?.json()
    }

    async fn send(&self, request: Request) -> ServiceResult<HttpAnswer> {
        let target = format!("{}{}", self.named, request.target);
        self.send_to(Request { target, ..request }).await
    }

    async fn send_to(&self, request: Request) -> ServiceResult<HttpAnswer> {
        let answer = self.client.send(self.scope(), request).await?;
        if answer.is_redirected {
            self.moved().entry(self.named.to_string()).or_default();
        }
        Ok(answer)
    }

    fn moved(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.client
            .moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the owner of today. GitHub follows the old name of a repository that has moved, but finds no branch by its
    /// old owner.
    async fn owner(&self) -> ServiceResult<String> {
        #[derive(Deserialize)]
        struct Named {
            full_name: String,
        }
        let known = self.moved().get(&self.named.to_string()).cloned();
        match known {
            None => Ok(self.named.owner.clone()),
            Some(Some(owner)) => Ok(owner),
            Some(None) => {
                let Named { full_name } = self.get(String::new()).await?;
                let owner = full_name.split('/').next().unwrap_or_default().to_owned();
                self.moved()
                    .insert(self.named.to_string(), Some(owner.clone()));
                Ok(owner)
            }
        }
    }

    /// Reads a list, page by page.
    pub async fn pages<T: DeserializeOwned>(&self, below: String) -> ServiceResult<PagedList<T>> {
        self.some_pages(below, MAX_PAGES).await
    }

    /// Reads the first pages of a list.
    async fn some_pages<T: DeserializeOwned>(
        &self,
        below: String,
        most: usize,
    ) -> ServiceResult<PagedList<T>> {
        let mut pages = Vec::new();
        let mut target = format!("{}{below}", self.named);
        while pages.len() < most {
            let answer = self.send_to(Request::get(target)).await?;
            pages.push(answer.json()?);
            match answer.next() {
                Some(next) => target = next,
                None => {
                    return Ok(PagedList {
                        pages,
                        is_whole: true,
                    });
                }
            }
        }
        Ok(PagedList {
            pages,
            is_whole: false,
        })
    }

    fn session(&self) -> &Session {
        &self.client.http.session
    }
}

fn conflict<T>(why: impl Into<String>) -> CallResult<T> {
    Err(Failure::Conflict(why.into()))
}

fn rejected<T>(why: impl Into<String>) -> CallResult<T> {
    Err(Failure::Rejected(why.into()))
}
