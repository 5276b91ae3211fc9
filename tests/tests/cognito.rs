//! Users of a Cognito user pool: by password with what the pool asks after it, by a code, and by redirect.

use domain::{Clock, Factor};
use landfall::demo::{self, EMAIL, PASSWORD, Provider};
use landfall_tests::{Answer, Login, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::totp;
use simulators::{Person, Standing};

const PHONE: &str = "+4915112345678";
const SEED: &str = "seed of an app";

fn cognito() -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == "cognito").unwrap()
}

async fn app(factors: &[(Factor, &str)]) -> TestApp {
    let app = TestApp::over(cognito(), |_| {}).await;
    app.subject.give_factors("ada", factors);
    app
}

/// Starts a journey, and answers its first form.
async fn start(app: &TestApp, journey: &str, data: &Value) -> (TestSession, Answer) {
    let session = app.start(journey).await;
    let answer = session.submit(app, &key(1), data).await.expect(200);
    (session.after(&answer), answer)
}

fn challenge(answer: &Answer) -> &Value {
    &answer.body["step"]["data"]["challenge"]
}

#[tokio::test]
async fn a_password_a_choice_and_an_app_sign_a_user_in() {
    let app = app(&[(Factor::SmsOtp, PHONE), (Factor::Totp, SEED)]).await;
    let (session, answer) = start(&app, "migrate-from-cognito", &data(EMAIL, PASSWORD)).await;
    assert_eq!(challenge(&answer)["type"], "choose", "{:#}", answer.body);

    let answer = session.fill_in(&app, "factor", &key(2), &json!({ "choice": "2" })).await.expect(200);
    assert_eq!(challenge(&answer), &json!({ "type": "code", "factor": "totp", "digits": null, "to": null }));
    let session = session.after(&answer);
    let code = totp(SEED, app.clock.now());
    let answer = session.enter_code(&app, "factor", &code).await.expect(200);

    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&claims["email"], &claims["amr"]), (&json!(EMAIL), &json!(["otp", "pwd"])));
    let (logs, items) = (app.logs(), Value::from_iter(app.items().await).to_string());
    for secret in [PASSWORD, &code, demo::SECRET] {
        assert!(!logs.contains(secret) && !items.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_temporary_password_is_replaced_by_the_user() {
    let app = app(&[]).await;
    let person = Person::new("ada", PASSWORD).email(EMAIL, true).standing(Standing::PasswordExpired);
    app.subject.enrol(person);
    let (session, answer) = start(&app, "migrate-from-cognito", &data(EMAIL, PASSWORD)).await;
    assert_eq!(challenge(&answer)["type"], "new_password", "{:#}", answer.body);

    let answer = session.fill_in(&app, "factor", &key(2), &json!({ "new_password": "short" })).await.expect(200);
    assert_eq!(answer.body["step"]["error"]["code"], "password_refused");
    let session = session.after(&answer);
    let new = json!({ "new_password": "another password" });
    let answer = session.fill_in(&app, "factor", &key(3), &new).await.expect(200);

    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], EMAIL);
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn an_unknown_address_is_asked_for_a_code_like_a_known_one() {
    let app = app(&[]).await;
    let mut shown = Vec::new();
    for to in [EMAIL, "anna@e.org", "annie@e.org", "antonia@e.org"] {
        let (session, answer) = start(&app, "email-code-from-cognito", &json!({ "email": to })).await;
        let wrong = session.enter_code(&app, "code", "00000000").await.expect(200);
        assert_eq!(wrong.body["step"]["error"]["code"], "invalid_credentials", "{to}");
        let options = answer.body["step"]["options"].clone();
        shown.push((challenge(&answer).clone(), options, wrong.body["step"]["options"].clone()));
    }
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "{shown:#?}");
    assert_eq!((app.subject.sent().len(), app.users().await), (1, 0));
}
