//! Native authentication of an external tenant.

use domain::{Challenge, Choice, Factor, Pending};
use listener::Log;
use simulators::entra::TENANT;
use simulators::{ClientAuth, Person, Standing};

use super::*;
use crate::bench::{EMAIL, IN_TIME, PASSWORD, PHONE, SECRET};
use crate::{Answer, Progress};

const REDIRECT: ProviderError = ProviderError::Rejected(Rejection::InteractionRequired);

async fn bench(method: Method) -> Bench {
    Bench::at(&EXTERNAL, method, Reach::Local, json!({})).await
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

fn last_code(bench: &Bench) -> String {
    bench.subject.sent().pop().unwrap().code
}

fn question(progress: Progress) -> (Challenge, Pending) {
    match progress {
        Progress::Ask(challenge, pending) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

async fn ask_for_code(bench: &Bench, to: &str) -> Result<(Challenge, Pending), ProviderError> {
    let request = bench.request(IN_TIME);
    let attempt = Attempt::Otp { channel: domain::Channel::Email, to };
    bench.adapter().begin(&bench.cx(&request), attempt).await.map(question)
}

/// Gives a code: the key of the user who has signed in.
async fn give(bench: &Bench, pending: &Pending, code: &str) -> Result<String, ProviderError> {
    match bench.give(pending, Answer::Code(&code.into()), IN_TIME).await? {
        Progress::Done(identity) => Ok(identity.subject_key),
        other => panic!("{other:?}"),
    }
}

fn subject_key(bench: &Bench, username: &str) -> String {
    format!("{TENANT}.{}", bench.subject.subject(username).unwrap())
}

fn person(name: &str) -> Person {
    Person::new(name, PASSWORD).email(&format!("{name}@example.org"), true).name("A", "B")
}

#[tokio::test]
async fn a_user_whom_the_tenant_rejects_is_rejected_for_its_reason() {
    let bench = bench(Method::Password).await;
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
    for (username, password, rejection, calls) in [
        ("ada", "wrong", Rejection::InvalidCredentials, 3),
        ("ada", "", Rejection::InvalidCredentials, 3),
        ("unknown", PASSWORD, Rejection::InvalidCredentials, 1),
        ("disabled", "wrong", Rejection::InvalidCredentials, 3),
        ("factor", "wrong", Rejection::InvalidCredentials, 3),
        ("locked", PASSWORD, Rejection::AccountLocked, 3),
        ("locked", "wrong", Rejection::AccountLocked, 3),
        ("disabled", PASSWORD, Rejection::AccountDisabled, 3),
        ("expired", PASSWORD, Rejection::PasswordExpired, 3),
        ("unassigned", PASSWORD, Rejection::Declined, 3),
        ("unenrolled", PASSWORD, Rejection::InteractionRequired, 3),
        // Its second factor is none of this API's.
        ("factor", PASSWORD, Rejection::InteractionRequired, 4),
    ] {
        let before = bench.calls()[2];
        let found = bench.login_as(username, password).await.err();
        assert_eq!(found, rejected(rejection), "{username}: {password}");
        assert_eq!(bench.calls()[2], before + calls, "{username}");
    }
    bench.login_as("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn whoever_wants_a_code_is_asked_for_it_attack_60() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = bench(Method::EmailOtp).await;
    let (known, pending) = ask_for_code(&bench, EMAIL).await.unwrap();
    let (unknown, unsent) = ask_for_code(&bench, "all@example.com").await.unwrap();
    assert_eq!(known, unknown);
    let to = Some("a***@e***".to_owned());
    assert_eq!(known, Challenge::Code { factor: Factor::EmailOtp, digits: None, to, resend: true });
    assert_eq!(bench.subject.sent().len(), 1);
    let (mut pending, mut unsent) = (pending, unsent);
    for _ in 0..2 {
        for asked in [&pending, &unsent] {
            assert_eq!(give(&bench, asked, "00000000").await.err(), rejected(Rejection::OtpInvalid));
        }
        pending = question(bench.give(&pending, Answer::Resend, IN_TIME).await.unwrap()).1;
        unsent = question(bench.give(&unsent, Answer::Resend, IN_TIME).await.unwrap()).1;
    }
    bench.pass(TimeDelta::minutes(10));
    for asked in [&pending, &unsent] {
        assert_eq!(give(&bench, asked, "00000000").await.err(), rejected(Rejection::OtpExpired));
        let resent = bench.give(asked, Answer::Resend, IN_TIME).await.err();
        assert_eq!(resent, rejected(Rejection::OtpExpired));
        let code = bench.give(asked, Answer::Poll, IN_TIME).await.err();
        assert_eq!(code, Some(Stage::Attempt.refused(Check::Unasked)));
    }
    assert!(log.text().contains("code_not_sent"), "{}", log.text());
    assert!(!log.text().contains("all@"), "{}", log.text());
}

#[tokio::test]
async fn a_code_signs_in_once_and_only_its_own_login_attack_59() {
    let bench = bench(Method::EmailOtp).await;
    bench.subject.enrol(person("bob"));
    let (_, of_ada) = ask_for_code(&bench, EMAIL).await.unwrap();
    let code_of_ada = last_code(&bench);
    let (_, of_bob) = ask_for_code(&bench, "bob@example.org").await.unwrap();
    let code_of_bob = last_code(&bench);
    assert_eq!(give(&bench, &of_ada, &code_of_bob).await.err(), rejected(Rejection::OtpInvalid));
    let before = bench.calls()[2];
    assert_eq!(give(&bench, &of_ada, &code_of_ada).await.unwrap(), subject_key(&bench, "ada"));
    assert_eq!(bench.calls()[2], before + 1);
    assert_eq!(give(&bench, &of_ada, &code_of_ada).await.err(), rejected(Rejection::OtpExpired));
    assert_eq!(give(&bench, &of_bob, &code_of_bob).await.unwrap(), subject_key(&bench, "bob"));
}

#[tokio::test]
async fn a_code_that_is_sent_again_replaces_the_first() {
    for method in [Method::EmailOtp, Method::Password] {
        let bench = bench(method).await;
        let (asked, first) = match method {
            Method::EmailOtp => ask_for_code(&bench, EMAIL).await.unwrap(),
            _ => {
                bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL)]);
                bench.asked().await.unwrap()
            }
        };
        let (old, before) = (last_code(&bench), bench.calls()[2]);
        let (again, second) = question(bench.give(&first, Answer::Resend, IN_TIME).await.unwrap());
        assert_eq!((asked, bench.calls()[2]), (again, before + 1), "{method:?}");
        let new = last_code(&bench);
        assert_eq!(bench.subject.sent().len(), 2);
        // The newest continuation token counts.
        assert_eq!(give(&bench, &first, &new).await.err(), rejected(Rejection::OtpExpired), "{method:?}");
        assert_eq!(give(&bench, &second, &old).await.err(), rejected(Rejection::OtpInvalid), "{method:?}");
        assert_eq!(give(&bench, &second, &new).await.unwrap(), subject_key(&bench, "ada"));
    }
}

#[tokio::test]
async fn a_second_factor_is_a_code_or_a_choice() {
    let bench = bench(Method::Password).await;
    let code = |factor, to: &str| Challenge::Code { factor, digits: Some(8), to: Some(to.to_owned()), resend: true };
    bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL), (Factor::Totp, "an app")]);
    let before = bench.calls()[2];
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, code(Factor::EmailOtp, "a***g"));
    // Initiate, challenge, token, introspect, challenge.
    assert_eq!(bench.calls()[2], before + 5);
    assert_eq!(give(&bench, &pending, "00000000").await.err(), rejected(Rejection::OtpInvalid));
    assert_eq!(give(&bench, &pending, &last_code(&bench)).await.unwrap(), subject_key(&bench, "ada"));
    assert_eq!(bench.calls()[2], before + 7);

    bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL), (Factor::SmsOtp, PHONE)]);
    let (before, sent) = (bench.calls()[2], bench.subject.sent().len());
    let (challenge, pending) = bench.asked().await.unwrap();
    let choice = |n: u8, factor, to: &str| Choice {
        id: format!("0a0a0a0a-1111-bbbb-2222-{n:012}"),
        factor,
        to: Some(to.to_owned()),
    };
    let choices = vec![choice(0, Factor::EmailOtp, "a***g"), choice(1, Factor::SmsOtp, "+***8")];
    assert_eq!(challenge, Challenge::Choose { choices: choices.clone() });
    assert_eq!((bench.calls()[2], bench.subject.sent().len()), (before + 4, sent));
    let unasked = Some(Stage::Attempt.refused(Check::Unasked));
    for wrong in [Answer::Choose("another"), Answer::Resend, Answer::Poll, Answer::Code(&"1".into())] {
        assert_eq!(bench.give(&pending, wrong, IN_TIME).await.err(), unasked);
    }
    let chosen = bench.give(&pending, Answer::Choose(&choices[1].id), IN_TIME).await.unwrap();
    let (challenge, pending) = question(chosen);
    assert_eq!(challenge, code(Factor::SmsOtp, "+***8"));
    assert_eq!(bench.subject.sent().pop().unwrap().to, PHONE);
    bench.pass(TimeDelta::minutes(9));
    assert_eq!(give(&bench, &pending, &last_code(&bench)).await.unwrap(), subject_key(&bench, "ada"));
    assert_eq!(bench.calls()[2], before + 6);
    // The login that a token is of is over.
    assert_eq!(give(&bench, &pending, &last_code(&bench)).await.err(), rejected(Rejection::OtpExpired));
    let (_, pending) = bench.asked().await.unwrap();
    bench.pass(TimeDelta::minutes(10));
    let late = bench.give(&pending, Answer::Choose(&choices[0].id), IN_TIME).await.err();
    assert_eq!(late, rejected(Rejection::OtpExpired));
}

