//! The live clients against the world, in one process: what the client means and what the service does, together.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use promote_core::call::{Call, Reply};
use promote_core::contract::{Change, EntityKey, Failure, Relation, Severity};
use promote_core::service::port::RunStatus;
use promote_core::source::live::{Live, LiveSetup};
use promote_mock::{ConnectionCut, FaultEffect, ServiceFault, SharedWorld, World};
use promote_tests::bench::setup;
use promote_tests::door::OpenDoor;

/// A live source on the sample world, and what it told its users.
struct LiveSample {
    world: SharedWorld,
    live: OpenDoor,
    said: Arc<Mutex<Vec<String>>>,
}

fn bench(change: impl FnOnce(&mut World)) -> LiveSample {
    let mut world = World::sample();
    change(&mut world);
    let deadline = world.now.checked_add(Duration::from_secs(600)).unwrap();
    let world = SharedWorld::new(world);
    let said = Arc::new(Mutex::new(Vec::new()));
    let progress = said.clone();
    let mask = said.clone();
    let live = Live::new(LiveSetup {
        progress: Arc::new(move |text| progress.lock().unwrap().push(text.to_owned())),
        mask: Arc::new(move |_| mask.lock().unwrap().push("masked".into())),
        ..setup(Arc::new(world.transport()), &world, deadline, 7)
    });
    let live = OpenDoor::new(live.unwrap(), &world);
    LiveSample { world, live, said }
}

fn key(blueprint: &str, identifier: &str) -> EntityKey {
    EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    }
}

fn image(identifier: &str) -> Change {
    let relation = Relation {
        name: "image".into(),
        targets: vec![identifier.into()],
    };
    Change {
        title: None,
        properties: None,
        relations: vec![relation],
    }
}

/// A fault that strikes the first request to a path.
fn fault(method: &str, path: &str, then: &str) -> ServiceFault {
    let text = format!("method = {method:?}\npath = {path:?}\nthen = {then}");
    toml::from_str(&text).unwrap()
}

async fn update(bench: &LiveSample, entity: &str, to: &str) -> Result<Reply, Failure> {
    let key = key("running_service", entity);
    let change = image(to);
    bench.live.call(&Call::UpdateEntity { key, change }).await
}

#[tokio::test]
async fn reads_and_records_in_the_catalog() {
    let bench = bench(|_| {});
    let keys = vec![
        key("running_service", "web-prod"),
        key("image", "none"),
        key("image", "web-1.4.2"),
    ];
    let Ok(Reply::Entities(found)) = bench.live.call(&Call::GetEntities { keys }).await else {
        panic!("not entities");
    };
    let targets = |entity: &Option<_>| -> Vec<String> {
        let entity: &promote_core::contract::Entity = entity.as_ref().unwrap();
        entity
            .relations
            .iter()
            .flat_map(|relation| relation.targets.clone())
            .collect()
    };
    assert_eq!(targets(&found[0]), ["web-1.4.1"]);
    assert!(found[1].is_none() && found[2].is_some());
    let Ok(Reply::Updated(updated)) = update(&bench, "web-prod", "web-1.4.2").await else {
        panic!("not updated");
    };
    assert_eq!(targets(&Some(updated)), ["web-1.4.2"]);
    let query = r#"{"combinator":"and","rules":[{"property":"$identifier","operator":"=","value":"web-prod"}]}"#;
    let call = Call::Search {
        blueprint: "running_service".into(),
        query: query.into(),
    };
    assert!(matches!(bench.live.call(&call).await, Ok(Reply::Found(found)) if found.len() == 1));
    let logins = bench
        .world
        .lock()
        .seen
        .iter()
        .filter(|seen| seen.path.contains("access_token"))
        .count();
    assert_eq!(
        (
            logins,
            bench.world.lock().seen.iter().any(|seen| seen.unknown)
        ),
        (1, false)
    );
}

#[tokio::test]
async fn never_creates_what_does_not_exist() {
    let bench = bench(|_| {});
    assert!(matches!(
        update(&bench, "orphan", "web-1.4.2").await,
        Err(Failure::NotFound(_))
    ));
    assert!(matches!(
        update(&bench, "web-prod", "web-9").await,
        Err(Failure::NotFound(_))
    ));
}

#[tokio::test]
async fn a_run_is_told_once_and_ends_once_whatever_is_lost() {
    let logs = "/v1/actions/runs/*/logs";
    for cut in [
        ConnectionCut::Refused,
        ConnectionCut::Before,
        ConnectionCut::After,
    ] {
        for nth in [1, 2] {
            let bench = bench(|world| {
                let mut lost = fault("POST", logs, "{ cut = \"after\" }");
                (lost.nth, lost.then) = (nth, FaultEffect::Cut(cut));
                world.faults.0.push(lost);
            });
            let severity = Severity::Warning;
            let message = "look".to_owned();
            bench
                .live
                .call(&Call::Note { severity, message })
                .await
                .unwrap();
            bench
                .live
                .port
                .end("done", "promoted", Some("SUCCESS"))
                .await
                .unwrap();
            let status = bench.live.port.run().await.unwrap().status();
            assert_eq!(status, RunStatus::Ended("SUCCESS".into()), "{cut:?} {nth}");
            let failure = update(&bench, "web-prod", "web-1.4.2").await.unwrap_err();
            assert!(matches!(failure, Failure::Conflict(_)), "{failure:?}");
            let text = format!("{:?}", bench.world.lock().port);
            assert_eq!(text.matches("Warning: look").count(), 1, "{cut:?} {nth}");
        }
    }
}

#[tokio::test]
async fn waits_out_a_rate_limit_and_says_so() {
    let limit = "{ rate-limit = { kind = \"primary\", lasts = \"30s\" } }";
    let bench = bench(|world| {
        world
            .faults
            .0
            .push(fault("PATCH", "/v1/blueprints/**", limit))
    });
    let before = bench.world.lock().now;
    update(&bench, "web-prod", "web-1.4.2").await.unwrap();
    let waited = bench.world.lock().now.duration_since(before).as_secs();
    assert!((30..=45).contains(&waited), "waited {waited} s");
    let said = bench.said.lock().unwrap();
    assert!(
        said.iter()
            .any(|text| text.contains("429") && text.contains("trying again in")),
        "{said:?}"
    );
}
