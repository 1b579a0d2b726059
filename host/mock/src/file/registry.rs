//! The part of a world file about registries.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;

use super::{FilePlace, WorldFileError, is_inline};
use crate::SecretText;
use crate::registry::{ImageBuild, Registry};

/// The part of a world file about registries: their users and images.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RegistryFile {
    logins: Vec<LoginFile>,
    images: Vec<ImageFile>,
    referrers: Vec<ReferrerFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LoginFile {
    user: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ImageFile {
    /// `host/path:tag`.
    name: Spanned<String>,
    #[serde(default)]
    platforms: Vec<String>,
    created: Option<Timestamp>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Whether only users may read its repository.
    #[serde(default)]
    private: bool,
}

/// A bundle that is kept beside an image.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ReferrerFile {
    /// `host/path@sha256:…`.
    image: Spanned<String>,
    /// The file with the bundle, which may be anything, or the bundle itself.
    bundle: String,
    /// Whether it is found by a list under a tag, for its registry lists no referrers.
    #[serde(default)]
    tagged: bool,
}

impl RegistryFile {
    pub(super) fn build(
        self,
        at: &FilePlace<'_>,
        registry: &mut Registry,
    ) -> Result<(), WorldFileError> {
        for LoginFile { user, password } in self.logins {
            registry.logins.insert(user, SecretText::new(password));
        }
        for image in self.images {
            let offset = image.name.span().start;
            let name = image.name.get_ref();
            let parts = name
                .rsplit_once(':')
                .filter(|(repository, tag)| repository.contains('/') && !tag.contains('/'));
            let Some((repository, tag)) = parts else {
                let message = format!("`{name}` is not host/path:tag");
                return Err(at.error(offset, "registry images name", message));
            };
            let mut platforms = image.platforms;
            if platforms.is_empty() {
                platforms.push("linux/amd64".to_owned());
            }
            let build = ImageBuild {
                platforms,
                created: image.created.map(|at| at.to_string()),
                labels: image.labels,
            };
            registry.push(repository, tag, &build);
            if let Some(found) = registry.repositories.get_mut(repository) {
                found.is_private |= image.private;
            }
        }
        for referrer in self.referrers {
            let offset = referrer.image.span().start;
            let name = referrer.image.get_ref();
            let Some((repository, subject)) = name.split_once('@') else {
                let message = format!("`{name}` is not host/path@sha256:…");
                return Err(at.error(offset, "registry referrers image", message));
            };
            let bundle = match is_inline(&referrer.bundle) {
                true => referrer.bundle,
                false => at.read(offset, "registry referrers bundle", &referrer.bundle)?,
            };
            registry.attach(repository, subject, &bundle, !referrer.tagged);
        }
        Ok(())
    }
}
