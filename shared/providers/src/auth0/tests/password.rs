use std::net::IpAddr;

use chrono::TimeDelta;
use domain::{Factor, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, Person, Registration, Standing};

use super::by_password;
use crate::bench::{Bench, CALLBACK, IN_TIME, PASSWORD, ada};
use crate::{Attempt, Finding, ProviderError, Rejection, Stage, Status};

const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

#[tokio::test]
async fn a_user_whom_auth0_rejects_is_rejected_for_its_reason() {
    let bench = by_password(json!({})).await;
    for (name, standing) in [
        ("locked", Standing::Locked),
        ("disabled", Standing::Disabled),
        ("leaked", Standing::PasswordExpired),
        ("stranger", Standing::NotAssigned),
        ("new", Standing::MustEnrol),
    ] {
        bench.subject.enrol(Person::new(name, PASSWORD).standing(standing));
    }
    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("", PASSWORD, Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("disabled", "wrong", Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::AccountLocked),
        ("locked", "wrong", Rejection::AccountLocked),
        ("disabled", PASSWORD, Rejection::AccountDisabled),
        ("leaked", PASSWORD, Rejection::PasswordExpired),
        ("stranger", PASSWORD, Rejection::Declined),
        ("new", PASSWORD, Rejection::InteractionRequired),
    ] {
        let before = bench.calls()[2];
        assert_eq!(bench.login_as(username, password).await.err(), rejected(rejection), "{username}: {password}");
        // Only who has enrolled nothing is looked up.
        assert_eq!(bench.calls()[2], before + if username == "new" { 2 } else { 1 }, "{username}: {password}");
    }
}

