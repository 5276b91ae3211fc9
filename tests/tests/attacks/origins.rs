//! Pages of one origin that want what is for the pages of another (Fetch standard, "CORS protocol"; RFC 6454).

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use axum::http::{Method, Request};
use chrono::TimeDelta;
use domain::Client;
use landfall::demo::{EMAIL, PASSWORD, REDIRECT_URI};
use landfall_tests::sent::{FORM, token_form};
use landfall_tests::witness::Witness;
use landfall_tests::{Answer, Away, TestApp, data, key, submission};
use serde_json::json;

const JOURNEY: &str = "migrate-from-keycloak";
const START: &str = "/v1/journeys/migrate-from-keycloak/start";
/// Where the pages of `demo` live, and those of another client.
const OWN: &str = "https://shop.example";
const OTHERS: &str = "https://other.example:8443";
const EVIL: &str = "https://evil.example";

/// Origins of no client, many of which look like one's.
const FOREIGN: &[&str] = &[
    EVIL,
    // Sandboxed frames, files, redirects across origins.
    "null",
    "NULL",
    "*",
    "https://*",
    "https://*.example",
    "",
    // Port, scheme and case: browsers write each origin in one way.
    "https://shop.example:443",
    "https://shop.example:8443",
    "https://other.example",
    "https://other.example:443",
    "http://shop.example",
    "http://shop.example:443",
    "HTTPS://shop.example",
    "https://Shop.example",
    "https://SHOP.EXAMPLE",
    "https:shop.example",
    "//shop.example",
    "shop.example",
    "wss://shop.example",
    // A slash, a path, blanks.
    "https://shop.example/",
    "https://shop.example/signed-in",
    "https://shop.example?",
    "https://shop.example#",
    "https://shop.example\\",
    "https://shop.example.",
    // Prefixes and suffixes of one that is listed, and it as one of theirs.
    "https://shop.exampl",
    "https://shop.example.evil.example",
    "https://shop.examples",
    "https://shop.example-evil.example",
    "https://shop.example@evil.example",
    "https://evil.example#https://shop.example",
    "https://evil.example?https://shop.example",
    "https://evil.example/https://shop.example",
    "https://evil-shop.example",
    "https://www.shop.example",
    "https://xshop.example",
    "https://shopxexample",
    // Several in one.
    "https://shop.example https://evil.example",
    "https://evil.example https://shop.example",
    "https://shop.example, https://evil.example",
    "https://shop.example,https://shop.example",
    "https://shop.example%00.evil.example",
    "https://shop.example%60.evil.example",
];

async fn two_clients() -> TestApp {
    let app = TestApp::with(|setup| {
        setup.client = |client| Client { origins: vec![OWN.into()], ..client };
    })
    .await;
    app.add_client("other", |client| Client { origins: vec![OTHERS.into()], ..client }).await;
    app
}

/// A request as a page of `origin` makes it.
async fn from_page(
    app: &TestApp,
    origin: &str,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: String,
) -> Answer {
    let media_type = if path == "/oauth2/token" { FORM } else { "application/json" };
    let mut request =
        Request::builder().method(method).uri(path).header(ORIGIN, origin).header(CONTENT_TYPE, media_type);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    app.send(request.body(Body::from(body)).unwrap()).await
}

async fn start_from(app: &TestApp, origin: &str) -> Answer {
    from_page(app, origin, Method::POST, START, None, TestApp::start_body().to_string()).await
}

/// Asks as a browser does before it sends something.
async fn preflight(app: &TestApp, origin: &str, path: &str) -> Answer {
    let request = Request::options(path)
        .header(ORIGIN, origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    app.send(request.body(Body::empty()).unwrap()).await
}

/// Fails if a page may read the answer, or if it would be sent with cookies.
fn unreadable(answer: &Answer) {
    for name in answer.headers.keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{name} in {:?}", answer.headers);
    }
}

