//! One entry of the setting `manifest`: a file by its layout, or by a path in it.

use super::Manifest;
use crate::layout::{ManifestLayout, ManifestSearch};
use crate::yaml::{DocumentSelector, YamlPath};

/// Where a chart's values usually have the image.
const AT: &str = "image";

/// The file of an entry and the kind of its layout; all of it still templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestFile<'a> {
    /// The path of the file.
    pub file: &'a str,
    /// The setting that names it.
    pub setting: &'static str,
    kind: LayoutKind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayoutKind<'a> {
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
    pub fn located(&self) -> Result<ManifestFile<'_>, String> {
        let (setting, file) = self.named_file()?;
        if file.is_empty() {
            return Err(format!("has an empty `{setting}`"));
        }
        let kind = match setting {
            "kustomize" => LayoutKind::Kustomize,
            "helm_values" => LayoutKind::HelmValues,
            "kubernetes" => LayoutKind::Kubernetes,
            "argocd_application" => LayoutKind::ArgoApplication,
            _ => LayoutKind::Path(
                self.image
                    .as_deref()
                    .ok_or("has no `image`, which says where in the file of `path` it stands")?,
            ),
        };
        match self.stray_key(kind) {
            Some(key) => Err(format!("has `{key}`, which does not go with `{setting}`")),
            None => Ok(ManifestFile {
                file,
                setting,
                kind,
            }),
        }
    }

    /// Returns the one setting that names a file, with the file.
    fn named_file(&self) -> Result<(&'static str, &str), String> {
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
        match named.as_slice() {
            [one] => Ok(*one),
            [] => Err(
                "names no file: `kustomize`, `helm_values`, `kubernetes` or `argocd_application`, or `path` with `image`"
                    .to_owned(),
            ),
            many => {
                let names: Vec<_> = many.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(format!(
                    "has {}, only one of which can be meant",
                    names.join(", ")
                ))
            }
        }
    }

    /// Returns a key that is set and means nothing in a layout.
    fn stray_key(&self, kind: LayoutKind<'_>) -> Option<&'static str> {
        let is_path = matches!(kind, LayoutKind::Path(_));
        let is_nested = matches!(kind, LayoutKind::HelmValues | LayoutKind::ArgoApplication);
        let keys = [
            ("image", self.image.is_some(), is_path),
            ("part", self.part.is_some(), is_path),
            ("name", self.name.is_some(), kind == LayoutKind::Kustomize),
            (
                "container",
                self.container.is_some(),
                kind == LayoutKind::Kubernetes,
            ),
            ("at", self.at.is_some(), is_nested),
        ];
        keys.into_iter()
            .find_map(|(key, is_set, fits)| (is_set && !fits).then_some(key))
    }
}

impl ManifestFile<'_> {
    /// What is looked for, with every name filled in.
    ///
    /// # Errors
    /// As `fill` does, and when a path is none.
    pub fn search(
        &self,
        manifest: &Manifest,
        fill: impl Fn(&str) -> Result<String, String>,
    ) -> Result<ManifestSearch, String> {
        let name = |text: &Option<String>| text.as_deref().map(&fill).transpose();
        let path = |text: &str| -> Result<YamlPath, String> {
            let path: YamlPath = text.parse()?;
            path.fill(&fill)
        };
        let at = || {
            let at = path(manifest.at.as_deref().unwrap_or(AT));
            at.map_err(|what| format!("has `at` {what}"))
        };
        let document = &manifest.document;
        Ok(ManifestSearch {
            layout: match self.kind {
                LayoutKind::Path(image) => {
                    ManifestLayout::Path(path(image).map_err(|what| format!("has `image` {what}"))?)
                }
                LayoutKind::Kustomize => ManifestLayout::Kustomize(name(&manifest.name)?),
                LayoutKind::HelmValues => ManifestLayout::HelmValues(at()?),
                LayoutKind::Kubernetes => ManifestLayout::Kubernetes(name(&manifest.container)?),
                LayoutKind::ArgoApplication => ManifestLayout::ArgoApplication(at()?),
            },
            document: DocumentSelector {
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
