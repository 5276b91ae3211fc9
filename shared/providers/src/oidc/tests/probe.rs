//! The connector test at any provider.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use domain::Method;
use listener::Log;
use url::form_urlencoded;

use super::*;
use crate::Status;
use crate::bench::{CALLBACK, self_signed};

async fn bench() -> Bench {
    let mut bench = Bench::start().await;
    bench.connect("oidc", Method::Oidc, json!({}));
    bench
}

#[tokio::test]
async fn a_provider_that_speaks_the_standard_passes() {
    let bench = bench().await;
    let report = bench.probe(Some("ada")).await;
    let found: Vec<_> = report.checks.iter().map(|check| (check.id, check.status)).collect();
    assert_eq!(
        found,
        [
            ("discovery", Status::Passed),
            ("issuer", Status::Passed),
            ("tls", Status::Unverifiable),
            ("endpoints", Status::Passed),
            ("keys", Status::Passed),
            ("client_credentials", Status::Passed),
            ("redirect_uri", Status::Passed),
        ]
    );
    assert!(report.ok);
    assert_eq!((bench.calls(), bench.subject.calls(Endpoint::Authorize)), ([1, 1, 2, 0], 1));
    assert!(bench.subject.requests().is_empty());
}

#[tokio::test]
async fn pinned_endpoints_are_shown_and_an_unneeded_document_is_not_fetched() {
    let mut bench = bench().await;
    let issuer = bench.issuer();
    let at = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": issuer, "token_endpoint": at("token") } }));
    let report = bench.probe(None).await;
    assert!(report.ok);
    let detail = report.check("discovery").detail.clone().unwrap();
    assert_eq!((&detail["pinned"], &detail["jwks_uri"]), (&json!(["token_endpoint"]), &json!(at("certs"))));

    let settings = json!({
        "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"), "jwks_uri": at("certs"),
    });
    bench.connect("oidc", Method::Oidc, json!({ "settings": settings }));
    let report = bench.probe(None).await;
    assert!(report.ok);
    for id in ["discovery", "issuer", "tls"] {
        assert_eq!(report.check(id).status, Status::Unverifiable, "{id}");
    }
    assert_eq!(report.check("discovery").detail.as_ref().unwrap()["pinned"].as_array().unwrap().len(), 3);
    assert_eq!(report.check("redirect_uri").status, Status::Passed);
    assert_eq!(bench.calls()[0], 1);
}

#[tokio::test]
async fn a_wrong_secret_and_a_client_without_one_are_found() {
    let bench = bench().await;
    bench.change_client(|client| client.secret("another"));
    let report = bench.probe(None).await;
    assert!(report.check("client_credentials").hint.unwrap().contains("client.token_endpoint_auth_method"));
    // The redirect needs no secret, and is tried all the same.
    assert_eq!((report.ok, report.check("redirect_uri").status), (false, Status::Passed));

    let open = simulators::keycloak::Client::public("landfall").redirect_uri(CALLBACK);
    bench.keycloak().change_realm("demo", |realm| realm.client(open)).unwrap();
    let report = bench.probe(None).await;
    assert!(report.check("client_credentials").why.unwrap().starts_with("a wrong secret is answered"));
}

/// A provider that answers with `document` and `keys`, at the authorization endpoint with `authorize` of the request's
/// query, and at its token endpoint that a code is wrong.
async fn scripted(
    change: impl FnOnce(&str, &mut Value),
    authorize: impl Fn(&Query) -> (u16, String) + Clone + Send + Sync + 'static,
) -> Bench {
    let mut bench = bench().await;
    let (listener, url) = listen().await;
    let mut document = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
        "id_token_signing_alg_values_supported": ["RS256", "<b>free text</b>", 7],
    });
    change(&url, &mut document);
    let answer = async move |uri: Uri| {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let (status, location, body) = match uri.path() {
            "/keys" => (200, String::new(), json!({ "keys": [] })),
            "/token" => (401, String::new(), json!({ "error": "invalid_client" })),
            "/authorize" => {
                let (status, location) = authorize(&query);
                (status, location, json!("a page"))
            }
            _ => (200, String::new(), document),
        };
        let headers = [(CONTENT_TYPE, "application/json".to_owned()), (LOCATION, location)];
        (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
    };
    bench.and_serve(serve(listener, Router::new().fallback(answer)).await);
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": url } }));
    bench
}

