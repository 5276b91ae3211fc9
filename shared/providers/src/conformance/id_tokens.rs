use chrono::TimeDelta;
use domain::Method;
use serde_json::json;
use simulators::{BadKey, Endpoint, Misbehaviour, OldKey, Published, bad_id_tokens};

use super::Row;
use crate::{Check, Outage, ProviderError, Stage};

#[tokio::test]
async fn an_id_token_that_is_wrong_in_one_respect_is_refused() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        for bad in bad_id_tokens().into_iter().filter(|bad| row.ends_in_code() || !bad.by_redirect_only) {
            bench.subject.misbehave(Some(bad.how.clone()));
            // A key that is not known may be fetched.
            bench.pass(TimeDelta::minutes(1));
            let before = bench.calls();
            let error = bench.login().await.unwrap_err();
            let refused = |check: Check| check.as_str() == bad.fault;
            assert!(
                matches!(error, ProviderError::Refused { stage: Stage::IdToken, check } if refused(check)),
                "{row:?} {bad:?} {error}"
            );
            assert_eq!((error.outcome(), bench.calls()[3]), (None, 0));
            // A token that could never be good costs no call.
            let may_fetch = matches!(bad.fault, "key" | "signature") || before[1] == 0;
            assert!(may_fetch || bench.calls()[..2] == before[..2], "{row:?} {bad:?}");
        }
        bench.subject.misbehave(None);
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn a_header_of_a_million_characters_is_refused() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        bench.subject.misbehave(Some(Misbehaviour::KidIsHuge));
        assert_eq!(bench.login().await.err(), Some(Stage::Token.refused(Check::Size)), "{row:?}");
    }
}

#[tokio::test]
async fn a_redirect_needs_an_id_token() {
    for row in Row::redirects().filter(|row| row.needs_id_token()) {
        let bench = row.bench().await;
        bench.subject.misbehave(Some(Misbehaviour::NoIdToken));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some("unavailable.misconfigured"), "{row:?}");
        assert_eq!(bench.calls()[3], 0);
    }
}

#[tokio::test]
async fn a_connector_may_take_fewer_algorithms() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.with(json!({ "settings": { "algorithms": ["ES256", "PS256"] } })).await;
        assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Algorithm)), "{row:?}");
        let bench = row.with(json!({ "settings": { "algorithms": ["RS256"] } })).await;
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn unusable_keys_verify_nothing_and_break_no_login() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        for kind in [BadKey::Short, BadKey::OffCurve, BadKey::WrongType] {
            let bench = row.bench().await;
            bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Beside)));
            bench.login().await.unwrap();

            let bench = row.bench().await;
            bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Instead)));
            if kind == BadKey::Short {
                bench.subject.misbehave(Some(Misbehaviour::ShortKeySignature));
            }
            assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)), "{row:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_minute() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        bench.subject.misbehave(Some(Misbehaviour::UnknownKey));
        for minute in 1..=3 {
            assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)), "{row:?}");
            for _ in 0..5 {
                // Within the cool-down there is no telling: the provider may have published it meanwhile.
                assert_eq!(bench.login().await.err(), Some(Stage::Keys.unavailable(Outage::Keys)), "{row:?}");
            }
            assert_eq!(bench.calls()[1], 1 + minute, "{row:?}");
            bench.pass(TimeDelta::minutes(1));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_rotated_in_mid_login_is_fetched_once_and_found() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        for old in [OldKey::Kept, OldKey::Removed] {
            bench.pass(TimeDelta::minutes(2));
            let rotate = || bench.subject.rotate_key(old);
            let before = bench.calls();
            if row.1 == Method::Oidc {
                let pending = bench.begin().await.unwrap();
                let returned = bench.visit(&pending).await.unwrap();
                rotate();
                bench.answer(&pending, &returned).await.unwrap();
            } else {
                rotate();
                bench.login().await.unwrap();
            }
            assert_eq!(
                bench.calls(),
                [before[0], before[1] + 1, before[2] + row.token_calls(), before[3] + row.userinfo_calls()],
                "{row:?} {old:?}"
            );
        }
    }
}
