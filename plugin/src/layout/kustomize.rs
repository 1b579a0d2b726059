//! `images` of a Kustomization: the item whose `newName`, or else `name`, is the image's repository.

use super::{ImageCandidate, SearchView, shown};
use crate::holder::{ImagePlace, is_meant_by_name};
use crate::image::ImageReference;
use crate::settings::Part;
use crate::yaml::node::YamlNode;
use crate::yaml::path::{YamlPath, YamlStep};
use crate::yaml::{YamlDocument, YamlStream};

pub(super) fn places(view: &SearchView<'_>, name: Option<&str>) -> Result<Vec<ImagePlace>, String> {
    let mut candidates = Vec::new();
    for document in view.search.document.choose(view.stream) {
        let Some(images) = view.stream.lookup(document.root, "images") else {
            continue;
        };
        for (at, item) in images.items().iter().enumerate() {
            candidates.push(candidate(view, document, at, item));
        }
    }
    if let Some(name) = name {
        candidates.retain(|candidate| candidate.it.name == name);
        if candidates.is_empty() {
            return Err(format!(
                "`images` has no item whose `name` is `{}`",
                shown(name)
            ));
        }
        // Whether its image is the right one is said with more words when it is to be written.
        candidates
            .iter_mut()
            .for_each(|candidate| candidate.is_ours = true);
    }
    let ours = view.ours(candidates, "item of `images`")?;
    ours.into_iter()
        .map(|candidate| place(view, &candidate))
        .collect()
}

/// An item of `images`.
struct KustomizeItem<'a> {
    document: YamlDocument<'a>,
    at: usize,
    name: String,
    keys: Vec<String>,
}

fn candidate<'a>(
    view: &SearchView<'a>,
    document: YamlDocument<'a>,
    at: usize,
    item: &'a YamlNode,
) -> ImageCandidate<KustomizeItem<'a>> {
    let text = |key| field(view.stream, item, key);
    let name = text("name").unwrap_or_default();
    let runs = text("newName").filter(|name| !name.is_empty());
    let is_ours = match &runs {
        Some(runs) => view.is_ours(runs),
        None => ImageReference::parse(&name).is_ok_and(|held| is_meant_by_name(&held, view.image)),
    };
    let instead = runs.map_or_else(String::new, |runs| format!(" (`{}`)", shown(&runs)));
    ImageCandidate {
        shown: format!("`{}`{instead}", shown(&name)),
        is_ours,
        it: KustomizeItem {
            document,
            at,
            name,
            keys: view.stream.keys(item),
        },
    }
}

fn field(stream: &YamlStream<'_>, item: &YamlNode, key: &str) -> Option<String> {
    stream.lookup(item, key)?.text().map(str::to_owned)
}

fn place(
    view: &SearchView<'_>,
    candidate: &ImageCandidate<KustomizeItem<'_>>,
) -> Result<ImagePlace, String> {
    let item = &candidate.it;
    let known = [("newTag", Part::Tag), ("digest", Part::Digest)];
    let held = known
        .into_iter()
        .find(|(key, _)| item.keys.iter().any(|known| known == key));
    let Some((key, part)) = held else {
        return Err(format!(
            "{} of `images` has neither `newTag` nor `digest`: write a first one by hand",
            candidate.shown
        ));
    };
    let list = YamlPath(vec![YamlStep::Key("images".to_owned())]);
    Ok(ImagePlace {
        shown: format!("images[name={}].{key}", shown(&item.name)),
        address: item
            .document
            .address(list.item(item.at).key(key), view.search.shared),
        part: Some(part),
    })
}
