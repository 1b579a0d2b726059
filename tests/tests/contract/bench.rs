//! The live clients on a world of their own, with a record of what they say to GitHub.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use promote_core::call::{Call, Reply};
use promote_core::contract::{Failure, FileChange, MergeMethod, Merged, Proposal, PullRequest};
use promote_core::service::github;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{HttpRequest, Transport};
use promote_core::source::live::{Live, LiveSetup};
use promote_mock::sample::GITHUB_TOKEN;
use promote_mock::{SharedWorld, World};
use promote_tests::bench::setup;
use promote_tests::door::OpenDoor;
use serde_json::Value;

use crate::record::ExchangeRecord;

pub(crate) const REPOSITORY: &str = "acme/gitops";
pub(crate) const PATH: &str = "apps/web/prod/deployment.yaml";
pub(crate) const HEAD: &str = "promote/web-prod/1.4.2";

/// See the module.
pub(crate) struct RecordedClients {
    pub(crate) world: SharedWorld,
    pub(crate) live: OpenDoor,
    record: ExchangeRecord,
    /// The calls that were made, by their names in `wit/`.
    pub(crate) made: RefCell<BTreeSet<String>>,
}

impl RecordedClients {
    pub(crate) fn new(record: &ExchangeRecord, change: impl FnOnce(&mut World)) -> Self {
        let token = Secret::new("the token of the sample", GITHUB_TOKEN).unwrap();
        Self::as_user(record, github::Credentials::Token(token), change)
    }

    pub(crate) fn as_user(
        record: &ExchangeRecord,
        github: github::Credentials,
        change: impl FnOnce(&mut World),
    ) -> Self {
        let mut world = World::sample();
        change(&mut world);
        let deadline = world.now.checked_add(Duration::from_secs(900)).unwrap();
        let world = SharedWorld::new(world);
        let transport = Arc::new(record.listen(world.transport()));
        let live = Live::new(LiveSetup {
            github,
            ..setup(transport, &world, deadline, 7)
        });
        Self {
            live: OpenDoor::new(live.unwrap(), &world),
            world,
            record: record.clone(),
            made: RefCell::default(),
        }
    }

    /// The same clients, reading ahead as those of a run do.
    pub(crate) fn reading_ahead(record: &ExchangeRecord) -> Self {
        let Self {
            world,
            record,
            made,
            ..
        } = Self::new(record, |_| {});
        let deadline = world.lock().now.checked_add(Duration::from_secs(900));
        let transport = Arc::new(record.listen(world.transport()));
        let live = Live::new(setup(transport, &world, deadline.unwrap(), 7)).unwrap();
        Self {
            live: OpenDoor::reading_ahead(live, &world),
            world,
            record,
            made,
        }
    }

    /// Makes a call as a policy would.
    pub(crate) async fn call(&self, call: Call) -> Result<Reply, Failure> {
        let name = serde_json::to_value(&call).unwrap()["call"]
            .as_str()
            .unwrap()
            .to_owned();
        self.made.borrow_mut().insert(name);
        self.live.call(&call).await
    }

    /// Reads the manifest and proposes it with another image, on the branch of the sample.
    pub(crate) async fn propose(&self) -> Result<PullRequest, Failure> {
        self.propose_on(HEAD).await
    }

    pub(crate) async fn propose_on(&self, head: &str) -> Result<PullRequest, Failure> {
        let read = Call::ReadFile {
            repository: REPOSITORY.into(),
            path: PATH.into(),
            revision: "main".into(),
        };
        let Reply::File(Some(file)) = self.call(read).await? else {
            panic!("no manifest")
        };
        let content = file.content.replace("web:1.4.1", "web:1.4.2");
        let change = FileChange {
            path: PATH.into(),
            content,
            expected_blob: file.blob,
        };
        let proposal = Proposal {
            repository: REPOSITORY.into(),
            base: "main".into(),
            base_commit: file.commit,
            head: head.into(),
            title: "Promote web to 1.4.2".into(),
            body: "From staging.".into(),
            changes: vec![change],
            image: None,
        };
        match self.call(Call::Propose { proposal }).await? {
            Reply::PullRequest(pull) => Ok(pull),
            other => panic!("not a pull request: {other:?}"),
        }
    }

    pub(crate) async fn merge(
        &self,
        pull: &PullRequest,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        let repository = REPOSITORY.into();
        let number = pull.number;
        let expected_head = pull.head_commit.clone();
        self.merged(Call::Merge {
            repository,
            number,
            expected_head,
            method,
        })
        .await
    }

    pub(crate) async fn merge_when_ready(&self, pull: &PullRequest) -> Result<Merged, Failure> {
        let repository = REPOSITORY.into();
        let number = pull.number;
        let expected_head = pull.head_commit.clone();
        let method = MergeMethod::Squash;
        self.merged(Call::MergeWhenReady {
            repository,
            number,
            expected_head,
            method,
        })
        .await
    }

    async fn merged(&self, call: Call) -> Result<Merged, Failure> {
        match self.call(call).await? {
            Reply::Merged(merged) => Ok(merged),
            other => panic!("not merged: {other:?}"),
        }
    }

    pub(crate) async fn close(&self, number: u32) -> Result<Reply, Failure> {
        self.call(Call::ClosePullRequest {
            repository: REPOSITORY.into(),
            number,
        })
        .await
    }

    /// Sends a request that our client never makes, as the sample's user; returns the status and the body.
    pub(crate) async fn raw(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        self.raw_as(GITHUB_TOKEN, method, target, body).await
    }

    pub(crate) async fn raw_as(
        &self,
        token: &str,
        method: &str,
        target: &str,
        body: &Value,
    ) -> (u16, Value) {
        let sent = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let mut request = HttpRequest::new(sent);
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = format!("https://github.mock{target}").parse().unwrap();
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
            .headers_mut()
            .insert("user-agent", "contract".parse().unwrap());
        let response = self
            .record
            .listen(self.world.transport())
            .send(request)
            .await
            .unwrap();
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }
}
