//! Derives from the catalog and the manifests how an image's entity becomes its reference.
//!
//! Catalogs hold images in many shapes: the reference is the identifier, or the title, or is put together from a registry, a
//! name and a tag. Where a manifest holds the reference of an image that the catalog has, the template is the one that makes
//! one of the other; without a manifest it is a guess by what looks like a reference.

use promote_template::Template;
use serde_json::Value;

/// How sure a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DerivedReference {
    /// It makes what a manifest holds of what the catalog has.
    Proven(String),
    /// It makes something that looks like a reference.
    Likely(String),
    /// The manifest holds this, and no template makes it.
    Contradicted {
        /// The identifier of the image.
        image: String,
        /// What the manifest holds.
        held: String,
    },
    /// There is nothing to tell by.
    Unknown,
}

/// An image's entity, and the references that the manifest of its runtime holds.
#[derive(Clone, Debug)]
pub(super) struct ImageSample {
    /// The entity, as templates see it.
    pub image: Value,
    /// Whole references.
    pub held: Vec<String>,
}

/// Derives the template from samples; the first that proves one decides.
pub(super) fn derive(samples: &[ImageSample]) -> DerivedReference {
    if let Some(template) = samples.iter().find_map(proven) {
        return DerivedReference::Proven(template);
    }
    let likely = samples.iter().find_map(|sample| likely(&sample.image));
    let contradicted = samples.iter().find_map(|sample| {
        let held = sample.held.first()?;
        Some(DerivedReference::Contradicted {
            image: sample.image["identifier"].as_str()?.to_owned(),
            held: held.clone(),
        })
    });
    // What the manifest holds may be another image than the catalog's: the catalog is behind, or ahead.
    match (likely, contradicted) {
        (Some(template), _) => DerivedReference::Likely(template),
        (None, Some(contradicted)) => contradicted,
        (None, None) => DerivedReference::Unknown,
    }
}

/// Returns the images of which a template makes something else than their manifests hold, each with what that is. A catalog that
/// is behind or ahead names another tag or digest, which is no other image.
pub(super) fn misfits(template: &str, samples: &[ImageSample]) -> Vec<(String, String)> {
    let name = |reference: &str| {
        let reference = reference.split('@').next().unwrap_or_default();
        match reference.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name.to_owned(),
            _ => reference.to_owned(),
        }
    };
    let misfit = |sample: &ImageSample| {
        let first = sample.held.first()?;
        let made = render(template, &sample.image).map(|made| name(&made));
        let fits = sample.held.iter().any(|held| Some(name(held)) == made);
        let image = sample.image["identifier"].as_str()?;
        (!fits).then(|| (image.to_owned(), first.clone()))
    };
    samples.iter().filter_map(misfit).collect()
}

/// The template that makes one of the held references.
fn proven(sample: &ImageSample) -> Option<String> {
    let parts = parts(&sample.image);
    for held in &sample.held {
        if let Some((template, _)) = parts.iter().find(|(_, made)| made == held) {
            return Some(template.clone());
        }
        for (template, made) in &parts {
            let Some(registry) = held.strip_suffix(made.as_str()) else {
                continue;
            };
            if registry.ends_with('/') {
                return Some(format!(
                    "{}{template}",
                    registry_template(registry, &sample.image)
                ));
            }
        }
    }
    None
}

/// The registry before an image, with the account that the entity names as a hole.
fn registry_template(registry: &str, image: &Value) -> String {
    let account = image["properties"]["registryId"]
        .as_str()
        .unwrap_or_default();
    let escaped = |text: &str| text.replace('{', "{{").replace('}', "}}");
    match registry.strip_prefix(account) {
        Some(rest) if !account.is_empty() => format!("{{registryId}}{}", escaped(rest)),
        _ => escaped(registry),
    }
}

/// The templates over an image that make something, with what they make: whole ones first.
fn parts(image: &Value) -> Vec<(String, String)> {
    let mut names = vec!["identifier".to_owned(), "title".to_owned()];
    let properties = image["properties"].as_object().into_iter().flatten();
    names.extend(
        properties
            .filter(|(_, value)| value.is_string())
            .map(|(name, _)| name.clone()),
    );
    let plain = names.iter().map(|name| format!("{{{name}}}"));
    let tagged = names.iter().map(|name| format!("{{{name}}}:{{tags[0]}}"));
    let by_tag = names.iter().map(|name| format!("{{{name}}}:{{tag}}"));
    plain
        .chain(tagged)
        .chain(by_tag)
        .filter_map(|template| {
            let made = render(&template, image)?;
            Some((template, made))
        })
        .collect()
}

/// The template whose result looks like a whole reference.
fn likely(image: &Value) -> Option<String> {
    let found = parts(image).into_iter().find(|(_, made)| looks_whole(made));
    found.map(|(template, _)| template)
}

/// Whether a text is a reference with its registry and a tag or digest.
fn looks_whole(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else {
        return false;
    };
    let has_version = rest.contains(':') || rest.contains('@');
    let is_address = text.contains("://") || text.contains(char::is_whitespace);
    (host.contains('.') || host.contains(':') || host == "localhost") && has_version && !is_address
}

fn render(template: &str, image: &Value) -> Option<String> {
    let template = Template::parse(template).ok()?;
    template
        .render(image, str::to_owned)
        .ok()
        .filter(|made| !made.is_empty())
}

