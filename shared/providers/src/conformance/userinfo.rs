use serde_json::json;
use simulators::{Endpoint, Misbehaviour};

use super::Row;
use crate::bench::{Bench, ada};
use crate::{Check, Outage, ProviderError, Stage};

/// At a client whose ID tokens show no profile.
async fn thin(row: Row) -> Bench {
    let bench = row.bench().await;
    bench.register(bench.registration().claims_in_id_token(false));
    bench
}

#[tokio::test]
async fn what_the_id_token_lacks_userinfo_says() {
    for row in Row::all().filter(|row| row.is_completed()) {
        let bench = thin(row).await;
        let identity = bench.login().await.unwrap();
        assert_eq!(identity.claims.verified_email(), Some("ada@example.org"), "{row:?}");
        assert_eq!(identity.claims.text("name"), Some("Ada Lovelace"));
        assert_eq!(bench.calls(), [1, 1, row.token_calls(), 1], "{row:?}");

        bench.subject.enrol(ada(false));
        assert_eq!(bench.login().await.unwrap().claims.verified_email(), None);
    }
}

#[tokio::test]
async fn userinfo_is_not_asked_for_a_scope_that_was_not_requested() {
    for row in Row::all().filter(|row| row.is_completed()) {
        let bench = row.with(json!({ "settings": { "scopes": ["openid"] } })).await;
        bench.register(bench.registration().claims_in_id_token(false));
        bench.login().await.unwrap();
        assert_eq!(bench.calls(), [1, 1, row.token_calls(), 0], "{row:?}");
    }
}

#[tokio::test]
async fn userinfo_about_another_subject_is_refused() {
    for row in Row::all().filter(|row| row.is_completed()) {
        let bench = thin(row).await;
        for signed in [false, true] {
            bench.register(bench.registration().claims_in_id_token(false).signed_userinfo(signed));
            bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::WrongUserinfoSubject));
            assert_eq!(bench.login().await.err(), Some(Stage::Userinfo.refused(Check::Subject)), "{row:?}");
        }
    }
}

#[tokio::test]
async fn signed_userinfo_is_verified_and_taken() {
    for row in Row::all().filter(|row| row.is_completed()) {
        let bench = thin(row).await;
        let key = bench.login().await.unwrap().key();
        bench.register(bench.registration().claims_in_id_token(false).signed_userinfo(true));
        let identity = bench.login().await.unwrap();
        assert_eq!(identity.key(), key, "{row:?}");
        assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
        // With the keys that are there already.
        assert_eq!(bench.calls(), [1, 1, 2 * row.token_calls(), 2], "{row:?}");
    }
}

#[tokio::test]
async fn a_login_fails_where_userinfo_fails() {
    for row in Row::all().filter(|row| row.is_completed()) {
        let bench = thin(row).await;
        let stage = Stage::Userinfo;
        for (misbehaviour, error) in [
            (Misbehaviour::DuplicateKeys, stage.refused(Check::Json)),
            (Misbehaviour::DeepJson, stage.refused(Check::Json)),
            (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
            (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
            (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
            (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
        ] {
            bench.subject.misbehave_at(Endpoint::Userinfo, Some(misbehaviour.clone()));
            let before = bench.calls();
            assert_eq!(bench.login().await.err(), Some(error), "{row:?} {misbehaviour:?}");
            // Asked once more where that may help; the code or password is not sent once more for it.
            let asked = if misbehaviour == Misbehaviour::Unavailable { 2 } else { 1 };
            let after = bench.calls();
            assert_eq!(after[2..], [before[2] + row.token_calls(), before[3] + asked], "{row:?} {misbehaviour:?}");
        }
    }
}
