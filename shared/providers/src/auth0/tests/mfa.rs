use chrono::TimeDelta;
use domain::{Challenge, Choice, Clock, ExternalIdentity, Factor, Pending};
use secrecy::SecretString;
use serde_json::json;
use simulators::keycloak::totp;
use simulators::{Misbehaviour, Person, Standing};

use super::by_password;
use crate::bench::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SECRET, SEED, ada};
use crate::{Answer, Check, Outage, Progress, ProviderError, Rejection, Stage};

/// Where Ada has these factors.
async fn bench(factors: &[Factor]) -> Bench {
    let bench = by_password(json!({})).await;
    bench.subject.enrol(factors.iter().fold(ada(true), |ada, factor| ada.factor(*factor, destination(*factor))));
    bench
}

fn destination(factor: Factor) -> &'static str {
    match factor {
        Factor::Totp => SEED,
        Factor::EmailOtp => EMAIL,
        _ => PHONE,
    }
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

fn newest_code(bench: &Bench) -> String {
    bench.subject.sent().pop().unwrap().code
}

async fn type_code(bench: &Bench, pending: &Pending, code: &str) -> Result<Progress, ProviderError> {
    bench.give(pending, Answer::Code(&SecretString::from(code)), IN_TIME).await
}

/// Ada proves this factor, for which she has just been asked.
async fn prove(bench: &Bench, pending: &Pending, factor: Factor) -> Result<Progress, ProviderError> {
    match factor {
        Factor::Totp => type_code(bench, pending, &totp(SEED, bench.clock.now())).await,
        Factor::Push => {
            bench.subject.confirm("ada", true);
            bench.give(pending, Answer::Poll, IN_TIME).await
        }
        _ => type_code(bench, pending, &newest_code(bench)).await,
    }
}

fn identity(progress: Progress) -> ExternalIdentity {
    match progress {
        Progress::Done(identity) => *identity,
        other => panic!("{other:?}"),
    }
}