type Query = Vec<(String, String)>;

fn login_required(query: &Query) -> (u16, String) {
    (303, format!("{CALLBACK}?error=login_required&state={}", state(query)))
}

fn state(query: &Query) -> &str {
    &query.iter().find(|(name, _)| name == "state").unwrap().1
}

#[tokio::test]
async fn an_endpoint_that_leads_inside_is_named_and_not_tried() {
    let bench = scripted(
        |_, document| {
            document["token_endpoint"] = "https://10.0.0.1/token".into();
            document["userinfo_endpoint"] = "http://169.254.169.254/latest".into();
        },
        login_required,
    )
    .await;
    let report = bench.probe(None).await;
    let endpoints = report.check("endpoints");
    assert_eq!(endpoints.status, Status::Failed);
    let detail = endpoints.detail.as_ref().unwrap();
    for (name, status) in [
        ("authorization_endpoint", "passed"),
        ("token_endpoint", "failed"),
        ("userinfo_endpoint", "failed"),
        ("jwks_uri", "passed"),
    ] {
        assert_eq!(detail[name]["status"], status, "{name}");
    }
    assert!(detail["token_endpoint"]["hint"].as_str().unwrap().contains("public https address"));
    assert_eq!(report.check("client_credentials").why, Some("its endpoint may not be called: see endpoints"));
    assert_eq!(report.check("redirect_uri").status, Status::Passed);
    // Of the advertised algorithms, only registered names are shown.
    let shown = &report.check("discovery").detail.as_ref().unwrap()["id_token_signing_alg_values_supported"];
    assert_eq!(*shown, json!(["RS256"]));
    assert_eq!(report.check("keys").detail.as_ref().unwrap()["keys"], 0);
}

#[tokio::test]
async fn a_document_of_another_issuer_is_reported_with_both_issuers() {
    for (issuer, found) in
        [("https://attacker.example/", json!("https://attacker.example/")), ("<script>alert(1)</script>", Value::Null)]
    {
        let bench = scripted(|_, document| document["issuer"] = issuer.into(), login_required).await;
        let report = bench.probe(None).await;
        let detail = report.check("issuer").detail.as_ref().unwrap();
        assert_eq!(detail["found"], found);
        assert!(detail["expected"].as_str().unwrap().starts_with("http://127.0.0.1:"));
        let discovery = report.check("discovery");
        assert_eq!((discovery.status, &discovery.detail.as_ref().unwrap()["issuer"]), (Status::Passed, &found));
        assert_eq!(report.check("client_credentials").status, Status::Unverifiable);
    }
}

#[tokio::test]
async fn an_incomplete_document_is_shown_as_far_as_it_goes() {
    let bench = scripted(|_, document| document["jwks_uri"] = Value::Null, login_required).await;
    let report = bench.probe(None).await;
    let discovery = report.check("discovery");
    assert!(discovery.hint.unwrap().starts_with("the discovery document names no jwks_uri"));
    assert!(discovery.detail.as_ref().unwrap().get("jwks_uri").is_none());
    assert_eq!((report.check("issuer").status, report.check("keys").status), (Status::Passed, Status::Unverifiable));
}

