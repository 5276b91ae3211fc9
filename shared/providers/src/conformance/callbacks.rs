use domain::Pending;
use serde_json::json;
use simulators::{Endpoint, Misbehaviour, Registration};

use super::Row;
use crate::bench::{Bench, CALLBACK, SECRET};
use crate::{Check, Hints, ProviderError, Rejection, Stage};

const MIXED_UP: Option<ProviderError> = Some(ProviderError::Refused { stage: Stage::Callback, check: Check::Issuer });

#[tokio::test]
async fn an_answer_mixed_in_by_another_provider_reaches_no_token_endpoint() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let evil = returned.with(&[("iss", "https://evil.example")]);
        assert_eq!(bench.answer(&pending, &evil).await.err(), MIXED_UP, "{row:?}");
        // `iss` is required only from a provider whose document declares it.
        if returned.parameter("iss").is_none() || !row.has(Endpoint::Discovery) {
            assert_eq!(bench.calls()[1..], [0, 0, 0], "{row:?}");
            bench.answer(&pending, &returned).await.unwrap();
            continue;
        }
        for misbehaviour in [Misbehaviour::CallbackWithoutIss, Misbehaviour::CallbackWithWrongIss] {
            bench.subject.misbehave_at(Endpoint::Login, Some(misbehaviour.clone()));
            assert_eq!(bench.login().await.err(), MIXED_UP, "{row:?} {misbehaviour:?}");
        }
        bench.subject.misbehave_at(Endpoint::Login, None);

        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let issuer = returned.parameter("iss").unwrap();
        for spelling in [format!("{issuer}/"), issuer.replace("http", "HTTP"), " ".to_owned()] {
            let altered = returned.with(&[("iss", &spelling)]);
            assert_eq!(bench.answer(&pending, &altered).await.err(), MIXED_UP, "{spelling}");
        }
        let error = returned.with(&[("code", ""), ("error", "access_denied")]);
        for other in ["", "https://evil.example"] {
            assert_eq!(bench.answer(&pending, &error.with(&[("iss", other)])).await.err(), MIXED_UP);
        }
        assert_eq!(bench.calls()[1..], [0, 0, 0]);
        bench.answer(&pending, &returned).await.unwrap();
    }
}

#[tokio::test]
async fn iss_may_be_absent_if_the_provider_does_not_promise_it() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        bench.change_document(json!({ "authorization_response_iss_parameter_supported": null }));
        for (misbehaviour, error) in [
            (None, None),
            (Some(Misbehaviour::CallbackWithoutIss), None),
            (Some(Misbehaviour::CallbackWithWrongIss), MIXED_UP),
        ] {
            bench.subject.misbehave_at(Endpoint::Login, misbehaviour.clone());
            assert_eq!(bench.login().await.err(), error, "{row:?} {misbehaviour:?}");
        }
    }
}

#[tokio::test]
async fn a_callback_error_has_its_outcome_and_sends_no_code() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        for (error, outcome) in [
            ("access_denied", "rejected.declined"),
            ("login_required", "rejected.declined"),
            ("unmet_authentication_requirements", "rejected.declined"),
            ("interaction_required", "rejected.interaction_required"),
            ("consent_required", "rejected.interaction_required"),
            ("account_selection_required", "rejected.interaction_required"),
            ("temporarily_unavailable", "unavailable.timeout"),
            ("server_error", "unavailable.timeout"),
            ("unauthorized_client", "unavailable.misconfigured"),
            ("invalid_scope", "unavailable.misconfigured"),
            ("invalid_request", "unavailable.misconfigured"),
            ("unsupported_response_type", "unavailable.misconfigured"),
            ("request_not_supported", "unavailable.misconfigured"),
            ("<script>alert(1)</script>", "rejected.declined"),
        ] {
            bench.subject.misbehave_at(Endpoint::Login, Some(Misbehaviour::CallbackError(error.to_owned())));
            let failed = bench.login().await.unwrap_err();
            assert_eq!(failed.outcome(), Some(outcome), "{row:?} {error}: {failed}");
            assert!(!format!("{failed:?} {failed}").contains("script"));
        }
        bench.subject.misbehave_at(Endpoint::Login, None);
        if !row.0.is_silent {
            continue;
        }
        // What the provider itself says to a silent login.
        let silent = Hints { prompt: Some("none"), ..Hints::default() };
        let pending = bench.begin_with(silent).await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let declined = Some(ProviderError::Rejected(Rejection::Declined));
        assert_eq!(bench.answer(&pending, &returned).await.err(), declined);
        // An error takes precedence over a code, and a callback with neither is refused.
        let both = returned.with(&[("code", "code")]);
        assert_eq!(bench.answer(&pending, &both).await.err(), declined);
        let neither = returned.with(&[("error", "")]);
        assert_eq!(bench.answer(&pending, &neither).await.err(), Some(Stage::Callback.refused(Check::Format)));
        assert_eq!(bench.calls()[1..], [0, 0, 0]);
    }
}

