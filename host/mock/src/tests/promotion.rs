//! A promotion over both services, and the operator that brings it into the cluster.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::event::OperatorSync;
use crate::port::{Port, RelationTargets, RunStatus};

const MANIFEST: &str = "apps/web/prod/deployment.yaml";

struct PortSession {
    world: SharedWorld,
    transport: WorldTransport,
    port: String,
}

impl PortSession {
    fn new() -> Self {
        let world = SharedWorld::new(World::sample());
        Self {
            transport: world.transport(),
            port: login(&world),
            world,
        }
    }

    async fn github(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("https://github.mock/repos/acme/gitops{path}");
        let answer = send(&self.transport, method, &url, sample::GITHUB_TOKEN, &body).await;
        let answer = answer.unwrap();
        let body = serde_json::from_slice(answer.body()).unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {body}");
        body
    }

    async fn port(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("https://port.mock/v1{path}");
        let answer = send(&self.transport, method, &url, &self.port, &body)
            .await
            .unwrap();
        let body = serde_json::from_slice(answer.body()).unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {body}");
        body
    }

    /// Changes the manifest on a branch of its own, and merges it.
    async fn merge(&self) -> String {
        let head = self.github("GET", "/git/ref/heads/main", json!({})).await;
        let from = json!({"ref": "refs/heads/promote", "sha": head["object"]["sha"]});
        self.github("POST", "/git/refs", from).await;
        let file = self
            .github("GET", &format!("/contents/{MANIFEST}"), json!({}))
            .await;
        let content = file["content"].as_str().unwrap().replace('\n', "");
        let text = String::from_utf8(BASE64_STANDARD.decode(content).unwrap()).unwrap();
        assert!(text.contains("image: ghcr.io/acme/web:1.4.1"));
        let change = json!({
            "message": "Promote", "branch": "promote", "sha": file["sha"],
            "content": BASE64_STANDARD.encode(text.replace("1.4.1", "1.4.2")),
        });
        self.github("PUT", &format!("/contents/{MANIFEST}"), change)
            .await;
        let pull = json!({"title": "Promote", "head": "promote", "base": "main"});
        let pull = self.github("POST", "/pulls", pull).await;
        let path = format!("/pulls/{}/merge", pull["number"]);
        let merged = self
            .github("PUT", &path, json!({"sha": pull["head"]["sha"]}))
            .await;
        assert_eq!(merged["merged"], true);
        merged["sha"].as_str().unwrap().to_owned()
    }

    fn production(&self) -> (RelationTargets, Value) {
        let world = self.world.lock();
        let entity = world.port.entity("running_service", "web-prod").unwrap();
        (
            entity.relations["image"].clone(),
            entity.properties["healthStatus"].clone(),
        )
    }
}

#[tokio::test]
async fn a_promotion_over_both_services() {
    let session = PortSession::new();
    session.merge().await;
    let run = format!("/actions/runs/{}", sample::RUN);
    let write = format!(
        "/blueprints/running_service/entities/web-prod?run_id={}",
        sample::RUN
    );
    session
        .port(
            "PATCH",
            &write,
            json!({"relations": {"image": "web-1.4.2"}}),
        )
        .await;
    let end = json!({"message": "done", "terminationStatus": "SUCCESS"});
    session.port("POST", &format!("{run}/logs"), end).await;

    let world = session.world.lock();
    let manifest = world
        .github
        .file_at("acme/gitops", "main", MANIFEST)
        .unwrap();
    assert!(manifest.contains("image: ghcr.io/acme/web:1.4.2 # set by promote"));
    assert_eq!(world.port.runs[sample::RUN].status, RunStatus::Success);
}