#[tokio::test]
async fn any_call_may_send_the_user_to_the_browser() {
    for method in [Method::Password, Method::EmailOtp] {
        for (call, calls) in [("initiate", 1), ("challenge", 2), ("token", 3)] {
            let bench = bench(method).await;
            bench.subject.set_case("redirect", json!(call));
            assert_eq!(bench.login().await.err(), Some(REDIRECT), "{method:?} {call}");
            assert_eq!(bench.calls()[2], calls, "{method:?} {call}");
        }
    }
    // After the password, too.
    for call in ["introspect", "challenge"] {
        let bench = bench(Method::Password).await;
        bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL), (Factor::SmsOtp, PHONE)]);
        if call == "introspect" {
            bench.subject.set_case("redirect", json!(call));
            assert_eq!(bench.asked().await.err(), Some(REDIRECT));
            continue;
        }
        let (challenge, pending) = bench.asked().await.unwrap();
        let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
        bench.subject.set_case("redirect", json!(call));
        let chosen = bench.give(&pending, Answer::Choose(&choices[0].id), IN_TIME).await.err();
        assert_eq!(chosen, Some(REDIRECT));
    }
}

#[tokio::test]
async fn a_suberror_says_more_than_its_error() {
    let bench = bench(Method::Password).await;
    let limited = Misbehaviour::TooManyRequests { retry_after: None };
    bench.subject.misbehave(Some(Misbehaviour::At("/token", Box::new(limited))));
    assert_eq!(bench.login().await.err(), Some(ProviderError::Throttled { retry_after: None }));
    for (body, outcome) in [
        (
            json!({ "error": "invalid_grant", "error_codes": [50_126], "suberror": "registration_required" }),
            "rejected.interaction_required",
        ),
        (json!({ "error": "invalid_grant", "error_codes": [50_126] }), "rejected.invalid_credentials"),
        (json!({ "error": "invalid_client", "suberror": "nativeauthapi_disabled" }), "unavailable.misconfigured"),
        (json!({ "error": "expired_token", "error_codes": [552_003] }), "rejected.otp_expired"),
        // A demand without a token leads nowhere.
        (
            json!({ "error": "invalid_grant", "error_codes": [50_076], "suberror": "mfa_required" }),
            "rejected.interaction_required",
        ),
        (json!({ "error": "new", "suberror": 1 }), "unavailable"),
    ] {
        let how = Misbehaviour::Answer(400, body.clone());
        bench.subject.misbehave(Some(Misbehaviour::At("/token", Box::new(how))));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some(outcome), "{body}");
    }
    // Answers that are none.
    for (path, body) in [
        ("/initiate", json!({})),
        ("/initiate", json!({ "continuation_token": 1 })),
        ("/challenge", json!({ "continuation_token": "t" })),
        ("/challenge", json!({ "continuation_token": "t", "challenge_type": "oob" })),
        ("/challenge", json!({ "challenge_type": "password" })),
    ] {
        let how = Misbehaviour::Answer(200, body.clone());
        bench.subject.misbehave(Some(Misbehaviour::At(path, Box::new(how))));
        let error = bench.login().await.err();
        assert_eq!(error, Some(Stage::Token.unavailable(Outage::Protocol)), "{path} {body}");
    }
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = bench(Method::Password).await;
    for password in
        [&"ä".repeat(200), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        let before = bench.subject.received().len();
        bench.login_as("ada", password).await.unwrap_err();
        let received = &bench.subject.received()[before..];
        assert_eq!(received[0].username(), Some(b"ada".as_slice()));
        let sent: Vec<_> = received.iter().filter_map(|sent| sent.password()).collect();
        assert_eq!(sent, [password.as_bytes()]);
        assert_eq!(received[2].scope(), Some("openid profile email"));
        // The client has a secret for the redirect, and does not show it.
        let shown: Vec<_> = received.iter().map(|sent| (sent.client_id(), sent.client_auth())).collect();
        assert_eq!(shown, [(Some("landfall"), ClientAuth::None); 3]);
    }
    bench.login_as(" Ada ", PASSWORD).await.unwrap_err();
    assert_eq!(bench.subject.received().pop().unwrap().username(), Some(b" Ada ".as_slice()));
}

