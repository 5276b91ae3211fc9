//! Callers that say they are an application, and are not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use chrono::TimeDelta;
use domain::{Client, DirectApi};
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::sent::{basic, post_form, token_form, with_authorization};
use landfall_tests::witness::Witness;
use landfall_tests::{Answer, Login, Setup, TestApp, TestSession, data, key};
use serde_json::{Value, json};

const JOURNEY: &str = "migrate-from-keycloak";
/// Of `demo`, and of another application.
const SECRET: &str = "the demo's own secret, with : + % & = \u{e9} in it";
const OTHER: &str = "the secret of another application";

fn with_secrets(setup: &mut Setup) {
    setup.client_secrets = [("shop", SECRET), ("other", OTHER)].into();
    setup.client = |client| Client { direct_api: DirectApi::Confidential, secret: Some("shop".into()), ..client };
}

/// An application whose `demo` has a secret, as another one has.
async fn confidential() -> TestApp {
    let app = TestApp::with(with_secrets).await;
    app.add_client("other", |client| Client { secret: Some("other".into()), ..client }).await;
    app
}

async fn start_with(app: &TestApp, values: &[impl AsRef<[u8]>], body: &Value) -> Answer {
    app.start_with(JOURNEY, values, body).await
}

/// What does not authenticate `demo`.
fn wrong_credentials() -> Vec<Vec<Vec<u8>>> {
    let right = basic("demo", SECRET);
    let token = right.strip_prefix("Basic ").unwrap();
    let raw = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let one = |value: &str| vec![value.as_bytes().to_vec()];
    let mut all: Vec<_> = [
        // The wrong secret, nearly the right one, none.
        basic("demo", "wrong"),
        basic("demo", ""),
        basic("demo", "shop"),
        basic("demo", &SECRET[..SECRET.len() - 1]),
        basic("demo", &format!("{SECRET} ")),
        basic("demo", &format!("{SECRET}\0")),
        basic("demo", &SECRET.to_uppercase()),
        // The right one of another client, and the other's right one.
        basic("other", OTHER),
        basic("demo", OTHER),
        basic("other", SECRET),
        basic("unknown", SECRET),
        basic("", SECRET),
        basic("Demo", SECRET),
        basic("demo ", SECRET),
        basic("demo\0", SECRET),
        // Ill-formed: not urlencoded, no colon, no base64, another alphabet, another scheme.
        raw(&format!("demo:{SECRET}")),
        raw("demo"),
        raw(""),
        raw(":"),
        raw("demo:"),
        format!("Basic {}", STANDARD.encode(b"demo:\xff\xfe")),
        format!("Basic {}", URL_SAFE.encode("demo:\u{3fff}\u{3fff}??>>")),
        "Basic".into(),
        "Basic ".into(),
        "Basic !".into(),
        format!("Basic {token}!"),
        format!("Basic {token}="),
        format!("Basic {token} {token}"),
        format!("Basic {token},Basic {token}"),
        token.to_owned(),
        format!("Bearer {token}"),
        format!("Bearer {SECRET}").replace('\u{e9}', "e"),
        format!("Digest {token}"),
        format!("Basic\t{token}"),
        format!("BasicBasic {token}"),
    ]
    .iter()
    .map(|value| one(value))
    .collect();
    // Two headers: whichever we took, a proxy in between may have taken the other.
    all.extend([
        vec![right.clone().into_bytes(), right.clone().into_bytes()],
        vec![right.clone().into_bytes(), basic("other", OTHER).into_bytes()],
        vec![b"Bearer x".to_vec(), right.clone().into_bytes()],
        vec![right.into_bytes(), b"Bearer x".to_vec()],
        // No text at all.
        vec![b"Basic \xff\xfe".to_vec()],
    ]);
    all
}

#[tokio::test]
async fn a_start_without_the_clients_own_credentials_starts_nothing() {
    let app = confidential().await;
    let mut witness = Witness::of(&app, &[SECRET, OTHER]).await;
    let none: [&str; 0] = [];
    let answer = start_with(&app, &none, &TestApp::start_body()).await;
    witness.refused(&answer, 401, "invalid_client").await;
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"landfall\"");
    for values in wrong_credentials() {
        println!("{:?}", values.iter().map(|value| String::from_utf8_lossy(value)).collect::<Vec<_>>());
        let answer = start_with(&app, &values, &TestApp::start_body()).await;
        witness.refused(&answer, 401, "invalid_client").await;
    }
    // In the body or the query, where a start does not look for them.
    let mut body = TestApp::start_body();
    body["request"]["client_secret"] = json!(SECRET);
    let answer = app.try_start(JOURNEY, &body).await;
    witness.refused(&answer, 401, "invalid_client").await;
    body["client_secret"] = json!(SECRET);
    let answer = app.try_start(JOURNEY, &body).await;
    witness.refused(&answer, 400, "invalid_request").await;

    for right in [basic("demo", SECRET), basic("demo", SECRET).replace("Basic", "bAsIc")] {
        start_with(&app, &[right], &TestApp::start_body()).await.expect(201);
    }
}

