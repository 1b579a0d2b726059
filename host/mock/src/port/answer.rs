//! Port's answers: JSON, and errors in one shape.

use http::StatusCode;
use serde_json::{Value, json};

use promote_core::service::transport::HttpResponse;

/// The result of a route.
pub(super) type PortResult = Result<PortReply, PortRefusal>;

/// A successful answer.
#[derive(Debug)]
pub(super) struct PortReply {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl PortReply {
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
        }
    }

    /// An answer with one thing under its name. Built without `json!`, which would copy it.
    pub(super) fn holding(name: &str, value: impl Into<Value>) -> Self {
        Self::ok(Value::from_iter([
            ("ok", true.into()),
            (name, value.into()),
        ]))
    }

    pub(super) fn with(status: StatusCode, body: Value) -> Self {
        Self { status, body }
    }
}

/// A refusal, as `{"ok":false,"error":"<code>","message":"<text>"}`.
///
/// Codes and statuses are those of the error tables of Port's API reference (2024-12), where a code is documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortRefusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Option<String>,
}

impl PortRefusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: Some(message.into()),
        }
    }

    /// 401; Port documents no code for it and no message.
    pub(super) fn unauthorized(code: &'static str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code,
            message: None,
        }
    }

    pub(super) fn not_found(kind: &str, identifier: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{kind} with identifier \"{identifier}\" was not found"),
        )
    }

    /// 422 of a body that is not of the route's schema.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
    }

    /// 422 of an entity that its blueprint does not allow.
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "blueprint_schema_mismatch",
            message,
        )
    }

    pub(super) fn taken(kind: &str, identifier: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "identifier_taken",
            format!("{kind} with identifier \"{identifier}\" already exists"),
        )
    }

    pub(super) fn body(&self) -> Value {
        match &self.message {
            Some(message) => json!({"ok": false, "error": self.code, "message": message}),
            None => json!({"ok": false, "error": self.code}),
        }
    }
}

/// Makes the response of an outcome.
pub(super) fn respond(outcome: PortResult) -> HttpResponse {
    let (status, body) = match outcome {
        Ok(reply) => (reply.status, reply.body),
        Err(problem) => (problem.status, problem.body()),
    };
    let mut response = HttpResponse::new(serde_json::to_vec(&body).unwrap_or_default());
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}
