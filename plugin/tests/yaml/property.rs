//! For any document and any addressed scalar: the edit changes bytes within that scalar only, or it is refused.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use serde_json::json;

use super::{edit, judged};
use promote_policy::yaml::path::YamlStep;
use promote_policy::yaml::{DocumentSelector, ScalarAddress, YamlPath};

const CASES: u32 = 4_000;

/// A value of a generated document.
#[derive(Clone, Debug)]
enum Value {
    /// As written, with its style, without line breaks.
    Scalar(String),
    List(Vec<Self>),
    Map(Vec<Self>),
}

/// How a document is laid out.
#[derive(Clone, Debug)]
struct Layout {
    indent: usize,
    newline: &'static str,
    bom: bool,
    comment: &'static str,
    flow_below: usize,
    last_newline: bool,
    documents: usize,
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9/._-]{0,12}(:[a-z0-9][a-z0-9.]{0,5})?",
        "\"[a-zA-Z0-9 :#,é☕🚀{}'-]{0,12}\"",
        "'[a-zA-Z0-9 :#,é☕{}\"-]{0,10}('')?'",
        Just("0755".to_owned()),
        Just("yes".to_owned()),
        Just("1.10".to_owned()),
        Just("!vault x".to_owned()),
        Just("!!str 7".to_owned()),
        Just("&anchor x".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar()
        .prop_map(Value::Scalar)
        .prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::List),
                prop::collection::vec(inner, 1..5).prop_map(Value::Map),
            ]
        })
}

fn layout() -> impl Strategy<Value = Layout> {
    let words = (
        prop::sample::select(vec!["\n", "\r\n"]),
        prop::sample::select(vec!["", " # note: x", "   #"]),
    );
    (
        2_usize..5,
        words,
        any::<[bool; 2]>(),
        0_usize..5,
        1_usize..4,
    )
        .prop_map(
            |(indent, (newline, comment), [bom, last_newline], flow_below, documents)| Layout {
                indent,
                newline,
                bom,
                comment,
                flow_below,
                last_newline,
                documents,
            },
        )
}

/// A document's text, with the path and the span of each of its scalars.
#[derive(Default)]
struct Written {
    text: String,
    scalars: Vec<(String, std::ops::Range<usize>)>,
}

impl Written {
    fn block(&mut self, value: &Value, path: &str, depth: usize, layout: &Layout) {
        let pad = " ".repeat(depth * layout.indent);
        let (children, list): (&[Value], bool) = match value {
            Value::List(items) => (items, true),
            Value::Map(items) => (items, false),
            Value::Scalar(_) => return,
        };
        for (at, child) in children.iter().enumerate() {
            let (lead, path) = if list {
                ("-".to_owned(), format!("{path}[{at}]"))
            } else {
                (format!("k{at}:"), format!("{path}.k{at}"))
            };
            self.text.push_str(&format!("{pad}{lead}"));
            if matches!(child, Value::Scalar(_)) || depth >= layout.flow_below {
                self.text.push(' ');
                self.flow(child, &path);
                self.text
                    .push_str(&format!("{}{}", layout.comment, layout.newline));
            } else {
                self.text
                    .push_str(&format!("{}{}", layout.comment, layout.newline));
                self.block(child, &path, depth + 1, layout);
            }
        }
    }

    fn flow(&mut self, value: &Value, path: &str) {
        match value {
            Value::Scalar(written) => {
                let start = self.text.len();
                self.text.push_str(written);
                self.scalars.push((
                    path.trim_start_matches('.').to_owned(),
                    start..self.text.len(),
                ));
            }
            Value::List(items) => {
                self.text.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    self.flow(item, &format!("{path}[{at}]"));
                }
                self.text.push(']');
            }
            Value::Map(items) => {
                self.text.push('{');
                for (at, item) in items.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    self.text.push_str(&format!("k{at}: "));
                    self.flow(item, &format!("{path}.k{at}"));
                }
                self.text.push('}');
            }
        }
    }
}

/// Writes the document among others that hold none of its paths.
fn write(roots: &[Value], layout: &Layout) -> Written {
    let mut out = Written::default();
    if layout.bom {
        out.text.push('\u{feff}');
    }
    for number in 0..layout.documents {
        if number + 1 == layout.documents {
            out.block(&Value::Map(roots.to_vec()), "", 0, layout);
        } else {
            out.text.push_str(&format!(
                "other{number}: x{}---{}",
                layout.newline, layout.newline
            ));
        }
    }
    if !layout.last_newline {
        out.text
            .truncate(out.text.trim_end_matches(['\r', '\n']).len());
    }
    out
}

/// Hands an edit to other readers. Generated keys are `k0`, indexes stand in brackets; the last document is the one.
fn record_generated(before: &str, path: &str, value: &str, after: &str) {
    let parsed: YamlPath = path.parse().unwrap();
    let keys = parsed.0.iter().map(|step| match step {
        YamlStep::Index(at) => json!(at),
        YamlStep::Key(key) => json!(key),
        YamlStep::Where { .. } => unreachable!("not generated"),
    });
    let keys: Vec<_> = keys.collect();
    let mut address = ScalarAddress::from(parsed);
    let lines = before.lines();
    let markers = lines.filter(|line| line.trim_end() == "---").count();
    address.document.index = Some(markers);
    judged::record(before, &address, &json!(keys), value, after);
}

#[test]
fn an_edit_stays_within_the_scalar() {
    let (edited, refused) = (Cell::new(0), Cell::new(0));
    let inputs = (
        prop::collection::vec(value(), 1..5),
        layout(),
        any::<prop::sample::Index>(),
        prop_oneof![
            "[a-z]{1,8}/[a-z]{1,8}:[0-9]\\.[0-9]{1,3}",
            "[ -~]{1,16}",
            "[0-9.e_:-]{1,8}"
        ],
    );
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&inputs, |(roots, layout, pick, new)| {
        let document = write(&roots, &layout);
        let (path, span) = document.scalars[pick.index(document.scalars.len())].clone();
        match edit(&document.text, DocumentSelector::default(), &path, &new) {
            Ok(after) => {
                edited.set(edited.get() + 1);
                record_generated(&document.text, &path, &new, &after);
                let tail = document.text.len() - span.end;
                prop_assert!(after.len() >= span.start + tail);
                prop_assert_eq!(&after[..span.start], &document.text[..span.start]);
                prop_assert_eq!(&after[after.len() - tail..], &document.text[span.end..]);
                let lines = |text: &str| text.matches('\n').count();
                prop_assert_eq!(lines(&after), lines(&document.text));
                // A second edit finds the first: the new value is there, and is that text. Templates are not edited.
                if !["{{", "${", "$("].iter().any(|mark| new.contains(mark)) {
                    let back = edit(&after, DocumentSelector::default(), &path, &new);
                    prop_assert_eq!(back.unwrap_or_default(), after);
                }
            }
            Err(why) => {
                refused.set(refused.get() + 1);
                let known = [
                    "nothing is deployed",
                    "has the tag",
                    "template",
                    "stands twice",
                    "right before a comma",
                ];
                prop_assert!(
                    known.iter().any(|reason| why.contains(reason)),
                    "{}: {}\n{}",
                    path,
                    why,
                    document.text
                );
            }
        }
        Ok(())
    });
    println!(
        "{CASES} documents: {} edited, {} refused",
        edited.get(),
        refused.get()
    );
    result.unwrap();
    assert!(edited.get() > CASES / 2, "too few documents reach an edit");
}
