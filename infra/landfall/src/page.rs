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
use domain::{ConnectorDocument, JourneyDocument, JourneyId, StepDocument};
use serde::Serialize;
use serde_json::{Map, Value};
use web::Json;

use crate::demo::{self, DemoUser};

/// The page, which offers `journeys` through `connectors`, and says whom one can sign in as if the provider is the demo's.
///
/// `second_factor` names the demo's providers that ask for one.
pub fn router(
    connectors: &[ConnectorDocument],
    journeys: &[JourneyDocument],
    user: Option<DemoUser>,
    second_factor: &[&'static str],
) -> Router {
    let journeys = offers(connectors, journeys);
    let (client_id, second_factor) = (demo::CLIENT_ID, second_factor.to_vec());
    let config = Config { client_id, user, second_factor, journeys };
    Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("../page/index.html")))
        .route("/page/page.css", file("text/css; charset=utf-8", include_str!("../page/page.css")))
        .route("/page/page.js", file(SCRIPT, include_str!("../page/page.js")))
        .route("/page/login.js", file(SCRIPT, include_str!("../page/login.js")))
        .route("/page/messages.mjs", file(SCRIPT, include_str!("../page/messages.mjs")))
        // Browsers ask for it here, also while they show the demo's provider.
        .route("/favicon.ico", file("image/svg+xml", include_str!("../page/icon.svg")))
        .route("/page/config.json", get(async move || Json(config)))
        .layer(map_response(with_headers))
}

pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn file(content_type: &'static str, content: &'static str) -> MethodRouter {
    get(([(CONTENT_TYPE, content_type)], content))
}

/// Limits what a flaw in the page can do: only what this server sends runs or is loaded, and no other page can frame this
/// one to have its buttons pressed.
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

pub(crate) async fn with_headers(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// What the page has to know before it can start a journey.
#[derive(Debug, Clone, Serialize)]
struct Config {
    client_id: &'static str,
    user: Option<DemoUser>,
    /// The names of the providers that ask one user for a second factor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    second_factor: Vec<&'static str>,
    journeys: Vec<Offer>,
}

/// A journey to start.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Offer {
    id: JourneyId,
    /// What its button says.
    title: String,
    /// The name of its provider, if it leads to one alone.
    provider: Option<String>,
    /// Whether its user signs in at the provider's page rather than on this one.
    at_provider: bool,
    params: Map<String, Value>,
}

/// How a journey with such a step signs users in. The first that fits: a journey by password may also redirect.
const KINDS: &[(&str, &str)] = &[
    ("choose_provider", "Choose a provider and sign in"),
    ("authenticate_password", "Sign in with e-mail and password"),
    ("authenticate_totp", "Sign in with the code of an authenticator app"),
    ("send_otp", "Sign in with a code that is sent to you"),
    ("authenticate_redirect", "Sign in at the provider's page"),
];

/// All that the page offers. Where two would look the same, their ids tell them apart.
fn offers(connectors: &[ConnectorDocument], journeys: &[JourneyDocument]) -> Vec<Offer> {
    let offers: Vec<_> = journeys.iter().map(|journey| Offer::of(connectors, journey)).collect();
    let is_twice = |title: &str| offers.iter().filter(|offer| offer.title == title).count() > 1;
    let tell_apart = |offer: &Offer| match is_twice(&offer.title) {
        true => Offer { title: format!("{}, {}", offer.title, offer.id), ..offer.clone() },
        false => offer.clone(),
    };
    offers.iter().map(tell_apart).collect()
}

impl Offer {
    fn of(connectors: &[ConnectorDocument], journey: &JourneyDocument) -> Self {
        let steps = || journey.steps.values();
        let (kind, what) = KINDS
            .iter()
            .find(|(kind, _)| steps().any(|step| step.kind == *kind))
            .map_or(("", "Sign in"), |(kind, what)| (*kind, *what));
        let provider = only_provider(connectors, steps());
        let title = match (kind, &provider) {
            ("authenticate_redirect", Some(name)) => format!("Sign in with {name}"),
            (_, Some(name)) => format!("{what} ({name})"),
            (_, None) => what.to_owned(),
        };
        let at_provider = matches!(kind, "authenticate_redirect" | "choose_provider");
        Self { id: journey.id.clone(), title, provider, at_provider, params: demo::params(journey) }
    }
}

