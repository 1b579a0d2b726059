//! Which keys say the parts of one image, by the names that charts, Kustomize and Argo CD have for them.

use crate::image::ImageReference;
use crate::settings::Part;
use crate::yaml::path::{YamlPath, YamlStep};
use crate::yaml::{self, ScalarAddress, YamlStream};

/// What a key that is called so holds.
pub(crate) fn usual_part(stream: &YamlStream<'_>, address: &ScalarAddress) -> Part {
    let name = match address.path.0.as_slice() {
        [.., YamlStep::Key(key)] if key == "value" => parameter(stream, address),
        [.., YamlStep::Key(key)] => Some(key.clone()),
        _ => None,
    };
    let name = name.unwrap_or_default();
    role(name.rsplit('.').next().unwrap_or_default()).map_or(Part::Reference, |(part, _)| part)
}

/// The name of the parameter whose value an address means, in a list of names and values.
fn parameter(stream: &YamlStream<'_>, address: &ScalarAddress) -> Option<String> {
    match address.path.0.as_slice() {
        [.., YamlStep::Where { field, value }, YamlStep::Key(_)]
            if field.as_slice() == ["name"] =>
        {
            Some(value.clone())
        }
        [.., YamlStep::Index(_), YamlStep::Key(_)] => {
            yaml::text_at(stream, &address.at(address.path.beside("name")))
        }
        _ => None,
    }
}

/// The part that a key holds by its name, and what stands before its usual name: `image` of `imageTag`.
fn role(key: &str) -> Option<(Part, &str)> {
    let table = [
        ("newTag", Part::Tag),
        ("newName", Part::Repository),
        ("newDigest", Part::Digest),
    ];
    if let Some((_, part)) = table.iter().find(|(name, _)| *name == key) {
        return Some((*part, ""));
    }
    let words = [
        ("registry", Part::Registry),
        ("repository", Part::Repository),
        ("tag", Part::Tag),
        ("digest", Part::Digest),
        ("sha256", Part::Digest),
        ("sha", Part::Digest),
    ];
    words.iter().find_map(|(word, part)| {
        if key == *word {
            return Some((*part, ""));
        }
        let start = key.len().checked_sub(word.len())?;
        let (before, end) = (key.get(..start)?, key.get(start..)?);
        let (first, rest) = (end.chars().next()?, end.get(1..)?);
        let camel = first.is_ascii_uppercase() && end.eq_ignore_ascii_case(word);
        let snake = end == *word && before.ends_with(['_', '-']);
        ((camel || snake) && rest == &word[1..]).then_some((*part, before))
    })
}

/// The addresses of the parts of one image.
#[derive(Default)]
pub(super) struct ImageParts {
    pub(super) registry: Option<ScalarAddress>,
    pub(super) repository: Option<ScalarAddress>,
    pub(super) tag: Option<ScalarAddress>,
    pub(super) digest: Option<ScalarAddress>,
    /// Whether the repository is Kustomize's `name`: what it looks for, and what runs if nothing replaces it.
    pub(super) is_name: bool,
}

