use chrono::TimeDelta;
use domain::Method;
use serde_json::json;
use simulators::keycloak::OldKey;
use simulators::{BadKey, Endpoint, Misbehaviour, Published};

use super::Row;
use crate::{Check, Stage};

#[tokio::test]
async fn an_id_token_that_is_wrong_in_one_respect_signs_nobody_in() {
    for row in Row::all() {
        let bench = row.bench().await;
        for (misbehaviour, check) in [
            (Misbehaviour::WrongIssuer, Check::Issuer),
            (Misbehaviour::WrongAudience, Check::Audience),
            (Misbehaviour::SeveralAudiences, Check::Audience),
            (Misbehaviour::WrongAuthorizedParty, Check::AuthorizedParty),
            (Misbehaviour::ForgedSignature, Check::Signature),
            (Misbehaviour::EmptySignature, Check::Signature),
            (Misbehaviour::UnknownKey, Check::Key),
            (Misbehaviour::EncryptionKey, Check::Key),
            (Misbehaviour::EmbeddedKey, Check::Key),
            (Misbehaviour::ShortKeySignature, Check::Signature),
            (Misbehaviour::Unsigned, Check::Algorithm),
            (Misbehaviour::UnsignedAs("None".into()), Check::Algorithm),
            (Misbehaviour::UnsignedAs("nOnE".into()), Check::Algorithm),
            (Misbehaviour::HmacWithPublicKey, Check::Algorithm),
            (Misbehaviour::HmacWithClientSecret, Check::Algorithm),
            (Misbehaviour::KidIsAPath, Check::Key),
            (Misbehaviour::KidIsAList, Check::Header),
            (Misbehaviour::UnknownCritical, Check::Header),
            (Misbehaviour::UnencodedPayload, Check::Header),
            (Misbehaviour::LogoutToken, Check::Header),
            (Misbehaviour::Expired, Check::Expired),
            (Misbehaviour::IssuedInTheFuture, Check::NotYetValid),
            (Misbehaviour::NotYetValid, Check::NotYetValid),
            (Misbehaviour::ExpiryAsText, Check::Format),
            (Misbehaviour::ExpiryAsFraction, Check::Format),
            (Misbehaviour::ExpiryNegative, Check::Format),
            (Misbehaviour::ExpiryBeyondNumbers, Check::Format),
            (Misbehaviour::NoExpiry, Check::Format),
            (Misbehaviour::NoIssuedAt, Check::Format),
            (Misbehaviour::NoSubject, Check::Format),
            (Misbehaviour::DuplicateClaims, Check::Json),
            (Misbehaviour::GarbageIdToken, Check::Format),
        ] {
            bench.keycloak.misbehave(Some(misbehaviour.clone()));
            let error = bench.login().await.unwrap_err();
            assert_eq!(error, Stage::IdToken.refused(check), "{row:?} {misbehaviour:?}");
            assert_eq!(error.outcome(), None);
        }
        bench.keycloak.misbehave(None);
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn a_header_of_a_million_characters_is_more_than_is_read() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.keycloak.misbehave(Some(Misbehaviour::KidIsHuge));
        assert_eq!(bench.login().await.err(), Some(Stage::Token.refused(Check::Size)), "{row:?}");
    }
}

#[tokio::test]
async fn the_nonce_of_a_redirect_has_to_come_back() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        for misbehaviour in [Misbehaviour::NoNonce, Misbehaviour::WrongNonce] {
            bench.keycloak.misbehave(Some(misbehaviour.clone()));
            assert_eq!(
                bench.login().await.err(),
                Some(Stage::IdToken.refused(Check::Nonce)),
                "{row:?} {misbehaviour:?}"
            );
        }
        bench.keycloak.misbehave(Some(Misbehaviour::NoIdToken));
        assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Format)), "{row:?}");
        assert_eq!(bench.calls()[3], 0);
    }
}

#[tokio::test]
async fn a_connector_may_take_fewer_algorithms() {
    for row in Row::all() {
        let bench = row.with(|realm| realm, json!({ "settings": { "algorithms": ["ES256", "PS256"] } })).await;
        assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Algorithm)), "{row:?}");
        let bench = row.with(|realm| realm, json!({ "settings": { "algorithms": ["RS256"] } })).await;
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn keys_that_must_not_be_used_verify_nothing_and_harm_nobody() {
    for row in Row::all() {
        for kind in [BadKey::Short, BadKey::OffCurve, BadKey::WrongType] {
            let bench = row.bench().await;
            bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Beside)));
            bench.login().await.unwrap();

            let bench = row.bench().await;
            bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Instead)));
            if kind == BadKey::Short {
                bench.keycloak.misbehave(Some(Misbehaviour::ShortKeySignature));
            }
            assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)), "{row:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_minute() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        bench.keycloak.misbehave(Some(Misbehaviour::UnknownKey));
        for minute in 1..=3 {
            for _ in 0..5 {
                assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)), "{row:?}");
            }
            assert_eq!(bench.calls()[1], 1 + minute, "{row:?}");
            bench.pass(TimeDelta::minutes(1));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_rotated_in_mid_login_is_fetched_once_and_found() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        for old in [OldKey::Kept, OldKey::Removed] {
            bench.pass(TimeDelta::minutes(2));
            let rotate = || bench.keycloak.change_realm("demo", |realm| realm.rotate_key(old)).unwrap();
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
            assert_eq!(bench.calls(), [before[0], before[1] + 1, before[2] + 1, 0], "{row:?} {old:?}");
        }
    }
}
