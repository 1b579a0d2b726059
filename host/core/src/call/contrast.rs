//! Two calls side by side: what was planned or recorded, and what is asked.

use std::fmt::Write as _;

use serde_json::Value;

use crate::call::Call;
use crate::text;

/// The longest piece of a value that is shown, in characters.
const MAX_SHOWN: usize = 120;
/// The most fields that are shown.
const MAX_FIELDS: usize = 8;

/// One field in which two calls differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, with dots.
    pub field: String,
    /// The value on the left, shortened.
    pub left: String,
    /// The value on the right, shortened.
    pub right: String,
}

/// The fields in which two calls of one kind differ; none if they are of two kinds.
pub fn differences(left: &Call, right: &Call) -> Vec<Difference> {
    let left = json(left);
    let right = json(right);
    let mut found = Vec::new();
    if left["call"] == right["call"] {
        compare("", &left, &right, &mut found);
    }
    found.truncate(MAX_FIELDS);
    found
}

fn json(call: &Call) -> Value {
    serde_json::to_value(call).unwrap_or_default()
}

fn compare(field: &str, left: &Value, right: &Value, found: &mut Vec<Difference>) {
    let below = |key: &str| {
        if field.is_empty() {
            key.to_owned()
        } else {
            format!("{field}.{key}")
        }
    };
    match (left, right) {
        _ if left == right => {}
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                compare(
                    &below(key),
                    value,
                    other.get(key).unwrap_or(&Value::Null),
                    found,
                );
            }
            for (key, value) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
                compare(&below(key), &Value::Null, value, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (left, right)) in one.iter().zip(other).enumerate() {
                compare(&below(&index.to_string()), left, right, found);
            }
        }
        (Value::String(one), Value::String(other)) => {
            let (line, left, right) = first_line(one, other);
            let field = line
                .map(|line| format!("{field}, line {line}"))
                .unwrap_or_else(|| field.to_owned());
            found.push(Difference {
                field,
                left: short(&format!("{left:?}")),
                right: short(&format!("{right:?}")),
            });
        }
        _ => found.push(Difference {
            field: field.to_owned(),
            left: short(&left.to_string()),
            right: short(&right.to_string()),
        }),
    }
}

/// The first line in which two texts differ, with its number if one of them has several.
fn first_line<'a>(one: &'a str, other: &'a str) -> (Option<usize>, &'a str, &'a str) {
    if !one.contains('\n') && !other.contains('\n') {
        return (None, one, other);
    }
    let mut left = one.split('\n');
    let mut right = other.split('\n');
    for number in 1.. {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) if left == right => {}
            (left, right) => {
                return (
                    Some(number),
                    left.unwrap_or_default(),
                    right.unwrap_or_default(),
                );
            }
        }
    }
    (None, one, other)
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Two sides as lines for people, in columns; `None` is a side that has no call. All text is made harmless.
pub fn show(titles: [&str; 2], left: Option<&Call>, right: Option<&Call>, nothing: &str) -> String {
    let width = titles
        .iter()
        .map(|title| title.chars().count())
        .max()
        .unwrap_or_default();
    let mut shown = String::new();
    for (title, call) in titles.iter().zip([left, right]) {
        let side = call.map_or_else(|| nothing.to_owned(), ToString::to_string);
        let _ = writeln!(shown, "{title:width$}  {}", text::line(&side));
    }
    for difference in left
        .zip(right)
        .map(|(left, right)| differences(left, right))
        .unwrap_or_default()
    {
        let Difference { field, left, right } = difference;
        let _ = writeln!(
            shown,
            "{:width$}  {}",
            "",
            text::line(&format!("{field}: {left} | {right}"))
        );
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_differ_are_named_with_both_values() {
        let read = |path: &str, revision: &str| Call::ReadFile {
            repository: "acme/gitops".to_owned(),
            path: path.to_owned(),
            revision: revision.to_owned(),
        };
        assert_eq!(differences(&read("a", "main"), &read("a", "main")), []);
        assert_eq!(differences(&read("a", "main"), &Call::Now), []);
        let found = differences(&read("a", "main"), &read("b\nc", "main"));
        let expected = Difference {
            field: "path, line 1".to_owned(),
            left: "\"a\"".to_owned(),
            right: "\"b\"".to_owned(),
        };
        assert_eq!(found, [expected]);
        let shown = show(
            ["planned", "asked"],
            Some(&read("a", "main")),
            Some(&read("a", "x\u{1b}[1m")),
            "nothing",
        );
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(
            shown.ends_with("revision: \"main\" | \"x\\u{1b}[1m\"\n"),
            "{shown}"
        );
        assert!(
            show(["planned", "asked"], None, Some(&Call::Now), "nothing")
                .starts_with("planned  nothing\n")
        );
    }
}
