//! Logins to a real Keycloak with a username and a code from an app, without a password.

use landfall_tests::{Answer, Login, TestApp, TestSession, key};
use serde_json::{Value, json};

use crate::keycloak::CLIENT_SECRET;
use crate::keycloak_otp::{
    self, CONDITIONAL_CLIENT, JOURNEY, NO_MAPPER_CLIENT, NO_REFERENCE_CLIENT, OTP_CLIENT, PASSWORD, Person,
    UNBOUND_CLIENT,
};
use crate::keycloak_password;
use crate::landfall::{assert_asked_again, assert_ended, assert_kept_secret, reasons};

const WRONG: &str = "the provider rejected the attempt: otp_invalid";

async fn landfall(otp_client: &str) -> (TestApp, &'static str) {
    let realm = keycloak_otp::shared().await;
    (keycloak_otp::connector(realm, otp_client).landfall().await, realm)
}

/// Sends a username and a code in the session's current turn.
async fn send(app: &TestApp, session: &TestSession, email: &str, code: &str) -> Answer {
    let turn = u32::try_from(session.turn).unwrap();
    session.submit(app, &key(turn), &json!({ "email": email, "code": code })).await.expect(200)
}

/// Sends a username and a code in a new session.
async fn attempt(app: &TestApp, email: &str, code: &str) -> Answer {
    send(app, &app.start(JOURNEY).await, email, code).await
}

/// Asserts that the user is signed in, and that our token has `otp` in `amr`.
async fn assert_signed_in(app: &TestApp, person: &Person, code: &str) {
    let session = app.start(JOURNEY).await;
    let answer = send(app, &session, &person.email, code).await;
    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&claims["email"], &claims["amr"]), (&json!(person.email), &json!(["otp"])));
}

async fn assert_rejected(app: &TestApp, email: &str, code: &str) {
    assert_asked_again(app, &attempt(app, email, code).await, "invalid_credentials", WRONG);
}

#[tokio::test]
async fn a_code_works_once() {
    let (app, realm) = landfall(OTP_CLIENT).await;
    let one = Person::with_app(realm, "once", json!({})).await;
    let code = one.code();

    assert_signed_in(&app, &one, &code).await;
    assert_rejected(&app, &one.email, &code).await;
    assert_signed_in(&app, &one, &one.code_in(30)).await;

    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    assert_kept_secret(&app, &[&code, CLIENT_SECRET]).await;
}

#[tokio::test]
async fn a_code_is_accepted_for_29_seconds_but_not_a_minute() {
    let (app, realm) = landfall(OTP_CLIENT).await;
    let slow = Person::with_app(realm, "slow", json!({})).await;

    for seconds in [-60, 90] {
        assert_rejected(&app, &slow.email, &slow.code_in(seconds)).await;
    }
    assert_signed_in(&app, &slow, &slow.code_in(-29)).await;
}

#[tokio::test]
async fn without_brute_force_detection_wrong_codes_do_not_lock() {
    let (app, realm) = landfall(OTP_CLIENT).await;
    let clumsy = Person::with_app(realm, "clumsy", json!({})).await;
    let mut session = app.start(JOURNEY).await;

    for wrong in ["000000", "not a code", &clumsy.code()[..5]] {
        let answer = send(&app, &session, &clumsy.email, wrong).await;
        assert_asked_again(&app, &answer, "invalid_credentials", WRONG);
        session = session.after(&answer);
    }
    let answer = send(&app, &session, &clumsy.email, &clumsy.code()).await;

    assert_eq!(answer.body["status"], "completed", "{:#}", answer.body);
    assert_eq!(reasons(&app), [WRONG; 3]);
}

