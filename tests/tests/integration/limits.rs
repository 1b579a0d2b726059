//! Every limit ends the policy, says which one it was, and leaves production alone.

use std::time::{Duration, Instant};

use promote_tests::bench::Bench;
use promote_tests::guests;

#[tokio::test]
async fn a_loop_without_calls_ends_at_the_wall() {
    let started = Instant::now();
    let ended = Bench::guest(guests::LOOPER).limits("wall = \"1s\"").run().await;
    ended.expect("limit", "limit of 1s of time; raise `limits.wall`").expect_said("Policy hit a limit");
    ended.expect_nothing_written();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let ended = Bench::guest(guests::HOARDER).limits("memory = \"16MiB\"").run().await;
    ended
        .expect("limit", "limit of 16777216 bytes of memory; raise `limits.memory`")
        .expect_said("Policy hit a limit");
    ended.expect_nothing_written();
}

#[tokio::test]
async fn endless_calls_end_at_a_limit() {
    for (deed, limits, said) in [
        ("clock", "calls = 20", "limit of 20 calls; raise `limits.calls`"),
        ("notes", "writes = 3", "limit of 3 writes; raise `limits.writes`"),
        ("files", "traffic = \"8KiB\"", "raise `limits.traffic`"),
        ("naps", "wall = \"1h\"", "of time; raise `limits.wall`"),
    ] {
        let ended = Bench::guest(guests::CHATTER).deed(deed).limits(limits).run().await;
        ended.expect("limit", said).expect_said("Policy hit a limit").expect_nothing_written();
        assert!(ended.witness.writes().len() <= 5, "{deed}: {:?}", ended.witness.writes());
    }
}
