//! Layouts that people have, by the keys of their files: settings name the file, and its image is found by its own name.

mod argocd;
mod helm;
mod kubernetes;
mod kustomize;

use crate::holder::ImagePlace;
use crate::image::ImageReference;
use crate::yaml::address::some;
use crate::yaml::{DocumentSelector, ScalarAddress, YamlPath, YamlStream};

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

impl ManifestSearch {
    /// The places of a file that hold an image.
    ///
    /// # Errors
    /// Says why there are none, or too many.
    pub fn places(
        &self,
        stream: &YamlStream<'_>,
        image: &ImageReference,
        allow_other: bool,
    ) -> Result<Vec<ImagePlace>, String> {
        let view = SearchView {
            stream,
            search: self,
            image,
            allow_other,
        };
        match &self.layout {
            ManifestLayout::Path(path) => {
                let address = ScalarAddress {
                    document: self.document.clone(),
                    path: path.clone(),
                    shared: self.shared,
                };
                Ok(vec![ImagePlace {
                    shown: path.to_string(),
                    address: crate::yaml::pin(stream, &address)?,
                    part: None,
                }])
            }
            ManifestLayout::Kustomize(name) => kustomize::places(&view, name.as_deref()),
            ManifestLayout::HelmValues(at) => helm::places(&view, at),
            ManifestLayout::Kubernetes(container) => {
                kubernetes::places(&view, container.as_deref())
            }
            ManifestLayout::ArgoApplication(at) => argocd::places(&view, at),
        }
    }
}

/// The file and the image that a layout looks at.
struct SearchView<'a> {
    stream: &'a YamlStream<'a>,
    search: &'a ManifestSearch,
    image: &'a ImageReference,
    allow_other: bool,
}

impl SearchView<'_> {
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
        let only = candidates.len() == 1 && self.allow_other;
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
