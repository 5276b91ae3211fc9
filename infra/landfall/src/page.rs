//! The page at the root of `landfall serve`: an application of the demo's, in a browser.
//!
//! It speaks the public API and nothing else. `page/login.js` is how any application signs its users in from a browser.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use domain::{JourneyDocument, JourneyId};
use serde::Serialize;
use serde_json::{Map, Value};
use web::Json;

use crate::demo::{self, DemoUser};

/// The page, which offers `journeys`, and says whom one can sign in as if the provider is the demo's.
pub fn router(journeys: &[JourneyDocument], user: Option<DemoUser>) -> Router {
    let config = Config { client_id: demo::CLIENT_ID, user, journeys: journeys.iter().map(Offer::of).collect() };
    Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("../page/index.html")))
        .route("/page/page.css", file("text/css; charset=utf-8", include_str!("../page/page.css")))
        .route("/page/page.js", file(SCRIPT, include_str!("../page/page.js")))
        .route("/page/login.js", file(SCRIPT, include_str!("../page/login.js")))
        // Browsers ask for it here, also while they show the demo's provider.
        .route("/favicon.ico", file("image/svg+xml", include_str!("../page/icon.svg")))
        .route("/page/config.json", get(async move || Json(config)))
        .layer(map_response(with_headers))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn file(content_type: &'static str, content: &'static str) -> MethodRouter {
    get(([(CONTENT_TYPE, content_type)], content))
}

/// A hole in the page is no way in: nothing runs or is loaded but what is served here, and nobody frames the page to have
/// its buttons pressed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    // The next build may have another page.
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    // The way back from a provider has a secret in its address.
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

async fn with_headers(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// What the page has to know before it can start a journey.
#[derive(Debug, Clone, Serialize)]
struct Config {
    client_id: &'static str,
    user: Option<DemoUser>,
    journeys: Vec<Offer>,
}

/// A journey to start.
#[derive(Debug, Clone, Serialize)]
struct Offer {
    id: JourneyId,
    title: &'static str,
    params: Map<String, Value>,
}

/// What a journey is called that has such a step. The first that fits: a journey by password may send people on.
const TITLES: &[(&str, &str)] = &[
    ("authenticate_password", "Sign in with e-mail and password"),
    ("authenticate_totp", "Sign in with the code of an app"),
    ("send_otp", "Sign in with a code that is sent to you"),
    ("authenticate_redirect", "Sign in at the provider's page"),
];

impl Offer {
    fn of(journey: &JourneyDocument) -> Self {
        let has = |kind: &str| journey.steps.values().any(|step| step.kind == kind);
        let title = TITLES.iter().find(|(kind, _)| has(kind)).map_or("Sign in", |(_, title)| title);
        Self { id: journey.id.clone(), title, params: demo::params(journey) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::sync::Arc;

    use axum::http::StatusCode;
    use domain::{FixedClock, SeededEntropy};
    use insta::assert_snapshot;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio::task::spawn_blocking;

    use super::*;
    use crate::documents;

    /// What a browser gets from the page beside Landfall's own routes: head and body.
    async fn get_page(path: &'static str) -> (String, String) {
        let clock = Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH));
        let providers = demo::named(&["keycloak".to_owned()]);
        let subjects = demo::subjects(&providers, clock, Arc::new(SeededEntropy::new(1)));
        let connectors = demo::connectors(&providers, &subjects, "http://127.0.0.1:8787").unwrap();
        let journeys = connectors.iter().flat_map(|connector| demo::journeys(connector).unwrap()).collect::<Vec<_>>();
        let landfall = Router::new().fallback(async || (StatusCode::NOT_FOUND, "landfall's own"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            answer = spawn_blocking(move || request(address, path)) => answer.unwrap(),
            ended = axum::serve(listener, landfall.merge(router(&journeys, Some(demo::USER)))) => panic!("{ended:?}"),
        }
    }

    fn request(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.replace("\r\n", "\n"), body.to_owned())
    }

    #[tokio::test]
    async fn the_page_runs_nothing_and_calls_nobody_but_this_server() {
        let (head, body) = get_page("/").await;
        let lines = head.lines().filter(|line| !line.starts_with("date:") && !line.starts_with("content-length:"));
        assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
        HTTP/1.1 200 OK
        content-type: text/html; charset=utf-8
        cache-control: no-store
        content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        referrer-policy: no-referrer
        x-content-type-options: nosniff
        connection: close
        ");
        assert!(body.starts_with("<!doctype html>"));
        // Neither would run.
        assert!(!body.contains("<style") && !body.contains("style=") && !body.contains("<script>"), "{body}");
    }

    #[tokio::test]
    async fn scripts_and_styles_are_served_as_what_they_are() {
        for (path, content_type) in [
            ("/page/page.js", "text/javascript; charset=utf-8"),
            ("/page/login.js", "text/javascript; charset=utf-8"),
            ("/page/page.css", "text/css; charset=utf-8"),
            ("/page/config.json", "application/json"),
            ("/favicon.ico", "image/svg+xml"),
        ] {
            let (head, _) = get_page(path).await;
            assert!(head.starts_with("HTTP/1.1 200 OK\n"), "{path}: {head}");
            assert!(head.contains(&format!("content-type: {content_type}\n")), "{path}: {head}");
            assert!(head.contains("x-content-type-options: nosniff") && head.contains("no-store"), "{path}: {head}");
        }
    }

    #[tokio::test]
    async fn the_page_offers_every_journey_with_what_it_needs() {
        let (_, body) = get_page("/page/config.json").await;
        let config: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            config,
            json!({
                "client_id": "demo",
                "user": { "email": "ada@example.org", "password": "correct horse battery staple" },
                "journeys": [
                    { "id": "sign-in-with-keycloak", "title": "Sign in at the provider's page", "params": {} },
                    { "id": "migrate-from-keycloak", "title": "Sign in with e-mail and password", "params": {} },
                ],
            })
        );
    }

    #[test]
    fn parameters_without_a_default_are_filled_in() {
        let journey = "format: 1
id: trial
params:
  plan: { type: string }
  source: { type: string, default: web }
  seats: { type: integer }
start: done
steps:
  done: { type: complete }
";
        let offer = Offer::of(&documents::parse("trial.yaml", journey).unwrap());
        assert_eq!(
            json!(offer),
            json!({ "id": "trial", "title": "Sign in", "params": { "plan": "gold", "seats": 0 } })
        );
    }

    #[tokio::test]
    async fn what_is_not_the_pages_is_left_to_others() {
        for path in ["/page", "/page/", "/page/other.js", "/index.html", "/v1/sessions/x"] {
            let (head, body) = get_page(path).await;
            assert!(head.starts_with("HTTP/1.1 404") && body == "landfall's own", "{path}: {head}\n{body}");
            assert!(!head.contains("content-security-policy"), "{path}: {head}");
        }
    }
}
