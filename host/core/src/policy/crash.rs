//! The place of a crash, for the policy's author. It is told by names that the component brings, so it proves nothing.

use std::fmt::{self, Write as _};

use rustc_demangle::try_demangle;
use wasmtime::WasmBacktrace;

/// Most bytes of one name: a component may bring any.
const LONGEST_NAME: usize = 200;

/// The machinery between a crash and the function that is to blame.
const MACHINERY: [&str; 4] = ["std::", "core::", "alloc::", "__rustc"];

/// Returns a line for each function that was being called, the innermost first. Only names of Rust are told: those of an
/// interpreter's own functions would say nothing of the script, whose exception says more.
pub(crate) fn places(crash: &wasmtime::Error) -> String {
    let Some(backtrace) = crash.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let names = backtrace.frames().iter().filter_map(|frame| {
        let name = rust_name(frame.func_name()?)?;
        let is_machinery = MACHINERY
            .iter()
            .any(|part| name.trim_start_matches('<').starts_with(part));
        (!is_machinery).then_some(name)
    });
    lines(names)
}

/// A line for each name; one that comes again and again, as in a recursion, is counted.
fn lines(names: impl Iterator<Item = String>) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for name in names {
        match counted.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counted.push((name, 1)),
        }
    }
    let mut text = String::new();
    for (name, count) in counted {
        let times = if count > 1 {
            format!(", {count} times")
        } else {
            String::new()
        };
        text.push_str(&format!("  at {name}{times}\n"));
    }
    text
}

/// A name as Rust's source has it; none if it is not one of Rust's.
fn rust_name(symbol: &str) -> Option<String> {
    let symbol = try_demangle(symbol).ok()?;
    let mut name = ShortName(String::new());
    // It ends early where the name is too long, which is as well.
    let _ = write!(name, "{symbol:#}");
    Some(name.0)
}

/// A name that takes no more than [`LONGEST_NAME`] bytes: a small symbol may stand for an endless name.
struct ShortName(String);

impl fmt::Write for ShortName {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST_NAME - self.0.len();
        if text.len() > room {
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, lines, rust_name};

    #[test]
    fn only_names_of_rust_are_told_and_none_at_length() {
        for (symbol, expected) in [
            (
                "_RNvNtCsbnsXUY0m3Ki_11policy_rust5rules4deep",
                Some("policy_rust::rules::deep"),
            ),
            (
                "_ZN11policy_rust5rules4deep17h0123456789abcdefE",
                Some("policy_rust::rules::deep"),
            ),
            ("JS_CallInternal", None),
            ("promote:policy/promotion@0.1.0#promote", None),
            ("", None),
        ] {
            assert_eq!(rust_name(symbol).as_deref(), expected, "{symbol}");
        }
        let long = format!("_ZN500{}17h0123456789abcdefE", "a".repeat(500));
        assert_eq!(rust_name(&long).map(|name| name.len()), Some(LONGEST_NAME));
    }

    #[test]
    fn a_recursion_is_one_line() {
        let names = ["deep", "deep", "deep", "promote"].map(str::to_owned);
        assert_eq!(
            lines(names.into_iter()),
            "  at deep, 3 times\n  at promote\n"
        );
    }
}
