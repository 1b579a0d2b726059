//! The policy and the host's check agree: what the built-in policy writes into a file, the check takes for a change of one
//! value. It allows it, or it says which key or which scope a grant would need, for which the policy refuses. It never takes
//! it for something else, which would be a violation.
//!
//! The policy knows YAML and the check knows lines and tokens, so they could differ on any layout; here they meet on
//! generated ones, and on every scalar of the manifests that the policy's own tests have.

use std::cell::Cell;

use promote_core::gate::values::{OtherChange, USUAL_KEYS, only_values_change};
use promote_core::grants::ChangeScope;
use promote_policy::yaml::node::{NodeKind, YamlNode};
use promote_policy::yaml::{DocumentSelector, ScalarAddress, YamlPath, YamlStream, find, replace};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

const CASES: u32 = 4_000;

const HEX: &str = "9b2d8e7f6a5c4d3b2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d";

/// A form of an image's parts: what stands there before and after.
fn values() -> impl Strategy<Value = (String, String)> {
    let name = select(vec![
        "nginx",
        "ghcr.io/acme/web",
        "h.example:5000/a/b-c/d_e",
        "localhost/x",
    ]);
    let typed = select(vec![
        "1.20",
        "0755",
        "1e3",
        "yes",
        "null",
        "0x1f",
        "2026-01-02",
        "12",
    ]);
    let tag = || {
        prop_oneof![
            "[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}",
            typed.clone().prop_map(str::to_owned)
        ]
    };
    let digest = || "[0-9a-f]{8}".prop_map(|start| format!("{start}{}", &HEX[8..]));
    (name, tag(), tag(), digest(), digest(), 0..8_u8).prop_map(|(name, old, new, was, is, form)| {
        match form {
            0 => (old, new),
            1 => (format!("{old}@sha256:{was}"), format!("{new}@sha256:{is}")),
            2 => (format!("sha256:{was}"), format!("sha256:{is}")),
            3 => (was, is),
            4 => (format!("{name}:{old}"), format!("{name}:{new}@sha256:{is}")),
            5 => (
                format!("{name}@sha256:{was}"),
                format!("{name}@sha256:{is}"),
            ),
            6 => (format!("web={name}:{old}"), format!("web={name}:{new}")),
            _ => (format!("{name}:{old}"), format!("{name}:{new}")),
        }
    })
}

/// A key, as a file has it and as a path names it.
fn key() -> impl Strategy<Value = (String, String)> {
    let plain = prop_oneof![
        3 => select(USUAL_KEYS.to_vec()).prop_map(str::to_owned),
        1 => select(vec!["version", "value", "myImage", "acme.example/image", "x/y", "my image", "image-tag", "a=b", "on"])
            .prop_map(str::to_owned),
    ];
    (plain, 0..4_u8).prop_map(|(key, quotes)| {
        let written = match quotes {
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            _ => key.clone(),
        };
        (written, format!("[\"{key}\"]"))
    })
}

/// How the value is written, the one that is replaced: `V` stands for it, `K` for its key, `I` for the indentation.
const FORMS: [(&str, &str); 25] = [
    ("K: V", ""),
    ("K: \"V\"", ""),
    ("K: 'V'", ""),
    ("K : V", ""),
    ("K:   V", ""),
    ("K: &a V", ""),
    ("K: !!str V", ""),
    ("K: &a \"V\"", ""),
    ("K: !!str \"V\"", ""),
    ("K:\nI  V", ""),
    ("K:\nI  \"V\"", ""),
    ("K: >-\nI  V", ""),
    ("K: |-\nI  V", ""),
    ("? K\nI: V", ""),
    ("{K: V}", "flow"),
    ("{name: app, K: \"V\"}", "flow"),
    ("{n: \"a #1\", o: 'it''s', K: V, tail: x}", "flow"),
    ("{\"K\":\"V\"}", "flow"),
    ("{ \"n\" : \"x\\\"y\", \"K\" : \"V\" }", "flow"),
    ("[V]", "list"),
    ("[-v, \"V\", x]", "list"),
    ("[--image=V, -v]", "list"),
    ("- V", "list"),
    ("- \"V\"", "list"),
    ("- x\nI- V", "list"),
];

