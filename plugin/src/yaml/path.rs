//! How settings address a scalar: names and indexes.
//!
//! `spec.template.spec.containers[0].image`, a key with dots or slashes in quotes, `metadata.annotations["acme.example/image"]`,
//! and a list item by one of its fields, `containers[name=app].image`. Errors print the same syntax.

use std::fmt;
use std::str::FromStr;

/// A parsed path; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
    /// The item of a list whose field has this value.
    Where {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
}

impl FromStr for Path {
    type Err = String;

    /// # Errors
    /// Says what in the path is not understood.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (step, after) = bracket(inside).map_err(|what| format!("`{text}`: {what}"))?;
                steps.push(step);
                rest = after;
            } else {
                let key = if steps.is_empty() {
                    Some(rest)
                } else {
                    rest.strip_prefix('.')
                };
                let key = key.ok_or_else(|| {
                    format!("`{text}`: a `.` or a `[` is missing before `{rest}`")
                })?;
                let end = key.find(['.', '[']).unwrap_or(key.len());
                let (name, after) = key.split_at(end);
                check_name(name).map_err(|what| format!("`{text}`: {what}"))?;
                steps.push(Step::Key(name.to_owned()));
                rest = after;
            }
        }
        if steps.is_empty() {
            return Err("the path is empty".to_owned());
        }
        Ok(Self(steps))
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if name == "*" || name == "**" {
        return Err(NO_WILDCARDS.to_owned());
    }
    match name
        .chars()
        .find(|c| c.is_whitespace() || c.is_control() || "]\"'=".contains(*c))
    {
        Some(c) => Err(format!(
            "`{}` must stand in quotes, `[\"…\"]`",
            c.escape_debug()
        )),
        None => Ok(()),
    }
}

const NO_WILDCARDS: &str =
    "wildcards would reach several places: name one, by index or by `[name=…]`";

fn bracket(inside: &str) -> Result<(Step, &str), String> {
    if inside.starts_with(['"', '\'']) {
        let (key, after) = quoted(inside)?;
        return Ok((Step::Key(key), close(after)?));
    }
    let end = inside.find(['=', ']']).ok_or("a `[` is not closed")?;
    let (name, after) = inside.split_at(end);
    let Some(value) = after.strip_prefix('=') else {
        if name == "*" {
            return Err(NO_WILDCARDS.to_owned());
        }
        let all_digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let index = name.parse().ok().filter(|_| all_digits);
        let index = index.ok_or_else(|| {
            format!("`[{name}]` is neither an index from 0, nor `[name=…]`, nor `[\"key\"]`")
        })?;
        return Ok((Step::Index(index), close(after)?));
    };
    check_name(name)?;
    if value.starts_with(['"', '\'']) {
        let (value, after) = quoted(value)?;
        return Ok((
            Step::Where {
                field: name.to_owned(),
                value,
            },
            close(after)?,
        ));
    }
    let (value, after) = value.split_once(']').ok_or("a `[` is not closed")?;
    if value.is_empty() {
        return Err(format!("`[{name}=]` has no value"));
    }
    Ok((
        Step::Where {
            field: name.to_owned(),
            value: value.to_owned(),
        },
        after,
    ))
}

fn close(after: &str) -> Result<&str, String> {
    after
        .strip_prefix(']')
        .ok_or_else(|| "a `]` is missing".to_owned())
}

/// A quoted text, in which a backslash takes the next character as it is.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, c)| c);
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c if Some(c) == quote => return Ok((out, &text[at + 1..])),
            c => out.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if check_name(key).is_ok() && !key.contains(['.', '[']) => {
                    write!(out, "{}{key}", if at == 0 { "" } else { "." })?;
                }
                Step::Key(key) => write!(out, "[{}]", in_quotes(key))?,
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Where { field, value } if value.contains([']', '"', '\'']) => {
                    write!(out, "[{field}={}]", in_quotes(value))?;
                }
                Step::Where { field, value } => write!(out, "[{field}={value}]")?,
            }
        }
        Ok(())
    }
}

fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
