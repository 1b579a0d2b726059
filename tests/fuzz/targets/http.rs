//! Answers of Port and GitHub: the clients meet any status and any body. The first byte chooses the call, the second the
//! status, the rest are the bodies of the answers, with a NUL between them. No failure holds a credential.
#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use promote_core::call::Call;
use promote_core::contract::{EntityKey, FileChange, MergeMethod, Proposal, PullFilter};
use promote_core::source::live::Live;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{Clock, HttpRequest, HttpResponse, Transport, TransportError};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::setup::GITHUB_URL;
use promote_core::service::setup::PORT_URL;
use promote_core::service::setup::Setup;

const SECRET: &str = "s3cr3t-credential";
const STATUSES: [u16; 12] = [200, 201, 204, 301, 307, 400, 401, 403, 404, 409, 422, 503];

fuzz_target!(|input: &[u8]| {
    let [which, status, bodies @ ..] = input else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("no resources are needed");
    let service = Arc::new(Service {
        status: STATUSES[usize::from(*status) % STATUSES.len()],
        bodies: Mutex::new(
            bodies
                .split(|byte| *byte == 0)
                .map(<[u8]>::to_vec)
                .rev()
                .collect(),
        ),
        now: Mutex::new(Timestamp::UNIX_EPOCH),
    });
    let live = live(&service);
    let calls = calls();
    let answer = runtime.block_on(live.call(&calls[usize::from(*which) % calls.len()]));
    if let Err(failure) = answer {
        assert!(!format!("{failure:?}").contains(SECRET), "{failure:?}");
    }
    if let Err(failure) = runtime.block_on(live.port.run()) {
        assert!(!format!("{failure:?}").contains(SECRET), "{failure:?}");
    }
});

fn live(service: &Arc<Service>) -> Live {
    let secret = || Secret::new("a secret", SECRET).expect("it is one");
    Live::new(Setup {
        transport: service.clone(),
        clock: service.clone(),
        deadline: Timestamp::from_second(120).expect("it is near"),
        seed: 7,
        port_url: PORT_URL.to_owned(),
        github_url: GITHUB_URL.to_owned(),
        port: port::Credentials {
            client_id: "client".to_owned(),
            client_secret: secret(),
        },
        github: github::Credentials::Token(secret()),
        run: "r_1".to_owned(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    })
    .expect("both are URLs")
}

fn calls() -> Vec<Call> {
    let text = str::to_owned;
    let repository = || text("acme/gitops");
    let key = || EntityKey {
        blueprint: text("service"),
        identifier: text("web"),
    };
    let change = FileChange {
        path: text("a/b.yaml"),
        content: text("image: b\n"),
        expected_blob: text("0"),
    };
    let proposal = Proposal {
        repository: repository(),
        base: text("main"),
        base_commit: text("c0"),
        head: text("promote/x"),
        title: text("x"),
        body: text("x"),
        changes: vec![change],
    };
    vec![
        Call::GetEntity { key: key() },
        Call::GetEntities {
            keys: vec![key(), key()],
        },
        Call::Search {
            blueprint: text("service"),
            query: text("{}"),
        },
        Call::ReadFile {
            repository: repository(),
            path: text("a/b.yaml"),
            revision: text("main"),
        },
        Call::GetPullRequest {
            repository: repository(),
            number: 1,
        },
        Call::FindPullRequests {
            repository: repository(),
            head: text("promote/x"),
            base: text("main"),
            filter: PullFilter::Any,
        },
        Call::GetChecks {
            repository: repository(),
            commit: text("c0"),
            base: text("main"),
        },
        Call::GetBranchRules {
            repository: repository(),
            branch: text("main"),
        },
        Call::GetCommit {
            repository: repository(),
            revision: text("main"),
        },
        Call::Compare {
            repository: repository(),
            base: text("main"),
            head: text("promote/x"),
        },
        Call::Propose { proposal },
        Call::Comment {
            repository: repository(),
            number: 1,
            marker: text("m"),
            body: text("b"),
        },
        Call::Merge {
            repository: repository(),
            number: 1,
            expected_head: text("c0"),
            method: MergeMethod::Squash,
        },
        Call::MergeWhenReady {
            repository: repository(),
            number: 1,
            expected_head: text("c0"),
            method: MergeMethod::Squash,
        },
    ]
}

/// Answers with what is given, one body after the other, and then with nothing; time passes by waiting only.
struct Service {
    status: u16,
    bodies: Mutex<Vec<Vec<u8>>>,
    now: Mutex<Timestamp>,
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let login = request.uri().path().ends_with("/access_token");
        let (status, body) = if login {
            (
                200,
                format!("{{\"accessToken\": \"{SECRET}\", \"expiresIn\": 10800}}").into_bytes(),
            )
        } else {
            let mut bodies = self.bodies.lock().expect("nobody panicked");
            (
                self.status,
                bodies
                    .pop()
                    .ok_or_else(|| TransportError::Lost("no more answers".to_owned()))?,
            )
        };
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status.try_into().expect("it is a status");
        Ok(response)
    }
}

#[async_trait]
impl Clock for Service {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("nobody panicked")
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.lock().expect("nobody panicked");
        *now = now.checked_add(duration).unwrap_or(*now);
    }
}
