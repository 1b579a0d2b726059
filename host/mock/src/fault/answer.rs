//! The answers that a fault gives in place of the service.

use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CannedAnswer, FaultEffect, RateLimitFault, RateLimitKind};
use crate::ServiceName;
use crate::port::PortRate;
use promote_core::service::transport::HttpResponse;

impl FaultEffect {
    /// The answer in place of the service's own.
    pub(crate) fn response(
        self,
        service: ServiceName,
        now: Timestamp,
        rate: &PortRate,
    ) -> HttpResponse {
        match self {
            Self::Answer(canned) => canned.response(),
            Self::RateLimit(limit) => limit.response(service, now, rate),
            Self::Cut(_) | Self::Delay(_) => HttpResponse::default(),
        }
    }
}

impl CannedAnswer {
    fn response(self) -> HttpResponse {
        let mut response = HttpResponse::new(self.body.into_bytes());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

impl RateLimitFault {
    /// GitHub REST, "Exceeding the rate limit"; Port documents its headers but no body.
    fn response(self, service: ServiceName, now: Timestamp, rate: &PortRate) -> HttpResponse {
        let left = self.lasts.as_secs() + i64::from(self.lasts.subsec_nanos() > 0);
        let (status, body) = self.refusal(service);
        let mut response = CannedAnswer {
            status: self.status.unwrap_or(status),
            body: body.to_string(),
            ..CannedAnswer::default()
        }
        .response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        if self.kind == RateLimitKind::Secondary {
            headers.insert(header::RETRY_AFTER, left.into());
            return response;
        }
        let reset = match service {
            ServiceName::Port => rate.written(now, left),
            ServiceName::GitHub | ServiceName::Registry => now.as_second() + left,
        };
        headers.insert("x-ratelimit-remaining", 0.into());
        headers.insert("x-ratelimit-reset", reset.into());
        response
    }

    fn refusal(&self, service: ServiceName) -> (u16, Value) {
        const GITHUB: &str = "https://docs.github.com/rest/overview";
        let (message, page) = match (service, self.kind) {
            (ServiceName::Port, _) => {
                let message = "too many requests";
                let body = json!({"ok": false, "error": "rate_limit_exceeded", "message": message});
                return (429, body);
            }
            (ServiceName::Registry, _) => {
                let message = "You have reached your pull rate limit.";
                let body = json!({"errors": [{"code": "TOOMANYREQUESTS", "message": message}]});
                return (429, body);
            }
            (ServiceName::GitHub, RateLimitKind::Primary) => (
                "API rate limit exceeded for installation ID 1.",
                "resources-in-the-rest-api#rate-limiting",
            ),
            (ServiceName::GitHub, RateLimitKind::Secondary) => (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                "rate-limits-for-the-rest-api#about-secondary-rate-limits",
            ),
        };
        let page = format!("{GITHUB}/{page}");
        (403, json!({"message": message, "documentation_url": page}))
    }
}
