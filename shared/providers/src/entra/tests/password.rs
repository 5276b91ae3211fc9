//! The resource owner password grant of a workforce tenant.

use domain::Factor;
use listener::Log;
use simulators::entra::TENANT;
use simulators::{ClientAuth, Person, Standing};

use super::*;
use crate::bench::{PASSWORD, SECRET, ada};
use crate::{Answer, Registry};

async fn bench() -> Bench {
    Bench::at(&SIMULATOR, Method::Password, Reach::Local, json!({})).await
}

fn person(name: &str) -> Person {
    Person::new(name, PASSWORD).email(&format!("{name}@example.org"), true).name("A", "B")
}

#[tokio::test]
async fn a_user_whom_entra_rejects_is_rejected_for_its_reason() {
    let bench = bench().await;
    for (name, standing) in [
        ("locked", Standing::Locked),
        ("disabled", Standing::Disabled),
        ("expired", Standing::PasswordExpired),
        ("unassigned", Standing::NotAssigned),
        ("unenrolled", Standing::MustEnrol),
    ] {
        bench.subject.enrol(person(name).standing(standing));
    }
    bench.subject.enrol(person("factor").factor(Factor::Totp, "seed of an app"));
    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("disabled", "wrong", Rejection::InvalidCredentials),
        ("factor", "wrong", Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::AccountLocked),
        ("locked", "wrong", Rejection::AccountLocked),
        ("disabled", PASSWORD, Rejection::AccountDisabled),
        ("expired", PASSWORD, Rejection::PasswordExpired),
        ("unassigned", PASSWORD, Rejection::Declined),
        ("unenrolled", PASSWORD, Rejection::InteractionRequired),
        ("factor", PASSWORD, Rejection::InteractionRequired),
    ] {
        let before = bench.calls()[2];
        let found = bench.login_as(username, password).await.err();
        assert_eq!(found, Some(ProviderError::Rejected(rejection)), "{username}: {password}");
        assert_eq!(bench.calls()[2], before + 1, "{username}");
    }
    bench.login_as("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_number_of_the_credentials_counts_before_the_clients() {
    let bench = bench().await;
    for (body, outcome) in [
        (json!({ "error": "invalid_grant", "error_codes": [70_002, 50_126] }), "rejected.invalid_credentials"),
        (json!({ "error": "invalid_client", "error_codes": [70_002] }), "unavailable.misconfigured"),
        (json!({ "error": "interaction_required", "error_codes": [50_076] }), "rejected.interaction_required"),
        (json!({ "error": "invalid_grant", "error_codes": [50_053] }), "rejected.account_locked"),
        (json!({ "error": "unauthorized_client", "error_codes": [1] }), "unavailable.misconfigured"),
        (json!({ "error": "user_password_expired" }), "rejected.password_expired"),
        (json!({ "error": "invalid_grant" }), "rejected.invalid_credentials"),
        (json!({ "error": "new", "error_codes": [50_087] }), "unavailable.timeout"),
        (json!({ "error": "new" }), "unavailable"),
    ] {
        bench.subject.misbehave(Some(Misbehaviour::Answer(400, body.clone())));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some(outcome), "{body}");
    }
}

#[tokio::test]
async fn tenant_and_object_are_the_key_by_every_client() {
    let mut bench = bench().await;
    let key = bench.login().await.unwrap().key();
    let object = bench.subject.subject("ada").unwrap();
    bench.register(Registration::public("passwords", CALLBACK));
    let over = json!({ "client": { "id": "passwords", "secret": null } });
    bench.connect("entra", Method::Password, over);
    let identity = bench.login().await.unwrap();
    assert_eq!((identity.key(), identity.subject_key), (key.clone(), format!("{TENANT}.{object}")));

    let organizations = Bench::at(&ORGANIZATIONS, Method::Password, Reach::Local, json!({})).await;
    let identity = organizations.login().await.unwrap();
    assert_eq!(identity.subject_key, format!("{TENANT}.{}", organizations.subject.subject("ada").unwrap()));
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = bench().await;
    for password in
        [&"ä".repeat(200), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.login_as(" Ada ", password).await.unwrap_err();
        let sent = bench.subject.requests().pop().unwrap();
        assert_eq!((sent.username(), sent.password()), (Some(b" Ada ".as_slice()), Some(password.as_bytes())));
        assert_eq!((sent.client_auth(), sent.scope()), (ClientAuth::Post, Some("openid profile email")));
    }
}

#[tokio::test]
async fn a_password_is_in_no_log_and_no_answer_is_taken() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = bench().await;
    bench.subject.enrol(ada(true));
    let error = bench.login_as("ada", "canary of a password").await.unwrap_err();
    let printed = format!("{error:?} {error} {:?} {}", bench.adapter(), log.text());
    assert!(!printed.contains("canary") && !printed.contains(SECRET), "{printed}");
    // It never asks, so no code of another login can be put in here (attack 78).
    let code = "123456".into();
    let pending = domain::Pending(json!({ "m": "password", "p": {} }));
    let answer = bench.give(&pending, Answer::Code(&code), crate::bench::IN_TIME).await.err();
    assert_eq!(answer, Some(Stage::Attempt.refused(Check::Unasked)));
}

#[tokio::test]
async fn the_test_says_what_only_a_login_shows_of_passwords() {
    let bench = bench().await;
    let before = bench.calls()[2];
    let report = bench.probe(None).await;
    assert_eq!(report.check("password_grant").status, Status::Unverifiable);
    assert!(report.ok, "{report:?}");
    // No password is tried with anybody's name.
    assert_eq!(bench.subject.requests().len(), 0);
    assert_eq!(bench.calls()[2], before + 2);

    let over = json!({ "client": { "secret": null } });
    let bench = Bench::at(&SIMULATOR, Method::Password, Reach::Local, over).await;
    let hint = "set Allow public client flows to Yes";
    assert!(failures(&bench.probe(None).await).iter().any(|failure| failure.contains(hint)));
}

#[test]
fn passwords_need_a_tenant_of_a_company() {
    for (settings, expected) in [
        (json!({ "tenant": ACME }), "none"),
        (json!({ "tenant": "contoso.com" }), "none"),
        (json!({ "tenant": "organizations", "any_tenant": true }), "none"),
        (
            json!({ "tenant": "common", "any_tenant": true }),
            "settings.tenant: is common, where Entra takes no passwords: put the tenant's id or one of its domains here, or \
             organizations",
        ),
        (
            json!({ "tenant": "consumers" }),
            "settings.tenant: is consumers, where Entra takes no passwords: put the tenant's id or one of its domains here, \
             or organizations",
        ),
        (json!({ "tenant": ACME, "external_id": "acme" }), "none"),
    ] {
        let document: ConnectorDocument = serde_json::from_value(json!({
            "id": "acme", "provider": "entra", "name": "Acme", "client": { "id": "landfall" },
            "methods": { "oidc": {}, "password": {} }, "settings": settings,
        }))
        .unwrap();
        let found =
            Registry::default().adapter(&document).map_or_else(|error| error.to_string(), |_| "none".to_owned());
        assert_eq!(found, expected);
    }
}