#[tokio::test]
async fn with_brute_force_detection_three_wrong_codes_lock() {
    let realm = keycloak_otp::counting().await;
    let app = keycloak_otp::connector(realm, OTP_CLIENT).landfall().await;
    let locked = Person::with_app(realm, "locked", json!({})).await;

    // A successful login resets the count.
    for code in ["000000", "111111"] {
        assert_rejected(&app, &locked.email, code).await;
    }
    assert_signed_in(&app, &locked, &locked.code()).await;
    for _ in 0..3 {
        assert_rejected(&app, &locked.email, "000000").await;
    }
    assert_rejected(&app, &locked.email, &locked.code_in(30)).await;

    let other = Person::with_app(realm, "other", json!({})).await;
    assert_signed_in(&app, &other, &other.code()).await;
}

#[tokio::test]
async fn users_without_an_app_look_like_unknown_users() {
    let (app, realm) = landfall(OTP_CLIENT).await;
    let bare = Person::without_app(realm, "bare", json!({})).await;
    let off = Person::with_app(realm, "off", json!({ "enabled": false })).await;
    let other = Person::with_app(realm, "beside-bare", json!({})).await;

    // More attempts than failures that would open the circuit.
    for _ in 0..6 {
        assert_rejected(&app, &bare.email, "000000").await;
    }
    assert_rejected(&app, "unknown@example.org", "000000").await;
    assert_rejected(&app, &off.email, &off.code()).await;

    assert!(app.events("circuit_opened").is_empty());
    assert_signed_in(&app, &other, &other.code()).await;
    app.log_in_through(keycloak_password::JOURNEY, &bare.email, PASSWORD).await;
}

#[tokio::test]
async fn a_required_action_needs_keycloaks_own_pages() {
    let (app, realm) = landfall(OTP_CLIENT).await;
    let busy = Person::with_app(realm, "busy", json!({ "requiredActions": ["UPDATE_PASSWORD"] })).await;

    assert_rejected(&app, &busy.email, "000000").await;
    let answer = attempt(&app, &busy.email, &busy.code()).await;

    assert_asked_again(&app, &answer, "interaction_required", "the provider rejected the attempt: password_expired");
}

#[tokio::test]
async fn a_login_that_keycloak_accepts_without_a_code_is_rejected() {
    let (app, realm) = landfall(CONDITIONAL_CLIENT).await;
    let bare = Person::without_app(realm, "bare-name", json!({})).await;
    let other = Person::with_app(realm, "checked", json!({})).await;

    assert_rejected(&app, &bare.email, "000000").await;
    assert_eq!(app.events("code_not_checked").len(), 1, "the administrator must be informed");
    assert_eq!(app.users().await, 0);

    // For a user with an app, this client also checks the code.
    assert_rejected(&app, &other.email, "000000").await;
    assert_signed_in(&app, &other, &other.code()).await;
    assert_eq!(app.events("code_not_checked").len(), 1);
}

#[tokio::test]
async fn a_login_without_otp_in_amr_is_rejected() {
    let (app, realm) = landfall(NO_REFERENCE_CLIENT).await;
    let unsaid = Person::with_app(realm, "unsaid", json!({})).await;

    assert_rejected(&app, &unsaid.email, &unsaid.code()).await;

    assert_eq!((app.events("code_not_checked").len(), app.users().await), (1, 0));
}

#[tokio::test]
async fn a_client_without_the_mapper_is_reported_as_misconfigured() {
    let (app, realm) = landfall(NO_MAPPER_CLIENT).await;
    let unmapped = Person::with_app(realm, "unmapped", json!({})).await;

    let answer = attempt(&app, &unmapped.email, &unmapped.code()).await;

    let reason = "misconfigured at id_token: the ID token has no amr: add the mapper";
    assert_ended(&app, &answer, "try_later", reason).await;
}

#[tokio::test]
async fn a_client_without_the_flow_override_is_rejected() {
    let (app, realm) = landfall(UNBOUND_CLIENT).await;
    let unbound = Person::with_app(realm, "unbound", json!({})).await;

    let answer = attempt(&app, &unbound.email, &unbound.code()).await;

    assert_asked_again(&app, &answer, "invalid_credentials", WRONG);
    assert_eq!((app.users().await, &answer.body["completion"]), (0, &Value::Null));
}
