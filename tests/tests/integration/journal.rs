//! No write without a trace, and the same inputs make the same run.

use promote_core::journal::JournalEntry;
use promote_core::journal::record;
use promote_mock::port::RunApproval;
use promote_tests::bench::TestRun;
use promote_tests::guests;
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramStage};

/// Returns whether a request needs no call before it: logins, the run's own log and end, and everything that only reads.
fn is_no_write(path: &str) -> bool {
    path.ends_with("/access_token")
        || path.starts_with("/v1/actions/runs/")
        || ["/v1/entities/search", "/graphql"].contains(&path)
}

#[tokio::test]
async fn every_write_is_announced_before_it_is_made() {
    let bench = TestRun::builtin().tap(|request, journal| {
        let path = request.uri().path();
        if request.method() == "GET" || is_no_write(path) {
            return;
        }
        let entries = record::read(journal).unwrap();
        let Some(JournalEntry::Call { request: call, .. }) = entries.last() else {
            panic!("{} {path} without a call in the journal", request.method());
        };
        assert!(call.is_write(), "{} {path} for {call}", request.method());
    });
    bench
        .run()
        .await
        .expect("promoted", "1.4.2")
        .witness
        .expect_promoted();
}

/// Who could change what a run was allowed, and who asked for it, can be known years later.
#[tokio::test]
async fn the_first_line_says_what_was_allowed_and_who_started_what() {
    let stage = ProgramStage::sample()
        .await
        .with("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567")
        .with(
            "GITHUB_WORKFLOW_REF",
            "acme/gitops/.github/workflows/promote.yml@refs/heads/main",
        )
        .with("GITHUB_ACTOR", "port-bot")
        .with("GITHUB_TRIGGERING_ACTOR", "dana");
    {
        let mut world = stage.world.lock();
        let run = world.port.runs.get_mut(promote_mock::sample::RUN).unwrap();
        run.approval = Some(RunApproval {
            user: "auth0|boss".to_owned(),
            state: "APPROVE".to_owned(),
            description: Some("go".to_owned()),
        });
    }
    let ended = stage.run(&[]).await;
    ended.expect(0);
    let entries = ended.entries();
    let Some(JournalEntry::Header(header)) = entries.first() else {
        panic!("{entries:?}");
    };
    let config = promote_core::journal::digest(stage.read("promote.toml").as_bytes());
    let audit = &header.audit;
    assert_eq!(audit.config.as_deref(), Some(config.as_str()));
    assert_eq!(
        audit.commit.as_deref(),
        Some("0123456789abcdef0123456789abcdef01234567")
    );
    assert_eq!(
        audit.workflow_ref.as_deref(),
        Some("acme/gitops/.github/workflows/promote.yml@refs/heads/main")
    );
    assert_eq!(audit.actor.as_deref(), Some("port-bot"));
    assert_eq!(audit.triggering_actor.as_deref(), Some("dana"));
    let request = &header.request;
    assert_eq!(request.workflow.repository.as_deref(), Some("acme/gitops"));
    assert_eq!(
        request.workflow.url.as_deref(),
        Some("https://github.com/acme/gitops/actions/runs/1")
    );
    assert_eq!(request.workflow.attempt, 2);
    assert_eq!(request.actor.id, "auth0|64f0c0ffee");
    let approval = request.approval.as_ref().unwrap();
    assert_eq!(
        (approval.by.as_deref(), approval.comment.as_deref()),
        (Some("auth0|boss"), Some("go"))
    );
    let proposes = header
        .grants
        .iter()
        .find(|grant| grant.allow.iter().any(|name| name == "github.propose"))
        .unwrap();
    // As they were decided on: for this service, not for any.
    assert_eq!(proposes.path, ["apps/web/prod/*.yaml"]);
    assert_eq!(proposes.head, ["promote/web/**"]);
    assert_eq!(
        (&proposes.repository[..], &proposes.base[..]),
        (&["acme/gitops".to_owned()][..], &["main".to_owned()][..])
    );
}

/// A stage whose Port run makes the journal's first line longer than anything else that is written, files in memory
/// included: wasmtime makes one for the policy's data.
async fn with_a_long_header() -> ProgramStage {
    let stage = ProgramStage::sample().await;
    {
        let mut world = stage.world.lock();
        let run = world.port.runs.get_mut(promote_mock::sample::RUN).unwrap();
        let padding = "x".repeat(400 << 10);
        run.properties.insert("padding".to_owned(), padding.into());
    }
    stage
}

/// Runs the program with files limited to so many bytes (in blocks of 512), as on a disk that fills up.
async fn with_room_for(bytes: usize) -> (ProgramStage, crate::stage::ProgramEnd) {
    let stage = with_a_long_header().await;
    let mut command = Command::new("/bin/sh");
    // Ignored, the signal becomes an error of the write.
    let limit = bytes / 512;
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" run --payload payload.json");
    command.args(["-c", &script, &PROGRAM]);
    let ended = stage.start(command, "").end().await;
    (stage, ended)
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_stops_every_write() {
    let whole = {
        let stage = with_a_long_header().await;
        let ended = stage.run(&[]).await;
        ended.expect(0);
        ended.journal()
    };
    // Room for what comes before the line that announces the call.
    let room_before = |call: &str| {
        let announced = format!("\"call\":\"{call}\"");
        let lines = whole.lines().take_while(|line| !line.contains(&announced));
        lines.map(|line| line.len() + 1).sum::<usize>()
    };
    let said = "the journal cannot be written, so no call is made";
    // And for a part of it: it holds the whole manifest, so that a block more is not room enough.
    let (stage, ended) = with_room_for(room_before("propose") + 600).await;
    ended.expect(3).expect_said(said);
    stage.witness.expect_nothing_written();
    stage.witness.expect_port_run("FAILURE", "Failed");
    let (stage, ended) = with_room_for(room_before("update-entity")).await;
    ended.expect(3).expect_said(said);
    assert_eq!(stage.witness.recorded(), ["web-1.4.1"]);
    let (stage, ended) = with_room_for(whole.lines().next().unwrap().len()).await;
    ended.expect(2).expect_said(said);
    stage.witness.expect_nothing_written();
}

#[tokio::test]
async fn the_same_inputs_make_the_same_journal() {
    for bench in [TestRun::builtin, || TestRun::guest(guests::PEEKER)] {
        let one = bench().run().await;
        let two = bench().run().await;
        assert_eq!(one.journal, two.journal);
        assert!(one.entries().len() >= 2);
    }
}

#[tokio::test]
async fn a_plan_has_a_journal_too() {
    let ended = TestRun::builtin().planned().run().await;
    ended.expect("promoted", "1.4.2").witness.expect_untouched();
    assert!(
        matches!(&ended.entries()[0], JournalEntry::Header(header) if header.mode == "plan" && header.seed == 7)
    );
}
