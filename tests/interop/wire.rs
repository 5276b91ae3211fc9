//! Requests that a test makes itself.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Posts a form: the status, and the body if it is JSON.
pub(crate) async fn post_form(url: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = serde_urlencoded::to_string(form).unwrap();
    let request = Request::post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(request.body(Body::from(body)).unwrap()).await
}

/// Posts JSON as whoever has the token: the status, and the body if it is JSON.
pub(crate) async fn post_json(url: &str, token: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(url).header(CONTENT_TYPE, "application/json");
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn send(request: Request<Body>) -> (u16, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let bytes = to_bytes(Body::new(body), usize::MAX).await.unwrap();
    (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
}
