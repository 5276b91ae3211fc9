//! The main job: a user logs in by the password they have and is provisioned.

use chrono::TimeDelta;
use insta::assert_json_snapshot;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::journeys::{form, journey, password, provision};
use landfall_tests::{Answer, Login, TestApp, TestSession, data, key, password_journey};
use serde_json::{Value, json};
use simulators::Misbehaviour;
use simulators::keycloak::User;

const JOURNEY: &str = "migrate-from-keycloak";

/// Starts the demo's journey and answers its form.
async fn attempt(app: &TestApp, email: &str, password: &str) -> (TestSession, Answer) {
    let session = app.start(JOURNEY).await;
    let answer = session.submit(app, &key(1), &data(email, password)).await.expect(200);
    (session, answer)
}

/// An app whose realm has these users too.
async fn with_users(users: Vec<User>) -> TestApp {
    TestApp::with(|setup| {
        let changed = setup
            .keycloak()
            .change_realm("demo", |realm| users.into_iter().fold(realm, |realm, user| realm.user(user)));
        assert!(changed.is_ok(), "the demo has its realm");
    })
    .await
}

fn user(name: &str, email: &str, verified: bool) -> User {
    User::new(name).email(email, verified).name("N", "N").password("pw")
}

#[tokio::test]
async fn a_user_is_created_once_and_recognised_afterwards() {
    let app = TestApp::new().await;

    let first = app.log_in(EMAIL, PASSWORD).await;
    let second = app.log_in(EMAIL, PASSWORD).await;

    assert_eq!(app.users().await, 1);
    assert_eq!(app.events("user_provisioned").len(), 1);
    assert_eq!(app.events("user_recognised").len(), 1);
    assert_eq!(app.id_token(&first.code).await["sub"], app.id_token(&second.code).await["sub"]);
}