#[tokio::test]
async fn a_confidential_client_without_a_secret_starts_nothing() {
    let app = TestApp::with(|setup| {
        setup.client = |client| Client { direct_api: DirectApi::Confidential, secret: None, ..client };
    })
    .await;
    let mut witness = Witness::of(&app, &[SECRET]).await;
    for values in [vec![], vec![basic("demo", "")], vec![basic("demo", SECRET)]] {
        let answer = start_with(&app, &values, &TestApp::start_body()).await;
        witness.refused(&answer, 401, "invalid_client").await;
    }
}

#[tokio::test]
async fn a_client_whose_secret_is_gone_starts_nothing() {
    let app = TestApp::with(|setup| {
        with_secrets(setup);
        setup.client_secrets = [("other", OTHER)].into();
    })
    .await;
    let mut witness = Witness::of(&app, &[SECRET, OTHER]).await;
    for secret in ["", SECRET, OTHER] {
        let answer = start_with(&app, &[basic("demo", secret)], &TestApp::start_body()).await;
        witness.refused(&answer, 500, "internal").await;
    }
}

#[tokio::test]
async fn a_public_client_that_shows_credentials_is_refused() {
    let app = TestApp::with(|setup| setup.client_secrets = [("demo", SECRET)].into()).await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[SECRET, &login.code]).await;
    for value in [basic("demo", SECRET), basic("demo", ""), basic("other", SECRET), "Basic x".into()] {
        let answer = start_with(&app, &[&value], &TestApp::start_body()).await;
        witness.refused(&answer, 401, "invalid_client").await;
        let answer = redeem_with(&app, &login.code, &[&value], &[("client_id", "demo")]).await;
        witness.refused(&answer, 401, "invalid_client").await;
    }
    let answer = app.redeem_with(&[("code", &login.code), ("client_secret", SECRET)]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn only_an_authenticated_client_says_who_its_user_is() {
    let end_user = json!({ "ip": "203.0.113.7", "user_agent": "x" });
    let mut body = TestApp::start_body();
    body["end_user"] = end_user.clone();
    let none: [&str; 0] = [];

    // A public client, and one that has a secret and need not show it here.
    for secret in [None, Some("shop".to_owned())] {
        let app = TestApp::with(with_secrets).await;
        app.change_client(|demo| Client { direct_api: DirectApi::Public, secret: secret.clone(), ..demo }).await;
        let mut witness = Witness::of(&app, &[SECRET]).await;

        let answer = start_with(&app, &none, &body).await;
        witness.refused(&answer, 403, "client_not_allowed").await;
        for values in [basic("demo", "wrong"), basic("other", OTHER)] {
            let answer = start_with(&app, &[values], &body).await;
            witness.refused(&answer, 401, "invalid_client").await;
        }
        if secret.is_some() {
            start_with(&app, &none, &TestApp::start_body()).await.expect(201);
            start_with(&app, &[basic("demo", SECRET)], &body).await.expect(201);
        }
    }

    let app = confidential().await;
    let mut witness = Witness::of(&app, &[SECRET]).await;
    let answer = start_with(&app, &none, &body).await;
    witness.refused(&answer, 401, "invalid_client").await;
    for bad in [
        json!({}),
        json!({ "ip": "" }),
        json!({ "ip": "localhost" }),
        json!({ "ip": "203.0.113.7:80" }),
        json!({ "ip": "203.0.113.7, 10.0.0.1" }),
        json!({ "ip": 7 }),
        json!({ "ip": "203.0.113.7", "email": EMAIL }),
        json!([]),
        json!("203.0.113.7"),
    ] {
        println!("{bad}");
        body["end_user"] = bad;
        let answer = start_with(&app, &[basic("demo", SECRET)], &body).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
    body["end_user"] = end_user;
    let start = start_with(&app, &[basic("demo", SECRET)], &body).await.expect(201);
    assert!(!start.text.contains("203.0.113.7") && !app.logs().contains("203.0.113.7"));
}

// The token endpoint.

async fn redeem_with(app: &TestApp, code: &str, values: &[impl AsRef<[u8]>], more: &[(&str, &str)]) -> Answer {
    let form = [&token_form(code, &[("client_id", "")]), more].concat();
    let request = post_form("/oauth2/token", serde_urlencoded::to_string(form).unwrap());
    app.send(with_authorization(request, values)).await
}

async fn log_in_as_a_backend(app: &TestApp) -> Login {
    let start = start_with(app, &[basic("demo", SECRET)], &TestApp::start_body()).await.expect(201);
    let session = TestSession::of(&start.body);
    let answer = session.submit(app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    Login::of(&session, &answer)
}

#[tokio::test]
async fn a_confidential_clients_code_needs_its_credentials() {
    let app = confidential().await;
    let login = log_in_as_a_backend(&app).await;
    let code = login.code.as_str();
    let mut witness = Witness::of(&app, &[SECRET, OTHER, code, &login.session.token]).await;
    let (none, demo): ([&str; 0], _) = ([], ("client_id", "demo"));

    // None; those of the form, wrong and of another.
    let answer = redeem_with(&app, code, &none, &[demo]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    for secret in ["", "wrong", OTHER, &SECRET[1..], &format!("{SECRET} "), &SECRET.to_uppercase()] {
        let answer = redeem_with(&app, code, &none, &[demo, ("client_secret", secret)]).await;
        witness.refused(&answer, 401, "invalid_client").await;
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"landfall\"");
    }
    // The header.
    for values in wrong_credentials() {
        println!("{:?}", values.iter().map(|value| String::from_utf8_lossy(value)).collect::<Vec<_>>());
        let answer = redeem_with(&app, code, &values, &[demo]).await;
        witness.refused(&answer, 401, "invalid_client").await;
    }
    // Whole and right, but of another client: the code is not theirs.
    let answer = redeem_with(&app, code, &[basic("other", OTHER)], &[]).await;
    witness.refused(&answer, 400, "invalid_grant").await;
    let answer = redeem_with(&app, code, &none, &[("client_id", "other"), ("client_secret", OTHER)]).await;
    witness.refused(&answer, 400, "invalid_grant").await;
    // One client in the header, another in the form.
    let answer = redeem_with(&app, code, &[basic("other", OTHER)], &[demo]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    let answer = redeem_with(&app, code, &[basic("demo", SECRET)], &[("client_id", "other")]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    // Both ways at once, right or not (RFC 6749 section 2.3).
    for (header, form) in [(SECRET, SECRET), (SECRET, "wrong"), ("wrong", SECRET), ("wrong", "wrong")] {
        let answer = redeem_with(&app, code, &[basic("demo", header)], &[demo, ("client_secret", form)]).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
    // A secret that is there twice.
    let answer = redeem_with(&app, code, &none, &[demo, ("client_secret", SECRET), ("client_secret", SECRET)]).await;
    witness.refused(&answer, 400, "invalid_request").await;
    // In the query, where it would be logged on its way.
    let query = serde_urlencoded::to_string([("client_id", "demo"), ("client_secret", SECRET)]).unwrap();
    let form = token_form(code, &[("client_id", "")]);
    let answer = app.post_form(&format!("/oauth2/token?{query}"), &form).await;
    witness.refused(&answer, 400, "invalid_request").await;

    redeem_with(&app, code, &[basic("demo", SECRET)], &[]).await.expect(200);
    for form in [&[demo][..], &[]] {
        let login = log_in_as_a_backend(&app).await;
        redeem_with(&app, &login.code, &[basic("demo", SECRET)], form).await.expect(200);
    }
    let login = log_in_as_a_backend(&app).await;
    redeem_with(&app, &login.code, &none, &[demo, ("client_secret", SECRET)]).await.expect(200);
}

#[tokio::test]
async fn a_public_client_with_a_secret_needs_it_to_redeem() {
    let app = TestApp::with(|setup| {
        with_secrets(setup);
        setup.client = |client| Client { secret: Some("shop".into()), ..client };
    })
    .await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let mut witness = Witness::of(&app, &[SECRET, &login.code]).await;
    let answer = app.redeem(&login.code).await;
    witness.refused(&answer, 401, "invalid_client").await;
    app.redeem_with(&[("code", &login.code), ("client_secret", SECRET)]).await.expect(200);
}

#[tokio::test]
async fn a_deleted_client_is_stopped_within_a_minute() {
    let app = confidential().await;
    let login = log_in_as_a_backend(&app).await;
    let none: [&str; 0] = [];
    app.delete_client("demo").await;

    app.clock.advance(TimeDelta::seconds(60));
    let mut witness = Witness::of(&app, &[SECRET, &login.code]).await;
    let answer = start_with(&app, &[basic("demo", SECRET)], &TestApp::start_body()).await;
    witness.refused(&answer, 400, "unknown_client").await;
    let answer = redeem_with(&app, &login.code, &[basic("demo", SECRET)], &[]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    let answer = redeem_with(&app, &login.code, &none, &[("client_id", "demo"), ("client_secret", SECRET)]).await;
    witness.refused(&answer, 401, "invalid_client").await;
    // Nor does another application redeem what is left of it.
    let answer = redeem_with(&app, &login.code, &[basic("other", OTHER)], &[]).await;
    witness.refused(&answer, 400, "invalid_grant").await;
}