/// The whole references that the lines of a manifest hold, put together where a registry, a name and a tag stand apart.
pub(super) fn held_references<'t>(lines: impl Iterator<Item = (usize, &'t str)>) -> Vec<String> {
    let mut held = Vec::new();
    let mut image = HeldImage::default();
    for (_, line) in lines {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = plain(value);
        match key {
            "image" if !value.is_empty() => held.push(value.to_owned()),
            "name" | "newName" | "repository" => {
                image.name = Some(value.to_owned());
                image.tag = image.tag.filter(|_| key == "repository");
            }
            "registry" => image.registry = Some(value.to_owned()),
            "newTag" | "tag" => image.tag = Some(value.to_owned()),
            _ => {}
        }
        held.extend(image.whole());
    }
    held.dedup();
    held
}

/// The parts of an image that stand apart.
#[derive(Default)]
struct HeldImage {
    registry: Option<String>,
    name: Option<String>,
    tag: Option<String>,
}

impl HeldImage {
    fn whole(&self) -> Option<String> {
        let tag = self.tag.as_ref().filter(|tag| !tag.is_empty())?;
        let name = self.name.as_ref().filter(|name| !name.is_empty())?;
        let registry = self.registry.as_ref().filter(|it| !it.is_empty());
        Some(match registry {
            Some(registry) => format!("{registry}/{name}:{tag}"),
            None => format!("{name}:{tag}"),
        })
    }
}

/// A value without quotes and the comment behind it.
fn plain(value: &str) -> &str {
    let value = value.trim();
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    value.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::init::layout;

    fn sample(image: Value, held: &[&str]) -> [ImageSample; 1] {
        [ImageSample {
            image,
            held: held.iter().map(|text| (*text).to_owned()).collect(),
        }]
    }

    #[test]
    fn a_template_makes_of_the_catalog_what_the_manifest_holds() {
        let ecr = json!({ "identifier": "web:1.4.1", "title": "web:1.4.1",
            "properties": { "registryId": "123456789012", "tags": ["1.4.1"], "digest": "sha256:0" } });
        let argo =
            json!({ "identifier": "ghcr.io/acme/web:1.4.1", "title": null, "properties": {} });
        let guide = json!({ "identifier": "web-1.4.1", "title": "ghcr.io/acme/web:1.4.1", "properties": {} });
        let spelled = json!({ "identifier": "x", "properties": { "registryId": "ghcr.io/acme/web", "tags": ["1.4.1"] } });
        let by_tag =
            json!({ "identifier": "x", "properties": { "repo": "acme/web", "tag": "1.4.1" } });
        let region = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.1";
        for (image, held, expected) in [
            (
                &ecr,
                region,
                "{registryId}.dkr.ecr.eu-west-1.amazonaws.com/{identifier}",
            ),
            (&argo, "ghcr.io/acme/web:1.4.1", "{identifier}"),
            (&guide, "ghcr.io/acme/web:1.4.1", "{title}"),
            (&spelled, "ghcr.io/acme/web:1.4.1", "{registryId}:{tags[0]}"),
            (&by_tag, "ghcr.io/acme/web:1.4.1", "ghcr.io/{repo}:{tag}"),
        ] {
            let derived = derive(&sample(image.clone(), &["busybox:1", held]));
            assert_eq!(derived, DerivedReference::Proven(expected.to_owned()));
        }
        // Without a manifest, what looks like a reference.
        for (image, expected) in [
            (argo, "{identifier}"),
            (guide, "{title}"),
            (spelled, "{registryId}:{tags[0]}"),
        ] {
            assert_eq!(
                derive(&sample(image, &[])),
                DerivedReference::Likely(expected.to_owned())
            );
        }
        assert_eq!(derive(&sample(ecr.clone(), &[])), DerivedReference::Unknown);
        let contradicted = derive(&sample(ecr, &["ghcr.io/acme/other:9"]));
        assert!(matches!(
            contradicted,
            DerivedReference::Contradicted { .. }
        ));
    }

    #[test]
    fn images_that_a_template_does_not_make_are_found() {
        let image = |identifier: &str| json!({ "identifier": identifier, "properties": {} });
        let samples = [
            sample(
                image("ghcr.io/acme/web:2"),
                &["busybox:1", "ghcr.io/acme/web:1"],
            ),
            sample(image("web-1"), &["ghcr.io/acme/web:1"]),
            sample(image("api-1"), &[]),
            sample(
                image("localhost:5000/api"),
                &["localhost:5000/api@sha256:0"],
            ),
        ];
        let found = misfits("{identifier}", &samples.concat());
        assert_eq!(
            found,
            [("web-1".to_owned(), "ghcr.io/acme/web:1".to_owned())]
        );
    }

    #[test]
    fn references_are_found_whole_or_in_parts() {
        for (text, expected) in [
            (
                "containers:\n- image: \"ghcr.io/acme/web:1\" # set by promote\n",
                "ghcr.io/acme/web:1",
            ),
            (
                "images:\n- name: ghcr.io/acme/web\n  newTag: \"1\"\n",
                "ghcr.io/acme/web:1",
            ),
            (
                "images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: 1\n",
                "ghcr.io/acme/web:1",
            ),
            (
                "image:\n  registry: ghcr.io\n  repository: acme/web\n  tag: 1\n",
                "ghcr.io/acme/web:1",
            ),
            (
                "image:\n  tag: 1\n  repository: ghcr.io/acme/web\n",
                "ghcr.io/acme/web:1",
            ),
        ] {
            let held = held_references(layout::lines(text));
            assert!(held.contains(&expected.to_owned()), "{text}: {held:?}");
        }
    }
}