#[tokio::test]
async fn an_application_sees_what_to_render_and_then_a_code() {
    let app = TestApp::new().await;

    let start = app.try_start(JOURNEY, &TestApp::start_body()).await.expect(201);
    assert_json_snapshot!(start.body["step"], @r#"
    {
      "data": {
        "fields": [
          {
            "autocomplete": "username",
            "label": {
              "id": "field.email",
              "text": "E-mail"
            },
            "name": "email",
            "required": true,
            "type": "email"
          },
          {
            "autocomplete": "current-password",
            "label": {
              "id": "field.password",
              "text": "Password"
            },
            "name": "password",
            "required": true,
            "type": "password"
          }
        ]
      },
      "id": "ask",
      "options": [
        {
          "id": "submit",
          "kind": "client_input"
        },
        {
          "id": "cancel",
          "kind": "cancel"
        }
      ],
      "type": "collect_information"
    }
    "#);

    let (_, done) = attempt(&app, EMAIL, PASSWORD).await;
    assert_eq!(done.body["status"], "completed");
    assert_eq!(done.body["completion"]["type"], "code");
    assert_eq!(done.body["completion"]["redirect_uri"], landfall::demo::REDIRECT_URI);
}

#[tokio::test]
async fn the_id_token_says_who_when_and_how() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;

    let mut claims = app.id_token(&login.code).await;

    let subject = claims["sub"].take();
    assert!(subject.as_str().is_some_and(|subject| subject.starts_with("usr_")));
    claims["at_hash"].take();
    assert_json_snapshot!(claims, @r#"
    {
      "amr": [
        "pwd"
      ],
      "at_hash": null,
      "aud": "demo",
      "auth_time": 1767323045,
      "email": "ada@example.org",
      "email_verified": true,
      "exp": 1767323645,
      "family_name": "Lovelace",
      "given_name": "Ada",
      "iat": 1767323045,
      "iss": "https://id.example.com",
      "name": "Ada Lovelace",
      "nonce": "n-0S6_WzA2Mj",
      "preferred_username": "ada",
      "sub": null
    }
    "#);
}

#[tokio::test]
async fn scopes_decide_what_an_application_learns() {
    let app = TestApp::new().await;
    let log_in_with = async |scope: &str| {
        let mut body = TestApp::start_body();
        body["request"]["scope"] = json!(scope);
        let session = TestSession::of(&app.try_start(JOURNEY, &body).await.expect(201).body);
        let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        app.redeem(&Login::of(&session, &done).code).await.expect(200)
    };

    let claims = app.claims_of(&log_in_with("openid").await);
    assert_eq!((&claims["email"], &claims["name"]), (&Value::Null, &Value::Null));
    let without_openid = log_in_with("email").await;
    assert_eq!(without_openid.body["id_token"], Value::Null);
    assert!(without_openid.body["access_token"].is_string());
    // A scope that means nothing here is not granted.
    assert_eq!(log_in_with("openid admin email payments:write").await.body["scope"], "openid email");
}

#[tokio::test]
async fn a_wrong_password_is_asked_for_again() {
    let app = TestApp::new().await;

    let (session, wrong) = attempt(&app, EMAIL, "wrong").await;
    assert_eq!(wrong.body["status"], "input_required");
    assert_eq!((&wrong.body["turn"], &wrong.body["step"]["id"]), (&json!(2), &json!("ask")));
    assert_eq!(wrong.body["step"]["error"]["code"], "invalid_credentials");
    assert_eq!(wrong.body["session_token"], Value::Null, "the user was not authenticated: the token stays");

    let right = session.after(&wrong).submit(&app, &key(2), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(right.body["status"], "completed");
    assert_eq!(app.subject.requests().len(), 2);
}

#[tokio::test]
async fn unknown_disabled_and_locked_users_look_like_a_wrong_password() {
    let app = with_users(vec![
        user("locked", "locked@example.org", true).locked(true),
        user("off", "off@example.org", true).enabled(false),
    ])
    .await;
    let shown = async |email: &str, password: &str| {
        let (_, answer) = attempt(&app, email, password).await;
        let mut body = answer.body;
        body["session"].take();
        body
    };

    let wrong = shown(EMAIL, "wrong").await;

    assert_eq!(shown("unknown@example.org", "pw").await, wrong);
    assert_eq!(shown("locked@example.org", "pw").await, wrong);
    assert_eq!(shown("off@example.org", "pw").await, wrong);
    // The log tells them apart, as far as the provider does.
    assert!(
        app.events("login_failed").iter().any(|line| line["reason"].as_str().unwrap().contains("account_disabled"))
    );
}

#[tokio::test]
async fn a_user_with_something_to_do_first_is_told_so() {
    let app = with_users(vec![user("todo", "todo@example.org", true).required_action("UPDATE_PASSWORD")]).await;
    let (_, answer) = attempt(&app, "todo@example.org", "pw").await;
    assert_eq!(answer.body["step"]["error"]["code"], "interaction_required");
}

#[tokio::test]
async fn a_user_who_gives_up_is_not_signed_in() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;

    let answer = session.choose(&app, "ask", "cancel", &key(1)).await.expect(200);

    assert_eq!(answer.body["status"], "rejected");
    assert_eq!(answer.body["rejection"], json!({ "code": "cancelled" }));
    assert!(app.subject.requests().is_empty());
}

#[tokio::test]
async fn a_throttling_provider_says_when_to_come_back() {
    let app = TestApp::new().await;
    app.subject.misbehave(Some(Misbehaviour::TooManyRequests { retry_after: Some(30) }));
    let (_, answer) = attempt(&app, EMAIL, PASSWORD).await;
    assert_eq!(answer.body["rejection"], json!({ "code": "try_later", "retry_after": 30 }));
}

#[tokio::test]
async fn an_unverified_email_is_kept_but_not_reserved() {
    let app = TestApp::new().await;
    let login = app.log_in("grace@example.org", PASSWORD).await;
    assert_eq!(app.id_token(&login.code).await["email_verified"], false);
    assert_eq!(app.users().await, 1);
    assert!(app.items_of("IDENTIFIER#").await.is_empty());
}

#[tokio::test]
async fn a_reload_shows_the_session_as_it_stands() {
    let app = TestApp::new().await;
    let start = app.try_start(JOURNEY, &TestApp::start_body()).await.expect(201);
    let fresh = TestSession::of(&start.body).view(&app).await.expect(200);
    assert_eq!(fresh.body["step"], start.body["step"]);

    let (session, done) = attempt(&app, EMAIL, PASSWORD).await;
    let login = Login::of(&session, &done);
    let shown = login.session.view(&app).await.expect(200);
    assert_eq!(shown.body["completion"], done.body["completion"], "an unredeemed code is shown again");
    assert_eq!(shown.body["session_token"], Value::Null);
}

#[tokio::test]
async fn a_completed_login_says_whether_the_user_is_new() {
    let app = TestApp::new().await;
    for provisioned in ["created", "recognised", "recognised"] {
        let (session, done) = attempt(&app, EMAIL, PASSWORD).await;
        assert_eq!(done.body["completion"]["provisioned"], provisioned);
        let shown = session.after(&done).view(&app).await.expect(200);
        assert_eq!(shown.body["completion"]["provisioned"], provisioned, "a reload says the same");
    }
}

#[tokio::test]
async fn a_login_at_the_last_moment_is_redeemed() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    app.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    app.clock.advance(TimeDelta::minutes(1));
    app.redeem(&Login::of(&session, &done).code).await.expect(200);
}