#[tokio::test]
async fn the_realm_is_the_connection_that_the_settings_name() {
    for (connection, grant_type, signs_in) in [
        (Value::Null, "password", true),
        (json!("Username-Password-Authentication"), REALM, true),
        (json!("google-oauth2"), REALM, false),
    ] {
        let settings =
            if connection.is_null() { json!({}) } else { json!({ "settings": { "connection": connection } }) };
        let bench = by_password(settings).await;
        let login = bench.login().await;
        assert_eq!(bench.subject.received()[0].grant_type(), Some(grant_type));
        match login {
            Ok(_) => assert!(signs_in),
            Err(error) => assert!(!signs_in && error.to_string().contains("settings.connection"), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_mistake_of_the_administrator_is_named() {
    let told = |error: &str, description: &str| {
        Misbehaviour::Answer(403, json!({ "error": error, "error_description": description }))
    };
    for (answer, stage, hint) in [
        (told("access_denied", "Unauthorized"), Stage::ClientAuthentication, "Credentials > Authentication Method"),
        (told("unauthorized_client", "invalid client"), Stage::ClientAuthentication, "Client ID"),
        (
            told("server_error", "Authorization server not configured with default connection."),
            Stage::Token,
            "Default Directory",
        ),
        (told("access_denied", "Service not enabled within domain: https://api"), Stage::Token, "settings.audience"),
        (told("invalid_request", "the connection was disabled"), Stage::Token, "settings.connection"),
    ] {
        let bench = by_password(json!({})).await;
        bench.subject.misbehave(Some(answer));
        let error = bench.login().await.unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured { stage: at, .. } if at == stage), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
    let bench = by_password(json!({})).await;
    bench.subject.set_case("grants", json!(["authorization_code"]));
    assert!(bench.login().await.unwrap_err().to_string().contains("Grant Types"));
}

/// Ada's attempt from an address.
async fn from(bench: &Bench, address: &str, password: &str) -> Option<ProviderError> {
    let (request, password) = (bench.request(IN_TIME), SecretString::from(password));
    let cx = bench.cx(&request).for_user(Some(address.parse::<IpAddr>().unwrap()));
    let attempt = Attempt::Password { username: "ada", password: &password, otp: None };
    bench.adapter().begin(&cx, attempt).await.err()
}

#[tokio::test]
async fn failures_lock_a_user_at_their_own_address_only() {
    let public = json!({ "client": { "id": "open", "secret": null } });
    for (over, elsewhere) in [(json!({}), None), (public, rejected(Rejection::AccountLocked))] {
        let bench = by_password(over).await;
        bench.register(Registration::public("open", CALLBACK));
        for _ in 0..10 {
            let error = from(&bench, "2001:db8::1", "wrong").await;
            assert_eq!(error, rejected(Rejection::InvalidCredentials));
        }
        assert_eq!(from(&bench, "2001:db8::1", PASSWORD).await, rejected(Rejection::AccountLocked));
        // Only the address that a client with a secret has passed on counts.
        assert_eq!(from(&bench, "192.0.2.7", PASSWORD).await, elsewhere);
        bench.pass(TimeDelta::days(31));
        assert_eq!(from(&bench, "2001:db8::1", PASSWORD).await, None);
    }
}

#[tokio::test]
async fn too_many_attempts_locks_or_throttles_by_its_text() {
    let bench = by_password(json!({})).await;
    for (description, locked) in [
        ("Your account has been blocked after multiple consecutive login attempts.", true),
        ("We have detected suspicious login behavior and further attempts will be blocked.", false),
        ("Some text of tomorrow.", false),
    ] {
        let body = json!({ "error": "too_many_attempts", "error_description": description });
        bench.subject.misbehave(Some(Misbehaviour::Answer(429, body)));
        let expected = if locked {
            ProviderError::Rejected(Rejection::AccountLocked)
        } else {
            ProviderError::Throttled { retry_after: None }
        };
        assert_eq!(bench.login().await.err(), Some(expected), "{description}");
    }
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = by_password(json!({})).await;
    let long = "ä".repeat(200);
    for password in [long.as_str(), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.subject.enrol(Person::new("long", password).email("long@example.org", true));
        bench.login_as("long", password).await.unwrap_or_else(|error| panic!("{password:?}: {error}"));
        let sent = bench.subject.received().pop().unwrap();
        assert_eq!((sent.username(), sent.password()), (Some(b"long".as_slice()), Some(password.as_bytes())));
        assert_eq!(sent.scope(), Some("openid profile email"));
    }
}

#[tokio::test]
async fn with_an_organization_no_password_is_sent() {
    let bench = by_password(json!({ "settings": { "organization": "org_acme" } })).await;
    let error = bench.login().await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Attempt, .. }), "{error}");
    assert_eq!(bench.calls(), [0; 4]);
}

#[tokio::test]
async fn the_test_tells_what_it_can_know_of_passwords() {
    let all = json!({ "methods": { "oidc": {}, "password": {} } });
    let organization = json!({ "settings": { "organization": "org_acme" } });
    let open = json!({ "client": { "id": "open", "secret": null } });
    for (over, grants, granted, address) in [
        (all, None, (Status::Unverifiable, "Grant Types"), Status::Unverifiable),
        (json!({}), Some(json!(["authorization_code"])), (Status::Failed, "Grant Types"), Status::Unverifiable),
        (organization, None, (Status::Failed, "settings.organization"), Status::Unverifiable),
        (open, None, (Status::Unverifiable, "Connections"), Status::Failed),
    ] {
        let bench = by_password(over.clone()).await;
        bench.register(Registration::public("open", CALLBACK));
        grants.into_iter().for_each(|grants| bench.subject.set_case("grants", grants));
        let report = bench.probe(None).await;
        let found = |id: &'static str| -> (Status, String) {
            let Finding { status, hint, why, .. } = report.check(id);
            (*status, hint.or(*why).unwrap_or_default().to_owned())
        };
        let (status, hint) = found("password_grant");
        assert!(status == granted.0 && hint.contains(granted.1), "{over}: {status:?} {hint}");
        assert_eq!(found("user_address").0, address, "{over}");
        // No user was named.
        assert!(bench.subject.received().iter().all(|sent| sent.username().is_none()), "{over}");
    }
    let bench = Bench::at(&simulators::auth0::SIMULATOR, Method::Oidc, egress::Reach::Local, json!({})).await;
    assert!(bench.probe(None).await.checks.iter().all(|check| check.id != "password_grant"));
}

#[tokio::test]
async fn nothing_is_asked_where_the_document_is_anothers() {
    let bench = by_password(json!({})).await;
    bench.subject.enrol(ada(true).factor(Factor::SmsOtp, "+4915112345678"));
    bench.change_document(json!({ "issuer": "https://evil.example/" }));
    bench.asked().await.unwrap_err();
    assert_eq!(bench.subject.calls(Endpoint::Token), 0);
}
