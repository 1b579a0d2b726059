//! GitHub's page for a new App, filled in: the hardest step of a set-up as one link (GitHub docs, "Registering a GitHub App
//! using URL parameters").

use std::collections::BTreeMap;

use promote_core::grants::Grants;
use promote_core::service::http::seg;
use promote_run::environment::permissions;

/// What the mode `checks` reads, so that to switch it on later does not need a change of the App.
const USUAL: [&str; 2] = ["checks", "statuses"];

/// Returns the permissions of an App that can do what grants name, each with its level.
pub(super) fn app_permissions(grants: &Grants) -> BTreeMap<String, String> {
    let usual = USUAL.map(|name| (name.to_owned(), "read".to_owned()));
    let mut all = BTreeMap::from(usual);
    for repository in grants.repositories() {
        for (name, level) in permissions(grants, &repository) {
            let known = all.entry(name).or_insert_with(|| level.clone());
            if level == "write" {
                *known = level;
            }
        }
    }
    // Every App may read metadata.
    all.remove("metadata");
    all
}

/// Returns the links for an organisation and for a person's own account: which of both owns a repository, its name does not
/// tell.
pub(super) fn new_app_links(
    server: &str,
    owner: &str,
    permissions: &BTreeMap<String, String>,
) -> [String; 2] {
    let mut query = format!(
        "name={}&url={}&public=false&webhook_active=false",
        seg(&format!("promote-{owner}")),
        seg(&format!("{server}/{owner}"))
    );
    for (permission, level) in permissions {
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use promote_intake::config::Config;

    use super::*;

    fn grants(more: &str) -> Grants {
        let text = format!(
            "[[grants]]\nallow = [\"github.read\", \"github.propose\", \"github.merge\", \"github.decorate\"]\nrepository = \"acme/gitops\"\npath = \"apps/*.yaml\"\nbase = \"main\"\n{more}"
        );
        Config::parse(&text).unwrap().grants
    }

    #[test]
    fn the_links_name_what_a_promotion_needs_and_no_webhook() {
        let permissions = app_permissions(&grants(""));
        let [organisation, person] = new_app_links("https://github.com", "acme", &permissions);
        assert_eq!(
            organisation,
            "https://github.com/organizations/acme/settings/apps/new?name=promote-acme&url=https%3A%2F%2Fgithub.com%2Facme\
             &public=false&webhook_active=false&checks=read&contents=write&pull_requests=write&statuses=read"
        );
        assert!(person.starts_with("https://github.com/settings/apps/new?name=promote-acme&"));
    }

    #[test]
    fn members_are_read_only_where_a_team_may_be_asked() {
        assert!(!app_permissions(&grants("")).contains_key("members"));
        assert!(!app_permissions(&grants("reviewers = [\"kim\"]\n")).contains_key("members"));
        assert_eq!(
            app_permissions(&grants("teams = [\"release\"]\n"))["members"],
            "read"
        );
        let status = "[[grants]]\nallow = [\"github.status\"]\nrepository = \"acme/gitops\"\nbase = \"main\"\n";
        assert_eq!(app_permissions(&grants(status))["statuses"], "write");
    }
}
