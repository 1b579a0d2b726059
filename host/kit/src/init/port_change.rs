//! One change in Port: the request, and the difference that it makes.

use anyhow::Context as _;
use http::Method;
use serde_json::{Map, Value};

use super::dialog::SetupDifference;
use promote_core::service::http::Request;
use promote_core::service::port::Client;

/// Whether Port makes a page in the catalog beside a blueprint that it creates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CatalogPage {
    Made,
    NotMade,
}

/// One request.
pub(super) struct PortChange {
    method: Method,
    target: String,
    body: Value,
    pub(super) difference: SetupDifference,
}

impl PortChange {
    /// Port makes a page by itself unless it is told not to (API reference, "Create a blueprint", `create_catalog_page`).
    pub(super) fn create_blueprint(
        identifier: &str,
        body: &Map<String, Value>,
        page: CatalogPage,
    ) -> Self {
        let (is_made, beside) = match page {
            CatalogPage::Made => (true, ", and a page for it in the catalog"),
            CatalogPage::NotMade => (false, ""),
        };
        Self::create(
            &format!("port: blueprint {identifier}{beside}"),
            format!("/v1/blueprints?create_catalog_page={is_made}"),
            body.clone(),
        )
    }

    pub(super) fn create(name: &str, target: String, body: Map<String, Value>) -> Self {
        let difference = SetupDifference {
            name: name.to_owned(),
            before: String::new(),
            after: pretty(&body),
        };
        Self {
            method: Method::POST,
            target,
            body: Value::Object(body),
            difference,
        }
    }

    pub(super) fn creates(&self) -> bool {
        self.method == Method::POST
    }

    /// Puts one definition in the place of another.
    pub(super) fn replace(
        name: String,
        target: String,
        before: &Map<String, Value>,
        after: Map<String, Value>,
    ) -> Self {
        Self {
            method: Method::PUT,
            target,
            difference: SetupDifference {
                name,
                before: pretty(before),
                after: pretty(&after),
            },
            body: Value::Object(after),
        }
    }

    /// Makes the change. The same body twice is the same definition; a second creation is answered with 409, which is true
    /// then.
    pub(super) async fn send(&self, client: &Client) -> anyhow::Result<()> {
        let request = Request::write(self.method.clone(), self.target.clone(), self.body.clone());
        client
            .administer(request)
            .await
            .with_context(|| format!("writing {}", self.difference.name))?;
        Ok(())
    }

    pub(super) fn patch(
        name: &str,
        target: String,
        found: &Map<String, Value>,
        body: Map<String, Value>,
    ) -> Self {
        let before: Map<_, _> = body
            .keys()
            .map(|key| (key.clone(), found.get(key).cloned().unwrap_or_default()))
            .collect();
        let difference = SetupDifference {
            name: name.to_owned(),
            before: pretty(&before),
            after: pretty(&body),
        };
        Self {
            method: Method::PATCH,
            target,
            body: Value::Object(body),
            difference,
        }
    }
}

fn pretty(value: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .unwrap_or_default()
}
