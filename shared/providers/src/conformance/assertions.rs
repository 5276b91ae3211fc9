//! A client that signs assertions with its private key (OIDC Core 9, `private_key_jwt`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use domain::Clock;
use egress::Request;
use serde_json::{Value, json};
use simulators::{ClientAuth, Endpoint};
use url::Url;

use super::Row;
use crate::bench::{Bench, ClientKey, IN_TIME, P256_KEY, RSA_KEY, SECRET};
use crate::{Finding, ProviderError, Stage, Status};

/// Those whose client authenticates at the token endpoint.
fn rows() -> impl Iterator<Item = Row> {
    Row::all().filter(|row| !row.has_own_api())
}

async fn bench(row: Row, key: ClientKey, client: Value) -> Bench {
    let mut client = client;
    client["token_endpoint_auth_method"] = json!("private_key_jwt");
    let bench = row.with(json!({ "client": client })).await;
    bench.change_key(&key);
    bench.secrets.set(Ok(key.secret));
    bench
}

/// Header and claims of the last assertion.
fn shown(bench: &Bench) -> (Value, Value) {
    let received = bench.subject.received();
    let request = received.last().unwrap();
    assert_eq!(request.client_auth(), ClientAuth::Assertion);
    let mut parts = request.client_assertion().unwrap().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut read = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (read(), read())
}

async fn document(bench: &Bench) -> Value {
    let request = bench.request(IN_TIME);
    let url = Url::parse(&bench.subject.discovery(&bench.url)).unwrap();
    let response = bench.cx(&request).send(Stage::Discovery, Request::get(url)).await.unwrap();
    serde_json::from_slice(&response.body).unwrap()
}

async fn tested(bench: &Bench) -> Finding {
    let report = bench.probe(None).await;
    report.checks.into_iter().find(|check| check.id == "client_credentials").unwrap()
}

fn of_the_client(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. })
}

#[tokio::test]
async fn a_client_authenticates_by_key_and_never_sends_it() {
    for row in rows().filter(|row| row.has(Endpoint::Discovery)) {
        for (key, said, algorithm) in [
            (RSA_KEY, json!({}), "RS256"),
            (RSA_KEY, json!({ "token_endpoint_auth_signing_alg": "PS256", "key_id": "one" }), "PS256"),
            (P256_KEY, json!({}), "ES256"),
            (P256_KEY, json!({ "token_endpoint_auth_signing_alg": "ES256", "assertion_audience": "issuer" }), "ES256"),
        ] {
            let bench = bench(row, key, said.clone()).await;
            bench.login().await.unwrap_or_else(|error| panic!("{row:?} {said}: {error}"));
            let (header, claims) = shown(&bench);
            assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("JWT")));
            assert_eq!(header.get("kid"), said.get("key_id"));
            for thumbprint in ["x5t", "x5t#S256"] {
                assert_eq!(header.get(thumbprint).is_some(), key.algorithm == "RS256", "{row:?} {header}");
            }
            let document = document(&bench).await;
            let wants_issuer = row.0.provider == "auth0" || said.get("assertion_audience").is_some();
            let audience = if wants_issuer { "issuer" } else { "token_endpoint" };
            let now = bench.clock.now().timestamp();
            let mut expected = json!({ "aud": document[audience], "iat": now, "exp": now + 60, "jti": claims["jti"] });
            (expected["iss"], expected["sub"]) = (json!(bench.client_id()), json!(bench.client_id()));
            assert_eq!(claims, expected, "{row:?}");

            bench.login().await.unwrap();
            assert_ne!(shown(&bench).1["jti"], claims["jti"]);
            assert_eq!((tested(&bench).await.status, bench.secrets.rereads()), (Status::Passed, 0), "{row:?}");
        }
    }
}

#[tokio::test]
async fn an_unregistered_assertion_key_is_reported_as_misconfigured() {
    for row in rows() {
        for (key, registered) in [(RSA_KEY, P256_KEY), (P256_KEY, RSA_KEY)] {
            let bench = bench(row, key, json!({})).await;
            bench.change_key(&registered);
            let error = bench.login().await.unwrap_err();
            assert!(of_the_client(&error), "{row:?} {error}");
            assert_eq!(tested(&bench).await.status, Status::Failed, "{row:?}");
        }
    }
}

