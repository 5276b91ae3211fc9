//! Clocks that differ, and clocks that jump.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::FixedClock;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Away, ISSUER, KEYCLOAK, Login, TestApp, data, key, subject_of};
use serde_json::json;

use crate::time::Time;

/// An app whose provider's clock shows so many seconds more than ours.
async fn ahead(seconds: i64) -> TestApp {
    TestApp::with(|setup| {
        let clock = FixedClock::at(setup.time.now() + TimeDelta::seconds(seconds));
        setup.subject = subject_of(&KEYCLOAK, Arc::new(clock), ISSUER);
    })
    .await
}

#[tokio::test]
async fn a_providers_clock_a_minute_off_signs_users_in() {
    for seconds in [-60, -59, 59, 60] {
        let app = ahead(seconds).await;
        let by_password = app.log_in(EMAIL, PASSWORD).await;
        let by_redirect = Away::new(&app).await.log_in(&app).await;
        for login in [by_password, by_redirect] {
            assert_eq!(app.id_token(&login.code).await["email"], EMAIL, "{seconds}");
        }
        assert_eq!(app.users().await, 1);
    }
}

#[tokio::test]
async fn a_providers_clock_five_minutes_off_is_refused() {
    for (seconds, check) in [(300, "not_yet_valid"), (-600, "expired")] {
        let app = ahead(seconds).await;
        let session = app.start("migrate-from-keycloak").await;
        let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        assert_eq!(answer.body["rejection"], json!({ "code": "identity_refused" }), "{seconds}");

        let away = Away::new(&app).await;
        let answer = away.go_on(&app, &away.back().await).await.expect(200);
        assert_eq!(answer.body["rejection"], json!({ "code": "identity_refused" }), "{seconds}");

        let failed = app.events("login_failed");
        assert_eq!(failed.len(), 2);
        assert!(failed.iter().all(|line| line["reason"].as_str().unwrap().contains(check)), "{failed:#?}");
        assert_eq!(app.users().await, 0);
    }
}

#[tokio::test]
async fn what_is_past_its_time_is_absent() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let out = Away::new(&app).await;
    let (back, away) = (out.back().await, out.session);
    app.clock.advance(TimeDelta::minutes(15));
    let before = app.items().await;
    assert_eq!(before.keys().filter(|key| key.starts_with("SESSION#")).count(), 3);
    app.calls.take();

    assert_eq!(session.view(&app).await.expect(404).code(), "unknown_session");
    assert_eq!(session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(404).code(), "unknown_session");
    assert_eq!(away.choose(&app, "go", "restart", &key(1)).await.expect(404).code(), "unknown_session");
    assert_eq!(away.resume(&app, &key(1)).await.expect(404).code(), "unknown_session");
    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
    assert_eq!(login.session.view(&app).await.expect(404).code(), "unknown_session");
    assert_eq!(app.redeem(&login.code).await.expect(400).code(), "invalid_grant");

    assert!(app.calls.take().iter().all(|call| call.service == "dynamodb"), "the provider was asked");
    assert_eq!(app.items().await, before);
}

#[tokio::test]
async fn a_function_frozen_for_hours_dials_anew() {
    let app = TestApp::new().await;
    let time = Time::stop();
    let stale = app.start("migrate-from-keycloak").await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let away = Away::new(&app).await;
    app.arrive(&away.back().await).await.expect(303);

    // Nothing of ours runs meanwhile, so that it goes unnoticed that the other end has hung up.
    time.pass(&app, Duration::from_secs(6 * 3600)).await;
    app.calls.take();
    app.calls.break_connections();

    let (login_after, _) = time.run(&app, app.log_in(EMAIL, PASSWORD)).await;
    let calls = app.calls.take();
    // What was known is too old to go by, and nothing was asked twice.
    let count = |path: &str| calls.iter().filter(|call| call.operation.ends_with(path)).count();
    assert_eq!((count("/openid-configuration"), count("/certs"), count("/token")), (1, 1, 1), "{calls:#?}");

    app.calls.break_connections();
    let (claims, _) = time.run(&app, app.id_token(&login_after.code)).await;
    assert_eq!(claims["email"], EMAIL);
    assert_eq!(stale.view(&app).await.expect(404).code(), "unknown_session");
    assert_eq!(app.redeem(&login.code).await.expect(400).code(), "invalid_grant");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_clock_that_jumps_back_locks_no_user_out() {
    let app = TestApp::new().await;
    app.log_in(EMAIL, PASSWORD).await;
    app.clock.advance(-TimeDelta::hours(6));
    let session = app.start("migrate-from-keycloak").await;
    let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    app.redeem(&Login::of(&session, &done).code).await.expect(200);
    assert_eq!(app.users().await, 1);
}
