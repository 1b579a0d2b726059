//! The fields that a GraphQL document selects (GraphQL specification, sections 2.4 to 2.8).
//!
//! Every type condition counts as met: a field of a fragment that an object does not have is left out.

use serde_json::{Map, Value};

/// Deeper documents are refused, so that no body can exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A set of selected fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selection(Vec<SelectedField>);

/// A field, as a document asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SelectedField {
    pub(super) name: String,
    /// Its name in the answer.
    pub(super) alias: String,
    /// Its arguments, with the values of variables.
    pub(super) arguments: Map<String, Value>,
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

    /// Returns the selected fields in their order.
    pub(super) fn fields(&self) -> &[SelectedField] {
        &self.0
    }

    /// Returns a field, or none if it is not selected.
    pub(super) fn field(&self, name: &str) -> Option<&SelectedField> {
        self.0.iter().find(|field| field.name == name)
    }

    /// Returns the selection below a field, or none if the field is not selected.
    pub(super) fn child(&self, name: &str) -> Option<Self> {
        Some(self.field(name)?.below())
    }

    /// Returns the selected part of a value, or the name of a selected field that the value does not have.
    pub(super) fn project(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.project(item)).collect(),
            Value::Object(object) => {
                let mut projected = Map::new();
                for field in &self.0 {
                    // The same field with other arguments stands under its name in the answer.
                    let value = object.get(&field.alias).or_else(|| object.get(&field.name));
                    let Some(value) = value else {
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

impl SelectedField {
    /// Returns the selection below it.
    pub(super) fn below(&self) -> Selection {
        self.fields.clone().unwrap_or_default()
    }

    /// Returns an argument that is a text, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.arguments
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
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

    /// Reads names with values, up to what closes them.
    fn named_values(&mut self, end: &str, depth: usize) -> Result<Map<String, Value>, String> {
        let mut values = Map::new();
        while !self.takes(end) {
            let name = self.name()?;
            if !self.takes(":") {
                return Err(self.unexpected());
            }
            // A variable that is not given leaves its argument out.
            if let Some(value) = self.value(depth)? {
                values.insert(name.to_owned(), value);
            }
        }
        Ok(values)
    }

    /// Reads a value (GraphQL specification, section 2.9); a name of an enumeration is a text.
    fn value(&mut self, depth: usize) -> Result<Option<Value>, String> {
        let depth = depth
            .checked_sub(1)
            .ok_or("The document is nested too deeply")?;
        if self.takes("$") {
            let name = self.name()?;
            return Ok(self.variables.get(name).cloned());
        }
        if self.takes("{") {
            return Ok(Some(Value::Object(self.named_values("}", depth)?)));
        }
        if self.takes("[") {
            let mut items = Vec::new();
            while !self.takes("]") {
                items.extend(self.value(depth)?);
            }
            return Ok(Some(Value::Array(items)));
        }
        if self.peeks('"') {
            return self.string().map(Some);
        }
        let end = |c: char| !(c.is_ascii_alphanumeric() || "_+-.".contains(c));
        let length = self.rest.find(end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        if word.is_empty() {
            return Err(self.unexpected());
        }
        self.rest = rest;
        let plain = serde_json::from_str(word).unwrap_or_else(|_| Value::from(word));
        Ok(Some(plain))
    }

    fn string(&mut self) -> Result<Value, String> {
        let mut is_escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        let (end, _) = end.ok_or("Unexpected end of document")?;
        let (text, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        serde_json::from_str(text).map_err(|_| format!("{text} is not a string"))
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
            let arguments = if self.takes("(") {
                self.named_values(")", depth)?
            } else {
                Map::new()
            };
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
                    arguments,
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