impl ImageParts {
    pub(super) fn of(stream: &YamlStream<'_>, address: &ScalarAddress, part: Part) -> Self {
        let Some(YamlStep::Key(key)) = address.path.0.last() else {
            return Self::default();
        };
        let parent = address.at(YamlPath(
            address.path.0[..address.path.0.len() - 1].to_vec(),
        ));
        let named = (key == "value")
            .then(|| parameter(stream, address))
            .flatten();
        let (key, list) = match &named {
            Some(name) => (
                name.clone(),
                Some(name.rfind('.').map_or("", |at| &name[..=at])),
            ),
            None => (key.clone(), None),
        };
        let member = |name: &str| {
            let path = match list {
                Some(prefix) => {
                    let mut steps = parent.path.0.clone();
                    steps.pop();
                    let (field, value) = (vec!["name".to_owned()], format!("{prefix}{name}"));
                    steps.extend([
                        YamlStep::Where { field, value },
                        YamlStep::Key("value".to_owned()),
                    ]);
                    YamlPath(steps)
                }
                None => parent.path.key(name),
            };
            let address = address.at(path);
            is_set(stream, &address).then_some(address)
        };
        let first = |names: &[String]| names.iter().find_map(|name| member(name));
        let siblings = yaml::keys(stream, &parent);
        let has = |name: &str| siblings.iter().any(|key| key == name);
        let short = key.rsplit('.').next().unwrap_or_default();
        let is_kustomize = ["newTag", "newName", "newDigest"].contains(&short)
            || (short == "digest" && (has("newTag") || has("newName") || is_only_named(&siblings)));
        let mut family = if is_kustomize {
            Self {
                registry: None,
                repository: first(&["newName".to_owned()]),
                tag: first(&["newTag".to_owned()]),
                digest: first(&["digest".to_owned(), "newDigest".to_owned()]),
                is_name: false,
            }
        } else {
            let stem = role(short).map_or("", |(_, stem)| stem);
            let names = |words: &[&str]| -> Vec<String> {
                words.iter().map(|word| joined(stem, word)).collect()
            };
            let mut family = Self {
                registry: first(&names(&["registry"])),
                repository: first(&names(&["repository"])),
                tag: first(&names(&["tag"])),
                digest: first(&names(&["digest", "sha256", "sha"])),
                is_name: false,
            };
            if family.repository.is_none() && part != Part::Reference {
                let stem = stem.trim_end_matches(['_', '-']).to_owned();
                let others = [vec![stem, "image".to_owned()], names(&["name"])].concat();
                let full = others.iter().filter(|name| !name.is_empty());
                let is_short = family.registry.is_some();
                family.repository = full
                    .filter_map(|name| member(name))
                    .find(|address| is_repository(stream, address, is_short));
            }
            family
        };
        if is_kustomize && family.repository.is_none() {
            family.repository = member("name");
            family.is_name = true;
        }
        family
    }
}

impl ImageParts {
    /// The registry that stands apart, in the file or by the settings.
    pub(super) fn registry(&self, stream: &YamlStream<'_>, set: Option<&str>) -> Option<String> {
        match &self.registry {
            Some(address) => yaml::text_at(stream, address),
            None => set.map(str::to_owned),
        }
    }

    /// The repository that the parts say; none if they do not.
    pub(super) fn held_repository(
        &self,
        stream: &YamlStream<'_>,
        registry: Option<&str>,
    ) -> Option<Result<ImageReference, String>> {
        let text = yaml::text_at(stream, self.repository.as_ref()?).unwrap_or_default();
        let bare = text.strip_prefix("oci://").unwrap_or(&text);
        let full = match self.registry(stream, registry) {
            Some(registry) => format!("{}/{bare}", registry.trim_end_matches('/')),
            None => bare.to_owned(),
        };
        Some(ImageReference::parse(&full))
    }

    /// Whether a repository that they say is the image's.
    pub(super) fn is_same(&self, held: &ImageReference, image: &ImageReference) -> bool {
        if self.is_name {
            is_meant_by_name(held, image)
        } else {
            held.same_repository(image)
        }
    }
}

/// Whether a map is an image of Kustomize's by its `name` alone.
fn is_only_named(siblings: &[String]) -> bool {
    let known = ["name", "digest", "tagSuffix"];
    siblings.iter().any(|key| key == "name")
        && siblings.iter().all(|key| known.contains(&key.as_str()))
}

/// A key beside others of the same stem: `imageTag`, `image_tag`, `image-tag`, `tag`.
fn joined(stem: &str, word: &str) -> String {
    if stem.is_empty() || stem.ends_with(['_', '-']) {
        return format!("{stem}{word}");
    }
    let (first, rest) = word.split_at(1);
    format!("{stem}{}{rest}", first.to_ascii_uppercase())
}

/// Whether something stands there.
fn is_set(stream: &YamlStream<'_>, address: &ScalarAddress) -> bool {
    let text = yaml::text_at(stream, address);
    text.is_some_and(|text| !text.is_empty() && text != "~" && !text.eq_ignore_ascii_case("null"))
}

/// Whether a whole repository stands there, without tag and digest; with a path, unless the registry that stands apart may
/// hold it.
fn is_repository(stream: &YamlStream<'_>, address: &ScalarAddress, is_short: bool) -> bool {
    let text = yaml::text_at(stream, address).unwrap_or_default();
    let reference = ImageReference::parse(&text);
    (is_short || text.contains('/'))
        && reference.is_ok_and(|reference| reference.tag.is_none() && reference.digest.is_none())
}

/// Whether Kustomize's `name`, where nothing replaces it, can mean an image: a name without a path stands for one whose last
/// part is called so.
pub(crate) fn is_meant_by_name(name: &ImageReference, image: &ImageReference) -> bool {
    let last = image.repository.rsplit('/').next();
    name.same_repository(image)
        || (!name.repository.contains('/') && last == Some(name.repository.as_str()))
}
