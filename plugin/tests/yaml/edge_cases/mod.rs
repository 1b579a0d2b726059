//! One row per case of the list of YAML edge cases that the policy was built from; `cargo test -- --nocapture` prints them.
//!
//! Cases 49 and 51 to 53 are rules of the policy (`gates/image.rs`); 11, 54 and 55 are what the host does before the policy
//! sees a file or after it proposed one.

mod scalars;
mod structure;
mod styles;

use super::edit;
use promote_policy::yaml::DocumentSelector;

const NEW: &str = "repo/app:2.0";

/// What must come of an edit: exactly this text, or a refusal that contains each of these.
enum Expect<'a> {
    Text(&'a str),
    Refuse(&'a [&'a str]),
}

use Expect::{Refuse, Text};

struct Row<'a> {
    case: &'a str,
    what: &'a str,
    path: &'a str,
    value: &'a str,
    before: &'a str,
    expect: Expect<'a>,
}

fn row<'a>(case: &'a str, what: &'a str, before: &'a str, expect: Expect<'a>) -> Row<'a> {
    Row {
        case,
        what,
        path: "image",
        value: NEW,
        before,
        expect,
    }
}

fn at<'a>(path: &'a str, row: Row<'a>) -> Row<'a> {
    Row { path, ..row }
}

fn with<'a>(value: &'a str, row: Row<'a>) -> Row<'a> {
    Row { value, ..row }
}

/// Runs the rows, prints each, and fails at the end with all that did not hold.
fn check(rows: Vec<Row<'_>>) {
    let mut failed = Vec::new();
    for row in &rows {
        let result = edit(row.before, DocumentSelector::default(), row.path, row.value);
        let holds = match (&result, &row.expect) {
            (Ok(text), Text(expected)) => text == expected,
            (Err(why), Refuse(parts)) => parts.iter().all(|part| why.contains(part)),
            _ => false,
        };
        println!(
            "{:<4} {:<4} {}",
            row.case,
            if holds { "pass" } else { "FAIL" },
            row.what
        );
        if !holds {
            let shown: String = format!("{result:?}").chars().take(600).collect();
            failed.push(format!("{} {}: {shown}", row.case, row.what));
        }
    }
    println!("{} rows, {} failed", rows.len(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
