//! Only the addressed scalar changes.

use promote_tests::bench::TestRun;
use promote_tests::witness::{MANIFEST, REPOSITORY};

#[tokio::test]
async fn a_promotion_differs_from_its_parent_in_the_image_alone() {
    let ended = TestRun::builtin().run().await;
    ended.expect("promoted", "1.4.2");
    let world = ended.witness.world.lock();
    let repository = world.github.find(REPOSITORY).unwrap();
    let head = repository.branch("main").unwrap();
    let parent = repository.git.commit(head).unwrap().parents[0];
    let at = |commit| {
        let tree = repository.git.tree_of(commit).unwrap();
        let entry = repository.git.entry_at(tree, MANIFEST).unwrap();
        String::from_utf8(repository.git.blob(entry.id).unwrap().to_vec()).unwrap()
    };
    let before = at(parent);
    let after = at(head);
    assert_eq!(
        before.replace("ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"),
        after
    );
    assert_ne!(before, after);
}
