//! The addresses of scalars in settings: names and indexes.
//!
//! `spec.template.spec.containers[0].image`, a key with dots or slashes in quotes, `metadata.annotations["acme.example/image"]`,
//! and a list item by one of its fields, `containers[name=app].image`, `items[metadata.name=web]`. Names and values may be
//! templates, `images[name={image.repository}].newTag`: they are filled in one by one, so no value can add a step. Errors
//! print the same syntax.

use std::fmt;
use std::str::FromStr;

/// A parsed path; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlPath(pub Vec<YamlStep>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YamlStep {
    /// A key of a map.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
    /// The item of a list whose field has this value.
    Where {
        /// The field, a key or several, one within the other.
        field: Vec<String>,
        /// Its value.
        value: String,
    },
}

impl FromStr for YamlPath {
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
                let end = find_outside(key, |c| matches!(c, '.' | '[')).unwrap_or(key.len());
                let (name, after) = key.split_at(end);
                check_name(name).map_err(|what| format!("`{text}`: {what}"))?;
                steps.push(YamlStep::Key(name.to_owned()));
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
    let odd = |c: char| c.is_whitespace() || c.is_control() || "]\"'=".contains(c);
    match find_outside(name, odd) {
        Some(at) => Err(format!(
            "`{}` must stand in quotes, `[\"…\"]`",
            name[at..]
                .chars()
                .take(1)
                .collect::<String>()
                .escape_debug()
        )),
        None => Ok(()),
    }
}

/// Where the first of some characters is that does not stand in `{…}`, a part that is filled in.
fn find_outside(text: &str, is_wanted: impl Fn(char) -> bool) -> Option<usize> {
    let mut is_inside = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' => is_inside = true,
            '}' => is_inside = false,
            c if !is_inside && is_wanted(c) => return Some(at),
            _ => {}
        }
    }
    None
}

const NO_WILDCARDS: &str =
    "wildcards would reach several places: name one, by index or by `[name=…]`";

fn bracket(inside: &str) -> Result<(YamlStep, &str), String> {
    if inside.starts_with(['"', '\'']) {
        let (key, after) = quoted(inside)?;
        return match after.strip_prefix('=') {
            Some(value) => condition(vec![key], value),
            None => Ok((YamlStep::Key(key), close(after)?)),
        };
    }
    let end = find_outside(inside, |c| matches!(c, '=' | ']')).ok_or("a `[` is not closed")?;
    let (name, after) = inside.split_at(end);
    if let Some(value) = after.strip_prefix('=') {
        let mut field = Vec::new();
        let mut rest = name;
        while let Some(dot) = find_outside(rest, |c| c == '.') {
            field.push(rest[..dot].to_owned());
            rest = &rest[dot + 1..];
        }
        field.push(rest.to_owned());
        field.iter().try_for_each(|key| check_name(key))?;
        return condition(field, value);
    }
    if name == "*" {
        return Err(NO_WILDCARDS.to_owned());
    }
    let all_digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    let index = name.parse().ok().filter(|_| all_digits);
    let index = index.ok_or_else(|| {
        format!("`[{name}]` is neither an index from 0, nor `[name=…]`, nor `[\"key\"]`")
    })?;
    Ok((YamlStep::Index(index), close(after)?))
}

/// The value behind `[field=`.
fn condition(field: Vec<String>, value: &str) -> Result<(YamlStep, &str), String> {
    if value.starts_with(['"', '\'']) {
        let (value, after) = quoted(value)?;
        return Ok((YamlStep::Where { field, value }, close(after)?));
    }
    let end = find_outside(value, |c| c == ']').ok_or("a `[` is not closed")?;
    let (value, after) = (value[..end].to_owned(), &value[end + 1..]);
    if value.is_empty() {
        return Err(format!("`[{}=]` has no value", field.join(".")));
    }
    Ok((YamlStep::Where { field, value }, after))
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

impl YamlPath {
    /// The same path with every name and value filled in.
    ///
    /// # Errors
    /// As `fill` does.
    pub fn fill(&self, fill: impl Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let text = |text: &String| {
            if text.contains(['{', '}']) {
                fill(text)
            } else {
                Ok(text.clone())
            }
        };
        let steps = self.0.iter().map(|step| match step {
            YamlStep::Key(key) => text(key).map(YamlStep::Key),
            YamlStep::Index(index) => Ok(YamlStep::Index(*index)),
            YamlStep::Where { field, value } => Ok(YamlStep::Where {
                field: field.iter().map(text).collect::<Result<_, _>>()?,
                value: text(value)?,
            }),
        });
        steps.collect::<Result<_, _>>().map(Self)
    }

    /// This path with another key for its last step.
    pub fn beside(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        steps.push(YamlStep::Key(key.to_owned()));
        Self(steps)
    }

    /// This path and a key below it.
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(YamlStep::Key(key.to_owned()));
        Self(steps)
    }

    /// This path and an item below it.
    pub fn item(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(YamlStep::Index(index));
        Self(steps)
    }
}

impl fmt::Display for YamlPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                YamlStep::Key(key) if check_name(key).is_ok() && !key.contains(['.', '[']) => {
                    write!(out, "{}{key}", if at == 0 { "" } else { "." })?;
                }
                YamlStep::Key(key) => write!(out, "[{}]", in_quotes(key))?,
                YamlStep::Index(index) => write!(out, "[{index}]")?,
                YamlStep::Where { field, value } => {
                    let field = match field.as_slice() {
                        [key] if key.contains(['.', '[']) || check_name(key).is_err() => {
                            in_quotes(key)
                        }
                        keys => keys.join("."),
                    };
                    if value.contains([']', '"', '\'']) {
                        write!(out, "[{field}={}]", in_quotes(value))?;
                    } else {
                        write!(out, "[{field}={value}]")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