#[tokio::test]
async fn an_empty_password_is_wrong_and_is_never_sent() {
    let optional = [("label: field.password, required: true", "label: field.password")];
    let app = TestApp::with(|setup| setup.journeys.push(with_optional_phone(&optional))).await;
    let session = app.start("optional").await;

    let answer = session.submit(&app, &key(1), &json!({ "email": EMAIL })).await.expect(200);

    assert_eq!(answer.body["step"]["error"]["code"], "invalid_credentials");
    assert!(app.subject.requests().is_empty());
}

/// The demo's journey with an optional field that a later step reads.
fn with_optional_phone(more: &[(&str, &str)]) -> String {
    let password = "autocomplete: current-password }";
    let phone = format!("{password}\n        - {{ name: phone, type: text, label: field.phone }}");
    let changes = [(password, phone.as_str()), ("plan: \"${params.plan}\"", "phone: \"${ask.phone}\"")];
    password_journey("optional", &[&changes, more].concat())
}

#[tokio::test]
async fn an_empty_field_does_not_keep_its_earlier_value() {
    let app = TestApp::with(|setup| setup.journeys.push(with_optional_phone(&[]))).await;
    let session = app.start("optional").await;

    let with_phone = json!({ "email": EMAIL, "password": "wrong", "phone": "123" });
    let again = session.submit(&app, &key(1), &with_phone).await.expect(200);
    let done = session.after(&again).submit(&app, &key(2), &data(EMAIL, PASSWORD)).await.expect(200);

    assert_eq!(done.body["status"], "completed");
    assert_eq!(app.items_of("USER#").await[0]["attributes"]["M"]["phone"], json!({ "NULL": true }));
}

#[tokio::test]
async fn an_identity_waits_sealed_while_the_user_is_asked_more() {
    let asks_in_between = journey(
        "asks-in-between",
        &[
            form("ask", &["email", "password"], "check"),
            password("check", "keycloak", "ask", "who", "more"),
            form("more", &["nickname"], "provision"),
            provision("provision", "who, attributes: { nickname: \"${more.nickname}\" }", "done"),
        ],
    );
    let app = TestApp::with(|setup| setup.journeys.push(asks_in_between)).await;
    let session = app.start("asks-in-between").await;
    let asked = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(asked.body["step"]["id"], "more");
    let next = session.after(&asked);
    assert_ne!(next.token, session.token, "the user was authenticated: the token rotates");

    let stored = app.items_of("SESSION#").await.remove(0).to_string();
    for personal in [EMAIL, "Lovelace", "preferred_username"] {
        assert!(!stored.contains(personal), "{personal} in {stored}");
    }

    let done = next.fill_in(&app, "more", &key(2), &json!({ "nickname": "countess" })).await.expect(200);
    assert_eq!(done.body["status"], "completed");
    assert_eq!(app.items_of("USER#").await[0]["attributes"]["M"]["nickname"]["S"], "countess");
}

#[tokio::test]
async fn a_function_that_died_does_not_strand_its_user() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    // The first submit is dropped in the middle, as a crash would: its lock stays.
    {
        let (key, data) = (key(1), data(EMAIL, PASSWORD));
        let mut submit = Box::pin(session.submit(&app, &key, &data));
        while app.subject.requests().is_empty() {
            tokio::select! {
                biased;
                answer = &mut submit => panic!("answered before the provider was asked: {answer:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let busy = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!((&busy.body["status"], &busy.body["retry_after"]), (&json!("processing"), &json!(1)));

    app.clock.advance(TimeDelta::seconds(10));
    let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);

    assert_eq!(done.body["status"], "completed");
    assert_eq!(app.users().await, 1);
}
