//! Writing a value so that every reader takes it for the same text.
//!
//! Kubernetes' tools read YAML by the rules of 1.1 (`yes`, `0755`, `12:30:45`), others by 1.2 (`0o755`). A plain scalar is
//! used only where both take it for text.

use saphyr_parser::ScalarStyle;

/// Writes a value, in the style of the scalar that it replaces if that is possible, else in double quotes.
pub fn write(value: &str, style: ScalarStyle, flow: bool) -> String {
    match style {
        ScalarStyle::Plain if is_plain_text(value, flow) => value.to_owned(),
        ScalarStyle::Literal | ScalarStyle::Folded => value.to_owned(),
        ScalarStyle::SingleQuoted if !value.contains(|c: char| c.is_control()) => {
            format!("'{}'", value.replace('\'', "''"))
        }
        _ => double_quoted(value),
    }
}

/// Whether a value can be the one line of a block scalar, where everything is text.
pub fn is_block_line(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.contains(is_break)
}

/// Characters that end a line for some reader, or that no reader takes as they are.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn double_quoted(value: &str) -> String {
    let mut out = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_break(c) => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a plain scalar with these characters is this text, for readers of YAML 1.1 and of 1.2, in block or flow style.
pub fn is_plain_text(value: &str, flow: bool) -> bool {
    let Some(first) = value.chars().next() else {
        return false;
    };
    let second = value[first.len_utf8()..].chars().next();
    let starts_badly = match first {
        '-' => second.is_none_or(|c| c == ' ' || (flow && ",[]{}".contains(c))),
        // libyaml takes neither at the start of a value between brackets.
        '?' | ':' => flow || second.is_none_or(|c| c == ' '),
        first => ",[]{}#&*!|>'\"%@`".contains(first),
    };
    let breaks = value.contains(is_break)
        || value.contains(": ")
        || value.contains(" #")
        || value.ends_with(':')
        || value.trim() != value
        || (flow && value.contains([',', '[', ']', '{', '}', '?']))
        || value.starts_with("---")
        || value.starts_with("...");
    !starts_badly && !breaks && !is_typed(value)
}

/// Whether a reader of either version takes a plain scalar for null, a boolean, a number, a date or a merge key.
fn is_typed(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let words = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=",
    ];
    words.contains(&lower.as_str()) || is_number(&lower) || is_date(&lower)
}

fn is_number(lower: &str) -> bool {
    // Go takes all `_` away before it looks, also in `0_x1f`.
    let lower = lower.replace('_', "");
    let body = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    if matches!(body, ".inf" | ".nan") {
        return true;
    }
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = body.strip_prefix(prefix) {
            return digits.chars().all(|c| c.is_digit(radix));
        }
    }
    if !body.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    // Integers, octals, decimals, exponents and 1.1's base sixty (`12:30:45`). Wider than either version, on purpose: a
    // needless pair of quotes harms nobody.
    let exponent = body.split_once('e');
    let (mantissa, exponent) = exponent.map_or((body, None), |(mantissa, exponent)| {
        (mantissa, Some(exponent))
    });
    let digits = |text: &str, extra: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || extra.contains(c))
    };
    let exponent_fits = exponent
        .is_none_or(|e| !e.is_empty() && digits(e.strip_prefix(['+', '-']).unwrap_or(e), ""));
    // Several dots are a version, `1.4.2`: the letter of 1.1's pattern for floats has them, no reader does.
    mantissa.contains(|c: char| c.is_ascii_digit())
        && digits(mantissa, ".:")
        && mantissa.matches('.').count() <= 1
        && exponent_fits
}

/// `2024-01-01`, and with a time behind it.
fn is_date(lower: &str) -> bool {
    let mut parts = lower.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let day = rest.split(['t', ' ']).next().unwrap_or(rest);
    year.len() == 4
        && digits(year)
        && (1..=2).contains(&month.len())
        && digits(month)
        && (1..=2).contains(&day.len())
        && digits(day)
}
