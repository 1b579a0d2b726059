//! Aliases and merge keys: what else a change would reach, and what a key or a name is once they are followed.

use super::node::{NodeKind, TextPosition, YamlNode, YamlStream};
use super::path::YamlStep;

/// The most aliases and merges that are followed, one after another.
const MAX_HOPS: usize = 16;

impl YamlStream<'_> {
    /// Follows a node that is an alias.
    pub fn resolve<'n>(&'n self, mut node: &'n YamlNode) -> &'n YamlNode {
        for _ in 0..MAX_HOPS {
            match &node.kind {
                NodeKind::Alias(anchor) => match self.anchored(*anchor) {
                    Some(home) => node = home,
                    None => return node,
                },
                _ => return node,
            }
        }
        node
    }

    /// The value of a key of a map as readers have it: by an alias as well as by a merge.
    pub fn lookup<'n>(&'n self, map: &'n YamlNode, key: &str) -> Option<&'n YamlNode> {
        self.lookup_within(self.resolve(map), key, MAX_HOPS)
    }

    fn lookup_within<'n>(
        &'n self,
        map: &'n YamlNode,
        key: &str,
        hops: usize,
    ) -> Option<&'n YamlNode> {
        if let Some(value) = map.get(key).or_else(|| self.by_alias(map, key)) {
            return Some(self.resolve(value));
        }
        let left = hops.checked_sub(1)?;
        merged(map)
            .into_iter()
            .find_map(|source| self.lookup_within(self.resolve(source), key, left))
    }

    /// The keys that readers have in a map, merged ones too.
    pub fn keys(&self, map: &YamlNode) -> Vec<String> {
        let mut keys = Vec::new();
        let mut open = vec![(self.resolve(map), MAX_HOPS)];
        while let Some((map, hops)) = open.pop() {
            let names = map.entries().iter();
            keys.extend(names.filter_map(|(name, _)| self.resolve(name).text().map(str::to_owned)));
            if let Some(left) = hops.checked_sub(1) {
                open.extend(merged(map).into_iter().map(|it| (self.resolve(it), left)));
            }
        }
        keys
    }

    /// The value of a key that is written as an alias.
    pub(super) fn by_alias<'n>(&'n self, map: &'n YamlNode, key: &str) -> Option<&'n YamlNode> {
        let entry = map.entries().iter().find(|(name, _)| {
            matches!(name.kind, NodeKind::Alias(_)) && self.resolve(name).text() == Some(key)
        });
        entry.map(|(_, value)| value)
    }

    /// The map that brings a key by a merge, and where the merge is.
    pub(super) fn merged_from<'n>(
        &'n self,
        map: &'n YamlNode,
        key: &str,
    ) -> Option<(&'n YamlNode, &'n YamlNode)> {
        let merge = map.get("<<")?;
        let mut sources = merged(map).into_iter();
        sources.find_map(|source| {
            let home = self.resolve(source);
            self.lookup(home, key).map(|_| (home, merge))
        })
    }

    /// Where else a change below a node would be seen, by the step that comes after it: each use of its anchor, except a
    /// merge into a map that has the key itself.
    pub(super) fn uses(&self, node: &YamlNode, next: Option<&YamlStep>) -> Vec<TextPosition> {
        if node.anchor == 0 {
            return Vec::new();
        }
        let used = self.aliases.iter().filter(|(it, _)| *it == node.anchor);
        let mut places: Vec<_> = used.map(|(_, place)| *place).collect();
        if let Some(YamlStep::Key(key)) = next.filter(|_| !places.is_empty()) {
            let harmless = self.overriding(node.anchor, key);
            places.retain(|place| !harmless.contains(place));
        }
        places
    }

    /// Where an anchor is merged into a map that has a key itself.
    fn overriding(&self, anchor: usize, key: &str) -> Vec<TextPosition> {
        let mut open: Vec<&YamlNode> = self.documents.iter().collect();
        let mut places = Vec::new();
        while let Some(node) = open.pop() {
            open.extend(node.items());
            open.extend(node.entries().iter().map(|(_, value)| value));
            if node.get(key).is_some() {
                let sources = merged(node).into_iter();
                let ours = sources
                    .filter(|source| matches!(source.kind, NodeKind::Alias(it) if it == anchor));
                places.extend(ours.map(|source| source.place));
            }
        }
        places
    }
}

/// Returns the maps that a map merges, in order.
fn merged(map: &YamlNode) -> Vec<&YamlNode> {
    match map.get("<<") {
        Some(merge) if matches!(merge.kind, NodeKind::List(_)) => merge.items().iter().collect(),
        Some(merge) => vec![merge],
        None => Vec::new(),
    }
}
