//! Properties of any grants and any target, by generated ones.

use promote_core::contract::{Change, Relation};
use promote_core::grants::{
    CallTarget, Grant, Grants, Operation, RepositoryTarget, ResolvedGrants, Template,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// A target that owns its names.
#[derive(Clone, Debug)]
struct CallPlace {
    repository: &'static str,
    path: String,
    head: &'static str,
    base: &'static str,
    blueprint: &'static str,
    entity: &'static str,
    change: Option<Change>,
}

impl CallPlace {
    fn targets(&self) -> [CallTarget<'_>; 3] {
        let Self {
            repository,
            path,
            head,
            base,
            blueprint,
            entity,
            change,
        } = self;
        let at = RepositoryTarget {
            repository,
            number: None,
            paths: vec![path.as_str()],
            head: Some(*head),
            base: Some(*base),
        };
        let entity = CallTarget::Entity {
            blueprint,
            identifier: Some(*entity),
            change: change.as_ref(),
        };
        [CallTarget::Run, CallTarget::Repository(at), entity]
    }
}

fn template(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<Template>> {
    let one = select(texts).prop_map(|text| Template::try_from(text.to_owned()).unwrap());
    prop::collection::vec(one, 1..3)
}

fn names(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(texts, 1..=texts.len())
        .prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

const REPOSITORIES: &[&str] = &["acme/gitops", "acme/other"];
const BRANCHES: &[&str] = &[
    "main",
    "main",
    "release",
    "promote/web/1",
    "promote/web/1",
    "promote/other/1",
];
const BLUEPRINTS: &[&str] = &["service", "running_service"];
const ENTITIES: &[&str] = &["web", "web-prod", "web-staging"];

fn grant() -> impl Strategy<Value = Grant> {
    let allow = subsequence(Operation::ALL.to_vec(), 1..=Operation::ALL.len());
    let paths = template(&[
        "**",
        "apps/**",
        "apps/*/prod/*.yaml",
        "apps/{service.identifier}/prod/*.yaml",
    ]);
    let heads = template(&["promote/**", "promote/{service.identifier}/*", "**"]);
    let entities = template(&[
        "web-prod",
        "{service.relations.prod_runtime}",
        "{service.relations.none}",
    ]);
    let fields = prop::array::uniform2(names(&["image", "owner"]));
    let places = (
        names(REPOSITORIES),
        paths,
        template(&["main", "release"]),
        heads,
    );
    (
        allow,
        places,
        names(BLUEPRINTS),
        entities,
        fields,
        any::<bool>(),
    )
        .prop_map(
            |(
                allow,
                (repository, path, base, head),
                blueprint,
                entity,
                [relations, properties],
                after_merge,
            )| {
                Grant {
                    allow,
                    repository,
                    path,
                    base,
                    head,
                    blueprint,
                    entity,
                    relations,
                    properties,
                    after_merge,
                    ..Grant::default()
                }
            },
        )
}

/// A path, most of them normal.
fn path() -> impl Strategy<Value = String> {
    let part = select(
        &[
            "apps",
            "web",
            "prod",
            "deployment.yaml",
            "x.yaml",
            "..",
            ".",
            "",
            ".git",
        ][..],
    );
    let separator = select(&["/", "/", "/", "/", "\\", "%2f", "//"][..]);
    prop_oneof![
        3 => Just("apps/web/prod/deployment.yaml".to_owned()),
        3 => prop::collection::vec((part, separator), 1..6)
            .prop_map(|parts| parts.into_iter().map(|(part, separator)| format!("{part}{separator}")).collect()),
        1 => any::<String>(),
    ]
}

fn place() -> impl Strategy<Value = CallPlace> {
    let relation = |name: &str| Relation {
        name: name.to_owned(),
        targets: vec!["web-2".to_owned()],
    };
    let change =
        (any::<bool>(), select(&["image", "owner", "evil"][..])).prop_map(move |(some, name)| {
            some.then(|| Change {
                title: None,
                properties: None,
                relations: vec![relation(name)],
            })
        });
    let names = (
        select(REPOSITORIES),
        select(BRANCHES),
        select(BRANCHES),
        select(BLUEPRINTS),
        select(ENTITIES),
    );
    (names, path(), change).prop_map(
        |((repository, head, base, blueprint, entity), path, change)| CallPlace {
            repository,
            path,
            head,
            base,
            blueprint,
            entity,
            change,
        },
    )
}

fn context() -> Value {
    json!({"service": {"identifier": "web", "relations": {"prod_runtime": "web-prod"}}})
}

fn resolve(grants: Vec<Grant>) -> ResolvedGrants {
    ResolvedGrants::new(&Grants(grants), &context()).unwrap()
}

/// Written in the one way that means it: what git, a server and a reader agree about.
fn is_normal(path: &str) -> bool {
    let parts = path
        .split('/')
        .all(|part| !matches!(part, "" | "." | ".." | ".git"));
    parts && !path.contains(['\\', '%']) && !path.chars().any(char::is_control)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_grants_deny_every_call(place in place()) {
        for operation in Operation::ALL {
            for target in place.targets() {
                prop_assert!(resolve(Vec::new()).allow(operation, &target).is_none());
            }
        }
    }

    #[test]
    fn one_grant_more_denies_nothing_that_was_allowed(
        grants in prop::collection::vec(grant(), 0..4),
        more in grant(),
        at in any::<prop::sample::Index>(),
        place in place(),
    ) {
        let mut whole = grants.clone();
        whole.insert(at.index(grants.len() + 1), more);
        let fewer = resolve(grants);
        let whole = resolve(whole);
        for operation in Operation::ALL {
            for target in place.targets() {
                if let Some(conditions) = fewer.allow(operation, &target) {
                    // Not under harder conditions either: each way in that there was is still there.
                    let all = whole.allow(operation, &target).unwrap_or_default();
                    prop_assert!(conditions.iter().all(|condition| all.contains(condition)));
                }
            }
        }
    }

    #[test]
    fn a_path_that_is_not_normal_never_matches(grants in prop::collection::vec(grant(), 1..4), place in place()) {
        prop_assume!(!is_normal(&place.path));
        let resolved = resolve(grants);
        let [_, repository, _] = place.targets();
        for operation in Operation::ALL {
            prop_assert!(resolved.allow(operation, &repository).is_none(), "{:?}", place.path);
        }
    }
}

/// The properties above would hold of grants that deny everything.
#[test]
fn what_is_generated_is_not_all_denied() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let pairs = (prop::collection::vec(grant(), 1..4), place());
    let mut allowed = 0;
    for _ in 0..500 {
        let (grants, place) = pairs.new_tree(&mut runner).unwrap().current();
        let resolved = resolve(grants);
        let [_, repository, _] = place.targets();
        let is_allowed = |operation| resolved.allow(operation, &repository).is_some();
        if Operation::ALL.into_iter().any(is_allowed) {
            allowed += 1;
        }
    }
    assert!(allowed > 3, "{allowed}");
}
