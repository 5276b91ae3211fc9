//! The issuer's own keys are rotated while people log in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, SeededEntropy};
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, Away, ISSUER, Login, TestApp, data, key};
use secrecy::ExposeSecret;
use serde_json::json;
use tokens::{Expected, KeyKind, Ring, TokenKind, VerifyError, verify};

fn rotate(app: &TestApp) -> DateTime<Utc> {
    KeyKind::ALL.iter().map(|kind| app.secrets.rotate(*kind, app.clock.now(), &SeededEntropy::new(7))).max().unwrap()
}

/// What an application makes of a token with the keys that are published now.
async fn verified(app: &TestApp, tokens: &Answer) -> Result<(), VerifyError> {
    let keys = serde_json::from_value(app.get("/oauth2/jwks", None).await.expect(200).body).unwrap();
    let expected = Expected { kind: TokenKind::IdToken, issuer: ISSUER, audience: "demo" };
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
async fn tokens_of_the_old_key_verify_until_they_expire() {
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
    let (out, returned) = (Away::new(&app).await, Away::new(&app).await);
    let back = out.back().await;
    let resume = returned.resume(&app).await;

    // Past the announced time: sessions begun before are kept by the key they began with.
    app.clock.advance(TimeDelta::seconds(40));
    Away::new(&app).await;
    let answer = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let again = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(answer.body["session_token"], again.body["session_token"]);
    let by_redirect = out.go_on(&app, &back).await.expect(200);
    let other_half = returned.session.resume(&app, &resume).await.expect(200);
    for login in
        [Login::of(&asked, &answer), Login::of(&out.session, &by_redirect), Login::of(&returned.session, &other_half)]
    {
        let tokens = app.redeem(&login.code).await.expect(200);
        assert_eq!(verified(&app, &tokens).await, Ok(()));
    }
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_key_removed_at_once_leaves_no_session_stuck() {
    let app = TestApp::new().await;
    let asked = app.start("migrate-from-keycloak").await;
    let (away, out) = (Away::new(&app).await.session, Away::new(&app).await);
    let back = out.back().await;
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
    let view = away.view(&app).await.expect(200);
    assert_eq!(
        (&view.body["redirect"], &view.body["step"]["error"]["code"]),
        (&json!(null), &json!("provider_unavailable"))
    );
    let anew = away.choose(&app, "go", "restart", &key(2)).await.expect(200);
    app.redeem(&Away::after(&away, &anew).log_in(&app).await.code).await.expect(200);
    let ended = out.go_on(&app, &back).await.expect(200);
    assert_eq!(ended.body["rejection"]["code"], "try_later");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn instances_of_mixed_age_finish_each_others_logins() {
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

    // Once it has looked, the new key signs, and an instance that has looked verifies it.
    app.clock.advance(from - app.clock.now());
    let late = app.instance_with(app.secrets.clone()).await;
    app.meet(&fresh);
    let signed = tokens(&app).await;
    app.meet(&late);
    assert_eq!(verified(&app, &signed).await, Ok(()));
    assert_eq!(app.users().await, 1);
}
