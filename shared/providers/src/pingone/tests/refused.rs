//! Answers that end a login by password, or that are no answer.

use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, Registration};

use super::bench;
use crate::bench::SECRET;
use crate::{Check, Finding, Outage, ProviderError, Stage, Status};

const ID: &str = "0b7d0b2c-0000-4000-8000-000000000000";

#[tokio::test]
async fn an_answer_to_the_password_is_read_in_both_shapes() {
    let bench = bench().await;
    let failed = |code: &str| json!({ "id": ID, "status": "FAILED", "error": { "code": code, "message": "No." } });
    for (status, body, outcome) in [
        (200, failed("INVALID_CREDENTIALS"), Some("rejected.invalid_credentials")),
        (200, failed("PASSWORD_LOCKED_OUT"), Some("rejected.account_locked")),
        (200, failed("NO_USABLE_DEVICES"), Some("rejected.interaction_required")),
        (200, failed("SOMETHING_NEW"), Some("rejected.declined")),
        (200, json!({ "id": ID, "status": "FAILED" }), Some("rejected.declined")),
        (200, json!({ "id": ID, "status": "USERNAME_PASSWORD_REQUIRED" }), Some("rejected.invalid_credentials")),
        (200, json!({ "id": ID, "status": "ASSERTION_REQUIRED" }), Some("rejected.interaction_required")),
        (200, json!({ "id": ID, "status": "AGREEMENT_CONSENT_REQUIRED" }), Some("rejected.interaction_required")),
        (200, json!({ "id": ID, "status": "PUSH_CONFIRMATION_TIMED_OUT" }), Some("rejected.otp_expired")),
        (200, json!({ "id": ID, "status": "DEVICE_SELECTION_REQUIRED" }), Some("rejected.interaction_required")),
        (200, json!({ "id": ID, "status": "SOMETHING_NEW" }), Some("unavailable.misconfigured")),
        (200, json!({ "id": "../x", "status": "OTP_REQUIRED" }), None),
        (200, json!({}), Some("unavailable")),
        (400, json!({ "id": ID, "code": "PASSWORD_LOCKED_OUT", "message": "No." }), Some("rejected.account_locked")),
        (400, json!({ "id": ID, "code": "SOMETHING_NEW", "message": "No." }), Some("unavailable")),
        (500, json!({ "id": ID, "code": "SOMETHING_NEW", "message": "No." }), Some("unavailable.timeout")),
    ] {
        bench.subject.misbehave(Some(Misbehaviour::Answer(status, body.clone())));
        let before = bench.calls()[2];
        assert_eq!(bench.login().await.unwrap_err().outcome(), outcome, "{status} {body}");
        assert_eq!(bench.calls()[2], before + 1, "{body}");
    }
}

#[tokio::test]
async fn an_answer_of_another_request_is_refused_before_its_code_is_sent() {
    let bench = bench().await;
    let answered = |body: Value| {
        let members = Misbehaviour::members(&json!({ "authorizeResponse": body }));
        bench.subject.misbehave(Some(Misbehaviour::At("/as/resume", Box::new(members))));
    };
    for (body, error) in [
        (json!({ "code": "c", "state": "of another" }), Stage::Callback.refused(Check::Code)),
        (json!({ "code": "c" }), Stage::Callback.refused(Check::Code)),
        (json!({ "code": "c", "state": ["a"] }), Stage::Callback.refused(Check::Code)),
        (json!(null), Stage::Token.unavailable(Outage::Protocol)),
    ] {
        answered(body.clone());
        let before = bench.calls()[2];
        assert_eq!(bench.login().await.err(), Some(error), "{body}");
        assert_eq!(bench.calls()[2], before + 2, "{body}");
    }
    bench.subject.misbehave(Some(Misbehaviour::WrongNonce));
    assert_eq!(bench.login().await.err(), Some(Stage::IdToken.refused(Check::Nonce)));
}

#[tokio::test]
async fn a_policy_that_takes_no_password_is_found_and_none_is_sent() {
    let davinci = json!({ "interactionId": "i", "interactionToken": "t", "capabilityName": "customHTMLTemplate" });
    let status = |status: &str| json!({ "id": ID, "status": status });
    for (body, hint) in [
        (davinci, "DaVinci"),
        (status("EXTERNAL_AUTHENTICATION_REQUIRED"), "does not begin with a password"),
        (status("OTP_REQUIRED"), "does not begin with a password"),
        (status("SOMETHING_NEW"), "PingOne asks for something"),
    ] {
        let bench = bench().await;
        bench.subject.misbehave_at(Endpoint::Authorize, Some(Misbehaviour::Answer(200, body.clone())));
        let error = bench.login().await.unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Authorize, .. }), "{body} {error}");
        assert!(error.to_string().contains(hint), "{body} {error}");
        assert_eq!(bench.subject.received().len(), 0, "{body}");
        assert_eq!(found(&bench.probe(None).await.checks).map(|found| found.contains(hint)), Some(true), "{body}");
    }
}

/// What is wrong with the flow.
fn found(checks: &[Finding]) -> Option<&'static str> {
    let failed = |check: &&Finding| check.id == "password_flow" && check.status == Status::Failed;
    checks.iter().find(failed)?.hint
}

#[tokio::test]
async fn the_test_tries_a_flow_as_far_as_the_password() {
    let bench = bench().await;
    let report = bench.probe(None).await;
    assert_eq!((report.check("password_flow").status, report.ok), (Status::Passed, true), "{report:?}");
    assert!(bench.subject.received().iter().all(|sent| sent.username().is_none() && sent.password().is_none()));

    bench.register(Registration::confidential("landfall", SECRET, "https://login.example/other"));
    let hint = found(&bench.probe(None).await.checks).unwrap();
    assert!(hint.contains("Configuration > Redirect URIs"), "{hint}");
    assert!(bench.login().await.unwrap_err().to_string().contains(hint));
}
