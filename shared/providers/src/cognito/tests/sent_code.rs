//! A code as the first factor.

use chrono::TimeDelta;
use domain::{Challenge, Channel, Factor, Method, Pending};
use egress::Reach;
use serde_json::{Value, json};
use simulators::{Misbehaviour, Person, Standing};

use super::script::Scripted;
use crate::bench::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SEED, ada};
use crate::{Answer, Attempt, Check, Outage, Progress, ProviderError, Rejection, Stage};

async fn bench(method: Method) -> Bench {
    let bench = Bench::at(&simulators::cognito::SIMULATOR, method, Reach::Local, json!({})).await;
    if method == Method::SmsOtp {
        bench.subject.give_factors("ada", &[(Factor::SmsOtp, PHONE)]);
    }
    bench
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

async fn code(bench: &Bench, pending: &Pending, code: &str) -> Result<Progress, ProviderError> {
    bench.give(pending, Answer::Code(&code.into()), IN_TIME).await
}

async fn ask(bench: &Bench, channel: Channel, to: &str) -> (Challenge, Pending) {
    let request = bench.request(IN_TIME);
    match bench.adapter().begin(&bench.cx(&request), Attempt::Otp { channel, to }).await.unwrap() {
        Progress::Ask(challenge, pending) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

fn sent(bench: &Bench) -> String {
    bench.subject.sent().pop().unwrap().code
}

#[tokio::test]
async fn a_code_is_right_wrong_used_or_late() {
    for (method, channel, to) in [(Method::EmailOtp, Channel::Email, EMAIL), (Method::SmsOtp, Channel::Sms, PHONE)] {
        let bench = bench(method).await;
        let (_, pending) = ask(&bench, channel, to).await;
        let right = sent(&bench);
        for _ in 0..4 {
            assert_eq!(code(&bench, &pending, "00000000").await.err(), rejected(Rejection::OtpInvalid), "{method:?}");
        }
        assert!(matches!(code(&bench, &pending, &right).await, Ok(Progress::Done(_))), "{method:?}");
        // Attack 59.
        assert_eq!(code(&bench, &pending, &right).await.err(), rejected(Rejection::OtpExpired), "{method:?}");
        let (_, pending) = ask(&bench, channel, to).await;
        bench.pass(TimeDelta::minutes(3));
        assert_eq!(code(&bench, &pending, &sent(&bench)).await.err(), rejected(Rejection::OtpExpired), "{method:?}");
    }
}

#[tokio::test]
async fn another_code_is_sent_by_a_new_start() {
    let bench = bench(Method::EmailOtp).await;
    let (first, pending) = ask(&bench, Channel::Email, EMAIL).await;
    let before = bench.calls()[2];
    let Progress::Ask(again, next) = bench.give(&pending, Answer::Resend, IN_TIME).await.unwrap() else {
        panic!("not asked")
    };
    assert_eq!((bench.calls()[2], bench.subject.sent().len()), (before + 1, 2));
    assert_eq!(again, first);
    assert_ne!(next, pending, "the newest session");
    assert!(matches!(code(&bench, &next, &sent(&bench)).await, Ok(Progress::Done(_))));
}

#[tokio::test]
async fn a_user_without_a_code_is_asked_like_one_with_attack_60() {
    let bench = bench(Method::EmailOtp).await;
    let person = |name: &str| Person::new(name, PASSWORD).email(&format!("{name}@example.org"), true);
    bench.subject.enrol(person("agatha").factor(Factor::Totp, SEED));
    bench.subject.enrol(person("agnes").standing(Standing::Disabled));
    bench.subject.enrol(person("alma").standing(Standing::PasswordExpired));
    let (known, _) = ask(&bench, Channel::Email, EMAIL).await;
    let before = bench.subject.sent().len();
    // Of the unknown, the pool asks each something else.
    for to in ["agatha@example.org", "agnes@example.org", "alma@example.org", "ann@e.org", "anna@e.org", "annie@e.org"]
    {
        let (challenge, pending) = ask(&bench, Channel::Email, to).await;
        assert_eq!(challenge, known, "{to}");
        for _ in 0..3 {
            assert_eq!(code(&bench, &pending, "12345678").await.err(), rejected(Rejection::OtpInvalid), "{to}");
        }
        let Progress::Ask(again, pending) = bench.give(&pending, Answer::Resend, IN_TIME).await.unwrap() else {
            panic!("not asked")
        };
        assert_eq!(again, known, "{to}");
        bench.pass(TimeDelta::minutes(3));
        assert_eq!(code(&bench, &pending, "12345678").await.err(), rejected(Rejection::OtpExpired), "{to}");
    }
    assert_eq!(bench.subject.sent().len(), before);
}

#[tokio::test]
async fn a_pool_that_tells_unknown_users_does_not_make_us_tell() {
    for kind in ["UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"] {
        let bench = bench(Method::EmailOtp).await;
        let (known, _) = ask(&bench, Channel::Email, EMAIL).await;
        let refusal = json!({ "__type": kind, "message": "User does not exist." });
        bench.subject.misbehave(Some(Misbehaviour::Answer(400, refusal)));
        let (challenge, pending) = ask(&bench, Channel::Email, "anna@e.org").await;
        assert_eq!(challenge, known);
        assert_eq!(code(&bench, &pending, "12345678").await.err(), rejected(Rejection::OtpInvalid), "{kind}");
    }
}

#[tokio::test]
async fn a_pool_that_requires_mfa_is_misconfigured() {
    let bench = bench(Method::EmailOtp).await;
    bench.subject.enrol(ada(true).standing(Standing::MustEnrol));
    let (_, pending) = ask(&bench, Channel::Email, EMAIL).await;
    let error = code(&bench, &pending, &sent(&bench)).await.unwrap_err();
    assert_eq!(error.outcome(), Some("unavailable.misconfigured"));
    assert!(error.to_string().contains("Optional MFA or No MFA"), "{error}");
}

#[tokio::test]
async fn a_code_is_sent_once_whatever_is_answered() {
    let bench = bench(Method::EmailOtp).await;
    let (_, pending) = ask(&bench, Channel::Email, EMAIL).await;
    let right = sent(&bench);
    let stage = Stage::Token;
    for (misbehaviour, error) in [
        (Misbehaviour::ServerError, stage.unavailable(Outage::ServerError)),
        (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
        (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
        (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
        (Misbehaviour::DeepJson, stage.refused(Check::Json)),
        (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
        (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
    ] {
        let before = bench.calls()[2];
        bench.subject.misbehave(Some(misbehaviour.clone()));
        assert_eq!(code(&bench, &pending, &right).await.err(), Some(error), "{misbehaviour:?}");
        assert_eq!(bench.calls()[2], before + 1, "{misbehaviour:?}");
    }
    bench.subject.misbehave(None);
    assert!(matches!(code(&bench, &pending, &right).await, Ok(Progress::Done(_))));
}

#[tokio::test]
async fn a_code_of_another_user_is_wrong_attack_78() {
    let bench = bench(Method::EmailOtp).await;
    bench.subject.enrol(Person::new("eve", PASSWORD).email("eve@example.org", true));
    let (_, of_ada) = ask(&bench, Channel::Email, EMAIL).await;
    ask(&bench, Channel::Email, "eve@example.org").await;
    assert_eq!(code(&bench, &of_ada, &sent(&bench)).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn nothing_but_name_and_session_is_kept() {
    let bench = bench(Method::EmailOtp).await;
    let (_, pending) = ask(&bench, Channel::Email, EMAIL).await;
    let kept: Vec<_> = pending.0["p"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(kept, ["c", "m", "s", "t", "u"]);
    assert!(!pending.0.to_string().contains(&sent(&bench)));
}

#[tokio::test]
async fn a_choice_of_challenges_is_answered_with_the_code() {
    let select = |name: Value| json!({ "ChallengeName": name, "Session": "one", "AvailableChallenges": ["PASSWORD", "EMAIL_OTP"] });
    let asked = json!({ "ChallengeName": "EMAIL_OTP", "Session": "two", "ChallengeParameters": {} });
    for first in [select(json!("SELECT_CHALLENGE")), select(Value::Null)] {
        let wrong = json!({ "__type": "CodeMismatchException", "message": "No." });
        let scripted = Scripted::start(Method::EmailOtp, [first, asked.clone(), wrong], json!({})).await;
        let Progress::Ask(_, pending) = scripted.ask_for_code().await.unwrap() else { panic!("not asked") };
        assert_eq!(code(&scripted.bench, &pending, "12345678").await.err(), rejected(Rejection::OtpInvalid));
        let received = scripted.received();
        assert_eq!(received[0]["AuthFlow"], "USER_AUTH");
        assert_eq!(received[0]["AuthParameters"]["PREFERRED_CHALLENGE"], "EMAIL_OTP");
        let said = |at: usize| [&received[at]["ChallengeName"], &received[at]["Session"]].map(Value::as_str);
        assert_eq!(said(1), ["SELECT_CHALLENGE", "one"].map(Some));
        assert_eq!(received[1]["ChallengeResponses"]["ANSWER"], "EMAIL_OTP");
        assert_eq!(said(2), ["EMAIL_OTP", "two"].map(Some));
        assert_eq!(received[2]["ChallengeResponses"]["EMAIL_OTP_CODE"], "12345678");
    }
}

#[tokio::test]
async fn tokens_without_a_code_sign_nobody_in() {
    let tokens = json!({ "AuthenticationResult": { "IdToken": "ey", "AccessToken": "ey" } });
    let scripted = Scripted::start(Method::EmailOtp, [tokens], json!({})).await;
    assert_eq!(scripted.ask_for_code().await.err(), Some(Stage::Token.unavailable(Outage::Protocol)));
}

#[tokio::test]
async fn a_sent_code_is_no_choice_and_no_poll() {
    let bench = bench(Method::EmailOtp).await;
    let (_, pending) = ask(&bench, Channel::Email, EMAIL).await;
    for answer in [Answer::Poll, Answer::Choose("PASSWORD")] {
        let found = bench.give(&pending, answer, IN_TIME).await.err();
        assert_eq!(found, Some(Stage::Attempt.refused(Check::Unasked)));
    }
}
