//! The connector test of passwords and codes.

use domain::Method;
use egress::Reach;
use serde_json::json;
use simulators::Misbehaviour;

use crate::bench::{Bench, IN_TIME};
use crate::{Report, Status};

async fn bench(method: Method) -> Bench {
    Bench::at(&simulators::cognito::SIMULATOR, method, Reach::Local, json!({})).await
}

fn refuse(bench: &Bench, kind: &str, message: &str) {
    let body = json!({ "__type": kind, "message": message });
    bench.subject.misbehave(Some(Misbehaviour::Answer(400, body)));
}

/// The pool has no domain: its document names no endpoint but that of its keys.
fn without_domain(bench: &Bench) {
    bench.change_document(json!({ "authorization_endpoint": null, "token_endpoint": null, "userinfo_endpoint": null }));
}

fn hint(report: &Report, id: &str) -> String {
    let finding = report.check(id);
    finding.hint.or(finding.why).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_password_connector_is_tested_without_a_user() {
    let bench = bench(Method::Password).await;
    let report = bench.probe(None).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.check("password_flow").detail, Some(json!({ "prevent_user_existence_errors": true })));
    assert!(report.checks.iter().all(|check| check.id != "client_credentials"), "the API needs no token endpoint");
    assert_eq!(bench.calls()[2], 1);

    for (kind, message, status, expected) in [
        ("UserNotFoundException", "User does not exist.", Status::Passed, ""),
        (
            "InvalidParameterException",
            "USER_PASSWORD_AUTH flow not enabled for this client",
            Status::Failed,
            "ALLOW_USER_PASSWORD_AUTH",
        ),
        ("NotAuthorizedException", "Unable to verify secret hash for client x", Status::Failed, "Client secret"),
        ("ResourceNotFoundException", "User pool client x does not exist.", Status::Failed, "settings.region"),
        ("TooManyRequestsException", "Rate exceeded", Status::Failed, "fewer calls"),
    ] {
        refuse(&bench, kind, message);
        let report = bench.probe(None).await;
        assert_eq!(report.check("password_flow").status, status, "{kind}");
        assert!(hint(&report, "password_flow").contains(expected), "{kind}: {report:?}");
    }
    refuse(&bench, "UserNotFoundException", "User does not exist.");
    let told = bench.probe(None).await.check("password_flow").detail.clone();
    assert_eq!(told, Some(json!({ "prevent_user_existence_errors": false })));
}

#[tokio::test]
async fn a_user_migration_that_admits_anybody_is_found() {
    let bench = bench(Method::Password).await;
    bench.subject.misbehave(Some(Misbehaviour::Answer(200, json!({ "AuthenticationResult": {} }))));
    let report = bench.probe(None).await;
    assert!(hint(&report, "password_flow").contains("Migrate user"), "{report:?}");
}

#[tokio::test]
async fn a_code_connector_is_tested_without_sending_a_code() {
    for (method, id) in [(Method::EmailOtp, "email_otp_flow"), (Method::SmsOtp, "sms_otp_flow")] {
        let bench = bench(method).await;
        let wanted = id.trim_end_matches("_flow").to_uppercase();
        let offered = json!({ "ChallengeName": "SELECT_CHALLENGE", "AvailableChallenges": [wanted], "Session": "s" });
        for (answer, status, expected) in [
            (json!({ "ChallengeName": wanted, "Session": "s" }), Status::Passed, ""),
            (offered, Status::Passed, ""),
            (json!({ "ChallengeName": "PASSWORD", "Session": "s" }), Status::Unverifiable, "Optional MFA or No MFA"),
        ] {
            bench.subject.misbehave(Some(Misbehaviour::Answer(200, answer)));
            let report = bench.probe(None).await;
            assert_eq!(report.check(id).status, status, "{report:?}");
            assert!(hint(&report, id).contains(expected), "{report:?}");
        }
        refuse(&bench, "InvalidParameterException", "USER_AUTH flow not enabled for this client");
        assert!(hint(&bench.probe(None).await, id).contains("ALLOW_USER_AUTH"));
        assert_eq!(bench.subject.sent(), []);
    }
}

#[tokio::test]
async fn a_pool_without_a_domain_takes_passwords_and_codes() {
    for method in [Method::Password, Method::EmailOtp, Method::SmsOtp] {
        let bench = bench(method).await;
        without_domain(&bench);
        bench.login().await.unwrap_or_else(|error| panic!("{method:?}: {error}"));
        assert!(bench.probe(None).await.ok, "{method:?}");
    }
    let bench = bench(Method::Oidc).await;
    without_domain(&bench);
    assert!(bench.begin().await.unwrap_err().to_string().contains("token_endpoint"));
    assert!(!bench.probe(None).await.ok);
}

#[tokio::test]
async fn nothing_is_sent_to_the_api_of_another_pool() {
    for method in [Method::Password, Method::EmailOtp] {
        let bench = bench(method).await;
        bench.change_document(json!({ "issuer": "https://attacker.example" }));
        assert!(!bench.probe_within(None, IN_TIME).await.ok);
        assert_eq!(bench.calls()[2], 0);
    }
}

#[tokio::test]
async fn a_private_key_in_the_place_of_the_secret_is_not_used() {
    let bench = bench(Method::Password).await;
    bench.secrets.set(Ok(crate::bench::P256_KEY.secret));
    let error = bench.login().await.unwrap_err();
    assert!(error.to_string().contains("names a private key"), "{error}");
    assert_eq!(bench.calls()[2], 0);
}
