//! Hints at what a reader can do about a service's no.

use crate::service::http::Service;
use crate::service::retry;

/// Says what to do about an answer with this status and message, if that is known; `header` reads its headers.
pub(super) fn hint(
    service: Service,
    status: u16,
    message: &str,
    header: &dyn Fn(&str) -> String,
) -> String {
    let needs = header("x-accepted-github-permissions");
    let text = match (service, status) {
        // Where a registry keeps its blobs is a signed address, which is nobody's business.
        (Service::Registry, 300..=399) => {
            "it leads to an address that is not followed: one without TLS, or one too many"
        }
        (_, 300..=399) => return format!("it moved to {}: use its new name", header("location")),
        (Service::Port, 401) => "check client id, client secret and the region of this address",
        (Service::Port, 403) => {
            "the credentials lack a permission, or an IP allow list is in the way"
        }
        (Service::Port, 404) => "check the identifier, and whose credentials these are",
        (Service::GitHub, 401) => "the credentials are wrong, expired or revoked",
        (Service::GitHub, 403) if message.contains("not permitted to create") => {
            "allow it in the Actions settings of repository and organisation, or use an App"
        }
        (Service::GitHub, 403) if message.contains("archived") => {
            "unarchive it, or promote elsewhere"
        }
        (Service::GitHub, 403) if retry::is_limit_text(message) => "",
        (Service::GitHub, 403) if message.contains("SAML") => {
            "authorise the token for the organisation's single sign-on, or use an App"
        }
        (Service::GitHub, 403) if message.contains("suspended") => {
            "ask the owner to lift the suspension of the account or of the App's installation"
        }
        (Service::GitHub, 403) if !needs.is_empty() => {
            return format!("it needs the permission {needs}");
        }
        (Service::GitHub, 403) if message.contains("not accessible") => {
            "the credentials lack a permission"
        }
        (Service::GitHub, 404) => "it does not exist, or the credentials may not see it",
        _ => "",
    };
    text.to_owned()
}
