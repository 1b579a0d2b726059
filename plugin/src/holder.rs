//! The values that together say which image runs, where it stands in parts: `registry`, `repository`, `tag`, `digest`.
//!
//! Whichever part is to be written, all of them are looked at. The tag of another image is never written, and a pin by digest
//! never stays behind or disappears: either all parts say the new image, or the promotion is refused.

mod family;

use crate::gates::reason;
use crate::held::HeldImage;
use crate::image::ImageReference;
use crate::settings::{Digest, Part};
use crate::types::Reason;
use crate::yaml::path::YamlStep;
use crate::yaml::{self, ScalarAddress, ScalarSite, YamlStream};

use family::ImageParts;
pub(crate) use family::{is_meant_by_name, usual_part};

/// A scalar that holds a part of an image.
#[derive(Clone, Debug)]
pub struct ImagePlace {
    /// Its only address.
    pub address: ScalarAddress,
    /// Its name for people.
    pub shown: String,
    /// Which part it holds; none if its key says so.
    pub part: Option<Part>,
}

/// The image that a place should hold.
#[derive(Clone, Copy, Debug)]
pub struct ImageWish<'a> {
    /// The file, for messages.
    pub file: &'a str,
    /// The image.
    pub image: &'a ImageReference,
    /// Its digest, if the catalog knows one.
    pub digest: Option<&'a str>,
    /// The treatment of digests.
    pub mode: Digest,
    /// Whether the image may be of another repository than what the place holds.
    pub allow_other: bool,
    /// The registry, where the file does not hold it.
    pub registry: Option<&'a str>,
}

/// One value to write.
#[derive(Clone, Debug)]
pub struct ScalarWrite {
    /// Its address.
    pub address: ScalarAddress,
    /// Its name for people.
    pub shown: String,
    /// Which part it holds.
    pub part: Part,
    /// Its place in the text, and its value.
    pub site: ScalarSite,
    /// The image that it holds, as far as it says so.
    pub held: Option<ImageReference>,
    /// The value that it should hold.
    pub text: String,
}

/// All that has to be written so that a place and what stands beside it say an image.
///
/// # Errors
/// Says, by rule, why they cannot or must not say it.
pub fn writes(
    stream: &YamlStream<'_>,
    place: &ImagePlace,
    wish: ImageWish<'_>,
) -> Result<Vec<ScalarWrite>, Reason> {
    let part = place
        .part
        .unwrap_or_else(|| usual_part(stream, &place.address));
    let mut holding = WriteCollector {
        stream,
        place,
        wish,
        family: ImageParts::of(stream, &place.address, part),
        writes: Vec::new(),
    };
    match part {
        Part::Reference => holding.whole()?,
        part => holding.parts(part)?,
    }
    Ok(holding.writes)
}

/// Whether a place is of an image's repository, by its own value or by what stands beside it; none if nothing says so.
pub(crate) fn is_of(
    stream: &YamlStream<'_>,
    place: &ImagePlace,
    image: &ImageReference,
    registry: Option<&str>,
) -> Option<bool> {
    let part = place
        .part
        .unwrap_or_else(|| usual_part(stream, &place.address));
    if part == Part::Reference {
        let text = yaml::text_at(stream, &place.address)?;
        let held = ImageReference::parse(text.rsplit('=').next().unwrap_or(&text)).ok()?;
        return Some(held.same_repository(image));
    }
    let mut family = ImageParts::of(stream, &place.address, part);
    match part {
        Part::Repository => {
            family.repository = Some(place.address.clone());
            family.is_name = false;
        }
        Part::Registry => family.registry = Some(place.address.clone()),
        _ => {}
    }
    let held = family.held_repository(stream, registry)?.ok()?;
    Some(family.is_same(&held, image))
}

struct WriteCollector<'a> {
    stream: &'a YamlStream<'a>,
    place: &'a ImagePlace,
    wish: ImageWish<'a>,
    family: ImageParts,
    writes: Vec<ScalarWrite>,
}

