//! `promote plan`: the same run, and nothing written.

use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn shows_what_a_run_does_and_leaves_both_services_as_they_are() {
    let stage = Stage::sample().await;
    let planned = stage.promote(&["plan", "--payload", "payload.json", "--format", "json"]).await;
    planned.expect(0);
    stage.witness.expect_untouched();
    let made = stage.run(&["--format", "json"]).await;
    made.expect(0);
    let (planned, made) = (planned.json(), made.json());
    assert_eq!(planned["files"], made["files"]);
    assert_eq!(planned["catalog"], made["catalog"]);
    assert_eq!((&planned["mode"], &planned["outcome"]), (&json!("plan"), &json!("promoted")));
    stage.witness.expect_promoted();
}

#[tokio::test]
async fn says_that_it_is_a_plan() {
    let stage = Stage::sample().await;
    let ended = stage.promote(&["plan", "--payload", "payload.json"]).await;
    ended.expect(0).expect_said("+          image: ghcr.io/acme/web:1.4.2");
    assert!(ended.stdout.lines().any(|line| line.starts_with("plan: ")), "{}", ended.stdout);
    stage.witness.expect_untouched();
}

#[tokio::test]
async fn refuses_as_a_run_would() {
    let stage = Stage::of(crate::exit_codes::locked()).await;
    let ended = stage.promote(&["plan", "--payload", "payload.json"]).await;
    ended.expect(1).expect_said("release freeze");
    stage.witness.expect_untouched();
}
