//! Answers of Port and GitHub: the clients meet any status and any body, behind the gate, as in a run.
//!
//! The first byte of the input chooses the call, the second the status; the rest are the bodies of the answers, with a NUL
//! between them. Whatever a call needs before it, such as a proposal before its merge, the mock answers. No failure may
//! hold a credential.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use promote_core::call::{Call, Fault, Reply};
use promote_core::contract::{EntityKey, FileChange, MergeMethod, Proposal, PullFilter};
use promote_core::gate::{Gate, RunParts};
use promote_core::grants::ResolvedGrants;
use promote_core::journal::Journal;
use promote_core::limits::Limits;
use promote_core::policy::sandbox::Door as _;
use promote_core::run::observer::Silent;
use promote_core::service::registry::RegistrySetup;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use promote_core::service::{github, port};
use promote_core::source::live::{Live, LiveSetup};
use promote_intake::config::Config;
use promote_mock::sample::{CLIENT_ID, CLIENT_SECRET, GITHUB_TOKEN, RUN};
use promote_mock::transport::{GITHUB_URL, PORT_URL};
use promote_mock::{SharedWorld, World, WorldTransport};

static SAMPLE: LazyLock<World> = LazyLock::new(World::sample);
const STATUSES: [u16; 12] = [200, 201, 204, 301, 307, 400, 401, 403, 404, 409, 422, 503];
const REPOSITORY: &str = "acme/gitops";
const MANIFEST: &str = "apps/web/prod/deployment.yaml";
const GRANTS: &str = r#"
[[grants]]
allow = ["port.get-entity", "port.search"]
blueprint = "service"
[[grants]]
allow = ["github.read", "github.propose", "github.merge", "github.decorate"]
repository = "acme/gitops"
path = "apps/**"
base = "main"
"#;

fuzz_target!(|input: &[u8]| {
    let [choice, status, bodies @ ..] = input else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("no resources are needed");
    runtime.block_on(ask(*choice, *status, bodies));
});

/// Makes one call and one read of the host's own, both answered from the input.
async fn ask(choice: u8, status: u8, bodies: &[u8]) {
    let world = SharedWorld::new(SAMPLE.clone());
    let service = Arc::new(Service {
        world: world.transport(),
        status: STATUSES[usize::from(status) % STATUSES.len()],
        bodies: Mutex::default(),
    });
    let live = Arc::new(live(&world, service.clone()));
    let mut gate = gate(&world, live.clone());
    let Some(call) = prepare(&mut gate, choice).await else {
        unreachable!("the mock answers as GitHub does");
    };
    let bodies = bodies.split(|byte| *byte == 0).map(<[u8]>::to_vec).rev();
    *service.bodies.lock().expect("nobody panicked") = Some(bodies.collect());
    match gate.call(call).await {
        Err(Fault::Failure(failure)) => expect_no_secret(&failure),
        Err(Fault::Trap(trap)) => panic!("the gate has let no call through: {trap:#}"),
        Ok(_) => {}
    }
    if let Err(failure) = live.port.run().await {
        expect_no_secret(&failure);
    }
}

