//! `images` of a Kustomization: the item whose `newName`, or else `name`, is the image's repository. Flux has such a list in its
//! own objects too: in the `spec` of a Kustomization, and in the post-renderers of a HelmRelease.

use super::{ImageCandidate, SearchView, shown};
use crate::holder::{ImagePlace, is_meant_by_name};
use crate::image::ImageReference;
use crate::settings::Part;
use crate::yaml::node::YamlNode;
use crate::yaml::path::YamlPath;
use crate::yaml::{YamlDocument, YamlStream};

pub(super) fn places(view: &SearchView<'_>, name: Option<&str>) -> Result<Vec<ImagePlace>, String> {
    let mut candidates = Vec::new();
    for document in view.search.document.choose(view.stream) {
        for (list, images) in lists(view, document) {
            for (at, item) in images.items().iter().enumerate() {
                candidates.push(candidate(view, document, list.item(at), item));
            }
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

/// The lists of images of a document, with their paths.
fn lists<'a>(view: &SearchView<'a>, document: YamlDocument<'a>) -> Vec<(YamlPath, &'a YamlNode)> {
    let root = YamlPath(Vec::new());
    let mut holders = vec![(root.clone(), document.root)];
    if let Some(spec) = view.stream.lookup(document.root, "spec") {
        let path = root.key("spec");
        let renderers = view.stream.lookup(spec, "postRenderers");
        let renderers = renderers.into_iter().flat_map(YamlNode::items).enumerate();
        for (at, renderer) in renderers {
            if let Some(kustomize) = view.stream.lookup(renderer, "kustomize") {
                let path = path.key("postRenderers").item(at).key("kustomize");
                holders.push((path, kustomize));
            }
        }
        holders.push((path, spec));
    }
    let list = |(path, holder): (YamlPath, &'a YamlNode)| {
        Some((path.key("images"), view.stream.lookup(holder, "images")?))
    };
    holders.into_iter().filter_map(list).collect()
}

/// An item of `images`.
struct KustomizeItem<'a> {
    document: YamlDocument<'a>,
    path: YamlPath,
    name: String,
    keys: Vec<String>,
}

fn candidate<'a>(
    view: &SearchView<'a>,
    document: YamlDocument<'a>,
    path: YamlPath,
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
            path,
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
    let mut list = item.path.0.clone();
    list.pop();
    Ok(ImagePlace {
        shown: format!("{}[name={}].{key}", YamlPath(list), shown(&item.name)),
        address: item
            .document
            .address(item.path.key(key), view.search.shared),
        part: Some(part),
    })
}
