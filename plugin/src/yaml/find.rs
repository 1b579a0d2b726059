//! From a path to exactly one scalar, or to the reason why a change there would be a mistake.

use saphyr_parser::ScalarStyle;

use super::node::{Kind, Node, Place, Stream};
use super::path::{Path, Step};
use super::quote;

/// Which documents of a file are meant; all of them if nothing is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selector<'a> {
    /// The document's `kind`.
    pub kind: Option<&'a str>,
    /// The document's `metadata.name`.
    pub name: Option<&'a str>,
}

/// A scalar that may be replaced.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its text.
    pub value: String,
    /// How it is written.
    pub style: ScalarStyle,
    /// Whether it stands in `{…}` or `[…]`.
    pub flow: bool,
    /// Its bytes.
    pub bytes: std::ops::Range<usize>,
    /// Where it begins.
    pub place: Place,
    /// Whether every reader takes it for text as it stands.
    pub is_text: bool,
}

/// Finds the one scalar that a path addresses.
///
/// # Errors
/// Says why there is none, or why it must not be replaced, with line and column.
pub fn find(stream: &Stream<'_>, selector: Selector<'_>, path: &Path) -> Result<Site, String> {
    let meant: Vec<&Node> = stream
        .documents
        .iter()
        .filter(|root| selector.admits(root))
        .collect();
    let mut hits = Vec::new();
    let mut misses = Vec::new();
    for root in &meant {
        match follow(stream, root, path) {
            Ok(node) => hits.push((Ok(node), *root)),
            Err(Miss::Refused(why)) => hits.push((Err(why), *root)),
            Err(Miss::Absent { depth, why }) => misses.push((depth, why)),
        }
    }
    if hits.len() > 1 {
        let list: Vec<_> = hits.iter().map(|(_, root)| describe(root)).collect();
        return Err(format!(
            "`{path}` exists in {} documents ({}): say which one with `document = {{ kind = \"…\", name = \"…\" }}`",
            list.len(),
            list.join(", ")
        ));
    }
    match hits.pop() {
        Some((result, _)) => result.and_then(|node| site(stream, node, path)),
        None => Err(match misses.into_iter().max_by_key(|(depth, _)| *depth) {
            Some((_, why)) => why,
            None if stream.documents.is_empty() => "the file is empty".to_owned(),
            None => {
                let list: Vec<_> = stream.documents.iter().map(describe).collect();
                format!(
                    "no document is {selector}; the file has {}",
                    list.join(", ")
                )
            }
        }),
    }
}

impl Selector<'_> {
    fn admits(&self, root: &Node) -> bool {
        let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
        let kind = text(root.get("kind"));
        let name = text(
            root.get("metadata")
                .and_then(|metadata| metadata.get("name")),
        );
        self.kind
            .is_none_or(|wanted| kind.as_deref() == Some(wanted))
            && self
                .name
                .is_none_or(|wanted| name.as_deref() == Some(wanted))
    }
}

impl std::fmt::Display for Selector<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "`{}/{}`",
            self.kind.unwrap_or("*"),
            self.name.unwrap_or("*")
        )
    }
}

fn describe(root: &Node) -> String {
    let text = |node: Option<&Node>| {
        node.and_then(Node::text)
            .unwrap_or("?")
            .escape_debug()
            .to_string()
    };
    let name = text(
        root.get("metadata")
            .and_then(|metadata| metadata.get("name")),
    );
    format!(
        "`{}/{name}` at line {}",
        text(root.get("kind")),
        root.place.line
    )
}

enum Miss {
    /// The path ends early; the deeper, the better the guess at what was meant.
    Absent { depth: usize, why: String },
    /// The path leads somewhere that must not be changed.
    Refused(String),
}

fn follow<'n>(stream: &Stream<'_>, root: &'n Node, path: &Path) -> Result<&'n Node, Miss> {
    let mut node = root;
    for (depth, step) in path.0.iter().enumerate() {
        check_shared(stream, node, path)?;
        node = match descend(node, step) {
            Ok(child) => child,
            Err(Descent::Several(places)) => {
                return Err(Miss::Refused(format!(
                    "`{path}` is ambiguous: `{}` matches at {places}",
                    Path(vec![step.clone()])
                )));
            }
            Err(Descent::None) => {
                check_merged(stream, node, step, path)?;
                let upto = Path(path.0[..depth].to_vec());
                let place = if depth == 0 {
                    "the top level".to_owned()
                } else {
                    format!("`{upto}`")
                };
                return Err(Miss::Absent {
                    depth,
                    why: format!(
                        "`{path}` does not exist: {place} at line {} {}, but no `{}`",
                        node.place.line,
                        inventory(node),
                        Path(vec![step.clone()])
                    ),
                });
            }
        };
        if let Kind::Alias(anchor) = &node.kind {
            return Err(Miss::Refused(format!(
                "`{path}` goes through the alias `{}` at {}: what it stands for is shared, {}; write the value out, or address the anchor itself",
                source(stream, node),
                node.place,
                stream
                    .anchored(*anchor)
                    .map_or_else(String::new, |home| format!(
                        "it is defined at {}",
                        home.place
                    )),
            )));
        }
    }
    check_shared(stream, node, path)?;
    Ok(node)
}

enum Descent {
    None,
    Several(String),
}

