//! One entry of the setting `manifest`: a file by its layout, or by a path in it.

use super::Manifest;
use crate::layout::{Layout, Search};
use crate::yaml::{Path, Selector};

/// Where a chart's values usually have the image.
const AT: &str = "image";

/// The file of an entry and the kind of its layout; all of it still templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// The path of the file.
    pub file: &'a str,
    /// The setting that names it.
    pub setting: &'static str,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Path(&'a str),
    Kustomize,
    HelmValues,
    Kubernetes,
    ArgoApplication,
}

impl Manifest {
    /// The file, and what is looked for in it.
    ///
    /// # Errors
    /// Says which keys are missing, too many, or do not go together.
    pub fn located(&self) -> Result<Located<'_>, String> {
        let files = [
            ("path", &self.path),
            ("kustomize", &self.kustomize),
            ("helm_values", &self.helm_values),
            ("kubernetes", &self.kubernetes),
            ("argocd_application", &self.argocd_application),
        ];
        let named: Vec<_> = files
            .into_iter()
            .filter_map(|(setting, file)| Some((setting, file.as_deref()?)))
            .collect();
        let (setting, file) = match named.as_slice() {
            [one] => *one,
            [] => {
                return Err(
                    "names no file: `kustomize`, `helm_values`, `kubernetes` or `argocd_application`, or `path` with `image`"
                        .to_owned(),
                );
            }
            many => {
                let names: Vec<_> = many.iter().map(|(name, _)| format!("`{name}`")).collect();
                return Err(format!(
                    "has {}, only one of which can be meant",
                    names.join(", ")
                ));
            }
        };
        if file.is_empty() {
            return Err(format!("has an empty `{setting}`"));
        }
        let kind = match setting {
            "kustomize" => Kind::Kustomize,
            "helm_values" => Kind::HelmValues,
            "kubernetes" => Kind::Kubernetes,
            "argocd_application" => Kind::ArgoApplication,
            _ => match &self.image {
                Some(image) => Kind::Path(image),
                None => {
                    return Err(
                        "has no `image`, which says where in the file of `path` it stands"
                            .to_owned(),
                    );
                }
            },
        };
        let takes = [
            ("image", self.image.is_some(), matches!(kind, Kind::Path(_))),
            ("part", self.part.is_some(), matches!(kind, Kind::Path(_))),
            ("name", self.name.is_some(), kind == Kind::Kustomize),
            (
                "container",
                self.container.is_some(),
                kind == Kind::Kubernetes,
            ),
            (
                "at",
                self.at.is_some(),
                matches!(kind, Kind::HelmValues | Kind::ArgoApplication),
            ),
        ];
        match takes.iter().find(|(_, is_set, fits)| *is_set && !fits) {
            Some((key, ..)) => Err(format!("has `{key}`, which does not go with `{setting}`")),
            None => Ok(Located {
                file,
                setting,
                kind,
            }),
        }
    }
}

impl Located<'_> {
    /// What is looked for, with every name filled in.
    ///
    /// # Errors
    /// As `fill` does, and when a path is none.
    pub fn search(
        &self,
        manifest: &Manifest,
        fill: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Search, String> {
        let name = |text: &Option<String>| text.as_deref().map(&fill).transpose();
        let path = |text: &str| -> Result<Path, String> {
            let path: Path = text.parse()?;
            path.fill(&fill)
        };
        let at = || {
            let at = path(manifest.at.as_deref().unwrap_or(AT));
            at.map_err(|what| format!("has `at` {what}"))
        };
        let document = &manifest.document;
        Ok(Search {
            layout: match self.kind {
                Kind::Path(image) => {
                    Layout::Path(path(image).map_err(|what| format!("has `image` {what}"))?)
                }
                Kind::Kustomize => Layout::Kustomize(name(&manifest.name)?),
                Kind::HelmValues => Layout::HelmValues(at()?),
                Kind::Kubernetes => Layout::Kubernetes(name(&manifest.container)?),
                Kind::ArgoApplication => Layout::ArgoApplication(at()?),
            },
            document: Selector {
                kind: name(&document.kind)?,
                name: name(&document.name)?,
                namespace: name(&document.namespace)?,
                index: document.index,
            },
            shared: manifest.shared,
        })
    }
}

impl Manifest {
    /// Whether a template of this entry names something: `{production` for instance.
    pub fn mentions(&self, start: &str) -> bool {
        let document = &self.document;
        let texts = [
            &self.path,
            &self.image,
            &self.kustomize,
            &self.name,
            &self.helm_values,
            &self.argocd_application,
            &self.at,
            &self.kubernetes,
            &self.container,
            &self.registry,
            &document.kind,
            &document.name,
            &document.namespace,
        ];
        texts.into_iter().flatten().any(|text| text.contains(start))
    }
}
