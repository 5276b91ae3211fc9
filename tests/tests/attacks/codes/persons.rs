//! Attack 78: the first factor of one, the second of another.

use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::house::House;
use landfall_tests::{Answer, Login, TestApp, TestSession, changed, data, key};
use serde_json::json;

use super::{ADA, BOB, BY_APP, CARL, asked};
use crate::witness::{directory, ended};

/// Asks for a password (and a code, of whoever has an app), and then for a code without a password.
pub(super) const PASSWORD_THEN_CODE: &str = r#"
format: 1
id: password-then-code
params: { plan: { type: string } }
start: ask
steps:
  ask:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: password, type: password, label: field.password, required: true }
        - { name: otp, type: code, label: field.code }
    next: { submitted: check, cancelled: no_access }
  check:
    type: authenticate_password
    with: { connector: keycloak, username: "${ask.email}", password: "${ask.password}", otp: "${ask.otp}" }
    as: who
    next: { authenticated: more, challenged: no_access, rejected: ask, unavailable: no_access }
  more:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: code, type: code, label: field.code, required: true }
    next: { submitted: second, cancelled: no_access }
  second:
    type: authenticate_totp
    with: { connector: keycloak, username: "${more.email}", code: "${more.code}" }
    as: other
    next: { authenticated: provision, challenged: no_access, rejected: more, unavailable: no_access }
  provision:
    type: provision_user
    with: { identity: who }
    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
  done: { type: complete }
  no_access: { type: reject, with: { code: access_denied } }
"#;

/// The session after the password.
pub(super) async fn submit_password(app: &TestApp, email: &str, code: &str) -> TestSession {
    let start = app.start("password-then-code").await;
    let data = json!({ "email": email, "password": PASSWORD, "otp": code });
    let answer = start.submit(app, &key(1), &data).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "more", "{:#}", answer.body);
    start.after(&answer)
}

async fn submit_code(app: &TestApp, session: &TestSession, email: &str, code: &str) -> Answer {
    let data = json!({ "email": email, "code": code });
    let body = json!({ "turn": session.turn, "key": key(2), "option": "submit", "data": data });
    session.submit_to(app, "more", &body).await
}

#[tokio::test]
async fn the_password_of_one_and_the_code_of_another_sign_neither_of_them_in() {
    // In two slots, whichever of the two the user is then made of; or in one.
    let two: &[(&str, &str)] = &[];
    let of_the_second: &[(&str, &str)] = &[("identity: who", "identity: other")];
    let one: &[(&str, &str)] = &[("as: other", "as: who")];
    for changes in [two, of_the_second, one] {
        let app = TestApp::with(|setup| {
            setup.take_app_codes();
            setup.journeys.push(changed(PASSWORD_THEN_CODE, changes));
        })
        .await;
        // Whether they are known makes no difference.
        for known in [false, true] {
            if known {
                app.log_in("grace@example.org", PASSWORD).await;
                let session = app.start(BY_APP).await;
                Login::of(&session, &session.submit_app_code(&app, EMAIL, &app.app_code()).await);
                app.clock.advance(TimeDelta::seconds(30));
            }
            let before = directory(&app).await;
            let session = submit_password(&app, "grace@example.org", "").await;

            let answer = submit_code(&app, &session, EMAIL, &app.app_code()).await;

            ended(&app, &answer, "identity_refused");
            assert_eq!(directory(&app).await, before, "{changes:?}, known: {known}");
            assert_eq!(app.events("session_abandoned").pop().unwrap()["session"], session.id);
            app.clock.advance(TimeDelta::seconds(30));
        }
        // Ada with both of hers is one user by both.
        let session = submit_password(&app, EMAIL, &app.app_code()).await;
        app.clock.advance(TimeDelta::seconds(30));
        let login = Login::of(&session, &submit_code(&app, &session, EMAIL, &app.app_code()).await);
        let token = app.id_token(&login.code).await;
        assert_eq!((&token["email"], &token["amr"]), (&json!(EMAIL), &json!(["otp", "pwd"])));
        assert_eq!(app.users().await, 2);
    }
}

/// Asks for a password, and has a code sent after it.
const PASSWORD_THEN_MAIL: &str = r#"
format: 1
id: password-then-mail
params: { plan: { type: string } }
start: ask
steps:
  ask:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: password, type: password, label: field.password, required: true }
    next: { submitted: check, cancelled: no_access }
  check:
    type: authenticate_password
    with: { connector: house, username: "${ask.email}", password: "${ask.password}" }
    as: who
    next: { authenticated: send, challenged: no_access, rejected: ask, unavailable: no_access }
  send:
    type: send_otp
    with: { connector: house, channel: email, to: "TO" }
    next: { challenged: code, rejected: ask, unavailable: no_access }
  code:
    type: answer_challenge
    with: { of: send }
    as: other
    next: { authenticated: provision, rejected: ask, unavailable: no_access, cancelled: no_access }
  provision:
    type: provision_user
    with: { identity: who }
    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
  done: { type: complete }
  no_access: { type: reject, with: { code: access_denied } }
"#;

/// After Carl's password: the session that is asked for a code that was sent to `to`.
async fn after_carls_password(to: &str, changes: &[(&str, &str)]) -> (TestApp, House, TestSession) {
    let journey = changed(&PASSWORD_THEN_MAIL.replace("TO", to), changes);
    let (app, house) = TestApp::with_house_and(&[ADA, BOB, CARL], |setup| setup.journeys.push(journey)).await;
    let start = app.start("password-then-mail").await;
    let answer = start.submit(&app, &key(1), &data(CARL.email, CARL.password)).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "code", "{:#}", answer.body);
    let session = start.after(&answer);
    (app, house, session)
}

#[tokio::test]
async fn a_code_of_another_than_the_passwords_signs_nobody_in_though_it_is_right() {
    for changes in [&[][..], &[("identity: who", "identity: other")], &[("as: other", "as: who")]] {
        let (app, house, session) = after_carls_password(ADA.email, changes).await;
        house.take_calls();
        let answer = session.enter_code(&app, "code", &house.last_code()).await;
        ended(&app, &answer, "identity_refused");
        assert!(directory(&app).await.is_empty());
        asked(&house, &["/code"]);
    }
}

#[tokio::test]
async fn a_provider_that_vouches_for_another_after_the_code_signs_nobody_in() {
    for changes in [&[][..], &[("identity: who", "identity: other")], &[("as: other", "as: who")]] {
        for mixed_up in [true, false] {
            let (app, house, session) = after_carls_password("${ask.email}", changes).await;
            house.answer_for(mixed_up.then_some(BOB));

            let answer = session.enter_code(&app, "code", &house.last_code()).await;

            if mixed_up {
                ended(&app, &answer, "identity_refused");
                assert!(directory(&app).await.is_empty());
            } else {
                let token = app.id_token(&Login::of(&session, &answer).code).await;
                assert_eq!((&token["email"], &token["amr"]), (&json!(CARL.email), &json!(["otp", "pwd"])));
            }
        }
    }
}
