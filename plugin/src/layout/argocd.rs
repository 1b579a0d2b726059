//! An application of Argo CD, or a set of them: what its source says of the image.
//!
//! Helm parameters, values as an object and as a text, and Kustomize's images. Parameters win over values when Argo CD
//! renders, so an image that stands in several of them is refused.

use super::{ImageCandidate, SearchView, helm, shown};
use crate::holder::ImagePlace;
use crate::settings::Part;
use crate::yaml::address::some;
use crate::yaml::node::YamlNode;
use crate::yaml::path::{YamlPath, YamlStep};
use crate::yaml::{ScalarAddress, YamlDocument};

pub(super) fn places(view: &SearchView<'_>, at: &YamlPath) -> Result<Vec<ImagePlace>, String> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    let mut sources = 0;
    for document in view.search.document.choose(view.stream) {
        for (path, source) in all_sources(view, document) {
            sources += 1;
            let source = ArgoSource {
                view,
                document,
                path,
                node: source,
            };
            let mut here = source.helm(at);
            let images = source.images();
            here.extend(
                images
                    .iter()
                    .filter(|it| it.is_ours)
                    .map(|it| it.it.clone()),
            );
            others.extend(images.into_iter().map(|it| it.shown));
            if here.len() > 1 {
                let places = here.iter().map(|place| format!("`{}`", place.shown));
                return Err(format!(
                    "the image stands in {} ways ({}): name one with `path` and `image`",
                    here.len(),
                    some(places, ", ")
                ));
            }
            found.extend(here);
        }
    }
    if !found.is_empty() {
        return of_repository(view, found);
    }
    let also = if others.is_empty() {
        String::new()
    } else {
        format!("; `kustomize.images` has {}", some(others, ", "))
    };
    Err(match sources {
        0 => "there is neither `spec.source` nor `spec.sources`: it is no application of Argo CD"
            .to_owned(),
        _ => format!(
            "no source has the image: neither a Helm parameter `{at}.tag`, nor `{at}` in `helm.valuesObject` or `helm.values`, \
             nor an item of `kustomize.images` of `{}`{also}; setting `at` names another path of Helm's values",
            view.image.repository
        ),
    })
}

/// Those of several sources whose repository is the image's. A source may say only a tag: two such are as good as each other.
fn of_repository(view: &SearchView<'_>, found: Vec<ImagePlace>) -> Result<Vec<ImagePlace>, String> {
    if found.len() == 1 {
        return Ok(found);
    }
    let says = |wanted| {
        let fits = found
            .iter()
            .filter(|place| view.is_place_of_ours(place) == wanted);
        fits.cloned().collect::<Vec<_>>()
    };
    let ours = says(Some(true));
    if !ours.is_empty() {
        return Ok(ours);
    }
    let silent = says(None);
    if silent.len() == 1 {
        return Ok(silent);
    }
    let places = found.iter().map(|place| format!("`{}`", place.shown));
    Err(format!(
        "{} sources may hold the image ({}), and none of them says its repository: say which application with `document`, \
         or name the place with `path` and `image`",
        found.len(),
        some(places, ", ")
    ))
}

/// The sources of an application, and of the applications of a set.
fn all_sources<'a>(
    view: &SearchView<'a>,
    document: YamlDocument<'a>,
) -> Vec<(YamlPath, &'a YamlNode)> {
    let specs: [&[&str]; 2] = [&["spec"], &["spec", "template", "spec"]];
    let mut sources = Vec::new();
    for keys in specs {
        let mut steps = keys.iter();
        let spec = steps.try_fold(document.root, |node, key| view.stream.lookup(node, key));
        let Some(spec) = spec else { continue };
        let path = YamlPath(
            keys.iter()
                .map(|key| YamlStep::Key((*key).to_owned()))
                .collect(),
        );
        if let Some(source) = view.stream.lookup(spec, "source") {
            sources.push((path.key("source"), source));
        }
        let list = view.stream.lookup(spec, "sources");
        for (at, source) in list.into_iter().flat_map(YamlNode::items).enumerate() {
            sources.push((path.key("sources").item(at), source));
        }
    }
    sources
}

struct ArgoSource<'a> {
    view: &'a SearchView<'a>,
    document: YamlDocument<'a>,
    path: YamlPath,
    node: &'a YamlNode,
}

impl ArgoSource<'_> {
    fn address(&self, path: YamlPath) -> ScalarAddress {
        self.document.address(path, self.view.search.shared)
    }

    /// Parameters and values of Helm.
    fn helm(&self, at: &YamlPath) -> Vec<ImagePlace> {
        let helm = self.path.key("helm");
        let mut found: Vec<_> = self
            .parameter(&helm.key("parameters"), at)
            .into_iter()
            .collect();
        for key in ["valuesObject", "values"] {
            let path = YamlPath([helm.key(key).0, at.0.clone()].concat());
            let shown = path.to_string();
            found.extend(helm::place(self.view, &self.address(path), &shown));
        }
        found
    }

    /// The parameter that holds the tag, the digest or the whole reference.
    fn parameter(&self, list: &YamlPath, at: &YamlPath) -> Option<ImagePlace> {
        let helm = self.view.stream.lookup(self.node, "helm")?;
        let items = self.view.stream.lookup(helm, "parameters")?.items();
        let names = [
            (format!("{at}.tag"), Part::Tag),
            (format!("{at}.digest"), Part::Digest),
            (at.to_string(), Part::Reference),
        ];
        let has = |name: &str| {
            let text = |item| {
                self.view
                    .stream
                    .lookup(item, "name")
                    .and_then(YamlNode::text)
            };
            items.iter().any(|item| text(item) == Some(name))
        };
        let (name, part) = names.into_iter().find(|(name, _)| has(name))?;
        let mut path = list.clone();
        path.0.push(YamlStep::Where {
            field: vec!["name".to_owned()],
            value: name,
        });
        let path = path.key("value");
        Some(ImagePlace {
            shown: path.to_string(),
            address: self.address(path),
            part: Some(part),
        })
    }

    /// Kustomize's images: `[name=]image:tag`.
    fn images(&self) -> Vec<ImageCandidate<ImagePlace>> {
        let kustomize = self.view.stream.lookup(self.node, "kustomize");
        let images = kustomize.and_then(|node| self.view.stream.lookup(node, "images"));
        let items = images.into_iter().flat_map(YamlNode::items).enumerate();
        let candidates = items.filter_map(|(at, item)| {
            let text = self.view.stream.resolve(item).text()?;
            let path = self.path.key("kustomize").key("images").item(at);
            let image = text.rsplit('=').next().unwrap_or(text);
            Some(ImageCandidate {
                shown: format!("`{}`", shown(text)),
                is_ours: self.view.is_ours(image),
                it: ImagePlace {
                    shown: path.to_string(),
                    address: self.address(path),
                    part: Some(Part::Reference),
                },
            })
        });
        candidates.collect()
    }
}
