mod endpoints;
mod hooks;
mod probe;

use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use chrono::TimeDelta;
use egress::Reach;
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, OldKey};

use crate::bench::another_issuer;
use crate::bench::{Bench, PASSWORD, listen, serve};
use crate::{Check, Outage, ProviderError, Stage};

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let bench = Bench::start().await;
    bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::WrongIssuer));
    assert_eq!(bench.login().await.err(), Some(another_issuer()));

    // A server that calls itself by another name than the connector does.
    bench.subject.misbehave_at(Endpoint::Discovery, None);
    let _renamed = bench.keycloak().clone().hostname(&bench.url.replace("127.0.0.1", "localhost"));
    assert_eq!(bench.login().await.err(), Some(another_issuer()));
    assert!(bench.subject.requests().is_empty());
}

#[tokio::test]
async fn documents_that_are_none_end_the_login_before_the_password_leaves() {
    for (endpoint, stage) in [(Endpoint::Discovery, Stage::Discovery), (Endpoint::Keys, Stage::Keys)] {
        let bench = Bench::start().await;
        for (misbehaviour, error) in [
            (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::ServerError, stage.unavailable(Outage::ServerError)),
            (Misbehaviour::DuplicateKeys, stage.refused(Check::Json)),
            (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
            (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
        ] {
            bench.subject.misbehave_at(endpoint, Some(misbehaviour.clone()));
            assert_eq!(bench.login().await.err(), Some(error), "{endpoint:?} {misbehaviour:?}");
        }
        assert!(bench.subject.requests().is_empty());
    }
}

/// A login at a provider that would let anybody in, but for `member` of its discovery document, which is changed.
async fn login_with(member: &str, change: impl Fn(&str) -> String) -> Result<(), ProviderError> {
    let (listener, url) = listen().await;
    let issuer = format!("{url}/realms/demo");
    let mut document = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/certs"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
    });
    document[member] = change(document[member].as_str().unwrap()).into();
    let answer = async move |uri: Uri| {
        let body = match uri.path().rsplit('/').next() {
            Some("openid-configuration") => document,
            Some("certs") => json!({ "keys": [] }),
            Some("token") => json!({ "access_token": "a", "token_type": "Bearer" }),
            _ => json!({ "sub": "ada" }),
        };
        ([(CONTENT_TYPE, "application/json")], body.to_string())
    };
    let _server = serve(listener, Router::new().fallback(answer)).await;
    let bench = Bench::with(Reach::Local, |realm| realm, json!({ "settings": { "url": url } })).await;
    bench.login().await.map(|_| ())
}

#[tokio::test]
async fn an_issuer_is_spelled_one_way() {
    assert_eq!(login_with("issuer", str::to_owned).await, Ok(()));
    let spellings: [fn(&str) -> String; 3] =
        [|url| format!("{url}/"), |url| url.replace("demo", "Demo"), |url| url.replace("http", "HTTP")];
    for spelling in spellings {
        assert_eq!(login_with("issuer", spelling).await, Err(another_issuer()));
    }
}

#[tokio::test]
async fn endpoints_that_lead_inside_are_refused_one_by_one() {
    for (endpoint, stage) in
        [("jwks_uri", Stage::Keys), ("token_endpoint", Stage::Token), ("userinfo_endpoint", Stage::Userinfo)]
    {
        for inside in ["http://10.0.0.1/x", "https://169.254.169.254/latest/meta-data", "file:///etc/passwd"] {
            let refused = login_with(endpoint, |_| inside.to_owned()).await.unwrap_err();
            assert!(matches!(refused, ProviderError::Misconfigured { stage: at, .. } if at == stage), "{refused}");
        }
        let odd = login_with(endpoint, |_| "no url".to_owned()).await.unwrap_err();
        assert!(odd.to_string().contains(endpoint), "{odd}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_found() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    for old in [OldKey::Kept, OldKey::Removed] {
        bench.pass(TimeDelta::minutes(2));
        bench.subject.rotate_key(old);
        let before = bench.calls();
        bench.login().await.unwrap();
        bench.login().await.unwrap();
        assert_eq!(bench.calls(), [before[0], before[1] + 1, before[2] + 2, 0]);
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_minute() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.misbehave(Some(Misbehaviour::UnknownKey));
    for minute in 1..=3 {
        assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)));
        for _ in 0..5 {
            assert_eq!(bench.login().await.err(), Some(Stage::Keys.unavailable(Outage::Keys)));
        }
        assert_eq!(bench.calls()[1], 1 + minute);
        bench.pass(TimeDelta::minutes(1));
    }
}

#[tokio::test]
async fn tokens_that_could_never_be_good_cost_no_fetch() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    for misbehaviour in [Misbehaviour::Unsigned, Misbehaviour::HmacWithPublicKey, Misbehaviour::Expired] {
        bench.subject.misbehave(Some(misbehaviour));
        bench.login().await.unwrap_err();
    }
    assert_eq!(bench.calls()[..2], [1, 1]);
}

#[tokio::test]
async fn documents_are_refreshed_after_an_hour_in_the_path_of_a_request() {
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
async fn documents_serve_on_for_a_day_while_the_provider_does_not_give_them() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Unavailable));
    bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::TooManyRequests { retry_after: None }));

    bench.pass(TimeDelta::hours(2));
    bench.login().await.unwrap();
    // Not asked again by every login: the one that asked has asked twice, but whoever wants fewer calls.
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [3, 2, 3, 0]);

    bench.pass(TimeDelta::hours(22));
    let unavailable = Some(Stage::Discovery.unavailable(Outage::ServerError));
    assert_eq!(bench.login().await.err(), unavailable);
    assert_eq!(bench.calls()[2], 3);

    bench.subject.misbehave_at(Endpoint::Discovery, None);
    bench.subject.misbehave_at(Endpoint::Keys, None);
    bench.login().await.unwrap();
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
async fn a_rotation_while_the_keys_are_not_given_refuses_nobody() {
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
async fn a_key_that_was_removed_is_refused_once_keys_are_too_old() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::Unavailable));
    bench.pass(TimeDelta::hours(24));
    let before = bench.subject.requests().len();
    assert_eq!(bench.login().await.err(), Some(Stage::Keys.unavailable(Outage::ServerError)));
    assert_eq!(bench.subject.requests().len(), before);
}

#[tokio::test]
async fn a_burst_of_first_logins_fetches_once() {
    let bench = Bench::start().await;
    let (one, two, three) = tokio::join!(bench.login(), bench.login(), bench.login());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(bench.calls(), [1, 1, 3, 0]);
}