fn descend<'n>(node: &'n Node, step: &Step) -> Result<&'n Node, Descent> {
    match (step, &node.kind) {
        (Step::Key(key), Kind::Map(_)) => node.get(key).ok_or(Descent::None),
        (Step::Index(index), Kind::List(items)) => items.get(*index).ok_or(Descent::None),
        (Step::Where { field, value }, Kind::List(items)) => {
            let matching = |item: &&Node| item.get(field).and_then(Node::text) == Some(value);
            let mut found = items.iter().filter(matching);
            match (found.next(), found.next()) {
                (Some(item), None) => Ok(item),
                (None, _) => Err(Descent::None),
                (Some(_), Some(_)) => {
                    let places = items
                        .iter()
                        .filter(matching)
                        .map(|item| item.place.to_string());
                    Err(Descent::Several(places.collect::<Vec<_>>().join(" and ")))
                }
            }
        }
        _ => Err(Descent::None),
    }
}

/// Refuses a node whose anchor is used elsewhere: a change in it would change those places as well.
fn check_shared(stream: &Stream<'_>, node: &Node, path: &Path) -> Result<(), Miss> {
    let uses = stream
        .aliases
        .iter()
        .filter(|(anchor, _)| *anchor == node.anchor && *anchor != 0);
    let places: Vec<_> = uses.map(|(_, place)| place.to_string()).collect();
    if places.is_empty() {
        return Ok(());
    }
    Err(Miss::Refused(format!(
        "`{path}` is in the anchored node at {}, which is also used at {}: a change would reach them all",
        node.place,
        places.join(" and at ")
    )))
}

/// Refuses a key that the map has only through `<<`.
fn check_merged(stream: &Stream<'_>, node: &Node, step: &Step, path: &Path) -> Result<(), Miss> {
    let (Step::Key(key), Some(merged)) = (step, node.get("<<")) else {
        return Ok(());
    };
    let sources = match &merged.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![merged],
    };
    for source in sources {
        let target = match &source.kind {
            Kind::Alias(anchor) => stream.anchored(*anchor),
            _ => Some(source),
        };
        if let Some(home) = target.and_then(|map| map.get(key)) {
            return Err(Miss::Refused(format!(
                "`{path}` comes through the merge key `<<` at {} from {}: a change there would reach every map that merges it; \
                 write `{key}` out in this map",
                merged.place, home.place
            )));
        }
    }
    Ok(())
}

fn inventory(node: &Node) -> String {
    match &node.kind {
        Kind::Map(entries) if entries.is_empty() => "is an empty map".to_owned(),
        Kind::Map(entries) => {
            let keys = entries.iter().filter_map(|(key, _)| key.text()).take(20);
            let keys: Vec<_> = keys
                .map(|key| format!("`{}`", Path(vec![Step::Key(key.to_owned())])))
                .collect();
            format!("has {}", keys.join(", "))
        }
        Kind::List(items) => {
            let names = items
                .iter()
                .filter_map(|item| item.get("name").and_then(Node::text))
                .take(20);
            let names: Vec<_> = names
                .map(|name| format!("`[name={}]`", name.escape_debug()))
                .collect();
            let names = if names.is_empty() {
                String::new()
            } else {
                format!(" ({})", names.join(", "))
            };
            format!("is a list of {} item(s){names}", items.len())
        }
        _ => format!("is {}", node.noun()),
    }
}

fn source<'s>(stream: &Stream<'s>, node: &Node) -> &'s str {
    stream
        .text
        .get(node.bytes.clone())
        .unwrap_or_default()
        .trim()
}

/// The last look at the scalar itself.
fn site(stream: &Stream<'_>, node: &Node, path: &Path) -> Result<Site, String> {
    let at = node.place;
    let rest = stream.text.get(node.bytes.start..).unwrap_or_default();
    let Kind::Scalar { value, style, flow } = &node.kind else {
        let rendered = rest.trim_start_matches('{').len() + 2 <= rest.len();
        return Err(if rendered {
            format!(
                "`{path}` at {at} is a template (`{{{{ … }}}}`): the file is rendered elsewhere, change the value there"
            )
        } else {
            format!(
                "`{path}` at {at} is {}, not a single value: it {}",
                node.noun(),
                inventory(node)
            )
        });
    };
    let written = source(stream, node);
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        return Err(format!(
            "`{path}` at {at} is a block scalar (`|` or `>`): write it on one line first"
        ));
    }
    if written.contains(['\n', '\r']) {
        return Err(format!(
            "`{path}` at {at} is written over several lines: write it on one line first"
        ));
    }
    // The parser's positions are not taken on trust: bytes that are not this scalar are never replaced.
    let quoted =
        |quote| written.len() >= 2 && written.starts_with(quote) && written.ends_with(quote);
    let exact = match style {
        ScalarStyle::SingleQuoted => quoted('\''),
        ScalarStyle::DoubleQuoted => quoted('"'),
        _ => written == value,
    };
    if !exact {
        return Err(format!(
            "`{path}` at {at} is written in a way that this policy does not understand: `{}`",
            written.escape_debug()
        ));
    }
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
    if ["{{", "${", "$("].iter().any(|mark| value.contains(mark)) {
        return Err(format!(
            "`{path}` at {at} is a template (`{}`): the file is rendered elsewhere, change the value there",
            value.escape_debug()
        ));
    }
    let is_text = !plain || text_tag || quote::is_plain_text(value, *flow);
    Ok(Site {
        value: value.clone(),
        style: *style,
        flow: *flow,
        bytes: node.bytes.clone(),
        place: at,
        is_text,
    })
}
