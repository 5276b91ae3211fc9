//! Requests and responses. Both contain secrets (passwords, client secrets, tokens), so their `Debug` prints none.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::CALL_LIMIT;

/// A GET request, or a POST request with a form or JSON.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
    pub(crate) limit: Duration,
}

impl Request {
    /// A GET request for JSON.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: accept_json(), body: None, limit: CALL_LIMIT }
    }

    /// A GET request for an HTML page.
    pub fn get_page(url: Url) -> Self {
        Self::get(url).header(ACCEPT, HeaderValue::from_static("text/html"))
    }

    /// Posts a form (`application/x-www-form-urlencoded`) and asks for JSON. Values are sent byte for byte, without
    /// trimming or normalization.
    pub fn post_form<'a>(url: Url, form: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        Self::post(url, body, "application/x-www-form-urlencoded")
    }

    /// Posts JSON and asks for JSON.
    pub fn post_json(url: Url, body: &Value) -> Self {
        Self::post(url, body.to_string(), "application/json")
    }

    fn post(url: Url, body: String, media_type: &'static str) -> Self {
        let request = Self { method: Method::POST, body: Some(body), ..Self::get(url) };
        request.header(CONTENT_TYPE, HeaderValue::from_static(media_type))
    }

    /// Sets a header, replacing one with the same name. A secret value must be marked sensitive.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the time limit, including connection and body, instead of [`CALL_LIMIT`]. The deadline of the incoming
    /// request also applies.
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Adds a bearer token (RFC 6750 section 2.1); `None` if the token is not valid in a header.
    pub fn bearer(self, token: &str) -> Option<Self> {
        self.authorized("Bearer", token)
    }

    /// Adds Basic credentials, already encoded (RFC 7617 section 2); `None` if they are not valid in a header.
    pub fn basic(self, credentials: &str) -> Option<Self> {
        self.authorized("Basic", credentials)
    }

    /// Whether the method is safe (RFC 9110 section 9.2.1), so that the request may be repeated.
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    fn authorized(mut self, scheme: &str, credentials: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("{scheme} {credentials}")).ok()?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Some(self)
    }
}

/// JSON preferred, then a signed JWT (if the client is registered for one), then anything rather than a 406. Asks for
/// no compression; a compressed answer is still accepted up to a limit.
fn accept_json() -> HeaderMap {
    let accept = HeaderValue::from_static("application/json, application/jwt;q=0.9, */*;q=0.5");
    HeaderMap::from_iter([(ACCEPT, accept), (ACCEPT_ENCODING, HeaderValue::from_static("identity"))])
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

/// An answer with any status.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its complete body, of at most [`crate::BODY_LIMIT`] bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's text; `None` if it is missing or not visible ASCII.
    pub fn header(&self, name: &http::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type without its parameters, lower case (RFC 9110 section 8.3.1); empty if there is none.
    pub fn media_type(&self) -> String {
        let value = self.header(&CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_sent_byte_for_byte() {
        let hard = " pa+ss&w=örd%\0\u{feff}\u{1f511}\r\n ";
        let long = "x".repeat(100);
        let url = Url::parse("https://id.example/token").unwrap();
        let request = Request::post_form(url, [("password", hard), ("long", &long)]);

        let sent: Vec<_> = form_urlencoded::parse(request.body.as_deref().unwrap().as_bytes()).into_owned().collect();
        assert_eq!(sent, [("password".into(), hard.into()), ("long".into(), long)]);
    }

    #[test]
    fn debug_prints_no_secret() {
        let url = Url::parse("https://id.example/token?canary=1").unwrap();
        let request = Request::post_form(url.clone(), [("password", "canary")]).bearer("canary").unwrap();
        let basic = Request::get(url).basic("canary").unwrap();
        let headers = request.headers.clone();
        let response = Response { status: StatusCode::OK, headers, body: b"canary".to_vec() };

        let printed = format!("{request:?} {basic:?} {response:?} {:?}", basic.headers);
        assert!(!printed.contains("canary"), "{printed}");
        assert!(!printed.contains("anary"), "{printed}");
    }

    #[test]
    fn json_and_headers_are_sent_unchanged() {
        let url = Url::parse("https://id.example/authn").unwrap();
        let request = Request::post_json(url, &serde_json::json!({ "password": "a\"b" }));
        let request = request.header(HeaderName::from_static("x-device"), HeaderValue::from_static("d"));
        assert_eq!(request.body.as_deref(), Some(r#"{"password":"a\"b"}"#));
        let sent = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((sent("content-type"), sent("x-device")), (Some("application/json"), Some("d")));
        assert_eq!(sent("accept-encoding"), Some("identity"));
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        let request = Request::get(Url::parse("https://id.example/").unwrap());
        assert!(request.clone().bearer("a\r\nX-Evil: 1").is_none());
        assert!(request.basic("a\r\nX-Evil: 1").is_none());
    }
}
