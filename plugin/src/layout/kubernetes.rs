//! Containers of Kubernetes objects, wherever in an object they stand.

use super::{Candidate, View, shown};
use crate::holder::Place;
use crate::settings::Part;
use crate::yaml::Document;
use crate::yaml::address::some;
use crate::yaml::node::Node;
use crate::yaml::path::{Path, Step};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

pub(super) fn places(view: &View<'_>, container: Option<&str>) -> Result<Vec<Place>, String> {
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

struct Container {
    name: Option<String>,
    place: Place,
}

/// Every container of a document.
fn collect(view: &View<'_>, document: Document<'_>, out: &mut Vec<Candidate<Container>>) {
    let mut open: Vec<(&Node, Path)> = vec![(document.root, Path(Vec::new()))];
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
    view: &View<'_>,
    document: Document<'_>,
    list: &Path,
    at: usize,
    item: &Node,
) -> Option<(usize, Candidate<Container>)> {
    let image = view.stream.lookup(item, "image")?;
    let text = image.text()?;
    let name = view.stream.lookup(item, "name").and_then(Node::text);
    let path = list.item(at).key("image");
    let mut steps = list.0.clone();
    if let Some(name) = name {
        let (field, value) = (vec!["name".to_owned()], shown(name));
        steps.extend([Step::Where { field, value }, Step::Key("image".to_owned())]);
    } else {
        steps.clone_from(&path.0);
    }
    let candidate = Candidate {
        shown: format!("`{}` (`{}`)", shown(name.unwrap_or("?")), shown(text)),
        is_ours: view.is_ours(text),
        it: Container {
            name: name.map(str::to_owned),
            place: Place {
                address: document.address(path, view.search.shared),
                shown: Path(steps).to_string(),
                part: Some(Part::Reference),
            },
        },
    };
    Some((item.place.line, candidate))
}
