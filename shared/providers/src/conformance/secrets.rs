//! A client's secret that is not what the provider has, or is no longer.

use domain::{Method, SecretError};
use serde_json::json;
use simulators::{Endpoint, Misbehaviour};

use super::Row;
use crate::bench::{Bench, SECRET};
use crate::{Outage, ProviderError, Rejection, Stage};

const NEW: &str = "another-secret+canary:%";

/// Those whose client has a secret to show.
fn rows() -> impl Iterator<Item = Row> {
    Row::all().filter(|row| !row.is_for_public_clients())
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

fn of_the_client(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. })
}

#[tokio::test]
async fn a_secret_rotated_in_mid_flight_is_read_again_and_sent_once() {
    for method in ["client_secret_post", "client_secret_basic"] {
        for row in rows() {
            let client = json!({ "token_endpoint_auth_method": method });
            let bench = row.with(json!({ "client": client })).await;
            bench.login().await.unwrap();
            let (before, calls) = (bench.calls()[2], row.token_calls());

            let rotate = |bench: &Bench| {
                bench.change_secret(NEW);
                bench.secrets.rotate(Ok(NEW));
            };
            redeem(&bench, row, rotate).await.unwrap();
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (before + calls + 1, 1), "{row:?} {method}");

            // What was sent twice is the same, byte for byte.
            let sent = bench.subject.received();
            let sent: Vec<_> = sent.iter().map(|sent| (sent.code(), sent.password(), sent.otp())).collect();
            let of_one_login = &sent[before..];
            assert_eq!(of_one_login.len(), calls + 1);
            assert!(of_one_login.windows(2).any(|pair| pair[0] == pair[1]), "{row:?} {method}");

            // The new one is in use from then on.
            bench.login().await.unwrap();
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (before + 2 * calls + 1, 1), "{row:?} {method}");
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_sent_once_and_read_again_once() {
    for row in rows() {
        let bench = row.bench().await;
        bench.change_secret(NEW);
        for logins in 1..=3 {
            let error = redeem(&bench, row, |_| ()).await.unwrap_err();
            assert!(of_the_client(&error), "{row:?} {error}");
            assert_eq!(
                (bench.calls()[2], bench.secrets.rereads()),
                (logins * row.calls_until_refused(), logins),
                "{row:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_rotated_secret_that_is_wrong_too_is_shown_once() {
    for row in rows() {
        let bench = row.bench().await;
        bench.change_secret("a third");
        bench.secrets.rotate(Ok(NEW));
        let error = redeem(&bench, row, |_| ()).await.unwrap_err();
        assert!(of_the_client(&error), "{row:?} {error}");
        assert_eq!((bench.calls()[2], bench.secrets.rereads()), (row.calls_until_refused() + 1, 1), "{row:?}");
    }
}

#[tokio::test]
async fn without_its_secret_a_connector_calls_no_token_endpoint() {
    for row in rows() {
        let bench = row.bench().await;
        bench.secrets.set(Err(SecretError::Unknown));
        let error = bench.login().await.unwrap_err();
        assert!(of_the_client(&error), "{row:?} {error}");
        bench.secrets.set(Err(SecretError::Unavailable));
        let unavailable = Stage::ClientAuthentication.unavailable(Outage::Secret);
        assert_eq!(bench.login().await.err(), Some(unavailable), "{row:?}");
        assert_eq!(bench.calls()[2], 0, "{row:?}");
    }
}

#[tokio::test]
async fn an_unreadable_secret_does_not_change_the_error() {
    for gone in [SecretError::Unknown as fn(_) -> _, SecretError::Unavailable] {
        for row in rows() {
            let bench = row.bench().await;
            bench.change_secret(NEW);
            bench.secrets.rotate(Err(gone));
            let error = redeem(&bench, row, |_| ()).await.unwrap_err();
            assert!(of_the_client(&error), "{row:?} {error}");
            assert_eq!((bench.calls()[2], bench.secrets.rereads()), (row.calls_until_refused(), 1), "{row:?}");
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
            bench.subject.misbehave_at(Endpoint::Token, Some(misbehaviour.clone()));
            redeem(&bench, row, |_| ()).await.unwrap_err();
            assert_eq!(bench.calls()[2], before + 1, "{row:?} {misbehaviour:?}");
        }
        bench.subject.misbehave(None);
        if row.1 == Method::Password {
            bench.login_as("ada", "wrong").await.unwrap_err();
        }
        assert_eq!(bench.secrets.rereads(), 0, "{row:?}");
    }
}

#[tokio::test]
async fn what_the_second_call_says_counts() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap().with(&[("code", "another")]);
        bench.change_secret(NEW);
        bench.secrets.rotate(Ok(NEW));
        let error = bench.answer(&pending, &returned).await.unwrap_err();
        assert_eq!(error, ProviderError::Rejected(Rejection::InteractionRequired), "{row:?}");
        assert_eq!((bench.calls()[2], bench.secrets.rereads()), (2, 1));
    }
}
