//! Runs at the same time, one request of one of them after another, in an order that a seed gives.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Drives futures to their ends, one of them in each turn, and returns their results in the order of the futures.
///
/// A turn lasts until the future ends, or until what `moment` returns is another than before: on the mock, until a run has
/// made a request or has slept. So the seed decides whose request is next, and nothing else does: a policy that takes long to
/// compute is interrupted now and then by the machine's clock, and must not lose its turn by that.
pub(super) async fn interleave<F: Future, M: PartialEq>(
    futures: impl IntoIterator<Item = F>,
    seed: u64,
    moment: impl Fn() -> M,
) -> Vec<F::Output> {
    let mut order = fastrand::Rng::with_seed(seed);
    let mut turn = None;
    let mut going: Vec<(usize, Pin<Box<F>>)> =
        futures.into_iter().map(Box::pin).enumerate().collect();
    let mut done = Vec::with_capacity(going.len());
    poll_fn(|context| {
        if going.is_empty() {
            return Poll::Ready(());
        }
        let next = turn.take().unwrap_or_else(|| order.usize(..going.len()));
        let before = moment();
        match going[next].1.as_mut().poll(context) {
            Poll::Ready(result) => {
                let (place, _) = going.remove(next);
                done.push((place, result));
            }
            Poll::Pending if moment() == before => turn = Some(next),
            Poll::Pending => {}
        }
        // Whoever was not drawn would not be woken by what wakes the one that was.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeSet;

    use super::*;

    /// The order in which three tasks take three turns each, and wait `naps` times within each.
    async fn turns(seed: u64, naps: usize) -> Vec<usize> {
        let log = RefCell::new(Vec::new());
        let moment = Cell::new(0);
        let task = |name: usize| {
            let (log, moment) = (&log, &moment);
            async move {
                for _ in 0..3 {
                    for _ in 0..naps {
                        tokio::task::yield_now().await;
                    }
                    log.borrow_mut().push(name);
                    moment.set(moment.get() + 1);
                    tokio::task::yield_now().await;
                }
                name
            }
        };
        let all = [task(0), task(1), task(2)];
        assert_eq!(interleave(all, seed, || moment.get()).await, [0, 1, 2]);
        log.into_inner()
    }

    #[tokio::test]
    async fn the_seed_gives_the_order() {
        let mut orders = BTreeSet::new();
        for seed in 0..20 {
            let order = turns(seed, 0).await;
            assert_eq!(order, turns(seed, 0).await);
            orders.insert(order);
        }
        assert!(orders.len() > 15, "{orders:?}");
    }

    #[tokio::test]
    async fn an_interruption_is_no_turn() {
        for seed in 0..20 {
            assert_eq!(turns(seed, 0).await, turns(seed, 2).await);
        }
    }
}
