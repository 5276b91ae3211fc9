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
async fn whatever_becomes_of_it_a_code_is_exchanged_once() {
    for row in Row::redirects() {
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
        ] {
            let before = bench.calls();
            bench.subject.misbehave(Some(misbehaviour.clone()));
            assert_eq!(bench.login().await.err(), Some(error), "{row:?} {misbehaviour:?}");
            assert_eq!(bench.calls(), [before[0], before[1], before[2] + 1, before[3]], "{row:?} {misbehaviour:?}");
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_never_answers_costs_what_the_request_has_left() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        bench.subject.misbehave(Some(Misbehaviour::Silence));
        let before = bench.calls();
        let error = bench.answer_within(&pending, &returned, SOON).await.unwrap_err();
        assert_eq!(error, Stage::Token.unavailable(Outage::Timeout), "{row:?}");
        assert_eq!(bench.calls()[2], before[2] + 1);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_once_the_code_is_sent_is_not_tried_again() {
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
async fn a_provider_that_cannot_be_reached_is_an_outcome_before_the_browser_leaves() {
    for row in Row::redirects() {
        for (misbehaviour, error) in [
            (Misbehaviour::Unavailable, Stage::Discovery.unavailable(Outage::ServerError)),
            (Misbehaviour::Html, Stage::Discovery.unavailable(Outage::Protocol)),
            (Misbehaviour::DeepJson, Stage::Discovery.refused(Check::Json)),
            (Misbehaviour::WrongIssuer, another_issuer()),
        ] {
            let bench = row.bench().await;
            bench.subject.misbehave_at(Endpoint::Discovery, Some(misbehaviour.clone()));
            assert_eq!(bench.begin().await.err(), Some(error), "{row:?} {misbehaviour:?}");
        }
        let mut bench = row.bench().await;
        bench.stop().await;
        assert_eq!(bench.begin().await.err(), Some(Stage::Discovery.unavailable(Outage::Connect)), "{row:?}");
    }
}

#[tokio::test]
async fn what_is_known_serves_on_while_discovery_is_down() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Unavailable));
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::Unavailable));
        bench.pass(TimeDelta::hours(23));
        bench.login().await.unwrap();
        bench.pass(TimeDelta::hours(1));
        assert_eq!(bench.begin().await.err(), Some(Stage::Discovery.unavailable(Outage::ServerError)), "{row:?}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_had_leave_the_code_unsent() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::Unavailable));
        assert_eq!(bench.login().await.err(), Some(Stage::Keys.unavailable(Outage::ServerError)), "{row:?}");
        assert_eq!(bench.calls()[2], 0);
    }
}

#[tokio::test]
async fn a_provider_that_is_switched_off_between_redirect_and_callback_signs_nobody_in() {
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
            let at = if warm { Stage::Token } else { Stage::Keys };
            assert!(matches!(error, ProviderError::Unavailable { stage, .. } if stage == at), "{row:?} {error}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_errs_again_and_again_is_asked_again_and_again() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        // One user may be all it takes to have a provider run into an error: nobody else is to be locked out by that.
        bench.subject.misbehave(Some(Misbehaviour::Unavailable));
        for _ in 0..10 {
            assert_eq!(bench.login().await.err(), Some(Stage::Token.unavailable(Outage::ServerError)), "{row:?}");
        }
        bench.subject.misbehave(None);
        bench.login().await.unwrap();
    }
}
