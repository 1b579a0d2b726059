use serde_json::json;

use super::*;

fn check(template: &str, expected: Result<&str, &str>) {
    let context = json!({
        "service": {
            "identifier": "web", "title": "Web", "team": null,
            "properties": {
                "gitPath": "apps/web", "title": "hidden", "team": "hidden", "both": "property",
                "empty": "", "none": null, "n": 3, "is_locked": true,
            },
            "relations": { "prod_runtime": "web-prod", "both": "relation", "many": ["a", "b"] },
        },
        "inputs": { "properties": { "image": "hidden" } },
        "tags": ["1.4.2"],
    });
    match (render(template, &context), expected) {
        (Ok(text), Ok(expected)) => assert_eq!(text, expected),
        (Err(error), Err(part)) => {
            assert!(error.to_string().contains(part), "{template}: {error}");
        }
        (other, _) => panic!("{template}: {other:?}"),
    }
}

#[test]
fn fills_in_paths() {
    check("plain", Ok("plain"));
    check("", Ok(""));
    check(
        "{service.gitPath}/deployment.yaml",
        Ok("apps/web/deployment.yaml"),
    );
    check("{service.properties.gitPath}", Ok("apps/web"));
    check("{service.title}-{service.n}", Ok("Web-3"));
    check("{ service.is_locked }", Ok("true"));
    check("{service.relations.prod_runtime}", Ok("web-prod"));
    check(
        "{service.prod_runtime} {tags[0]} {service.many[1]}",
        Ok("web-prod 1.4.2 b"),
    );
}

#[test]
fn an_entitys_own_fields_come_first_then_properties_then_relations() {
    check("{service.title}", Ok("Web"));
    check("{service.both}", Ok("property"));
    check("{service.relations.both}", Ok("relation"));
    // A field that is there and not set hides a property of its name.
    check("{service.team}", Err("is not set"));
    // Nothing but an entity has short names.
    check("{inputs.image}", Err("`inputs` has no `image`"));
}

#[test]
fn doubled_braces_stand_for_themselves() {
    check("{{{tags[0]}}}", Ok("{1.4.2}"));
    check("{{tags[0]}}", Ok("{tags[0]}"));
    check("apps/**/*.{{yaml,yml}}", Ok("apps/**/*.{yaml,yml}"));
}

#[test]
fn names_what_is_missing_and_what_there_is() {
    check(
        "{service.relations.test_runtime}",
        Err("has no `test_runtime`, it has `both`, `many`, `prod_runtime`"),
    );
    check("{service.oops}", Err("entity `web` has no `oops`"));
    check(
        "{oops}",
        Err("the run has no `oops`, it has `inputs`, `service`, `tags`"),
    );
    check("{tags[4]}", Err("`tags` has 1 item(s), none at [4]"));
    check("{tags}", Err("is a list: name one item, `{tags[0]}`"));
    check("{tags.first}", Err("`tags` has no fields"));
    check("{service[0]}", Err("entity `web` is not a list"));
    check(
        "{service.properties}",
        Err("is an object: name one of `both`"),
    );
    check("{service.empty}", Err("is empty"));
    check("{service.none}", Err("is not set"));
    check(
        "{service.none.deeper}",
        Err("`service.none` of entity `web` is not set"),
    );
}

#[test]
fn refuses_what_is_not_a_template() {
    for path in [
        "",
        "service..x",
        "tags[-1]",
        "tags[0",
        "tags[]",
        "tags[0]x",
        ".inputs",
        "a b",
    ] {
        check(&format!("{{{path}}}"), Err("is not a path"));
    }
    check("{tags", Err("a `{` is not closed in `{tags`"));
    check("tags}", Err("a `}` stands alone in `tags}`"));
    check("{a{b}", Err("`{a{b}` is not a path"));
}

#[test]
fn values_are_quoted_and_the_templates_own_text_is_not() {
    let template = Template::parse("*/{x}/*").expect("it is a template");
    let text = template.render(&json!({ "x": "a*" }), |value| value.replace('*', "[*]"));
    assert_eq!(text.expect("it has a value"), "*/a[*]/*");
}

#[test]
fn a_value_is_never_read_as_a_template() {
    let context = json!({ "x": "{y}", "y": "secret" });
    assert_eq!(render("{x}", &context).expect("it has a value"), "{y}");
}

#[test]
fn every_hole_can_hold_the_same_text() {
    let template = Template::parse("{a}/{{b}}/{c.d[0]}.yaml").expect("it is a template");
    assert_eq!(template.fill_holes("*"), "*/{b}/*.yaml");
    assert_eq!(template.source(), "{a}/{{b}}/{c.d[0]}.yaml");
    assert!(template.has_holes());
    assert!(
        !Template::parse("{{b}}")
            .expect("it is a template")
            .has_holes()
    );
}

#[test]
fn a_message_is_one_short_line_whatever_the_catalog_holds() {
    let hostile = format!("\u{1b}[2J\n{}", "x".repeat(10_000));
    let error = render(
        "{a.b}",
        &json!({ "a": { "identifier": hostile, (hostile.clone()): 1 } }),
    );
    let message = error.expect_err("there is no `b`").to_string();
    assert!(!message.chars().any(char::is_control), "{message}");
    assert!(message.len() < 500, "{}", message.len());
}
