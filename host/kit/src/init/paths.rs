//! The pattern of `paths`, as the places of manifests in the catalog suggest it.

/// Returns the narrowest pattern that fits the manifests of all production runtimes in the catalog, if they follow one.
pub(super) fn guess_paths(
    places: &[(String, String)],
    manifest: &str,
    property: &str,
) -> Option<String> {
    let rest = manifest.strip_prefix(&format!("{{production.{property}}}"))?;
    pattern(places).map(|pattern| format!("{pattern}{rest}"))
}

/// The paths with the service's name as a hole, if that makes them all the same.
fn pattern(places: &[(String, String)]) -> Option<String> {
    let holed = |(service, path): &(String, String)| {
        let parts: Vec<&str> = path
            .split('/')
            .map(|part| {
                if part == service {
                    "{service.identifier}"
                } else {
                    part
                }
            })
            .collect();
        parts.join("/")
    };
    let first = holed(places.first()?);
    let same = places.iter().all(|place| holed(place) == first);
    let safe = first.contains("{service.identifier}") && !first.contains(['*', '?', '[']);
    (same && safe).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_guessed_only_if_they_follow_a_pattern() {
        let place = |service: &str, path: &str| (service.to_owned(), path.to_owned());
        for (places, expected) in [
            (
                vec![place("web", "apps/web/prod"), place("api", "apps/api/prod")],
                Some("apps/{service.identifier}/prod"),
            ),
            (
                vec![place("web", "apps/web/prod"), place("api", "other/api")],
                None,
            ),
            (vec![place("web", "prod")], None),
            (vec![], None),
        ] {
            assert_eq!(pattern(&places).as_deref(), expected, "{places:?}");
        }
    }
}
