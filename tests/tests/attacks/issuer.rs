//! Codes and tokens of our issuer in the wrong hands.

use axum::http::header::LOCATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD, REDIRECT_URI};
use landfall_tests::sent::token_form;
use landfall_tests::witness::Witness;
use landfall_tests::{TestApp, VERIFIER};
use serde_json::{Value, json};
use tokens::grants::challenge_of;

const JOURNEY: &str = "migrate-from-keycloak";

#[tokio::test]
async fn a_redirect_uri_in_another_spelling_is_refused() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for uri in [
        // An attacker's host that looks like the client's.
        "https://demo.example.evil.example/signed-in",
        "https://evil-demo.example/signed-in",
        "https://evil.example/signed-in",
        "https://evil.example/https://demo.example/signed-in",
        "https://d\u{435}mo.example/signed-in",
        "https://demo.example./signed-in",
        "https://*.example/signed-in",
        "https://*/signed-in",
        "*",
        // Userinfo.
        "https://demo.example@evil.example/signed-in",
        "https://demo.example:443@evil.example/signed-in",
        "https://evil.example@demo.example/signed-in",
        // Backslashes and slashes, which browsers and parsers read differently.
        "https://evil.example\\@demo.example/signed-in",
        "https:\\\\demo.example\\signed-in",
        "https://demo.example\\signed-in",
        "//demo.example/signed-in",
        "https:/demo.example/signed-in",
        "https:///demo.example/signed-in",
        "https://demo.example//signed-in",
        "/signed-in",
        // The path: suffix, sub-path, trailing slash, dots.
        "https://demo.example/signed-in-too",
        "https://demo.example/signed-in/evil",
        "https://demo.example/signed-in/",
        "https://demo.example/signed-in/.",
        "https://demo.example/./signed-in",
        "https://demo.example/x/../signed-in",
        "https://demo.example/x/%2e%2e/signed-in",
        "https://demo.example/%2e/signed-in",
        "https://demo%2eexample/signed-in",
        "https://demo.example/signed%2din",
        "https://demo.example/signed-i%6e",
        "https://demo.example/signed-in;evil",
        "https://demo.example/*",
        "https://demo.example/",
        "https://demo.example",
        // Fragment and query, empty ones included.
        "https://demo.example/signed-in#evil",
        "https://demo.example/signed-in#",
        "https://demo.example/signed-in?to=evil",
        "https://demo.example/signed-in?",
        // Another port, even the default one; another scheme.
        "https://demo.example:443/signed-in",
        "https://demo.example:8443/signed-in",
        "https://demo.example:/signed-in",
        "http://demo.example/signed-in",
        "javascript:alert(1)//https://demo.example/signed-in",
        "data:text/html,https://demo.example/signed-in",
        // Case.
        "HTTPS://demo.example/signed-in",
        "https://DEMO.example/signed-in",
        "https://demo.example/Signed-In",
        // Blanks and control characters, which URL parsers take away.
        " https://demo.example/signed-in",
        "https://demo.example/signed-in ",
        "https://demo.example/signed-in\n",
        "https://demo.example/\tsigned-in",
        "https://demo.example/signed-in\0",
        // Two at once.
        "https://demo.example/signed-in https://evil.example/",
        "https://demo.example/signed-in,https://evil.example/",
        "",
    ] {
        println!("{uri:?}");
        let mut body = TestApp::start_body();
        body["request"]["redirect_uri"] = json!(uri);

        let answer = app.try_start(JOURNEY, &body).await;

        witness.refused(&answer, 400, "invalid_redirect_uri").await;
        assert!(!answer.headers.contains_key(LOCATION));
        assert!(!answer.body.to_string().contains("example"), "{:#}", answer.body);
    }
}

#[tokio::test]
async fn a_redirect_uri_missing_or_no_text_is_refused() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for uri in [json!(null), json!([REDIRECT_URI]), json!({ "0": REDIRECT_URI }), json!(1)] {
        let mut body = TestApp::start_body();
        body["request"]["redirect_uri"] = uri;
        let answer = app.try_start(JOURNEY, &body).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
    let mut body = TestApp::start_body();
    body["request"].as_object_mut().unwrap().remove("redirect_uri");
    let answer = app.try_start(JOURNEY, &body).await;
    witness.refused(&answer, 400, "invalid_request").await;
}

