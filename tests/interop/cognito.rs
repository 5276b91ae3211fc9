//! Logins to a Cognito user pool by password, and what it asks after it.
//!
//! The pool is moto's. What moto does not do as AWS documents it is tested against Landfall's own simulator only.

use landfall_tests::{Answer, Login, TestApp, TestSession, data, key};
use serde_json::json;

use crate::connector_test::test;
use crate::landfall::{assert_asked_again, assert_kept_secret, reasons};
use crate::moto::{PASSWORD, Pool, shown};

const JOURNEY: &str = "migrate-from-pool";
const ADA: &str = "ada@example.org";

async fn landfall(pool: &Pool) -> TestApp {
    pool.landfall(pool.secret, &[]).await
}

/// Gives name and password in a new session.
async fn attempt(app: &TestApp, email: &str, password: &str) -> (TestSession, Answer) {
    let session = app.start(JOURNEY).await;
    let answer = session.submit(app, &key(1), &data(email, password)).await.expect(200);
    (session, answer)
}

/// Asserts that the pool asks for this after the password.
async fn asked(app: &TestApp, challenge: &str) -> TestSession {
    let (session, answer) = attempt(app, ADA, PASSWORD).await;
    assert_eq!(answer.body["step"]["data"]["challenge"]["type"], challenge, "{:#}", answer.body);
    session.after(&answer)
}

#[tokio::test]
async fn a_user_is_created_once_and_then_recognised() {
    let pool = Pool::new().await;
    pool.user(ADA, false).await;
    let app = landfall(&pool).await;

    let first = app.log_in_through(JOURNEY, ADA, PASSWORD).await;
    let second = app.log_in_through(JOURNEY, ADA, PASSWORD).await;

    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 1));
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    let claims = app.id_token(&first.code).await;
    assert_eq!((&claims["email"], &claims["amr"]), (&json!(ADA), &json!(["pwd"])));
    assert_eq!(claims["sub"], app.id_token(&second.code).await["sub"]);
    assert_kept_secret(&app, &[PASSWORD, pool.secret]).await;
}

#[tokio::test]
async fn wrong_unknown_and_disabled_look_alike() {
    let pool = Pool::new().await;
    pool.user(ADA, false).await;
    pool.user("off@example.org", false).await;
    pool.disable("off@example.org").await;
    let app = landfall(&pool).await;
    for (email, password, reason) in [
        (ADA, "wrong", "invalid_credentials"),
        ("unknown@example.org", PASSWORD, "invalid_credentials"),
        ("off@example.org", PASSWORD, "account_disabled"),
    ] {
        let (_, answer) = attempt(&app, email, password).await;
        let reason = format!("the provider rejected the attempt: {reason}");
        assert_asked_again(&app, &answer, "invalid_credentials", &reason);
    }
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_temporary_password_is_replaced() {
    let pool = Pool::new().await;
    pool.user(ADA, true).await;
    let app = landfall(&pool).await;
    let session = asked(&app, "new_password").await;

    // Against the pool's policy.
    let short = session.fill_in(&app, "factor", &key(2), &json!({ "new_password": "short" })).await.expect(200);
    assert_eq!(short.body["step"]["error"]["code"], "password_refused", "{:#}", short.body);
    let session = session.after(&short);
    let new = "Another horse, battery 9";
    let answer = session.fill_in(&app, "factor", &key(3), &json!({ "new_password": new })).await.expect(200);

    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!(claims["email"], ADA);
    app.log_in_through(JOURNEY, ADA, new).await;
    assert_eq!(app.users().await, 1);
    assert_kept_secret(&app, &[PASSWORD, new]).await;
}

#[tokio::test]
async fn a_code_of_an_app_follows_the_password() {
    let pool = Pool::new().await;
    pool.user(ADA, false).await;
    pool.app(ADA).await;
    let app = landfall(&pool).await;
    let session = asked(&app, "code").await;

    let wrong = session.enter_code(&app, "factor", "0000").await.expect(200);
    assert_eq!(wrong.body["step"]["error"]["code"], "invalid_credentials", "{:#}", wrong.body);
    let session = session.after(&wrong);
    let code = shown();
    let answer = session.enter_code(&app, "factor", &code).await.expect(200);

    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&claims["email"], &claims["amr"]), (&json!(ADA), &json!(["otp", "pwd"])));
    assert_kept_secret(&app, &[PASSWORD, pool.secret]).await;
}

#[tokio::test]
async fn a_wrong_secret_signs_no_user_in() {
    let pool = Pool::new().await;
    pool.user(ADA, false).await;
    pool.app(ADA).await;
    let app = pool.landfall("not-the-secret", &[]).await;
    // moto verifies it with the code only, and has other words for it than Cognito.
    let session = asked(&app, "code").await;
    let answer = session.enter_code(&app, "factor", &shown()).await.expect(200);
    assert_eq!(reasons(&app), ["the provider rejected the attempt: otp_expired"], "{:#}", answer.body);
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_pool_without_a_domain_passes_the_connector_test() {
    let pool = Pool::new().await;
    let app = landfall(&pool).await;
    let tested = test(&app, "pool", None).await;
    tested.assert_failed(&[]);
    assert_eq!(tested.ids("passed"), ["discovery", "issuer", "endpoints", "keys", "password_flow"]);
    assert_eq!(app.users().await, 0);
}
