use domain::{Factor, Method};
use egress::Reach;
use serde_json::{Value, json};
use simulators::{ClientAuth, Endpoint, Misbehaviour, Person, Standing};

use crate::bench::{Bench, EMAIL, PASSWORD, SEED};
use crate::oidc::complaint_about;
use crate::{Finding, ProviderError, Rejection, Status};

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let wrong = |subdomain: &str| {
        format!(
            "settings.subdomain: {subdomain:?} is not what stands before .onelogin.com in the account's address, such as acme"
        )
    };
    for (settings, expected) in [
        (json!({ "subdomain": "acme" }), "none".to_owned()),
        (json!({}), "settings: missing field `subdomain`".to_owned()),
        (json!({ "subdomain": "acme.onelogin.com" }), wrong("acme.onelogin.com")),
        (json!({ "subdomain": "https://acme" }), wrong("https://acme")),
        (json!({ "subdomain": "evil.example/" }), wrong("evil.example/")),
        (json!({ "subdomain": "" }), wrong("")),
    ] {
        assert_eq!(complaint_about("onelogin", settings), expected);
    }
}

async fn by_password(over: Value) -> Bench {
    Bench::at(&simulators::onelogin::SIMULATOR, Method::Password, Reach::Local, over).await
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

#[tokio::test]
async fn who_may_not_sign_in_is_rejected_without_a_reason() {
    let bench = by_password(json!({})).await;
    for (name, standing) in [
        ("locked", Standing::Locked),
        ("disabled", Standing::Disabled),
        ("expired", Standing::PasswordExpired),
        ("stranger", Standing::NotAssigned),
        ("new", Standing::MustEnrol),
    ] {
        bench.subject.enrol(Person::new(name, PASSWORD).standing(standing));
    }
    bench.subject.enrol(Person::new("factor", PASSWORD).factor(Factor::Totp, SEED));
    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("", PASSWORD, Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::InvalidCredentials),
        ("disabled", PASSWORD, Rejection::InvalidCredentials),
        ("expired", PASSWORD, Rejection::InvalidCredentials),
        ("stranger", PASSWORD, Rejection::InvalidCredentials),
        ("new", PASSWORD, Rejection::InteractionRequired),
        ("factor", PASSWORD, Rejection::InteractionRequired),
        ("factor", "wrong", Rejection::InvalidCredentials),
    ] {
        let before = bench.calls()[2];
        assert_eq!(bench.login_as(username, password).await.err(), rejected(rejection), "{username}: {password}");
        assert_eq!(bench.calls()[2], before + 1, "{username}: {password}");
    }
}

#[tokio::test]
async fn an_unknown_refusal_is_no_wrong_password() {
    let oauth = |error: &str| json!({ "error": error, "error_description": "Authentication failed" });
    for (status, body, expected) in [
        (400, oauth("invalid_grant"), "rejected.invalid_credentials"),
        (401, oauth("invalid_grant"), "rejected.invalid_credentials"),
        (403, oauth("access_denied"), "rejected.invalid_credentials"),
        (401, oauth("invalid_client"), "unavailable.misconfigured"),
        (400, oauth("login_failed"), "unavailable.misconfigured"),
        (401, json!({ "status": { "error": true, "code": 401 } }), "unavailable.misconfigured"),
        (403, json!({ "message": "Forbidden" }), "unavailable.misconfigured"),
        (500, oauth("login_failed"), "unavailable.timeout"),
    ] {
        let bench = by_password(json!({})).await;
        bench.subject.set_case("wrong_credentials", json!({ "status": status, "body": body }));
        let error = bench.login_as("ada", "wrong").await.unwrap_err();
        assert_eq!(error.outcome(), Some(expected), "{status} {body}");
    }
}

#[tokio::test]
async fn the_client_is_named_in_the_form_whatever_it_authenticates_by() {
    for (method, sent) in [("client_secret_basic", ClientAuth::Basic), ("client_secret_post", ClientAuth::Post)] {
        let bench = by_password(json!({ "client": { "token_endpoint_auth_method": method } })).await;
        let identity = bench.login().await.unwrap();
        // The id of the user, which is a number.
        assert!(identity.subject_key.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(identity.claims.verified_email(), Some(EMAIL));
        let received = bench.subject.received();
        assert_eq!((received.len(), received[0].client_auth()), (1, sent));
    }
}

#[tokio::test]
async fn without_an_id_token_userinfo_says_who_it_is() {
    let bench = by_password(json!({})).await;
    let key = bench.login().await.unwrap().key();
    bench.subject.misbehave(Some(Misbehaviour::NoIdToken));
    assert_eq!(bench.login().await.unwrap().key(), key);
    assert_eq!(bench.calls()[2..], [2, 1]);
    bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::claims(&json!({ "sub": null }))));
    bench.login().await.unwrap_err();
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = by_password(json!({})).await;
    let long = "ä".repeat(200);
    for password in [long.as_str(), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.subject.enrol(Person::new("long", password).email("long@example.org", true));
        bench.login_as("long", password).await.unwrap_or_else(|error| panic!("{password:?}: {error}"));
        assert_eq!(bench.subject.received().pop().unwrap().password(), Some(password.as_bytes()));
    }
}

#[tokio::test]
async fn the_test_tells_what_it_can_know_of_passwords() {
    for (answer, status, hint) in [
        (None, Status::Unverifiable, "Assign the users"),
        (Some("unsupported_grant_type"), Status::Failed, "does not offer"),
        (Some("invalid_grant"), Status::Unverifiable, "Assign the users"),
    ] {
        let bench = by_password(json!({})).await;
        if let Some(error) = answer {
            bench.subject.set_case("wrong_credentials", json!({ "status": 400, "body": { "error": error } }));
        }
        let report = bench.probe(None).await;
        let Finding { status: found, hint: said, why, .. } = report.check("password_grant");
        assert!(*found == status && said.or(*why).unwrap().contains(hint), "{answer:?}: {found:?} {said:?} {why:?}");
        assert!(bench.subject.received().iter().all(|sent| sent.username().is_none()));
    }
}
