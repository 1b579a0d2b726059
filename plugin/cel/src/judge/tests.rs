#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::{check, needs};
use crate::contract::{EntityKey, EntitySearch, FactRead, ReasonCure, StopPoint};
use crate::settings::mistakes;

/// The facts of a promotion, with the settings of a rule and the answers to what it needs.
fn facts(settings: Value, answers: Value) -> String {
    json!({
        "now": "2026-11-27T16:30:00Z",
        "service": {
            "identifier": "web", "blueprint": "service", "title": "Web", "teams": ["shop"], "updatedAt": null,
            "properties": { "tier": 1, "language": "GO" }, "relations": { "domain": "checkout" },
        },
        "inputs": {},
        "run": { "id": "r_1", "action": "promote", "actor": { "id": "u", "email": "a@b.c", "name": null }, "approval": null, "requestedAt": null },
        "candidate": { "repository": "acme/gitops", "base": "main", "changes": [{ "path": "a.yaml", "before": "web:1", "after": "web:2" }], "pullRequest": null, "headCommit": null },
        "step": "propose",
        "settings": settings,
        "needs": answers,
    })
    .to_string()
}

fn incidents() -> Value {
    json!({
        "needs": { "open": { "search": "incident", "query": { "combinator": "and", "rules": [
            { "property": "status", "operator": "=", "value": "open" },
            { "operator": "relatedTo", "blueprint": "service", "value": "{service.identifier}" },
        ] } } },
        "deny": "size(open) > 0",
        "message": "close the {size(open)} open incidents of {service.identifier} first",
    })
}

fn told(settings: Value, answers: Value) -> Vec<String> {
    let reasons = check(&facts(settings, answers)).into_iter();
    reasons.map(|reason| reason.message).collect()
}

#[test]
fn a_search_is_filled_in_and_its_answer_is_judged() {
    let needed = needs(&facts(incidents(), json!({})));
    assert_eq!(needed.len(), 1);
    assert_eq!(needed[0].name, "open");
    let FactRead::Search(EntitySearch { blueprint, query }) = &needed[0].read else {
        panic!("{needed:?}");
    };
    assert_eq!(blueprint, "incident");
    let query: Value = serde_json::from_str(query).unwrap();
    assert_eq!(query["rules"][1]["value"], "web");
    assert_eq!(
        told(incidents(), json!({ "open": [] })),
        Vec::<String>::new()
    );
    assert_eq!(
        told(incidents(), json!({ "open": [{}, {}] })),
        ["close the 2 open incidents of web first"]
    );
}

