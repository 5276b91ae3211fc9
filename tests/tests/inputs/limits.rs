//! What is long or late: an error of ours comes before API Gateway's and Lambda's (the list is in `web::gateway`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Client, Clock};
use landfall_tests::functions::routes;
use landfall_tests::sent::post_json;
use landfall_tests::{Answer, Away, TestApp, TestSession, event, submission};
use serde_json::{Value, json};

use crate::refusal::{changed, refuse};

/// What API Gateway passes on of a request line and its headers, and less than it passes on of an answer's.
const HEADERS: usize = 10_240;

const START: &str = "/v1/journeys/migrate-from-keycloak/start";

/// The events of success, each with its function and route.
fn events() -> Vec<(&'static str, String, Value)> {
    let names = [
        "journey-start/start",
        "step-submit/submit",
        "step-submit/resume",
        "step-submit/view",
        "oidc-callback/query",
        "oidc-callback/form",
        "oidc-callback/notification",
        "oidc-callback/deletion-page",
        "connector-test/saved",
        "connector-test/draft",
        "issuer/token",
        "issuer/jwks",
    ];
    let found: Vec<_> = names
        .into_iter()
        .map(|name| {
            let event = event(&format!("{name}.success.v2"));
            (name.split_once('/').unwrap().0, event["routeKey"].as_str().unwrap().to_owned(), event)
        })
        .collect();
    let mut there: Vec<_> = found.iter().map(|(function, route, _)| (*function, route.clone())).collect();
    let mut all: Vec<_> = routes().into_iter().map(|route| (route.function, route.key())).collect();
    there.sort();
    all.sort();
    assert_eq!(there, all);
    found
}

#[tokio::test]
async fn every_route_refuses_or_ignores_an_oversized_body() {
    let app = TestApp::new().await;
    for (function, route, mut event) in events() {
        let without = app.invoke(function, &event).await;
        // A body is no larger for being encoded.
        let sizes = [(64 * 1024 + 1, false), (64 * 1024 + 1, true), (4 << 20, true)];
        for (size, is_base64) in sizes {
            let body = " ".repeat(size);
            event["body"] = json!(if is_base64 { STANDARD.encode(body) } else { body });
            event["isBase64Encoded"] = json!(is_base64);
            let answer = app.invoke(function, &event).await;
            let logged = app.events("request").pop().unwrap();
            let told = (answer.status.as_u16(), logged["code"].as_str());
            match route.as_str() {
                "POST /oauth2/token" => assert_eq!(told, (400, Some("invalid_request")), "{route}"),
                route if route.starts_with("POST") => assert_eq!(told, (413, Some("body_too_large")), "{route}"),
                _ => assert_eq!(answer.status, without.status, "{route}"),
            }
        }
    }
}

#[tokio::test]
async fn a_registered_redirect_uri_too_long_for_headers_is_refused() {
    fn of_length(length: usize) -> String {
        format!("https://demo.example/{}", "a".repeat(length - "https://demo.example/".len()))
    }
    let app = TestApp::with(|setup| {
        setup.client = |client| Client { redirect_uris: vec![of_length(2048), of_length(2049)], ..client };
    })
    .await;
    let start = |uri: String| changed(TestApp::start_body(), "/request/redirect_uri", Some(json!(uri)));
    let too_long = start(of_length(2049)).to_string();
    assert_eq!(refuse(&app, post_json(START, None, too_long)).await, "400 invalid_redirect_uri");

    let longest = app.try_start("sign-in-with-keycloak", &start(of_length(2048))).await.expect(201);
    let away = Away::after(&TestSession::of(&longest.body), &longest);
    let answer = app.arrive(&away.back().await).await;
    answer.carried();
    let size: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    assert!(size < HEADERS / 2, "{size}");
}

#[tokio::test]
async fn the_longest_start_is_answered_shortly() {
    let app = TestApp::new().await;
    let mut body = TestApp::start_body();
    for name in ["scope", "nonce", "login_hint", "ui_locales"] {
        body["request"][name] = json!("\u{e4}".repeat(512));
    }
    let answer = app.try_start("sign-in-with-keycloak", &body).await.expect(201);
    // The provider's front may be one that passes on no more than API Gateway does.
    assert!(answer.redirect_url().len() < HEADERS, "{}", answer.redirect_url().len());
    assert!(answer.text.len() < 16 * 1024, "{}", answer.text.len());
}

#[tokio::test]
async fn a_body_of_64_kilobytes_is_read_encoded_or_not() {
    let app = TestApp::new().await;
    let mut event = event("journey-start/start.success.v2");
    let text = event["body"].as_str().unwrap().to_owned();
    let padded = format!("{text}{}", " ".repeat(64 * 1024 - text.len()));
    for (body, is_base64) in [(padded.clone(), false), (STANDARD.encode(padded), true)] {
        event["body"] = json!(body);
        event["isBase64Encoded"] = json!(is_base64);
        app.invoke("journey-start", &event).await.expect(201);
    }
}

/// As many mistakes as a body has room for.
#[tokio::test]
async fn a_body_full_of_mistakes_is_answered_shortly() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let names = (0..5500).map(|number| (format!("{number:x}"), json!(0)));
    let full: serde_json::Map<_, _> = names.collect();
    let start = changed(TestApp::start_body(), "/params", Some(Value::Object(full.clone())));
    let texts = full.into_iter().map(|(name, _)| (name, json!("")));
    let data: serde_json::Map<_, _> = texts.collect();
    let submit = submission(1, &landfall_tests::key(1), &json!(data));
    for (path, body) in [(START.to_owned(), start), (format!("/v1/sessions/{}/steps/ask", session.id), submit)] {
        assert!((40 * 1024..=64 * 1024).contains(&body.to_string().len()), "{}", body.to_string().len());
        let answer = app.post(&path, Some(&session.token), &body).await.expect(422);
        assert!(answer.body["fields"].as_array().unwrap().len() >= 5500);
        assert!(answer.text.len() < 512 * 1024, "{}", answer.text.len());
    }
}

async fn start_until(app: &TestApp, deadline: i64) -> Answer {
    let start = event("journey-start/start.success.v2");
    app.invoke_until("journey-start", &start, deadline.try_into().unwrap()).await
}

#[tokio::test]
async fn only_a_request_past_its_deadline_is_refused() {
    let app = TestApp::new().await;
    let now = app.clock.now().timestamp_millis();
    let before = app.items().await;
    for past in [0, 500, -1_000, -60_000] {
        let answer = start_until(&app, now + past).await.expect(503);
        assert_eq!((answer.code(), answer.header("retry-after")), ("unavailable", "2"), "{past}");
    }
    assert_eq!(app.items().await, before);
    // `cargo lambda watch` says 600000, whenever it is; a day is no function's time-out.
    for deadline in [0, 600_000, now + 5_000, now + 86_400_000] {
        start_until(&app, deadline).await.expect(201);
    }
}
