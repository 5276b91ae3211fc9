//! What every refusal has in common.

use axum::body::Body;
use axum::http::Request;
use landfall::documents;
use landfall_tests::TestApp;
use landfall_tests::witness::Witness;
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
pub(crate) async fn refuse(app: &TestApp, request: Request<Body>) -> String {
    let what = format!("{} {}", request.method(), request.uri());
    let mut witness = Witness::of(app, &[]).await;
    let answer = app.send(request).await;
    assert!(answer.status.is_client_error(), "{what} was not refused: {} {:#}", answer.status, answer.body);
    witness.refused(&answer, answer.status.as_u16(), answer.code()).await;
    assert!(answer.header("x-request-id").starts_with("req_"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = answer.body["fields"].as_array().into_iter().flatten();
    let fields: Vec<_> = fields.map(|field| format!("{}: {}", text(&field["name"]), text(&field["code"]))).collect();
    format!("{} {} {}", answer.status.as_u16(), answer.code(), fields.join(", ")).trim_end().to_owned()
}
