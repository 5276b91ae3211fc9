//! Passwords, and second factors after them.

use chrono::TimeDelta;
use domain::{Challenge, Clock, Factor};
use secrecy::SecretString;
use simulators::keycloak::totp;
use simulators::{ClientAuth, Person, Standing};

use super::*;
use crate::bench::{EMAIL, IN_TIME, PASSWORD, PHONE, SEED, ada};
use crate::{Check, Progress, Stage};

async fn bench(over: Value) -> Bench {
    Bench::at(&SIMULATOR, Method::Password, Reach::Local, over).await
}

async fn with(factors: &[(Factor, &str)]) -> Bench {
    let bench = bench(json!({})).await;
    bench.subject.give_factors("ada", factors);
    bench
}

fn code_now(bench: &Bench) -> SecretString {
    totp(SEED, bench.clock.now()).into()
}

async fn give(bench: &Bench, pending: &Pending, answer: Answer<'_>) -> Result<Progress, ProviderError> {
    bench.give(pending, answer, IN_TIME).await
}

async fn refusal(bench: &Bench, pending: &Pending, answer: Answer<'_>) -> Option<ProviderError> {
    give(bench, pending, answer).await.err()
}

async fn asked_next(bench: &Bench, pending: &Pending, answer: Answer<'_>) -> (Challenge, Pending) {
    match give(bench, pending, answer).await.unwrap() {
        Progress::Ask(challenge, pending) => (challenge, pending),
        other => panic!("{other:?}"),
    }
}

