use std::time::Duration;

use chrono::TimeDelta;
use domain::Method;
use serde_json::json;
use simulators::{Endpoint, Misbehaviour};
use tokio::io::AsyncReadExt;

use super::Row;
use crate::bench::{Bench, another_issuer, listen};
use crate::{Check, Outage, ProviderError, Stage};

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_code_or_a_password_is_sent_once_whatever_is_answered() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        let stage = Stage::Token;
        let redirect = Misbehaviour::Redirect(format!("{}/elsewhere", bench.url));
        for (misbehaviour, error) in [
            (Misbehaviour::ServerError, stage.unavailable(Outage::ServerError)),
            (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
            (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
            (redirect, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::DeepJson, stage.refused(Check::Json)),
            (Misbehaviour::DuplicateKeys, stage.refused(Check::Json)),
            (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
            (
                Misbehaviour::TooManyRequests { retry_after: Some(7) },
                ProviderError::Throttled { retry_after: Some(Duration::from_secs(7)) },
            ),
            (
                Misbehaviour::TooManyRequests { retry_after: Some(u32::MAX) },
                ProviderError::Throttled { retry_after: Some(ProviderError::MAX_RETRY_AFTER) },
            ),
            (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
        ] {
            // Keycloak's own 500 is how it answers for a user who has no authenticator app.
            if (row.0.provider, row.1, &misbehaviour) == ("keycloak", Method::Totp, &Misbehaviour::ServerError) {
                continue;
            }
            let before = bench.calls();
            bench.subject.misbehave(Some(misbehaviour.clone()));
            assert_eq!(bench.login().await.err(), Some(error), "{row:?} {misbehaviour:?}");
            assert_eq!(bench.calls(), [before[0], before[1], before[2] + 1, before[3]], "{row:?} {misbehaviour:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_token_endpoint_ends_at_the_requests_deadline() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        bench.subject.misbehave(Some(Misbehaviour::Silence));
        let before = bench.calls();
        let error = bench.login_within(SOON).await.unwrap_err();
        assert_eq!(error, Stage::Token.unavailable(Outage::Timeout), "{row:?}");
        assert_eq!(bench.calls()[2], before[2] + 1);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_code_was_sent_is_not_retried() {
    let mut bench = Bench::start().await;
    let (listener, url) = listen().await;
    let settings = json!({ "issuer": bench.issuer(), "token_endpoint": url });
    bench.connect("oidc", Method::Oidc, json!({ "settings": settings }));
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();

    let breaking = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read(&mut [0; 4096]).await.unwrap()
    };
    let (answer, read) = tokio::join!(bench.answer(&pending, &returned), breaking);
    assert!(read > 0);
    assert_eq!(answer.err(), Some(Stage::Token.unavailable(Outage::Interrupted)));
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());
}

#[tokio::test]
async fn no_code_or_password_is_sent_without_document_and_keys() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        for (endpoint, stage) in [(Endpoint::Discovery, Stage::Discovery), (Endpoint::Keys, Stage::Keys)] {
            let bench = row.bench().await;
            for (misbehaviour, error) in [
                (Misbehaviour::ServerError, stage.unavailable(Outage::ServerError)),
                (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
                (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
                (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
                (Misbehaviour::DeepJson, stage.refused(Check::Json)),
                (Misbehaviour::DuplicateKeys, stage.refused(Check::Json)),
                (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
                (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
            ] {
                bench.subject.misbehave_at(endpoint, Some(misbehaviour.clone()));
                assert_eq!(bench.login().await.err(), Some(error), "{row:?} {endpoint:?} {misbehaviour:?}");
            }
            assert_eq!(bench.calls()[2], 0, "{row:?} {endpoint:?}");
            let authorized = bench.subject.calls(Endpoint::Authorize);
            assert!(endpoint == Endpoint::Keys || authorized == 0, "{row:?}: the browser was sent away");
        }
        let mut bench = row.bench().await;
        bench.stop().await;
        assert_eq!(bench.login().await.err(), Some(Stage::Discovery.unavailable(Outage::Connect)), "{row:?}");
    }
}

#[tokio::test]
async fn an_issuer_is_spelled_one_way() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        let bench = row.bench().await;
        let issuer = bench.issuer();
        for other in [
            "https://attacker.example".to_owned(),
            format!("{issuer}/"),
            issuer.replace("http", "HTTP"),
            issuer.replace("127.0.0.1", "localhost"),
        ]
        .into_iter()
        .filter(|other| *other != issuer)
        {
            bench.change_document(json!({ "issuer": other }));
            assert_eq!(bench.login().await.err(), Some(another_issuer()), "{row:?} {other}");
        }
        assert_eq!(bench.calls()[1..], [0, 0, 0]);
    }
}

#[tokio::test]
async fn an_endpoint_inside_our_network_is_refused() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        let called =
            [("jwks_uri", Stage::Keys), ("token_endpoint", Stage::Token), ("userinfo_endpoint", Stage::Userinfo)];
        let is_called = |at: Stage| match at {
            Stage::Userinfo => row.is_completed(),
            Stage::Token => !row.has_own_api(),
            _ => true,
        };
        for (endpoint, stage) in called.into_iter().filter(|(_, at)| is_called(*at)) {
            for inside in ["http://10.0.0.1/x", "https://169.254.169.254/latest/meta-data", "file:///etc/passwd"] {
                let bench = row.bench().await;
                bench.register(bench.registration().claims_in_id_token(false));
                bench.change_document(json!({ endpoint: inside }));
                let refused = bench.login().await.unwrap_err();
                assert!(matches!(refused, ProviderError::Misconfigured { stage: at, .. } if at == stage), "{refused}");
            }
        }
        for endpoint in ["jwks_uri", "token_endpoint"].into_iter().filter(|_| !row.has_own_api()) {
            let bench = row.bench().await;
            bench.change_document(json!({ endpoint: "no address" }));
            let error = bench.login().await.unwrap_err();
            assert!(error.to_string().contains(endpoint), "{row:?} {error}");
        }
    }
}

#[tokio::test]
async fn cached_documents_are_used_for_a_day_during_an_outage() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Unavailable));
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::TooManyRequests { retry_after: None }));
        bench.pass(TimeDelta::hours(23));
        // The first login asks: twice, but once where fewer calls are wanted. The second does not.
        for _ in 0..2 {
            bench.login().await.unwrap();
        }
        let calls = 3 * row.token_calls();
        assert_eq!(bench.calls()[..3], [3, 2, calls], "{row:?}");

        bench.pass(TimeDelta::hours(1));
        let error = Stage::Discovery.unavailable(Outage::ServerError);
        assert_eq!(bench.login().await.err(), Some(error), "{row:?}");
        // Keys that are too old verify nothing: one of them may have been withdrawn.
        bench.subject.misbehave_at(Endpoint::Discovery, None);
        let error = ProviderError::Throttled { retry_after: None };
        assert_eq!(bench.login().await.err(), Some(error), "{row:?}");
        assert_eq!(bench.calls()[2], calls, "{row:?}");

        bench.subject.misbehave_at(Endpoint::Keys, None);
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn a_provider_that_is_switched_off_before_the_callback_is_unavailable() {
    for row in Row::redirects() {
        for warm in [false, true] {
            let mut bench = row.bench().await;
            if warm {
                bench.login().await.unwrap();
            }
            let pending = bench.begin().await.unwrap();
            let returned = bench.visit(&pending).await.unwrap();
            bench.stop().await;
            let error = bench.answer(&pending, &returned).await.unwrap_err();
            let at = if warm || !row.has(Endpoint::Keys) { Stage::Token } else { Stage::Keys };
            assert!(matches!(error, ProviderError::Unavailable { stage, .. } if stage == at), "{row:?} {error}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_fails_repeatedly_is_still_asked() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        // One user's login may be what makes a provider fail: that must not lock out the others.
        bench.subject.misbehave(Some(Misbehaviour::Unavailable));
        for _ in 0..10 {
            assert_eq!(bench.login().await.err(), Some(Stage::Token.unavailable(Outage::ServerError)), "{row:?}");
        }
        bench.subject.misbehave(None);
        bench.login().await.unwrap();
    }
}
