//! From an address to exactly one scalar, or to the reason why a change there would be a mistake.

use super::address::{ScalarAddress, YamlDocument, describe, some};
use super::foreign;
use super::nest::NestedDocument;
use super::node::{NodeKind, TextPosition, YamlNode, YamlStream};
use super::path::{YamlPath, YamlStep};
use super::site::{EnclosingBlock, ScalarSite, site};

/// Finds the one scalar that an address means.
///
/// # Errors
/// Says why there is none, or why it must not be replaced, with line and column.
pub fn find(stream: &YamlStream<'_>, address: &ScalarAddress) -> Result<ScalarSite, String> {
    match follow_one(stream, address)? {
        Some(PathMatch { end, path, .. }) => match end {
            PathEnd::Node(node) => site(stream, node, path),
            PathEnd::Text { node, rest } => within(stream, node, path, &rest),
        },
        None => unreachable_text(stream, address),
    }
}

/// The same place by an address that names its document by number, so that one beside it is in that document too.
///
/// # Errors
/// As [`find`], except for what is wrong with the scalar itself.
pub fn pin(stream: &YamlStream<'_>, address: &ScalarAddress) -> Result<ScalarAddress, String> {
    match follow_one(stream, address)? {
        Some(hit) => Ok(hit.document.address(address.path.clone(), address.shared)),
        None => unreachable_text(stream, address).map(|_| address.clone()),
    }
}

/// The places of an address that exists in several documents, each by an address of its own; none where it must not be changed.
pub fn pins(stream: &YamlStream<'_>, address: &ScalarAddress) -> Vec<ScalarAddress> {
    let matches = follow_all(stream, address);
    if matches.refused.is_some() {
        return Vec::new();
    }
    let hits = matches.hits.iter();
    hits.map(|hit| hit.document.address(address.path.clone(), address.shared))
        .collect()
}

/// The keys of the map that an address means; none if it is no map or not there.
pub fn keys(stream: &YamlStream<'_>, address: &ScalarAddress) -> Vec<String> {
    let Ok(Some(PathMatch { end, .. })) = follow_one(stream, address) else {
        return Vec::new();
    };
    match end {
        PathEnd::Node(node) if is_text(node) => {
            inside(stream, node, &YamlPath(Vec::new()), keys).unwrap_or_default()
        }
        PathEnd::Node(node) => stream.keys(node),
        PathEnd::Text { node, rest } => inside(stream, node, &rest, keys).unwrap_or_default(),
    }
}

/// The text that readers have at an address, aliases and merges followed; none if there is none.
pub fn text_at(stream: &YamlStream<'_>, address: &ScalarAddress) -> Option<String> {
    let meant = ScalarAddress {
        shared: true,
        ..address.clone()
    };
    let Ok(Some(PathMatch { end, .. })) = follow_one(stream, &meant) else {
        return None;
    };
    match end {
        PathEnd::Node(node) => stream.resolve(node).text().map(str::to_owned),
        PathEnd::Text { node, rest } => inside(stream, node, &rest, text_at)?,
    }
}

