//! The fields that a GraphQL document selects (GraphQL specification, sections 2.4 to 2.8).
//!
//! Arguments are skipped, and every type condition counts as met: a field of a fragment that an object does not have is
//! left out.

use serde_json::{Map, Value};

/// Deeper documents are refused, so that no body can exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A set of selected fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selection(Vec<SelectedField>);

#[derive(Clone, Debug, PartialEq)]
struct SelectedField {
    name: String,
    alias: String,
    /// True if it stands in a fragment, so that it may be a field of another type.
    is_conditional: bool,
    fields: Option<Selection>,
}

impl Selection {
    /// Reads the first operation of a document; `@include` and `@skip` are decided by the variables.
    ///
    /// Fails with words for the client if the document is not one.
    pub(super) fn parse(document: &str, variables: &Value) -> Result<Self, String> {
        let mut parser = Parser {
            rest: document,
            variables,
        };
        while !parser.peeks('{') {
            if parser.peeks('(') {
                parser.skip_arguments()?;
            } else {
                parser.skip_token()?;
            }
        }
        parser.selection(false, MAX_DEPTH)
    }

    /// Returns the selection below a field, or none if the field is not selected.
    pub(super) fn child(&self, name: &str) -> Option<Self> {
        let field = self.0.iter().find(|field| field.name == name)?;
        Some(field.fields.clone().unwrap_or_default())
    }

    /// Returns the selected part of a value, or the name of a selected field that the value does not have.
    pub(super) fn project(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.project(item)).collect(),
            Value::Object(object) => {
                let mut projected = Map::new();
                for field in &self.0 {
                    let Some(value) = object.get(&field.name) else {
                        if field.is_conditional {
                            continue;
                        }
                        return Err(field.name.clone());
                    };
                    let value = match &field.fields {
                        Some(fields) => fields.project(value)?,
                        None => value.clone(),
                    };
                    projected.insert(field.alias.clone(), value);
                }
                Ok(Value::Object(projected))
            }
            scalar => Ok(scalar.clone()),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    variables: &'a Value,
}

impl<'a> Parser<'a> {
    /// Skips white space, commas and comments.
    fn skip_ignored(&mut self) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
    }

    fn peeks(&mut self, wanted: char) -> bool {
        self.skip_ignored();
        self.rest.starts_with(wanted)
    }

    fn takes(&mut self, wanted: &str) -> bool {
        self.skip_ignored();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        self.skip_ignored();
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return Err(self.unexpected());
        }
        self.rest = rest;
        Ok(name)
    }

    fn unexpected(&self) -> String {
        match self.rest.chars().next() {
            Some(found) => format!("Parse error on \"{found}\""),
            None => "Unexpected end of document".to_owned(),
        }
    }

    fn skip_token(&mut self) -> Result<(), String> {
        self.skip_ignored();
        let length = self.rest.chars().next().map(char::len_utf8);
        self.rest = &self.rest[length.ok_or_else(|| self.unexpected())?..];
        Ok(())
    }

    /// Skips `(…)`. A bracket inside a string counts for nothing.
    fn skip_arguments(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        let mut is_text = false;
        let mut is_escaped = false;
        for (at, c) in self.rest.char_indices() {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' if is_text => is_escaped = true,
                '"' => is_text = !is_text,
                '(' if !is_text => depth += 1,
                ')' if !is_text => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(());
            }
        }
        Err("Unexpected end of document".to_owned())
    }

    fn selection(&mut self, is_conditional: bool, depth: usize) -> Result<Selection, String> {
        let depth = depth
            .checked_sub(1)
            .ok_or("The document is nested too deeply")?;
        if !self.takes("{") {
            return Err(self.unexpected());
        }
        let mut fields = Vec::new();
        while !self.takes("}") {
            if self.takes("...") {
                if self.peeks('o') {
                    self.name()?;
                    self.name()?;
                }
                let is_included = self.directives()?;
                let Selection(inner) = self.selection(true, depth)?;
                if is_included {
                    fields.extend(inner);
                }
                continue;
            }
            let alias = self.name()?;
            let name = if self.takes(":") { self.name()? } else { alias };
            if self.peeks('(') {
                self.skip_arguments()?;
            }
            let is_included = self.directives()?;
            let below = if self.peeks('{') {
                Some(self.selection(false, depth)?)
            } else {
                None
            };
            if is_included {
                fields.push(SelectedField {
                    name: name.to_owned(),
                    alias: alias.to_owned(),
                    is_conditional,
                    fields: below,
                });
            }
        }
        Ok(Selection(fields))
    }

    /// Reads directives, and returns false if one of them leaves the field out.
    fn directives(&mut self) -> Result<bool, String> {
        let mut is_included = true;
        while self.takes("@") {
            let wanted = match self.name()? {
                "include" => true,
                "skip" => false,
                other => return Err(format!("Directive @{other} is not defined")),
            };
            if !self.takes("(") || self.name()? != "if" || !self.takes(":") {
                return Err(self.unexpected());
            }
            let value = if self.takes("$") {
                self.variables[self.name()?] == true
            } else {
                self.name()? == "true"
            };
            if !self.takes(")") {
                return Err(self.unexpected());
            }
            is_included &= value == wanted;
        }
        Ok(is_included)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_holds_what_is_selected() {
        let value = json!({"a": {"id": 1, "kind": "x", "list": [{"n": 1, "m": 2}, {"n": 3, "m": 4}]}, "b": null, "c": 5});
        for (document, variables, expected) in [
            ("{ c }", json!({}), json!({"c": 5})),
            (
                "query Name($x: Int = 3) { a(text: \") }\", n: $x) { list { n } } b { id } }",
                json!({}),
                json!({"a": {"list": [{"n": 1}, {"n": 3}]}, "b": null}),
            ),
            (
                "{ other: c # a comment }\n a { ... on Thing { id nothing } } }",
                json!({}),
                json!({"other": 5, "a": {"id": 1}}),
            ),
            (
                "query($no: Boolean!) { b c @include(if: $no) a @skip(if: $no) { ... @include(if: $no) { id } kind } }",
                json!({"no": false}),
                json!({"b": null, "a": {"kind": "x"}}),
            ),
        ] {
            let selection = Selection::parse(document, &variables).unwrap();
            assert_eq!(selection.project(&value), Ok(expected), "{document}");
        }
        let unknown = Selection::parse("{ a { id other } }", &json!({})).unwrap();
        assert_eq!(unknown.project(&value), Err("other".to_owned()));
    }

    #[test]
    fn what_is_no_document_is_refused_without_a_panic() {
        let deep = "{a".repeat(1000);
        for document in [
            "query",
            "{",
            "{ a",
            "{ a(",
            "{ a(b: \"",
            "{ }}",
            "{ a @other }",
            "{ a @include(if: $x",
            "{ ... on }",
            "{ é }",
            &deep,
        ] {
            let parsed = Selection::parse(document, &Value::Null);
            assert!(
                parsed.is_err() || document == "{ }}",
                "{document}: {parsed:?}"
            );
        }
    }
}
