//! Whoever wants our issuer's codes and tokens without being the one they are for.

use axum::http::header::LOCATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use domain::{Client, Clock, Entropy, SeededEntropy};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use landfall::demo::{EMAIL, PASSWORD, REDIRECT_URI};
use landfall_tests::{TestApp, VERIFIER};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokens::grants::challenge_of;
use tokens::{Expected, KeyKind, Ring, TokenKind, VerifyError, verify};

use crate::witness::Witness;

const JOURNEY: &str = "migrate-from-keycloak";

#[tokio::test]
async fn a_redirect_uri_that_is_not_exactly_the_registered_one_is_refused_in_every_spelling() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for uri in [
        // Somebody else's host that looks like the client's.
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
async fn a_redirect_uri_that_is_missing_or_no_text_is_refused() {
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
async fn a_stolen_code_without_its_verifier_gives_no_tokens_and_stays_good_for_its_owner() {
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

/// Another application, with all that the demo's has.
async fn add_client(app: &TestApp, id: &str) {
    let demo = app.store.get_client(&app.context(), &"demo".parse().unwrap()).await.unwrap().unwrap();
    app.save(Client { id: id.parse().unwrap(), ..demo }).await;
}

#[tokio::test]
async fn a_code_redeemed_twice_gives_tokens_once_and_revokes_its_session() {
    let app = TestApp::new().await;
    add_client(&app, "other").await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    app.redeem(&login.code).await.expect(200);
    let revoked = async || app.items().await[&format!("SESSION#{}", login.session.id)].get("revoked").is_some();
    assert!(!revoked().await);

    let again = app.redeem(&login.code).await;

    assert_eq!((again.status.as_u16(), again.code(), revoked().await), (400, "invalid_grant", true));
    let reused = app.events("code_reused");
    assert_eq!(reused.len(), 1);
    assert_eq!((&reused[0]["session"], &reused[0]["level"]), (&json!(login.session.id), &json!("WARN")));
    // Whoever it is who shows a spent code, at whichever client: the code is in two hands.
    let mut witness = Witness::of(&app, &[&login.code]).await;
    let other = app.redeem_with(&[("code", &login.code), ("client_id", "other")]).await;
    witness.refused(&other, 400, "invalid_grant").await;
    assert_eq!(app.events("code_reused").len(), 2);
}

#[tokio::test]
async fn a_code_redeemed_twice_at_the_same_time_gives_tokens_once() {
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
async fn a_code_at_another_client_or_redirect_uri_is_refused_and_stays_good_for_its_owner() {
    let app = TestApp::with(|setup| {
        setup.client = |mut client| {
            client.redirect_uris.push("https://demo.example/elsewhere".into());
            client
        };
    })
    .await;
    add_client(&app, "other").await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code, &login.session.token]).await;

    for (name, value, status, code) in [
        ("client_id", "other", 400, "invalid_grant"),
        ("client_id", "nobody", 401, "invalid_client"),
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
async fn a_code_that_is_guessed_altered_or_of_another_session_gives_no_tokens() {
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
async fn a_parameter_of_the_token_request_that_is_there_twice_is_refused() {
    let app = TestApp::new().await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[&login.code]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo"),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("code", &login.code),
    ];
    for twice in form {
        let answer = app.post_form("/oauth2/token", &[&form[..], &[twice]].concat()).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
}

/// The tokens of a login, and what an application would verify them with.
struct Issued {
    app: TestApp,
    id_token: String,
    access_token: String,
}

impl Issued {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let login = app.log_in(EMAIL, PASSWORD).await;
        let answer = app.redeem(&login.code).await.expect(200);
        let token = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        Self { id_token: token("id_token"), access_token: token("access_token"), app }
    }

    /// Verifies as somebody who expects this issuer's token of this kind for themselves.
    fn verify_for(&self, token: &str, kind: TokenKind, issuer: &str, audience: &str) -> Result<(), VerifyError> {
        let expected = Expected { kind, issuer, audience };
        verify(token, &self.app.keys.public(self.app.clock.now()).unwrap(), &expected, self.app.clock.now()).map(drop)
    }

    /// Verifies as the application does.
    fn verify(&self, id_token: &str) -> Result<(), VerifyError> {
        self.verify_for(id_token, TokenKind::IdToken, ISSUER, "demo")
    }

    fn kid(&self) -> String {
        part(&self.id_token, 0)["kid"].as_str().unwrap().to_owned()
    }
}

const ISSUER: &str = "https://id.example.com";

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn an_access_token_is_no_id_token_nor_the_reverse() {
    let issued = Issued::new().await;
    let (id, access) = (&issued.id_token, &issued.access_token);
    let id_token = |token, audience| issued.verify_for(token, TokenKind::IdToken, ISSUER, audience);
    let access_token = |token, audience| issued.verify_for(token, TokenKind::AccessToken, ISSUER, audience);

    assert_eq!((id_token(id, "demo"), access_token(access, ISSUER)), (Ok(()), Ok(())));
    for audience in ["demo", ISSUER] {
        assert_eq!(id_token(access, audience), Err(VerifyError::Type));
        assert_eq!(access_token(id, audience), Err(VerifyError::Type));
    }
    // An access token with the other type in its header is no longer what was signed.
    let mut header = part(access, 0);
    header["typ"] = json!("JWT");
    let (_, rest) = access.split_once('.').unwrap();
    assert_eq!(id_token(&format!("{}.{rest}", encode(&header)), ISSUER), Err(VerifyError::Signature));
}

#[tokio::test]
async fn a_token_of_another_issuer_for_somebody_else_or_of_another_time_is_refused() {
    let issued = Issued::new().await;
    let id = &issued.id_token;
    let id_token = |issuer, audience| issued.verify_for(id, TokenKind::IdToken, issuer, audience);

    for issuer in ["https://evil.example", "https://id.example.com/", "https://ID.example.com", ""] {
        assert_eq!(id_token(issuer, "demo"), Err(VerifyError::Issuer), "{issuer}");
    }
    for audience in ["other", "Demo", "", ISSUER] {
        assert_eq!(id_token(ISSUER, audience), Err(VerifyError::Audience), "{audience}");
    }
    let lifetime = part(id, 1)["exp"].as_i64().unwrap() - part(id, 1)["iat"].as_i64().unwrap();
    issued.app.clock.advance(TimeDelta::seconds(lifetime + 59));
    assert_eq!(id_token(ISSUER, "demo"), Ok(()));
    issued.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(id_token(ISSUER, "demo"), Err(VerifyError::Expired));
    issued.app.clock.advance(TimeDelta::seconds(-lifetime - 60 - 61));
    assert_eq!(id_token(ISSUER, "demo"), Err(VerifyError::FromTheFuture));
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused_whatever_it_calls_its_algorithm() {
    let issued = Issued::new().await;
    let payload = issued.id_token.split('.').nth(1).unwrap();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "ES256"] {
        let header = encode(&json!({ "alg": algorithm, "typ": "JWT", "kid": issued.kid() }));
        for token in [format!("{header}.{payload}."), format!("{header}.{payload}"), format!("{header}.{payload}.AA")] {
            assert!(issued.verify(&token).is_err(), "{algorithm}");
        }
    }
    assert_eq!(issued.verify(""), Err(VerifyError::Malformed));
}

#[tokio::test]
async fn a_token_signed_with_our_public_key_as_a_secret_is_refused() {
    let issued = Issued::new().await;
    let jwks = issued.app.get("/oauth2/jwks", None).await.expect(200).body;
    let keys: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let point = point_of(&keys.keys[0]);
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(issued.kid());
    let claims = part(&issued.id_token, 1);
    for secret in [jwks["keys"][0].to_string().into_bytes(), jwks.to_string().into_bytes(), point, Vec::new()] {
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(issued.verify(&token), Err(VerifyError::Algorithm));
    }
}

/// An EC public key, uncompressed (SEC 1 section 2.3.3).
fn point_of(jwk: &Jwk) -> Vec<u8> {
    let AlgorithmParameters::EllipticCurve(key) = &jwk.algorithm else { panic!("our keys are EC keys") };
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    [vec![4], coordinate(&key.x), coordinate(&key.y)].concat()
}

#[tokio::test]
async fn a_token_signed_with_somebody_elses_key_is_refused_wherever_it_says_the_key_is() {
    let issued = Issued::new().await;
    let entropy = SeededEntropy::new(99);
    let theirs = Ring::generate(KeyKind::Signing, DateTime::UNIX_EPOCH, &entropy as &dyn Entropy).unwrap();
    let pem = theirs.in_force(DateTime::UNIX_EPOCH).unwrap();
    let key = EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).unwrap();
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    let claims = part(&issued.id_token, 1);
    let sign = |change: &dyn Fn(&mut Header)| {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("JWT".into());
        header.kid = Some(issued.kid());
        change(&mut header);
        issued.verify(&jsonwebtoken::encode(&header, &claims, &key).unwrap())
    };

    assert_eq!(sign(&|_| {}), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.kid = None), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.kid = Some("theirs".into())), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.kid = Some("../../dev/null".into())), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.jwk = Some(jwk.clone())), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.jku = Some("https://evil.example/jwks".into())), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.x5u = Some("https://evil.example/x5u".into())), Err(VerifyError::Signature));
}

#[tokio::test]
async fn a_token_whose_claims_were_changed_is_refused() {
    let issued = Issued::new().await;
    let [header, _, signature] = issued.id_token.split('.').collect::<Vec<_>>()[..] else {
        panic!("a JWT has 3 parts")
    };
    for (name, value) in [("sub", json!("usr_01ARZ3NDEKTSV4RRFFQ69G5FAV")), ("exp", json!(i64::MAX)), ("x", json!(1))] {
        let mut claims = part(&issued.id_token, 1);
        claims[name] = value;
        let token = format!("{header}.{}.{signature}", encode(&claims));
        assert_eq!(issued.verify(&token), Err(VerifyError::Signature), "{name}");
    }
}
