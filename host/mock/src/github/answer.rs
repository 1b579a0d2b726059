//! Answers and refusals in GitHub's form.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

use promote_core::service::transport::HttpResponse;

/// Where GitHub sends readers of an error that no operation owns.
const DOCS: &str = "https://docs.github.com/rest";

/// The request headers that GitHub names as the ones which an answer depends on.
const VARY: &str =
    "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With";
/// The time that a client may keep a read for.
const CACHE_CONTROL: &str = "private, max-age=60, s-maxage=60";

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
    /// JSON that is text already.
    Written(Vec<u8>),
    Raw {
        kind: String,
        content: Vec<u8>,
    },
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

    /// 502 of the proxy before GitHub, which says nothing of what became of the request.
    pub(super) fn bad_gateway() -> Self {
        let content = "<html><head><title>502 Bad Gateway</title></head><body></body></html>\n";
        let body = AnswerBody::Raw {
            kind: "text/html".into(),
            content: content.into(),
        };
        Self::new(502, body)
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
        Self::none_supplied(&[field])
    }

    /// 422 for the required fields of a body that are not there.
    pub(super) fn none_supplied(fields: &[&str]) -> Self {
        let mut quoted: Vec<String> = fields.iter().map(|field| format!("\"{field}\"")).collect();
        quoted.sort();
        let verb = if fields.len() == 1 {
            "wasn't"
        } else {
            "weren't"
        };
        let message = format!("Invalid request.\n\n{} {verb} supplied.", quoted.join(", "));
        Self::error(422, message)
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

    /// Adds the headers by which a client can tell whether a read has changed, and answers 304 to one that has seen it.
    pub(super) fn conditional(mut self, if_none_match: &str) -> Self {
        if self.status != 200 {
            return self;
        }
        if let AnswerBody::Json(value) = &self.body {
            let updated_at = value["updated_at"].as_str();
            let updated_at: Option<Timestamp> = updated_at.and_then(|at| at.parse().ok());
            let text = written(value);
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            self.body = AnswerBody::Written(text);
            if let Some(at) = updated_at {
                let at = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                self = self.header("last-modified", at);
            }
            self = self.header("etag", format!("W/\"{:064x}\"", hasher.finish()));
        }
        self = self.header("cache-control", CACHE_CONTROL);
        let etag = self.headers.iter().find(|(name, _)| *name == "etag");
        let is_known = etag.is_some_and(|(_, etag)| matches_etag(if_none_match, etag));
        if is_known {
            self.status = 304;
            self.body = AnswerBody::Empty;
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
            AnswerBody::Written(text) => (Some("application/json; charset=utf-8".to_owned()), text),
            AnswerBody::Raw { kind, content } => (Some(kind), content),
        };
        let mut response = http::Response::new(content);
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        let shared = [
            ("x-github-request-id", format!("MOCK:{request:04X}")),
            ("x-github-media-type", "github.v3; format=json".to_owned()),
            ("vary", VARY.to_owned()),
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

/// Returns true if the client has this version; weak and strong are equal here.
fn matches_etag(header: &str, etag: &str) -> bool {
    let etag = etag.trim_start_matches("W/");
    header
        .split(',')
        .any(|one| one.trim().trim_start_matches("W/") == etag)
}

/// The text of a body. Many are of some ten thousand bytes, and grow into that by doubling otherwise.
fn written(value: &Value) -> Vec<u8> {
    let mut text = Vec::with_capacity(16 << 10);
    serde_json::to_writer(&mut text, value).map_or_else(|_| Vec::new(), |()| text)
}
