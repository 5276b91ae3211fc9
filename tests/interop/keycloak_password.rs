//! Logins to a real Keycloak by password.

use landfall_tests::proxy::{Calls, before};
use landfall_tests::{Answer, TestApp, data, key};

use crate::keycloak::{
    ADA, CLIENT_SECRET, Connector, DISABLED, GRACE, Keycloak, NO_GRANTS_CLIENT_ID, REALM, TODO, User,
};
use crate::landfall::{assert_kept_secret, operations, reasons};

pub(crate) const JOURNEY: &str = "migrate-from-real";

async fn landfall() -> TestApp {
    Connector::to(Keycloak::shared()).landfall().await
}

/// Answers the form once, in a new session.
async fn attempt(app: &TestApp, email: &str, password: &str) -> Answer {
    app.start(JOURNEY).await.submit(app, &key(1), &data(email, password)).await.expect(200)
}

/// Asserts that the attempt is rejected: the client is asked again with the error `shown`, the log has `reason`, and no
/// user is provisioned.
async fn assert_rejected(email: &str, password: &str, shown: &str, reason: &str) {
    let app = landfall().await;

    let answer = attempt(&app, email, password).await;

    assert_eq!(answer.body["status"], "input_required", "{:#}", answer.body);
    assert_eq!(answer.body["step"]["id"], "ask");
    assert_eq!(answer.body["step"]["error"]["code"], shown);
    assert_eq!(reasons(&app), [format!("the provider rejected the attempt: {reason}")]);
    assert_eq!(app.users().await, 0);
}

/// Asserts that no login is possible: the journey ends with `try_later`, the log has `reason`, and no user is
/// provisioned.
pub(crate) async fn assert_unavailable(app: &TestApp, reason: &str) {
    let before = reasons(app).len();

    let answer = attempt(app, ADA.email, ADA.password).await;

    assert_eq!(answer.body["status"], "rejected", "{:#}", answer.body);
    assert_eq!(answer.body["rejection"]["code"], "try_later");
    let reasons = &reasons(app)[before..];
    assert!(matches!(reasons, [logged] if logged.contains(reason)), "{reasons:?} instead of {reason}");
    assert!(app.items_of("IDENTIFIER#").await.is_empty());
}

#[tokio::test]
async fn a_user_is_created_once_and_then_recognised() {
    let app = landfall().await;

    let first = app.log_in_through(JOURNEY, ADA.email, ADA.password).await;
    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 0));
    let second = app.log_in_through(JOURNEY, ADA.email, ADA.password).await;
    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 1));

    assert_eq!(app.users().await, 1);
    assert_eq!(app.items_of("LINK#").await.len(), 1);
    assert_eq!(app.items_of("IDENTIFIER#").await.len(), 1);
    let claims = app.id_token(&first.code).await;
    assert_eq!(claims["email"], ADA.email);
    assert_eq!(claims["email_verified"], true);
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&"Ada".into(), &"Lovelace".into()));
    assert!(claims["sub"].as_str().unwrap().starts_with("usr_"), "{claims:#}");
    assert_eq!(claims["sub"], app.id_token(&second.code).await["sub"]);
    assert_kept_secret(&app, &[ADA.password, CLIENT_SECRET]).await;
}

#[tokio::test]
async fn a_warm_login_costs_keycloak_one_call() {
    let keycloak = Keycloak::shared();
    let calls = Calls::default();
    let url = format!("http://{}", before(keycloak.address(), "provider", calls.clone()).await);
    let app = Connector { url, ..Connector::to(keycloak) }.landfall().await;
    app.log_in_through(JOURNEY, ADA.email, ADA.password).await;
    calls.take();

    app.log_in_through(JOURNEY, ADA.email, ADA.password).await;

    assert_eq!(operations(&calls), [format!("POST /realms/{REALM}/protocol/openid-connect/token")]);
}

#[tokio::test]
async fn an_unverified_address_is_not_reserved() {
    let app = landfall().await;

    let login = app.log_in_through(JOURNEY, GRACE.email, GRACE.password).await;

    let claims = app.id_token(&login.code).await;
    assert_eq!((&claims["email"], &claims["email_verified"]), (&GRACE.email.into(), &false.into()));
    assert_eq!(app.users().await, 1);
    assert!(app.items_of("IDENTIFIER#").await.is_empty());
}

#[tokio::test]
async fn the_right_password_works_after_a_wrong_one() {
    let app = landfall().await;
    let session = app.start(JOURNEY).await;

    let wrong = session.submit(&app, &key(1), &data(ADA.email, "not-the-password")).await.expect(200);
    assert_eq!(wrong.body["step"]["error"]["code"], "invalid_credentials");
    let right = session.after(&wrong).submit(&app, &key(2), &data(ADA.email, ADA.password)).await.expect(200);

    assert_eq!(right.body["status"], "completed", "{:#}", right.body);
    assert_kept_secret(&app, &["not-the-password", ADA.password]).await;
}

#[tokio::test]
async fn a_wrong_password_is_rejected() {
    assert_rejected(ADA.email, GRACE.password, "invalid_credentials", "invalid_credentials").await;
}

#[tokio::test]
async fn an_unknown_user_looks_like_a_wrong_password() {
    assert_rejected("unknown@example.org", ADA.password, "invalid_credentials", "invalid_credentials").await;
}

#[tokio::test]
async fn a_disabled_user_looks_like_a_wrong_password() {
    let User { email, password } = DISABLED;
    assert_rejected(email, password, "invalid_credentials", "account_disabled").await;
    assert_rejected(email, "not-the-password", "invalid_credentials", "invalid_credentials").await;
}

#[tokio::test]
async fn a_user_with_a_required_action_needs_keycloaks_own_pages() {
    assert_rejected(TODO.email, TODO.password, "interaction_required", "password_expired").await;
}

#[tokio::test]
async fn a_wrong_client_secret_is_reported_as_misconfigured() {
    let secret = "not-the-client-secret";
    let app = Connector { secret, ..Connector::to(Keycloak::shared()) }.landfall().await;

    assert_unavailable(&app, "misconfigured at client_authentication: the client secret is wrong or missing").await;

    assert_kept_secret(&app, &[ADA.password, secret]).await;
}

#[tokio::test]
async fn disabled_direct_grants_are_reported_as_misconfigured() {
    let app = Connector { client: NO_GRANTS_CLIENT_ID, ..Connector::to(Keycloak::shared()) }.landfall().await;

    assert_unavailable(&app, "misconfigured at token: switch on Direct access grants").await;
}

#[tokio::test]
async fn an_unknown_client_is_reported_as_misconfigured() {
    let app = Connector { client: "unknown", ..Connector::to(Keycloak::shared()) }.landfall().await;

    assert_unavailable(&app, "misconfigured at client_authentication: the realm has no enabled client").await;
}

#[tokio::test]
async fn an_unknown_realm_is_reported_as_misconfigured() {
    let app = Connector { realm: "elsewhere", ..Connector::to(Keycloak::shared()) }.landfall().await;

    assert_unavailable(&app, "misconfigured at discovery").await;
}
