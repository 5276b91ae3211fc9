//! Requests, as a client sends them.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::VERIFIER;

/// The media type of a form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// One request. It can be sent again, and be put into an event of API Gateway's.
#[derive(Debug, Clone)]
pub struct Sent {
    /// GET or POST.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// Whom IAM has let through, as API Gateway says it.
    pub by: Option<&'static str>,
}

impl Sent {
    /// A POST of JSON, with a session's token if there is one.
    pub fn json(path: impl Into<String>, token: Option<&str>, body: &Value) -> Self {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(bearer(token));
        Self { method: "POST", path: path.into(), headers, body: body.to_string(), by: None }
    }

    /// A POST of a form.
    pub fn form(path: impl Into<String>, form: &[(&str, &str)]) -> Self {
        let body = serde_urlencoded::to_string(form).unwrap();
        Self { method: "POST", path: path.into(), headers: vec![("content-type", FORM.to_owned())], body, by: None }
    }

    /// A GET, with a session's token if there is one.
    pub fn get(path: impl Into<String>, token: Option<&str>) -> Self {
        Self { method: "GET", path: path.into(), headers: bearer(token), body: String::new(), by: None }
    }

    /// The same for a router.
    pub fn to_request(&self) -> Request<Body> {
        let request = Request::builder().method(self.method).uri(&self.path);
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.body(Body::from(self.body.clone())).unwrap()
    }
}

fn bearer(token: Option<&str>) -> Vec<(&'static str, String)> {
    token.map(|token| ("authorization", format!("Bearer {token}"))).into_iter().collect()
}

/// A GET with a session's token, if there is one.
pub fn get(path: &str, token: Option<&str>) -> Request<Body> {
    authorized(Request::get(path).body(Body::empty()).unwrap(), token)
}

/// A POST of bytes that say they are JSON, with a session's token if there is one.
pub fn post_json(path: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    authorized(post(path, "application/json", body), token)
}

/// A POST of a form, as it stands.
pub fn post_form(path: &str, body: impl Into<Body>) -> Request<Body> {
    post(path, FORM, body)
}

fn post(path: &str, media_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(CONTENT_TYPE, media_type).body(body.into()).unwrap()
}

fn authorized(mut request: Request<Body>, token: Option<&str>) -> Request<Body> {
    if let Some(token) = token {
        add(request.headers_mut(), &[format!("Bearer {token}")]);
    }
    request
}

/// A request with these `Authorization` headers.
pub fn with_authorization(mut request: Request<Body>, values: &[impl AsRef<[u8]>]) -> Request<Body> {
    add(request.headers_mut(), values);
    request
}

fn add(headers: &mut HeaderMap, values: &[impl AsRef<[u8]>]) {
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }
}

/// A client's credentials, as RFC 6749 section 2.3.1 writes them: each half form-urlencoded, then joined, then in base64.
pub fn basic(id: &str, secret: &str) -> String {
    let encoded = |half: &str| byte_serialize(half.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

/// The form with which the demo application redeems a code, with other parameters; an empty one is left out.
pub fn token_form<'a>(code: &'a str, other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "demo"),
        ("redirect_uri", landfall::demo::REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    form.retain(|(name, _)| other.iter().all(|(changed, _)| changed != name));
    form.extend(other);
    form.retain(|(_, value)| !value.is_empty());
    form
}
