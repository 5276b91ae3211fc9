//! Logins by password: the flow API, question by question.

mod refused;

use chrono::TimeDelta;
use domain::{Challenge, Clock, Factor, Method, Pending};
use egress::Reach;
use listener::Log;
use serde_json::json;
use simulators::keycloak::totp;
use simulators::pingone::{SIMULATOR, WITH_GRANT};
use simulators::{Endpoint, Person, Standing};

use crate::bench::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SECRET, SEED, ada};
use crate::oidc::complaint_about;
use crate::{Answer, Check, Progress, ProviderError, Rejection, Stage};

async fn bench() -> Bench {
    Bench::at(&SIMULATOR, Method::Password, Reach::Local, json!({})).await
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

fn person(name: &str) -> Person {
    Person::new(name, PASSWORD).email(&format!("{name}@example.org"), true).name("A", "B")
}

/// The provider asks again.
fn asked(progress: Result<Progress, ProviderError>) -> (Challenge, Pending) {
    match progress {
        Ok(Progress::Ask(challenge, pending)) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

async fn give_code(bench: &Bench, pending: &Pending, code: &str) -> Result<Progress, ProviderError> {
    bench.give(pending, Answer::Code(&code.into()), IN_TIME).await
}

/// The subject key that a login has ended with.
fn who(progress: Result<Progress, ProviderError>) -> String {
    match progress {
        Ok(Progress::Done(identity)) => {
            assert_eq!(identity.method, Method::Password);
            identity.subject_key
        }
        other => panic!("{other:?}"),
    }
}

async fn with_factors(factors: &[(Factor, &str)]) -> Bench {
    let bench = bench().await;
    bench.subject.enrol(factors.iter().fold(ada(true), |ada, (factor, to)| ada.factor(*factor, to)));
    bench
}

#[tokio::test]
async fn a_login_is_four_calls_and_a_key_as_by_redirect() {
    let bench = bench().await;
    let identity = bench.login().await.unwrap();
    assert_eq!(Some(identity.subject_key), bench.subject.subject("ada"));
    assert_eq!((bench.calls(), bench.subject.calls(Endpoint::Authorize)), ([1, 1, 3, 0], 1));
    // By its e-mail, too, where PingOne finds users by it.
    bench.login_as(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_user_whom_pingone_rejects_is_rejected_for_its_reason() {
    let bench = bench().await;
    for (name, standing) in [
        ("locked", Standing::Locked),
        ("disabled", Standing::Disabled),
        ("unassigned", Standing::NotAssigned),
        ("unenrolled", Standing::MustEnrol),
    ] {
        bench.subject.enrol(person(name).standing(standing));
    }
    bench.subject.enrol(person("key").factor(Factor::RecoveryCode, "a security key"));
    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("disabled", "wrong", Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::AccountLocked),
        ("locked", "wrong", Rejection::AccountLocked),
        ("disabled", PASSWORD, Rejection::Declined),
        ("unassigned", PASSWORD, Rejection::Declined),
        ("unenrolled", PASSWORD, Rejection::InteractionRequired),
        ("key", PASSWORD, Rejection::InteractionRequired),
    ] {
        let before = bench.calls()[2];
        assert_eq!(bench.login_as(username, password).await.err(), rejected(rejection), "{username}: {password}");
        assert_eq!(bench.calls()[2], before + 1, "{username}");
    }
}

#[tokio::test]
async fn a_code_is_asked_for_sent_again_and_taken_once_attack_59() {
    for (factor, to) in [(Factor::SmsOtp, PHONE), (Factor::EmailOtp, EMAIL), (Factor::VoiceOtp, PHONE)] {
        let bench = with_factors(&[(factor, to)]).await;
        let (challenge, pending) = bench.asked().await.unwrap();
        let masked = Some(format!("{}***", &to[..1]));
        assert_eq!(challenge, Challenge::Code { factor, digits: None, to: masked, resend: true });
        let code = || bench.subject.sent().pop().unwrap().code;
        let first = code();
        assert_eq!(give_code(&bench, &pending, "000").await.err(), rejected(Rejection::OtpInvalid));

        let (again, resent) = asked(bench.give(&pending, Answer::Resend, IN_TIME).await);
        assert_eq!((again, bench.subject.sent().len()), (challenge, 2));
        assert_eq!(give_code(&bench, &resent, &first).await.err(), rejected(Rejection::OtpInvalid));
        let before = bench.calls()[2];
        let who = who(give_code(&bench, &resent, &code()).await);
        assert_eq!((Some(who), bench.calls()[2]), (bench.subject.subject("ada"), before + 3));
        // The flow is over, and the code with it.
        assert_eq!(give_code(&bench, &resent, &code()).await.err(), rejected(Rejection::OtpExpired));
    }
}

#[tokio::test]
async fn a_code_of_an_app_counts_once_attack_59() {
    let bench = with_factors(&[(Factor::Totp, SEED)]).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::Code { factor: Factor::Totp, digits: None, to: None, resend: false });
    assert_eq!(bench.give(&pending, Answer::Resend, IN_TIME).await.err(), Some(Stage::Attempt.refused(Check::Unasked)));
    let code = totp(SEED, bench.clock.now());
    who(give_code(&bench, &pending, &code).await);
    let (_, pending) = bench.asked().await.unwrap();
    assert_eq!(give_code(&bench, &pending, &code).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn a_device_is_chosen_among_those_that_can_be_used() {
    let factors = [(Factor::SmsOtp, PHONE), (Factor::Totp, SEED), (Factor::RecoveryCode, "a security key")];
    let bench = with_factors(&factors).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
    assert_eq!(choices.iter().map(|choice| choice.factor).collect::<Vec<_>>(), [Factor::SmsOtp, Factor::Totp]);

    let unknown = bench.give(&pending, Answer::Choose("another"), IN_TIME).await.err();
    assert_eq!(unknown, Some(Stage::Attempt.refused(Check::Unasked)));
    let (challenge, chosen) = asked(bench.give(&pending, Answer::Choose(&choices[1].id), IN_TIME).await);
    assert!(matches!(challenge, Challenge::Code { factor: Factor::Totp, .. }), "{challenge:?}");
    who(give_code(&bench, &chosen, &totp(SEED, bench.clock.now())).await);
}

#[tokio::test]
async fn a_push_is_waited_for_and_confirmed_or_not() {
    let bench = with_factors(&[(Factor::Push, "phone")]).await;
    for (is_right, outcome) in [(true, None), (false, rejected(Rejection::OtpExpired))] {
        let (challenge, pending) = bench.asked().await.unwrap();
        assert_eq!(challenge, Challenge::Wait { to: None, number: None, every: 3 });
        let (again, pending) = asked(bench.give(&pending, Answer::Poll, IN_TIME).await);
        assert_eq!(again, challenge);
        bench.subject.confirm("ada", is_right);
        let ended = bench.give(&pending, Answer::Poll, IN_TIME).await;
        match outcome {
            None => _ = who(ended),
            rejected => assert_eq!(ended.err(), rejected),
        }
    }
}

#[tokio::test]
async fn an_expired_password_is_replaced_where_the_old_one_is_typed_again() {
    let bench = bench().await;
    bench.subject.enrol(ada(true).standing(Standing::PasswordExpired));
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::NewPassword { current: true, refused: false });
    let give = async |pending: &Pending, new: &str, current: Option<&str>| {
        let (new, current) = (new.into(), current.map(Into::into));
        bench.give(pending, Answer::NewPassword { new: &new, current: current.as_ref() }, IN_TIME).await
    };
    let unasked = give(&pending, "a new password", None).await.err();
    assert_eq!(unasked, Some(Stage::Attempt.refused(Check::Unasked)));
    let wrong = give(&pending, "a new password", Some("wrong")).await.err();
    assert_eq!(wrong, rejected(Rejection::InvalidCredentials));
    let (challenge, pending) = asked(give(&pending, "short", Some(PASSWORD)).await);
    assert_eq!(challenge, Challenge::NewPassword { current: true, refused: true });
    who(give(&pending, "a new password", Some(PASSWORD)).await);
    bench.login_as("ada", "a new password").await.unwrap();
    assert_eq!(bench.login().await.err(), rejected(Rejection::InvalidCredentials));
}

#[tokio::test]
async fn an_email_is_verified_by_the_code_that_is_sent_there() {
    let bench = bench().await;
    bench.subject.enrol(ada(true).standing(Standing::MustVerify));
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::Code { factor: Factor::EmailOtp, digits: None, to: None, resend: true });
    assert_eq!(give_code(&bench, &pending, "wrong").await.err(), rejected(Rejection::OtpInvalid));
    let (_, pending) = asked(bench.give(&pending, Answer::Resend, IN_TIME).await);
    let code = bench.subject.sent().pop().unwrap().code;
    assert_eq!((code.len(), bench.subject.sent().len()), (8, 2));
    who(give_code(&bench, &pending, &code).await);
}

#[tokio::test]
async fn guesses_end_with_a_flow_and_a_flow_with_time() {
    let bench = with_factors(&[(Factor::SmsOtp, PHONE)]).await;
    let (_, pending) = bench.asked().await.unwrap();
    for _ in 0..3 {
        assert_eq!(give_code(&bench, &pending, "000").await.err(), rejected(Rejection::OtpInvalid));
    }
    let throttled = Some(ProviderError::Throttled { retry_after: None });
    let code = bench.subject.sent().pop().unwrap().code;
    assert_eq!(give_code(&bench, &pending, &code).await.err(), throttled);

    let (_, pending) = bench.asked().await.unwrap();
    let code = bench.subject.sent().pop().unwrap().code;
    bench.pass(TimeDelta::minutes(15));
    assert_eq!(give_code(&bench, &pending, &code).await.err(), rejected(Rejection::OtpExpired));
}

#[tokio::test]
async fn the_code_of_one_user_ends_no_login_of_another_attack_78() {
    let bench = with_factors(&[(Factor::SmsOtp, PHONE)]).await;
    bench.subject.enrol(person("eve").factor(Factor::SmsOtp, "+4915100000000"));
    let (_, of_ada) = bench.asked().await.unwrap();
    let password = PASSWORD.into();
    let request = bench.request(IN_TIME);
    let attempt = crate::Attempt::Password { username: "eve", password: &password, otp: None };
    let (_, of_eve) = asked(bench.adapter().begin(&bench.cx(&request), attempt).await);
    let code = bench.subject.sent().pop().unwrap();
    assert_eq!(code.username, "eve");
    assert_eq!(give_code(&bench, &of_ada, &code.code).await.err(), rejected(Rejection::OtpInvalid));
    let key = who(give_code(&bench, &of_eve, &code.code).await);
    assert_eq!(Some(key), bench.subject.subject("eve"));
    // What one was asked, the other cannot answer with the cookies of the first.
    let (_, fresh) = bench.asked().await.unwrap();
    let mut mixed = fresh.clone();
    mixed.0["p"]["c"] = of_ada.0["p"]["c"].clone();
    let code = bench.subject.sent().pop().unwrap().code;
    assert_eq!(give_code(&bench, &mixed, &code).await.err(), rejected(Rejection::OtpExpired));
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = bench().await;
    for password in [&"ä".repeat(200), "nul\0byte", " blanks ", "a\"b\\c", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.login_as(" Ada ", password).await.unwrap_err();
        let sent = bench.subject.received().pop().unwrap();
        assert_eq!((sent.username(), sent.password()), (Some(b" Ada ".as_slice()), Some(password.as_bytes())));
    }
}

#[tokio::test]
async fn nothing_secret_is_kept_or_logged() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = with_factors(&[(Factor::SmsOtp, PHONE)]).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    let error = bench.login_as("ada", "canary of a password").await.unwrap_err();
    let printed = format!("{challenge:?} {pending:?} {error:?} {error} {} {}", log.text(), pending.0);
    for secret in [PASSWORD, SECRET, "canary", PHONE] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
    // Where the login goes on is not read out of an answer, and not kept.
    assert!(!pending.0.to_string().contains("http"), "{}", pending.0);
}

#[tokio::test]
async fn an_old_environment_takes_the_password_grant() {
    let over = json!({ "settings": { "password_flow": "grant" } });
    let bench = Bench::at(&WITH_GRANT, Method::Password, Reach::Local, over.clone()).await;
    let identity = bench.login().await.unwrap();
    assert_eq!(Some(identity.subject_key), bench.subject.subject("ada"));
    assert_eq!((bench.calls(), bench.subject.calls(Endpoint::Authorize)), ([1, 1, 1, 0], 0));
    for (username, password) in [("ada", "wrong"), ("unknown", PASSWORD)] {
        let found = bench.login_as(username, password).await.err();
        assert_eq!(found, rejected(Rejection::InvalidCredentials), "{username}");
    }
    bench.change_secret("another");
    let error = bench.login().await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. }), "{error}");

    let bench = Bench::at(&SIMULATOR, Method::Password, Reach::Local, over).await;
    let error = bench.login().await.unwrap_err();
    assert!(error.to_string().contains("leave out settings.password_flow"), "{error}");
    assert_eq!(bench.probe(None).await.check("password_flow").status, crate::Status::Unverifiable);
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    const ID: &str = "11111111-2222-4333-8444-555555555555";
    for (settings, expected) in [
        (json!({ "environment_id": ID, "region": "NA" }), "none"),
        (json!({ "environment_id": ID, "region": "AP", "custom_domain": "login.acme.com" }), "none"),
        (json!({ "environment_id": ID, "region": "EU", "password_flow": "grant" }), "none"),
        (
            json!({ "environment_id": ID, "region": "EU", "password_flow": "ropc" }),
            "settings.password_flow: unknown variant `ropc`, expected `api` or `grant`",
        ),
        (json!({ "environment_id": ID }), "settings: missing field `region`"),
        (
            json!({ "environment_id": "acme", "region": "EU" }),
            "settings.environment_id: \"acme\" is not the environment's id, a UUID in lower case (Settings > Environment \
             Properties)",
        ),
        (
            json!({ "environment_id": ID, "region": "eu" }),
            "settings.region: unknown variant `eu`, expected one of `NA`, `CA`, `EU`, `AU`, `SG`, `AP`",
        ),
        (
            json!({ "environment_id": ID, "region": "EU", "custom_domain": "https://login.acme.com" }),
            "settings.custom_domain: \"https://login.acme.com\" is not a domain of your own, such as login.acme.com",
        ),
    ] {
        assert_eq!(complaint_about("pingone", settings), expected);
    }
}