/// Fails unless the pages of this one origin may read the answer.
fn readable_by(answer: &Answer, origin: &str) {
    let allowed: Vec<_> = answer.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(allowed, [origin], "{:?} {:#}", answer.headers, answer.body);
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

/// The routes that pages call.
fn routes(session: &str) -> [String; 5] {
    [
        START.to_owned(),
        format!("/v1/sessions/{session}"),
        format!("/v1/sessions/{session}/steps/ask"),
        format!("/v1/sessions/{session}/resume"),
        "/oauth2/token".to_owned(),
    ]
}

#[tokio::test]
async fn a_start_from_another_page_is_refused_and_not_readable() {
    let app = two_clients().await;
    let mut witness = Witness::of(&app, &[]).await;
    // The other client's pages included: the request is for this one.
    for origin in FOREIGN.iter().chain(&[OTHERS]) {
        println!("{origin:?}");
        let answer = start_from(&app, origin).await;
        witness.refused(&answer, 403, "origin_not_allowed").await;
        unreadable(&answer);
    }
    let start = start_from(&app, OWN).await.expect(201);
    readable_by(&start, OWN);
    assert_eq!(start.header("vary"), "origin");
    // A backend has no page.
    unreadable(&app.try_start(JOURNEY, &TestApp::start_body()).await.expect(201));
}

#[tokio::test]
async fn a_client_without_pages_is_started_from_none() {
    let app = TestApp::with(|setup| setup.client = |client| Client { origins: Vec::new(), ..client }).await;
    let mut witness = Witness::of(&app, &[]).await;
    for origin in [OWN, "https://id.example.com", "null", "", REDIRECT_URI, "https://demo.example"] {
        let answer = start_from(&app, origin).await;
        witness.refused(&answer, 403, "origin_not_allowed").await;
        let answer = preflight(&app, origin, START).await;
        witness.refused(&answer, 403, "origin_not_allowed").await;
        unreadable(&answer);
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_pages_of_clients_only() {
    let app = two_clients().await;
    let session = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for path in routes(&session.id) {
        for origin in FOREIGN {
            println!("{path} {origin:?}");
            let answer = preflight(&app, origin, &path).await;
            witness.refused(&answer, 403, "origin_not_allowed").await;
            unreadable(&answer);
        }
    }
    for path in routes(&session.id) {
        // A browser does not say whose request it will be.
        for origin in [OWN, OTHERS] {
            let answer = preflight(&app, origin, &path).await.expect(204);
            readable_by(&answer, origin);
            assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type");
            let method = if path == format!("/v1/sessions/{}", session.id) { "GET" } else { "POST" };
            assert!(answer.header("access-control-allow-methods").contains(method), "{path}");
            assert!(!answer.headers.contains_key("access-control-allow-private-network"));
        }
    }
    // It asks and does nothing.
    witness.changed_nothing().await;
    // Without an origin it is no preflight.
    for header in [None, Some(("access-control-request-method", "POST"))] {
        let request =
            header.into_iter().fold(Request::options(START), |request, (name, value)| request.header(name, value));
        app.send(request.body(Body::empty()).unwrap()).await.expect(403);
    }
}

#[tokio::test]
async fn a_page_of_another_client_reads_no_answer() {
    let app = two_clients().await;
    let start = start_from(&app, OWN).await.expect(201);
    let session = landfall_tests::TestSession::of(&start.body);
    let path = |rest: &str| format!("/v1/sessions/{}{rest}", session.id);
    let right = submission(1, &key(2), &data(EMAIL, PASSWORD)).to_string();
    let [stale, malformed] = [9, 1].map(|turn| submission(turn, &key(1), &json!({})).to_string());
    let resume = json!({ "resume": key(1) }).to_string();
    let token = Some(session.token.as_str());
    let form = |code: &str| serde_urlencoded::to_string(token_form(code, &[])).unwrap();

    // Successes and errors alike.
    for (status, method, path, token, body) in [
        (200, Method::GET, path(""), token, String::new()),
        (409, Method::POST, path("/steps/ask"), token, stale),
        (422, Method::POST, path("/steps/ask"), token, malformed),
        (400, Method::POST, path("/resume"), token, resume),
    ] {
        for origin in FOREIGN.iter().chain(&[OTHERS]) {
            let answer = from_page(&app, origin, method.clone(), &path, token, body.clone()).await.expect(status);
            unreadable(&answer);
        }
        readable_by(&from_page(&app, OWN, method, &path, token, body).await.expect(status), OWN);
    }
    // What is refused before it is known whose session it is says nothing of one: every client's pages may read that.
    for (status, token) in [(401, None), (404, Some("x"))] {
        for origin in [OWN, OTHERS] {
            let answer = from_page(&app, origin, Method::GET, &path(""), token, String::new()).await.expect(status);
            readable_by(&answer, origin);
        }
        unreadable(&from_page(&app, EVIL, Method::GET, &path(""), token, String::new()).await.expect(status));
    }
    // The answer that has the token and the code in it.
    let done = from_page(&app, OTHERS, Method::POST, &path("/steps/ask"), token, right.clone()).await.expect(200);
    unreadable(&done);
    assert_eq!(done.body["status"], "completed");
    let done = from_page(&app, OWN, Method::POST, &path("/steps/ask"), token, right).await.expect(200);
    readable_by(&done, OWN);

    // Tokens go by the client that the request names.
    let code = done.body["completion"]["code"].as_str().unwrap();
    let redeem = form(code);
    let mut witness = Witness::of(&app, &[code]).await;
    for origin in FOREIGN.iter().chain(&[OTHERS]) {
        let answer = from_page(&app, origin, Method::POST, "/oauth2/token", None, redeem.clone()).await;
        witness.refused(&answer, 403, "origin_not_allowed").await;
        unreadable(&answer);
    }
    let others = redeem.replace("client_id=demo", "client_id=other");
    let answer = from_page(&app, OTHERS, Method::POST, "/oauth2/token", None, others).await;
    witness.refused(&answer, 400, "invalid_grant").await;
    readable_by(&answer, OTHERS);
    let answer = from_page(&app, OWN, Method::POST, "/oauth2/token", None, form("x")).await;
    witness.refused(&answer, 400, "invalid_grant").await;
    readable_by(&answer, OWN);
    readable_by(&from_page(&app, OWN, Method::POST, "/oauth2/token", None, redeem).await.expect(200), OWN);
}

#[tokio::test]
async fn errors_of_a_start_are_readable_for_its_client() {
    let app = two_clients().await;
    let start = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut body = TestApp::start_body();
        change(&mut body);
        body.to_string()
    };
    for (status, body) in [
        (400, start(&|body| body["request"]["redirect_uri"] = json!("https://evil.example/"))),
        (400, start(&|body| body["request"]["code_challenge_method"] = json!("plain"))),
        (422, start(&|body| body["params"] = json!({ "plan": 1 }))),
    ] {
        let answer = from_page(&app, OWN, Method::POST, START, None, body.clone()).await.expect(status);
        readable_by(&answer, OWN);
        for origin in [EVIL, OTHERS] {
            let answer = from_page(&app, origin, Method::POST, START, None, body.clone()).await.expect(403);
            unreadable(&answer);
        }
    }
    // A client that is not registered has no pages: any other's may learn that.
    let unknown = start(&|body| body["request"]["client_id"] = json!("unknown"));
    for body in [unknown, "{".into()] {
        for origin in [OWN, OTHERS] {
            readable_by(&from_page(&app, origin, Method::POST, START, None, body.clone()).await.expect(400), origin);
        }
        unreadable(&from_page(&app, EVIL, Method::POST, START, None, body).await.expect(400));
    }
}

#[tokio::test]
async fn a_page_reads_nothing_of_a_callback() {
    let app = two_clients().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    for origin in [OWN, OTHERS, EVIL, "null", "http://127.0.0.1"] {
        let answer = preflight(&app, origin, "/v1/callback/keycloak").await.expect(405);
        unreadable(&answer);
        let refused = back.with(&[("state", "x")]);
        let request = Request::get(&refused.path).header(ORIGIN, origin).body(Body::empty()).unwrap();
        unreadable(&app.send(request).await.expect(400));
        // No such route, and no such method.
        unreadable(&preflight(&app, origin, "/nowhere").await);
        unreadable(&from_page(&app, origin, Method::PUT, START, None, String::new()).await.expect(405));
    }
    // What it brings is not readable either: a page cannot fetch what a browser has to visit.
    let request = Request::get(&back.path).header(ORIGIN, OWN).body(Body::empty()).unwrap();
    let answer = app.send(request).await.expect(303);
    unreadable(&answer);
    // Keys are for every page, without cookies.
    for origin in [OWN, EVIL] {
        let keys = from_page(&app, origin, Method::GET, "/oauth2/jwks", None, String::new()).await.expect(200);
        assert_eq!(keys.header("access-control-allow-origin"), "*");
        assert!(!keys.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn an_origin_taken_off_is_stopped_within_a_minute() {
    let app = two_clients().await;
    start_from(&app, OWN).await.expect(201);
    preflight(&app, OWN, START).await.expect(204);
    app.change_client(|client| Client { origins: Vec::new(), ..client }).await;

    app.clock.advance(TimeDelta::seconds(60));
    let mut witness = Witness::of(&app, &[]).await;
    for answer in [start_from(&app, OWN).await, preflight(&app, OWN, START).await] {
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "origin_not_allowed"));
        unreadable(&answer);
    }
    let answer = start_from(&app, OWN).await;
    assert_eq!(answer.code(), "origin_not_allowed");
    witness.changed_nothing().await;
    app.delete_client("other").await;
    app.clock.advance(TimeDelta::seconds(60));
    witness = Witness::of(&app, &[]).await;
    let answer = preflight(&app, OTHERS, START).await;
    witness.refused(&answer, 403, "origin_not_allowed").await;
}