fn question(progress: Progress) -> (Challenge, Pending) {
    match progress {
        Progress::Ask(challenge, pending) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_only_factor_is_asked_for_at_once() {
    let key = by_password(json!({})).await.login().await.unwrap().key();
    let code = |factor, to: Option<&str>| Challenge::Code {
        factor,
        digits: None,
        to: to.map(str::to_owned),
        resend: factor != Factor::Totp,
    };
    let wait = Challenge::Wait { to: Some("Ada's phone".into()), number: None, every: 6 };
    // Password, list and proof; a challenge where something is sent.
    for (factor, asked, calls) in [
        (Factor::Totp, code(Factor::Totp, None), 3),
        (Factor::SmsOtp, code(Factor::SmsOtp, Some("XXXXXXXX5678")), 4),
        (Factor::VoiceOtp, code(Factor::VoiceOtp, Some("XXXXXXXX5678")), 4),
        (Factor::EmailOtp, code(Factor::EmailOtp, Some("ad****@ex****")), 4),
        (Factor::Push, wait, 4),
    ] {
        let bench = bench(&[factor]).await;
        let (challenge, pending) = bench.asked().await.unwrap();
        assert_eq!(challenge, asked);
        assert!(!pending.0.to_string().contains(PASSWORD) && !pending.0.to_string().contains(SECRET));
        assert_eq!(identity(prove(&bench, &pending, factor).await.unwrap()).key(), key, "{factor:?}");
        assert_eq!(bench.calls(), [1, 1, calls, 0], "{factor:?}");
        let passwords = bench.subject.received().iter().filter(|sent| sent.password().is_some()).count();
        assert_eq!(passwords, 1, "{factor:?}");
    }
}

#[tokio::test]
async fn an_app_that_the_demand_names_is_not_looked_up() {
    for (factors, asks_for_app, calls) in [
        (vec![Factor::Totp], true, 1),
        (vec![Factor::Totp, Factor::RecoveryCode], true, 1),
        (vec![Factor::Totp, Factor::Push], false, 2),
    ] {
        let bench = bench(&factors).await;
        bench.subject.set_case("mfa_requirements", json!(true));
        let (challenge, _) = bench.asked().await.unwrap();
        assert_eq!(matches!(challenge, Challenge::Code { factor: Factor::Totp, .. }), asks_for_app, "{factors:?}");
        assert_eq!(bench.calls()[2], calls, "{factors:?}");
    }
}

#[tokio::test]
async fn of_several_factors_the_user_chooses() {
    let all = [
        Factor::SmsOtp,
        Factor::Totp,
        Factor::Push,
        Factor::RecoveryCode,
        Factor::Totp,
        Factor::VoiceOtp,
        Factor::EmailOtp,
    ];
    for chosen in [Factor::SmsOtp, Factor::Totp, Factor::Push, Factor::VoiceOtp, Factor::EmailOtp] {
        let bench = bench(&all).await;
        let (challenge, pending) = bench.asked().await.unwrap();
        let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
        // Two apps are one choice; neither a recovery code nor what is not confirmed is one.
        let offered: Vec<_> = choices.iter().map(|choice| choice.factor).collect();
        assert_eq!(offered, [Factor::SmsOtp, Factor::Totp, Factor::Push, Factor::VoiceOtp, Factor::EmailOtp]);
        assert_eq!(bench.subject.sent(), []);

        let before = bench.calls()[2];
        for unknown in ["email|dev_new", "recovery-code|dev_3", ""] {
            let refused = bench.give(&pending, Answer::Choose(unknown), IN_TIME).await;
            assert_eq!(refused.err(), Some(Stage::Attempt.refused(Check::Unasked)), "{unknown}");
        }
        assert_eq!(bench.calls()[2], before);

        let Choice { id, .. } = choices.iter().find(|choice| choice.factor == chosen).unwrap();
        let (_, pending) = question(bench.give(&pending, Answer::Choose(id), IN_TIME).await.unwrap());
        identity(prove(&bench, &pending, chosen).await.unwrap());
    }
}

#[tokio::test]
async fn a_wrong_code_leaves_the_question_open_and_a_used_one_is_none_attack_59() {
    for factor in [Factor::Totp, Factor::SmsOtp, Factor::VoiceOtp, Factor::EmailOtp] {
        let bench = bench(&[factor]).await;
        let (_, pending) = bench.asked().await.unwrap();
        for wrong in ["000000", "", "nul\0byte"] {
            let before = bench.calls()[2];
            let refused = type_code(&bench, &pending, wrong).await.err();
            assert_eq!(
                (refused, bench.calls()[2]),
                (rejected(Rejection::OtpInvalid), before + 1),
                "{factor:?} {wrong:?}"
            );
        }
        identity(prove(&bench, &pending, factor).await.unwrap());
        // The login that the code belonged to is over, and in another one it is none.
        assert_eq!(prove(&bench, &pending, factor).await.err(), rejected(Rejection::OtpExpired), "{factor:?}");
        let used = if factor == Factor::Totp { totp(SEED, bench.clock.now()) } else { newest_code(&bench) };
        let (_, other) = bench.asked().await.unwrap();
        assert_eq!(type_code(&bench, &other, &used).await.err(), rejected(Rejection::OtpInvalid), "{factor:?}");
    }
}

#[tokio::test]
async fn a_code_of_another_user_is_none_attack_78() {
    let bench = bench(&[Factor::SmsOtp]).await;
    let (_, pending) = bench.asked().await.unwrap();
    let own = newest_code(&bench);
    bench.subject.enrol(Person::new("eve", "eve's password").factor(Factor::SmsOtp, "+4917000000000"));
    let (request, password) = (bench.request(IN_TIME), SecretString::from("eve's password"));
    let attempt = crate::Attempt::Password { username: "eve", password: &password, otp: None };
    bench.adapter().begin(&bench.cx(&request), attempt).await.unwrap();
    assert_ne!(newest_code(&bench), own);
    assert_eq!(type_code(&bench, &pending, &newest_code(&bench)).await.err(), rejected(Rejection::OtpInvalid));
    let account = bench.subject.subject("ada");
    assert_eq!(Some(identity(type_code(&bench, &pending, &own).await.unwrap()).subject_key), account);
}

#[tokio::test]
async fn a_code_and_a_demand_expire() {
    for (minutes, rejection) in [(5, Rejection::OtpInvalid), (10, Rejection::OtpExpired)] {
        let bench = bench(&[Factor::SmsOtp]).await;
        let (_, pending) = bench.asked().await.unwrap();
        bench.pass(TimeDelta::minutes(minutes));
        assert_eq!(prove(&bench, &pending, Factor::SmsOtp).await.err(), rejected(rejection));
    }
    let bench = bench(&[Factor::SmsOtp, Factor::Push]).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
    bench.pass(TimeDelta::minutes(10));
    let late = bench.give(&pending, Answer::Choose(&choices[0].id), IN_TIME).await;
    assert_eq!(late.err(), rejected(Rejection::OtpExpired));
}

#[tokio::test]
async fn only_the_newest_code_counts() {
    let bench = bench(&[Factor::SmsOtp]).await;
    let (first_challenge, first) = bench.asked().await.unwrap();
    let old = newest_code(&bench);
    let (challenge, second) = question(bench.give(&first, Answer::Resend, IN_TIME).await.unwrap());
    assert_eq!(challenge, first_challenge);
    assert_eq!(bench.subject.sent().len(), 2);
    assert_eq!(type_code(&bench, &second, &old).await.err(), rejected(Rejection::OtpInvalid));
    assert_eq!(type_code(&bench, &first, &old).await.err(), rejected(Rejection::OtpInvalid));
    identity(prove(&bench, &second, Factor::SmsOtp).await.unwrap());
}

#[tokio::test]
async fn the_app_is_polled_until_the_user_has_answered() {
    for confirmed in [true, false] {
        let bench = bench(&[Factor::Push]).await;
        let (asked, mut pending) = bench.asked().await.unwrap();
        for _ in 0..2 {
            let (challenge, next) = question(bench.give(&pending, Answer::Poll, IN_TIME).await.unwrap());
            assert_eq!((&challenge, &next), (&asked, &pending));
            pending = next;
        }
        let slow = Misbehaviour::Answer(400, json!({ "error": "slow_down" }));
        bench.subject.misbehave(Some(slow));
        let (challenge, next) = question(bench.give(&pending, Answer::Poll, IN_TIME).await.unwrap());
        assert!(matches!(challenge, Challenge::Wait { every: 12, .. }), "{challenge:?}");
        bench.subject.misbehave(None);
        assert_eq!(next, pending);

        bench.subject.confirm("ada", confirmed);
        let answered = bench.give(&pending, Answer::Poll, IN_TIME).await;
        match confirmed {
            true => assert_eq!(identity(answered.unwrap()).claims.verified_email(), Some(EMAIL)),
            false => assert_eq!(answered.err(), rejected(Rejection::Declined)),
        }
    }
}

#[tokio::test]
async fn one_more_factor_is_another_question() {
    let bench = bench(&[Factor::SmsOtp, Factor::Totp]).await;
    bench.subject.set_case("factors", json!(2));
    let pending = bench.challenged(Factor::SmsOtp).await.unwrap();
    let (challenge, next) = question(prove(&bench, &pending, Factor::SmsOtp).await.unwrap());
    let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
    let app = choices.iter().find(|choice| choice.factor == Factor::Totp).unwrap();
    let (_, next) = question(bench.give(&next, Answer::Choose(&app.id), IN_TIME).await.unwrap());
    // The demand that was met is closed.
    assert_eq!(prove(&bench, &pending, Factor::SmsOtp).await.err(), rejected(Rejection::OtpExpired));
    identity(prove(&bench, &next, Factor::Totp).await.unwrap());
}

#[tokio::test]
async fn who_has_nothing_that_can_be_asked_for_needs_the_browser() {
    for requirements in [false, true] {
        for person in [ada(true).standing(Standing::MustEnrol), ada(true).factor(Factor::RecoveryCode, "RECOVER-ADA")] {
            let bench = by_password(json!({})).await;
            bench.subject.enrol(person);
            if requirements {
                bench.subject.set_case("mfa_requirements", json!(true));
            }
            assert_eq!(bench.asked().await.err(), rejected(Rejection::InteractionRequired));
            assert_eq!(bench.calls()[2], if requirements { 1 } else { 2 });
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_kind_is_refused_and_not_sent() {
    let code = SecretString::from("123456");
    for (factors, answers) in [
        (vec![Factor::Totp], vec![Answer::Poll, Answer::Resend, Answer::Choose("totp|dev_0")]),
        (vec![Factor::SmsOtp], vec![Answer::Poll, Answer::Choose("sms|dev_0")]),
        (vec![Factor::Push], vec![Answer::Code(&code), Answer::Resend]),
        (vec![Factor::Push, Factor::SmsOtp], vec![Answer::Code(&code), Answer::Poll, Answer::Resend]),
    ] {
        let bench = bench(&factors).await;
        let (_, pending) = bench.asked().await.unwrap();
        let before = bench.calls();
        for answer in answers.into_iter().chain([Answer::NewPassword { new: &code, current: None }]) {
            let refused = bench.give(&pending, answer, IN_TIME).await.err();
            assert_eq!(refused, Some(Stage::Attempt.refused(Check::Unasked)), "{factors:?} {answer:?}");
        }
        assert_eq!(bench.calls(), before, "{factors:?}");
    }
}

#[tokio::test]
async fn a_code_is_sent_once_whatever_is_answered() {
    for factor in [Factor::Totp, Factor::SmsOtp] {
        let bench = bench(&[factor]).await;
        let (_, pending) = bench.asked().await.unwrap();
        for (misbehaviour, error) in [
            (Misbehaviour::ServerError, Stage::Token.unavailable(Outage::ServerError)),
            (Misbehaviour::Html, Stage::Token.unavailable(Outage::Protocol)),
            (Misbehaviour::Garbage, Stage::Token.unavailable(Outage::Protocol)),
            (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
        ] {
            let before = bench.calls()[2];
            bench.subject.misbehave(Some(misbehaviour.clone()));
            let found = prove(&bench, &pending, factor).await.err();
            assert_eq!((found, bench.calls()[2]), (Some(error), before + 1), "{factor:?} {misbehaviour:?}");
        }
        // None of it was looked at, so the same question is still open.
        bench.subject.misbehave(None);
        identity(prove(&bench, &pending, factor).await.unwrap());
    }
}

#[tokio::test]
async fn an_answer_of_the_api_that_is_none_is_an_outage() {
    for (path, answer) in [
        ("/mfa/authenticators", json!({ "authenticators": [] })),
        ("/mfa/challenge", json!({ "challenge_type": "oob" })),
        ("/mfa/challenge", json!({ "oob_code": "" })),
        ("/mfa/challenge", json!([])),
    ] {
        let bench = bench(&[Factor::SmsOtp]).await;
        bench.subject.misbehave(Some(Misbehaviour::At(path, Box::new(Misbehaviour::Answer(200, answer.clone())))));
        assert_eq!(bench.asked().await.err(), Some(Stage::Token.unavailable(Outage::Protocol)), "{path} {answer}");
    }
}

#[tokio::test]
async fn odd_entries_of_the_list_are_no_choices() {
    let bench = bench(&[Factor::SmsOtp]).await;
    let list = json!([
        1,
        {},
        { "authenticator_type": "otp", "active": true },
        { "id": 7, "authenticator_type": "otp", "active": true },
        { "id": "a", "authenticator_type": "otp", "active": "true" },
        { "id": "b", "authenticator_type": "webauthn-roaming", "active": true },
        { "id": "c", "authenticator_type": "oob", "active": true },
        { "id": "d", "authenticator_type": "oob", "oob_channel": "pigeon", "active": true },
    ]);
    bench.subject.misbehave(Some(Misbehaviour::At("/mfa/authenticators", Box::new(Misbehaviour::Answer(200, list)))));
    assert_eq!(bench.asked().await.err(), rejected(Rejection::InteractionRequired));
}

#[tokio::test]
async fn a_secret_rotated_before_a_challenge_sends_one_code() {
    for method in ["client_secret_post", "client_secret_basic"] {
        let bench = by_password(json!({ "client": { "token_endpoint_auth_method": method } })).await;
        bench.subject.enrol(ada(true).factor(Factor::SmsOtp, PHONE).factor(Factor::Totp, SEED));
        let (challenge, pending) = bench.asked().await.unwrap();
        let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
        bench.change_secret("another");
        bench.secrets.rotate(Ok("another"));
        let before = bench.calls()[2];
        let (_, pending) = question(bench.give(&pending, Answer::Choose(&choices[0].id), IN_TIME).await.unwrap());
        let found = (bench.calls()[2], bench.secrets.rereads(), bench.subject.sent().len());
        assert_eq!(found, (before + 2, 1, 1), "{method}");
        identity(prove(&bench, &pending, Factor::SmsOtp).await.unwrap());
    }
}

#[tokio::test]
async fn nothing_secret_of_a_second_factor_is_printed() {
    let bench = bench(&[Factor::SmsOtp]).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    let error = type_code(&bench, &pending, "canary").await.unwrap_err();
    let printed = format!("{challenge:?} {pending:?} {error:?} {error} {:?}", bench.adapter());
    let kept = pending.0["p"]["t"].as_str().unwrap();
    for secret in [kept, "canary", SECRET, PHONE, &newest_code(&bench)] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
}