#[tokio::test]
async fn a_callback_that_no_login_waits_for_is_refused_before_any_call() {
    for row in Row::redirects() {
        let bench = row.bench().await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        let before = bench.calls();
        let seed = pending.0["s"].as_str().unwrap();
        for wrong in [
            json!(null),
            json!({}),
            json!([]),
            json!({ "s": "" }),
            json!({ "s": seed[..20] }),
            json!({ "s": format!("{seed}A") }),
            json!({ "s": 1 }),
            json!({ "s": seed, "x": 1 }),
        ] {
            let refused = Some(Stage::Attempt.refused(Check::Unasked));
            assert_eq!(bench.answer(&Pending(wrong.clone()), &returned).await.err(), refused, "{wrong}");
            assert_eq!(bench.hop(&Pending(wrong)).await.err(), refused);
        }
        assert_eq!(bench.calls(), before);
    }
}

/// The result of a code that comes back to another login's pending.
async fn injected(bench: &Bench) -> ProviderError {
    let (victim, attacker) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
    let returned = bench.visit(&victim).await.unwrap();
    bench.answer(&attacker, &returned).await.unwrap_err()
}

#[tokio::test]
async fn a_code_of_another_session_signs_in_no_user() {
    for row in Row::redirects() {
        // PKCE at the provider: its refusal is what the provider says of it.
        let bench = row.bench().await;
        let by_pkce = match row.0.provider {
            "keycloak" | "entra" => Stage::Token.refused(Check::Code),
            _ => ProviderError::Rejected(Rejection::InteractionRequired),
        };
        assert_eq!(injected(&bench).await, by_pkce, "{row:?}");

        if !row.has(Endpoint::Keys) {
            continue;
        }
        // Without it the nonce, which is ours to check.
        let bench = row.with(json!({ "settings": { "pkce": false } })).await;
        assert_eq!(injected(&bench).await, Stage::IdToken.refused(Check::Nonce), "{row:?}");
        assert_eq!(bench.calls()[2], 1);
        bench.login().await.unwrap();
    }
}

#[tokio::test]
async fn a_code_of_another_connector_or_a_used_one_is_rejected() {
    for row in Row::redirects() {
        let mut bench = row.bench().await;
        bench.register(Registration::confidential("other", SECRET, CALLBACK));
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        bench.connect(row.0.provider, row.1, json!({ "client": { "id": "other", "secret": "staff" } }));
        let outcome = bench.answer(&pending, &returned).await.unwrap_err().outcome();
        assert!(matches!(outcome, None | Some("rejected.interaction_required")), "{row:?} {outcome:?}");

        row.connect(&mut bench);
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        bench.answer(&pending, &returned).await.unwrap();
        let again = bench.answer(&pending, &returned).await.err();
        assert_eq!(again, Some(ProviderError::Rejected(Rejection::InteractionRequired)), "{row:?}");
    }
}

#[tokio::test]
async fn a_client_that_may_not_is_for_the_administrator() {
    for row in Row::redirects() {
        let bench = row.with(json!({ "settings": { "pkce": false } })).await;
        for registration in
            [bench.registration().pkce_required(true), Registration::confidential("landfall", "another", CALLBACK)]
        {
            bench.register(registration);
            let error = bench.login().await.unwrap_err();
            assert_eq!(error.outcome(), Some("unavailable.misconfigured"), "{row:?} {error}");
        }
    }
}