/// Asks something of the document within a block text.
fn inside<T>(
    stream: &YamlStream<'_>,
    node: &YamlNode,
    rest: &YamlPath,
    ask: impl Fn(&YamlStream<'_>, &ScalarAddress) -> T,
) -> Option<T> {
    let nested = NestedDocument::new(stream, node).ok()?;
    let inner = YamlStream::read(&nested.text).ok()?;
    Some(ask(&inner, &ScalarAddress::from(rest.clone())))
}

/// The scalar within a block text.
fn within(
    stream: &YamlStream<'_>,
    node: &YamlNode,
    path: &YamlPath,
    rest: &YamlPath,
) -> Result<ScalarSite, String> {
    let nested = NestedDocument::new(stream, node)
        .map_err(|what| format!("`{path}` ends in {what}, so there is no `{rest}`"))?;
    let told = |what: String| {
        format!(
            "`{path}`, in the block text that begins at {}: {what}",
            node.place
        )
    };
    let inner = YamlStream::read(&nested.text).map_err(told)?;
    let found = find(&inner, &ScalarAddress::from(rest.clone())).map_err(told)?;
    Ok(ScalarSite {
        bytes: nested.outside(&found.bytes),
        place: TextPosition {
            line: node.place.line + found.place.line - 1,
            column: node.place.column + found.place.column - 1,
        },
        enclosing: Some(Box::new(EnclosingBlock {
            bytes: node.bytes.clone(),
            site: found.clone(),
        })),
        ..found
    })
}

/// The end of a path.
enum PathEnd<'n> {
    Node(&'n YamlNode),
    /// In a scalar, with some of the path left: perhaps a document of its own.
    Text {
        node: &'n YamlNode,
        rest: YamlPath,
    },
}

/// Whether a scalar is a text of several lines, which may be a document.
fn is_text(node: &YamlNode) -> bool {
    node.text().is_some_and(|text| text.contains('\n'))
}

struct PathMatch<'n, 'a> {
    end: PathEnd<'n>,
    document: YamlDocument<'n>,
    path: &'a YamlPath,
}

/// All places that an address leads to, and what keeps it from being changed in one of them.
struct PathMatches<'n, 'a> {
    hits: Vec<PathMatch<'n, 'a>>,
    refused: Option<String>,
    /// The documents, for people.
    places: Vec<String>,
}

/// The one place that an address leads to, if it leads anywhere.
fn follow_one<'n, 'a>(
    stream: &'n YamlStream<'_>,
    address: &'a ScalarAddress,
) -> Result<Option<PathMatch<'n, 'a>>, String> {
    let PathMatches {
        mut hits,
        refused,
        places,
    } = follow_all(stream, address);
    if places.len() > 1 {
        let path = &address.path;
        return Err(format!(
            "`{path}` exists in {} documents ({}): say which one with `document = {{ kind = \"…\", name = \"…\" }}`, \
             with `namespace`, or with `index`, counted from 0",
            places.len(),
            some(places, ", ")
        ));
    }
    match refused {
        Some(why) => Err(why),
        None => Ok(hits.pop()),
    }
}

fn follow_all<'n, 'a>(
    stream: &'n YamlStream<'_>,
    address: &'a ScalarAddress,
) -> PathMatches<'n, 'a> {
    let mut hits = Vec::new();
    let mut refused = None;
    let mut places = Vec::new();
    for document in address.document.choose(stream) {
        let root = document.root;
        match follow(stream, root, address) {
            Ok(end) => {
                places.push(describe(root));
                hits.push(PathMatch {
                    end,
                    document,
                    path: &address.path,
                });
            }
            Err(PathMiss::Refused(why)) => {
                places.push(describe(root));
                refused = Some(why);
            }
            Err(PathMiss::Absent { .. }) => {}
        }
    }
    // A text that only may hold a document gives way to what is there for certain.
    if places.len() > 1 && hits.iter().any(|hit| matches!(hit.end, PathEnd::Node(_))) {
        let before = hits.len();
        hits.retain(|hit| matches!(hit.end, PathEnd::Node(_)));
        places.truncate(places.len() - (before - hits.len()));
    }
    PathMatches {
        hits,
        refused,
        places,
    }
}

/// Why an address leads nowhere.
fn unreachable_text(
    stream: &YamlStream<'_>,
    address: &ScalarAddress,
) -> Result<ScalarSite, String> {
    let chosen = address.document.choose(stream);
    let missed =
        chosen
            .iter()
            .filter_map(|document| match follow(stream, document.root, address) {
                Err(PathMiss::Absent { depth, why }) => Some((depth, why)),
                _ => None,
            });
    if let Some((depth, why)) = missed.max_by_key(|(depth, _)| *depth) {
        let kind = (depth == 0).then(|| foreign::kind(stream.text)).flatten();
        return Err(kind.map_or(why, |kind| kind.to_owned()));
    }
    if stream.documents.iter().all(YamlNode::is_empty) {
        return Err("the file is empty".to_owned());
    }
    Err(format!(
        "no document is {}; the file has {}",
        address.document,
        some(stream.documents.iter().map(describe), ", ")
    ))
}

enum PathMiss {
    /// The path ends early; the deeper, the better the guess at what was meant.
    Absent { depth: usize, why: String },
    /// The path leads somewhere that must not be changed.
    Refused(String),
}

fn follow<'n>(
    stream: &'n YamlStream<'_>,
    root: &'n YamlNode,
    address: &ScalarAddress,
) -> Result<PathEnd<'n>, PathMiss> {
    let path = &address.path;
    let mut node = root;
    for (depth, step) in path.0.iter().enumerate() {
        if depth > 0 && is_text(node) {
            check_shared(stream, node, None, address)?;
            let rest = YamlPath(path.0[depth..].to_vec());
            return Ok(PathEnd::Text { node, rest });
        }
        check_shared(stream, node, Some(step), address)?;
        node = match descend(stream, node, step) {
            Ok(child) => child,
            Err(StepMiss::Several(places)) => {
                return Err(PathMiss::Refused(format!(
                    "`{path}` is ambiguous: `{}` matches at {places}",
                    YamlPath(vec![step.clone()])
                )));
            }
            Err(StepMiss::None) => match merged(stream, node, step, address)? {
                Some(child) => child,
                None => return Err(absent(node, path, depth)),
            },
        };
        if let &NodeKind::Alias(anchor) = &node.kind {
            if address.shared {
                node = stream.resolve(node);
                continue;
            }
            return Err(PathMiss::Refused(format!(
                "`{path}` goes through the alias `{}` at {}: what it stands for is shared, {}; write the value out, \
                 or say `shared = true` if it is meant to change everywhere",
                source(stream, node),
                node.place,
                stream
                    .anchored(anchor)
                    .map_or_else(String::new, |home| format!(
                        "it is defined at {}",
                        home.place
                    )),
            )));
        }
    }
    check_shared(stream, node, None, address)?;
    Ok(PathEnd::Node(node))
}

