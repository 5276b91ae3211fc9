//! What every refusal has in common.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use domain::Code;
use landfall::documents;
use landfall_tests::{Answer, TestApp};
use serde_json::Value;

/// What is said about a broken journey.
pub(crate) fn of_journey(text: &str) -> String {
    documents::journey("journey.yaml", text).unwrap_err().to_string()
}

/// What is said of copies of a document that differ from it in one place each: the text that is new, and below it what is
/// wrong. The excerpt of a document that cannot be read is left out.
pub(crate) fn of_each(broken: impl Fn(&[(&str, &str)]) -> String, changes: &[(&str, &str)]) -> String {
    let mut all = String::new();
    for &(from, to) in changes {
        let (name, text) = if to.is_empty() { ("without ", from) } else { ("", to) };
        all += &format!("{name}{}\n", text.trim().lines().next().unwrap_or_default());
        let told = broken(&[(from, to)]);
        let told = told.split_once(".yaml:").map_or(told.as_str(), |(_, told)| told);
        let lines = told.lines().map(str::trim).take_while(|line| !line.starts_with("--> "));
        all.extend(lines.filter(|line| !line.is_empty()).map(|line| format!("  {line}\n")));
    }
    all
}

/// Fails unless there is nothing to say about a journey.
#[track_caller]
pub(crate) fn no_journey(text: &str) {
    if let Err(error) = documents::journey("journey.yaml", text) {
        unreachable!("{error}");
    }
}

/// A POST of JSON, with a session's token if there is one.
pub(crate) fn post_json(path: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    let request = match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(body.into()).unwrap()
}

/// A POST of a form, as it stands.
pub(crate) fn post_form(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(body.into()).unwrap()
}

/// A good body with another value (or, for `None`, no value) at a JSON pointer.
pub(crate) fn changed(mut body: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    body
}

/// Sends a request that has to be refused, and says how: status, code, and what is wrong with which field.
///
/// Whatever the refusal, it is a whole problem document, nothing that is stored has changed, and no provider was called.
pub(crate) async fn refuse(app: &TestApp, request: Request<Body>) -> String {
    let (answer, told) = refuse_with(app, request).await;
    assert_is_problem(&answer);
    told
}

/// The same at the token endpoint, whose errors are OAuth's (RFC 6749 section 5.2).
pub(crate) async fn refuse_grant(app: &TestApp, request: Request<Body>) -> String {
    let (answer, told) = refuse_with(app, request).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(members(&answer.body), BTreeSet::from(["error", "error_description", "request_id"]));
    assert_belongs_together(&answer, "error_description");
    told
}

async fn refuse_with(app: &TestApp, request: Request<Body>) -> (Answer, String) {
    let what = format!("{} {}", request.method(), request.uri());
    let before = app.items().await;
    app.calls.take();
    let answer = app.send(request).await;
    assert!(answer.status.is_client_error(), "{what} was not refused: {} {:#}", answer.status, answer.body);
    assert_eq!(app.items().await, before, "{what} was refused and changed something");
    let called: Vec<_> = app.calls.take().into_iter().filter(|call| call.service == "provider").collect();
    assert_eq!(called, [], "{what} was refused and called the provider");
    let told = told(&answer);
    (answer, told)
}

/// `422 invalid_input email: required, password: too_long`
fn told(answer: &Answer) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = answer.body["fields"].as_array().into_iter().flatten();
    let fields: Vec<_> = fields.map(|field| format!("{}: {}", text(&field["name"]), text(&field["code"]))).collect();
    let told = format!("{} {} {}", answer.status.as_u16(), answer.code(), fields.join(", "));
    told.trim_end().to_owned()
}

/// RFC 9457, with the members that are the same for every refusal, and no other but those that have something to say.
fn assert_is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let mut expected = BTreeSet::from(["code", "title", "status", "request_id"]);
    match answer.code() {
        "invalid_params" | "invalid_input" => expected.insert("fields"),
        "step_conflict" => expected.insert("view"),
        _ => false,
    };
    assert_eq!(members(&answer.body), expected);
    assert_eq!(answer.body["status"], answer.status.as_u16());
    assert_belongs_together(answer, "title");
    let challenge = if answer.status == 401 { "Bearer" } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge);
}

/// The code, its one sentence and its status; the request's id here and there; nothing that a cache may keep.
fn assert_belongs_together(answer: &Answer, title: &str) {
    let code = Code::find(answer.code()).unwrap();
    assert_eq!(answer.body[title], code.title());
    assert_eq!(answer.status.as_u16(), code.status());
    assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
    assert!(answer.header("x-request-id").starts_with("req_"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

fn members(body: &Value) -> BTreeSet<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}
