//! Merges that are refused, and merges that come later.

use super::*;

#[expect(
    clippy::print_stdout,
    reason = "`make test` adds up the rows of faults"
)]
pub(super) async fn is_refused_a_merge(record: &ExchangeRecord) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    let refusals = refusals();
    println!("fault rows: {} merge refusals of the mock", refusals.len());
    for (row, (happens, method, expected)) in refusals.into_iter().enumerate() {
        let bench = RecordedClients::new(record, |_| {});
        let pull = bench.propose().await.unwrap();
        happens(&mut bench.world.lock());
        let answered = bench.merge(&pull, method).await;
        let name = match &answered {
            Ok(Merged::Now(_)) => "now".to_owned(),
            Ok(Merged::Later(_)) => "later".to_owned(),
            Err(failure) => kind(failure),
        };
        assert!(name == expected, "refusal {row}: {answered:?}");
        made.append(&mut bench.made.borrow_mut());
    }
    made
}

/// The name of a failure in `wit/`.
fn kind(failure: &Failure) -> String {
    let value = serde_json::to_value(failure).unwrap();
    let name = value.as_object().map_or(value.as_str(), |object| {
        object.keys().next().map(String::as_str)
    });
    name.unwrap()
        .to_lowercase()
        .replace('_', "-")
        .replace("notfound", "not-found")
}

pub(super) async fn merges_later(record: &ExchangeRecord) -> BTreeSet<String> {
    let waiting = || BranchRules {
        required_checks: vec!["validate".into()],
        ..BranchRules::default()
    };
    let bench = RecordedClients::new(record, |world| {
        repository(world).settings.allow_auto_merge = true;
        rules(world, waiting());
    });
    let pull = bench.propose().await.unwrap();
    assert!(matches!(
        bench.merge_when_ready(&pull).await,
        Ok(Merged::Later(_))
    ));
    bench
        .call(Call::GetPullRequest {
            repository: REPOSITORY.into(),
            number: pull.number,
        })
        .await
        .unwrap();
    let queue = RecordedClients::new(record, |world| {
        rules(
            world,
            BranchRules {
                merge_queue: true,
                ..BranchRules::default()
            },
        );
    });
    let pull = queue.propose().await.unwrap();
    assert!(matches!(
        queue.merge_when_ready(&pull).await,
        Ok(Merged::Later(_))
    ));
    let neither = RecordedClients::new(record, |world| rules(world, waiting()));
    let pull = neither.propose().await.unwrap();
    assert!(matches!(
        neither.merge_when_ready(&pull).await,
        Err(Failure::Rejected(_))
    ));
    bench.made.into_inner()
}
