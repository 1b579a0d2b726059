use crate::contract::{Change, Relation};
use crate::grants::*;
use serde_json::json;

mod reach;

const EXAMPLE: &str = r#"
[[grants]]
allow = ["run.note"]
[[grants]]
allow = ["port.get-entity"]
blueprint = ["service", "running_service"]
[[grants]]
allow = ["github.read", "github.propose", "github.merge"]
repository = "acme/gitops"
path = ["apps/{service.identifier}/prod/*.yaml"]
base = "main"
[[grants]]
allow = ["port.update-entity"]
blueprint = "running_service"
entity = "{service.relations.prod_runtime}"
relations = ["image"]
after = "merge"
"#;

#[derive(serde::Deserialize)]
struct File {
    grants: Grants,
}

fn read(text: &str) -> Result<Grants, String> {
    let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    file.grants.check().map(|()| file.grants)
}

fn resolved() -> ResolvedGrants {
    let context =
        json!({ "service": { "identifier": "web", "relations": { "prod_runtime": "web-prod" } } });
    ResolvedGrants::new(&read(EXAMPLE).unwrap(), &context).unwrap()
}

fn file<'a>(path: &'a str, head: &'a str, base: &'a str) -> CallTarget<'a> {
    CallTarget::Repository(RepositoryTarget {
        repository: "acme/gitops",
        number: None,
        paths: vec![path],
        head: Some(head),
        base: Some(base),
    })
}

#[test]
fn a_proposal_is_allowed_for_granted_path_head_and_base_only() {
    let cases = [
        (
            "apps/web/prod/deployment.yaml",
            "promote/web/1",
            "main",
            true,
        ),
        (
            "apps/web/prod/x/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps/other/prod/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps/web/prod/../../other/prod/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps/web/prod/%2e%2e/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "/apps/web/prod/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps//web/prod/deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps\\web\\prod\\deployment.yaml",
            "promote/web/1",
            "main",
            false,
        ),
        (
            "apps/web/prod/deployment.yaml\n",
            "promote/web/1",
            "main",
            false,
        ),
        ("apps/web/prod/deployment.yaml", "main", "main", false),
        (
            "apps/web/prod/deployment.yaml",
            "promote/../main",
            "main",
            false,
        ),
        (
            "apps/web/prod/deployment.yaml",
            "promote/web/1",
            "release",
            false,
        ),
    ];
    for (path, head, base, expected) in cases {
        let resolved = resolved();
        let answer = resolved.allow(Operation::Propose, &file(path, head, base));
        assert_eq!(answer.is_some(), expected, "{path} {head} {base}");
    }
}

