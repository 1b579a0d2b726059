//! A YAML stream as a tree of nodes that know their bytes.
//!
//! Aliases are kept, never expanded in the tree.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

/// A whole file.
#[derive(Debug)]
pub struct YamlStream<'a> {
    /// Its text.
    pub text: &'a str,
    /// The root of each document; an empty document is an empty scalar.
    pub documents: Vec<YamlNode>,
    /// The places where each anchor is used, by the parser's number for it.
    pub aliases: Vec<(usize, TextPosition)>,
    /// The node of each anchor, by the parser's number for it: document, and path of child positions.
    pub(super) anchors: Vec<(usize, usize, Vec<usize>)>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct YamlNode {
    /// What it is.
    pub kind: NodeKind,
    /// Its bytes, without anchor and tag. Of a collection, where it begins.
    pub bytes: Range<usize>,
    /// Its beginning, for people.
    pub place: TextPosition,
    /// The parser's number for its anchor, 0 if it has none.
    pub anchor: usize,
    /// Its tag in full, `tag:yaml.org,2002:str` for `!!str`.
    pub tag: Option<String>,
}

/// The kind of a node.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Text, as a parser reads it.
    Scalar {
        /// Without quotes, escapes resolved.
        value: String,
        /// Its style.
        style: ScalarStyle,
        /// Whether it stands in `{…}` or `[…]`.
        flow: bool,
    },
    /// A list.
    List(Vec<YamlNode>),
    /// A map, in the order of the file.
    Map(Vec<(YamlNode, YamlNode)>),
    /// `*name`: the parser's number for the anchor.
    Alias(usize),
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPosition {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl std::fmt::Display for TextPosition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {}, column {}", self.line, self.column)
    }
}

impl YamlNode {
    /// Its name for people.
    pub fn noun(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar { .. } => "a scalar",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
            NodeKind::Alias(_) => "an alias",
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let NodeKind::Map(entries) = &self.kind else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The keys and values of a map; none of anything else.
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Whether nothing is written here.
    pub fn is_empty(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { value, style: ScalarStyle::Plain, .. } if value.is_empty())
    }

    fn child(&self, at: usize) -> Option<&Self> {
        match &self.kind {
            NodeKind::List(items) => items.get(at),
            NodeKind::Map(entries) => entries
                .get(at / 2)
                .map(|(key, value)| if at.is_multiple_of(2) { key } else { value }),
            _ => None,
        }
    }
}

impl YamlStream<'_> {
    /// Every scalar of the file that is a value, in no particular order.
    pub fn values(&self) -> Vec<&YamlNode> {
        let mut open: Vec<&YamlNode> = self.documents.iter().collect();
        let mut values = Vec::new();
        while let Some(node) = open.pop() {
            match &node.kind {
                NodeKind::Scalar { .. } => values.push(node),
                NodeKind::List(items) => open.extend(items),
                NodeKind::Map(entries) => open.extend(entries.iter().map(|(_, value)| value)),
                NodeKind::Alias(_) => {}
            }
        }
        values
    }

    /// Whether any node has a tag.
    pub(super) fn has_tags(&self) -> bool {
        let mut open: Vec<&YamlNode> = self.documents.iter().collect();
        while let Some(node) = open.pop() {
            if node.tag.is_some() {
                return true;
            }
            open.extend(node.items());
            open.extend(node.entries().iter().flat_map(|(key, value)| [key, value]));
        }
        false
    }

    /// The node that carries an anchor.
    pub fn anchored(&self, anchor: usize) -> Option<&YamlNode> {
        let (_, document, trail) = self.anchors.iter().find(|(number, ..)| *number == anchor)?;
        trail
            .iter()
            .try_fold(self.documents.get(*document)?, |node, at| node.child(*at))
    }
}
