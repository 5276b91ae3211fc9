//! Deviations of real providers: checks are strict where security depends on them, and tolerant elsewhere.

use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::{Clock, ExternalIdentity, Method, Source};
use serde_json::{Map, Value, json};
use simulators::{Algorithm, Dress, Endpoint, KeySet, Misbehaviour, OldKey};

use super::Row;
use crate::bench::{Bench, CALLBACK};
use crate::{Check, ProviderError, Rejection, Stage, Status};

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn login_with_claims(bench: &Bench, claims: Value) -> Result<ExternalIdentity, ProviderError> {
    bench.subject.misbehave(Some(Misbehaviour::Claims(members(claims))));
    bench.login().await
}

#[tokio::test]
async fn a_claim_that_decides_nothing_refuses_no_login() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        let key = bench.login().await.unwrap().key();
        for odd in [
            json!({ "acr": 1, "auth_time": "1", "locale": {}, "updated_at": "2025-12-23", "address": "1 Main St" }),
            json!({ "phone_number": 49, "email_verified": 1, "zoneinfo": [], "groups": "one", "sid": 7 }),
            json!({ "at_hash": 1, "c_hash": [], "jti": {}, "gender": 7, "auth_time": -1.5, "email_verified": null }),
            json!({ "name": { "first": "Ada" }, "given_name": 1, "birthdate": {}, "website": "\0", "picture": 1.5 }),
        ] {
            let identity =
                login_with_claims(&bench, odd.clone()).await.unwrap_or_else(|error| panic!("{odd}: {error}"));
            assert_eq!(identity.key(), key, "{row:?} {odd}");
        }
        let fraction = bench.request(crate::bench::IN_TIME).now.timestamp() as f64 + 300.0;
        login_with_claims(&bench, json!({ "exp": fraction })).await.unwrap();
        if row.1 != Method::Totp {
            login_with_claims(&bench, json!({ "amr": "pwd" })).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_no_single_address_is_no_email_attack_84() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        for none in [
            json!(""),
            json!("none"),
            json!("a@x.org, b@y.org"),
            json!("ada@example.org\r\nBcc: eve@evil.example"),
            json!("ada\u{ff20}example.org"),
            json!("ada@bu\u{308}cher.example"),
            json!("ada@b\u{fc}cher.example"),
            json!("ada@example.org."),
            json!("ada@e\u{212a}.example"),
            json!(["ada@example.org"]),
        ] {
            // Userinfo is asked where the ID token has no e-mail in the form of text.
            bench
                .subject
                .misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::Members(members(json!({ "email": none })))));
            let identity = login_with_claims(&bench, json!({ "email": none })).await.unwrap();
            let claims = (identity.claims.text("email"), identity.claims.verified_email());
            assert_eq!(claims, (None, None), "{row:?} {none}");
            assert!(identity.claims.iter().all(|(name, _)| name != "email_verified"), "{row:?} {none}");
        }
    }
}

#[tokio::test]
async fn every_key_that_fits_is_tried() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        for set in [KeySet::Twice, KeySet::Unnamed, KeySet::TwoUnnamed, KeySet::Ambiguous] {
            for header in [None, Some(Misbehaviour::NoKid)] {
                let bench = row.bench().await;
                bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::KeySet(set)));
                bench.subject.misbehave(header.clone());
                bench.login().await.unwrap_or_else(|error| panic!("{row:?} {set:?} {header:?}: {error}"));
                assert_eq!(bench.probe(None).await.check("keys").status, Status::Passed, "{row:?} {set:?}");
            }
        }
        let bench = row.bench().await;
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::KeySet(KeySet::Unusable)));
        assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Key)), "{row:?}");
        assert_eq!(bench.probe(None).await.check("keys").status, Status::Failed, "{row:?}");
    }
}