impl WriteCollector<'_> {
    /// Names the place, or another part beside it.
    fn at(&self, address: &ScalarAddress) -> String {
        let last = address.path.0.last();
        let shown = if *address == self.place.address {
            self.place.shown.clone()
        } else {
            match (last, address.path.0.iter().rev().nth(1)) {
                (Some(YamlStep::Key(key)), Some(YamlStep::Where { value, .. }))
                    if key == "value" =>
                {
                    format!("{value}` beside `{}", self.place.shown)
                }
                (Some(YamlStep::Key(key)), _) => format!("{key}` beside `{}", self.place.shown),
                _ => address.path.to_string(),
            }
        };
        format!("`{shown}` in `{}`", self.wish.file)
    }

    /// The scalar at an address, and what it holds.
    fn held(&self, address: &ScalarAddress, part: Part) -> Result<(ScalarSite, HeldImage), Reason> {
        let what = |what| reason("manifest", format!("`{}`: {what}", self.wish.file));
        let site = yaml::find(self.stream, address).map_err(what)?;
        let held = HeldImage::read(part, &site.value)
            .map_err(|what| reason("manifest", format!("{}: {what}", self.at(address))))?;
        Ok((site, held))
    }

    /// A scalar with the whole reference.
    fn whole(&mut self) -> Result<(), Reason> {
        let address = &self.place.address;
        let key = usual_part(self.stream, address);
        if key != Part::Reference {
            return Err(reason(
                "manifest",
                format!(
                    "{} holds the {} only, and the whole reference must not take its place: say `part = \"{}\"`",
                    self.at(address),
                    key.noun(),
                    key.word(),
                ),
            ));
        }
        let (site, held) = self.held(address, Part::Reference)?;
        let parts = [&self.family.tag, &self.family.digest];
        let beside = parts.into_iter().flatten().next();
        if let Some(beside) = beside.filter(|_| held.tag.is_none() && held.digest.is_none()) {
            return Err(reason(
                "manifest",
                format!(
                    "{} holds the repository only, for {} stands apart: name that one instead",
                    self.at(address),
                    self.at(beside),
                ),
            ));
        }
        if looks_like_tag(&site.value) {
            return Err(reason(
                "manifest",
                format!(
                    "{} holds `{}`, which is a tag and no reference: say `part = \"tag\"`",
                    self.at(address),
                    site.value.escape_debug(),
                ),
            ));
        }
        let reference = ImageReference {
            repository: held.repository.clone().unwrap_or_default(),
            tag: held.tag.clone(),
            digest: held.digest.clone(),
        };
        if !self.wish.allow_other && !reference.same_repository(self.wish.image) {
            return Err(self.other_repository(address, &reference.repository));
        }
        let digest = self.digest(address, held.digest.is_some())?;
        let text = held.text(Part::Reference, self.wish.image, digest);
        self.push(
            address.clone(),
            Part::Reference,
            site,
            text,
            Some(reference),
        )
    }

    /// A scalar with a part of it, and all that stands beside it.
    fn parts(&mut self, part: Part) -> Result<(), Reason> {
        let own = self.place.address.clone();
        let own_slot = match part {
            Part::Registry => &mut self.family.registry,
            Part::Repository => &mut self.family.repository,
            Part::Digest => &mut self.family.digest,
            _ => &mut self.family.tag,
        };
        *own_slot = Some(own.clone());
        if part == Part::Repository {
            self.family.is_name = false;
        }
        let moved = self.repository(part)?;
        let tag = match self.family.tag.clone() {
            Some(address) => {
                let part = if part == Part::TagDigest {
                    part
                } else {
                    Part::Tag
                };
                let (site, held) = self.held(&address, part)?;
                Some((address, part, site, held))
            }
            None => None,
        };
        let is_pinned = self.family.digest.is_some()
            || tag.as_ref().is_some_and(|(_, part, _, held)| {
                held.digest.is_some() || *part == Part::TagDigest
            });
        let digest = self.digest(&own, is_pinned)?.map(str::to_owned);
        self.check_pin(&own, is_pinned)?;
        if let Some((address, part, site, held)) = tag {
            self.check_tag(&address)?;
            let reference = ImageReference {
                repository: moved
                    .clone()
                    .unwrap_or_else(|| self.wish.image.repository.clone()),
                tag: held.tag.clone(),
                digest: held.digest.clone(),
            };
            let text = held.text(part, self.wish.image, digest.as_deref());
            self.push(address, part, site, text, Some(reference))?;
        }
        if let Some(address) = self.family.digest.clone() {
            let (site, held) = self.held(&address, Part::Digest)?;
            let text = held.text(Part::Digest, self.wish.image, digest.as_deref());
            self.push(address, Part::Digest, site, text, None)?;
        }
        Ok(())
    }

    /// Checks that a digest which must be written has a place.
    fn check_pin(&self, address: &ScalarAddress, is_pinned: bool) -> Result<(), Reason> {
        let must_pin = matches!(self.wish.mode, Digest::Require | Digest::Resolve);
        if !must_pin || is_pinned || self.family.tag.is_none() {
            return Ok(());
        }
        Err(reason(
            "digest",
            format!(
                "{} and what stands beside it have no place for the digest that setting `digest` requires: \
                 `part = \"tag@digest\"` writes both into one value",
                self.at(address)
            ),
        ))
    }

    /// Checks that the image has the tag that an address takes.
    fn check_tag(&self, address: &ScalarAddress) -> Result<(), Reason> {
        if self.wish.image.tag.is_some() {
            return Ok(());
        }
        Err(reason(
            "image",
            format!(
                "{} takes the tag of the image, but `{}` has none",
                self.at(address),
                self.wish.image
            ),
        ))
    }

    /// Compares the repository, and writes it where it may be another one. Returns the one that is held.
    fn repository(&mut self, part: Part) -> Result<Option<String>, Reason> {
        let image = self.wish.image.clone();
        let Some(address) = self.family.repository.clone() else {
            return Ok(None);
        };
        let registry_address = self.family.registry.clone();
        let registry = self.family.registry(self.stream, self.wish.registry);
        let Some(held) = self.family.held_repository(self.stream, self.wish.registry) else {
            return Ok(None);
        };
        let held =
            held.map_err(|what| reason("manifest", format!("{}: {what}", self.at(&address))))?;
        let is_same = self.family.is_same(&held, &image);
        let is_written = part == Part::Repository || (part == Part::Registry && registry.is_some());
        if is_same {
            if is_written {
                let own = self.place.address.clone();
                let (site, _) = self.held(&own, part)?;
                let text = Some(site.value.clone());
                self.push(own, part, site, text, None)?;
            }
            return Ok(Some(held.repository));
        }
        if !self.wish.allow_other || self.family.is_name {
            return Err(self.other_repository(&address, &held.repository));
        }
        let (host, path) = image.host_and_path();
        let (site, form) = self.held(&address, Part::Repository)?;
        let text = match (&registry_address, &registry) {
            (Some(registry_address), _) => {
                let (registry_site, _) = self.held(registry_address, Part::Registry)?;
                self.push(
                    registry_address.clone(),
                    Part::Registry,
                    registry_site,
                    Some(host),
                    None,
                )?;
                Some(path)
            }
            (None, Some(registry)) if *registry == host => Some(path),
            (None, Some(_)) => return Err(self.other_repository(&address, &held.repository)),
            (None, None) => form.text(Part::Repository, &image, None),
        };
        self.push(address, Part::Repository, site, text, None)?;
        Ok(Some(held.repository))
    }

    fn other_repository(&self, address: &ScalarAddress, held: &str) -> Reason {
        let (host, path) = self.wish.image.host_and_path();
        let lacks_registry = self.family.registry.is_none()
            && self.wish.registry.is_none()
            && self.family.repository.is_some()
            && path == held;
        let hint = if self.family.is_name {
            "; the image that Kustomize puts in its place is `newName`, write that into the file"
                .to_owned()
        } else if lacks_registry {
            format!(", unless the chart adds the registry: `registry = \"{host}\"` says so")
        } else if self.wish.allow_other {
            ", and the registry that setting `registry` names is another one too".to_owned()
        } else {
            " (`allow_other_repository` allows it)".to_owned()
        };
        reason(
            "repository",
            format!(
                "{} holds an image of `{held}`, the new one is of `{}`: wrong place, or wrong image{hint}",
                self.at(address),
                self.wish.image.repository
            ),
        )
    }

    /// The digest to write, if one is to be written at a place that is pinned by one, or is not.
    fn digest(&self, address: &ScalarAddress, is_pinned: bool) -> Result<Option<&str>, Reason> {
        let digest = self.wish.image.digest.as_deref();
        if digest.is_some() {
            return Ok(digest);
        }
        if !is_pinned {
            return Ok(None);
        }
        let lost = |why: &str| {
            reason(
                "digest",
                format!("{} is pinned by a digest, {why}", self.at(address)),
            )
        };
        if self.wish.mode == Digest::Ignore {
            return Err(lost(
                "and `digest = \"ignore\"` would drop or keep the old one: `digest = \"keep\"` writes the new one",
            ));
        }
        match self.wish.digest {
            Some(digest) => Ok(Some(digest)),
            None => Err(lost(&format!(
                "and the catalog knows none of `{}` (setting `digest_property`)",
                self.wish.image
            ))),
        }
    }

    fn push(
        &mut self,
        address: ScalarAddress,
        part: Part,
        site: ScalarSite,
        text: Option<String>,
        held: Option<ImageReference>,
    ) -> Result<(), Reason> {
        let Some(text) = text else {
            return Err(reason(
                "image",
                format!(
                    "{} takes the {} of the image, but `{}` has none",
                    self.at(&address),
                    part.noun(),
                    self.wish.image
                ),
            ));
        };
        let shown = if address == self.place.address {
            self.place.shown.clone()
        } else {
            address.path.to_string()
        };
        self.writes.push(ScalarWrite {
            address,
            shown,
            part,
            site,
            held,
            text,
        });
        Ok(())
    }
}

/// Whether a text is more likely a version than the name of an image: `1.4.1`, `v2`, also with something behind a hyphen.
fn looks_like_tag(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['/', ':', '@', '='])
}
