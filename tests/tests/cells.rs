//! Every method of every provider: users are migrated by each, and are one user by all.

mod codes;

use chrono::TimeDelta;
use domain::{Clock, Factor, Method};
use landfall::demo::{self, EMAIL, PASSWORD, Provider};
use landfall_tests::sent::basic;
use landfall_tests::{Answer, Away, Login, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::totp;
use simulators::{Person, Standing};

const SEED: &str = "what the app of Ada was set up with";
const PHONE: &str = "+4915112345678";

fn provider(id: &str) -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == id).unwrap()
}

/// Ada signs in, and answers whatever she is asked: with `factor`, where she may choose.
async fn sign_in(app: &TestApp, provider: &Provider, method: Method, factor: Option<Factor>) -> Login {
    if method == Method::Oidc {
        return Away::through(app, &format!("sign-in-with-{}", provider.id)).await.log_in(app).await;
    }
    let (mut session, answer) = begin(app, provider, method).await;
    let mut answer = answer.expect(200);
    for turn in 2..=6 {
        if answer.body["status"] == "completed" {
            break;
        }
        session = session.after(&answer);
        answer = go_on(app, &session, &answer, factor, turn).await;
    }
    Login::of(&session, &answer)
}

/// Ada has filled in the first form of the journey that migrates by this method: its session, and the answer.
async fn begin(app: &TestApp, provider: &Provider, method: Method) -> (TestSession, Answer) {
    let (journey, entered) = match method {
        Method::Oidc => panic!("this journey has no form"),
        Method::Password => ("migrate-from", data(EMAIL, PASSWORD)),
        Method::EmailOtp => ("email-code-from", json!({ "email": EMAIL })),
        Method::SmsOtp => ("sms-code-from", json!({ "email": EMAIL })),
        Method::Totp => ("app-code-from", json!({ "email": EMAIL, "code": totp(SEED, app.clock.now()) })),
    };
    let session = app.start(&format!("{journey}-{}", provider.id)).await;
    let answer = session.submit(app, &key(1), &entered).await;
    (session, answer)
}

/// The answer to a challenge.
async fn go_on(app: &TestApp, session: &TestSession, asked: &Answer, factor: Option<Factor>, turn: u32) -> Answer {
    let step = &asked.body["step"];
    assert_eq!((&step["type"], &step["error"]), (&json!("answer_challenge"), &Value::Null), "{:#}", asked.body);
    let (id, challenge) = (step["id"].as_str().unwrap(), &step["data"]["challenge"]);
    let entered = match challenge["type"].as_str().unwrap() {
        "code" if challenge["factor"] == "totp" => json!({ "code": totp(SEED, app.clock.now()) }),
        "code" => json!({ "code": app.subject.sent().pop().unwrap().code }),
        "choose" => {
            let choices = step["data"]["fields"][0]["choices"].as_array().unwrap();
            let chosen = choices.iter().find(|choice| choice["factor"] == json!(factor)).unwrap();
            json!({ "choice": chosen["value"] })
        }
        "wait" => {
            app.subject.confirm("ada", true);
            app.clock.advance(TimeDelta::seconds(challenge["every"].as_i64().unwrap()));
            return session.choose(app, id, "poll", &key(turn)).await.expect(200);
        }
        other => panic!("{other}"),
    };
    session.fill_in(app, id, &key(turn), &entered).await.expect(200)
}

/// What a method needs: a phone, or an authenticator app that has shown no code yet.
fn give_what_it_needs(app: &TestApp, method: Method) {
    match method {
        Method::Totp => app.subject.give_factors("ada", &[(Factor::Totp, SEED)]),
        Method::SmsOtp => app.subject.give_factors("ada", &[(Factor::SmsOtp, PHONE)]),
        Method::Oidc | Method::Password | Method::EmailOtp => {}
    }
}

#[tokio::test]
async fn by_each_method_a_user_is_migrated_and_recognised() {
    for provider in demo::PROVIDERS {
        for method in provider.methods {
            let app = TestApp::over(provider, |_| {}).await;
            let mut subjects = Vec::new();
            for method in [*method, *method, Method::Oidc] {
                give_what_it_needs(&app, method);
                let login = sign_in(&app, provider, method, None).await;
                subjects.push(app.id_token(&login.code).await["sub"].clone());
                app.subject.give_factors("ada", &[]);
            }
            assert!(subjects.windows(2).all(|pair| pair[0] == pair[1]), "{} {method:?}", provider.id);
            let created = (app.events("user_provisioned").len(), app.users().await, app.items_of("LINK#").await.len());
            assert_eq!(created, (1, 1, 1), "{} {method:?}", provider.id);
        }
    }
}

