//! Answers and refusals in GitHub's form.

use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use promote_core::service::transport::HttpResponse;

/// Where GitHub sends readers of an error that no operation owns.
const DOCS: &str = "https://docs.github.com/rest";

/// An answer, before the headers that all share.
#[derive(Clone, Debug)]
pub(super) struct GitHubAnswer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: AnswerBody,
}

#[derive(Clone, Debug)]
pub(super) enum AnswerBody {
    Empty,
    Json(Value),
    Raw { kind: String, content: Vec<u8> },
}

/// The result of an operation: an answer that succeeds, or one that refuses.
pub(super) type GitHubReply = Result<GitHubAnswer, GitHubAnswer>;

impl GitHubAnswer {
    pub(super) fn new(status: u16, body: AnswerBody) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    pub(super) fn json(status: u16, body: Value) -> Self {
        Self::new(status, AnswerBody::Json(body))
    }

    pub(super) fn ok(body: Value) -> GitHubReply {
        Ok(Self::json(200, body))
    }

    /// 201 with the place of what was made, which the body names as `url`.
    pub(super) fn created(body: Value) -> GitHubReply {
        let url = body["url"].as_str().unwrap_or_default().to_owned();
        Ok(Self::json(201, body).header("location", url))
    }

    pub(super) fn nothing() -> GitHubReply {
        Ok(Self::new(204, AnswerBody::Empty))
    }

    /// Adds a header, unless it is there: what is closer to the operation knows better.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if !self.headers.iter().any(|(known, _)| *known == name) {
            self.headers.push((name, value.into()));
        }
        self
    }

    /// An error; `finish` adds where to read about it.
    pub(super) fn error(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        // The status in the body is text (59 of 59 measured answers), unlike what its place suggests.
        Self::json(
            status,
            json!({"message": message, "status": status.to_string()}),
        )
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::error(401, message).documented("")
    }

    /// 422 with one reason of the usual form.
    pub(super) fn invalid(error: Value) -> Self {
        Self::error(422, "Validation Failed").errors(json!([error]))
    }

    /// 422 for a required field of the body that is not there.
    pub(super) fn not_supplied(field: &str) -> Self {
        Self::error(
            422,
            format!("Invalid request.\n\n\"{field}\" wasn't supplied."),
        )
    }

    pub(super) fn errors(mut self, errors: Value) -> Self {
        if let AnswerBody::Json(body) = &mut self.body {
            body["errors"] = errors;
        }
        self
    }

    /// Says where the operation is documented, unless that was said before.
    pub(super) fn documented(mut self, page: &str) -> Self {
        if self.status >= 300
            && let AnswerBody::Json(Value::Object(body)) = &mut self.body
            && !body.contains_key("documentation_url")
        {
            let separator = if page.is_empty() { "" } else { "/" };
            body.insert(
                "documentation_url".into(),
                format!("{DOCS}{separator}{page}").into(),
            );
        }
        self
    }

    /// The response, with the headers that every answer has.
    pub(super) fn finish(self, request: u64) -> HttpResponse {
        let (kind, content) = match self.body {
            AnswerBody::Empty => (None, Vec::new()),
            AnswerBody::Json(value) => (
                Some("application/json; charset=utf-8".to_owned()),
                written(&value),
            ),
            AnswerBody::Raw { kind, content } => (Some(kind), content),
        };
        let mut response = http::Response::new(content);
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        let shared = [
            ("x-github-request-id", format!("MOCK:{request:04X}")),
            ("x-github-media-type", "github.v3; format=json".to_owned()),
            ("vary", "Accept, Authorization, Accept-Encoding".to_owned()),
        ];
        let kind = kind.map(|kind| ("content-type", kind));
        for (name, value) in self.headers.into_iter().chain(shared).chain(kind) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// The text of a body. Many are of some ten thousand bytes, and grow into that by doubling otherwise.
fn written(value: &Value) -> Vec<u8> {
    let mut text = Vec::with_capacity(16 << 10);
    serde_json::to_writer(&mut text, value).map_or_else(|_| Vec::new(), |()| text)
}
