//! HTTP requests of the tests themselves.

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::response::Parts;
use axum::http::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Posts a form. Returns the status, and the body if it is JSON.
pub(crate) async fn post_form(url: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = serde_urlencoded::to_string(form).unwrap();
    let request = Request::post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let (parts, answer) = send(request.body(Body::from(body)).unwrap()).await;
    (parts.status.as_u16(), answer)
}

/// Sends JSON with a bearer token. Returns the status, the body if it is JSON, and the `Location` header.
pub(crate) async fn send_json(method: Method, url: &str, token: &str, body: &Value) -> (u16, Value, Option<String>) {
    let request = Request::builder().method(method).uri(url).header(CONTENT_TYPE, "application/json");
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    let (parts, answer) = send(request.body(Body::from(body.to_string())).unwrap()).await;
    let location = parts.headers.get(LOCATION).map(|location| location.to_str().unwrap().to_owned());
    (parts.status.as_u16(), answer, location)
}

/// Calls an operation of AWS's JSON protocol (`Service.Operation`) in a Region. Returns the status, and the body if it is JSON.
pub(crate) async fn call_aws(url: &str, region: &str, operation: &str, body: &Value) -> (u16, Value) {
    // An emulator takes the Region from the credentials' scope, and looks at no signature.
    let scope = format!("test/20260101/{region}/cognito-idp/aws4_request");
    let credentials = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    let request =
        Request::post(url).header(CONTENT_TYPE, "application/x-amz-json-1.1").header("x-amz-target", operation);
    let request = request.header(AUTHORIZATION, credentials);
    let (parts, answer) = send(request.body(Body::from(body.to_string())).unwrap()).await;
    (parts.status.as_u16(), answer)
}

async fn send(request: Request<Body>) -> (Parts, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let bytes = to_bytes(Body::new(body), usize::MAX).await.unwrap();
    (parts, serde_json::from_slice(&bytes).unwrap_or_default())
}
