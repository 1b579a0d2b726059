//! The generator's scripts are scenarios, and a broken law is seen in a world where it is broken.

use std::path::Path;

use super::script::Script;
use crate::scenario::Scenario;

#[test]
fn every_seed_makes_a_scenario_and_always_the_same() {
    for seed in 0..300 {
        let script = Script::draw(seed);
        assert_eq!(script, Script::draw(seed));
        let text = script.scenario("drawn", "{ exit = 0 }", &[]);
        let read = Scenario::parse(&text, Path::new("drawn.toml"));
        let read = read.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(read.steps.len(), script.steps.len());
    }
}