fn expect_no_secret(failure: &dyn std::fmt::Debug) {
    let text = format!("{failure:?}");
    for secret in [CLIENT_SECRET, GITHUB_TOKEN] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn live(world: &SharedWorld, transport: Arc<dyn Transport>) -> Live {
    let secret = |text| Secret::new("a secret", text).expect("the sample's are secrets");
    Live::new(LiveSetup {
        transport,
        clock: Arc::new(world.clock()),
        deadline: deadline(world),
        seed: 7,
        port_url: PORT_URL.to_owned(),
        github_url: GITHUB_URL.to_owned(),
        port: port::Credentials {
            client_id: CLIENT_ID.to_owned(),
            client_secret: secret(CLIENT_SECRET),
        },
        github: github::Credentials::Token(secret(GITHUB_TOKEN)),
        registry: RegistrySetup::default(),
        verifier: Arc::new(promote_attest::AttestationVerifier::embedded()),
        run: RUN.to_owned(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    })
    .expect("both are URLs")
}

fn deadline(world: &SharedWorld) -> jiff::Timestamp {
    let now = world.lock().now;
    now.checked_add(Duration::from_secs(120))
        .expect("two minutes from now is a time")
}

fn gate(world: &SharedWorld, live: Arc<Live>) -> Gate {
    let grants = Config::parse(GRANTS).expect("these are grants").grants;
    let parts = RunParts {
        source: Box::new(live.clone()),
        live,
        limits: Limits::default(),
        journal: Journal::in_memory().0,
        clock: Arc::new(world.clock()),
        deadline: deadline(world),
        observer: Arc::new(Silent),
    };
    let resolved = ResolvedGrants::new(&grants, &serde_json::json!({}));
    Gate::new(parts, resolved.expect("they have no templates"))
}

/// Makes whatever a call needs before it, on the mock, and returns the call.
async fn prepare(gate: &mut Gate, choice: u8) -> Option<Call> {
    let calls = reads();
    let writes = 4;
    let index = usize::from(choice) % (calls.len() + writes);
    if let Some(call) = calls.get(index) {
        return Some(call.clone());
    }
    let proposal = proposal(gate).await?;
    let propose = Call::Propose { proposal };
    if index == calls.len() {
        return Some(propose);
    }
    let Ok(Reply::PullRequest(pull)) = gate.call(propose).await else {
        return None;
    };
    let repository = REPOSITORY.to_owned();
    let number = pull.number;
    let expected_head = pull.head_commit;
    let method = MergeMethod::Squash;
    Some(match index - calls.len() {
        1 => Call::Comment {
            repository,
            number,
            marker: "m".to_owned(),
            body: "b".to_owned(),
        },
        2 => Call::Merge {
            repository,
            number,
            expected_head,
            method,
        },
        _ => Call::MergeWhenReady {
            repository,
            number,
            expected_head,
            method,
        },
    })
}

/// Reads the manifest of the sample, and returns a proposal that changes one value of it.
async fn proposal(gate: &mut Gate) -> Option<Proposal> {
    let read = Call::ReadFile {
        repository: REPOSITORY.to_owned(),
        path: MANIFEST.to_owned(),
        revision: "main".to_owned(),
    };
    let Ok(Reply::File(Some(file))) = gate.call(read).await else {
        return None;
    };
    Some(Proposal {
        repository: REPOSITORY.to_owned(),
        base: "main".to_owned(),
        base_commit: file.commit,
        head: "promote/x".to_owned(),
        title: "x".to_owned(),
        body: "x".to_owned(),
        changes: vec![FileChange {
            path: MANIFEST.to_owned(),
            content: file.content.replace("web:1.4.1", "web:1.4.2"),
            expected_blob: file.blob,
        }],
        image: None,
    })
}

fn reads() -> Vec<Call> {
    let text = str::to_owned;
    let repository = || text(REPOSITORY);
    let key = || EntityKey {
        blueprint: text("service"),
        identifier: text("web"),
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
            path: text(MANIFEST),
            revision: text("main"),
        },
        Call::GetCommitPulls {
            repository: repository(),
            commit: text("1f0cc1d1de2a0f6ad2b2b9a0ffb8b6b8a2a5f1aa"),
        },
        Call::GetFilePulls {
            repository: repository(),
            path: text(MANIFEST),
            branch: text("main"),
        },
        Call::GetPullPeople {
            repository: repository(),
            number: 1,
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
        Call::GetAttestations {
            repository: text("acme/web"),
            digest: format!("sha256:{}", "0".repeat(64)),
        },
        Call::IsGranted {
            reference: text("ghcr.io/acme/web:1"),
        },
        Call::GetDigest {
            reference: text("ghcr.io/acme/web:1"),
        },
        Call::GetImage {
            reference: text("ghcr.io/acme/web:1"),
        },
        Call::GetImageAttestations {
            reference: format!("ghcr.io/acme/web@sha256:{}", "0".repeat(64)),
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
    ]
}

/// Answers as the mock does until it is given bodies; then with one after the other, and in the end with nothing.
struct Service {
    world: WorldTransport,
    status: u16,
    bodies: Mutex<Option<Vec<Vec<u8>>>>,
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let is_login = request.uri().path().ends_with("/access_token");
        let given = match &mut *self.bodies.lock().expect("nobody panicked") {
            Some(bodies) if !is_login => Some(bodies.pop()),
            _ => None,
        };
        let Some(body) = given else {
            return self.world.send(request).await;
        };
        let body = body.ok_or_else(|| TransportError::Lost("no more answers".to_owned()))?;
        let mut response = HttpResponse::new(body);
        *response.status_mut() = self.status.try_into().expect("each is a status");
        Ok(response)
    }
}
