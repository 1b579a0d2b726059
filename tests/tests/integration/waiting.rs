//! Many promotions that wait: what it costs to look at them all.

use promote_mock::sample;
use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

/// A stage on which the sample's promotion waits for a review, as often as it is asked for, each time for a run of its own.
async fn waiting(count: usize) -> ProgramStage {
    let stage = ProgramStage::sample()
        .await
        .settings(&SampleConfig::default().setting("mode", "pull-request"));
    stage.run(&[]).await.expect(0);
    let mut world = stage.witness.world.lock();
    let run = world.port.runs[sample::RUN].clone();
    let repository = &mut world.github.repositories[0];
    let pull = repository.pulls.values().next().unwrap().clone();
    for number in 1..count {
        let id = format!("r_Waits{number:011}");
        let mut copy = pull.clone();
        copy.id += number as u64;
        copy.number += number as u64;
        copy.body = copy.body.map(|body| body.replace(sample::RUN, &id));
        repository.pulls.insert(copy.number, copy);
    }
    for number in 1..count {
        let id = format!("r_Waits{number:011}");
        let copy = promote_mock::port::ActionRun {
            id: id.clone(),
            entity: Some(format!("web-{number}")),
            ..run.clone()
        };
        world.port.runs.insert(id, copy);
    }
    drop(world);
    stage
}

/// The requests of one look at everything that waits, by what they ask for.
async fn looked(count: usize) -> usize {
    let stage = waiting(count).await;
    // GitHub tries each merge out when it is first asked.
    stage.promote(&["resume"]).await.expect(0);
    let before = stage.witness.requests();
    let written = stage.witness.writes().len();
    let ended = stage.promote(&["resume"]).await;
    ended.expect(0).expect_said(&format!(
        "still waiting for something else: {count} promotion"
    ));
    assert_eq!(stage.witness.writes().len(), written, "nothing is written");
    stage.witness.requests() - before
}

#[tokio::test]
async fn many_that_wait_are_looked_at_together() {
    let (one, many) = (looked(1).await, looked(200).await);
    assert!(
        one <= 5 && many <= 20,
        "{one} requests for 1 that waits, {many} for 200"
    );
}
