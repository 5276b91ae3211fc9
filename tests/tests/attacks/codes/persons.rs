//! Attack 78: the first factor of one, the second of another.

use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::house::House;
use landfall_tests::journeys::{answer_challenge, app_code, form, journey, password, provision, send_code};
use landfall_tests::witness::{directory, ended};
use landfall_tests::{Answer, Login, TestApp, TestSession, changed, data, key};
use serde_json::json;

use super::{ADA, BOB, BY_APP, CARL, asked};

/// Where the second factor leaves who it is, and of which identity the user is then made.
const SLOTS: [(&str, &str); 3] = [("other", "who"), ("other", "other"), ("who", "who")];

/// Asks for a password and for a code, which may be left empty; and then for a code without a password.
pub(super) fn password_then_code(second: &str, identity: &str) -> String {
    let password = password("check", "keycloak", "ask", "who", "more");
    let with_code = [("password: \"${ask.password}\"", "password: \"${ask.password}\", otp: \"${ask.otp}\"")];
    journey(
        "password-then-code",
        &[
            form("ask", &["email", "password", "otp"], "check"),
            changed(&password, &with_code),
            form("more", &["email", "code"], "second"),
            app_code("second", "keycloak", "more", second, "provision"),
            provision("provision", identity, "done"),
        ],
    )
}

/// The session after the password.
pub(super) async fn submit_password(app: &TestApp, email: &str, code: &str) -> TestSession {
    let start = app.start("password-then-code").await;
    let data = json!({ "email": email, "password": PASSWORD, "otp": code });
    let answer = start.submit(app, &key(1), &data).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "more", "{:#}", answer.body);
    start.after(&answer)
}

async fn submit_code(app: &TestApp, session: &TestSession, email: &str, code: &str) -> Answer {
    session.fill_in(app, "more", &key(2), &json!({ "email": email, "code": code })).await
}

#[tokio::test]
async fn the_password_of_one_and_code_of_another_are_refused() {
    for (second, identity) in SLOTS {
        let app = TestApp::with(|setup| {
            setup.take_app_codes();
            setup.journeys.push(password_then_code(second, identity));
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
            assert_eq!(directory(&app).await, before, "{second} {identity}, known: {known}");
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

/// After Carl's password: the session that is asked for a code that was sent to `to`.
async fn after_carls_password(to: &str, (second, identity): (&str, &str)) -> (TestApp, House, TestSession) {
    let journey = journey(
        "password-then-mail",
        &[
            form("ask", &["email", "password"], "check"),
            password("check", "house", "ask", "who", "send"),
            send_code("send", "house", to, "code"),
            answer_challenge("code", "send", second, "provision"),
            provision("provision", identity, "done"),
        ],
    );
    let (app, house) = TestApp::with_house_and(&[ADA, BOB, CARL], |setup| setup.journeys.push(journey)).await;
    let start = app.start("password-then-mail").await;
    let answer = start.submit(&app, &key(1), &data(CARL.email, CARL.password)).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "code", "{:#}", answer.body);
    let session = start.after(&answer);
    (app, house, session)
}

#[tokio::test]
async fn a_right_code_of_another_user_is_refused() {
    for slots in SLOTS {
        let (app, house, session) = after_carls_password(ADA.email, slots).await;
        house.take_calls();
        let answer = session.enter_code(&app, "code", &house.last_code()).await;
        ended(&app, &answer, "identity_refused");
        assert!(directory(&app).await.is_empty());
        asked(&house, &["/code"]);
    }
}

#[tokio::test]
async fn a_provider_that_mixes_users_up_is_refused() {
    for slots in SLOTS {
        for mixed_up in [true, false] {
            let (app, house, session) = after_carls_password("${ask.email}", slots).await;
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
