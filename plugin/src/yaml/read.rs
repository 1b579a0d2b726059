//! Reads a file into a tree of nodes that know their bytes.
//!
//! The parser's positions count characters and its spans take in anchors and tags; here they are bytes, and only the
//! scalar itself. Limits hold before anything is built on top.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::foreign;
use super::node::{NodeKind, TextPosition, YamlNode, YamlStream};
use super::repair::RepairedText;
use super::second::FileOutline;

/// Largest manifest, in bytes.
const MAX_BYTES: usize = 4 << 20;
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 400_000;

impl<'a> YamlStream<'a> {
    /// Reads a file, with both readers.
    ///
    /// # Errors
    /// Says what is wrong and in which line: not YAML, over a limit, a tab as indentation, a key twice in one map, or
    /// something that readers of YAML do not agree on.
    pub fn read(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            ));
        }
        Self::read_twice(text).map_err(|what| foreign::kind(text).map_or(what, str::to_owned))
    }

    fn read_twice(text: &'a str) -> Result<Self, String> {
        // Readers differ in whether a last line without its end has one in a block text; with it, they agree.
        let ended = if text.ends_with('\n') {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(format!("{text}\n"))
        };
        let first = Self::parse(text, &RepairedText::unchanged(&ended));
        let has_tags = first.as_ref().map_or(true, Self::has_tags);
        if let Some(line) = tag_before_comma(text).filter(|_| has_tags) {
            return Err(format!(
                "line {line}: a tag stands right before a comma, which readers of YAML do not agree on: put a blank between them"
            ));
        }
        let outline = FileOutline::read(&ended);
        let stream = match (first, &outline) {
            (Err(error), Ok(outline)) => {
                let repaired = RepairedText::new(&ended, &outline.enclosed);
                Self::parse(text, &repaired).map_err(|_| error)?
            }
            (result, _) => result?,
        };
        let outline = outline.map_err(|what| format!("{what} (as Kubernetes' tools read it)"))?;
        outline.agree(&stream.documents)?;
        Ok(stream)
    }

    fn parse(text: &'a str, repaired: &RepairedText<'_>) -> Result<Self, String> {
        let mut reader = TreeBuilder {
            parser: Parser::new_from_str(&repaired.text),
            offsets: &repaired.offsets,
            is_repaired: matches!(repaired.text, Cow::Owned(_)),
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
}

/// The line of a tag that is followed by a comma at once. The second reader gives up there, in a way that cannot be caught.
fn tag_before_comma(text: &str) -> Option<usize> {
    let starts = text.match_indices('!').filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || ",[]{}:".contains(c))
    });
    let mut ends = starts.filter(|(at, _)| {
        let mut rest = &text[*at..];
        // `!<tag:yaml.org,2002:str>` ends behind its bracket.
        if rest.starts_with("!<") {
            rest = rest.find('>').map_or("", |close| &rest[close..]);
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == ',');
        end.is_some_and(|end| rest[end..].starts_with(','))
    });
    let (at, _) = ends.next()?;
    Some(text[..at].matches('\n').count() + 1)
}

struct TreeBuilder<'p, 't> {
    parser: Parser<'p, StrInput<'p>>,
    /// Byte offset of each character.
    offsets: &'t [usize],
    is_repaired: bool,
    text: &'t str,
    aliases: Vec<(usize, TextPosition)>,
    anchors: Vec<(usize, usize, Vec<usize>)>,
    trail: Vec<usize>,
    document: usize,
    nodes: usize,
}

impl<'p> TreeBuilder<'p, '_> {
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

    fn node(&mut self, flow: bool) -> Result<YamlNode, String> {
        match self.next()? {
            Some((event, span)) => self.node_of(event, span, flow),
            None => Err("the file ends too early".to_owned()),
        }
    }

    fn node_of(&mut self, event: Event<'p>, span: Span, flow: bool) -> Result<YamlNode, String> {
        self.nodes += 1;
        let (start, end) = (
            self.offset(span.start.index()),
            self.offset(span.end.index()),
        );
        let mut place = TextPosition {
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        if self.is_repaired {
            let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            place.column = self.text[line..start].chars().count() + 1;
        }
        if self.nodes > MAX_NODES {
            return Err(format!("{place}: the file has more than {MAX_NODES} nodes"));
        }
        if self.trail.len() > MAX_DEPTH {
            return Err(format!("{place}: nested deeper than {MAX_DEPTH} levels"));
        }
        let (kind, anchor, tag) = match event {
            Event::Alias(anchor) => {
                self.aliases.push((anchor, place));
                (NodeKind::Alias(anchor), 0, None)
            }
            Event::Scalar(value, style, anchor, tag) => (
                NodeKind::Scalar {
                    value: value.into_owned(),
                    style,
                    flow,
                },
                anchor,
                tag,
            ),
            Event::SequenceStart(anchor, tag) => {
                let flow = flow || self.text[start..end].ends_with('[');
                (NodeKind::List(self.list(flow)?), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => {
                let flow = flow || self.text[start..end].ends_with('{');
                (NodeKind::Map(self.map(flow)?), anchor, tag)
            }
            _ => return Err(format!("{place}: a value is missing")),
        };
        if anchor != 0 {
            self.anchors
                .push((anchor, self.document, self.trail.clone()));
        }
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
        let bytes = match &kind {
            NodeKind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            } => start..end,
            NodeKind::Scalar { .. } => {
                scalar_bytes(self.text, start..end, anchor != 0 || tag.is_some())
            }
            _ => start..end,
        };
        Ok(YamlNode {
            kind,
            bytes,
            place,
            anchor,
            tag,
        })
    }

    fn list(&mut self, flow: bool) -> Result<Vec<YamlNode>, String> {
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

    fn map(&mut self, flow: bool) -> Result<Vec<(YamlNode, YamlNode)>, String> {
        let mut entries: Vec<(YamlNode, YamlNode)> = Vec::new();
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
    fn check_indent(&self, key: &YamlNode) -> Result<(), String> {
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
        let offset = self.offsets.get(character).copied();
        offset.map_or(self.text.len(), |offset| offset.min(self.text.len()))
    }
}

/// Parsers disagree on which of two equal keys counts.
fn check_keys(entries: &[(YamlNode, YamlNode)]) -> Result<(), String> {
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
