//! Which scalar of a file is meant: the document, the path in it, and whether sharing is meant.

use super::node::{YamlNode, YamlStream};
use super::path::{YamlPath, YamlStep};

/// The address of one scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalarAddress {
    /// The document.
    pub document: DocumentSelector,
    /// The way from its root.
    pub path: YamlPath,
    /// Whether a value that stands in several places by an anchor may change in all of them.
    pub shared: bool,
}

/// Which documents of a file are meant; all of them if nothing is set. Items of a `List` count as documents too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentSelector {
    /// The document's `kind`.
    pub kind: Option<String>,
    /// The document's `metadata.name`.
    pub name: Option<String>,
    /// The document's `metadata.namespace`.
    pub namespace: Option<String>,
    /// Its place among the documents of the file that are not empty, from 0.
    pub index: Option<usize>,
}

/// A document, or an item of a list of Kubernetes objects.
#[derive(Clone, Copy, Debug)]
pub struct YamlDocument<'n> {
    /// Its root.
    pub root: &'n YamlNode,
    /// The place of the document in the file.
    index: usize,
    /// The place of the item in the list.
    item: Option<usize>,
}

impl YamlDocument<'_> {
    /// The address of a path in this document and in no other one.
    pub fn address(&self, path: YamlPath, shared: bool) -> ScalarAddress {
        let list = [YamlStep::Key("items".to_owned())];
        let item = self.item.into_iter().map(YamlStep::Index);
        let list = list.into_iter().take(usize::from(self.item.is_some()));
        ScalarAddress {
            document: DocumentSelector {
                index: Some(self.index),
                ..DocumentSelector::default()
            },
            path: YamlPath(list.chain(item).chain(path.0).collect()),
            shared,
        }
    }

    /// Whether it is a list whose items are documents too.
    pub fn is_list(&self) -> bool {
        is_list(self.root)
    }
}

impl From<YamlPath> for ScalarAddress {
    fn from(path: YamlPath) -> Self {
        Self {
            document: DocumentSelector::default(),
            path,
            shared: false,
        }
    }
}

impl ScalarAddress {
    /// The same document, another path.
    pub fn at(&self, path: YamlPath) -> Self {
        Self {
            path,
            ..self.clone()
        }
    }
}

impl DocumentSelector {
    /// The documents that are meant: roots, and items of lists of Kubernetes objects.
    pub fn choose<'n>(&self, stream: &'n YamlStream<'_>) -> Vec<YamlDocument<'n>> {
        let full = stream.documents.iter().filter(|root| !root.is_empty());
        let mut chosen = Vec::new();
        for (index, root) in full.enumerate() {
            if self.index.is_some_and(|wanted| wanted != index) {
                continue;
            }
            let document = |root, item| YamlDocument { root, index, item };
            let items = root.get("items").filter(|_| is_list(root));
            let items = items.into_iter().flat_map(YamlNode::items).enumerate();
            let all = std::iter::once(document(root, None))
                .chain(items.map(|(at, item)| document(item, Some(at))));
            chosen.extend(all.filter(|document| self.admits(document.root)));
        }
        chosen
    }

    fn admits(&self, root: &YamlNode) -> bool {
        let metadata = root.get("metadata");
        let wanted = [
            (&self.kind, root.get("kind")),
            (&self.name, metadata.and_then(|data| data.get("name"))),
            (
                &self.namespace,
                metadata.and_then(|data| data.get("namespace")),
            ),
        ];
        wanted.into_iter().all(|(wanted, node)| {
            wanted.is_none() || node.and_then(YamlNode::text) == wanted.as_deref()
        })
    }
}

fn is_list(root: &YamlNode) -> bool {
    let kind = root.get("kind").and_then(YamlNode::text);
    kind.is_some_and(|kind| kind.ends_with("List"))
}

impl std::fmt::Display for DocumentSelector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let any = |text: &Option<String>| text.as_deref().unwrap_or("*").escape_debug().to_string();
        write!(out, "`{}/{}`", any(&self.kind), any(&self.name))?;
        if let Some(namespace) = &self.namespace {
            write!(out, " in `{}`", namespace.escape_debug())?;
        }
        match self.index {
            Some(index) => write!(out, " and number {index}, counted from 0"),
            None => Ok(()),
        }
    }
}

/// Returns the name of a document, for people.
pub(super) fn describe(root: &YamlNode) -> String {
    let metadata = root.get("metadata");
    let field = |key: &str| metadata.and_then(|data| data.get(key)?.text());
    let shown = |text: Option<&str>| text.unwrap_or("?").escape_debug().to_string();
    let name = match (field("name"), field("generateName")) {
        (None, Some(start)) => format!("{}…", start.escape_debug()),
        (name, _) => shown(name),
    };
    let kind = shown(root.get("kind").and_then(YamlNode::text));
    let namespace = field("namespace").map_or_else(String::new, |namespace| {
        format!(" in `{}`", namespace.escape_debug())
    });
    format!("`{kind}/{name}`{namespace} at line {}", root.place.line)
}

/// A list for people, which ends.
pub(crate) fn some(items: impl IntoIterator<Item = String>, joint: &str) -> String {
    const SHOWN: usize = 6;
    let mut items = items.into_iter();
    let shown: Vec<_> = items.by_ref().take(SHOWN).collect();
    match items.count() {
        0 => shown.join(joint),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