#[tokio::test]
async fn a_password_of_one_and_a_code_of_another_sign_in_neither_attack_78() {
    let bench = bench(Method::Password).await;
    bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL)]);
    let (_, of_ada) = bench.asked().await.unwrap();
    let code_of_ada = last_code(&bench);
    bench.subject.enrol(person("bob").factor(Factor::EmailOtp, "bob@example.org"));
    let (request, password) = (bench.request(IN_TIME), PASSWORD.into());
    let attempt = Attempt::Password { username: "bob", password: &password, otp: None };
    let (_, of_bob) = question(bench.adapter().begin(&bench.cx(&request), attempt).await.unwrap());
    assert_eq!(give(&bench, &of_bob, &code_of_ada).await.err(), rejected(Rejection::OtpInvalid));
    assert_eq!(give(&bench, &of_ada, &last_code(&bench)).await.err(), rejected(Rejection::OtpInvalid));
    assert_eq!(give(&bench, &of_ada, &code_of_ada).await.unwrap(), subject_key(&bench, "ada"));
    // Nor does an answer to what was not asked.
    for pending in [json!({}), json!({ "m": "password", "p": {} }), json!({ "m": "oidc", "p": of_bob.0 })] {
        let code = "123456".into();
        let answer = bench.give(&Pending(pending), Answer::Code(&code), IN_TIME).await.err();
        assert_eq!(answer, Some(Stage::Attempt.refused(Check::Unasked)));
    }
}

