//! Journeys that should not have been saved, and still must not go on: whatever a document says, no login completes without a
//! user, and no password outlives the request it came in.

use insta::assert_snapshot;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, TestApp, TestSession, data, key};
use serde_json::{Value, json};

/// An app with one more journey, `odd`, of these steps.
async fn app_with(steps: &str) -> TestApp {
    let journey = format!("format: 1\nid: odd\nstart: ask\nsteps:\n{steps}");
    TestApp::with(|setup| setup.unchecked.push(journey)).await
}

fn start_body() -> Value {
    let mut body = TestApp::start_body();
    body["params"] = json!({});
    body
}

async fn start(app: &TestApp) -> TestSession {
    TestSession::of(&app.try_start("odd", &start_body()).await.expect(201).body)
}

/// The session is over with that code; nothing came of it, and nothing is left to go on from.
async fn assert_ended(app: &TestApp, session: &TestSession, answer: &Answer, code: &str) {
    assert_eq!(answer.body["status"], "rejected", "{:#}", answer.body);
    assert_eq!(answer.body["rejection"], json!({ "code": code }));
    assert_eq!((&answer.body["completion"], &answer.body["step"]), (&Value::Null, &Value::Null));
    let abandoned = app.events("session_abandoned");
    assert_eq!(abandoned.iter().map(|event| &event["code"]).collect::<Vec<_>>(), [code]);

    let item = &app.items_of(&format!("SESSION#{}", session.id)).await[0];
    assert_eq!((&item["code"], &item["locked_by"]), (&Value::Null, &Value::Null), "{item:#}");
    assert_eq!(app.users().await, 0);
    let again = session.after(answer).view(app).await.expect(200);
    assert_eq!(again.body["rejection"], json!({ "code": code }));
}

/// Why the log says a session was abandoned.
fn reason(app: &TestApp) -> String {
    app.events("session_abandoned")[0]["reason"].as_str().unwrap().to_owned()
}

const ASK: &str = r#"
  ask:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email }
        - { name: password, type: password, label: field.password }
"#;

const CHECK: &str = r#"
  check:
    type: authenticate_password
    with: { connector: keycloak, username: "${ask.email}", password: "${ask.password}" }
    as: who
    next: { authenticated: provision, challenged: no, rejected: ask, unavailable: no }
  provision:
    type: provision_user
    with: { identity: who }
    next: { created: done, linked: done, recognised: done, proof_required: no, refused: no }
  done: { type: complete }
  no: { type: reject, with: { code: access_denied } }
"#;

#[tokio::test]
async fn a_journey_that_finds_no_user_completes_no_login() {
    let app =
        app_with(&format!("{ASK}    next: {{ submitted: done, cancelled: done }}\n  done: {{ type: complete }}")).await;
    let session = start(&app).await;

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);

    assert_ended(&app, &session, &answer, "journey_broken").await;
    assert_snapshot!(reason(&app), @"the journey reached `complete` without a user");
}

#[tokio::test]
async fn a_journey_that_asks_nothing_completes_no_login() {
    let app = app_with("  ask: { type: complete }").await;

    let answer = app.try_start("odd", &start_body()).await.expect(201);

    assert_ended(&app, &TestSession::of(&answer.body), &answer, "journey_broken").await;
}

#[tokio::test]
async fn a_password_is_gone_after_the_next_question() {
    let more = r#"    next: { submitted: more, cancelled: no }
  more:
    type: collect_information
    with: { fields: [{ name: name, type: text, label: field.name }] }
    next: { submitted: check, cancelled: no }"#;
    let app = app_with(&format!("{ASK}{more}{CHECK}")).await;
    let session = start(&app).await;
    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "more");
    let session = session.after(&answer);
    app.calls.take();

    let answer = session.fill_in(&app, "more", &key(2), &json!({ "name": "Ada" })).await.expect(200);

    assert_ended(&app, &session, &answer, "journey_broken").await;
    assert_snapshot!(reason(&app), @"a setting reads a secret that was not entered in this request");
    assert!(app.calls.take().iter().all(|call| call.service != "provider"));
}

#[tokio::test]
async fn an_identity_is_read_only_where_a_step_left_it() {
    let app = app_with(&format!("{ASK}    next: {{ submitted: check, cancelled: provision }}{CHECK}")).await;
    let session = start(&app).await;

    let answer = session.choose(&app, "ask", "cancel", &key(1)).await.expect(200);

    assert_ended(&app, &session, &answer, "journey_broken").await;
    assert_snapshot!(reason(&app), @"a setting reads an identity that no step of this run has stored");
}

#[tokio::test]
async fn a_value_is_read_only_where_a_step_left_it() {
    let app = app_with(&format!("{ASK}    next: {{ submitted: no, cancelled: check }}{CHECK}")).await;
    let session = start(&app).await;
    app.calls.take();

    let answer = session.choose(&app, "ask", "cancel", &key(1)).await.expect(200);

    assert_ended(&app, &session, &answer, "journey_broken").await;
    assert_snapshot!(reason(&app), @"a setting reads a value that no step of this run has set");
    assert!(app.calls.take().iter().all(|call| call.service != "provider"));
}

#[tokio::test]
async fn a_name_that_was_not_entered_is_not_looked_for() {
    let app = app_with(&format!("{ASK}    next: {{ submitted: check, cancelled: no }}{CHECK}")).await;
    let session = start(&app).await;
    app.calls.take();

    let answer = session.submit(&app, &key(1), &json!({ "password": PASSWORD })).await.expect(200);

    assert_ended(&app, &session, &answer, "journey_broken").await;
    assert_snapshot!(reason(&app), @"a setting reads a value that is not text");
    assert!(app.calls.take().iter().all(|call| call.service != "provider"));
}

#[tokio::test]
async fn a_session_takes_a_hundred_steps_and_no_more() {
    let app = app_with(&format!(
        "{ASK}    next: {{ submitted: ask, cancelled: no }}\n  no: {{ type: reject, with: {{ code: access_denied }} }}"
    ))
    .await;
    let mut session = start(&app).await;
    for step in 1..=100 {
        let answer = session.submit(&app, &key(step), &json!({})).await.expect(200);
        assert_eq!(answer.body["status"], "input_required", "step {step}");
        session = session.after(&answer);
    }

    let answer = session.submit(&app, &key(101), &json!({})).await.expect(200);

    assert_ended(&app, &session, &answer, "too_many_steps").await;
    assert_snapshot!(reason(&app), @"the session reached the step limit");
}