fn absent(node: &YamlNode, path: &YamlPath, depth: usize) -> PathMiss {
    let upto = YamlPath(path.0[..depth].to_vec());
    let place = if depth == 0 {
        "the top level".to_owned()
    } else {
        format!("`{upto}`")
    };
    PathMiss::Absent {
        depth,
        why: format!(
            "`{path}` does not exist: {place} at line {} {}, but no `{}`",
            node.place.line,
            inventory(node),
            YamlPath(vec![path.0[depth].clone()])
        ),
    }
}

enum StepMiss {
    None,
    Several(String),
}

fn descend<'n>(
    stream: &'n YamlStream<'_>,
    node: &'n YamlNode,
    step: &YamlStep,
) -> Result<&'n YamlNode, StepMiss> {
    let found: Vec<&YamlNode> = match (step, &node.kind) {
        (YamlStep::Key(key), NodeKind::Map(_)) => {
            let mut found: Vec<_> = node
                .get(key)
                .into_iter()
                .chain(stream.by_alias(node, key))
                .collect();
            found.sort_unstable_by_key(|node| node.bytes.start);
            found
        }
        (YamlStep::Index(index), NodeKind::List(items)) => items.get(*index).into_iter().collect(),
        (YamlStep::Where { field, value }, NodeKind::List(items)) => {
            let holds = |item: &&YamlNode| {
                let mut keys = field.iter();
                let end = keys.try_fold(*item, |node, key| stream.lookup(node, key));
                end.and_then(YamlNode::text) == Some(value)
            };
            items.iter().filter(holds).collect()
        }
        _ => Vec::new(),
    };
    match found.as_slice() {
        [] => Err(StepMiss::None),
        [one] => Ok(one),
        many => Err(StepMiss::Several(some(
            many.iter().map(|node| node.place.to_string()),
            " and ",
        ))),
    }
}

/// Refuses a node whose anchor is used elsewhere: a change in it would change those places as well.
fn check_shared(
    stream: &YamlStream<'_>,
    node: &YamlNode,
    next: Option<&YamlStep>,
    address: &ScalarAddress,
) -> Result<(), PathMiss> {
    if address.shared {
        return Ok(());
    }
    let places = stream.uses(node, next);
    if places.is_empty() {
        return Ok(());
    }
    Err(PathMiss::Refused(format!(
        "`{}` is in the anchored node at {}, which is also used at {}: a change would reach them all; \
         `shared = true` says that this is meant",
        address.path,
        node.place,
        some(places.iter().map(ToString::to_string), " and at ")
    )))
}

/// The value of a key that the map has only through `<<`, if sharing is meant.
fn merged<'n>(
    stream: &'n YamlStream<'_>,
    node: &'n YamlNode,
    step: &YamlStep,
    address: &ScalarAddress,
) -> Result<Option<&'n YamlNode>, PathMiss> {
    let YamlStep::Key(key) = step else {
        return Ok(None);
    };
    let Some((home, merge)) = stream.merged_from(node, key) else {
        return Ok(None);
    };
    if address.shared {
        return Ok(stream.lookup(home, key));
    }
    Err(PathMiss::Refused(format!(
        "`{}` comes through the merge key `<<` at {} from {}: a change there would reach every map that merges it; \
         write `{key}` out in this map, or say `shared = true` if it is meant to change everywhere",
        address.path, merge.place, home.place
    )))
}

pub(super) fn inventory(node: &YamlNode) -> String {
    match &node.kind {
        NodeKind::Map(entries) if entries.is_empty() => "is an empty map".to_owned(),
        NodeKind::Map(entries) => {
            let keys = entries.iter().filter_map(|(key, _)| key.text());
            let keys =
                keys.map(|key| format!("`{}`", YamlPath(vec![YamlStep::Key(key.to_owned())])));
            format!("has {}", first(keys))
        }
        NodeKind::List(items) => {
            let names = items
                .iter()
                .filter_map(|item| item.get("name").and_then(YamlNode::text))
                .map(|name| format!("`[name={}]`", name.escape_debug()));
            let names = first(names);
            let names = if names.is_empty() {
                names
            } else {
                format!(" ({names})")
            };
            let items_are = if items.len() == 1 { "item" } else { "items" };
            format!("is a list of {} {items_are}{names}", items.len())
        }
        _ if node.is_empty() => "is empty".to_owned(),
        _ => format!("is {} without keys", node.noun()),
    }
}

/// The first names, each of them cut.
fn first(names: impl Iterator<Item = String>) -> String {
    let cut = |name: String| name.chars().take(80).collect::<String>();
    names.take(20).map(cut).collect::<Vec<_>>().join(", ")
}

pub(super) fn source<'s>(stream: &YamlStream<'s>, node: &YamlNode) -> &'s str {
    stream
        .text
        .get(node.bytes.clone())
        .unwrap_or_default()
        .trim()
}
