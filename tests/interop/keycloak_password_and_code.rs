//! Logins to a real Keycloak with a password and an authenticator app. By every method, the account is one user.

use landfall_tests::{Answer, Browser, Login, Shown, TestApp, TestSession, key};
use serde_json::{Value, json};

use crate::keycloak::{CLIENT_SECRET, Connector};
use crate::keycloak_otp::{self, OTP_CLIENT, PASSWORD, Person};
use crate::landfall::{assert_asked_again, assert_kept_secret, away, resumed};
use crate::{keycloak_password, keycloak_redirect};

const JOURNEY: &str = "password-and-code-from-real";
const DOCUMENT: &str = include_str!("password_and_code.yaml");

const WRONG: &str = "the provider rejected the attempt: invalid_credentials";

async fn landfall(realm: &str) -> TestApp {
    Connector { journeys: &[DOCUMENT], ..keycloak_otp::connector(realm, OTP_CLIENT) }.landfall().await
}

/// Sends password and code in a new session.
async fn attempt(app: &TestApp, email: &str, password: &str, code: &str) -> (TestSession, Answer) {
    let session = app.start(JOURNEY).await;
    let data = json!({ "email": email, "password": password, "code": code });
    let answer = session.submit(app, &key(1), &data).await.expect(200);
    (session, answer)
}

async fn log_in(app: &TestApp, person: &Person, code: &str) -> Login {
    let (session, answer) = attempt(app, &person.email, PASSWORD, code).await;
    Login::of(&session, &answer)
}

async fn assert_rejected(app: &TestApp, email: &str, password: &str, code: &str) {
    let (_, answer) = attempt(app, email, password, code).await;
    assert_asked_again(app, &answer, "invalid_credentials", WRONG);
}

/// Logs in at Keycloak's own form, and answers the page after it.
async fn by_redirect(app: &TestApp, email: &str, answers: impl FnOnce(&Shown) -> Vec<(&'static str, String)>) -> Login {
    let (session, url) = away(app, keycloak_redirect::JOURNEY).await;
    let browser = Browser::default();
    let page = browser.log_in(&url, email, PASSWORD).await;
    let answers = answers(&page);
    let answers: Vec<_> = answers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    match browser.fill_in(page, &answers).await {
        Shown::Back(back) => Login::of(&session, &resumed(app, &session, &back).await),
        page => panic!("not sent back: {page:?}"),
    }
}

#[tokio::test]
async fn every_method_gives_one_user_before_and_after_enrolment() {
    // Accept codes of one more period on either side than by default, so that there is a code for each login.
    let realm = "enrolling";
    let policy = json!({
        "otpPolicyType": "totp", "otpPolicyAlgorithm": "HmacSHA1", "otpPolicyDigits": 6, "otpPolicyPeriod": 30,
        "otpPolicyInitialCounter": 0, "otpPolicyLookAheadWindow": 2,
    });
    keycloak_otp::set_up(realm, policy).await;
    let app = landfall(realm).await;
    let mut ada = Person::without_app(realm, "newly-careful", json!({})).await;
    let mut logins = vec![(app.log_in_through(keycloak_password::JOURNEY, &ada.email, PASSWORD).await, json!(["pwd"]))];

    // The user must set up an app, which is possible only on Keycloak's own page.
    ada.require_action(realm, "CONFIGURE_TOTP").await;
    let (_, answer) = attempt(&app, &ada.email, PASSWORD, "").await;
    let reason = "the provider rejected the attempt: password_expired";
    assert_asked_again(&app, &answer, "interaction_required", reason);
    let email = ada.email.clone();
    let mut codes = Vec::new();
    let enrolled = by_redirect(&app, &email, |page| {
        ada.scan(&page.hidden("totpSecret").expect("the page has the secret of its QR code"));
        // Computed together, so that all logins have different codes, however long they take.
        codes = [-30, 0, 30, 60].map(|seconds| ada.code_in(seconds)).to_vec();
        vec![("totp", codes[0].clone()), ("userLabel", "her phone".to_owned())]
    });
    logins.push((enrolled.await, Value::Null));

    // From now on the password alone is not enough; the code alone is.
    assert_rejected(&app, &ada.email, PASSWORD, "").await;
    logins.push((log_in(&app, &ada, &codes[1]).await, json!(["pwd"])));
    let session = app.start(keycloak_otp::JOURNEY).await;
    let data = json!({ "email": ada.email, "code": codes[2] });
    let answer = session.submit(&app, &key(1), &data).await.expect(200);
    logins.push((Login::of(&session, &answer), json!(["otp"])));
    let redirected = by_redirect(&app, &ada.email, |page| {
        assert!(matches!(page, Shown::Page { status: 200, html, .. } if html.contains("name=\"otp\"")), "{page:?}");
        vec![("otp", codes[3].clone())]
    });
    logins.push((redirected.await, Value::Null));

    let mut subjects = Vec::new();
    for (login, amr) in logins {
        let claims = app.id_token(&login.code).await;
        assert_eq!((&claims["amr"], &claims["email"]), (&amr, &json!(ada.email)));
        subjects.push(claims["sub"].as_str().unwrap().to_owned());
    }
    subjects.dedup();
    assert_eq!((subjects.len(), app.users().await, app.items_of("LINK#").await.len()), (1, 1, 1));
    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 4));
    assert_kept_secret(&app, &[PASSWORD, CLIENT_SECRET]).await;
}

