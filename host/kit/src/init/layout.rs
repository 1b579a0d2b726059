//! Recognises how a repository says which image production runs, from the files of one service.
//!
//! It looks at names and lines only; what it takes a file for is shown before anything is written, and the policy reads the
//! file properly.

use std::path::{Path, PathBuf};

/// Most files of a folder, and folders, that are looked at.
const MAX_LOOKS: usize = 2_000;
/// How deep folders are searched.
const MAX_DEPTH: usize = 5;
/// What folders of production are called.
const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// What the manifest of a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The name of the file in the folder of production.
    pub(super) file: String,
    /// The setting that names the file.
    pub(super) setting: &'static str,
    /// The path of Helm's values, if it is not the usual one.
    pub(super) at: Option<String>,
    /// The part of the image that the file holds, as the grant to tell the catalog asks for it; none for the reference.
    pub(super) holds: Option<&'static str>,
}

/// Where the manifest of a service is, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ManifestPlace {
    /// The folder, below the clone; none if the place in the catalog is the file itself.
    pub(super) folder: Option<String>,
    pub(super) layout: Layout,
}

/// Recognises the layout at one of the places in the catalog, else in one of the folders of production, below a clone of the
/// repository.
pub(super) fn recognise(clone: &Path, git_paths: &[String]) -> Option<ManifestPlace> {
    let at_place = git_paths.iter().find_map(|path| {
        let place = below(clone, path)?;
        if place.is_file() {
            let text = std::fs::read_to_string(&place).ok()?;
            let layout = in_file(place.file_name()?.to_str()?, &text)?;
            return Some(ManifestPlace {
                folder: None,
                layout,
            });
        }
        let layout = in_folder(&place)?;
        Some(ManifestPlace {
            folder: Some(path.clone()),
            layout,
        })
    });
    at_place.or_else(|| {
        production_folders(clone).into_iter().find_map(|folder| {
            let layout = in_folder(&folder)?;
            let name = folder.strip_prefix(clone).ok()?.to_str()?.to_owned();
            Some(ManifestPlace {
                folder: Some(name),
                layout,
            })
        })
    })
}

/// Returns the texts of the manifests at a place: of the file, or of those in the folder.
pub(super) fn texts(clone: &Path, place: &str) -> Vec<String> {
    let Some(place) = below(clone, place) else {
        return Vec::new();
    };
    let files = if place.is_file() {
        vec![place]
    } else {
        entries(&place)
    };
    files
        .into_iter()
        .filter(|path| is_manifest(path))
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect()
}

/// A place of the catalog below the clone; none for one that leads out of it.
fn below(clone: &Path, place: &str) -> Option<PathBuf> {
    let is_below = !place.is_empty()
        && Path::new(place)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
    is_below
        .then(|| clone.join(place))
        .filter(|path| path.exists())
}

fn is_manifest(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    matches!(end, Some("yaml" | "yml" | "json")) && path.is_file()
}

/// Folders that are called as production's are.
fn production_folders(clone: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(clone.to_owned(), 0)];
    let mut looks = 0;
    while let Some((folder, depth)) = open.pop() {
        looks += 1;
        if depth >= MAX_DEPTH || looks > MAX_LOOKS {
            continue;
        }
        for entry in entries(&folder) {
            let name = entry
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !entry.is_dir() || name.starts_with('.') || name == "node_modules" {
                continue;
            }
            if PRODUCTION.contains(&name.as_str()) {
                found.push(entry.clone());
            }
            open.push((entry, depth + 1));
        }
    }
    found.sort();
    found
}

/// The entries of a folder, sorted; links are not followed.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let real = read.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
    let mut entries: Vec<_> = real.take(MAX_LOOKS).map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

fn in_folder(folder: &Path) -> Option<Layout> {
    let files = entries(folder).into_iter().filter(|path| is_manifest(path));
    let mut found: Vec<Layout> = files
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            in_file(path.file_name()?.to_str()?, &text)
        })
        .collect();
    // A Kustomization or values say what the objects beside them run.
    let order = [
        "kustomize",
        "helm_values",
        "argocd_application",
        "kubernetes",
    ];
    found.sort_by_key(|layout| order.iter().position(|known| *known == layout.setting));
    found.into_iter().next()
}

/// What a file is, by its name and its lines.
fn in_file(name: &str, text: &str) -> Option<Layout> {
    // In JSON keys and values are quoted.
    let has = |start: &str| lines(text).any(|(_, line)| line.replace('"', "").starts_with(start));
    let layout = |setting, at, holds| {
        Some(Layout {
            file: name.to_owned(),
            setting,
            at,
            holds,
        })
    };
    if text.contains("{{") {
        return None;
    }
    if name.starts_with("kustomization.") {
        let holds = if has("newTag:") {
            Some("{tags[0]}")
        } else {
            has("digest:").then_some("{digest}")
        };
        return layout("kustomize", None, Some(holds?));
    }
    if has("kind: Application") {
        let holds = (!has("images:")).then_some("{tags[0]}");
        return layout("argocd_application", None, holds);
    }
    if has("containers:") || has("initContainers:") {
        return layout("kubernetes", None, None);
    }
    if has("kind:") {
        return None;
    }
    let (at, holds) = values(text)?;
    layout("helm_values", (at != "image").then_some(at), holds)
}