/// A document, the path of the value in it, and what it becomes.
fn documents() -> impl Strategy<Value = (String, String, String)> {
    let around = (
        select(vec!["", " # c", "  # image: x:1", " #"]),
        select(vec!["\n", "\r\n"]),
        select(vec![
            "",
            "# image: a:1\n",
            "kind: X\n---\n",
            "s: \"a: {b\"\n",
            "t: |\n  image: a:1\n",
        ]),
        select(vec![
            "",
            "after: 1\n",
            "after: {image: b:1}\n",
            "list:\n- image: c:1\n",
        ]),
        any::<bool>(),
        0..4_u8,
    );
    (values(), key(), select(FORMS.to_vec()), around).prop_map(
        |((old, new), (key, step), (form, kind), (comment, newline, before, after, ends, nest))| {
            let (lead, indent, mut path) = match nest {
                0 => ("top:\n  ", "  ", "top".to_owned()),
                1 => (
                    "top:\n  - name: app\n    in:\n      ",
                    "      ",
                    "top[name=app].in".to_owned(),
                ),
                2 => ("top:\n- - ", "    ", "top[0][0]".to_owned()),
                _ => (
                    "top:\n  ? a\n  :\n    b:\n      ",
                    "      ",
                    "top.a.b".to_owned(),
                ),
            };
            let mut old = old;
            if form.contains("--image=V") {
                path.push_str("[0]");
                old = format!("--image={old}");
            } else if kind == "list" {
                let second = form.contains('x') && !form.starts_with("[V");
                path.push_str(if second { "[1]" } else { "[0]" });
            } else {
                path.push_str(&step);
            }
            let new = if form.contains("--image=V") {
                format!("--image={new}")
            } else {
                new
            };
            let form = form.replace("--image=V", "V").replace('I', indent);
            // The key comes last: it may hold the letters that stand for others.
            let body = match form.split_once('V') {
                Some((head, tail)) => format!("{}{old}{tail}", head.replacen('K', &key, 1)),
                None => form,
            };
            let end = if ends { "\n" } else { "" };
            let text = format!("{before}{lead}{body}{comment}\n{after}");
            let text = text.trim_end_matches('\n').to_owned() + end;
            (text.replace('\n', newline), path, new)
        },
    )
}

/// The edit of the policy, which writes over nothing but parts of images.
fn edit(text: &str, address: &ScalarAddress, value: &str) -> Result<String, String> {
    let stream = YamlStream::read(text)?;
    let site = find(&stream, address)?;
    if !is_part(&site.value) {
        return Err("no part of an image".to_owned());
    }
    replace(text, &site, value)
}

fn check(old: &str, new: &str) -> Result<(), OtherChange> {
    only_values_change(old, new, &USUAL_KEYS, ChangeScope::Images)
}

#[test]
#[expect(clippy::print_stderr, reason = "the numbers")]
fn the_host_takes_every_edit_of_the_policy_for_a_change_of_values() {
    let [allowed, named, refused] = [const { Cell::new(0_u32) }; 3];
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&documents(), |(text, path, value)| {
        let address = ScalarAddress::from(path.parse::<YamlPath>().map_err(TestCaseError::fail)?);
        let Ok(after) = edit(&text, &address, &value) else {
            refused.set(refused.get() + 1);
            return Ok(());
        };
        match check(&text, &after) {
            Ok(()) => allowed.set(allowed.get() + 1),
            Err(OtherChange::Value(_)) => named.set(named.get() + 1),
            Err(OtherChange::Text(why)) => {
                return Err(TestCaseError::fail(format!(
                    "{path} to {value}: {why}\n{text}\n--\n{after}"
                )));
            }
        }
        Ok(())
    });
    eprintln!(
        "{CASES} documents: {} edits allowed, {} told which key they need, {} refused by the policy, none a violation",
        allowed.get(),
        named.get(),
        refused.get()
    );
    result.unwrap();
    assert!(allowed.get() > CASES / 2, "too few edits are allowed");
}

/// Every scalar of a tree that is a value, with its path.
fn scalars(node: &YamlNode, path: &YamlPath, out: &mut Vec<YamlPath>) {
    match &node.kind {
        NodeKind::Scalar { .. } => out.push(path.clone()),
        NodeKind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                scalars(item, &path.item(at), out);
            }
        }
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                if let Some(key) = key.text() {
                    scalars(value, &path.key(key), out);
                }
            }
        }
        NodeKind::Alias(_) => {}
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the numbers")]
fn also_in_the_manifests_of_the_corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin/tests/manifests");
    let (mut files, mut allowed, mut named) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else {
            continue;
        };
        let Ok(stream) = YamlStream::read(&text) else {
            continue;
        };
        files += 1;
        let full = stream.documents.iter().filter(|root| !root.is_empty());
        for (index, root) in full.enumerate() {
            let mut found = Vec::new();
            scalars(root, &YamlPath(Vec::new()), &mut found);
            for path in found.into_iter().filter(|path| !path.0.is_empty()) {
                let document = DocumentSelector {
                    index: Some(index),
                    ..DocumentSelector::default()
                };
                let address = ScalarAddress {
                    document,
                    path,
                    shared: true,
                };
                let Ok(after) = edit(&text, &address, "ghcr.io/acme/new:1.20") else {
                    continue;
                };
                match check(&text, &after) {
                    Ok(()) => allowed += 1,
                    Err(OtherChange::Value(_)) => named += 1,
                    Err(OtherChange::Text(why)) => {
                        panic!("{:?}, {}: {why}", entry.path(), address.path)
                    }
                }
            }
        }
    }
    eprintln!("{files} manifests: {allowed} edits allowed, {named} told which key they need");
    assert!(files > 5 && allowed > 10, "{files} files, {allowed} edits");
}

/// Whether the policy could take a value for a part of an image.
fn is_part(value: &str) -> bool {
    use promote_policy::held::HeldImage;
    use promote_policy::settings::Part;
    [Part::Reference, Part::Tag, Part::Digest]
        .into_iter()
        .any(|part| HeldImage::read(part, value).is_ok())
}
