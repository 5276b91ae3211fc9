//! What every provider has to stand, by every method it has.
//!
//! One row per provider and method; each test runs over all rows, or over all that redirect. A row is a connector that
//! `bench` knows how to configure.

mod callbacks;
mod faults;
mod id_tokens;
mod redirects;
mod secrets;
mod userinfo;

use std::collections::BTreeSet;

use domain::Method;
use egress::Reach;
use serde_json::{Value, json};
use simulators::ClientAuth;
use simulators::keycloak::{Client, Realm};

use crate::bench::{Bench, CALLBACK, IN_TIME, PASSWORD, checks_codes};
use crate::registry::PROVIDERS;
use crate::{ProviderError, Stage};

const ROWS: &[(&str, Method)] =
    &[("keycloak", Method::Oidc), ("keycloak", Method::Password), ("keycloak", Method::Totp), ("oidc", Method::Oidc)];

/// A provider and a method of it.
#[derive(Debug, Clone, Copy)]
struct Row(&'static str, Method);

impl Row {
    fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|(provider, method)| Self(provider, *method))
    }

    fn redirects() -> impl Iterator<Item = Self> {
        Self::all().filter(|row| row.1 == Method::Oidc)
    }

    async fn bench(self) -> Bench {
        self.with(|realm| realm, json!({})).await
    }

    async fn with(self, configure: impl FnOnce(Realm) -> Realm, over: Value) -> Bench {
        Bench::of(self.0, self.1, Reach::Local, configure, over).await
    }

    fn connect(self, bench: &mut Bench) {
        bench.connect(self.0, self.1, json!({}));
    }
}

#[test]
fn every_method_of_every_provider_has_a_row() {
    let registered =
        PROVIDERS.iter().flat_map(|provider| provider.methods.iter().map(|method| (provider.name, *method)));
    assert_eq!(registered.collect::<BTreeSet<_>>(), ROWS.iter().copied().collect());
}

#[tokio::test]
async fn one_user_is_one_key_by_every_method_of_every_connector_of_a_source() {
    let mut bench = Bench::start().await;
    let subject = bench.keycloak.subject("demo", "ada").unwrap();
    let key = bench.login().await.unwrap().key();
    for row in Row::all() {
        row.connect(&mut bench);
        for _ in 0..2 {
            let identity = bench.login().await.unwrap();
            assert_eq!(identity.key(), key, "{row:?}");
            assert_eq!((identity.provider.as_str(), identity.method), (row.0, row.1));
            assert_eq!((identity.connector.as_str(), identity.source.as_str()), ("staff", "people"));
            assert_eq!(identity.issuer_key, format!("{}/realms/demo", bench.url));
            assert_eq!(identity.subject_key, subject);
            assert_eq!((&identity.raw_issuer, &identity.raw_subject), (&None, &None));
            assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
            assert_eq!(identity.claims.text("name"), Some("Ada Lovelace"));
            assert_eq!(identity.upstream_session.as_deref().map(str::len), Some(24));
        }
    }
}

#[tokio::test]
async fn a_login_is_one_call_once_discovery_and_keys_are_known() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        assert_eq!(bench.calls(), [1, 1, 1, 0], "{row:?}");
        bench.login().await.unwrap();
        assert_eq!(bench.calls(), [1, 1, 2, 0], "{row:?}");
    }
}

#[tokio::test]
async fn connectors_of_one_issuer_share_what_is_known_of_it() {
    let mut bench = Bench::start().await;
    for row in Row::all() {
        row.connect(&mut bench);
        bench.login().await.unwrap();
    }
    assert_eq!(bench.calls()[..2], [1, 1]);
}

#[tokio::test]
async fn a_method_that_is_not_switched_on_sends_nothing() {
    for row in Row::all() {
        let bench = row.bench().await;
        let error = match row.1 {
            Method::Oidc => bench.login_as("ada", PASSWORD).await.unwrap_err(),
            _ => bench.begin().await.unwrap_err(),
        };
        assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Attempt, .. }), "{row:?} {error}");
        assert_eq!(bench.calls(), [0; 4]);
    }
}

#[tokio::test]
async fn every_way_of_authenticating_as_a_client_is_taken() {
    for row in Row::all() {
        let open = Client::public("open").direct_grants(true).redirect_uri(CALLBACK);
        let open = if row.1 == Method::Totp { checks_codes(open) } else { open };
        let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let none = json!({ "id": "open", "secret": null, "token_endpoint_auth_method": "none" });
        for (client, sent) in [
            (json!({}), ClientAuth::Post),
            (basic, ClientAuth::Basic),
            (json!({ "id": "open", "secret": null }), ClientAuth::None),
            (none, ClientAuth::None),
        ] {
            let bench = row.with(|realm| realm.client(open.clone()), json!({ "client": client })).await;
            bench.login().await.unwrap();
            let (codes, passwords) = (bench.keycloak.exchanges(), bench.keycloak.requests());
            let codes = codes.iter().map(|exchange| exchange.client_auth());
            let found: Vec<_> = codes.chain(passwords.iter().map(|attempt| attempt.client_auth())).collect();
            assert_eq!(found, [sent], "{row:?}");
        }
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let identity = bench.answer(&pending, &returned).await.unwrap();
        let error = bench.answer(&pending, &returned).await.unwrap_err();
        let request = bench.request(IN_TIME);
        let printed =
            format!("{:?} {:?} {pending:?} {identity:?} {error:?} {error}", bench.adapter(), bench.cx(&request));
        let seed = pending.0["s"].as_str().unwrap();
        for secret in ["canary", "ada@example.org", seed, returned.get("code").unwrap()] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