#[test]
fn text_of_the_catalog_stays_a_value_of_the_query() {
    let mut hostile: Value = serde_json::from_str(&facts(incidents(), json!({}))).unwrap();
    hostile["service"]["identifier"] = json!(r#"x"}], "combinator": "or"#);
    let needed = needs(&hostile.to_string());
    let FactRead::Search(search) = &needed[0].read else {
        panic!("{needed:?}");
    };
    let query: Value = serde_json::from_str(&search.query).unwrap();
    assert_eq!(query["combinator"], "and");
    assert_eq!(query["rules"][1]["value"], r#"x"}], "combinator": "or"#);
}

#[test]
fn one_read_leads_to_the_next() {
    let settings = json!({
        "needs": {
            "domain": { "entity": "domain", "identifier": "{service.relations.domain}" },
            "lead": { "entity": "_user", "identifier": "{domain.properties.lead}" },
        },
        "deny": "lead.properties.away == true",
        "message": "{lead.identifier} is away",
    });
    let names = |answers: Value| -> Vec<String> {
        let needed = needs(&facts(settings.clone(), answers)).into_iter();
        needed.map(|need| need.name).collect()
    };
    assert_eq!(names(json!({})), ["domain"]);
    let domain = json!({ "identifier": "checkout", "properties": { "lead": "ann" } });
    let needed = needs(&facts(settings.clone(), json!({ "domain": domain })));
    let lead = FactRead::Entity(EntityKey {
        blueprint: "_user".to_owned(),
        identifier: "ann".to_owned(),
    });
    assert!(
        needed
            .iter()
            .any(|need| need.name == "lead" && need.read == lead)
    );
    let ann = json!({ "identifier": "ann", "properties": { "away": true } });
    assert_eq!(
        told(settings.clone(), json!({ "domain": domain, "lead": ann })),
        ["ann is away"]
    );
    // What was never read is no reason to agree.
    let told = told(settings, json!({ "domain": null }));
    assert!(
        told[0].contains("`needs.lead`") && told[0].contains("refuses"),
        "{told:?}"
    );
}

#[test]
fn what_cannot_be_computed_refuses() {
    for (deny, expected) in [
        (
            "service.properties.absent == true",
            "`deny`: No such key: absent",
        ),
        (
            "service.properties.language",
            "`deny` is a string, no boolean",
        ),
        (
            "1 / (service.properties.tier - 1) == 1",
            "`deny`: Division by zero",
        ),
        (
            "'a'.matches(service.properties.language + '(')",
            "is no pattern",
        ),
        ("now.getHours(service.properties.language) > 1", "`deny`: "),
    ] {
        let reasons = check(&facts(json!({ "deny": deny, "message": "no" }), json!({})));
        assert_eq!(reasons.len(), 1, "{deny}");
        assert_eq!(reasons[0].stops, StopPoint::Propose, "{deny}");
        let message = &reasons[0].message;
        assert!(
            message.contains(expected) && message.contains("so it refuses"),
            "{deny}: {message}"
        );
    }
}

#[test]
fn times_and_zones_are_known() {
    let friday = "now.getDayOfWeek('Europe/Berlin') == 5 && now.getHours('Europe/Berlin') >= 16";
    let settings = json!({
        "deny": friday,
        "message": "no promotion on a Friday evening ({now})",
        "stops": "merge",
        "until": "now + duration('54h')",
    });
    let reasons = check(&facts(settings, json!({})));
    assert_eq!(
        reasons[0].message,
        "no promotion on a Friday evening (2026-11-27T16:30:00Z)"
    );
    assert_eq!(reasons[0].stops, StopPoint::Merge);
    let until = Some("2026-11-29T22:30:00Z".to_owned());
    assert_eq!(reasons[0].cure, ReasonCure::Time(until));
    let utc = json!({ "deny": "now.getHours() == 17", "message": "no" });
    assert_eq!(told(utc, json!({})), Vec::<String>::new());
    let berlin = json!({ "deny": "now.getHours('Europe/Berlin') == 17", "message": "no" });
    assert_eq!(told(berlin, json!({})), ["no"]);
}

#[test]
fn where_a_condition_is_false_nothing_is_read() {
    let settings = json!({
        "needs": { "checks": { "checks": "{candidate.headCommit}", "when": "step == 'merge'" } },
        "deny": "checks != null && checks.exists(c, c.state == 'failing')",
        "message": "{checks.filter(c, c.state == 'failing').map(c, c.name)} fails",
        "stops": "merge",
    });
    assert_eq!(mistakes(&settings.to_string()), Vec::<String>::new());
    assert_eq!(needs(&facts(settings.clone(), json!({}))), []);
    assert_eq!(told(settings.clone(), json!({})), Vec::<String>::new());
    let checks = json!([
        { "name": "a", "state": "failing", "required": true, "url": null },
        { "name": "b", "state": "passing", "required": true, "url": null },
        { "name": "c", "state": "failing", "required": false, "url": null },
    ]);
    assert_eq!(told(settings, json!({ "checks": checks })), ["a, c fails"]);
}

#[test]
fn mistakes_are_found_before_anything_is_promoted() {
    let with = |deny: &str, message: &str| json!({ "deny": deny, "message": message });
    for (settings, expected) in [
        (with("size(opn) > 0", "no"), "`deny`: there is no `opn`"),
        (
            with("servce.identifier == 'a'", "no"),
            "there is no `servce`; did you mean `service`?",
        ),
        (
            with("service.identifer == 'a'", "no"),
            "`service` has no `identifer`; did you mean `identifier`?",
        ),
        (
            with("service.language == 'GO'", "no"),
            "what the blueprint has is `properties.language`",
        ),
        (
            with("service.identifier.startWith('a')", "no"),
            "there is no function `startWith`; did you mean `startsWith`?",
        ),
        (
            with("service.identifier > 1", "no"),
            "`>` stands between a string and an integer",
        ),
        (
            with("service.identifier == 1", "no"),
            "compares a string with an integer, which are never equal",
        ),
        (
            with("service.identifier", "no"),
            "`deny` is a string, and must be a boolean",
        ),
        (
            with("now.getHours(1) > 2", "no"),
            "`getHours` cannot be called on a timestamp with an integer",
        ),
        (
            with("size(service.teams) >", "no"),
            "`deny`: line 1, column",
        ),
        (
            with("true", "{service.teem}"),
            "`message`: `{service.teem}`: `service` has no `teem`",
        ),
        (
            with("true", "{service.identifier"),
            "`message`: a `{` has no `}`",
        ),
        (
            with("true", "{service}"),
            "`{service}` is a map, which is no text",
        ),
        (
            with(
                "service.teams.all(a, service.teams.all(b, service.teams.all(c, a + b + c != '')))",
                "no",
            ),
            "it could take too long",
        ),
        (
            json!({ "deny": "true", "message": "no", "needs": { "now": { "entity": "a", "identifier": "b" } } }),
            "every rule has a `now` already",
        ),
        (
            json!({ "deny": "true", "message": "no", "needs": { "a": { "entity": "b" } } }),
            "`needs.a`: `identifier` is missing",
        ),
        (
            json!({ "deny": "true", "message": "no", "needs": { "a": { "entity": "b", "file": "c" } } }),
            "`needs.a`: it has one of `entity`, `search`",
        ),
        (
            json!({ "deny": "true", "message": "no", "needs": { "a": { "commit": "main", "base": "main" } } }),
            "`base` does not belong to `commit`",
        ),
        (
            json!({ "deny": "true", "message": "no", "cure": "people", "until": "now" }),
            "`until` belongs to `cure = \"time\"`",
        ),
        (
            json!({ "deny": "true", "message": "no", "until": "'tomorrow'" }),
            "`until` is a string, and must be a timestamp",
        ),
    ] {
        let found = mistakes(&settings.to_string()).join("; ");
        assert!(found.contains(expected), "{settings}: {found}");
    }
}

#[test]
fn deep_and_long_expressions_are_refused() {
    let deep = format!("{}1{} == [1]", "[".repeat(200), "]".repeat(200));
    let long = vec!["true"; 3_000].join(" && ");
    for deny in [deep, long] {
        let settings = json!({ "deny": deny, "message": "no" });
        assert!(!mistakes(&settings.to_string()).is_empty());
    }
}