#[test]
fn an_update_is_allowed_for_the_request_s_own_entity_and_relation_only() {
    let relation = |name: &str| Relation {
        name: name.to_owned(),
        targets: vec!["web-2".to_owned()],
    };
    let change = |title, properties: Option<&str>, relations| Change {
        title,
        properties: properties.map(str::to_owned),
        relations,
    };
    let cases = [
        (
            "web-prod",
            change(None, None, vec![relation("image")]),
            true,
        ),
        (
            "web-prod",
            change(None, Some("{}"), vec![relation("image")]),
            true,
        ),
        (
            "web-staging",
            change(None, None, vec![relation("image")]),
            false,
        ),
        (
            "web-prod",
            change(None, None, vec![relation("image"), relation("owner")]),
            false,
        ),
        (
            "web-prod",
            change(Some("x".to_owned()), None, vec![]),
            false,
        ),
        (
            "web-prod",
            change(None, Some(r#"{"healthStatus":"Healthy"}"#), vec![]),
            false,
        ),
        (
            "web-prod",
            change(None, Some("not json"), vec![relation("image")]),
            false,
        ),
    ];
    for (identifier, change, expected) in cases {
        let target = CallTarget::Entity {
            blueprint: "running_service",
            identifier: Some(identifier),
            change: Some(&change),
        };
        let resolved = resolved();
        let answer = resolved.allow(Operation::UpdateEntity, &target);
        assert_eq!(
            answer.as_ref().is_some_and(|all| all[0].demands_merge()),
            expected,
            "{change:?}"
        );
    }
}

#[test]
fn a_grant_for_something_the_request_has_not_got_allows_nothing() {
    let grants = read(EXAMPLE).unwrap();
    let resolved = ResolvedGrants::new(
        &grants,
        &json!({ "service": { "identifier": "web", "relations": {} } }),
    )
    .unwrap();
    let change = Change {
        title: None,
        properties: None,
        relations: vec![],
    };
    for identifier in ["", "web-prod", "{service.relations.prod_runtime}"] {
        let target = CallTarget::Entity {
            blueprint: "running_service",
            identifier: Some(identifier),
            change: Some(&change),
        };
        assert!(resolved.allow(Operation::UpdateEntity, &target).is_none());
    }
}

#[test]
fn a_name_from_the_request_is_never_a_pattern() {
    let grants = read(&EXAMPLE.replace(
        "base = \"main\"",
        "base = \"main\"\nhead = \"promote/{service.identifier}/*\"",
    ))
    .unwrap();
    for name in [
        "*",
        "**",
        "?eb",
        "w*",
        "[w]eb",
        "we[!x]",
        "{web,x}",
        "we\\b",
        "web\\",
        "\\w\\e\\b",
    ] {
        let context =
            json!({ "service": { "identifier": name, "relations": { "prod_runtime": "x" } } });
        let resolved = ResolvedGrants::new(&grants, &context).unwrap();
        for (path, head) in [("web", "web"), ("web", name), (name, "web")] {
            let (path, head) = (
                format!("apps/{path}/prod/deployment.yaml"),
                format!("promote/{head}/1"),
            );
            let target = file(&path, &head, "main");
            assert!(
                resolved.allow(Operation::Propose, &target).is_none(),
                "{name}: {path}, {head}"
            );
        }
    }
}

#[test]
fn a_name_from_the_request_is_never_two_names() {
    let path = "apps/{{{service.identifier},shared}}/prod/*.yaml";
    let grants = read(&EXAMPLE.replace("apps/{service.identifier}/prod/*.yaml", path)).unwrap();
    let context = json!({ "service": { "identifier": "web,other" } });
    let resolved = ResolvedGrants::new(&grants, &context).unwrap();
    for (name, expected) in [
        ("web,other", true),
        ("shared", true),
        ("web", false),
        ("other", false),
    ] {
        let path = format!("apps/{name}/prod/deployment.yaml");
        let target = file(&path, "promote/web/1", "main");
        let allowed = resolved.allow(Operation::Propose, &target);
        assert_eq!(allowed.is_some(), expected, "{name}");
    }
}

#[test]
fn a_grant_names_relations_and_properties_in_short_as_a_setting_does() {
    let text = EXAMPLE.replace("service.relations.prod_runtime", "service.prod_runtime");
    let context = json!({ "service": {
        "identifier": "web", "properties": {}, "relations": { "prod_runtime": "web-prod" },
    } });
    let resolved = ResolvedGrants::new(&read(&text).unwrap(), &context).unwrap();
    let change = Change {
        title: None,
        properties: None,
        relations: vec![],
    };
    for (identifier, expected) in [("web-prod", true), ("web-staging", false)] {
        let target = CallTarget::Entity {
            blueprint: "running_service",
            identifier: Some(identifier),
            change: Some(&change),
        };
        let allowed = resolved.allow(Operation::UpdateEntity, &target);
        assert_eq!(allowed.is_some(), expected, "{identifier}");
    }
}

#[test]
fn a_pattern_means_what_it_means_as_a_regular_expression() {
    let paths = [
        "x",
        "y",
        "a",
        "a/",
        "a/x",
        "a/b",
        "a/y/b",
        "a/y/z/b",
        "b.yaml",
        "a/b.yaml",
        "a/y/b.yaml",
        "[ab]/x",
        "b/x",
        "a*b",
    ];
    for text in [
        "x",
        "a/**",
        "**/x",
        "**/a/b",
        "*.yaml",
        "**/*.yaml",
        "a/**/b",
        "a/*/b.yaml",
        "[ab]/x",
        "a[*]b",
        "**",
        "?",
    ] {
        let matcher = globset::GlobBuilder::new(text)
            .literal_separator(true)
            .build()
            .unwrap()
            .compile_matcher();
        for path in paths
            .into_iter()
            .filter(|path| pattern::is_normal_path(path))
        {
            let pattern = pattern::GrantPattern::new(text).unwrap();
            assert_eq!(
                pattern.is_match(path),
                matcher.is_match(path),
                "{text} {path}"
            );
        }
    }
}

#[test]
fn a_grant_that_makes_no_sense_is_refused_when_it_is_read() {
    let cases = [
        (
            "allow = []",
            "grant 1: `allow` is empty; name at least one operation",
        ),
        (
            "allow = [\"github.merge\"]",
            "grant 1: `github.merge` needs `repository`: a grant without it would be too wide",
        ),
        (
            "allow = [\"port.search\"]\nblueprint = \"a\"\nbase = \"b\"",
            "grant 1: `base` says nothing about port.search; remove it or move it",
        ),
        (
            "allow = [\"port.update-entity\"]\nblueprint = \"a\"\nentity = \"b\"",
            "grant 1: `port.update-entity` needs `properties` or `relations`: a grant without it would be too wide",
        ),
    ];
    for (grant, expected) in cases {
        assert_eq!(read(&format!("[[grants]]\n{grant}")).unwrap_err(), expected);
    }
    let propose =
        "[[grants]]\nallow = [\"github.propose\"]\nrepository = \"a/b\"\nbase = \"main\"\n";
    let path = |path: &str| read(&format!("{propose}path = \"{path}\""));
    let workflow = path(".github/workflows/*.yml").unwrap_err();
    assert!(workflow.contains("names workflow files"), "{workflow}");
    assert!(path(".github/dependabot.yml").is_ok());
    assert!(
        read("[[grants]]\nallow = [\"port.get\"]")
            .unwrap_err()
            .starts_with("unknown operation `port.get`")
    );
    assert!(
        read("[[grants]]\nallow = [\"run.note\"]\nrepo = \"x\"")
            .unwrap_err()
            .contains("unknown field `repo`")
    );
}

/// The policy would merge, and only then be denied.
#[test]
fn an_update_that_no_file_can_prove_is_refused_before_anything_is_done() {
    let with = |paths: &str, update: &str| {
        let text = EXAMPLE
            .replace("[\"apps/{service.identifier}/prod/*.yaml\"]", paths)
            .replace("after = \"merge\"", update);
        let context = json!({ "service": { "identifier": "web", "relations": { "prod_runtime": "web-prod" } } });
        let grants = read(&text).unwrap();
        let resolved = ResolvedGrants::new(&grants, &context).unwrap();
        resolved.check_evidence(&grants).err()
    };
    let two =
        "[\"apps/{service.identifier}/staging/*.yaml\", \"apps/{service.identifier}/prod/*.yaml\"]";
    let refused = with(two, "after = \"merge\"").unwrap();
    assert_eq!(
        refused,
        "grant 4: `after = \"merge\"` cannot tell which file proves an update, since `apps/web/prod/*.yaml` of acme/gitops and \
         `apps/web/staging/*.yaml` of acme/gitops may be proposed: name the files that say what web-prod runs, `in = \"…\"`"
    );
    let named = "after = \"merge\"\nin = \"apps/{service.identifier}/prod/*.yaml\"";
    assert_eq!(with(two, named), None);
    assert_eq!(
        with("[\"a/*.yaml\", \"a/*.yaml\"]", "after = \"merge\""),
        None
    );
    // One that this service has not got is no second one.
    let other = "[\"apps/{service.identifier}/prod/*.yaml\"]\nbase = \"main\"\n[[grants]]\n\
        allow = [\"github.propose\"]\nrepository = \"acme/gitops\"\npath = \"{service.gitPath}/*.yaml\"";
    assert_eq!(with(other, "after = \"merge\""), None);
    assert_eq!(with(two, ""), None);
}

#[test]
fn every_name_means_the_operation_that_has_it() {
    for operation in Operation::named("github.read").unwrap() {
        assert!(!operation.is_write() && operation.is_github());
    }
    for (place, operation) in Operation::ALL.into_iter().enumerate() {
        assert_eq!(operation as usize, place);
        assert_eq!(Operation::named(operation.name()), Ok(vec![operation]));
    }
}
