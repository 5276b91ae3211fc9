//! Attack 72: nothing secret turns up in logs, metrics, errors, items, or in an answer that is not its owner's.
//!
//! Whatever passes through is collected where it passes: at the front door, at the provider's, where secrets are read. Then
//! all that is written down is searched for it, in every usual spelling.

mod collected;
mod spelling;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use landfall::demo::EMAIL;
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::sent::basic;
use landfall_tests::{ADMIN, Away, Browser, Login, Setup, TestApp, TestSession, data, key, submission};
use serde_json::{Value, json};
use url::form_urlencoded;

pub(crate) use self::collected::Canaries;
use self::collected::form;
use self::spelling::Spelled;

/// A password that every spelling spells otherwise.
const PASSWORD: &str = "canary \"päss\\word\" & 100%/+?";

/// The secret of an application's backend.
const CLIENT_SECRET: &str = "canary+of/the shop=";

/// What a caller puts where it does not belong.
const MISPLACED: &str = "canary-that-is-misplaced";

fn setup(setup: &mut Setup) {
    setup.keycloak().change_user("demo", "ada", |ada| ada.password(PASSWORD)).unwrap();
    // Userinfo is asked as well.
    setup.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();
}

/// By password, as far as it gets.
async fn by_password(app: &TestApp, password: &str) {
    let start = app.try_start("migrate-from-keycloak", &TestApp::start_body()).await;
    if start.status.as_u16() != 201 {
        return;
    }
    let session = TestSession::of(&start.body);
    let answer = session.submit(app, &key(0xCA9A_5E11), &data(EMAIL, password)).await;
    session.view(app).await;
    if let Some(code) = answer.body["completion"]["code"].as_str() {
        app.redeem(code).await;
    }
}

/// By redirect, likewise.
async fn by_redirect(app: &TestApp) {
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await;
    let Some(url) = start.body["redirect"]["url"].as_str() else { return };
    let back = Browser::default().come_back(url, "ada", PASSWORD).await;
    let arrived = app.arrive(&back).await;
    if arrived.status.as_u16() != 303 {
        return;
    }
    let session = TestSession::of(&start.body);
    let answer = session.resume(app, &arrived.carried().1).await;
    // Twice, or late, brings no more.
    app.arrive(&back).await;
    session.resume(app, &arrived.carried().1).await;
    if let Some(code) = answer.body["completion"]["code"].as_str() {
        app.redeem(code).await;
        app.redeem(code).await;
    }
}

