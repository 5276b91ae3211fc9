//! What a route answered.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, StatusCode};
use domain::Code;
use serde_json::Value;

/// A request as it came in, and its answer.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Its path and query.
    pub path: String,
    /// `Authorization`, if it had one.
    pub authorization: Option<String>,
    /// What it was sent with.
    pub body: String,
    /// What it was answered.
    pub answer: Answer,
}

/// What a route answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as JSON; null if it is none.
    pub body: Value,
    /// The body as it is.
    pub text: String,
}

impl Answer {
    /// The stable code of an error.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().or(self.body["error"].as_str()).unwrap_or_default()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless it is an error of the caller's.
    pub fn expect_refused(self) -> Self {
        assert!(self.status.is_client_error(), "{}: {}", self.status, self.text);
        self
    }

    /// Fails unless the status is 200 or 202.
    pub fn expect_success(self) -> Self {
        assert!([200, 202].contains(&self.status.as_u16()), "{}: {}", self.status, self.text);
        self
    }

    /// Fails unless the status is this one.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self
    }

    /// Fails unless it is a whole error: a problem document (RFC 9457) or, of the token endpoint, what OAuth has for one (RFC
    /// 6749 section 5.2). Its code, the sentence and status of that code and the request's id belong together, and no cache
    /// may keep it.
    pub fn expect_problem(&self) {
        let (required, more, title): (&[_], &[_], _) = match self.header("content-type") {
            "application/json" => (&["error", "error_description", "request_id"], &[], "error_description"),
            kind => {
                assert_eq!(kind, "application/problem+json");
                let is_unauthorized = self.status == StatusCode::UNAUTHORIZED;
                assert_eq!(!self.header("www-authenticate").is_empty(), is_unauthorized, "{:?}", self.headers);
                (&["code", "title", "status", "request_id"], &["detail", "fields", "retry_after", "view"], "title")
            }
        };
        let members: BTreeSet<_> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(required.iter().all(|name| members.contains(name)), "{:#}", self.body);
        assert!(members.iter().all(|name| required.contains(name) || more.contains(name)), "{:#}", self.body);
        let needed = match self.code() {
            "invalid_params" | "invalid_input" => "fields",
            "step_conflict" => "view",
            _ => required[0],
        };
        assert!(members.contains(needed), "{:#}", self.body);
        let code = Code::find(self.code()).unwrap();
        assert_eq!((&self.body[title], self.status.as_u16()), (&code.title().into(), code.status()));
        assert!(self.body.get("status").is_none_or(|status| *status == code.status()), "{:#}", self.body);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        assert_eq!(self.header("cache-control"), "no-store");
    }
}
