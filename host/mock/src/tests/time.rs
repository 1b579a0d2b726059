//! The clock, and what others do as it goes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::event::ForeignRequest;
use promote_core::service::transport::Clock as _;

fn patch(path: &str, body: Value) -> WorldEvent {
    WorldEvent::Request(ForeignRequest {
        service: ServiceName::Port,
        method: "PATCH".to_owned(),
        path: path.to_owned(),
        body,
    })
}

#[tokio::test]
async fn sleeping_moves_the_world_on_and_events_happen_at_their_time() {
    let world = SharedWorld::new(World::sample());
    let clock = world.clock();
    let start = clock.now();
    let service = "/v1/blueprints/service/entities/web";
    {
        let mut world = world.lock();
        let title = |title: &str| patch(service, json!({"title": title}));
        world.after(Duration::from_secs(60), title("second"));
        world.after(Duration::from_secs(30), title("first"));
    }
    let title = || {
        world
            .lock()
            .port
            .entity("service", "web")
            .unwrap()
            .title
            .clone()
    };
    for (sleep, expected) in [(29, "Web"), (1, "first"), (29, "first"), (500, "second")] {
        clock.sleep(Duration::from_secs(sleep)).await;
        assert_eq!(title().as_deref(), Some(expected));
    }
    let changed = world
        .lock()
        .port
        .entity("service", "web")
        .unwrap()
        .stamps
        .updated_at;
    assert_eq!(changed, start + SignedDuration::from_secs(60));
    assert!(
        world.lock().seen.is_empty(),
        "what others do is not the client's"
    );
}

#[test]
fn an_event_may_schedule_nothing_and_time_never_goes_back() {
    let mut world = World::sample();
    let start = world.now;
    world.advance_to(start - SignedDuration::from_secs(5));
    assert_eq!(world.now, start);
    world.advance(Duration::MAX);
    assert_eq!(world.now, Timestamp::MAX);
}

#[test]
fn a_world_that_is_rebased_keeps_its_distances() {
    let mut world = World::sample();
    world.after(Duration::from_secs(60), patch("/v1/x", json!({})));
    let today = world.now + SignedDuration::from_hours(1000);
    world.rebase(today);
    assert_eq!(world.now, today);
    assert_eq!(world.schedule[0].at, today + SignedDuration::from_secs(60));
}

#[test]
fn a_clone_is_a_world_of_its_own() {
    let mut world = World::sample();
    let before = world.clone();
    world.after(
        Duration::from_secs(1),
        patch("/v1/blueprints/service/entities/web", json!({"title": "x"})),
    );
    world.advance(Duration::from_secs(1));
    assert_eq!(
        before
            .port
            .entity("service", "web")
            .unwrap()
            .title
            .as_deref(),
        Some("Web")
    );
    assert_eq!(
        world
            .port
            .entity("service", "web")
            .unwrap()
            .title
            .as_deref(),
        Some("x")
    );
}
