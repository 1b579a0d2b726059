//! Edits for other readers to judge: `tests/yaml/run` reads every file of the YAML test suite, and every generated document,
//! before and after with libraries that this policy does not use.
//!
//! `PROMOTE_YAML_CASES` names a file with a JSON list of texts, `PROMOTE_YAML_EDITS` the file that edits are added to.

use std::io::Write as _;

use promote_policy::yaml::node::{NodeKind, YamlNode};
use promote_policy::yaml::{DocumentSelector, ScalarAddress, YamlPath, YamlStream};
use serde_json::{Value, json};

use super::edit_at;

/// Adds an edit to the file that other readers judge, if there is one.
pub(super) fn record(
    before: &str,
    address: &ScalarAddress,
    keys: &Value,
    value: &str,
    after: &str,
) {
    let Ok(file) = std::env::var("PROMOTE_YAML_EDITS") else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .unwrap();
    let edit = json!({
        "before": before, "after": after, "document": address.document.index, "keys": keys, "value": value,
    });
    // In one piece: tests run side by side.
    file.write_all(format!("{edit}\n").as_bytes()).unwrap();
}

/// Every scalar of a tree, with its way as keys and indexes; none below a key that is no plain text.
fn scalars(
    node: &YamlNode,
    path: &YamlPath,
    keys: &[Value],
    out: &mut Vec<(YamlPath, Vec<Value>)>,
) {
    match &node.kind {
        NodeKind::Scalar { .. } => out.push((path.clone(), keys.to_vec())),
        NodeKind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                let keys = [keys, &[json!(at)]].concat();
                scalars(item, &path.item(at), &keys, out);
            }
        }
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                if let Some(key) = key.text() {
                    let keys = [keys, &[json!(key)]].concat();
                    scalars(value, &path.key(key), &keys, out);
                }
            }
        }
        NodeKind::Alias(_) => {}
    }
}

/// Edits every scalar of a text, and looks at what stays; how many were edited and how many refused.
fn edit_all(text: &str) -> (usize, usize) {
    let Ok(stream) = YamlStream::read(text) else {
        return (0, 0);
    };
    let (mut edited, mut refused) = (0, 0);
    let full = stream.documents.iter().filter(|root| !root.is_empty());
    for (index, root) in full.enumerate() {
        let mut found = Vec::new();
        scalars(root, &YamlPath(Vec::new()), &[], &mut found);
        for (path, keys) in found {
            if path.0.is_empty() {
                continue;
            }
            let address = ScalarAddress {
                document: DocumentSelector {
                    index: Some(index),
                    ..DocumentSelector::default()
                },
                path,
                shared: false,
            };
            for value in ["v2", "1.20", "a: b #c"] {
                match edit_at(text, &address, value) {
                    Ok(after) => {
                        edited += 1;
                        assert_eq!(text.lines().count(), after.lines().count(), "{text}");
                        record(text, &address, &json!(keys), value, &after);
                    }
                    Err(_) => refused += 1,
                }
            }
        }
    }
    (edited, refused)
}

#[test]
fn files_of_others_are_edited_or_refused() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests");
    let mut texts: Vec<String> = std::fs::read_dir(own)
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect();
    if let Ok(file) = std::env::var("PROMOTE_YAML_CASES") {
        let cases = std::fs::read_to_string(file).unwrap();
        texts.extend(serde_json::from_str::<Vec<String>>(&cases).unwrap());
    }
    let (mut edited, mut refused) = (0, 0);
    for text in &texts {
        let (more, less) = edit_all(text);
        edited += more;
        refused += less;
    }
    println!("{} texts: {edited} edits, {refused} refused", texts.len());
    assert!(edited > 100, "too few edits: {edited}");
}
