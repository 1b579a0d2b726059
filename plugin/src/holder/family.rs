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

/// The keys beside an address, or the parameters beside one in a list of names and values.
struct SiblingKeys<'a, 'b> {
    stream: &'a YamlStream<'b>,
    parent: ScalarAddress,
    /// The name of the key, or of the parameter.
    key: String,
    /// What the names of the parameters begin with, if it is a list of them.
    prefix: Option<String>,
}

impl<'a, 'b> SiblingKeys<'a, 'b> {
    fn of(stream: &'a YamlStream<'b>, address: &ScalarAddress) -> Option<Self> {
        let (last, before) = address.path.0.split_last()?;
        let YamlStep::Key(key) = last else {
            return None;
        };
        let parameter = if key == "value" {
            parameter(stream, address)
        } else {
            None
        };
        let prefix = parameter.as_ref().map(|name| {
            let end = name.rfind('.').map_or(0, |at| at + 1);
            name[..end].to_owned()
        });
        Some(Self {
            stream,
            parent: address.at(YamlPath(before.to_vec())),
            key: parameter.unwrap_or_else(|| key.clone()),
            prefix,
        })
    }

    /// Returns the address of a key, if something stands there.
    fn find(&self, name: &str) -> Option<ScalarAddress> {
        let path = match &self.prefix {
            Some(prefix) => {
                let mut steps = self.parent.path.0.clone();
                steps.pop();
                steps.extend([
                    YamlStep::Where {
                        field: vec!["name".to_owned()],
                        value: format!("{prefix}{name}"),
                    },
                    YamlStep::Key("value".to_owned()),
                ]);
                YamlPath(steps)
            }
            None => self.parent.path.key(name),
        };
        let address = self.parent.at(path);
        is_set(self.stream, &address).then_some(address)
    }

    fn first(&self, names: &[&str]) -> Option<ScalarAddress> {
        names.iter().find_map(|name| self.find(name))
    }

    /// Returns the last part of the name.
    fn short(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or_default()
    }

    /// Whether they are those of an image of Kustomize's.
    fn is_kustomize(&self) -> bool {
        let siblings = yaml::keys(self.stream, &self.parent);
        let has = |name: &str| siblings.iter().any(|key| key == name);
        ["newTag", "newName", "newDigest"].contains(&self.short())
            || (self.short() == "digest"
                && (has("newTag") || has("newName") || is_only_named(&siblings)))
    }
}

impl ImageParts {
    pub(super) fn of(stream: &YamlStream<'_>, address: &ScalarAddress, part: Part) -> Self {
        match SiblingKeys::of(stream, address) {
            None => Self::default(),
            Some(keys) if keys.is_kustomize() => Self::of_kustomize(&keys),
            Some(keys) => Self::of_chart(&keys, part),
        }
    }

    fn of_kustomize(keys: &SiblingKeys<'_, '_>) -> Self {
        let repository = keys.find("newName");
        Self {
            registry: None,
            is_name: repository.is_none(),
            repository: repository.or_else(|| keys.find("name")),
            tag: keys.find("newTag"),
            digest: keys.first(&["digest", "newDigest"]),
        }
    }

    /// Finds them by the names that charts have for them, each with the stem of the key.
    fn of_chart(keys: &SiblingKeys<'_, '_>, part: Part) -> Self {
        let stem = role(keys.short()).map_or("", |(_, stem)| stem);
        let named = |word: &str| keys.find(&joined(stem, word));
        let registry = named("registry");
        let repository = named("repository").or_else(|| {
            if part == Part::Reference {
                return None;
            }
            let bare = stem.trim_end_matches(['_', '-']).to_owned();
            let others = [bare, "image".to_owned(), joined(stem, "name")];
            let others = others.iter().filter(|name| !name.is_empty());
            others
                .filter_map(|name| keys.find(name))
                .find(|address| is_repository(keys.stream, address, registry.is_some()))
        });
        Self {
            tag: named("tag"),
            digest: ["digest", "sha256", "sha"].into_iter().find_map(named),
            registry,
            repository,
            is_name: false,
        }
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
