//! YAML within YAML: a block text (`values: |`) whose lines are a document of their own.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::node::{NodeKind, YamlNode, YamlStream};

/// The text of a block, and where each of its lines stands in the file.
#[derive(Debug)]
pub(super) struct NestedDocument {
    pub(super) text: String,
    /// For each line: where it begins in `text`, and in the file.
    lines: Vec<(usize, usize)>,
}

impl NestedDocument {
    /// Takes the block apart.
    ///
    /// # Errors
    /// Says what kind of scalar it is, if it is no block that keeps its lines.
    pub(super) fn new(stream: &YamlStream<'_>, node: &YamlNode) -> Result<Self, String> {
        let NodeKind::Scalar { value, style, .. } = &node.kind else {
            return Err(format!("{} at {}", node.noun(), node.place));
        };
        let at = node.place;
        match style {
            ScalarStyle::Literal => {}
            ScalarStyle::Folded => {
                return Err(format!(
                    "the folded text (`>`) at {at}: write it as a block, `|`"
                ));
            }
            _ if value.contains('\n') => {
                return Err(format!("the quoted text at {at}: write it as a block, `|`"));
            }
            _ => return Err(format!("the scalar at {at}")),
        }
        let nested = Self::unindent(stream.text, &node.bytes);
        if nested.text.trim_end_matches('\n') == value.trim_end_matches('\n') {
            Ok(nested)
        } else {
            Err(format!(
                "the block text at {at}, which is laid out in an unusual way"
            ))
        }
    }

    fn unindent(file: &str, bytes: &Range<usize>) -> Self {
        let first = file[..bytes.start].rfind('\n').map_or(0, |at| at + 1);
        let indent = bytes.start - first;
        let mut nested = Self {
            text: String::new(),
            lines: Vec::new(),
        };
        let mut at = first;
        for line in file[first..bytes.end].split_inclusive('\n') {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            let skip = blanks.min(indent);
            nested.lines.push((nested.text.len(), at + skip));
            let body = line[skip..].trim_end_matches(['\n', '\r']);
            nested.text.push_str(body);
            nested.text.push('\n');
            at += line.len();
        }
        nested
    }

    /// Returns the place in the file of a part of one line of the text.
    pub(super) fn outside(&self, inside: &Range<usize>) -> Range<usize> {
        let after = self
            .lines
            .partition_point(|(start, _)| *start <= inside.start);
        let (start, outer) = self.lines[after.saturating_sub(1)];
        let shift = outer - start;
        inside.start + shift..inside.end + shift
    }
}
