//! A scalar that may be replaced, and the last look at it.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::find::{inventory, source};
use super::foreign::is_template;
use super::node::{NodeKind, TextPosition, YamlNode, YamlStream};
use super::path::YamlPath;
use super::quote;

/// A scalar that may be replaced.
#[derive(Clone, Debug)]
pub struct ScalarSite {
    /// Its text.
    pub value: String,
    /// Its style.
    pub style: ScalarStyle,
    /// Whether it stands in `{…}` or `[…]`.
    pub flow: bool,
    /// Its bytes.
    pub bytes: Range<usize>,
    /// Its beginning.
    pub place: TextPosition,
    /// Whether every reader takes it for text as it stands.
    pub is_text: bool,
    /// The block text that it stands in, if the file holds one document within another.
    pub enclosing: Option<Box<EnclosingBlock>>,
}

/// A block text with a document of its own.
#[derive(Clone, Debug)]
pub struct EnclosingBlock {
    /// The block's bytes in the file.
    pub bytes: Range<usize>,
    /// The scalar within that document.
    pub site: ScalarSite,
}

/// Takes a node for a scalar that may be replaced.
///
/// # Errors
/// Says why it may not.
pub(super) fn site(
    stream: &YamlStream<'_>,
    node: &YamlNode,
    path: &YamlPath,
) -> Result<ScalarSite, String> {
    let at = node.place;
    let NodeKind::Scalar { value, style, flow } = &node.kind else {
        let rest = stream.text.get(node.bytes.start..).unwrap_or_default();
        return Err(if rest.starts_with("{{") {
            template(path, at, "{{ … }}")
        } else {
            format!(
                "`{path}` at {at} is {}, not a single value: it {}",
                node.noun(),
                inventory(node)
            )
        });
    };
    let bytes = exact_bytes(stream, node, path)?;
    check_sops(stream, path, at, value)?;
    let text_tag = matches!(node.tag.as_deref(), Some("tag:yaml.org,2002:str" | "!"));
    if let Some(tag) = node.tag.as_deref().filter(|_| !text_tag) {
        return Err(format!(
            "`{path}` at {at} has the tag `{}`, so it is not plain text",
            tag.escape_debug()
        ));
    }
    let plain = matches!(style, ScalarStyle::Plain);
    if value.is_empty() || (plain && matches!(value.as_str(), "~" | "null" | "Null" | "NULL")) {
        return Err(format!(
            "`{path}` at {at} is empty: nothing is deployed here yet, so there is nothing to replace; write a first value by hand"
        ));
    }
    if is_template(value) {
        return Err(template(path, at, &value.escape_debug().to_string()));
    }
    let is_text = !plain || text_tag || quote::is_plain_text(value, *flow);
    Ok(ScalarSite {
        value: value.clone(),
        style: *style,
        flow: *flow,
        bytes,
        place: at,
        is_text,
        enclosing: None,
    })
}

fn template(path: &YamlPath, at: TextPosition, shown: &str) -> String {
    format!(
        "`{path}` at {at} is a template (`{shown}`): the file is rendered elsewhere, change the value there"
    )
}

/// The bytes to replace. The parser's positions are not taken on trust: bytes that are not this scalar stay.
fn exact_bytes(
    stream: &YamlStream<'_>,
    node: &YamlNode,
    path: &YamlPath,
) -> Result<Range<usize>, String> {
    let at = node.place;
    let NodeKind::Scalar { value, style, .. } = &node.kind else {
        return Ok(node.bytes.clone());
    };
    let written = source(stream, node);
    let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    if is_block && value.ends_with('\n') && value.trim_end_matches('\n') == written {
        return Err(format!(
            "`{path}` at {at} is a block scalar that ends with a line break, which would be a part of the image: \
             write `>-` or `|-`, or the value on one line"
        ));
    }
    if written.contains(['\n', '\r']) {
        let what = if is_block {
            "a block scalar (`|` or `>`) of several lines"
        } else {
            "written over several lines"
        };
        return Err(format!(
            "`{path}` at {at} is {what}: write it on one line first"
        ));
    }
    let quoted =
        |quote| written.len() >= 2 && written.starts_with(quote) && written.ends_with(quote);
    let exact = match style {
        ScalarStyle::SingleQuoted => quoted('\''),
        ScalarStyle::DoubleQuoted => quoted('"'),
        _ => written == value,
    };
    if !exact {
        let odd = written.trim_matches(|c: char| c.is_ascii_graphic());
        let odd = if odd.is_empty() { value } else { odd };
        return Err(format!(
            "`{path}` at {at} is written in a way that this policy does not understand, about `{}`: write it in a plain way",
            odd.escape_unicode()
                .to_string()
                .chars()
                .take(80)
                .collect::<String>()
        ));
    }
    let blanks =
        stream.text[node.bytes.clone()].len() - stream.text[node.bytes.clone()].trim_start().len();
    let start = node.bytes.start + blanks;
    Ok(start..start + written.len())
}

/// SOPS signs a document as a whole, its plain values too unless it is told otherwise.
fn check_sops(
    stream: &YamlStream<'_>,
    path: &YamlPath,
    at: TextPosition,
    value: &str,
) -> Result<(), String> {
    if value.starts_with("ENC[") {
        return Err(format!(
            "`{path}` at {at} is encrypted by SOPS: keep the image in a value that is not"
        ));
    }
    for root in &stream.documents {
        let Some(sops) = root.get("sops") else {
            continue;
        };
        let only_encrypted = sops
            .get("mac_only_encrypted")
            .and_then(YamlNode::text)
            .is_some_and(|text| text == "true");
        if sops.get("mac").is_some() && !only_encrypted {
            return Err(format!(
                "`{path}` at {at} is in a document that SOPS signs as a whole (`sops.mac` at line {}): after a change nobody \
                 could decrypt it; keep the image in a file of its own, or encrypt with `mac_only_encrypted: true`",
                sops.place.line
            ));
        }
    }
    Ok(())
}
