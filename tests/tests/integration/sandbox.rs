//! The policy sees nothing of the machine, and cannot take it down.

use promote_tests::bench::TestRun;
use promote_tests::guests;

#[tokio::test]
async fn there_is_nothing_to_see() {
    let ended = TestRun::guest(guests::PEEKER).run().await;
    let began = "time=1767693600";
    let saw = "variables=0 arguments=0 files=0 writes=false input= ";
    ended
        .expect("refused", saw)
        .expect("refused", began)
        .expect("refused", "ticks=false");
    assert!(!std::path::Path::new("seen.txt").exists());
}

#[tokio::test]
async fn a_panic_is_said_with_the_state_of_git() {
    let ended = TestRun::guest(guests::TRAPPER).run().await;
    ended
        .expect("trapped", "the policy crashed")
        .expect_said("Policy crashed");
    ended.expect(
        "trapped",
        "a pull request from promote/web/guest to main is open in acme/gitops; main is unchanged",
    );
    assert!(
        ended.done.printed.contains("out of cheese after #1"),
        "{}",
        ended.done.printed
    );
    ended.witness.expect_production_untouched();
}

#[tokio::test]
async fn what_it_prints_is_cut_and_no_reason_to_crash() {
    let ended = TestRun::guest(guests::GLUTTON)
        .deed("print and go on")
        .run()
        .await;
    ended.expect("refused", "came back for more");
    assert!(ended.done.printed.starts_with("xxxx"));
    assert!(ended.done.printed.len() <= 64 << 10);
}

#[tokio::test]
async fn a_component_is_not_run_twice_in_one_instance() {
    // Each run starts from the same memory: what one has grown or written is gone in the next.
    for _ in 0..2 {
        let ended = TestRun::guest(guests::PEEKER).run().await;
        ended.expect("refused", "variables=0");
    }
}
