//! Every documented refusal, at the points of a login at which the provider answers with it.

use domain::{Channel, Factor, Method};
use secrecy::SecretString;
use simulators::{Endpoint, Misbehaviour, Person, Standing};

use super::Row;
use crate::bench::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SEED, ada};
use crate::refusals::tests::meaning_in;
use crate::refusals::{At, Refusals};
use crate::registry::PROVIDERS;
use crate::{Answer, ProviderError, Rejection};

/// The method by which a login gets to this point; `None` for those that other tests know.
fn method_of(at: At) -> Option<Method> {
    Some(match at {
        At::Redirect | At::Api | At::Preset => return None,
        At::Redemption => Method::Oidc,
        At::Totp => Method::Totp,
        At::Sending(channel) | At::Sent(channel) => channel.method(),
        At::Authorize(method) | At::Call(method, _) => method,
        At::Password | At::Begin(..) | At::Factor(_) | At::NewPassword => Method::Password,
    })
}

/// Whether logins of this row come to this point: external tenants of Entra's take passwords by calls of their own.
fn comes_to(row: Row, at: At) -> bool {
    match (row.0.provider, at) {
        _ if method_of(at) != Some(row.1) => false,
        ("entra", At::Password) => !row.is_for_public_clients(),
        ("entra", At::Call(Method::Password, _)) => row.is_for_public_clients(),
        _ => true,
    }
}

/// Ada, with what takes her to this point.
fn ada_at(at: At) -> Person {
    let with = |factor: Factor| {
        let to = match factor {
            Factor::EmailOtp => EMAIL,
            Factor::Totp => SEED,
            Factor::RecoveryCode => "RECOVER-ADA",
            _ => PHONE,
        };
        ada(true).factor(factor, to)
    };
    match at {
        At::Begin(factor, _) | At::Factor(factor) => with(factor),
        At::Totp | At::Call(Method::Totp, _) => with(Factor::Totp),
        At::Sending(Channel::Sms) | At::Sent(Channel::Sms) | At::Call(Method::SmsOtp, _) => with(Factor::SmsOtp),
        At::NewPassword => ada(true).standing(Standing::PasswordExpired),
        _ => ada(true),
    }
}

/// What a login comes to that is refused so at this point. A provider that asks all the same (otherwise the answer would tell who
/// has an account), or asks again, does so in its own tests.
fn expected(provider: &str, at: At, meaning: ProviderError) -> Result<(), ProviderError> {
    match (provider, at, meaning) {
        ("cognito", At::Sending(_), ProviderError::Rejected(_)) => Ok(()),
        ("entra", At::Sending(_) | At::Call(Method::EmailOtp, _), ProviderError::Rejected(rejection))
            if rejection != Rejection::InteractionRequired =>
        {
            Ok(())
        }
        ("cognito", At::NewPassword, ProviderError::Rejected(Rejection::PasswordExpired)) => Ok(()),
        _ => Err(meaning),
    }
}

fn address(channel: Channel) -> &'static str {
    if channel == Channel::Email { EMAIL } else { PHONE }
}

/// What a login comes to that is answered so at this point.
async fn refused_at(bench: &Bench, at: At, how: Misbehaviour) -> Result<(), ProviderError> {
    bench.subject.misbehave(None);
    bench.subject.misbehave_at(Endpoint::Authorize, None);
    bench.subject.enrol(ada_at(at));
    let spoil = || bench.subject.misbehave_at(Endpoint::Token, Some(how.clone()));
    let (code, password) = (SecretString::from("123456"), SecretString::from(PASSWORD));
    let (pending, answer) = match at {
        At::Redemption => {
            let pending = bench.begin().await?;
            let returned = bench.visit(&pending).await?;
            spoil();
            return bench.answer(&pending, &returned).await.map(drop);
        }
        At::Sent(channel) => (bench.ask_for_code(channel, address(channel), IN_TIME).await?, Answer::Code(&code)),
        At::Factor(Factor::Push) => (bench.challenged(Factor::Push).await?, Answer::Poll),
        At::Factor(factor) => (bench.challenged(factor).await?, Answer::Code(&code)),
        At::NewPassword => {
            let answer = Answer::NewPassword { new: &code, current: Some(&password) };
            (bench.asked_for_new_password().await?, answer)
        }
        At::Authorize(_) => {
            bench.subject.misbehave_at(Endpoint::Authorize, Some(how));
            return bench.attempt_within(IN_TIME).await;
        }
        At::Begin(factor, path) => {
            bench.subject.misbehave(Some(Misbehaviour::At(path, Box::new(how))));
            return bench.challenged(factor).await.map(drop);
        }
        At::Call(_, path) => {
            bench.subject.misbehave(Some(Misbehaviour::At(path, Box::new(how))));
            return bench.attempt_within(IN_TIME).await;
        }
        _ => {
            spoil();
            return bench.attempt_within(IN_TIME).await;
        }
    };
    spoil();
    bench.give(&pending, answer, IN_TIME).await.map(drop)
}

#[tokio::test]
async fn every_documented_refusal_means_what_its_row_says() {
    for provider in PROVIDERS {
        let all: Vec<(At, &Refusals)> =
            provider.refusals.iter().flat_map(|table| table.at.iter().map(|at| (*at, *table))).collect();
        for simulated in Row::all().filter(|row| row.0.provider == provider.name) {
            let bench = simulated.bench().await;
            for (at, table) in all.iter().filter(|(at, _)| comes_to(simulated, *at)) {
                let tables: Vec<_> = all.iter().filter(|(other, _)| other == at).map(|(_, table)| *table).collect();
                for (row, number) in
                    table.rows.iter().flat_map(|row| row.numbers().iter().map(move |number| (row, *number)))
                {
                    let status = row.a_status();
                    let (how, media_type, body) = match row.said() {
                        None => (Misbehaviour::Page(status), "text/html", "<p>".to_owned()),
                        Some((error, description)) => {
                            let body = bench.subject.error_body(error, description, number);
                            (Misbehaviour::Answer(status, body.clone()), "application/json", body.to_string())
                        }
                    };
                    let expected = expected(provider.name, *at, meaning_in(&tables, status, media_type, &body));
                    let found = refused_at(&bench, *at, how).await;
                    assert_eq!(found, expected, "{simulated:?} at {at:?}: {row:?}");
                }
            }
        }
    }
}

#[test]
fn every_table_of_refusals_is_asked_for_somewhere() {
    for provider in PROVIDERS {
        for table in provider.refusals {
            let points = table.at.iter().filter_map(|at| method_of(*at));
            let is_known = [At::Redirect, At::Api, At::Preset].iter().any(|at| table.at.contains(at));
            let reached = points.clone().all(|method| provider.methods.contains(&method)) && points.count() > 0;
            assert!(is_known || reached, "{}: to {}", provider.name, table.to);
        }
    }
}
