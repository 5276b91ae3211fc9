//! A password, and what the pool asks after it.

use chrono::TimeDelta;
use domain::{Challenge, Factor, Method, Pending};
use egress::Reach;
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::keycloak::totp;
use simulators::{Misbehaviour, Person, Standing};

use super::script::Scripted;
use crate::bench::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SEED, ada};
use crate::{Answer, Check, Outage, Progress, ProviderError, Rejection, Stage};

async fn bench() -> Bench {
    Bench::at(&simulators::cognito::SIMULATOR, Method::Password, Reach::Local, json!({})).await
}

/// Where Ada has these factors.
async fn bench_for(person: Person) -> Bench {
    let bench = bench().await;
    bench.subject.enrol(person);
    bench
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

async fn code(bench: &Bench, pending: &Pending, code: &str) -> Result<Progress, ProviderError> {
    bench.give(pending, Answer::Code(&code.into()), IN_TIME).await
}

async fn asked(bench: &Bench, pending: &Pending, answer: Answer<'_>) -> (Challenge, Pending) {
    match bench.give(pending, answer, IN_TIME).await.unwrap() {
        Progress::Ask(challenge, pending) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

fn is_done(progress: Result<Progress, ProviderError>) -> bool {
    matches!(progress, Ok(Progress::Done(_)))
}

#[tokio::test]
async fn each_standing_of_a_user_has_its_outcome() {
    let bench = bench().await;
    for (name, standing) in [
        ("locked", Standing::Locked),
        ("disabled", Standing::Disabled),
        ("unassigned", Standing::NotAssigned),
        ("unenrolled", Standing::MustEnrol),
    ] {
        bench.subject.enrol(Person::new(name, PASSWORD).standing(standing));
    }
    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("", PASSWORD, Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::AccountLocked),
        ("locked", "wrong", Rejection::AccountLocked),
        ("disabled", PASSWORD, Rejection::AccountDisabled),
        ("disabled", "wrong", Rejection::InvalidCredentials),
        ("unassigned", PASSWORD, Rejection::Declined),
        ("unenrolled", PASSWORD, Rejection::InteractionRequired),
    ] {
        let before = bench.calls()[2];
        assert_eq!(bench.login_as(username, password).await.err(), rejected(rejection), "{username}: {password}");
        assert_eq!(bench.calls()[2], before + 1, "{username}: {password}");
    }
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = bench().await;
    let long = "ä".repeat(200);
    for password in
        [long.as_str(), "nul\0byte", " blanks ", "a+b&c=d%e\"\\", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.login_as(" Ada ", password).await.unwrap_err();
        let sent = bench.subject.received().pop().unwrap();
        assert_eq!((sent.username(), sent.password()), (Some(b" Ada ".as_slice()), Some(password.as_bytes())));
    }
}

#[tokio::test]
async fn a_user_has_the_same_key_by_name_and_by_email() {
    let bench = bench().await;
    let key = bench.login().await.unwrap().key();
    assert_eq!(bench.login_as(EMAIL, PASSWORD).await.unwrap().key(), key);
}

#[tokio::test]
async fn a_code_after_a_password_is_right_wrong_used_or_late() {
    for (factor, to, masked) in [(Factor::SmsOtp, PHONE, "+*******5678"), (Factor::EmailOtp, EMAIL, "a***@e***")] {
        let bench = bench_for(ada(true).factor(factor, to)).await;
        let (challenge, pending) = bench.asked().await.unwrap();
        let expected = Challenge::Code { factor, digits: None, to: Some(masked.into()), resend: false };
        assert_eq!(challenge, expected);
        let right = bench.subject.sent().pop().unwrap().code;
        for wrong in ["000000", ""] {
            assert_eq!(code(&bench, &pending, wrong).await.err(), rejected(Rejection::OtpInvalid));
        }
        let before = bench.calls()[2];
        assert!(is_done(code(&bench, &pending, &right).await));
        assert_eq!(bench.calls()[2], before + 1);
        // Attack 59: the session has been used.
        assert_eq!(code(&bench, &pending, &right).await.err(), rejected(Rejection::OtpExpired));

        let pending = bench.challenged(factor).await.unwrap();
        let right = bench.subject.sent().pop().unwrap().code;
        bench.pass(TimeDelta::minutes(3));
        assert_eq!(code(&bench, &pending, &right).await.err(), rejected(Rejection::OtpExpired));
    }
}

#[tokio::test]
async fn a_code_of_an_app_counts_once_attack_59() {
    let bench = bench_for(ada(true).factor(Factor::Totp, SEED)).await;
    let now = || totp(SEED, domain::Clock::now(&*bench.clock));
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::Code { factor: Factor::Totp, digits: None, to: None, resend: false });
    assert!(is_done(code(&bench, &pending, &now()).await));
    let pending = bench.challenged(Factor::Totp).await.unwrap();
    assert_eq!(code(&bench, &pending, &now()).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn a_factor_is_chosen_and_answered_in_four_calls() {
    let person = ada(true).factor(Factor::SmsOtp, PHONE).factor(Factor::Totp, SEED).factor(Factor::EmailOtp, EMAIL);
    let bench = bench_for(person).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
    let offered: Vec<_> = choices.iter().map(|choice| (choice.id.as_str(), choice.factor)).collect();
    let expected = [("SMS_MFA", Factor::SmsOtp), ("SOFTWARE_TOKEN_MFA", Factor::Totp), ("EMAIL_OTP", Factor::EmailOtp)];
    assert_eq!(offered, expected);
    assert_eq!(bench.subject.sent(), []);
    let (challenge, pending) = asked(&bench, &pending, Answer::Choose("EMAIL_OTP")).await;
    assert!(matches!(challenge, Challenge::Code { factor: Factor::EmailOtp, .. }), "{challenge:?}");
    let right = bench.subject.sent().pop().unwrap().code;
    assert!(is_done(code(&bench, &pending, &right).await));
    assert_eq!(bench.calls(), [1, 1, 3, 0]);
}

#[tokio::test]
async fn a_temporary_password_is_replaced_and_a_factor_follows() {
    let bench = bench_for(ada(true).standing(Standing::PasswordExpired).factor(Factor::Totp, SEED)).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::NewPassword { current: false, refused: false });
    let short = SecretString::from("short");
    let (challenge, pending) = asked(&bench, &pending, Answer::NewPassword { new: &short, current: None }).await;
    assert_eq!(challenge, Challenge::NewPassword { current: false, refused: true });

    let new = "Ein längeres\0 🔑";
    let answer = SecretString::from(new);
    let (challenge, pending) = asked(&bench, &pending, Answer::NewPassword { new: &answer, current: None }).await;
    assert!(matches!(challenge, Challenge::Code { factor: Factor::Totp, .. }), "{challenge:?}");
    assert_eq!(bench.subject.received().pop().unwrap().password(), Some(new.as_bytes()));
    let right = totp(SEED, domain::Clock::now(&*bench.clock));
    assert!(is_done(code(&bench, &pending, &right).await));

    bench.subject.give_factors("ada", &[]);
    assert_eq!(bench.login().await.err(), rejected(Rejection::InvalidCredentials));
    bench.login_as("ada", new).await.unwrap();
}

#[tokio::test]
async fn a_second_factor_of_another_user_is_wrong_attack_78() {
    let bench = bench_for(ada(true).factor(Factor::SmsOtp, PHONE)).await;
    bench.subject.enrol(Person::new("eve", "eve's password").factor(Factor::SmsOtp, "+4915100000000"));
    let of_ada = bench.challenged(Factor::SmsOtp).await.unwrap();
    bench.subject.enrol(ada(true));
    let (request, password) = (bench.request(IN_TIME), SecretString::from("eve's password"));
    let attempt = crate::Attempt::Password { username: "eve", password: &password, otp: None };
    bench.adapter().begin(&bench.cx(&request), attempt).await.unwrap();
    let of_eve = bench.subject.sent().pop().unwrap();
    assert_eq!(of_eve.username, "eve");
    assert_eq!(code(&bench, &of_ada, &of_eve.code).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn an_answer_to_another_question_sends_nothing() {
    let bench = bench_for(ada(true).factor(Factor::SmsOtp, PHONE)).await;
    let pending = bench.challenged(Factor::SmsOtp).await.unwrap();
    let before = bench.calls()[2];
    let new = SecretString::from("another password");
    for answer in
        [Answer::Resend, Answer::Poll, Answer::Choose("SMS_MFA"), Answer::NewPassword { new: &new, current: None }]
    {
        let found = bench.give(&pending, answer, IN_TIME).await.err();
        assert_eq!(found, Some(Stage::Attempt.refused(Check::Unasked)), "{answer:?}");
    }
    assert_eq!(bench.calls()[2], before);
}

#[tokio::test]
async fn after_an_outage_the_same_code_may_be_given_again() {
    let bench = bench_for(ada(true).factor(Factor::SmsOtp, PHONE)).await;
    let pending = bench.challenged(Factor::SmsOtp).await.unwrap();
    let right = bench.subject.sent().pop().unwrap().code;
    bench.subject.misbehave(Some(Misbehaviour::Unavailable));
    let unavailable = Stage::Token.unavailable(Outage::ServerError);
    let before = bench.calls()[2];
    assert_eq!(code(&bench, &pending, &right).await.err(), Some(unavailable));
    assert_eq!(bench.calls()[2], before + 1, "a code is sent once");
    bench.subject.misbehave(None);
    assert!(is_done(code(&bench, &pending, &right).await));
}

#[tokio::test]
async fn a_secret_rotated_before_the_second_factor_is_read_again() {
    let bench = bench_for(ada(true).factor(Factor::SmsOtp, PHONE)).await;
    let pending = bench.challenged(Factor::SmsOtp).await.unwrap();
    bench.change_secret("another secret");
    bench.secrets.rotate(Ok("another secret"));
    let right = bench.subject.sent().pop().unwrap().code;
    assert!(is_done(code(&bench, &pending, &right).await));
    assert_eq!((bench.calls()[2], bench.secrets.rereads()), (3, 1));
}

#[tokio::test]
async fn nothing_secret_is_kept_between_calls() {
    let bench = bench_for(ada(true).standing(Standing::PasswordExpired).factor(Factor::SmsOtp, PHONE)).await;
    let (_, first) = bench.asked().await.unwrap();
    let new = SecretString::from("another password");
    let (_, second) = asked(&bench, &first, Answer::NewPassword { new: &new, current: None }).await;
    let sent = bench.subject.sent().pop().unwrap().code;
    for pending in [first, second] {
        let kept = pending.0.to_string();
        for secret in [PASSWORD, "another password", sent.as_str(), crate::bench::SECRET] {
            assert!(!kept.contains(secret), "{kept}");
        }
        assert_eq!(format!("{pending:?}"), "Pending");
    }
}

#[tokio::test]
async fn what_only_a_browser_can_answer_needs_interaction() {
    let asks = |name: &str, parameters: Value| json!({ "ChallengeName": name, "ChallengeParameters": parameters, "Session": "s" });
    let interaction = rejected(Rejection::InteractionRequired);
    let protocol = Some(Stage::Token.unavailable(Outage::Protocol));
    for (answer, error) in [
        (asks("MFA_SETUP", json!({ "MFAS_CAN_SETUP": "[\"SMS_MFA\"]" })), interaction),
        (asks("CUSTOM_CHALLENGE", json!({})), interaction),
        (asks("WEB_AUTHN", json!({})), interaction),
        (asks("NEW_PASSWORD_REQUIRED", json!({ "requiredAttributes": "[\"userAttributes.name\"]" })), interaction),
        (asks("SELECT_MFA_TYPE", json!({ "MFAS_CAN_CHOOSE": "[\"WEB_AUTHN\"]" })), interaction),
        (asks("SELECT_MFA_TYPE", json!({})), interaction),
        (json!({ "ChallengeName": "SMS_MFA" }), protocol),
        (json!({ "AuthenticationResult": { "AccessToken": "ey" } }), protocol),
        (json!({ "AuthenticationResult": [] }), protocol),
        (json!({}), protocol),
    ] {
        let scripted = Scripted::start(Method::Password, [answer.clone()], json!({})).await;
        assert_eq!(scripted.give_password(None).await.err(), error, "{answer}");
    }
}

#[tokio::test]
async fn the_users_address_goes_along_where_the_client_has_a_secret() {
    let ask =
        json!({ "ChallengeName": "SMS_MFA", "ChallengeParameters": { "USER_ID_FOR_SRP": "7f3" }, "Session": "one" });
    let ip = "192.0.2.1".parse().ok();
    for (client, sent) in [(json!({}), json!({ "IpAddress": "192.0.2.1" })), (json!({ "secret": null }), Value::Null)] {
        let over = json!({ "client": client });
        let scripted = Scripted::start(Method::Password, [ask.clone(), ask.clone()], over).await;
        scripted.give_password(ip).await.unwrap();
        scripted.give_password(None).await.unwrap();
        let received = scripted.received();
        let told: Vec<_> = received.iter().map(|body| body["UserContextData"].clone()).collect();
        assert_eq!(told, [sent.clone(), Value::Null], "{client}");
        let parameters = &received[0]["AuthParameters"];
        assert_eq!((&parameters["USERNAME"], &parameters["PASSWORD"]), (&json!("Ada"), &json!(PASSWORD)));
        assert_eq!(parameters.get("SECRET_HASH").is_some(), !sent.is_null());
    }
}

#[tokio::test]
async fn answers_use_the_newest_session_and_the_name_the_pool_says() {
    let ask = |name: &str, session: &str, id: Option<&str>| {
        let mut parameters = json!({ "MFAS_CAN_CHOOSE": "[\"SMS_MFA\",\"SOFTWARE_TOKEN_MFA\"]" });
        if let Some(id) = id {
            parameters["USER_ID_FOR_SRP"] = json!(id);
        }
        json!({ "ChallengeName": name, "ChallengeParameters": parameters, "Session": session })
    };
    let mismatch = json!({ "__type": "CodeMismatchException", "message": "No." });
    let script = [ask("SELECT_MFA_TYPE", "one", Some("7f3")), ask("SMS_MFA", "two", None), mismatch];
    let scripted = Scripted::start(Method::Password, script, json!({})).await;
    let Progress::Ask(_, pending) = scripted.give_password(None).await.unwrap() else { panic!("not asked") };
    let (_, pending) = asked(&scripted.bench, &pending, Answer::Choose("SMS_MFA")).await;
    assert_eq!(code(&scripted.bench, &pending, "123456").await.err(), rejected(Rejection::OtpInvalid));
    let received = scripted.received();
    let said = |at: usize| {
        let body = &received[at];
        [&body["ChallengeName"], &body["Session"], &body["ChallengeResponses"]["USERNAME"]].map(Value::as_str)
    };
    assert_eq!(said(1), ["SELECT_MFA_TYPE", "one", "7f3"].map(Some));
    assert_eq!(said(2), ["SMS_MFA", "two", "7f3"].map(Some));
    assert_eq!(received[2]["ChallengeResponses"]["SMS_MFA_CODE"], "123456");
    let hash = |at: usize| received[at]["ChallengeResponses"]["SECRET_HASH"].clone();
    assert_eq!(hash(1), hash(2), "the same name, the same hash");
    assert_ne!(hash(1), received[0]["AuthParameters"]["SECRET_HASH"], "of the name that the pool says");
}
