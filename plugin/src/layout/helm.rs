//! A chart's values: a map with `repository`, `tag` and perhaps `registry` and `digest`, or a text with the whole reference.

use super::SearchView;
use crate::holder::ImagePlace;
use crate::settings::Part;
use crate::yaml::path::YamlPath;
use crate::yaml::{self, ScalarAddress};

pub(super) fn places(view: &SearchView<'_>, at: &YamlPath) -> Result<Vec<ImagePlace>, String> {
    let shown = at.to_string();
    let found = view.only(at, |address| place(view, &address, &shown))?;
    Ok(vec![found])
}

/// The place in the map or text at an address, if an image stands there.
pub(super) fn place(
    view: &SearchView<'_>,
    address: &ScalarAddress,
    shown: &str,
) -> Option<ImagePlace> {
    let keys = yaml::keys(view.stream, address);
    if keys.is_empty() {
        yaml::text_at(view.stream, address)?;
        return Some(ImagePlace {
            address: address.clone(),
            shown: shown.to_owned(),
            part: Some(Part::Reference),
        });
    }
    let known = [
        ("tag", Part::Tag),
        ("digest", Part::Digest),
        ("sha", Part::Digest),
    ];
    let found = known.into_iter().find_map(|(key, part)| {
        let inner = address.at(address.path.key(key));
        let is_set = yaml::text_at(view.stream, &inner).is_some_and(|text| !text.is_empty());
        is_set.then_some((key, part, inner))
    });
    let (key, part, address) = found?;
    Some(ImagePlace {
        address,
        shown: format!("{shown}.{key}"),
        part: Some(part),
    })
}
