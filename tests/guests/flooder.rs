//! Describes its settings by thousands of patterns, each of which is large once it is compiled.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "observe", schema: super::schema());

fn schema() -> String {
    let properties: Vec<String> = (0..2_000)
        .map(|index| format!(r#""p{index}": {{"pattern": "\\w{{10}}{index}"}}"#))
        .collect();
    format!(
        r#"{{"type": "object", "properties": {{{}}}}}"#,
        properties.join(", ")
    )
}

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        Err(Failure::Other("was taken".to_owned()))
    }
}
