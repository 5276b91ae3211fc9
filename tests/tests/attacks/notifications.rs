//! Attack 124: notifications that no provider sent, or not now, or not to us.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use landfall::demo;
use landfall_tests::witness::directory;
use landfall_tests::{Answer, Away, Login, TestApp};
use serde_json::{Value, json};
use simulators::{Delivery, Endpoint, Misbehaviour as M};

/// What would end Ada's login at each provider that signs with a key of its own.
const SIGNED_BY_KEY: [(&str, &str); 2] = [("apple", "account-delete"), ("google", "account-disabled")];

/// The same, at those that sign with the client's secret as well: `signed_requests` has what only they can get wrong.
const ENDING: [(&str, &str); 4] =
    [SIGNED_BY_KEY[0], SIGNED_BY_KEY[1], ("meta", "deauthorisation"), ("meta", "deletion")];

/// With Ada's login, whose code is not redeemed.
pub(super) async fn app(id: &str) -> (TestApp, Login) {
    let provider = demo::PROVIDERS.iter().find(|provider| provider.id == id).unwrap();
    let app = TestApp::over(provider, |_| {}).await;
    let login = Away::new(&app).await.log_in(&app).await;
    (app, login)
}

/// Fails unless a request is refused with this status and changes nothing.
pub(super) async fn is_refused(app: &TestApp, delivery: &Delivery, status: u16, what: &str) -> Answer {
    let before = app.items().await;
    let answer = app.deliver(delivery).await;
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
    answer.expect_problem();
    assert_eq!(app.items().await, before, "{what}");
    assert!(app.events("account_changed").is_empty(), "{what}");
    answer
}

fn claims(members: &Value) -> M {
    M::claims(members)
}

/// Ways to spoil what is signed, or its signature, for both providers.
fn spoilt(app: &TestApp) -> Vec<M> {
    let now = app.context().now.timestamp();
    let mut all = vec![
        M::WrongIssuer,
        claims(&json!({ "iss": ["https://accounts.google.com/", "https://appleid.apple.com"] })),
        claims(&json!({ "iss": null })),
        claims(&json!({ "iss": "https://accounts.google.com.evil.example/" })),
        M::WrongAudience,
        claims(&json!({ "aud": [] })),
        claims(&json!({ "aud": null })),
        claims(&json!({ "aud": { "landfall": true } })),
        claims(&json!({ "aud": "landfall " })),
        M::ForgedSignature,
        M::AlteredPayload,
        M::EmptySignature,
        M::UnknownKey,
        M::EncryptionKey,
        M::EmbeddedKey,
        M::Unsigned,
        M::HmacWithPublicKey,
        M::HmacWithClientSecret,
        M::KidIsAPath,
        M::KidIsAList,
        M::UnknownCritical,
        M::UnencodedPayload,
        M::GarbageIdToken,
        M::IssuedInTheFuture,
        M::NoIssuedAt,
        claims(&json!({ "iat": now - 3 * 86_400 - 60 })),
        claims(&json!({ "iat": now.to_string() })),
        claims(&json!({ "iat": -1 })),
        claims(&json!({ "jti": null })),
        claims(&json!({ "jti": "" })),
        claims(&json!({ "jti": 1 })),
        claims(&json!({ "jti": "j".repeat(257) })),
        // An ID token, as it were.
        claims(&json!({ "events": null })),
    ];
    all.extend(["None", "nOnE", "", "RS256", "rs256"].map(|algorithm| M::UnsignedAs(algorithm.to_owned())));
    all
}

#[tokio::test]
async fn a_notification_wrong_in_one_respect_changes_nothing_attack_124() {
    for (id, event) in SIGNED_BY_KEY {
        let (app, login) = app(id).await;
        for how in spoilt(&app) {
            // Keys may be asked for again.
            app.clock.advance(TimeDelta::minutes(1));
            app.subject.misbehave(Some(how.clone()));
            let delivery = app.notification(event, "ada");
            let answer = is_refused(&app, &delivery, 400, &format!("{id} {how:?}")).await;
            assert_eq!(answer.code(), "invalid_request");
            let line = app.events("request").pop().unwrap();
            let reason = line["reason"].as_str().unwrap();
            assert!(reason.starts_with("an answer of the provider was refused at notification: "), "{reason}");
            app.subject.misbehave(None);
        }
        // The code has expired meanwhile; another one is not ended.
        drop(login);
        app.redeem(&Away::new(&app).await.log_in(&app).await.code).await.expect(200);
    }
}

