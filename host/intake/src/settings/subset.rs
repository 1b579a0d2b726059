//! Which part of JSON Schema (2020-12) is understood. What is outside of it is found before a value is judged, so that no
//! part of a policy's schema is passed over in silence.
//!
//! Left out is what settings do not need: conditions (`if`), what is left unevaluated, references to other documents.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Most bytes of a schema.
const LARGEST: usize = 1 << 20;
/// Most patterns of a schema, and most bytes of one that is compiled: a schema is foreign, and this is one budget for all.
const MAX_PATTERNS: usize = 64;
const MAX_PATTERN_SIZE: usize = 128 << 10;

/// Keywords whose value is a schema.
const ONE: [&str; 5] = [
    "items",
    "additionalProperties",
    "propertyNames",
    "contains",
    "not",
];
/// Keywords whose value is a list of schemas.
const LISTED: [&str; 4] = ["prefixItems", "allOf", "anyOf", "oneOf"];
/// Keywords whose value is an object of schemas.
const NAMED: [&str; 3] = ["properties", "patternProperties", "$defs"];
/// Keywords that constrain a value by themselves.
const PLAIN: [&str; 16] = [
    "type",
    "enum",
    "const",
    "required",
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
/// Keywords that constrain nothing; so does `format`, by the standard.
const NOTES: [&str; 13] = [
    "$schema",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
    // What tools may know of a setting, whatever the policy: its role, its value in a trial plan, and the value that it has
    // unless given where an operation is granted.
    "x-promote-role",
    "x-promote-plan",
    "x-promote-granted",
];

/// A schema that cannot be used, and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(pub(super) String);

/// A schema of which every part is understood.
#[derive(Debug)]
pub struct SettingsSchema {
    pub(super) root: Value,
    patterns: BTreeMap<String, Regex>,
}

impl SettingsSchema {
    /// Reads a schema's text.
    ///
    /// # Errors
    /// When it is not JSON, not of this dialect, or uses what is not understood.
    pub fn read(text: &str) -> Result<Self, SchemaError> {
        if text.len() > LARGEST {
            return Err(SchemaError(format!(
                "it has {} bytes, at most {LARGEST} are read",
                text.len()
            )));
        }
        let root: Value = serde_json::from_str(text)
            .map_err(|error| SchemaError(format!("it is not JSON: {error}")))?;
        match &root["$schema"] {
            Value::Null => {}
            Value::String(dialect) if dialect.trim_end_matches('#') == DIALECT => {}
            other => {
                return Err(SchemaError(format!(
                    "its dialect is {other}, only {DIALECT} is understood"
                )));
            }
        }
        let mut survey = SchemaSurvey::default();
        survey.look(&root, "#")?;
        for (at, target) in &survey.references {
            if !survey.places.contains(target) {
                return Err(SchemaError(format!(
                    "{at} is `{target}`, which is no schema of this document"
                )));
            }
        }
        Ok(Self {
            root,
            patterns: survey.patterns,
        })
    }

    /// Finds the schema that a reference refers to.
    pub(super) fn target(&self, reference: &Value) -> Option<&Value> {
        self.root.pointer(reference.as_str()?.strip_prefix('#')?)
    }

    /// Whether a text fits a pattern of this schema.
    pub(super) fn fits(&self, pattern: &str, text: &str) -> bool {
        self.patterns
            .get(pattern)
            .is_some_and(|regex| regex.is_match(text))
    }
}

/// The findings in a schema.
#[derive(Default)]
struct SchemaSurvey {
    /// The places of schemas.
    places: BTreeSet<String>,
    /// The places of references, and their targets.
    references: Vec<(String, String)>,
    /// The programs of all patterns.
    patterns: BTreeMap<String, Regex>,
}

impl SchemaSurvey {
    /// Looks at a schema and all within it.
    fn look(&mut self, schema: &Value, at: &str) -> Result<(), SchemaError> {
        self.places.insert(at.to_owned());
        let object = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(object) => object,
            _ => {
                return Err(SchemaError(format!(
                    "{at} is neither an object nor a boolean"
                )));
            }
        };
        object.iter().try_for_each(|(keyword, value)| {
            self.keyword(keyword, value, &format!("{at}/{keyword}"))
        })
    }

    fn keyword(&mut self, name: &str, value: &Value, at: &str) -> Result<(), SchemaError> {
        let malformed = || SchemaError(format!("{at} is malformed"));
        if ONE.contains(&name) {
            return self.look(value, at);
        }
        if LISTED.contains(&name) {
            let mut listed = value.as_array().ok_or_else(malformed)?.iter().enumerate();
            return listed
                .try_for_each(|(index, inner)| self.look(inner, &format!("{at}/{index}")));
        }
        if NAMED.contains(&name) {
            for (key, inner) in value.as_object().ok_or_else(malformed)? {
                if name == "patternProperties" {
                    self.pattern(key, at)?;
                }
                // As a JSON Pointer has it (RFC 6901).
                self.look(
                    inner,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                )?;
            }
            return Ok(());
        }
        match name {
            "pattern" => self.pattern(value.as_str().ok_or_else(malformed)?, at),
            "$ref" => {
                let target = value.as_str().ok_or_else(malformed)?;
                self.references.push((at.to_owned(), target.to_owned()));
                Ok(())
            }
            _ if NOTES.contains(&name) || name == "$id" && at == "#/$id" => Ok(()),
            _ if PLAIN.contains(&name) && is_well_formed(name, value) => Ok(()),
            _ if PLAIN.contains(&name) => Err(malformed()),
            _ => Err(SchemaError(format!(
                "{at}: the keyword `{name}` is not understood by this host"
            ))),
        }
    }

    /// Keeps a pattern's program, unless it is none or needs what cannot run in linear time (look-around, back references).
    fn pattern(&mut self, text: &str, at: &str) -> Result<(), SchemaError> {
        if !self.patterns.contains_key(text) {
            if self.patterns.len() == MAX_PATTERNS {
                return Err(SchemaError(format!(
                    "{at}: a schema has at most {MAX_PATTERNS} patterns"
                )));
            }
            let built = RegexBuilder::new(text)
                .size_limit(MAX_PATTERN_SIZE)
                .dfa_size_limit(MAX_PATTERN_SIZE)
                .build();
            let regex = built.map_err(|_| {
                SchemaError(format!(
                    "{at}: the pattern `{text}` is not understood by this host"
                ))
            })?;
            self.patterns.insert(text.to_owned(), regex);
        }
        Ok(())
    }
}

/// Whether a keyword's value is of the kind that the standard asks for.
fn is_well_formed(keyword: &str, value: &Value) -> bool {
    let texts = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    match keyword {
        "type" => value.is_string() || texts(value),
        "enum" => value.is_array(),
        "const" => true,
        "required" => texts(value),
        "uniqueItems" => value.is_boolean(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        _ => value.is_u64(),
    }
}