#[tokio::test]
async fn every_registered_algorithm_signs_in() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        for algorithm in Algorithm::ALL {
            bench.pass(TimeDelta::minutes(2));
            bench.subject.sign_with(algorithm);
            bench.login().await.unwrap_or_else(|error| panic!("{row:?} {algorithm:?}: {error}"));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_rotated_without_a_new_id_costs_one_fetch_attack_87() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        for (set, old) in [(None, OldKey::Replaced), (Some(KeySet::Unnamed), OldKey::Removed)] {
            let bench = row.bench().await;
            bench.subject.misbehave_at(Endpoint::Keys, set.map(Misbehaviour::KeySet));
            bench.login().await.unwrap();
            bench.subject.rotate_key(old);
            bench.login().await.unwrap_or_else(|error| panic!("{row:?} {old:?}: {error}"));
            bench.login().await.unwrap();
            assert_eq!(bench.calls()[1], 2, "{row:?} {old:?}");

            // Forged signatures cause no more than one fetch in a cool-down.
            bench.pass(TimeDelta::minutes(2));
            bench.subject.misbehave(Some(Misbehaviour::ForgedSignature));
            for _ in 0..3 {
                assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Signature)), "{row:?}");
            }
            assert_eq!(bench.calls()[1], 3, "{row:?} {old:?}");
        }
    }
}

#[tokio::test]
async fn the_http_dress_of_an_answer_does_not_decide() {
    let dresses = || {
        [
            Dress::default().untyped(),
            Dress::default().media_type("text/html"),
            Dress::default().media_type("application/octet-stream"),
            Dress::default().media_type("application/jwt"),
            Dress::default().bom(),
            Dress::default().gzip(),
            Dress::default().status(StatusCode::CREATED),
        ]
    };
    for row in Row::all() {
        let endpoints = [Endpoint::Discovery, Endpoint::Keys, Endpoint::Token, Endpoint::Userinfo];
        for endpoint in endpoints.into_iter().filter(|endpoint| row.has(*endpoint)) {
            for dress in dresses() {
                let bench = row.bench().await;
                bench.register(bench.registration().claims_in_id_token(!row.is_completed()));
                bench.subject.misbehave_at(endpoint, Some(Misbehaviour::Dress(dress.clone())));
                let identity =
                    bench.login().await.unwrap_or_else(|error| panic!("{row:?} {endpoint:?} {dress:?}: {error}"));
                assert_eq!(identity.claims.verified_email(), row.verified_email(), "{row:?} {endpoint:?} {dress:?}");
            }
        }
        if !row.is_completed() {
            continue;
        }
        let bench = row.bench().await;
        bench.register(bench.registration().claims_in_id_token(false).signed_userinfo(true));
        for accepted in ["application/jwt", "*/*"] {
            bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::OnlyAccepts(accepted)));
            bench.login().await.unwrap_or_else(|error| panic!("{row:?} {accepted}: {error}"));
        }
    }
}

#[tokio::test]
async fn an_error_with_200_counts_and_unused_members_may_be_absent() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        let answers = |with: Value| bench.subject.misbehave(Some(row.at_tokens(Misbehaviour::Members(members(with)))));
        let mut wrong = row.wrong_code();
        (wrong["id_token"], wrong["access_token"]) = (Value::Null, Value::Null);
        answers(wrong);
        let rejected = bench.login().await.unwrap_err();
        assert!(matches!(rejected, ProviderError::Rejected(_)), "{row:?} {rejected}");
        if row.1 == Method::Oidc {
            assert_eq!(rejected, ProviderError::Rejected(Rejection::InteractionRequired));
        }
        let unused = [json!({ "access_token": null }), json!({ "token_type": null }), json!({ "token_type": "mac" })];
        for unused in unused.into_iter().filter(|_| row.userinfo_calls() == 0) {
            answers(unused.clone());
            bench.login().await.unwrap_or_else(|error| panic!("{row:?} {unused}: {error}"));
        }
        if !row.is_completed() && row.has(Endpoint::Keys) {
            continue;
        }
        // Where it is used, its absence is a fault of the provider's that has a name.
        bench.register(bench.registration().claims_in_id_token(false));
        for (used, named) in
            [(json!({ "access_token": 1 }), "access_token"), (json!({ "token_type": "mac" }), "token_type")]
        {
            answers(used);
            let error = bench.login().await.unwrap_err();
            assert_eq!(error.outcome(), Some("unavailable.misconfigured"), "{row:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

#[tokio::test]
async fn an_invalid_discovery_member_is_ignored_and_named_by_the_test() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        let bench = row.bench().await;
        let odd = json!({
            "userinfo_endpoint": "", "id_token_signing_alg_values_supported": "RS256",
            "token_endpoint_auth_methods_supported": 1, "scopes_supported": {}, "claims_supported": "all",
        });
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Members(members(odd))));
        bench.login().await.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        let report = bench.probe(None).await;
        let not_understood = &report.check("discovery").detail.as_ref().unwrap()["not_understood"];
        let named =
            ["userinfo_endpoint", "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported"];
        assert_eq!(*not_understood, json!(named), "{row:?}");
    }
}