#[tokio::test]
async fn a_key_rotated_in_mid_flight_is_read_again_and_used_once() {
    for row in rows() {
        let bench = bench(row, RSA_KEY, json!({})).await;
        bench.login().await.unwrap();
        let calls = row.token_calls();
        bench.change_key(&P256_KEY);
        bench.secrets.rotate(Ok(P256_KEY.secret));
        bench.login().await.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        assert_eq!((bench.calls()[2], bench.secrets.rereads()), (2 * calls + 1, 1), "{row:?}");
        assert_eq!(shown(&bench).0["alg"], "ES256");

        // A stored text that is not a key is replaced the same way, and is never sent.
        bench.secrets.set(Ok(SECRET));
        bench.login().await.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        assert_eq!((bench.calls()[2], bench.secrets.rereads()), (3 * calls + 1, 2), "{row:?}");
    }
}

#[tokio::test]
async fn an_unusable_key_sends_nothing_and_is_not_shown() {
    let both = [RSA_KEY.secret, P256_KEY.public].concat();
    for row in rows() {
        for (secret, client, hint) in [
            (SECRET, json!({}), "needs a private key"),
            (both.as_str(), json!({ "token_endpoint_auth_signing_alg": "ES256" }), "cannot sign as"),
            (P256_KEY.secret, json!({ "token_endpoint_auth_signing_alg": "PS256" }), "cannot sign as"),
            (P256_KEY.secret, json!({ "token_endpoint_auth_method": "client_secret_post" }), "is never sent"),
            (RSA_KEY.secret, json!({ "token_endpoint_auth_method": "client_secret_basic" }), "is never sent"),
        ] {
            let method = client.get("token_endpoint_auth_method").cloned();
            let mut over = json!({ "client": client });
            over["client"]["token_endpoint_auth_method"] = method.unwrap_or(json!("private_key_jwt"));
            let bench = row.with(over).await;
            bench.secrets.set(Ok(String::leak(secret.to_owned())));
            let error = bench.login().await.unwrap_err();
            assert!(of_the_client(&error) && error.to_string().contains(hint), "{row:?} {error}");
            assert!(!error.to_string().contains("canary"));
            let finding = tested(&bench).await;
            assert!(finding.hint.unwrap().contains(hint), "{row:?} {finding:?}");
            assert_eq!(bench.calls()[2], 0, "{row:?}");
        }
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_and_soon() {
    for row in Row::redirects().filter(|row| row.has(Endpoint::Discovery)) {
        let bench = bench(row, P256_KEY, json!({})).await;
        bench.login().await.unwrap();
        let received = bench.subject.received();
        let assertion = received[0].client_assertion().unwrap().to_owned();
        let endpoint = document(&bench).await["token_endpoint"].as_str().unwrap().parse::<Url>().unwrap();
        let replayed = async || {
            let request = bench.request(IN_TIME);
            let form = [
                ("client_id", bench.client_id()),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
                ("grant_type", "authorization_code"),
                ("code", "made-up"),
            ];
            let response = bench.cx(&request).send(Stage::Token, Request::post_form(endpoint.clone(), form)).await;
            serde_json::from_slice::<Value>(&response.unwrap().body).unwrap()["error"].clone()
        };
        // In the words that the provider has for a client that is not authenticated.
        let refusals = ["invalid_client", "access_denied"];
        let once_more = replayed().await;
        assert!(refusals.contains(&once_more.as_str().unwrap()), "{row:?} {once_more}");
        bench.pass(TimeDelta::seconds(60));
        assert_eq!(replayed().await, once_more, "{row:?}");
    }
}

#[tokio::test]
async fn a_provider_that_looks_at_no_signature_is_found() {
    for row in Row::redirects() {
        let bench = bench(row, P256_KEY, json!({})).await;
        bench.register(simulators::Registration::public(bench.client_id(), crate::bench::CALLBACK));
        assert_ne!(tested(&bench).await.status, Status::Passed, "{row:?}");
    }
}
