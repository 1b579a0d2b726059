//! The names in image references: which repository a value names, as far as it can be told without the key.

/// Returns whether two items of a list are one image, `[name=]image:tag`, of which only tag and digest change.
pub(super) fn is_same_item(old: &str, new: &str) -> bool {
    reference_name(old).is_some_and(|name| Some(name) == reference_name(new))
}

/// Returns the part of an image reference before its tag and digest, if the text is a reference with a path.
pub(super) fn reference_name(text: &str) -> Option<&str> {
    let before = text.split('@').next().unwrap_or_default();
    let slash = before.rfind('/')?;
    let end = before[slash..]
        .find(':')
        .map_or(before.len(), |at| slash + at);
    (end < text.len()).then(|| &before[..end])
}

/// Returns a repository without the names that Docker Hub has for itself: `nginx` is `docker.io/library/nginx`.
pub(super) fn full_name(repository: &str) -> &str {
    let hosts = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"];
    let path = hosts.iter().find_map(|host| repository.strip_prefix(host));
    let path = path.unwrap_or(repository);
    path.strip_prefix("library/").unwrap_or(path)
}

/// Returns the repository of an image reference; a bare tag or digest has none.
pub(super) fn repository(value: &str) -> Option<&str> {
    let name = value.split('@').next().unwrap_or(value);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let name = match name[last..].find(':') {
        Some(at) => &name[..last + at],
        None => name,
    };
    // `1.4.2` has no slash, no tag and no digest: it may be a tag itself, also with a digest behind it.
    let is_name = name.contains('/') || value[name.len()..].starts_with(':');
    (name.len() < value.len() && is_name && !name.is_empty() && name != "sha256").then_some(name)
}