#[tokio::test]
async fn nothing_secret_is_remembered_or_logged() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = bench(Method::Password).await;
    bench.subject.give_factors("ada", &[(Factor::EmailOtp, EMAIL)]);
    let (_, pending) = bench.asked().await.unwrap();
    let error = bench.login_as("ada", "canary of a password").await.unwrap_err();
    let wrong = give(&bench, &pending, "canary").await.unwrap_err();
    let printed = format!("{error:?} {error} {wrong:?} {pending:?} {:?} {}", bench.adapter(), log.text());
    assert!(!printed.contains("canary") && !printed.contains(SECRET), "{printed}");
    assert!(!pending.0.to_string().contains(PASSWORD), "{}", pending.0);
}

#[tokio::test]
async fn the_connector_test_sees_whether_native_authentication_is_on() {
    for (method, id) in [(Method::Password, "native_password"), (Method::EmailOtp, "native_email_otp")] {
        let bench = bench(method).await;
        let report = bench.probe(None).await;
        assert_eq!(report.check(id).status, Status::Passed);
        // No token is asked for, and no code is sent.
        assert_eq!((bench.calls()[2], bench.subject.sent().len()), (1, 0));
        assert!(report.checks.iter().all(|check| !["client_credentials", "password_grant"].contains(&check.id)));

        bench.subject.set_case("disabled", json!(true));
        let found = failures(&bench.probe(None).await);
        assert!(found.len() == 1 && found[0].contains("Enable native authentication"), "{found:?}");
        let over = json!({ "client": { "id": "unknown" } });
        let bench = Bench::at(&EXTERNAL, method, Reach::Local, over).await;
        let found = failures(&bench.probe(None).await);
        assert!(found.len() == 1 && found[0].contains("the tenant has no app of this id"), "{found:?}");
    }
}

#[test]
fn only_external_tenants_send_codes() {
    for (settings, expected) in [
        (json!({ "tenant": ACME, "external_id": "acme" }), "none"),
        (json!({ "tenant": ACME, "external_id": "login.acme.com" }), "none"),
        (
            json!({ "tenant": ACME }),
            "methods.email_otp: is for external tenants: set settings.external_id, if the tenant is one. Others send no \
             codes",
        ),
    ] {
        let document: ConnectorDocument = serde_json::from_value(json!({
            "id": "acme", "provider": "entra", "name": "Acme", "client": { "id": "landfall" },
            "methods": { "oidc": {}, "password": {}, "email_otp": {} }, "settings": settings,
        }))
        .unwrap();
        let found =
            Registry::default().adapter(&document).map_or_else(|error| error.to_string(), |_| "none".to_owned());
        assert_eq!(found, expected);
    }
}
