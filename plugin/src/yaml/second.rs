//! A second reader, and whether both read the same.
//!
//! The first reader follows YAML 1.2. This one is a port of libyaml, the ancestor of what Kubernetes, Argo CD, Flux, Helm and
//! PyYAML read with. A file that they read differently is refused, before an edit and after it.

use std::ops::Range;

use libyaml_safer::{Error, EventData, Mark, Parser, ScalarStyle, SequenceStyle};
use saphyr_parser::ScalarStyle as FirstStyle;

use super::node::{NodeKind, YamlNode};

/// A file as the second reader sees it.
#[derive(Debug)]
pub(super) struct FileOutline {
    events: Vec<OutlineEvent>,
    /// The bytes of quoted scalars and of collections in brackets, none inside another.
    pub(super) enclosed: Vec<Range<usize>>,
}

/// One event, with the line in which it begins.
#[derive(Debug)]
struct OutlineEvent {
    kind: OutlineKind,
    line: u64,
}

#[derive(Debug, PartialEq)]
enum OutlineKind {
    Document,
    Scalar {
        value: String,
        is_plain: bool,
        anchor: usize,
    },
    /// By the number of the anchor, counted from 1 in the order of the file.
    Alias(usize),
    List(usize),
    Map(usize),
    End,
}

impl FileOutline {
    /// Reads a file.
    ///
    /// # Errors
    /// Says where the second reader stops, and why.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        // A byte order mark is not counted.
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut input = text.as_bytes();
        let mut parser = Parser::new();
        parser.set_input_string(&mut input);
        let mut outline = Self {
            events: Vec::new(),
            enclosed: Vec::new(),
        };
        let mut anchors = AnchorNames::default();
        let mut open = 0_usize;
        let mut brackets: Vec<bool> = Vec::new();
        loop {
            let event = parser.parse().map_err(|error| told(&error))?;
            let span = mark + place(event.start_mark)..mark + place(event.end_mark);
            let kind = match event.data {
                EventData::StreamEnd => return Ok(outline),
                EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => continue,
                EventData::DocumentStart { .. } => OutlineKind::Document,
                EventData::Alias { anchor } => OutlineKind::Alias(anchors.number(&anchor)),
                EventData::Scalar {
                    anchor,
                    value,
                    style,
                    ..
                } => {
                    let is_quoted =
                        matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
                    if is_quoted && open == 0 {
                        outline.enclosed.push(span);
                    }
                    OutlineKind::Scalar {
                        value,
                        is_plain: style == ScalarStyle::Plain,
                        anchor: anchors.define(anchor),
                    }
                }
                EventData::SequenceStart { anchor, style, .. } => {
                    let is_flow = style == SequenceStyle::Flow;
                    brackets.push(is_flow);
                    outline.open(is_flow, &mut open, span);
                    OutlineKind::List(anchors.define(anchor))
                }
                EventData::MappingStart { anchor, style, .. } => {
                    let is_flow = style == libyaml_safer::MappingStyle::Flow;
                    brackets.push(is_flow);
                    outline.open(is_flow, &mut open, span);
                    OutlineKind::Map(anchors.define(anchor))
                }
                EventData::SequenceEnd | EventData::MappingEnd => {
                    if brackets.pop() == Some(true) {
                        open -= 1;
                        if let Some(last) = outline.enclosed.last_mut().filter(|_| open == 0) {
                            last.end = span.end;
                        }
                    }
                    OutlineKind::End
                }
            };
            outline.events.push(OutlineEvent {
                kind,
                line: event.start_mark.line + 1,
            });
        }
    }

    fn open(&mut self, is_flow: bool, open: &mut usize, span: Range<usize>) {
        if is_flow {
            if *open == 0 {
                self.enclosed.push(span);
            }
            *open += 1;
        }
    }

    /// Compares with what the first reader makes of the same file.
    ///
    /// # Errors
    /// Names the first line that they read differently.
    pub(super) fn agree(&self, documents: &[YamlNode]) -> Result<(), String> {
        let mut walk = OutlineWalk {
            events: self.events.iter(),
            anchors: Vec::new(),
            line: 1,
        };
        let agrees = documents
            .iter()
            .all(|root| walk.next(&OutlineKind::Document) && walk.same(root))
            && walk.events.len() == 0;
        if agrees {
            return Ok(());
        }
        Err(format!(
            "line {}: readers of YAML disagree on what stands here, so nothing is changed in this file; \
             write it in a plainer way",
            walk.line
        ))
    }
}

/// Both readings of one file, side by side.
struct OutlineWalk<'a> {
    events: std::slice::Iter<'a, OutlineEvent>,
    /// The first reader's numbers of anchors, in the order of the file.
    anchors: Vec<usize>,
    line: u64,
}

impl OutlineWalk<'_> {
    fn next(&mut self, expected: &OutlineKind) -> bool {
        let Some(event) = self.events.next() else {
            return false;
        };
        self.line = event.line;
        event.kind == *expected
    }

    fn same(&mut self, node: &YamlNode) -> bool {
        let anchor = self.define(node.anchor);
        match &node.kind {
            NodeKind::Scalar { value, style, .. } => self.next(&OutlineKind::Scalar {
                value: value.clone(),
                is_plain: *style == FirstStyle::Plain,
                anchor,
            }),
            NodeKind::Alias(number) => {
                let place = self.anchors.iter().rposition(|known| known == number);
                self.next(&OutlineKind::Alias(place.map_or(0, |place| place + 1)))
            }
            NodeKind::List(items) => {
                self.next(&OutlineKind::List(anchor))
                    && items.iter().all(|item| self.same(item))
                    && self.next(&OutlineKind::End)
            }
            NodeKind::Map(entries) => {
                self.next(&OutlineKind::Map(anchor))
                    && entries
                        .iter()
                        .all(|(key, value)| self.same(key) && self.same(value))
                    && self.next(&OutlineKind::End)
            }
        }
    }

    fn define(&mut self, anchor: usize) -> usize {
        if anchor == 0 {
            return 0;
        }
        self.anchors.push(anchor);
        self.anchors.len()
    }
}

/// Anchors of the second reader, which names them.
#[derive(Default)]
struct AnchorNames(Vec<String>);

impl AnchorNames {
    fn define(&mut self, name: Option<String>) -> usize {
        name.map_or(0, |name| {
            self.0.push(name);
            self.0.len()
        })
    }

    /// An alias means the last anchor of its name.
    fn number(&self, name: &str) -> usize {
        let place = self.0.iter().rposition(|known| known == name);
        place.map_or(0, |place| place + 1)
    }
}

fn place(mark: Mark) -> usize {
    usize::try_from(mark.index).unwrap_or_default()
}

fn told(error: &Error) -> String {
    let place = error.problem_mark().map_or_else(String::new, |mark| {
        format!("line {}, column {}: ", mark.line + 1, mark.column + 1)
    });
    match error.problem_mark() {
        Some(_) => format!("{place}{}", error.problem()),
        None => error.to_string(),
    }
}