#[tokio::test]
async fn an_expired_notification_of_apple_changes_nothing_attack_124() {
    let (app, login) = app("apple").await;
    for how in [M::Expired, M::ExpiryAsText, M::ExpiryNegative, M::ExpiryBeyondNumbers] {
        app.subject.misbehave(Some(how.clone()));
        is_refused(&app, &app.notification("account-delete", "ada"), 400, &format!("{how:?}")).await;
    }
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_changes_nothing_attack_124() {
    const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    let of = |subject: Value| json!({ DISABLED: { "subject": subject } });
    let deep = format!("{{\"type\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    for (id, events) in [
        ("apple", json!([])),
        ("apple", json!("")),
        ("apple", json!("[]")),
        ("apple", json!(deep)),
        ("apple", json!(r#"{"type":"account-delete"}"#)),
        ("apple", json!(r#"{"type":"account-delete","sub":["000768"]}"#)),
        ("apple", json!(r#"{"type":"email-enabled","type":"account-delete","sub":"000768"}"#)),
        ("google", of(json!(null))),
        ("google", of(json!({ "subject_type": "iss-sub", "iss": "https://accounts.google.com/" }))),
        ("google", of(json!({ "subject_type": "iss-sub", "iss": "https://evil.example/", "sub": "1" }))),
        ("google", of(json!({ "subject_type": "iss-sub", "iss": "https://accounts.google.com/", "sub": 1 }))),
    ] {
        let (app, login) = app(id).await;
        app.subject.misbehave(Some(claims(&json!({ "events": events }))));
        is_refused(&app, &app.notification("account-disabled", "ada"), 400, &format!("{id} {events}")).await;
        app.redeem(&login.code).await.expect(200);
    }
}

#[tokio::test]
async fn a_notification_of_an_unknown_user_or_kind_changes_no_user_attack_124() {
    for (id, event) in SIGNED_BY_KEY {
        let (app, login) = app(id).await;
        let users = async || {
            let mut users = directory(&app).await;
            // That it was received is kept.
            users.retain(|key, _| !key.starts_with("NOTIFICATION#"));
            users
        };
        let before = users().await;
        for (event, username) in [(event, "mallory"), ("account-conquered", "ada"), ("verification", "ada")] {
            app.notify(event, username).await.expect_success();
        }
        assert_eq!(users().await, before, "{id}");
        app.redeem(&login.code).await.expect(200);
    }
}

#[tokio::test]
async fn a_replayed_notification_changes_nothing_attack_124() {
    for (id, event) in ENDING {
        let (app, _) = app(id).await;
        let delivery = app.notification(event, "ada");
        app.deliver(&delivery).await.expect_success();
        app.clock.advance(TimeDelta::seconds(1));
        let login = Away::new(&app).await.log_in(&app).await;
        for minutes in [0, 1, 60, 22 * 60] {
            app.clock.advance(TimeDelta::minutes(minutes));
            let before = app.items().await;
            app.deliver(&delivery).await.expect_success();
            assert_eq!(app.items().await, before, "{id} {minutes}");
            if minutes == 1 {
                app.redeem(&login.code).await.expect(200);
            }
        }
        // Once it is forgotten, it is too old.
        app.clock.advance(TimeDelta::days(3));
        app.delete_items_of("NOTIFICATION#").await;
        let before = app.items().await;
        app.deliver(&delivery).await.expect(400);
        assert_eq!((app.items().await, app.events("account_changed").len()), (before, 1), "{id}");
    }
}

#[tokio::test]
async fn a_notification_replayed_to_a_user_who_signed_up_later_changes_nothing_attack_124() {
    for (id, event) in ENDING {
        let (app, _) = app(id).await;
        let delivery = app.notification(event, "grace");
        app.deliver(&delivery).await.expect_success();
        app.clock.advance(TimeDelta::seconds(1));
        let away = Away::new(&app).await;
        let answer = away.go_on(&app, &away.back_as("grace").await).await.expect(200);
        app.deliver(&delivery).await.expect_success();
        app.redeem(&Login::of(&away.session, &answer).code).await.expect(200);
    }
}

#[tokio::test]
async fn what_is_no_notification_changes_nothing_attack_124() {
    for (id, event) in ENDING {
        let (app, login) = app(id).await;
        let right = app.notification(event, "ada");
        let text = |body: String| Delivery { body, ..right.clone() };
        for body in [
            String::new(),
            "null".to_owned(),
            "a.b.c".to_owned(),
            format!("[{}]", right.body),
            "[".repeat(10_000),
            r#"{"payload":1}"#.to_owned(),
            r#"{"payload":{}}"#.to_owned(),
            format!(r#"{{"payload":"","payload":"{}"}}"#, "e".repeat(100)),
            right.body.replacen("ey", "ez", 1),
        ] {
            is_refused(&app, &text(body.clone()), 400, &format!("{id} {body:.40}")).await;
        }
        let huge = format!("{}{}", right.body, " ".repeat(64 * 1024));
        is_refused(&app, &text(huge), 413, id).await;
        for path in ["/v1/connectors/nowhere/notifications", "/v1/connectors/Apple/notifications"] {
            let request = Request::post(path).body(Body::from(right.body.clone())).unwrap();
            assert_eq!(app.send(request).await.expect(404).code(), "unknown_connector");
        }
        assert!(!app.logs().contains(&right.body));
        app.redeem(&login.code).await.expect(200);
    }
}

#[tokio::test]
async fn a_notification_at_another_provider_changes_nothing_attack_124() {
    for (id, event) in ENDING {
        let (from, _) = app(id).await;
        for to in ["keycloak", "google", "apple", "meta"].into_iter().filter(|to| *to != id) {
            let (app, login) = app(to).await;
            is_refused(&app, &from.notification(event, "ada"), 400, &format!("{id} to {to}")).await;
            app.redeem(&login.code).await.expect(200);
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_verify_nothing_attack_124() {
    for (id, event) in SIGNED_BY_KEY {
        let (mut app, login) = app(id).await;
        app.start_cold().await;
        app.subject.misbehave_at(Endpoint::Keys, Some(M::ServerError));
        is_refused(&app, &app.notification(event, "ada"), 503, id).await;
        app.subject.misbehave_at(Endpoint::Keys, None);
        app.redeem(&login.code).await.expect(200);
    }
}
