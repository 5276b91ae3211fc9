//! Landfall before a real server: what an administrator has configured, and what a test asks of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::SystemClock;
use landfall_tests::proxy::Calls;
use landfall_tests::{Answer, Return, TestApp, TestSession};
use serde_json::{Value, json};

/// An app with the connectors of these documents, each an item of a YAML list, whose client secret is called
/// `of-the-client`.
pub(crate) async fn landfall(documents: &str, secret: &'static str) -> TestApp {
    landfall_with(documents, secret, &[]).await
}

/// The same with journeys beside those that each connector has.
pub(crate) async fn landfall_with(documents: &str, secret: &'static str, journeys: &[&str]) -> TestApp {
    TestApp::with(|setup| {
        setup.connectors = format!("connectors:{documents}");
        setup.secrets = BTreeMap::from([("of-the-client", secret)]);
        setup.journeys.extend(journeys.iter().map(|journey| (*journey).to_owned()));
        // Real servers stamp their tokens with the real time.
        setup.time = Arc::new(SystemClock);
    })
    .await
}

/// A session that waits for its redirect, and where that goes.
pub(crate) async fn away(app: &TestApp, journey: &str) -> (TestSession, String) {
    let start = app.try_start(journey, &TestApp::start_body()).await.expect(201);
    (TestSession::of(&start.body), start.redirect_url().to_owned())
}

/// What becomes of a session whose browser has come back.
pub(crate) async fn resumed(app: &TestApp, session: &TestSession, back: &Return) -> Answer {
    let (_, resume) = app.arrive(back).await.carried();
    session.resume(app, &resume).await.expect(200)
}

/// What a provider was asked since the last time, in the order it answered.
pub(crate) fn operations(calls: &Calls) -> Vec<String> {
    calls.take().into_iter().filter(|call| call.service == "provider").map(|call| call.operation).collect()
}

/// Why logins failed, as the log says it.
pub(crate) fn reasons(app: &TestApp) -> Vec<String> {
    app.events("login_failed").iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
}

/// The journey has ended without a login: the client sees `code`, the log has `reason`, no user was provisioned.
pub(crate) async fn assert_ended(app: &TestApp, answer: &Answer, code: &str, reason: &str) {
    assert_eq!(answer.body["status"], "rejected", "{:#}", answer.body);
    assert_eq!(answer.body["rejection"]["code"], code);
    let reasons = reasons(app);
    assert!(reasons.last().is_some_and(|said| said.contains(reason)), "{reasons:?} instead of {reason}");
    assert_eq!(app.users().await, 0);
}

/// Nobody was signed in by what was typed: the client is asked again and sees `shown`, the log has `reason` last.
pub(crate) fn assert_asked_again(app: &TestApp, answer: &Answer, shown: &str, reason: &str) {
    assert_eq!(answer.body["status"], "input_required", "{:#}", answer.body);
    let step = &answer.body["step"];
    assert_eq!((&step["id"], &step["error"]["code"]), (&json!("ask"), &json!(shown)), "{step:#}");
    assert_eq!(reasons(app).last().map(String::as_str), Some(reason));
}

/// What was typed and the client secret are in no log line and in no item.
pub(crate) async fn assert_kept_secret(app: &TestApp, secrets: &[&str]) {
    let (logs, items) = (app.logs(), Value::from_iter(app.items().await).to_string());
    for secret in secrets {
        assert!(!logs.contains(secret), "the log has {secret}");
        assert!(!items.contains(secret), "the tables have {secret}");
    }
}