/// The lines of a text without comments and list marks, each with its indentation.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().filter_map(|line| {
        let body = line.trim_start_matches([' ', '-']);
        let is_text = !body.is_empty() && !body.starts_with('#');
        is_text.then(|| (line.len() - body.len(), body.trim_end()))
    })
}

/// Where a chart's values have their image, and which part of it stands there.
fn values(text: &str) -> Option<(String, Option<&'static str>)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut whole = None;
    for (indent, line) in lines(text) {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        while open.last().is_some_and(|(outer, _)| *outer >= indent) {
            open.pop();
        }
        let value = value.trim().trim_matches(['"', '\'']);
        let path = |last: Option<&str>| {
            let keys = open.iter().map(|(_, key)| *key).chain(last);
            keys.collect::<Vec<_>>().join(".")
        };
        let is_set = !value.is_empty() && !value.starts_with('#');
        match key {
            "tag" if is_set && !open.is_empty() => return Some((path(None), Some("{tags[0]}"))),
            "digest" if is_set && !open.is_empty() => whole = Some((path(None), Some("{digest}"))),
            "image" if is_set && value.contains('/') => {
                whole = whole.or_else(|| Some((path(Some(key)), None)));
            }
            _ => {}
        }
        if value.is_empty() {
            open.push((indent, key));
        }
    }
    whole
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: Option<(&str, Option<&str>, Option<&str>)>) {
        let found = in_file(name, text);
        let found = found
            .as_ref()
            .map(|it| (it.setting, it.at.as_deref(), it.holds));
        assert_eq!(found, expected, "{name}: {text}");
    }

    #[test]
    fn files_are_known_by_their_names_and_lines() {
        let tag = Some("{tags[0]}");
        check(
            "deployment.yaml",
            "kind: Deployment\nspec:\n  containers:\n  - image: a/b:1\n",
            Some(("kubernetes", None, None)),
        );
        check(
            "kustomization.yaml",
            "images:\n- name: a\n  newTag: 1\n",
            Some(("kustomize", None, tag)),
        );
        check(
            "kustomization.yml",
            "images:\n- name: a\n  digest: sha256:0\n",
            Some(("kustomize", None, Some("{digest}"))),
        );
        check(
            "pod.json",
            "{\n  \"kind\": \"Pod\",\n  \"containers\": [\n  ]\n}\n",
            Some(("kubernetes", None, None)),
        );
        check("kustomization.yaml", "resources: [a]\n", None);
        check(
            "values.yaml",
            "image:\n  repository: a/b\n  tag: \"1\"\n",
            Some(("helm_values", None, tag)),
        );
        check(
            "values-prod.yaml",
            "web:\n  image:\n    tag: 1\n",
            Some(("helm_values", Some("web.image"), tag)),
        );
        check(
            "values.yaml",
            "# note\nweb:\n  image: a/b:1\n",
            Some(("helm_values", Some("web.image"), None)),
        );
        check(
            "values.yaml",
            "image:\n  repository: a/b\n  digest: sha256:0\n",
            Some(("helm_values", None, Some("{digest}"))),
        );
        check("values.yaml", "image:\n  tag: \"\"\nreplicas: 1\n", None);
        check(
            "app.yaml",
            "kind: Application\nspec:\n  source:\n    helm:\n      parameters:\n",
            Some(("argocd_application", None, tag)),
        );
        check(
            "app.yaml",
            "kind: Application\nspec:\n  source:\n    kustomize:\n      images:\n",
            Some(("argocd_application", None, None)),
        );
        check("template.yaml", "containers:\n{{- if .Values.x }}\n", None);
        check("service.yaml", "kind: Service\nimage: a/b:1\n", None);
    }

    #[test]
    fn a_folder_of_production_is_found() {
        let clone = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = clone.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(recognise(clone.path(), &[]), None);
        write(
            "apps/web/staging/kustomization.yaml",
            "images:\n- newTag: 1\n",
        );
        assert_eq!(recognise(clone.path(), &[]), None);
        write(
            "apps/web/prod/deployment.yaml",
            "kind: Deployment\ncontainers:\n",
        );
        let found = recognise(clone.path(), &[]).unwrap();
        assert_eq!(
            (
                found.layout.file.as_str(),
                found.layout.setting,
                found.folder.as_deref()
            ),
            ("deployment.yaml", "kubernetes", Some("apps/web/prod"))
        );
        write("apps/web/prod/kustomization.yaml", "images:\n- newTag: 1\n");
        assert_eq!(
            recognise(clone.path(), &[]).unwrap().layout.setting,
            "kustomize"
        );
        write("web/eu/values.yaml", "image: {}\nx:\n  tag: 1\n");
        let named = recognise(clone.path(), &["web/eu".to_owned()]).unwrap();
        assert_eq!(named.layout.at.as_deref(), Some("x"));
        let file = recognise(clone.path(), &["web/eu/values.yaml".to_owned()]).unwrap();
        assert_eq!((file.folder, file.layout.setting), (None, "helm_values"));
        let outside = recognise(clone.path(), &["/etc".to_owned()]).unwrap();
        assert_eq!(outside.layout.setting, "kustomize");
        assert!(below(clone.path(), "../x").is_none() && below(clone.path(), "/etc").is_none());
    }
}
