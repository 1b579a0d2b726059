//! The question whether a call is allowed: `promote.toml`, a NUL, and names (a repository, a path, a head, a base, an
//! entity) with a NUL between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_core::grants::{Grants, Operation, RepositoryTarget, ResolvedGrants, CallTarget};
use promote_intake::config::Config;
use serde_json::json;

fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let Ok(config) = Config::parse(parts.next().unwrap_or_default()) else {
        return;
    };
    let names: Vec<&str> = parts.collect();
    let name = |index: usize| names.get(index).copied().unwrap_or_default();
    let context =
        json!({"service": {"identifier": name(4), "relations": {"prod_runtime": name(4)}}});
    let Ok(whole) = ResolvedGrants::new(&config.grants, &context) else {
        return;
    };
    let at = RepositoryTarget {
        repository: name(0),
        number: None,
        paths: vec![name(1)],
        head: Some(name(2)),
        base: Some(name(3)),
    };
    let targets = || {
        [
            CallTarget::Run,
            CallTarget::Repository(at.clone()),
            CallTarget::Entity {
                blueprint: name(0),
                identifier: Some(name(4)),
                change: None,
            },
        ]
    };
    for operation in Operation::ALL {
        for target in targets() {
            let allowed = whole.allow(operation, &target).is_some();
            assert!(ResolvedGrants::default().allow(operation, &target).is_none());
            if allowed && matches!(target, CallTarget::Repository(_)) {
                assert!(
                    is_plain(name(1)) && is_plain(name(2)),
                    "{:?} {:?}",
                    name(1),
                    name(2)
                );
            }
            for left_out in 0..config.grants.0.len() {
                let mut fewer = config.grants.0.clone();
                fewer.remove(left_out);
                let fewer =
                    ResolvedGrants::new(&Grants(fewer), &context).expect("each grant was read before");
                assert!(
                    allowed || fewer.allow(operation, &target).is_none(),
                    "a grant more denies"
                );
            }
        }
    }
});

/// Returns whether a path is written in the one way that means it.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(['\\', '%', '\0', '\n'])
}