#[tokio::test]
async fn a_second_factor_of_the_provider_is_asked_for_after_the_password() {
    let (sms, app_code, push) = ((Factor::SmsOtp, PHONE), (Factor::Totp, SEED), (Factor::Push, "Ada's phone"));
    for (id, factors, chosen, amr) in [
        ("auth0", vec![sms], None, json!(["pwd", "sms"])),
        ("auth0", vec![sms, app_code], Some(Factor::Totp), json!(["otp", "pwd"])),
        ("auth0", vec![push], None, json!(["pwd", "swk"])),
        ("okta", vec![push], Some(Factor::Push), json!(["pwd", "swk"])),
        ("cognito", vec![sms, app_code], Some(Factor::Totp), json!(["otp", "pwd"])),
        ("pingone", vec![sms], None, json!(["pwd", "sms"])),
        ("external", vec![sms], None, json!(["pwd", "sms"])),
        ("external", vec![sms, (Factor::EmailOtp, EMAIL)], Some(Factor::EmailOtp), json!(["otp", "pwd"])),
    ] {
        let app = TestApp::over(provider(id), |_| {}).await;
        for _ in 0..2 {
            app.subject.give_factors("ada", &factors);
            let login = sign_in(&app, provider(id), Method::Password, chosen).await;
            assert_eq!(app.id_token(&login.code).await["amr"], amr, "{id}");
        }
        assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1), "{id}");
    }
}

#[tokio::test]
async fn a_factor_that_only_the_providers_page_asks_for_leads_there() {
    for id in ["onelogin", "entra"] {
        let app = TestApp::over(provider(id), |_| {}).await;
        app.subject.give_factors("ada", &[(Factor::Totp, SEED)]);
        let start = app.start(&format!("migrate-from-{id}")).await;
        let answer = start.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        assert_eq!(answer.body["step"]["type"], "authenticate_redirect", "{:#}", answer.body);
        assert_eq!(app.users().await, 0);
    }
}

/// Attack 60: an answer that differs would tell who has an account.
#[tokio::test]
async fn wrong_unknown_and_locked_users_get_one_answer() {
    let by_password = demo::PROVIDERS.iter().filter(|provider| provider.methods.contains(&Method::Password));
    for provider in by_password {
        let app = TestApp::over(provider, |setup| {
            let locked = Person::new("locked", PASSWORD).email("locked@example.org", true).name("L", "L");
            setup.subject.enrol(locked.standing(Standing::Locked));
        })
        .await;
        let mut answers = Vec::new();
        for entered in
            [data(EMAIL, "wrong"), data("nobody@example.org", PASSWORD), data("locked@example.org", PASSWORD)]
        {
            let session = app.start(&format!("migrate-from-{}", provider.id)).await;
            let mut answer = session.submit(&app, &key(1), &entered).await.expect(200);
            assert_eq!(answer.body["step"]["error"]["code"], "invalid_credentials", "{}", provider.id);
            for own in ["session", "expires_at"] {
                answer.body[own] = Value::Null;
            }
            answers.push(answer.body);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{}: {answers:#?}", provider.id);
        assert_eq!(app.users().await, 0);
    }
}

/// A provider that counts failures by address must not count all users as one.
#[tokio::test]
async fn the_users_own_address_reaches_the_provider() {
    const SHOP: &str = "a-secret-of-the-shop";
    let app = TestApp::over(provider("auth0"), |setup| setup.take_client_secret(SHOP)).await;
    for address in [Some("203.0.113.7"), None] {
        let mut body = TestApp::start_body();
        if let Some(address) = address {
            body["end_user"] = json!({ "ip": address });
        }
        let start = app.start_with("migrate-from-auth0", &[basic("demo", SHOP)], &body).await.expect(201);
        let session = TestSession::of(&start.body);
        let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        Login::of(&session, &done);
        let received = app.subject.received().pop().unwrap();
        assert_eq!(received.header("auth0-forwarded-for"), address);
    }
}
