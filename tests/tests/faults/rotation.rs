//! The issuer's own keys are rotated while people log in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, SeededEntropy};
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, Browser, Login, TestApp, TestSession, data, key};
use secrecy::ExposeSecret;
use serde_json::json;
use tokens::{Expected, KeyKind, Ring, TokenKind, VerifyError, verify};

fn rotate(app: &TestApp) -> DateTime<Utc> {
    KeyKind::ALL.iter().map(|kind| app.secrets.rotate(*kind, app.clock.now(), &SeededEntropy::new(7))).max().unwrap()
}

/// What an application makes of a token with the keys that are published now.
async fn verified(app: &TestApp, tokens: &Answer) -> Result<(), VerifyError> {
    let keys = serde_json::from_value(app.get("/oauth2/jwks", None).await.expect(200).body).unwrap();
    let expected = Expected { kind: TokenKind::IdToken, issuer: "https://id.example.com", audience: "demo" };
    verify(tokens.body["id_token"].as_str().unwrap(), &keys, &expected, app.clock.now()).map(drop)
}

fn kid(tokens: &Answer) -> String {
    jsonwebtoken::decode_header(tokens.body["id_token"].as_str().unwrap()).unwrap().kid.unwrap()
}

async fn tokens(app: &TestApp) -> Answer {
    let login = app.log_in(EMAIL, PASSWORD).await;
    app.redeem(&login.code).await.expect(200)
}

#[tokio::test]
async fn a_new_key_signs_in_its_time_and_tokens_of_the_old_one_verify_until_they_expire() {
    let app = TestApp::new().await;
    let before = kid(&tokens(&app).await);
    let from = rotate(&app);
    assert_eq!(kid(&tokens(&app).await), before);

    app.clock.advance(from - app.clock.now() - TimeDelta::seconds(1));
    let last = tokens(&app).await;
    app.clock.advance(TimeDelta::seconds(1));
    let first = tokens(&app).await;
    assert_eq!(kid(&last), before);
    assert_ne!(kid(&first), before);

    app.clock.advance(TimeDelta::minutes(9));
    for tokens in [&last, &first] {
        assert_eq!(verified(&app, tokens).await, Ok(()));
    }
    app.clock.advance(Ring::<()>::KEPT);
    assert_eq!(verified(&app, &last).await, Err(VerifyError::UnknownKey));
}

#[tokio::test]
async fn a_login_that_began_before_the_rotation_ends_after_it() {
    let app = TestApp::new().await;
    let from = rotate(&app);
    app.clock.advance(from - app.clock.now() - TimeDelta::seconds(20));
    let asked = app.start("migrate-from-keycloak").await;
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let back = Browser::default().come_back(start.redirect_url(), "ada", PASSWORD).await;
    let returned = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let come = Browser::default().come_back(returned.redirect_url(), "ada", PASSWORD).await;
    let (_, resume) = app.arrive(&come).await.carried();

    // Past the announced time: sessions begun before are kept by the key they began with.
    app.clock.advance(TimeDelta::seconds(40));
    let late = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await;
    late.expect(201);
    let answer = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let again = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(answer.body["session_token"], again.body["session_token"]);
    let (_, second) = app.arrive(&back).await.carried();
    let session = TestSession::of(&start.body);
    let by_redirect = session.resume(&app, &second).await.expect(200);
    let half = TestSession::of(&returned.body);
    let other_half = half.resume(&app, &resume).await.expect(200);
    for login in [Login::of(&asked, &answer), Login::of(&session, &by_redirect), Login::of(&half, &other_half)] {
        let tokens = app.redeem(&login.code).await.expect(200);
        assert_eq!(verified(&app, &tokens).await, Ok(()));
    }
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_key_that_is_taken_away_at_once_leaves_nobody_stuck() {
    let app = TestApp::new().await;
    let asked = app.start("migrate-from-keycloak").await;
    let away = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let out = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let back = Browser::default().come_back(out.redirect_url(), "ada", PASSWORD).await;
    let before = tokens(&app).await;

    for kind in KeyKind::ALL {
        let alone = Ring::generate(*kind, app.clock.now(), &SeededEntropy::new(7)).unwrap().to_secret().unwrap();
        app.secrets.put(kind.secret().as_str(), alone.expose_secret());
    }

    assert_eq!(verified(&app, &before).await, Err(VerifyError::UnknownKey));
    // A form is answered, an open redirect is started anew, and one that comes back is an outcome of the journey.
    let answer = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let tokens = app.redeem(&Login::of(&asked, &answer).code).await.expect(200);
    assert_eq!(verified(&app, &tokens).await, Ok(()));
    let away = TestSession::of(&away.body);
    let view = away.view(&app).await.expect(200);
    assert_eq!(
        (&view.body["redirect"], &view.body["step"]["error"]["code"]),
        (&json!(null), &json!("provider_unavailable"))
    );
    let anew = away.choose(&app, "go", "restart", &key(2)).await.expect(200);
    let came = Browser::default().come_back(anew.redirect_url(), "ada", PASSWORD).await;
    let (_, resume) = app.arrive(&came).await.carried();
    let away = away.after(&anew);
    let answer = away.resume(&app, &resume).await.expect(200);
    app.redeem(&Login::of(&away, &answer).code).await.expect(200);
    let (_, resume) = app.arrive(&back).await.carried();
    let ended = TestSession::of(&out.body).resume(&app, &resume).await.expect(200);
    assert_eq!(ended.body["rejection"]["code"], "try_later");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn instances_of_mixed_age_finish_each_others_logins_and_verify_each_others_tokens() {
    let mut app = TestApp::new().await;
    let stale = app.instance_with(Arc::new(app.secrets.copy())).await;
    let from = rotate(&app);
    let fresh = app.instance_with(app.secrets.clone()).await;

    // An instance may go on for a day with what it has read.
    for hours in [0, 12, 11] {
        app.clock.advance(TimeDelta::hours(hours));
        for (one, other) in [(&stale, &fresh), (&fresh, &stale)] {
            app.meet(one);
            let session = app.start("migrate-from-keycloak").await;
            app.meet(other);
            let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
            app.meet(one);
            let again = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
            assert_eq!(answer.body["completion"]["code"], again.body["completion"]["code"]);
            let tokens = app.redeem(&Login::of(&session, &answer).code).await.expect(200);
            app.meet(other);
            assert_eq!(verified(&app, &tokens).await, Ok(()));
        }
    }
    assert!(app.clock.now() < from);

    // Once it has looked, the new key signs, and whoever has looked verifies it.
    app.clock.advance(from - app.clock.now());
    let late = app.instance_with(app.secrets.clone()).await;
    app.meet(&fresh);
    let signed = tokens(&app).await;
    app.meet(&late);
    assert_eq!(verified(&app, &signed).await, Ok(()));
    assert_eq!(app.users().await, 1);
}
