//! A YAML stream as a tree of nodes that know their bytes.
//!
//! The parser's positions count characters and its spans take in anchors and tags; here they are bytes, and only the
//! scalar itself. Limits hold before anything is built on top: 1 MiB, depth 64, 200,000 nodes.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// Largest manifest, in bytes; GitHub's contents API ends there as well.
const MAX_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

/// A whole file.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Its text.
    pub text: &'a str,
    /// The root of each document; an empty document is an empty scalar.
    pub documents: Vec<Node>,
    /// Where each anchor is used, by the parser's number for it.
    pub aliases: Vec<(usize, Place)>,
    /// Where each anchor stands, by the parser's number for it: document, and path of child positions.
    anchors: Vec<(usize, usize, Vec<usize>)>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its bytes, without anchor and tag. Of a collection, where it begins.
    pub bytes: Range<usize>,
    /// Where it begins, for people.
    pub place: Place,
    /// The parser's number for its anchor, 0 if it has none.
    pub anchor: usize,
    /// Its tag in full, `tag:yaml.org,2002:str` for `!!str`.
    pub tag: Option<String>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Text, as a parser reads it.
    Scalar {
        /// Without quotes, escapes resolved.
        value: String,
        /// How it is written.
        style: ScalarStyle,
        /// Whether it stands in `{…}` or `[…]`.
        flow: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Node, Node)>),
    /// `*name`: the parser's number for the anchor.
    Alias(usize),
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {}, column {}", self.line, self.column)
    }
}

impl Node {
    /// What people call it.
    pub fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } => "a scalar",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Alias(_) => "an alias",
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
    }

    fn child(&self, at: usize) -> Option<&Self> {
        match &self.kind {
            Kind::List(items) => items.get(at),
            Kind::Map(entries) => entries
                .get(at / 2)
                .map(|(key, value)| if at.is_multiple_of(2) { key } else { value }),
            _ => None,
        }
    }
}

impl<'a> Stream<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// Says what is wrong and in which line: not YAML, over a limit, a tab as indentation, a key twice in one map.
    pub fn read(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            ));
        }
        match Self::parse(text, text) {
            // The parser refuses `key:<tab>value`, which YAML allows. Blanks in place of those tabs move no position.
            Err(error) if text.contains('\t') => match spaces_after_colons(text) {
                Some(spaced) => Self::parse(text, &spaced).map_err(|_| error),
                None => Err(error),
            },
            result => result,
        }
    }

    fn parse(text: &'a str, parsed: &str) -> Result<Self, String> {
        let mut reader = Reader {
            parser: Parser::new_from_str(parsed),
            offsets: parsed
                .char_indices()
                .map(|(at, _)| at)
                .chain([parsed.len()])
                .collect(),
            text,
            aliases: Vec::new(),
            anchors: Vec::new(),
            trail: Vec::new(),
            document: 0,
            nodes: 0,
        };
        let mut documents = Vec::new();
        while let Some((event, _)) = reader.next()? {
            if let Event::DocumentStart(_) = event {
                reader.document = documents.len();
                documents.push(reader.node(false)?);
            }
        }
        Ok(Self {
            text,
            documents,
            aliases: reader.aliases,
            anchors: reader.anchors,
        })
    }

    /// Every scalar of the file that is a value, in no particular order.
    pub fn values(&self) -> Vec<&Node> {
        let mut open: Vec<&Node> = self.documents.iter().collect();
        let mut values = Vec::new();
        while let Some(node) = open.pop() {
            match &node.kind {
                Kind::Scalar { .. } => values.push(node),
                Kind::List(items) => open.extend(items),
                Kind::Map(entries) => open.extend(entries.iter().map(|(_, value)| value)),
                Kind::Alias(_) => {}
            }
        }
        values
    }

    /// The node that carries an anchor.
    pub fn anchored(&self, anchor: usize) -> Option<&Node> {
        let (_, document, trail) = self.anchors.iter().find(|(number, ..)| *number == anchor)?;
        trail
            .iter()
            .try_fold(self.documents.get(*document)?, |node, at| node.child(*at))
    }
}

/// The text with a blank for every tab between a colon and what follows it on the line; none if there are none.
fn spaces_after_colons(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut after_colon, mut replaced) = (false, false);
    for c in text.chars() {
        let tab = c == '\t' && after_colon;
        replaced |= tab;
        out.push(if tab { ' ' } else { c });
        after_colon = c == ':' || (after_colon && matches!(c, ' ' | '\t'));
    }
    replaced.then_some(out)
}

struct Reader<'p, 't> {
    parser: Parser<'p, StrInput<'p>>,
    /// Byte offset of each character.
    offsets: Vec<usize>,
    text: &'t str,
    aliases: Vec<(usize, Place)>,
    anchors: Vec<(usize, usize, Vec<usize>)>,
    trail: Vec<usize>,
    document: usize,
    nodes: usize,
}

