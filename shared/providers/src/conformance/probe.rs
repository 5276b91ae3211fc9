//! What the connector test finds at every provider: each mistake that shows from outside, with the place where it is mended.

use axum::http::StatusCode;
use domain::Method;
use serde_json::json;
use simulators::{Dress, Endpoint, KeySet, Misbehaviour, Registration};

use super::Row;
use crate::bench::{Bench, CALLBACK, SECRET};
use crate::{Finding, Stage, Status};

/// Which check fails, and what it says to do.
async fn found(bench: &Bench) -> Vec<(&'static str, &'static str)> {
    let failed = |check: &Finding| (check.status == Status::Failed).then_some((check.id, check.hint?));
    bench.probe(None).await.checks.iter().filter_map(failed).collect()
}

/// Where an administrator mends a client and a redirect URI in a provider's console.
fn places(provider: &str) -> (&'static str, &'static str) {
    match provider {
        "okta" => ("General > Client Credentials", "General > Sign-in redirect URIs"),
        "auth0" => ("Credentials > Authentication Method", "Settings > Allowed Callback URLs"),
        "cognito" => ("App client information", "Login pages > Allowed callback URLs"),
        "entra" => ("App registrations > the app >", "App registrations > the app > Authentication"),
        "onelogin" => ("the application > SSO", "Configuration > Redirect URI's"),
        "google" => ("Google Auth Platform > Clients", "Authorized redirect URIs"),
        "apple" => ("Certificates, Identifiers & Profiles > Keys > the key", "Configure > Return URLs"),
        "meta" => ("App settings > Basic", ""),
        "pingone" => ("Token Endpoint Authentication Method", "Configuration > Redirect URIs"),
        "keycloak" => ("Clients > the client", "Valid redirect URIs"),
        "oidc" => ("client.token_endpoint_auth_method", "register the redirect URI"),
        "oauth2" => ("Developer settings > OAuth Apps > the app", "Authorization callback URL"),
        other => panic!("where does one mend a client of {other}?"),
    }
}

#[tokio::test]
async fn a_connector_without_a_mistake_passes() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        assert_eq!(found(&bench).await, [], "{row:?}");
    }
}

#[tokio::test]
async fn a_mistake_at_the_provider_is_found_with_its_place() {
    for row in Row::redirects() {
        let (client, redirect_uri) = places(row.0.provider);
        for (mistake, application, expected) in [
            ("secret", Registration::confidential("landfall", "another", CALLBACK), ("client_credentials", client)),
            ("unknown client", Registration::confidential("other", SECRET, CALLBACK), ("client_credentials", client)),
            (
                "redirect URI",
                Registration::confidential("landfall", SECRET, "https://login.example/other"),
                ("redirect_uri", redirect_uri),
            ),
        ] {
            if mistake == "redirect URI" && !row.tells_redirect_uris() {
                continue;
            }
            let id = if mistake == "unknown client" { json!({ "client": { "id": "unknown" } }) } else { json!({}) };
            let bench = row.with(id).await;
            bench.subject.register(Method::Oidc, application);
            let failed = found(&bench).await;
            let (check, place) = expected;
            let hint = failed.iter().find(|(id, _)| *id == check);
            assert!(hint.is_some_and(|(_, hint)| hint.contains(place)), "{row:?} {mistake}: {failed:?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_what_a_provider_publishes_is_found() {
    for row in Row::redirects() {
        for (endpoint, misbehaviour, check) in [
            (Endpoint::Discovery, Misbehaviour::WrongIssuer, "issuer"),
            (Endpoint::Discovery, Misbehaviour::Dress(Dress::default().status(StatusCode::NOT_FOUND)), "discovery"),
            (Endpoint::Keys, Misbehaviour::KeySet(KeySet::Unusable), "keys"),
        ]
        .into_iter()
        .filter(|(endpoint, ..)| row.has(*endpoint))
        {
            let bench = row.bench().await;
            bench.subject.misbehave_at(endpoint, Some(misbehaviour.clone()));
            let failed = found(&bench).await;
            assert_eq!(failed.first().map(|(id, _)| *id), Some(check), "{row:?} {misbehaviour:?}: {failed:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_found() {
    for row in Row::redirects() {
        let mut bench = row.bench().await;
        bench.stop().await;
        let first = match row.first_stage() {
            Stage::Discovery => "discovery",
            Stage::Keys => "keys",
            _ => "client_credentials",
        };
        assert_eq!(found(&bench).await.first().map(|(id, _)| *id), Some(first), "{row:?}");
    }
}
