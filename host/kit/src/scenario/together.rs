//! Runs at the same time, one request of one of them after another, in an order that a seed gives.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Drives futures to their ends, each time one of them as far as it goes before it waits, and returns their results in the order
/// of the futures.
///
/// A run on the mock waits once a request, so the seed decides whose request is next. Nothing else does: the same seed gives
/// the same order on every machine.
pub(super) async fn interleave<F: Future>(
    futures: impl IntoIterator<Item = F>,
    seed: u64,
) -> Vec<F::Output> {
    let mut order = fastrand::Rng::with_seed(seed);
    let mut going: Vec<(usize, Pin<Box<F>>)> =
        futures.into_iter().map(Box::pin).enumerate().collect();
    let mut done = Vec::with_capacity(going.len());
    poll_fn(|context| {
        if going.is_empty() {
            return Poll::Ready(());
        }
        let next = order.usize(..going.len());
        if let Poll::Ready(result) = going[next].1.as_mut().poll(context) {
            let (place, _) = going.remove(next);
            done.push((place, result));
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
    use std::cell::RefCell;

    use super::*;

    /// The order in which three tasks take three turns each.
    async fn turns(seed: u64) -> Vec<usize> {
        let log = RefCell::new(Vec::new());
        let task = |name: usize| {
            let log = &log;
            async move {
                for _ in 0..3 {
                    log.borrow_mut().push(name);
                    tokio::task::yield_now().await;
                }
                name
            }
        };
        assert_eq!(
            interleave([task(0), task(1), task(2)], seed).await,
            [0, 1, 2]
        );
        log.into_inner()
    }

    #[tokio::test]
    async fn the_seed_gives_the_order() {
        let orders: std::collections::BTreeSet<Vec<usize>> = {
            let mut all = std::collections::BTreeSet::new();
            for seed in 0..20 {
                let order = turns(seed).await;
                assert_eq!(order, turns(seed).await);
                all.insert(order);
            }
            all
        };
        assert!(orders.len() > 15, "{orders:?}");
    }
}
