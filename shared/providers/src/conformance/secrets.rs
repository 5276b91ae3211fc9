//! A client's secret that is not what the provider has, or is no longer.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use domain::{Method, SecretError};
use serde_json::json;
use simulators::{Endpoint, Misbehaviour};

use super::Row;
use crate::bench::{Bench, SECRET, listen, serve};
use crate::{ProviderError, Rejection, Stage};

const NEW: &str = "another-secret+canary:%";

/// Rows whose provider says in its own words that a client's secret is wrong, and the simulated server says it so.
fn rows() -> impl Iterator<Item = Row> {
    Row::all().filter(|row| row.0 == "keycloak")
}

/// Ada is about to log in: what remains to be done is to redeem what she has typed or brought back.
async fn redeem(bench: &Bench, row: Row, meanwhile: impl FnOnce(&Bench)) -> Result<(), ProviderError> {
    match row.1 {
        Method::Oidc => {
            let pending = bench.begin().await?;
            let returned = bench.visit(&pending).await?;
            meanwhile(bench);
            bench.answer(&pending, &returned).await.map(|_| ())
        }
        _ => {
            meanwhile(bench);
            bench.login().await.map(|_| ())
        }
    }
}

fn change_secret(bench: &Bench, secret: &str) {
    bench.change_client(|client| client.secret(secret));
}

fn of_the_client(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. })
}

#[tokio::test]
async fn a_secret_rotated_in_mid_flight_is_read_again_and_shown_once() {
    for method in ["client_secret_post", "client_secret_basic"] {
        for row in rows() {
            let client = json!({ "token_endpoint_auth_method": method });
            let bench = row.with(|realm| realm, json!({ "client": client })).await;
            bench.login().await.unwrap();
            let before = bench.calls()[2];

            let rotate = |bench: &Bench| {
                change_secret(bench, NEW);
                bench.secrets.rotate(Ok(NEW));
            };
            redeem(&bench, row, rotate).await.unwrap();
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (before + 2, 1), "{row:?} {method}");

            // What was sent twice is the same, byte for byte.
            let codes: Vec<_> = bench.keycloak.exchanges().iter().map(|sent| sent.code().map(str::to_owned)).collect();
            let sent = bench.keycloak.requests();
            let sent: Vec<_> = sent.iter().map(|sent| (sent.password(), sent.otp())).collect();
            match row.1 {
                Method::Oidc => assert_eq!((codes.len(), &codes[1]), (3, &codes[2])),
                _ => assert_eq!((sent.len(), sent[1]), (3, sent[2])),
            }

            // The new one is in use from then on.
            bench.login().await.unwrap();
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (before + 3, 1), "{row:?} {method}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_just_wrong_costs_one_call_and_one_look() {
    for row in rows() {
        let bench = row.bench().await;
        change_secret(&bench, NEW);
        for logins in 1..=3 {
            let error = redeem(&bench, row, |_| ()).await.unwrap_err();
            assert!(of_the_client(&error), "{row:?} {error}");
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (logins, logins), "{row:?}");
        }
    }
}

#[tokio::test]
async fn a_rotated_secret_that_is_wrong_too_is_shown_once() {
    for row in rows() {
        let bench = row.bench().await;
        change_secret(&bench, "a third");
        bench.secrets.rotate(Ok(NEW));
        let error = redeem(&bench, row, |_| ()).await.unwrap_err();
        assert!(of_the_client(&error), "{row:?} {error}");
        assert_eq!((bench.calls()[2], bench.secrets.rereads()), (2, 1), "{row:?}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_leaves_the_error_as_it_is() {
    for gone in [SecretError::Unknown as fn(_) -> _, SecretError::Unavailable] {
        for row in rows() {
            let bench = row.bench().await;
            change_secret(&bench, NEW);
            bench.secrets.rotate(Err(gone));
            let error = redeem(&bench, row, |_| ()).await.unwrap_err();
            assert!(of_the_client(&error), "{row:?} {error}");
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (1, 1), "{row:?}");
        }
    }
}

#[tokio::test]
async fn no_other_error_has_the_secret_read_again() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.secrets.rotate(Ok(SECRET));
        for misbehaviour in [
            Misbehaviour::ServerError,
            Misbehaviour::Unavailable,
            Misbehaviour::Html,
            Misbehaviour::TooManyRequests { retry_after: None },
            Misbehaviour::DuplicateKeys,
        ] {
            let before = bench.calls()[2];
            bench.keycloak.misbehave_at(Endpoint::Token, Some(misbehaviour.clone()));
            redeem(&bench, row, |_| ()).await.unwrap_err();
            assert_eq!(bench.calls()[2], before + 1, "{row:?} {misbehaviour:?}");
        }
        bench.keycloak.misbehave(None);
        if row.1 == Method::Password {
            bench.login_as("ada", "wrong").await.unwrap_err();
        }
        assert_eq!(bench.secrets.rereads(), 0, "{row:?}");
    }
}

#[tokio::test]
async fn what_the_second_call_says_counts() {
    let bench = Bench::start().await;
    change_secret(&bench, NEW);
    bench.secrets.rotate(Ok(NEW));
    let error = bench.login_as("ada", "wrong").await.unwrap_err();
    assert_eq!(error, ProviderError::Rejected(Rejection::InvalidCredentials));
    assert_eq!((bench.calls()[2], bench.secrets.rereads()), (2, 1));
}

/// A token endpoint that knows one secret, by the standard's words, and no code.
async fn token_endpoint(State(calls): State<Arc<Mutex<Vec<String>>>>, body: String) -> impl IntoResponse {
    let known = body.contains("client_secret=another-secret");
    calls.lock().unwrap().push(body);
    let (status, error) = if known { (400, "invalid_grant") } else { (401, "invalid_client") };
    let body = format!(r#"{{"error":"{error}"}}"#);
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], body)
}

#[tokio::test]
async fn an_invalid_client_shows_its_rotated_secret_once_wherever_it_is_one() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (listener, url) = listen().await;
    let mut bench = Bench::start().await;
    let router = Router::new().fallback(token_endpoint).with_state(Arc::clone(&calls));
    bench.and_serve(serve(listener, router).await);
    let settings = json!({ "issuer": format!("{}/realms/demo", bench.url), "token_endpoint": url });
    bench.connect("oidc", Method::Oidc, json!({ "settings": settings }));

    let error = bench.login().await.unwrap_err();
    assert!(of_the_client(&error), "{error}");
    assert_eq!((calls.lock().unwrap().len(), bench.secrets.rereads()), (1, 1));

    bench.secrets.rotate(Ok(NEW));
    let error = bench.login().await.unwrap_err();
    assert_eq!(error, ProviderError::Rejected(Rejection::InteractionRequired));
    assert_eq!((calls.lock().unwrap().len(), bench.secrets.rereads()), (3, 2));
}