#[tokio::test]
async fn a_missing_wrong_or_used_code_looks_like_a_wrong_password() {
    let realm = keycloak_otp::shared().await;
    let app = landfall(realm).await;
    let careful = Person::with_app(realm, "careful", json!({})).await;

    assert_rejected(&app, &careful.email, PASSWORD, "").await;
    assert_rejected(&app, &careful.email, PASSWORD, "000000").await;
    let (code, next) = (careful.code(), careful.code_in(30));
    assert_rejected(&app, &careful.email, "not-the-password", &code).await;
    // The wrong password did not use up the code.
    log_in(&app, &careful, &code).await;
    assert_rejected(&app, &careful.email, PASSWORD, &code).await;
    log_in(&app, &careful, &next).await;

    assert_kept_secret(&app, &[PASSWORD, "not-the-password", &code, &next]).await;
}

#[tokio::test]
async fn a_code_works_once_over_all_methods() {
    let realm = keycloak_otp::shared().await;
    let app = landfall(realm).await;
    let careful = Person::with_app(realm, "careful-everywhere", json!({})).await;
    let (code, next) = (careful.code(), careful.code_in(30));
    log_in(&app, &careful, &code).await;

    let data = json!({ "email": careful.email, "code": code });
    let answer = app.start(keycloak_otp::JOURNEY).await.submit(&app, &key(1), &data).await.expect(200);
    assert_asked_again(&app, &answer, "invalid_credentials", "the provider rejected the attempt: otp_invalid");
    let (session, url) = away(&app, keycloak_redirect::JOURNEY).await;
    let browser = Browser::default();
    let page = browser.log_in(&url, &careful.email, PASSWORD).await;
    let again = browser.fill_in(page, &[("otp", &code)]).await;
    assert!(matches!(&again, Shown::Page { status: 200, html, .. } if html.contains("Invalid authenticator code.")));

    let Shown::Back(back) = browser.fill_in(again, &[("otp", &next)]).await else { panic!("not sent back") };
    assert_eq!(resumed(&app, &session, &back).await.body["status"], "completed");
    assert_rejected(&app, &careful.email, PASSWORD, &next).await;
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn users_without_an_app_may_send_any_code() {
    let realm = keycloak_otp::shared().await;
    let app = landfall(realm).await;
    let plain = Person::without_app(realm, "plain", json!({})).await;
    let off = Person::with_app(realm, "off-with-app", json!({ "enabled": false })).await;

    for code in ["", "000000"] {
        log_in(&app, &plain, code).await;
    }
    let (_, answer) = attempt(&app, &off.email, PASSWORD, "").await;

    assert_asked_again(&app, &answer, "invalid_credentials", "the provider rejected the attempt: account_disabled");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn required_actions_show_only_with_right_password_and_code() {
    let realm = keycloak_otp::shared().await;
    let app = landfall(realm).await;
    for action in ["UPDATE_PASSWORD", "VERIFY_EMAIL", "CONFIGURE_TOTP", "UPDATE_PROFILE"] {
        let name = format!("has-to-{}", action.to_lowercase().replace('_', "-"));
        let busy = Person::with_app(realm, &name, json!({ "requiredActions": [action] })).await;

        assert_rejected(&app, &busy.email, PASSWORD, "000000").await;
        assert_rejected(&app, &busy.email, "not-the-password", &busy.code()).await;
        let (_, answer) = attempt(&app, &busy.email, PASSWORD, &busy.code()).await;

        let reason = "the provider rejected the attempt: password_expired";
        assert_asked_again(&app, &answer, "interaction_required", reason);
    }
    assert_eq!(app.users().await, 0);
}
