//! GitHub's page for a new App, filled in: the hardest step of a set-up as one link (GitHub docs, "Registering a GitHub App
//! using URL parameters").

use promote_core::service::http::seg;

/// The permissions of the App, each with what it is for.
const PERMISSIONS: [(&str, &str); 4] = [
    ("contents", "write"),
    ("pull_requests", "write"),
    ("checks", "read"),
    ("statuses", "read"),
];

/// Returns the links for an organisation and for a person's own account: which of both owns a repository, its name does not
/// tell.
pub(super) fn new_app_links(server: &str, owner: &str) -> [String; 2] {
    let mut query = format!(
        "name={}&url={}&public=false&webhook_active=false",
        seg(&format!("promote-{owner}")),
        seg(&format!("{server}/{owner}"))
    );
    for (permission, level) in PERMISSIONS {
        query.push_str(&format!("&{permission}={level}"));
    }
    [
        format!(
            "{server}/organizations/{}/settings/apps/new?{query}",
            seg(owner)
        ),
        format!("{server}/settings/apps/new?{query}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_name_what_a_promotion_needs_and_no_webhook() {
        let [organisation, person] = new_app_links("https://github.com", "acme");
        assert_eq!(
            organisation,
            "https://github.com/organizations/acme/settings/apps/new?name=promote-acme&url=https%3A%2F%2Fgithub.com%2Facme\
             &public=false&webhook_active=false&contents=write&pull_requests=write&checks=read&statuses=read"
        );
        assert!(person.starts_with("https://github.com/settings/apps/new?name=promote-acme&"));
    }
}