/// The name of the one provider that `steps` lead to.
fn only_provider<'a>(
    connectors: &[ConnectorDocument],
    steps: impl Iterator<Item = &'a StepDocument> + Clone,
) -> Option<String> {
    let leads_to = |connector: &&ConnectorDocument| {
        let is_named = |id: &Value| id.as_str() == Some(connector.id.as_str());
        steps.clone().filter_map(|step| step.with.as_ref()).any(|with| {
            let listed = with.get("connectors").and_then(Value::as_array);
            with.get("connector").into_iter().chain(listed.into_iter().flatten()).any(is_named)
        })
    };
    let mut named = connectors.iter().filter(leads_to);
    let first = named.next();
    first.filter(|_| named.next().is_none()).map(|connector| connector.name.clone())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::sync::Arc;

    use axum::http::StatusCode;
    use domain::{FixedClock, SeededEntropy};
    use insta::assert_snapshot;
    use providers::Registry;
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
            ended = axum::serve(listener, landfall.merge(router(&connectors, &journeys, Some(demo::USER), &[]))) => panic!("{ended:?}"),
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
    async fn the_page_loads_and_calls_this_server_only() {
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
            ("/page/messages.mjs", "text/javascript; charset=utf-8"),
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
                    {
                        "id": "sign-in-with-keycloak",
                        "title": "Sign in with Demo Keycloak",
                        "provider": "Demo Keycloak",
                        "at_provider": true,
                        "params": {},
                    },
                    {
                        "id": "migrate-from-keycloak",
                        "title": "Sign in with e-mail and password (Demo Keycloak)",
                        "provider": "Demo Keycloak",
                        "at_provider": false,
                        "params": {},
                    },
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
        let offer = Offer::of(&[], &documents::parse("trial.yaml", journey).unwrap());
        assert_eq!((offer.title.as_str(), json!(offer.params)), ("Sign in", json!({ "plan": "gold", "seats": 0 })));
    }

    #[test]
    fn every_button_has_a_text_of_its_own() {
        let connector = |id: &str, methods: &str| {
            format!(
                "  - {{ id: {id}, provider: keycloak, name: Our {id}, client: {{ id: landfall, secret: {id} }}, \
                 methods: {{ {methods} }}, settings: {{ url: \"https://{id}.example\", realm: demo }} }}\n"
            )
        };
        let file = format!(
            "connectors:\n{}{}",
            connector("old", "oidc: {}, password: {}, totp: { client: { id: otp, secret: otp } }"),
            connector("new", "oidc: {}"),
        );
        let connectors = documents::connectors(&Registry::default(), "connectors.yaml", &file).unwrap();
        let mut journeys: Vec<_> = connectors.iter().flat_map(|one| demo::journeys(one).unwrap()).collect();
        let text = include_str!("../demo/redirect.yaml").replace("{connector}", "new");
        journeys.push(documents::parse("again.yaml", &text.replace("id: sign-in-with-new", "id: again")).unwrap());
        let titles: Vec<_> = offers(&connectors, &journeys).into_iter().map(|offer| offer.title).collect();
        assert_eq!(
            titles,
            [
                "Sign in with Our old",
                "Sign in with e-mail and password (Our old)",
                "Sign in with the code of an authenticator app (Our old)",
                "Sign in with Our new, sign-in-with-new",
                "Sign in with Our new, again",
            ]
        );
    }

    #[tokio::test]
    async fn other_paths_are_not_answered_by_the_page() {
        for path in ["/page", "/page/", "/page/other.js", "/index.html", "/v1/sessions/x"] {
            let (head, body) = get_page(path).await;
            assert!(head.starts_with("HTTP/1.1 404") && body == "landfall's own", "{path}: {head}\n{body}");
            assert!(!head.contains("content-security-policy"), "{path}: {head}");
        }
    }
}
