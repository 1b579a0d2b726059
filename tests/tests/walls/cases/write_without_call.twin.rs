//! Everybody may read with the clients.

use promote_core::contract::EntityKey;
use promote_core::source::live::Live;

pub async fn read(live: &Live, key: &EntityKey) {
    let repository = live.github.repo("acme/gitops").unwrap();
    let _pull = repository.pull_request(1).await;
    let _commit = repository.commit("main").await;
    let _entity = live.port.entity(key).await;
}

fn main() {}
