//! Attacks on codes, at every provider that asks for them: guesses are few, and a code serves one login.

use domain::{Clock, Factor, Method};
use landfall_tests::{Answer, TestApp, TestSession, key};
use serde_json::json;
use simulators::Endpoint;
use simulators::keycloak::totp;
use store::GuessLimits;

use super::{EMAIL, PHONE, SEED, begin, provider, sign_in};

const WRONG: &str = "000000";
const SMS: (Factor, &str) = (Factor::SmsOtp, PHONE);
const APP: (Factor, &str) = (Factor::Totp, SEED);
const MAIL: (Factor, &str) = (Factor::EmailOtp, EMAIL);

/// A provider, a method, and the factor whose code it asks for.
type Row = (&'static str, Method, (Factor, &'static str));

const ROWS: [Row; 10] = [
    ("okta", Method::Password, APP),
    ("auth0", Method::Password, SMS),
    ("auth0", Method::Password, APP),
    ("cognito", Method::Password, SMS),
    ("cognito", Method::Password, APP),
    ("cognito", Method::EmailOtp, MAIL),
    ("cognito", Method::SmsOtp, SMS),
    ("pingone", Method::Password, SMS),
    ("external", Method::Password, MAIL),
    ("external", Method::EmailOtp, MAIL),
];

async fn app((id, method, factor): Row, change: fn(&mut GuessLimits)) -> TestApp {
    let app = TestApp::over(provider(id), |setup| change(&mut setup.guesses)).await;
    // An address that codes go to as the first factor is no second factor.
    let is_needed = method != Method::EmailOtp;
    app.subject.give_factors("ada", if is_needed { std::slice::from_ref(&factor) } else { &[] });
    app
}

/// The session that waits for a code.
async fn asked(app: &TestApp, (id, method, (factor, _)): Row) -> (TestSession, Answer) {
    let (session, mut answer) = begin(app, provider(id), method).await;
    if answer.status == 429 {
        return (session, answer);
    }
    let mut session = session.after(&answer);
    if answer.body["step"]["data"]["challenge"]["type"] == "choose" {
        let choices = answer.body["step"]["data"]["fields"][0]["choices"].as_array().unwrap();
        let chosen = choices.iter().find(|choice| choice["factor"] == json!(factor)).unwrap();
        let step = answer.body["step"]["id"].as_str().unwrap().to_owned();
        let chosen = json!({ "choice": chosen["value"] });
        answer = session.fill_in(app, &step, &key(2), &chosen).await.expect(200);
        session = session.after(&answer);
    }
    assert_eq!(answer.body["step"]["data"]["challenge"]["factor"], json!(factor), "{id} {method:?}: {:#}", answer.body);
    (session, answer)
}

/// The right code now.
fn code(app: &TestApp, (_, _, (factor, _)): Row) -> String {
    match factor {
        Factor::Totp => totp(SEED, app.clock.now()),
        _ => app.subject.sent().pop().unwrap().code,
    }
}

fn step(answer: &Answer) -> &str {
    answer.body["step"]["id"].as_str().unwrap_or_default()
}

/// Attack 58.
#[tokio::test]
async fn five_wrong_codes_end_the_question_at_each_provider() {
    for row in ROWS {
        let app = app(row, |_| {}).await;
        let (mut session, mut answer) = asked(&app, row).await;
        let (at, before) = (step(&answer).to_owned(), app.subject.calls(Endpoint::Token));
        let mut guesses = 0;
        while step(&answer) == at {
            guesses += 1;
            assert!(guesses <= 5, "{row:?}");
            answer = session.enter_code(&app, &at, WRONG).await.expect(200);
            // PingOne takes fewer, and wants the user to come back later.
            let is_throttled = answer.body["rejection"]["code"] == "try_later";
            assert!(is_throttled || answer.body["step"]["error"]["code"] == "invalid_credentials", "{row:?}");
            if step(&answer) == at {
                session = session.after(&answer);
            }
        }
        assert_eq!(app.subject.calls(Endpoint::Token) - before, guesses, "{row:?}");
        // The right code comes too late.
        let late = session.enter_code(&app, &at, &code(&app, row)).await;
        assert!(["step_conflict", "unknown_session"].contains(&late.code()), "{row:?}: {:#}", late.body);
        assert_eq!(app.users().await, 0, "{row:?}");
    }
}

/// Attack 59.
#[tokio::test]
async fn a_code_of_another_login_signs_no_user_in() {
    for row in ROWS {
        let app = app(row, |_| {}).await;
        let other = match row.2.0 {
            // Used by another login.
            Factor::Totp => {
                let code = code(&app, row);
                sign_in(&app, provider(row.0), row.1, Some(Factor::Totp)).await;
                code
            }
            // Sent for another login.
            _ => {
                asked(&app, row).await;
                code(&app, row)
            }
        };
        let users = app.users().await;
        let (session, answer) = asked(&app, row).await;
        let refused = session.enter_code(&app, step(&answer), &other).await.expect(200);
        assert_eq!(refused.body["step"]["error"]["code"], "invalid_credentials", "{row:?}: {:#}", refused.body);
        assert_eq!(app.users().await, users, "{row:?}");
    }
}

/// Attack 91.
#[tokio::test]
async fn wrong_codes_of_many_logins_make_an_account_wait() {
    for row in ROWS {
        let app = app(row, |limits| *limits = GuessLimits::default()).await;
        let mut refused = None;
        for _ in 0..12 {
            let (session, answer) = asked(&app, row).await;
            let answer = match answer.status.as_u16() {
                429 => answer,
                _ => session.enter_code(&app, step(&answer), WRONG).await,
            };
            if answer.status == 429 {
                refused = Some(answer.code().to_owned());
                break;
            }
        }
        assert_eq!(refused.as_deref(), Some("too_many_attempts"), "{row:?}");
    }
}