#[tokio::test]
async fn a_start_without_a_real_code_challenge_is_refused() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    let challenge = challenge_of(VERIFIER);
    for (challenge, method) in [
        (json!(VERIFIER), json!("plain")),
        (json!(challenge), json!("plain")),
        // Without a method it is `plain` (RFC 7636 section 4.3).
        (json!(challenge), json!(null)),
        (json!(challenge), json!("")),
        (json!(challenge), json!("s256")),
        (json!(challenge), json!("S512")),
        (json!(null), json!("S256")),
        (json!(null), json!(null)),
        (json!(""), json!("S256")),
        (json!(challenge[1..]), json!("S256")),
        (json!(format!("{challenge}A")), json!("S256")),
        (json!(format!("{challenge}=")), json!("S256")),
        (json!(format!("{}+", &challenge[1..])), json!("S256")),
        (json!(VERIFIER), json!("S256")),
    ] {
        println!("{challenge} {method}");
        let mut body = TestApp::start_body();
        body["request"]["code_challenge"] = challenge;
        body["request"]["code_challenge_method"] = method;

        let answer = app.try_start(JOURNEY, &body).await;

        witness.refused(&answer, 400, "pkce_required").await;
    }
}

#[tokio::test]
async fn a_stolen_code_without_its_verifier_gives_no_tokens() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code, &login.session.token]).await;
    let (challenge, other) = (challenge_of(VERIFIER), "b".repeat(43));
    for (verifier, code) in [
        ("", "invalid_request"),
        (&VERIFIER[..42], "invalid_request"),
        (&"a".repeat(129), "invalid_request"),
        (&"\u{e4}".repeat(43), "invalid_request"),
        (&format!("{VERIFIER}\0"), "invalid_request"),
        (other.as_str(), "invalid_grant"),
        // The challenge travelled through the browser; as `plain` it would be the verifier.
        (challenge.as_str(), "invalid_grant"),
        (&VERIFIER.to_uppercase(), "invalid_grant"),
        (&VERIFIER[..VERIFIER.len() - 1], "invalid_grant"),
        (&format!("{VERIFIER}x"), "invalid_grant"),
    ] {
        println!("{verifier:?}");
        let answer = app.redeem_with(&[("code", &login.code), ("code_verifier", verifier)]).await;
        witness.refused(&answer, 400, code).await;
    }
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_code_redeemed_twice_revokes_its_session() {
    let app = TestApp::new().await;
    app.add_client("other", |client| client).await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    app.redeem(&login.code).await.expect(200);
    let revoked = async || app.items().await[&format!("SESSION#{}", login.session.id)].get("revoked").is_some();
    assert!(!revoked().await);

    let again = app.redeem(&login.code).await;

    assert_eq!((again.status.as_u16(), again.code(), revoked().await), (400, "invalid_grant", true));
    let reused = app.events("code_reused");
    assert_eq!(reused.len(), 1);
    assert_eq!((&reused[0]["session"], &reused[0]["level"]), (&json!(login.session.id), &json!("WARN")));
    // A spent code is in two hands, whichever client shows it.
    let mut witness = Witness::of(&app, &[&login.code]).await;
    let other = app.redeem_with(&[("code", &login.code), ("client_id", "other")]).await;
    witness.refused(&other, 400, "invalid_grant").await;
    assert_eq!(app.events("code_reused").len(), 2);
}

#[tokio::test]
async fn a_code_redeemed_twice_at_once_gives_tokens_once() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;

    let (one, two, three) = tokio::join!(app.redeem(&login.code), app.redeem(&login.code), app.redeem(&login.code));

    let mut answers: Vec<_> = [one, two, three].map(|answer| (answer.status.as_u16(), answer.code().to_owned())).into();
    answers.sort();
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(answers, [(200, String::new()), refused.clone(), refused]);
    assert_eq!(app.events("code_reused").len(), 2);
}

