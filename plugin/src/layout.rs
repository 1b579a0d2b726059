//! Layouts that people have, by the keys of their files: settings name the file, and its image is found by its own name.

mod argocd;
mod helm;
mod kubernetes;
mod kustomize;

use crate::holder::{ImagePlace, is_of};
use crate::image::ImageReference;
use crate::settings::Part;
use crate::yaml::address::some;
use crate::yaml::{self, DocumentSelector, ScalarAddress, YamlPath, YamlStream};

/// The way to find an image in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestLayout {
    /// By a path.
    Path(YamlPath),
    /// In `images` of a Kustomization; the one of this name, else those of the image's repository.
    Kustomize(Option<String>),
    /// In a chart's values, in the map or text at this path.
    HelmValues(YamlPath),
    /// In containers; the one of this name, else those of the image's repository.
    Kubernetes(Option<String>),
    /// In the source of an application of Argo CD; in Helm values and parameters at this path.
    ArgoApplication(YamlPath),
}

/// Which file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestSearch {
    /// What the file is.
    pub layout: ManifestLayout,
    /// Which of its documents.
    pub document: DocumentSelector,
    /// Whether what is shared by an anchor may change.
    pub shared: bool,
}

/// The image that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct SoughtImage<'a> {
    /// The image, of which the repository counts.
    pub image: &'a ImageReference,
    /// Whether the file may hold an image of another repository.
    pub allow_other: bool,
    /// The registry, where the file does not hold it.
    pub registry: Option<&'a str>,
}

impl ManifestSearch {
    /// The places of a file that hold an image.
    ///
    /// # Errors
    /// Says why there are none, or too many.
    pub fn places(
        &self,
        stream: &YamlStream<'_>,
        sought: SoughtImage<'_>,
        part: Option<Part>,
    ) -> Result<Vec<ImagePlace>, String> {
        let view = SearchView {
            stream,
            search: self,
            image: sought.image,
            sought,
        };
        let found = match &self.layout {
            ManifestLayout::Path(path) => {
                let place = |address| {
                    Some(ImagePlace {
                        address,
                        shown: path.to_string(),
                        part,
                    })
                };
                view.only(path, place).map(|place| vec![place])
            }
            ManifestLayout::Kustomize(name) => kustomize::places(&view, name.as_deref()),
            ManifestLayout::HelmValues(at) => helm::places(&view, at),
            ManifestLayout::Kubernetes(container) => {
                kubernetes::places(&view, container.as_deref())
            }
            ManifestLayout::ArgoApplication(at) => argocd::places(&view, at),
        };
        let has_keys = stream
            .documents
            .iter()
            .any(|root| !root.entries().is_empty());
        found.map_err(|why| match yaml::foreign::kind(stream.text) {
            Some(kind) if !has_keys => kind.to_owned(),
            _ => why,
        })
    }
}

/// The file and the image that a layout looks at.
struct SearchView<'a> {
    stream: &'a YamlStream<'a>,
    search: &'a ManifestSearch,
    image: &'a ImageReference,
    sought: SoughtImage<'a>,
}

impl SearchView<'_> {
    /// The place at a path: of the only document that has it, or of the only one where the image of the repository stands.
    fn only(
        &self,
        path: &YamlPath,
        place: impl Fn(ScalarAddress) -> Option<ImagePlace>,
    ) -> Result<ImagePlace, String> {
        let address = ScalarAddress {
            document: self.search.document.clone(),
            path: path.clone(),
            shared: self.search.shared,
        };
        let why = match yaml::pin(self.stream, &address) {
            Ok(address) => {
                return place(address.clone()).ok_or_else(|| nothing_there(self, path, &address));
            }
            Err(why) => why,
        };
        let places = yaml::pins(self.stream, &address).into_iter();
        let mut ours = places
            .filter_map(place)
            .filter(|place| self.is_place_of_ours(place) == Some(true));
        match (ours.next(), ours.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(why),
        }
    }

    /// Whether a place is of the repository; none if nothing there says so.
    fn is_place_of_ours(&self, place: &ImagePlace) -> Option<bool> {
        is_of(self.stream, place, self.image, self.sought.registry)
    }

    /// Whether a text is a reference to an image of the repository.
    fn is_ours(&self, text: &str) -> bool {
        ImageReference::parse(text).is_ok_and(|held| held.same_repository(self.image))
    }

    /// Those of some candidates that are of the repository, or the only one if that may change; none is an error.
    fn ours<T>(
        &self,
        candidates: Vec<ImageCandidate<T>>,
        what: &str,
    ) -> Result<Vec<ImageCandidate<T>>, String> {
        let names: Vec<_> = candidates.iter().map(|it| it.shown.clone()).collect();
        let only = candidates.len() == 1 && self.sought.allow_other;
        let ours: Vec<_> = candidates
            .into_iter()
            .filter(|candidate| only || candidate.is_ours)
            .collect();
        if !ours.is_empty() {
            return Ok(ours);
        }
        let repository = &self.image.repository;
        Err(if names.is_empty() {
            format!("there is no {what}")
        } else {
            format!(
                "no {what} is of `{repository}`; there are {}",
                some(names, ", ")
            )
        })
    }
}

/// Why no image is found in the map at a path that exists.
fn nothing_there(view: &SearchView<'_>, path: &YamlPath, address: &ScalarAddress) -> String {
    let keys = yaml::keys(view.stream, address);
    let parts = ["tag", "digest", "sha"].into_iter();
    if let Some(key) = parts
        .into_iter()
        .find(|part| keys.iter().any(|key| key == part))
    {
        return format!(
            "`{path}.{key}` is empty, so the chart takes a version of its own: write a first value by hand"
        );
    }
    let keys: Vec<_> = keys
        .iter()
        .take(20)
        .map(|key| format!("`{}`", shown(key)))
        .collect();
    format!(
        "`{path}` has neither `tag` nor `digest`, it has {}: name the map with setting `at`, or the value with `path` and `image`",
        keys.join(", ")
    )
}

/// Something that holds an image.
struct ImageCandidate<T> {
    /// Its name for people, with its value.
    shown: String,
    /// Whether it is an image of the repository.
    is_ours: bool,
    /// Its address.
    it: T,
}

/// Foreign text in a message, which ends.
fn shown(text: &str) -> String {
    text.escape_debug().take(120).collect()
}
