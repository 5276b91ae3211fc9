//! Auth0: a password and the second factors after it, and the same user by redirect.

use chrono::TimeDelta;
use domain::{Clock, Factor};
use landfall::demo::{self, EMAIL, PASSWORD, Provider};
use landfall_tests::{Answer, Away, Login, SEED, TestApp, TestSession, data, key};
use serde_json::json;
use simulators::keycloak::totp;

const JOURNEY: &str = "migrate-from-auth0";

fn auth0() -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == "auth0").unwrap()
}

/// Where Ada has these factors.
async fn app(factors: &[(Factor, &str)]) -> TestApp {
    TestApp::over(auth0(), |setup| setup.subject.give_factors("ada", factors)).await
}

/// Ada has given her password: what she is asked.
async fn asked(app: &TestApp) -> (TestSession, Answer) {
    let start = app.start(JOURNEY).await;
    let answer = start.submit(app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "answer_challenge", "{:#}", answer.body);
    (start.after(&answer), answer)
}

#[tokio::test]
async fn a_password_then_a_code_by_sms_migrates_one_user() {
    let app = app(&[(Factor::SmsOtp, "+4915112345678")]).await;
    let mut subjects = Vec::new();
    for _ in 0..2 {
        let (session, answer) = asked(&app).await;
        let challenge = &answer.body["step"]["data"]["challenge"];
        assert_eq!((&challenge["factor"], &challenge["to"]), (&json!("sms_otp"), &json!("XXXXXXXX5678")));

        let wrong = session.enter_code(&app, "factor", "000000").await.expect(200);
        assert_eq!(wrong.body["step"]["type"], "answer_challenge");
        let session = session.after(&wrong);
        let code = app.subject.sent().pop().unwrap().code;
        let answer = session.enter_code(&app, "factor", &code).await.expect(200);
        let claims = app.id_token(&Login::of(&session, &answer).code).await;
        assert_eq!((&claims["email"], &claims["amr"]), (&json!(EMAIL), &json!(["pwd", "sms"])));
        subjects.push(claims["sub"].clone());
    }
    let login = Away::new(&app).await.log_in(&app).await;
    subjects.push(app.id_token(&login.code).await["sub"].clone());
    assert!(subjects.windows(2).all(|pair| pair[0] == pair[1]), "{subjects:?}");
    assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1));
}

#[tokio::test]
async fn of_several_factors_the_user_chooses_one() {
    let app = app(&[(Factor::SmsOtp, "+4915112345678"), (Factor::Totp, SEED)]).await;
    let (session, answer) = asked(&app).await;
    let choices = &answer.body["step"]["data"]["fields"][0]["choices"];
    assert_eq!((&choices[0]["factor"], &choices[1]["factor"]), (&json!("sms_otp"), &json!("totp")));
    let answer = session.fill_in(&app, "factor", &key(2), &json!({ "choice": "2" })).await.expect(200);
    let session = session.after(&answer);
    let answer = session.enter_code(&app, "factor", &totp(SEED, app.clock.now())).await.expect(200);
    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!(claims["amr"], json!(["otp", "pwd"]));
    assert_eq!(app.subject.sent(), []);
}

#[tokio::test]
async fn a_confirmation_in_the_app_completes_the_login() {
    let app = app(&[(Factor::Push, "phone")]).await;
    let (session, answer) = asked(&app).await;
    assert_eq!(answer.body["step"]["data"]["challenge"]["type"], "wait");
    app.clock.advance(TimeDelta::seconds(6));
    let waiting = session.choose(&app, "factor", "poll", &key(2)).await.expect(200);
    assert_eq!(waiting.body["step"]["data"]["challenge"]["type"], "wait");
    let session = session.after(&waiting);
    app.subject.confirm("ada", true);
    app.clock.advance(TimeDelta::seconds(6));
    let answer = session.choose(&app, "factor", "poll", &key(3)).await.expect(200);
    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&claims["email"], &claims["amr"]), (&json!(EMAIL), &json!(["pwd", "swk"])));
}