impl<'p> Reader<'p, '_> {
    fn next(&mut self) -> Result<Option<(Event<'p>, Span)>, String> {
        self.parser.next_event().transpose().map_err(|error| {
            let marker = error.marker();
            format!(
                "line {}, column {}: {}",
                marker.line(),
                marker.col() + 1,
                error.info()
            )
        })
    }

    fn node(&mut self, flow: bool) -> Result<Node, String> {
        match self.next()? {
            Some((event, span)) => self.node_of(event, span, flow),
            None => Err("the file ends too early".to_owned()),
        }
    }

    fn node_of(&mut self, event: Event<'p>, span: Span, flow: bool) -> Result<Node, String> {
        self.nodes += 1;
        let (start, end) = (
            self.offset(span.start.index()),
            self.offset(span.end.index()),
        );
        let place = Place {
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        if self.nodes > MAX_NODES {
            return Err(format!("{place}: the file has more than {MAX_NODES} nodes"));
        }
        if self.trail.len() > MAX_DEPTH {
            return Err(format!("{place}: nested deeper than {MAX_DEPTH} levels"));
        }
        let (kind, anchor, tag) = match event {
            Event::Alias(anchor) => {
                self.aliases.push((anchor, place));
                (Kind::Alias(anchor), 0, None)
            }
            Event::Scalar(value, style, anchor, tag) => (
                Kind::Scalar {
                    value: value.into_owned(),
                    style,
                    flow,
                },
                anchor,
                tag,
            ),
            Event::SequenceStart(anchor, tag) => {
                let flow = flow || self.text[start..end].ends_with('[');
                (Kind::List(self.list(flow)?), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => {
                let flow = flow || self.text[start..end].ends_with('{');
                (Kind::Map(self.map(flow)?), anchor, tag)
            }
            _ => return Err(format!("{place}: a value is missing")),
        };
        if anchor != 0 {
            self.anchors
                .push((anchor, self.document, self.trail.clone()));
        }
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
        let bytes = match &kind {
            Kind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            } => start..end,
            Kind::Scalar { .. } => {
                scalar_bytes(self.text, start..end, anchor != 0 || tag.is_some())
            }
            _ => start..end,
        };
        Ok(Node {
            kind,
            bytes,
            place,
            anchor,
            tag,
        })
    }

    fn list(&mut self, flow: bool) -> Result<Vec<Node>, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, _)) => return Ok(items),
                Some((event, span)) => {
                    self.trail.push(items.len());
                    items.push(self.node_of(event, span, flow)?);
                    self.trail.pop();
                }
                None => return Err("the file ends within a list".to_owned()),
            }
        }
    }

    fn map(&mut self, flow: bool) -> Result<Vec<(Node, Node)>, String> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                Some((Event::MappingEnd, _)) => return check_keys(&entries).map(|()| entries),
                Some(next) => next,
                None => return Err("the file ends within a map".to_owned()),
            };
            self.trail.push(entries.len() * 2);
            let key = self.node_of(event, span, flow)?;
            if !flow {
                self.check_indent(&key)?;
            }
            self.trail.pop();
            self.trail.push(entries.len() * 2 + 1);
            entries.push((key, self.node(flow)?));
            self.trail.pop();
        }
    }

    /// YAML forbids tabs as indentation; the parser does not always.
    fn check_indent(&self, key: &Node) -> Result<(), String> {
        let line_start = self.text[..key.bytes.start]
            .rfind(['\n', '\r'])
            .map_or(0, |at| at + 1);
        let indent = &self.text[line_start..key.bytes.start];
        if indent.contains('\t') && indent.trim_matches([' ', '\t', '-', '?']).is_empty() {
            return Err(format!(
                "{}: a tab is used as indentation, which YAML forbids",
                key.place
            ));
        }
        Ok(())
    }

    fn offset(&self, character: usize) -> usize {
        self.offsets
            .get(character)
            .copied()
            .unwrap_or(self.text.len())
    }
}

/// Parsers disagree on which of two equal keys counts.
fn check_keys(entries: &[(Node, Node)]) -> Result<(), String> {
    let mut keys: Vec<_> = entries
        .iter()
        .map(|(key, _)| key)
        .filter(|key| key.text().is_some())
        .collect();
    keys.sort_unstable_by_key(|key| (key.text(), key.bytes.start));
    match keys
        .windows(2)
        .find(|pair| pair[0].text() == pair[1].text())
    {
        Some(pair) => Err(format!(
            "key `{}` stands twice in one map, at {} and at {}: readers disagree on which one counts",
            pair[0].text().unwrap_or_default().escape_debug(),
            pair[0].place,
            pair[1].place
        )),
        None => Ok(()),
    }
}

/// The scalar's own bytes in the span that the parser gives it, which may begin with an anchor and a tag and, behind a
/// closing quote, go on with blanks and a comment.
fn scalar_bytes(text: &str, span: Range<usize>, properties: bool) -> Range<usize> {
    let Range { mut start, end } = span;
    while properties && start < end {
        let rest = &text[start..end];
        let skip = match rest.as_bytes()[0] {
            b'&' | b'!' => rest.find([' ', '\t', '\n', '\r']).unwrap_or(rest.len()),
            b'#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => break,
        };
        start += skip;
    }
    let length = match text.as_bytes()[start..end].first() {
        Some(quote @ (b'"' | b'\'')) => quoted_length(&text.as_bytes()[start..end], *quote),
        _ => text[start..end]
            .trim_end_matches([' ', '\t', '\n', '\r'])
            .len(),
    };
    start..start + length
}

/// Length of a quoted scalar with its quotes.
fn quoted_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b if b == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