#[tokio::test]
async fn a_moved_discovery_document_is_reported_not_followed_attack_88() {
    for row in Row::with_endpoint(Endpoint::Discovery) {
        let bench = row.bench().await;
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Moved("/elsewhere/".to_owned())));
        let error = bench.login().await.unwrap_err();
        assert!(error.to_string().contains("has moved"), "{row:?} {error}");
        let report = bench.probe(None).await;
        let detail = report.check("discovery").detail.clone().unwrap();
        assert_eq!(detail["moved_to"], format!("{}/elsewhere/", bench.url), "{row:?}");
        assert!(detail["asked"].as_str().unwrap().ends_with("/.well-known/openid-configuration"), "{row:?}");
        assert_eq!(bench.subject.received().len(), 0, "{row:?}");
    }
}

#[tokio::test]
async fn an_id_token_may_name_trusted_audiences_with_the_right_azp() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let trusting = json!({ "settings": { "trusted_audiences": ["api"] } });
        let (bench, strict) = (row.with(trusting).await, row.bench().await);
        let us = bench.client_id();
        let both = json!({ "aud": [us, "api"], "azp": us });
        for right in [both.clone(), json!({ "aud": [us] }), json!({ "aud": [us, us], "azp": us })] {
            login_with_claims(&bench, right).await.unwrap();
        }
        let refused = |check| Some(Stage::IdToken.refused(check));
        assert_eq!(login_with_claims(&strict, both).await.err(), refused(Check::Audience), "{row:?}");
        let another = json!({ "aud": [us, "api"], "azp": "api" });
        assert_eq!(login_with_claims(&bench, another).await.err(), refused(Check::AuthorizedParty), "{row:?}");
        let unnamed = json!({ "aud": [us, "api"], "azp": null });
        assert_eq!(login_with_claims(&bench, unnamed).await.err(), refused(Check::AuthorizedParty), "{row:?}");
    }
}

#[tokio::test]
async fn an_unreadable_auth_time_counts_as_long_ago() {
    for row in Row::with_endpoint(Endpoint::Keys) {
        let bench = row.bench().await;
        let now = bench.clock.now().timestamp();
        for (said, at) in [
            (json!(now - 3600), now - 3600),
            (json!(format!("{}.5", now - 3600).parse::<f64>().unwrap()), now - 3600),
            (json!(now + 30), now),
            (json!(now + 3600), 0),
            (json!("yesterday"), 0),
            (Value::Null, now),
        ] {
            let identity = login_with_claims(&bench, json!({ "auth_time": said })).await.unwrap();
            assert_eq!(identity.authenticated_at.timestamp(), at, "{row:?} {said}");
        }
    }
}

#[tokio::test]
async fn a_source_is_the_issuers_whatever_the_connector_is_called() {
    for row in Row::all() {
        let bench = row.with(json!({ "source": null })).await;
        let unnamed = bench.login().await.unwrap();
        // Where the settings name the discovery document or an endpoint, no other connector shares the accounts.
        let vouches = |name: &str| matches!(name, "discovery_endpoint" | "token_endpoint");
        if bench.subject.settings(&bench.url).iter().any(|(name, _)| vouches(name)) {
            assert_eq!(unnamed.source, Source::of_connector(&unnamed.connector), "{row:?}");
            continue;
        }
        assert_eq!(unnamed.source, Source::of_issuer(&unnamed.issuer_key), "{row:?}");
        let over = json!({ "source": null, "id": "renamed", "settings": { "redirect_uri": CALLBACK } });
        let renamed = row.with(over).await.login().await.unwrap();
        assert_eq!(renamed.source, Source::of_issuer(&renamed.issuer_key), "{row:?}");
    }
}
