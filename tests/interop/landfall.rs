//! Landfall with connectors to a real server, and assertions on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::SystemClock;
use landfall_tests::proxy::Calls;
use landfall_tests::{Answer, Return, TestApp, TestSession};
use serde_json::{Value, json};

/// An app with these connector documents, each an item of a YAML list. Their client secret has the name
/// `of-the-client`.
pub(crate) async fn landfall(documents: &str, secret: &'static str) -> TestApp {
    landfall_with(documents, secret, &[]).await
}

/// An app with these connector documents and additional journeys.
pub(crate) async fn landfall_with(documents: &str, secret: &'static str, journeys: &[&str]) -> TestApp {
    TestApp::with(|setup| {
        setup.connectors = format!("connectors:{documents}");
        setup.secrets = BTreeMap::from([("of-the-client", secret)]);
        setup.journeys.extend(journeys.iter().map(|journey| (*journey).to_owned()));
        // Real servers use the real time in their tokens.
        setup.time = Arc::new(SystemClock);
    })
    .await
}

/// A session that waits for its redirect, and the redirect's URL.
pub(crate) async fn away(app: &TestApp, journey: &str) -> (TestSession, String) {
    let start = app.try_start(journey, &TestApp::start_body()).await.expect(201);
    (TestSession::of(&start.body), start.redirect_url().to_owned())
}

/// The answer to the resume after a callback.
pub(crate) async fn resumed(app: &TestApp, session: &TestSession, back: &Return) -> Answer {
    let (_, resume) = app.arrive(back).await.carried();
    session.resume(app, &resume).await.expect(200)
}

/// The calls to the provider since the last time, in the order of its answers.
pub(crate) fn operations(calls: &Calls) -> Vec<String> {
    calls.take().into_iter().filter(|call| call.service == "provider").map(|call| call.operation).collect()
}

/// The reasons of failed logins in the log.
pub(crate) fn reasons(app: &TestApp) -> Vec<String> {
    app.events("login_failed").iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that the journey ended without a login: the client gets `code`, the log has `reason`, and no user is
/// provisioned.
pub(crate) async fn assert_ended(app: &TestApp, answer: &Answer, code: &str, reason: &str) {
    assert_eq!(answer.body["status"], "rejected", "{:#}", answer.body);
    assert_eq!(answer.body["rejection"]["code"], code);
    let reasons = reasons(app);
    assert!(reasons.last().is_some_and(|last| last.contains(reason)), "{reasons:?} instead of {reason}");
    assert_eq!(app.users().await, 0);
}

/// Asserts that the attempt was rejected: the client is asked again with the error `shown`, and `reason` is last in the
/// log.
pub(crate) fn assert_asked_again(app: &TestApp, answer: &Answer, shown: &str, reason: &str) {
    assert_eq!(answer.body["status"], "input_required", "{:#}", answer.body);
    let step = &answer.body["step"];
    assert_eq!((&step["id"], &step["error"]["code"]), (&json!("ask"), &json!(shown)), "{step:#}");
    assert_eq!(reasons(app).last().map(String::as_str), Some(reason));
}

/// Asserts that no log line and no item contains these secrets.
pub(crate) async fn assert_kept_secret(app: &TestApp, secrets: &[&str]) {
    let (logs, items) = (app.logs(), Value::from_iter(app.items().await).to_string());
    for secret in secrets {
        assert!(!logs.contains(secret), "the log has {secret}");
        assert!(!items.contains(secret), "the tables have {secret}");
    }
}