#[tokio::test]
async fn the_operator_brings_what_main_holds_into_the_cluster() {
    let session = PortSession::new();
    let sync = |health: &str| {
        WorldEvent::Sync(OperatorSync {
            entity: "web-prod".to_owned(),
            repository: "acme/gitops".to_owned(),
            branch: "main".to_owned(),
            path: MANIFEST.to_owned(),
            health: health.to_owned(),
            revision: None,
        })
    };
    {
        let mut world = session.world.lock();
        world.after(Duration::from_secs(30), sync("Progressing"));
        world.after(Duration::from_secs(60), sync("Healthy"));
    }
    let image = |image: &str| RelationTargets::One(image.to_owned());
    session.world.lock().advance(Duration::from_secs(30));
    assert_eq!(
        session.production(),
        (image("web-1.4.1"), json!("Progressing"))
    );
    session.merge().await;
    assert_eq!(
        session.production(),
        (image("web-1.4.1"), json!("Progressing"))
    );
    session.world.lock().advance(Duration::from_secs(30));
    assert_eq!(session.production(), (image("web-1.4.2"), json!("Healthy")));
}

#[tokio::test]
async fn others_act_at_github_by_time_and_by_operation() {
    let events = r#"
        [[events]]
        after-operation = "pulls/create"
        then = { review = { repository = "acme/gitops", user = "kim", state = "approved" } }
        [[events]]
        after = "30s"
        then = { close = { repository = "acme/gitops" } }
        [[events]]
        after = "40s"
        then = { commit = { repository = "acme/gitops", files = { "NEWS.md" = "news" } } }
        [[events]]
        after = "50s"
        then = { revoke-tokens = "github" }
    "#;
    let text = format!("{}{events}", sample::SAMPLE);
    let world = SharedWorld::new(World::from_toml(&text, std::path::Path::new("")).unwrap());
    let session = PortSession {
        transport: world.transport(),
        port: login(&world),
        world,
    };
    session
        .github("POST", "/git/refs", {
            let head = session
                .github("GET", "/git/ref/heads/main", json!({}))
                .await;
            json!({"ref": "refs/heads/x", "sha": head["object"]["sha"]})
        })
        .await;
    let change = json!({"message": "m", "branch": "x", "content": BASE64_STANDARD.encode("x")});
    session.github("PUT", "/contents/x.txt", change).await;
    session
        .github(
            "POST",
            "/pulls",
            json!({"title": "t", "head": "x", "base": "main"}),
        )
        .await;
    let reviews = session.github("GET", "/pulls/1/reviews", json!({})).await;
    assert_eq!(reviews[0]["state"], "APPROVED");

    session.world.lock().advance(Duration::from_secs(45));
    let pull = session.github("GET", "/pulls/1", json!({})).await;
    assert_eq!(
        (&pull["state"], &pull["merged"]),
        (&json!("closed"), &json!(false))
    );
    let news = session
        .world
        .lock()
        .github
        .file_at("acme/gitops", "main", "NEWS.md");
    assert_eq!(news.as_deref(), Some("news"));
    session.world.lock().advance(Duration::from_secs(5));
    let url = "https://github.mock/repos/acme/gitops/pulls/1";
    let answer = send(
        &session.transport,
        "GET",
        url,
        sample::GITHUB_TOKEN,
        &json!({}),
    )
    .await;
    assert_eq!(answer.unwrap().status(), 401);
}

#[test]
fn a_fingerprint_tells_a_changed_world_from_one_that_was_only_read() {
    let world = SharedWorld::new(World::sample());
    let old = world.snapshot();
    let before = world.lock().fingerprint();
    let same = |port: &Port| port.holds_the_same(&old.port);
    let token = login(&world);
    let request = |method: &str, path: &str, body: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(body.as_bytes().to_vec())
            .unwrap();
        world
            .lock()
            .handle(ServiceName::Port, &request)
            .result
            .unwrap()
            .status()
    };
    let entity = "/v1/blueprints/service/entities/web";
    assert_eq!(request("GET", entity, ""), 200);
    assert_eq!(world.lock().fingerprint(), before);
    assert!(same(&world.lock().port));
    assert_eq!(request("PATCH", entity, "{\"title\":\"x\"}"), 200);
    assert_ne!(world.lock().fingerprint(), before);
    assert!(!same(&world.lock().port));
}
