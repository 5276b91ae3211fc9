//! Codes of an authenticator app at a Keycloak: beside a password, instead of one, and on its own page.

use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, Away, Browser, Login, SEED, Setup, Shown, TestApp, TestSession, changed, data, key};
use serde_json::{Value, json};
use simulators::keycloak::User;

const GRACE: &str = "grace@example.org";

/// Asks for a code on the form of the password, which may be left empty.
fn with_a_code_beside(setup: &mut Setup) {
    setup.take_app_codes();
    let document = include_str!("../../infra/landfall/demo/password.yaml").replace("{connector}", "keycloak");
    let field = "label: field.password, required: true, autocomplete: current-password }\n";
    let fields = format!("{field}        - {{ name: otp, type: code, label: field.code }}\n");
    let beside = [
        ("id: migrate-from-keycloak", "id: with-code"),
        (field, fields.as_str()),
        ("password: \"${ask.password}\" }", "password: \"${ask.password}\", otp: \"${ask.otp}\" }"),
    ];
    setup.journeys.push(changed(&document, &beside));
}

async fn with_code(app: &TestApp, email: &str, password: &str, code: Option<&str>) -> (TestSession, Answer) {
    let mut data = data(email, password);
    if let Some(code) = code {
        data["otp"] = json!(code);
    }
    let session = app.start("with-code").await;
    let answer = session.submit(app, &key(1), &data).await.expect(200);
    (session, answer)
}

/// What a client is shown, without what is drawn by lot.
fn shown(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body["session"] = Value::Null;
    body
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_code_look_the_same() {
    let app = TestApp::with(with_a_code_beside).await;
    let code = app.app_code();
    let (_, wrong) = with_code(&app, EMAIL, "wrong", Some(&code)).await;
    assert_eq!(wrong.body["step"]["error"]["code"], "invalid_credentials");
    for (password, code) in [
        (PASSWORD, Some("000000")),
        (PASSWORD, Some("")),
        (PASSWORD, Some("  ")),
        (PASSWORD, None),
        ("wrong", Some("000000")),
        ("wrong", None),
    ] {
        let (_, answer) = with_code(&app, EMAIL, password, code).await;
        assert_eq!(shown(&answer), shown(&wrong), "{password} {code:?}");
    }
    // A field that is left empty is not sent.
    let sent: Vec<_> = app.subject.requests().iter().map(|attempt| attempt.otp().map(<[u8]>::to_vec)).collect();
    assert_eq!(sent.iter().filter(|code| code.is_none()).count(), 4);
    assert_eq!(app.users().await, 0);

    // As people copy it.
    let (session, answer) = with_code(&app, EMAIL, PASSWORD, Some(&format!(" {} {}", &code[..3], &code[3..]))).await;
    let token = app.id_token(&Login::of(&session, &answer).code).await;
    // Keycloak does not say whether it has looked at a code.
    assert_eq!((&token["email"], &token["amr"]), (&json!(EMAIL), &json!(["pwd"])));
}

#[tokio::test]
async fn a_user_without_an_app_may_enter_any_code() {
    let app = TestApp::with(with_a_code_beside).await;
    for code in [None, Some(""), Some("000000"), Some("not a code")] {
        let (session, answer) = with_code(&app, GRACE, PASSWORD, code).await;
        let token = app.id_token(&Login::of(&session, &answer).code).await;
        assert_eq!((&token["email"], &token["amr"]), (&json!(GRACE), &json!(["pwd"])), "{code:?}");
        let (_, answer) = with_code(&app, GRACE, "wrong", code).await;
        assert_eq!(answer.body["step"]["error"]["code"], "invalid_credentials", "{code:?}");
    }
    assert_eq!(app.users().await, 1);
}

async fn by_redirect(app: &TestApp) -> (TestSession, Answer) {
    let (away, browser) = (Away::new(app).await, Browser::default());
    let page = browser.log_in(&away.url, "ada", PASSWORD).await;
    let Shown::Back(back) = browser.fill_in(page, &[("otp", &app.app_code())]).await else {
        panic!("not sent back");
    };
    let answer = away.go_on(app, &back).await.expect(200);
    (away.session, answer)
}

async fn by_app(app: &TestApp) -> (TestSession, Answer) {
    let session = app.start("app-code-from-keycloak").await;
    let answer = session.submit_app_code(app, EMAIL, &app.app_code()).await.expect(200);
    (session, answer)
}

#[tokio::test]
async fn by_password_code_and_redirect_a_user_is_one_user() {
    // Whichever was first.
    for first in 0..3 {
        let app = TestApp::with(with_a_code_beside).await;
        let mut subjects = Vec::new();
        for way in (first..first + 3).map(|way| way % 3) {
            let ((session, answer), amr) = match way {
                0 => (with_code(&app, EMAIL, PASSWORD, Some(&app.app_code())).await, json!(["pwd"])),
                1 => (by_app(&app).await, json!(["otp"])),
                _ => (by_redirect(&app).await, Value::Null),
            };
            let token = app.id_token(&Login::of(&session, &answer).code).await;
            assert_eq!((&token["email"], &token["amr"]), (&json!(EMAIL), &amr));
            subjects.push(token["sub"].clone());
            // Each code is good once.
            app.clock.advance(TimeDelta::seconds(30));
        }
        assert!(subjects.iter().all(|subject| *subject == subjects[0]), "{subjects:?}");
        assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
        assert_eq!(app.events("user_provisioned").len(), 1);
    }
}

#[tokio::test]
async fn only_the_right_code_is_told_what_to_do_first() {
    let app = TestApp::with(with_a_code_beside).await;
    let user = User::new("uta").email("uta@example.org", true).name("Uta", "U").totp(SEED);
    let user = user.required_action("UPDATE_PASSWORD");
    app.keycloak().change_realm("demo", |realm| realm.user(user)).unwrap();
    let enter = async |code: &str| {
        let session = app.start("app-code-from-keycloak").await;
        session.submit_app_code(&app, "uta@example.org", code).await.expect(200)
    };
    assert_eq!(enter("000000").await.body["step"]["error"]["code"], "invalid_credentials");
    let pending = enter(&app.app_code()).await;
    assert_eq!(
        (&pending.body["step"]["id"], &pending.body["step"]["error"]["code"]),
        (&json!("ask"), &json!("interaction_required"))
    );
    assert_eq!(app.users().await, 0);

    app.keycloak().change_user("demo", "uta", |uta| uta.no_required_actions()).unwrap();
    app.clock.advance(TimeDelta::seconds(30));
    assert_eq!(enter(&app.app_code()).await.body["status"], "completed");
}
