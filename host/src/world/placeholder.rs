//! Stands where GitHub's half of the world goes until it is merged.

/// GitHub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GitHub {}

impl GitHub {
    /// Answers nothing yet.
    pub fn handle(
        &mut self,
        _now: jiff::Timestamp,
        _request: &crate::core::transport::HttpRequest,
    ) -> crate::core::transport::HttpResponse {
        let mut response = crate::core::transport::HttpResponse::default();
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response.extensions_mut().insert(super::UnknownRoute);
        response
    }
}
