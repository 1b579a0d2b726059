//! Containers of Kubernetes objects, wherever in an object they stand.

use super::{ImageCandidate, SearchView, shown};
use crate::holder::ImagePlace;
use crate::settings::Part;
use crate::yaml::YamlDocument;
use crate::yaml::address::some;
use crate::yaml::node::YamlNode;
use crate::yaml::path::{YamlPath, YamlStep};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

pub(super) fn places(
    view: &SearchView<'_>,
    container: Option<&str>,
) -> Result<Vec<ImagePlace>, String> {
    let mut candidates = Vec::new();
    for document in view.search.document.choose(view.stream) {
        if !document.is_list() {
            collect(view, document, &mut candidates);
        }
    }
    let Some(name) = container else {
        let ours = view.ours(candidates, "container")?;
        return Ok(ours
            .into_iter()
            .map(|candidate| candidate.it.place)
            .collect());
    };
    let names: Vec<_> = candidates.iter().map(|it| it.shown.clone()).collect();
    candidates.retain(|candidate| candidate.it.name.as_deref() == Some(name));
    if candidates.iter().filter(|it| it.is_ours).count() == 1 {
        candidates.retain(|candidate| candidate.is_ours);
    }
    if candidates.len() > 1 {
        let places = candidates.iter().map(|it| it.it.place.shown.clone());
        return Err(format!(
            "{} containers are called `{}` ({}): say which document with `document`",
            candidates.len(),
            shown(name),
            some(places, ", ")
        ));
    }
    match candidates.pop() {
        Some(candidate) => Ok(vec![candidate.it.place]),
        None if names.is_empty() => Err("there is no container".to_owned()),
        None => Err(format!(
            "no container is called `{}`; there are {}",
            shown(name),
            some(names, ", ")
        )),
    }
}

struct KubernetesContainer {
    name: Option<String>,
    place: ImagePlace,
}

/// Every container of a document.
fn collect(
    view: &SearchView<'_>,
    document: YamlDocument<'_>,
    out: &mut Vec<ImageCandidate<KubernetesContainer>>,
) {
    let mut open: Vec<(&YamlNode, YamlPath)> = vec![(document.root, YamlPath(Vec::new()))];
    let mut found = Vec::new();
    while let Some((node, path)) = open.pop() {
        for (key, value) in node.entries() {
            let Some(key) = key.text() else { continue };
            if LISTS.contains(&key) {
                let list = path.key(key);
                for (at, item) in value.items().iter().enumerate() {
                    found.extend(candidate(view, document, &list, at, item));
                }
            } else {
                open.push((value, path.key(key)));
            }
        }
        let items = node.items().iter().enumerate();
        open.extend(items.map(|(at, item)| (item, path.item(at))));
    }
    found.sort_by_key(|(line, _)| *line);
    out.extend(found.into_iter().map(|(_, candidate)| candidate));
}

fn candidate(
    view: &SearchView<'_>,
    document: YamlDocument<'_>,
    list: &YamlPath,
    at: usize,
    item: &YamlNode,
) -> Option<(usize, ImageCandidate<KubernetesContainer>)> {
    let image = view.stream.lookup(item, "image")?;
    let text = image.text()?;
    let name = view.stream.lookup(item, "name").and_then(YamlNode::text);
    let path = list.item(at).key("image");
    let mut steps = list.0.clone();
    if let Some(name) = name {
        let (field, value) = (vec!["name".to_owned()], shown(name));
        steps.extend([
            YamlStep::Where { field, value },
            YamlStep::Key("image".to_owned()),
        ]);
    } else {
        steps.clone_from(&path.0);
    }
    let candidate = ImageCandidate {
        shown: format!("`{}` (`{}`)", shown(name.unwrap_or("?")), shown(text)),
        is_ours: view.is_ours(text),
        it: KubernetesContainer {
            name: name.map(str::to_owned),
            place: ImagePlace {
                address: document.address(path, view.search.shared),
                shown: YamlPath(steps).to_string(),
                part: Some(Part::Reference),
            },
        },
    };
    Some((item.place.line, candidate))
}
