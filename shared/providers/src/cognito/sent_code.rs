//! A code as the first factor (`USER_AUTH`):
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html>.

use chrono::TimeDelta;
use domain::{Challenge, Factor, Method};
use secrecy::ExposeSecret;

use super::api::{Answered, Api, Operation};
use super::challenge::{Asked, Name};
use super::errors;
use crate::oidc::Begun;
use crate::{Answer, Check, Outage, ProviderError, Rejection, Stage};

/// How long a `Session` lives, unless the app client's settings say otherwise (`AuthSessionValidity`).
const SESSION: TimeDelta = TimeDelta::minutes(3);

/// Has a code sent. A user who is unknown, or to whom the pool sends none, is asked for it all the same (attack 60): the log tells.
pub(super) async fn begin(api: &Api<'_>, to: &str) -> Result<Begun, ProviderError> {
    let wanted = wanted(api.method);
    let asked = Asked::new(api, to, wanted);
    let asked = match send(api, &asked).await {
        Ok(Some(answered)) => asked.following(&answered)?,
        Ok(None) => {
            tracing::warn!(event = "code_not_sent", reason = "not_offered", hint = errors::NOT_OFFERED);
            asked
        }
        Err(ProviderError::Rejected(rejection)) => {
            tracing::warn!(event = "code_not_sent", reason = rejection.as_str());
            asked
        }
        Err(error) => return Err(error),
    };
    Ok(Begun::Ask(question(api.method, to), asked.into_pending()?))
}

/// `None`: the pool offers this user no such code.
async fn send(api: &Api<'_>, asked: &Asked) -> Result<Option<Answered>, ProviderError> {
    let wanted = asked.challenge.as_str();
    let (flow, preferred) = (Operation::Initiate("USER_AUTH"), [("PREFERRED_CHALLENGE", wanted)]);
    let mut answered = api.ask(flow, &asked.typed, &preferred, errors::TO_SENDING).await?;
    if answered.offers(wanted) {
        let asked = asked.clone().following(&answered)?;
        let session = asked.session.as_deref().unwrap_or_default();
        let select = Operation::Respond { challenge: "SELECT_CHALLENGE", session };
        answered = api.ask(select, asked.username(), &[("ANSWER", wanted)], errors::TO_SENDING).await?;
    }
    if answered.tokens()?.is_some() {
        return Err(Stage::Token.unavailable(Outage::Protocol));
    }
    Ok(Some(answered).filter(|answered| answered.challenge() == Some(wanted)))
}

pub(super) async fn answer(api: &Api<'_>, asked: &Asked, answer: Answer<'_>) -> Result<Begun, ProviderError> {
    let code = match answer {
        Answer::Code(code) => code.expose_secret(),
        // The API has no operation for it: <https://github.com/aws-amplify/amplify-js/issues/6676>.
        Answer::Resend => return begin(api, &asked.typed).await,
        _ => return Err(Stage::Attempt.refused(Check::Unasked)),
    };
    let (_, response) = asked.challenge.code().ok_or(Stage::Attempt.refused(Check::Unasked))?;
    let Some(session) = asked.session.as_deref() else {
        let is_over = api.provider.cx.now() - asked.at >= SESSION;
        return Err(ProviderError::Rejected(if is_over { Rejection::OtpExpired } else { Rejection::OtpInvalid }));
    };
    let respond = Operation::Respond { challenge: asked.challenge.as_str(), session };
    let mut answered = api.ask(respond, asked.username(), &[(response, code)], errors::TO_AN_ANSWER).await?;
    match answered.tokens()? {
        Some(tokens) => Ok(Begun::Tokens(tokens)),
        None if answered.challenge().is_some() => Err(errors::MFA_REQUIRED),
        None => Err(Stage::Token.unavailable(Outage::Protocol)),
    }
}

pub(super) fn wanted(method: Method) -> Name {
    if method == Method::SmsOtp { Name::SmsOtp } else { Name::EmailOtp }
}

/// The same question to every user: what the pool says of the destination would tell who has an account.
fn question(method: Method, to: &str) -> Challenge {
    // Seen at a real pool; of an SMS it is not known.
    let digits = (method == Method::EmailOtp).then_some(8);
    Challenge::Code { factor: Factor::from(method), digits, to: masked(to), resend: true }
}

/// An address or a phone number as Cognito masks it; `None` for a user name.
fn masked(to: &str) -> Option<String> {
    if let Some((local, host)) = to.split_once('@') {
        return Some(format!("{}***@{}***", local.chars().next()?, host.chars().next()?));
    }
    let digits = to.strip_prefix('+').filter(|digits| digits.len() > 4)?;
    let last = digits.get(digits.len() - 4..).filter(|last| last.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(format!("+*******{last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_masked_and_a_name_is_not_shown() {
        for (to, expected) in [
            ("ada@example.org", Some("a***@e***")),
            ("äda@example.org", Some("ä***@e***")),
            ("+4915112345678", Some("+*******5678")),
            ("+12äö", None),
            ("ada", None),
            ("@", None),
            ("+123", None),
        ] {
            assert_eq!(masked(to).as_deref(), expected, "{to}");
        }
    }
}
