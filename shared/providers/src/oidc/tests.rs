mod hooks;
mod probe;

use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use chrono::TimeDelta;
use domain::{Method, Source};
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, OldKey};

use crate::bench::{Bench, PASSWORD, listen, serve};
use crate::{Check, Outage, ProviderError, Stage};

#[tokio::test]
async fn documents_are_refreshed_after_an_hour_within_a_request() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.pass(TimeDelta::minutes(59));
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [1, 1, 2, 0]);
    bench.pass(TimeDelta::minutes(1));
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [2, 2, 3, 0]);
    // A clock that went back does not make them young for ever.
    bench.pass(TimeDelta::hours(-5));
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [3, 3, 4, 0]);
}

#[tokio::test]
async fn a_refresh_that_is_never_answered_leaves_time_for_the_login() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Silence));
    bench.pass(TimeDelta::hours(2));
    bench.attempt("ada", PASSWORD, None, Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_rotation_while_the_keys_are_down_is_an_outage() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.rotate_key(OldKey::Removed);
    bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::Unavailable));
    for _ in 0..3 {
        assert_eq!(bench.login().await.err(), Some(Stage::Keys.unavailable(Outage::ServerError)));
    }
    assert_eq!(bench.calls()[1], 1 + 2);

    bench.subject.misbehave_at(Endpoint::Keys, None);
    bench.pass(TimeDelta::minutes(1));
    bench.login().await.unwrap();
}

#[tokio::test]
async fn a_burst_of_first_logins_fetches_once() {
    let bench = Bench::start().await;
    let (one, two, three) = tokio::join!(bench.login(), bench.login(), bench.login());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(bench.calls(), [1, 1, 3, 0]);
}

#[tokio::test]
async fn with_every_endpoint_in_the_settings_no_document_is_fetched() {
    let mut bench = Bench::start().await;
    let issuer = bench.issuer();
    let at = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
    bench.connect(
        "oidc",
        Method::Oidc,
        json!({ "source": null, "settings": {
        "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"), "jwks_uri": at("certs"),
    } }),
    );
    let identity = bench.login().await.unwrap();
    assert_eq!(bench.calls(), [0, 1, 1, 0]);
    // No document has said that this is the issuer: its accounts are not those of connectors that have read one.
    assert_eq!(identity.source, Source::of_connector(&identity.connector));
    // The settings do not name a userinfo endpoint.
    bench.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();
    assert_eq!(bench.login().await.unwrap().claims.verified_email(), None);
    assert_eq!(bench.calls(), [0, 1, 2, 0]);
}

#[tokio::test]
async fn pinned_endpoints_apply_to_one_connector_only() {
    let mut bench = Bench::start().await;
    let issuer = bench.issuer();
    for (endpoint, calls) in [("jwks_uri", [1, 0, 0, 0]), ("token_endpoint", [1, 1, 0, 0])] {
        // What the settings say takes the place of what the document says, in this connector.
        let settings = json!({ "issuer": issuer, endpoint: format!("{issuer}/nowhere") });
        bench.connect("oidc", Method::Oidc, json!({ "settings": settings }));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some("unavailable.misconfigured"), "{endpoint}");
        assert_eq!(bench.calls(), calls, "{endpoint}");
    }
    bench.connect("oidc", Method::Oidc, json!({}));
    bench.login().await.unwrap();
}
