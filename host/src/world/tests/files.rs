//! World files.

use std::path::Path;

use super::*;
use crate::world::port::{GUIDE_ACTION_V1, Targets};

fn error(text: &str) -> String {
    World::from_toml(text, Path::new("/none"))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_sample_is_the_guides_promotion() {
    let world = World::sample();
    let image = |runtime: &str| {
        world
            .port
            .entity("running_service", runtime)
            .unwrap()
            .relations["image"]
            .clone()
    };
    assert_eq!(image("web-staging"), Targets::One("web-1.4.2".to_owned()));
    assert_eq!(image("web-prod"), Targets::One("web-1.4.1".to_owned()));
    assert_eq!(world.port.blueprints.len(), 3);
    assert!(world.port.actions.contains_key("promote_to_production"));
    assert!(
        serde_json::from_str::<Value>(GUIDE_ACTION_V1)
            .unwrap()
            .is_object()
    );
    assert_eq!(world.port.dangling(), None);
}

#[test]
fn the_messages_name_the_sample() {
    let whole = sample::payload();
    assert_eq!(whole["context"]["runId"], sample::RUN);
    assert_eq!(
        whole["payload"]["entity"]["relations"]["prod_runtime"],
        "web-prod"
    );
    assert_eq!(sample::action_payload()["context"], whole["context"]);
    assert_eq!(sample::templated_payload()["run"]["id"], sample::RUN);
}

#[test]
fn an_empty_file_is_a_world() {
    let world = World::from_toml("", Path::new("")).unwrap();
    assert_eq!(world.port.blueprints.len(), 3);
    assert!(world.port.entities.is_empty());
}

#[test]
fn errors_name_line_and_key() {
    // The file; the line and the words that its error must hold.
    let cases = [
        ("colour = 1", "line 1", "unknown field `colour`"),
        ("[port]\ncolour = 1", "line 2", "unknown field `colour`"),
        (
            "[[port.credentials]]\nclient-id = \"x\"",
            "line 1",
            "missing field `client-secret`",
        ),
        ("start = \"yesterday\"", "line 1", "start"),
        (
            "[[port.entities]]\nblueprint = \"service\"\nidentifier = \"a b\"",
            "line 3: port.entities[0] \"a b\"",
            "must match pattern",
        ),
        (
            "[[port.entities]]\nblueprint = \"none\"\nidentifier = \"a\"",
            "line 3: port.entities[0] \"a\"",
            "blueprint with identifier \"none\" was not found",
        ),
        (
            "\n[[port.entities]]\nblueprint = \"running_service\"\nidentifier = \"a\"\nproperties = { healthStatus = \"Fine\" }",
            "line 4: port.entities[0] \"a\"",
            "properties/healthStatus must be equal to one of the allowed values",
        ),
        (
            "[[port.entities]]\nblueprint = \"running_service\"\nidentifier = \"a\"\nrelations = { image = \"b\" }",
            "line 3: port.entities \"a\" relations",
            "there is no entity \"b\"",
        ),
        (
            "[[port.runs]]\nid = \"r_1\"\naction = \"x\"\nstatus = \"DONE\"",
            "line 2: port.runs",
            "status \"DONE\" is none",
        ),
        (
            "[[port.blueprint]]\nfile = \"x.json\"",
            "line 1: port.blueprint",
            "cannot read x.json",
        ),
        ("[[events]]\nafter = \"soon\"", "line 2", "soon"),
        (
            "[[faults]]\nthen = { cut = \"x\" }",
            "line 2",
            "unknown variant `x`",
        ),
    ];
    for (text, place, words) in cases {
        let error = error(text);
        let first = error.lines().next().unwrap_or_default();
        assert!(first.contains(place), "{text}\n-> {error}");
        assert!(error.contains(words), "{text}\n-> {error}");
    }
}
