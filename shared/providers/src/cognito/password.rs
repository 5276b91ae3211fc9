//! A password (`USER_PASSWORD_AUTH`), and what the pool asks after it:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html>.

use domain::Challenge;
use secrecy::{ExposeSecret, SecretString};

use super::api::{Answered, Api, Operation};
use super::challenge::{Asked, Name, question};
use super::errors;
use crate::oidc::Begun;
use crate::refusals::Refusals;
use crate::{Answer, Check, Outage, ProviderError, Rejection, Stage};

pub(super) async fn begin(api: &Api<'_>, username: &str, password: &SecretString) -> Result<Begun, ProviderError> {
    let parameters = [("PASSWORD", password.expose_secret())];
    let initiate = Operation::Initiate("USER_PASSWORD_AUTH");
    let answered = api.ask(initiate, username, &parameters, errors::TO_A_PASSWORD).await?;
    go_on(answered, |challenge| Asked::new(api, username, challenge))
}

pub(super) async fn answer(api: &Api<'_>, asked: &Asked, answer: Answer<'_>) -> Result<Begun, ProviderError> {
    let (response, refusals): ((&str, &str), &[&Refusals]) = match (asked.challenge, asked.challenge.code(), answer) {
        (_, Some((_, response)), Answer::Code(code)) => ((response, code.expose_secret()), errors::TO_AN_ANSWER),
        (Name::SelectMfaType, _, Answer::Choose(id)) => (("ANSWER", id), errors::TO_AN_ANSWER),
        (Name::NewPasswordRequired, _, Answer::NewPassword { new, .. }) => {
            (("NEW_PASSWORD", new.expose_secret()), errors::TO_A_NEW_PASSWORD)
        }
        _ => return Err(Stage::Attempt.refused(Check::Unasked)),
    };
    let session = asked.session.as_deref().ok_or(Stage::Attempt.refused(Check::Unasked))?;
    let respond = Operation::Respond { challenge: asked.challenge.as_str(), session };
    match api.ask(respond, asked.username(), &[response], refusals).await {
        Ok(answered) => go_on(answered, |challenge| Asked { challenge, ..asked.clone() }),
        // By the pool's password policy. Errors bring no `Session`: the last one stays the newest.
        Err(ProviderError::Rejected(Rejection::PasswordExpired)) if asked.challenge == Name::NewPasswordRequired => {
            let again = Challenge::NewPassword { current: false, refused: true };
            Ok(Begun::Ask(again, asked.clone().into_pending()?))
        }
        Err(error) => Err(error),
    }
}

fn go_on(mut answered: Answered, asked: impl FnOnce(Name) -> Asked) -> Result<Begun, ProviderError> {
    if let Some(tokens) = answered.tokens()? {
        return Ok(Begun::Tokens(tokens));
    }
    let name = answered.challenge().ok_or(Stage::Token.unavailable(Outage::Protocol))?;
    let challenge = Name::of_second_step(name).ok_or(ProviderError::Rejected(Rejection::InteractionRequired))?;
    let question = question(challenge, &answered)?;
    Ok(Begun::Ask(question, asked(challenge).following(&answered)?.into_pending()?))
}