#[tokio::test]
async fn a_code_at_another_client_or_redirect_uri_is_refused() {
    let app = TestApp::with(|setup| {
        setup.client = |mut client| {
            client.redirect_uris.push("https://demo.example/elsewhere".into());
            client
        };
    })
    .await;
    app.add_client("other", |client| client).await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code, &login.session.token]).await;

    for (name, value, status, code) in [
        ("client_id", "other", 400, "invalid_grant"),
        ("client_id", "unknown", 401, "invalid_client"),
        ("client_id", "DEMO", 401, "invalid_client"),
        ("client_id", "demo#", 401, "invalid_client"),
        ("client_id", "", 400, "invalid_request"),
        // Also the client's, but not the one the code was asked for with.
        ("redirect_uri", "https://demo.example/elsewhere", 400, "invalid_grant"),
        ("redirect_uri", "https://demo.example/signed-in/", 400, "invalid_grant"),
        ("redirect_uri", "https://evil.example/", 400, "invalid_grant"),
        ("redirect_uri", "", 400, "invalid_request"),
    ] {
        println!("{name}={value}");
        let answer = app.redeem_with(&[("code", &login.code), (name, value)]).await;
        witness.refused(&answer, status, code).await;
    }
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_code_guessed_altered_or_of_another_session_is_refused() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.log_in(EMAIL, PASSWORD).await, app.log_in("grace@example.org", PASSWORD).await);
    let waiting = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&ada.code, &grace.code, &ada.session.token, &waiting.token]).await;
    let (session, secret) = ada.code.split_once('.').unwrap();
    let first = if secret.starts_with('A') { "B" } else { "A" };
    let zero = URL_SAFE_NO_PAD.encode([0; 32]);
    for code in [
        format!("{}.{secret}", grace.session.id),
        format!("{}.{secret}", waiting.id),
        format!("{}.{zero}", waiting.id),
        format!("{session}.{zero}"),
        format!("{session}.{first}{}", &secret[1..]),
        format!("{session}.{secret}="),
        format!("{session}."),
        session.to_owned(),
        format!("{session}.{}", ada.session.token),
        format!("{}.{secret}", session.to_lowercase()),
        format!("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.{secret}"),
        ".".into(),
    ] {
        println!("{code}");
        let answer = app.redeem(&code).await;
        witness.refused(&answer, 400, "invalid_grant").await;
    }
    let missing = app.redeem("").await;
    witness.refused(&missing, 400, "invalid_request").await;
    app.redeem(&ada.code).await.expect(200);
}

#[tokio::test]
async fn a_code_that_waited_too_long_gives_no_tokens() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    app.clock.advance(TimeDelta::minutes(2));
    let mut witness = Witness::of(&app, &[&login.code]).await;

    let answer = app.redeem(&login.code).await;

    witness.refused(&answer, 400, "invalid_grant").await;
    assert!(app.events("code_reused").is_empty());
    // Nor is it shown again.
    let view = login.session.view(&app).await.expect(200);
    assert_eq!((&view.body["status"], &view.body["completion"]["code"]), (&json!("completed"), &Value::Null));
}

#[tokio::test]
async fn another_grant_type_gives_no_tokens() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code]).await;
    for grant_type in ["password", "client_credentials", "refresh_token", "implicit", "Authorization_Code"] {
        let credentials = [("username", EMAIL), ("password", PASSWORD)];
        let form = [&[("code", login.code.as_str()), ("grant_type", grant_type)], &credentials[..]].concat();
        let answer = app.redeem_with(&form).await;
        witness.refused(&answer, 400, "unsupported_grant_type").await;
    }
}

#[tokio::test]
async fn a_token_request_with_a_parameter_twice_is_refused() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code]).await;
    let form = token_form(&login.code, &[]);
    for twice in form.clone() {
        let answer = app.post_form("/oauth2/token", &[&form[..], &[twice]].concat()).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
}