#[tokio::test]
async fn a_redirect_uri_is_registered_only_if_the_browser_returns_there() {
    type Answer = fn(&Query) -> (u16, String);
    for (authorize, status, says) in [
        (login_required as Answer, Status::Passed, ""),
        (|query| (302, format!("{CALLBACK}?error=consent_required&state={}", state(query))), Status::Passed, ""),
        (|query| (302, format!("{CALLBACK}?code=c&state={}", state(query))), Status::Passed, ""),
        (
            |query| (302, format!("{CALLBACK}?error=invalid_scope&state={}", state(query))),
            Status::Failed,
            "one of settings.scopes",
        ),
        (
            |query| (302, format!("{CALLBACK}?error=access_denied&state={}", state(query))),
            Status::Failed,
            "the provider refuses",
        ),
        (|query| (302, format!("{CALLBACK}?state={}", state(query))), Status::Failed, "the answer lacks"),
        (
            |query| {
                (302, format!("{CALLBACK}?error=login_required&iss=https://attacker.example&state={}", state(query)))
            },
            Status::Failed,
            "the answer names another issuer",
        ),
        (
            |_| (302, format!("{CALLBACK}?error=login_required")),
            Status::Failed,
            "the provider does not send state back",
        ),
        (|_| (302, "/login".to_owned()), Status::Unverifiable, "the provider shows a page"),
        (
            |_| (302, "https://attacker.example/?error=login_required".to_owned()),
            Status::Unverifiable,
            "the provider shows",
        ),
        (|_| (200, String::new()), Status::Unverifiable, "the provider shows a page"),
        (|_| (400, String::new()), Status::Failed, "the provider refuses on a page"),
        (|_| (429, String::new()), Status::Failed, "the provider wants fewer calls"),
        (|_| (503, String::new()), Status::Failed, "the provider answers with an error"),
    ] {
        let bench = scripted(|_, _| (), authorize).await;
        let report = bench.probe(None).await;
        let found = report.check("redirect_uri");
        assert_eq!(found.status, status, "{found:?}");
        assert!(found.hint.or(found.why).unwrap_or_default().starts_with(says), "{found:?}");
        assert_eq!(found.detail, Some(json!({ "redirect_uri": CALLBACK })));
    }
}

#[tokio::test]
async fn the_authorization_endpoint_is_asked_with_prompt_none() {
    let asked = Arc::new(Mutex::new(Query::new()));
    let seen = Arc::clone(&asked);
    let authorize = move |query: &Query| {
        *seen.lock().unwrap() = query.clone();
        login_required(query)
    };
    let mut bench = scripted(|_, _| (), authorize).await;
    let report = bench.probe(None).await;
    let issuer = report.check("discovery").detail.as_ref().unwrap()["issuer"].clone();
    let over = json!({ "issuer": issuer, "scopes": ["openid"], "prompt": "login", "response_mode": "form_post" });
    bench.connect("oidc", Method::Oidc, json!({ "settings": over }));
    bench.probe(None).await;

    let asked = asked.lock().unwrap();
    let get = |name: &str| asked.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    assert_eq!((get("prompt"), get("scope"), get("redirect_uri")), (Some("none"), Some("openid"), Some(CALLBACK)));
    assert_eq!((get("response_mode"), get("code_challenge_method")), (None, Some("S256")));
    assert!(get("state").is_some() && get("nonce").is_some() && get("code_challenge").is_some());
}

#[tokio::test]
async fn an_untrusted_certificate_is_found_before_anything_is_sent() {
    let mut bench = bench().await;
    let (server, url) = self_signed().await;
    bench.and_serve(server);
    bench.connect("oidc", Method::Oidc, json!({ "settings": { "issuer": url } }));
    let report = bench.probe(None).await;
    for index in [0, 2] {
        assert!(report.checks[index].hint.unwrap().starts_with("the certificate is not trusted"), "{report:?}");
    }
    assert!(report.checks.iter().skip(3).all(|check| check.status == Status::Unverifiable), "{report:?}");
    assert_eq!(bench.calls(), [0; 4]);
}

#[tokio::test]
async fn nothing_secret_is_reported_or_logged() {
    let log = Log::default();
    let _listening = log.listen();
    for method in ["client_secret_post", "client_secret_basic"] {
        let client = json!({ "token_endpoint_auth_method": method });
        let bench = Bench::with(|realm| realm, json!({ "client": client })).await;
        for secret in [crate::bench::SECRET, "another+canary:%"] {
            bench.change_client(|client| client.secret(secret));
            let report = bench.probe(Some("test-user-canary")).await;
            let printed = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
            assert!(!printed.contains("canary"), "{printed}");
        }
    }
    let log = log.text();
    assert!(log.contains("/protocol/openid-connect/token"), "{log}");
    assert!(!log.contains("canary") && !log.contains("client_secret"), "{log}");
}
