//! Names that every language, registry and file system takes.

use anyhow::bail;

/// Most characters of a name.
const MAX_NAME_CHARS: usize = 50;

/// Names that mean something else: to Rust as a crate (the Reference, "Keywords"; cargo's own list), or to the project itself.
const RESERVED_NAMES: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "policy",
    "priv",
    "proc-macro",
    "promote",
    "promote-guest",
    "promote-template",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Checks the name of a policy.
///
/// # Errors
/// Says what a name is, and one that is near.
pub(super) fn check(name: &str) -> anyhow::Result<()> {
    if RESERVED_NAMES.contains(&name) {
        bail!("`{name}` means something else to Rust or to this program: try `{name}-policy`");
    }
    let near = near(name);
    if near == name && !name.is_empty() {
        return Ok(());
    }
    let suggestion = if near.is_empty() {
        String::new()
    } else {
        format!("; try `{near}`")
    };
    bail!(
        "`{}` is no name for a policy: up to {MAX_NAME_CHARS} small letters, digits and single hyphens, a letter first{suggestion}",
        name.escape_debug()
    )
}

/// The nearest good name; the name itself if it is one.
fn near(name: &str) -> String {
    let plain = name
        .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
        .to_ascii_lowercase();
    let words = plain
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    // It is all ASCII by now.
    joined
        .get(..MAX_NAME_CHARS)
        .unwrap_or(&joined)
        .trim_end_matches('-')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_bad_ones_have_a_good_one_beside_them() {
        for good in ["a", "freeze-fridays", "team2", "a1-b2"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "x".repeat(51);
        for (bad, near) in [
            ("Freeze Fridays", "try `freeze-fridays`"),
            ("../up", "try `up`"),
            ("2nd", "try `nd`"),
            ("a--b", "try `a-b`"),
            ("under_score", "try `under-score`"),
            ("-x-", "try `x`"),
            ("fn", "try `fn-policy`"),
            ("promote-guest", "try `promote-guest-policy`"),
            ("ünï", "try `n`"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("", "a letter first"),
            (&long, "up to 50"),
        ] {
            let error = check(bad).map_err(|error| error.to_string());
            assert!(
                error.as_ref().is_err_and(|error| error.contains(near)),
                "{bad}: {error:?}"
            );
        }
    }
}