/// Every call of a flow is answered with an error that has all in it that was sent, and that should have come back.
async fn echo(by: impl AsyncFn(&TestApp)) {
    let mut app = TestApp::with(setup).await;
    app.start_cold().await;
    app.calls.set(None);
    app.calls.take();
    by(&app).await;
    let calls: Vec<_> = app.calls.peek().into_iter().filter(|call| call.function.is_some()).collect();
    Canaries::of(&app).turn_up_nowhere(&app).await;
    let mut tried = 0;
    for call in calls {
        let statuses: &[u16] = if call.service == "provider" { &[200, 400, 401, 500] } else { &[400] };
        for status in statuses {
            app.delete_items_of("").await;
            app.forget();
            app.start_cold().await;
            let (request, number) = call.number;
            let (fault, lasting) = (Fault::Echo(*status), Lasting::Call);
            app.calls.set(Some(Trap { request, call: number, service: call.service, fault, lasting }));
            by(&app).await;
            assert!(app.calls.has_struck(), "{status} at {call:?}");
            Canaries::of(&app).turn_up_nowhere(&app).await;
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
}

#[tokio::test]
async fn an_error_that_echoes_secrets_by_password_shows_none() {
    echo(async |app| by_password(app, PASSWORD).await).await;
}

#[tokio::test]
async fn an_error_that_echoes_secrets_by_redirect_shows_none() {
    echo(by_redirect).await;
}

#[tokio::test]
async fn a_call_that_waits_in_vain_writes_nothing_down() {
    for service in ["provider", "dynamodb"] {
        let app = TestApp::with(|app| {
            setup(app);
            app.budget = Duration::from_millis(600);
        })
        .await;
        by_password(&app, PASSWORD).await;
        app.calls.take();
        // Of a submit on a warm instance the second call is the provider's, and the third the directory's.
        let call = if service == "provider" { 1 } else { 3 };
        app.calls.set(Some(Trap { request: 1, call, service, fault: Fault::Silence, lasting: Lasting::Request }));
        by_password(&app, PASSWORD).await;
        assert!(app.calls.has_struck(), "{service}");
        Canaries::of(&app).turn_up_nowhere(&app).await;
    }
}

#[tokio::test]
async fn what_is_sent_on_any_way_in_turns_up_nowhere() {
    let app = TestApp::with(|app| {
        setup(app);
        app.take_client_secret(CLIENT_SECRET);
    })
    .await;
    for secret in [CLIENT_SECRET, "canary of a wrong secret"] {
        let body = TestApp::start_body();
        let start = app.start_with("migrate-from-keycloak", &[basic("demo", secret)], &body).await;
        if secret != CLIENT_SECRET {
            assert_eq!(start.code(), "invalid_client");
            continue;
        }
        let session = TestSession::of(&start.body);
        let wrong = session.submit(&app, &key(0xCA9A_0001), &data(EMAIL, "canary of a wrong password")).await;
        let (session, first) = (session.after(&wrong), session);
        let done = session.submit(&app, &key(0xCA9A_0002), &data(EMAIL, PASSWORD)).await;
        // Again, with another key, and with a token that was rotated away.
        session.submit(&app, &key(0xCA9A_0002), &data(EMAIL, PASSWORD)).await;
        session.submit(&app, &key(0xCA9A_0003), &data(EMAIL, PASSWORD)).await.expect_refused();
        first.view(&app).await;
        let code = done.body["completion"]["code"].as_str().unwrap();
        for secret in ["canary of a wrong secret", CLIENT_SECRET, CLIENT_SECRET] {
            app.redeem_with(&[("code", code), ("client_secret", secret)]).await;
        }
        app.redeem_with(&[("code", code), ("client_secret", CLIENT_SECRET), ("code_verifier", &"canary".repeat(10))])
            .await;
    }
    let test_user = json!({ "username": EMAIL, "password": PASSWORD });
    for admin in [ADMIN, "canary of an impostor"] {
        app.post("/v1/connectors/keycloak/test", Some(admin), &json!({ "test_user": test_user })).await;
    }
    let found = Canaries::of(&app);
    for kind in ["a client's secret", "a connector's secret", "a stored secret", "a part of a stored secret"] {
        assert!(found.kinds.contains(&kind), "{kind}");
    }
    found.turn_up_nowhere(&app).await;
}

#[tokio::test]
async fn what_is_sent_out_of_place_is_not_written_down() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let (submit, token) = (format!("/v1/sessions/{}/steps/ask", session.id), Some(session.token.as_str()));
    let right = submission(1, &key(1), &data(EMAIL, PASSWORD));
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    for body in [
        with("turn", json!(MISPLACED)),
        with("key", json!(format!("{MISPLACED}!"))),
        with("option", json!(MISPLACED)),
        with("option", json!({ MISPLACED: 1 })),
        with("data", json!(MISPLACED)),
        with("data", json!({ "password": [MISPLACED] })),
        with("data", json!({ "password": MISPLACED.repeat(300) })),
        with("data", json!({ MISPLACED: "x" })),
        with(MISPLACED, json!(1)),
        json!(MISPLACED),
    ] {
        app.post(&submit, token, &body).await.expect_refused();
    }
    session.submit(&app, &key(2), &data(EMAIL, MISPLACED)).await.expect(200);
    let mut start = TestApp::start_body();
    for name in ["client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "response_type"] {
        let before = start["request"][name].clone();
        start["request"][name] = json!([MISPLACED]);
        app.try_start("migrate-from-keycloak", &start).await.expect_refused();
        start["request"][name] = before;
    }
    start["params"] = json!({ "plan": [MISPLACED] });
    app.try_start("migrate-from-keycloak", &start).await.expect_refused();
    for path in [
        format!("/v1/sessions/{MISPLACED}"),
        format!("/v1/sessions/ses_{MISPLACED}"),
        format!("/v1/callback/{MISPLACED}?code=1&state=2"),
        format!("/v1/callback/keycloak?code={MISPLACED}&state=ses_1.{MISPLACED}"),
        format!("/v1/callback/keycloak?error={MISPLACED}&error_description={MISPLACED}&state={MISPLACED}"),
        format!("/{MISPLACED}?token={MISPLACED}"),
    ] {
        app.get(&path, Some(MISPLACED)).await.expect_refused();
    }
    for form in [
        [("grant_type", MISPLACED), ("code", MISPLACED), ("client_id", "demo")],
        [("grant_type", "authorization_code"), ("code", MISPLACED), ("client_id", MISPLACED)],
        [(MISPLACED, "authorization_code"), ("code_verifier", MISPLACED), ("client_secret", MISPLACED)],
    ] {
        app.post_form("/oauth2/token", &form).await.expect_refused();
    }
    for header in [AUTHORIZATION, ORIGIN, CONTENT_TYPE] {
        for value in [MISPLACED.to_owned(), format!("Basic {MISPLACED}"), format!("Digest {MISPLACED}")] {
            let request = Request::post("/v1/journeys/migrate-from-keycloak/start").header(header.clone(), value);
            app.send(request.body(Body::from(MISPLACED)).unwrap()).await.expect_refused();
        }
    }
    let draft = json!({ "connector": { "id": "draft", "provider": "keycloak", "name": "Draft", "settings": { MISPLACED: MISPLACED },
        "client": { "id": "landfall", "secret": MISPLACED }, "methods": {} } });
    app.post("/v1/connectors/test", Some(ADMIN), &draft).await.expect_refused();

    let misplaced = Spelled::of("what was misplaced", MISPLACED);
    app.lines().iter().for_each(|line| misplaced.is_not_in(&line.to_string()));
    app.all_items().await.iter().for_each(|item| misplaced.is_not_in(&item.to_string()));
}

#[tokio::test]
async fn every_kind_of_secret_is_found_where_it_passes() {
    let app = TestApp::with(setup).await;
    app.calls.take();
    by_password(&app, PASSWORD).await;
    by_redirect(&app).await;
    let found = Canaries::of(&app);
    for kind in [
        "the administrator's token",
        "a stored secret",
        "a part of a stored secret",
        "a typed password",
        "a submit's key",
        "a client's PKCE verifier",
        "a password that was sent on",
        "a connector's secret",
        "a provider's code",
        "our PKCE verifier",
        "a provider's access token",
        "a provider's refresh token",
        "a provider's ID token",
        "a session token",
        "our code",
        "resume",
        "state",
        "nonce",
        "our access token",
        "our ID token",
    ] {
        assert!(found.kinds.contains(&kind), "{kind}");
    }
    found.turn_up_nowhere(&app).await;
}

/// A session's attribute, as it is stored: 32 bytes in base64, or nothing.
async fn hash_of(app: &TestApp, session: &TestSession, name: &str) -> Option<usize> {
    let item = app.items_of(&format!("SESSION#{}", session.id)).await.remove(0);
    item[name]["B"].as_str().map(|bytes| STANDARD.decode(bytes).unwrap().len())
}

#[tokio::test]
async fn nothing_stored_or_logged_on_the_way_opens_a_login() {
    let app = TestApp::with(setup).await;
    let nowhere = async || Canaries::of(&app).turn_up_nowhere(&app).await;
    let first = app.start("migrate-from-keycloak").await;
    let wrong = first.submit(&app, &key(0xCA9A_0001), &data(EMAIL, "canary of a wrong password")).await.expect(200);
    nowhere().await;
    let second = first.after(&wrong);
    let done = second.submit(&app, &key(0xCA9A_0002), &data(EMAIL, PASSWORD)).await.expect(200);
    let login = Login::of(&second, &done);
    nowhere().await;
    for name in ["token", "answered_token", "answered_key", "code"] {
        assert_eq!(hash_of(&app, &login.session, name).await, Some(32), "{name}");
    }

    let away = Away::new(&app).await;
    nowhere().await;
    for name in ["redirect_state", "token"] {
        assert_eq!(hash_of(&app, &away.session, name).await, Some(32), "{name}");
    }
    let back = Browser::default().come_back(&away.url, "ada", PASSWORD).await;
    let arrived = app.arrive(&back).await;
    nowhere().await;
    assert_eq!(hash_of(&app, &away.session, "resume_key").await, Some(32));
    let onward = form(arrived.header("location").split_once('?').unwrap().1);
    assert_eq!(onward.as_object().unwrap().keys().collect::<Vec<_>>(), ["resume", "session"]);
    away.session.resume(&app, &arrived.carried().1).await.expect(200);
    nowhere().await;
    let item = app.items_of(&format!("SESSION#{}", away.session.id)).await.remove(0);
    for gone in ["redirect_state", "state_by", "returned", "resume_key", "resume_until"] {
        assert_eq!(item[gone], Value::Null, "{gone}");
    }
    // Nor is it said who it was, where everything is read by many.
    assert!(!app.logs().contains(EMAIL));
    assert!(app.items().await.keys().all(|at| !at.contains("example.org")));
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret = Spelled::of("a password", PASSWORD);
    let inner = json!({ "said": PASSWORD }).to_string();
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("password", PASSWORD).finish();
    let hex: String = PASSWORD.bytes().map(|byte| format!("{byte:02X}")).collect();
    for (before, after) in [("", ""), ("a", "bc"), ("ab", "c"), ("abc", "")] {
        let whole = format!("{before}{PASSWORD}{after}");
        for text in [
            STANDARD.encode(&whole),
            URL_SAFE_NO_PAD.encode(&whole),
            format!("{:?}", whole.as_bytes()),
            format!("{whole:?}"),
            whole,
        ] {
            assert!(secret.is_in(&text), "{text}");
        }
    }
    for text in [inner.clone(), json!({ "reason": inner }).to_string(), form, hex.to_lowercase(), hex] {
        assert!(secret.is_in(&text), "{text}");
    }
    assert!(!secret.is_in("canary"));
}
