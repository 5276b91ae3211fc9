//! A code as the first factor (`USER_AUTH`):
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html>.

use domain::Factor;
use serde_json::json;

use super::api::{asked, delivery};
use crate::core::{Direct, DirectCall, Open, Person, Standing};

/// The first factors by code that a user has, with where the codes go.
pub(super) fn first_factors(person: &Person) -> Vec<(&'static str, Factor, String)> {
    let email = person.email.iter().map(|(email, _)| ("EMAIL_OTP", Factor::EmailOtp, email.clone()));
    let phones = person.factors.iter().filter(|enrolled| enrolled.factor == Factor::SmsOtp);
    let phones = phones.map(|enrolled| ("SMS_OTP", Factor::SmsOtp, enrolled.to.clone()));
    let others = person.factors.iter().any(|enrolled| enrolled.factor != Factor::SmsOtp);
    let temporary = person.standing == Standing::PasswordExpired;
    if others || temporary { Vec::new() } else { email.chain(phones).collect() }
}

pub(super) fn begin(call: &mut DirectCall<'_>, client: String, username: &str, preferred: Option<&str>) -> Direct {
    let Some(person) = call.person(username).filter(|person| person.standing != Standing::Disabled).cloned() else {
        return unknown(call, client, username);
    };
    let factors = first_factors(&person);
    let open = Open {
        username: Some(person.username),
        client,
        code: None,
        at: call.now,
        data: json!({ "challenge": "SELECT_CHALLENGE", "called": username }),
    };
    match factors.iter().find(|(name, ..)| preferred == Some(name)) {
        Some(factor) => sent(call, open, factor),
        None => {
            let session = format!("AYAB{}", call.handle());
            call.open(&session, open);
            let names = factors.iter().map(|(name, ..)| *name).chain(["PASSWORD_SRP", "PASSWORD"]);
            let available: Vec<_> = names.collect();
            let name = "SELECT_CHALLENGE";
            Direct::answer(200, json!({ "ChallengeName": name, "Session": session, "AvailableChallenges": available }))
        }
    }
}

pub(super) fn sent(call: &mut DirectCall<'_>, open: Open, (name, factor, to): &(&str, Factor, String)) -> Direct {
    let code = call.send(open.username.as_deref(), *factor, to, 8);
    let called = open.data["called"].clone();
    let open = Open { code: Some(code), at: call.now, data: json!({ "challenge": name, "called": called }), ..open };
    let parameters = delivery(name, to).as_object().cloned().unwrap_or_default();
    asked(call, open, name, parameters)
}

/// A name that nobody has gets one of the pool's challenges at random, with a session that leads nowhere.
fn unknown(call: &mut DirectCall<'_>, client: String, username: &str) -> Direct {
    let name = ["EMAIL_OTP", "SMS_OTP", "PASSWORD"][username.len() % 3];
    let data = json!({ "challenge": name, "called": username });
    let open = Open { username: None, client, code: None, at: call.now, data };
    let parameters = delivery(name, username).as_object().cloned().unwrap_or_default();
    asked(call, open, name, parameters)
}
