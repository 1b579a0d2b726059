//! Text with `{expression}` in it. Braces are doubled to stand for themselves.

use cel::{Context, Value};
use promote_template::braces::{self, LoneBrace, TextPart};
use serde_json::Value as Json;

use super::check::Scope;
use super::expression::Expression;
use super::kind::Kind;

/// A text with holes.
#[derive(Debug)]
pub struct Template {
    parts: Vec<TemplatePart>,
}

#[derive(Debug)]
enum TemplatePart {
    Text(String),
    Hole(Expression),
}

impl Template {
    /// Reads a template and compiles its expressions.
    ///
    /// # Errors
    /// When a brace has no partner, or an expression is not CEL.
    pub fn compile(source: &str) -> Result<Self, String> {
        let split = braces::split(source, end_of_hole).map_err(|brace| match brace {
            LoneBrace::Open => "a `{` has no `}`: double it to mean a brace",
            LoneBrace::Close => "a `}` has no `{`: double it to mean a brace",
        })?;
        let compile = |part| match part {
            TextPart::Text(text) => Ok(TemplatePart::Text(text)),
            TextPart::Hole(hole) => Expression::compile(hole.trim())
                .map(TemplatePart::Hole)
                .map_err(|why| format!("`{{{hole}}}`: {why}")),
        };
        let parts = split.into_iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// Checks every expression.
    ///
    /// # Errors
    /// Names the first that is wrong.
    pub fn check(&self, scope: &Scope) -> Result<(), String> {
        for hole in self.holes() {
            let source = hole.source();
            let kind = hole
                .check(scope)
                .map_err(|why| format!("`{{{source}}}`: {why}"))?;
            if matches!(
                kind,
                Kind::Map(_) | Kind::Record(..) | Kind::Null | Kind::Type | Kind::Bytes
            ) {
                return Err(format!("`{{{source}}}` is {kind}, which is no text"));
            }
        }
        Ok(())
    }

    fn holes(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Hole(hole) => Some(hole),
            TemplatePart::Text(_) => None,
        })
    }

    /// Fills the holes in.
    ///
    /// # Errors
    /// Names the expression that has no value, or none that is a text.
    pub fn render(&self, context: &Context<'_, '_>) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Text(part) => text.push_str(part),
                TemplatePart::Hole(hole) => {
                    let value = computed(hole, context)?;
                    let shown = shown(&value);
                    text.push_str(&shown.ok_or_else(|| no_text(hole))?);
                }
            }
        }
        Ok(text)
    }

    /// Fills the holes in, as data: a template that is one hole has the value as it is, also a number or a list.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_json(&self, context: &Context<'_, '_>) -> Result<Json, String> {
        match self.parts.as_slice() {
            [TemplatePart::Hole(hole)] => {
                let value = computed(hole, context)?;
                if matches!(value, Value::Timestamp(_) | Value::Duration(_)) {
                    return shown(&value).map(Json::String).ok_or_else(|| no_text(hole));
                }
                value.json().map_err(|_| no_text(hole))
            }
            _ => self.render(context).map(Json::String),
        }
    }
}

fn computed(hole: &Expression, context: &Context<'_, '_>) -> Result<Value, String> {
    hole.compute(context)
        .map_err(|why| format!("`{{{}}}`: {why}", hole.source()))
}

fn no_text(hole: &Expression) -> String {
    format!("`{{{}}}` is no text", hole.source())
}

/// Returns where the expression of a hole ends: at the brace that closes it, outside of strings and of maps.
fn end_of_hole(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Returns a value as people read it; none if it is no text, number or list of them.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Timestamp(time) => Some(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        Value::Duration(span) => Some(format!("{}s", span.num_seconds())),
        Value::List(values) => {
            let values: Option<Vec<String>> = values.iter().map(shown).collect();
            Some(values?.join(", "))
        }
        _ => None,
    }
}