async fn signed_in(bench: &Bench, pending: &Pending, answer: Answer<'_>) -> String {
    match give(bench, pending, answer).await.unwrap() {
        Progress::Done(identity) => identity.subject_key,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_that_may_not_sign_in_says_why_after_its_password() {
    let bench = bench(json!({})).await;
    for (standing, rejection) in [
        (Standing::Active, None),
        (Standing::Locked, Some(Rejection::InvalidCredentials)),
        (Standing::Disabled, Some(Rejection::AccountDisabled)),
        (Standing::PasswordExpired, Some(Rejection::PasswordExpired)),
        (Standing::NotAssigned, Some(Rejection::Declined)),
    ] {
        bench.subject.enrol(ada(true).standing(standing));
        for name in ["ada", EMAIL] {
            assert_eq!(bench.login_as(name, PASSWORD).await.err(), rejection.and_then(rejected), "{standing:?}");
        }
        // Without the password there is nothing to learn of an account.
        for (name, password) in [("ada", "wrong"), ("unknown", PASSWORD), ("ada", ""), ("", PASSWORD)] {
            let error = bench.login_as(name, password).await.err();
            assert_eq!(error, rejected(Rejection::InvalidCredentials), "{standing:?}: {name} {password}");
        }
    }
}

#[tokio::test]
async fn an_app_is_asked_for_a_code_until_it_is_right() {
    let bench = with(&[(Factor::Totp, SEED)]).await;
    let (challenge, pending) = bench.asked().await.unwrap();
    assert_eq!(challenge, Challenge::Code { factor: Factor::Totp, digits: Some(6), to: None, resend: false });
    assert!(!pending.0.to_string().contains(PASSWORD));
    for wrong in ["000000", ""] {
        let error = refusal(&bench, &pending, Answer::Code(&wrong.into())).await;
        assert_eq!(error, rejected(Rejection::OtpInvalid));
    }
    let code = code_now(&bench);
    assert_eq!(Some(signed_in(&bench, &pending, Answer::Code(&code)).await), bench.subject.subject("ada"));

    // Attack 59: the login is over, and the code is used.
    assert_eq!(refusal(&bench, &pending, Answer::Code(&code)).await, rejected(Rejection::OtpExpired));
    let (_, pending) = bench.asked().await.unwrap();
    assert_eq!(refusal(&bench, &pending, Answer::Code(&code)).await, rejected(Rejection::OtpInvalid));
    // A password is sent with the first call alone, and each call authenticates the client.
    let received = bench.subject.received();
    assert_eq!(received.iter().filter(|request| request.password().is_some()).count(), 2);
    assert!(received.iter().all(|request| request.client_auth() == ClientAuth::Post));
}

#[tokio::test]
async fn a_login_that_waited_too_long_begins_anew() {
    let bench = with(&[(Factor::Totp, SEED)]).await;
    let (_, pending) = bench.asked().await.unwrap();
    bench.pass(TimeDelta::minutes(5));
    let code = code_now(&bench);
    assert_eq!(refusal(&bench, &pending, Answer::Code(&code)).await, rejected(Rejection::OtpExpired));
}

#[tokio::test]
async fn the_code_of_another_user_is_refused_attack_78() {
    let bench = with(&[(Factor::Totp, SEED)]).await;
    let grace = Person::new("grace", PASSWORD).email("grace@example.org", true).factor(Factor::Totp, "another seed");
    bench.subject.enrol(grace);
    let (_, pending) = bench.asked().await.unwrap();
    let of_grace = totp("another seed", bench.clock.now()).into();
    assert_eq!(refusal(&bench, &pending, Answer::Code(&of_grace)).await, rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn a_code_by_phone_is_chosen_sent_again_and_typed() {
    let bench = with(&[(Factor::SmsOtp, PHONE), (Factor::VoiceOtp, PHONE)]).await;
    for (id, factor) in [("sms", Factor::SmsOtp), ("voice", Factor::VoiceOtp)] {
        let (challenge, pending) = bench.asked().await.unwrap();
        let Challenge::Choose { choices } = challenge else { panic!("{challenge:?}") };
        // A user without an app is not asked for its code.
        let ids: Vec<_> = choices.iter().map(|choice| choice.id.as_str()).collect();
        assert_eq!(ids, ["push", "sms", "voice"]);
        let (challenge, pending) = asked_next(&bench, &pending, Answer::Choose(id)).await;
        assert_eq!(challenge, Challenge::Code { factor, digits: None, to: None, resend: true });

        let (again, newer) = asked_next(&bench, &pending, Answer::Resend).await;
        assert_eq!(again, challenge);
        let sent: Vec<SecretString> =
            bench.subject.sent().into_iter().rev().take(2).map(|sent| sent.code.into()).collect();
        assert_eq!(refusal(&bench, &newer, Answer::Code(&sent[1])).await, rejected(Rejection::OtpInvalid));
        let before = bench.calls()[2];
        signed_in(&bench, &newer, Answer::Code(&sent[0])).await;
        assert_eq!(bench.calls()[2], before + 1);
        assert_eq!(refusal(&bench, &pending, Answer::Code(&sent[1])).await, rejected(Rejection::OtpExpired));
    }
    assert_eq!(bench.subject.sent().len(), 4);
}

#[tokio::test]
async fn a_push_is_polled_until_the_user_has_answered() {
    let push = json!({ "settings": { "mfa": ["push"] } });
    for (confirmed, over) in [(true, json!({})), (false, json!({})), (true, push)] {
        let bench = bench(over).await;
        bench.subject.give_factors("ada", &[(Factor::Push, "phone")]);
        let (mut challenge, mut pending) = bench.asked().await.unwrap();
        if matches!(challenge, Challenge::Choose { .. }) {
            (challenge, pending) = asked_next(&bench, &pending, Answer::Choose("push")).await;
        }
        // The password, and the push.
        assert_eq!(bench.calls()[2], 2);
        let Challenge::Wait { to: None, number: Some(number), every: 5 } = &challenge else { panic!("{challenge:?}") };
        assert_eq!(number.len(), 2);

        let (again, same) = asked_next(&bench, &pending, Answer::Poll).await;
        assert_eq!((&again, &same), (&challenge, &pending));
        // Asked too often, it is asked less often.
        let (slower, pending) = asked_next(&bench, &same, Answer::Poll).await;
        assert_eq!(slower, Challenge::Wait { to: None, number: Some(number.clone()), every: 10 });

        bench.subject.confirm("ada", confirmed);
        match confirmed {
            true => drop(signed_in(&bench, &pending, Answer::Poll).await),
            false => assert_eq!(refusal(&bench, &pending, Answer::Poll).await, rejected(Rejection::Declined)),
        }
        assert_eq!(refusal(&bench, &pending, Answer::Poll).await, rejected(Rejection::OtpExpired));
    }
}

#[tokio::test]
async fn a_factor_that_the_user_or_the_org_has_not_needs_a_browser() {
    let enrolled = with(&[(Factor::SmsOtp, PHONE)]).await;
    let (_, pending) = enrolled.asked().await.unwrap();
    assert_eq!(refusal(&enrolled, &pending, Answer::Choose("voice")).await, rejected(Rejection::InteractionRequired));
    assert_eq!(
        refusal(&enrolled, &pending, Answer::Choose("totp")).await,
        Some(Stage::Attempt.refused(Check::Unasked))
    );

    // The user has no factor yet: Okta says so when one is begun.
    enrolled.subject.enrol(ada(true).standing(Standing::MustEnrol));
    let (_, pending) = enrolled.asked().await.unwrap();
    assert_eq!(refusal(&enrolled, &pending, Answer::Choose("sms")).await, rejected(Rejection::InteractionRequired));

    for mfa in [json!([]), json!(["totp"])] {
        let bench = bench(json!({ "settings": { "mfa": mfa } })).await;
        bench.subject.give_factors("ada", &[(Factor::SmsOtp, PHONE)]);
        assert_eq!(bench.asked().await.err(), rejected(Rejection::InteractionRequired));
    }
}

#[tokio::test]
async fn a_code_beside_the_password_saves_the_question() {
    let bench = with(&[(Factor::Totp, SEED)]).await;
    let code = totp(SEED, bench.clock.now());
    bench.attempt("ada", PASSWORD, Some(&code), IN_TIME).await.unwrap();
    assert_eq!(bench.calls()[2], 2);
    let wrong = bench.attempt("ada", PASSWORD, Some(&code), IN_TIME).await.err();
    assert_eq!(wrong, rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed_attack_61() {
    let bench = bench(json!({})).await;
    let long = "ä".repeat(200);
    for password in [long.as_str(), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.subject.enrol(Person::new(" Ada ", password).email("ada@example.com", true));
        bench.login_as(" Ada ", password).await.unwrap();
        let sent = bench.subject.requests().pop().unwrap();
        assert_eq!((sent.username(), sent.password()), (Some(b" Ada ".as_slice()), Some(password.as_bytes())));
        assert_eq!(sent.scope(), Some("openid profile email"));
    }
}

#[tokio::test]
async fn an_answer_to_another_question_is_refused() {
    let bench = with(&[(Factor::Totp, SEED)]).await;
    let (_, pending) = bench.asked().await.unwrap();
    let before = bench.calls();
    for answer in [Answer::Resend, Answer::Poll, Answer::Choose("totp")] {
        let error = refusal(&bench, &pending, answer).await;
        assert_eq!(error, Some(Stage::Attempt.refused(Check::Unasked)), "{answer:?}");
    }
    assert_eq!(bench.calls(), before);
}
