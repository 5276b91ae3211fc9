//! The flow API: a login by password without a browser, question by question.
//! <https://developer.pingidentity.com/pingone-api/auth/auth-config-options/browserless-authentication-flow-options.html>
//!
//! PingOne's answers link to what comes next. Those addresses are not called: each is built from that of the authorization
//! endpoint and the id of the flow, so that no password goes where an answer says.

use domain::{Challenge, Factor, Method, Pending};
use egress::{Request, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::errors::{TO_A_FACTOR, TO_A_NEW_PASSWORD, TO_A_PASSWORD, TO_AUTHORIZE};
use super::jar::Jar;
use super::state::{OTHER_POLICY, State, Status};
use crate::answers::OauthError;
use crate::oidc::{Begun, Connection, PendingRedirect, Returned};
use crate::refusals::Refusals;
use crate::{Answer, Callback, Check, Outage, ProviderError, Rejection, Stage};

/// <https://docs.pingidentity.com/pingone/applications/p1_response_mode_values.html>
const RESPONSE_MODE: &str = "pi.flow";
/// Seconds between two calls while the user has not confirmed.
const POLL_EVERY: u8 = 3;

const NO_FLOWS: ProviderError = Stage::Authorize.misconfigured(
    "the authorization endpoint is not PingOne's: its path has to end with /as/authorize (settings.authorization_endpoint)",
);

/// What is remembered of a login between two answers of the user.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    #[serde(rename = "f")]
    id: String,
    #[serde(rename = "c")]
    jar: Jar,
    #[serde(rename = "r")]
    redirect: PendingRedirect,
    #[serde(rename = "q")]
    asked: Asked,
}

/// What the user was asked.
#[derive(Clone, Serialize, Deserialize)]
enum Asked {
    /// For the password: nothing is remembered then.
    #[serde(rename = "w")]
    Password,
    /// For a code of this device, if PingOne says which.
    #[serde(rename = "c")]
    Code(Option<String>),
    /// For one of these devices.
    #[serde(rename = "d")]
    Device(Vec<String>),
    #[serde(rename = "p")]
    Push,
    #[serde(rename = "n")]
    NewPassword,
    /// For the code that proves the e-mail.
    #[serde(rename = "v")]
    Verification,
}

/// Whether a login would get as far as asking for a password. Nothing of a user is sent.
pub(super) async fn is_open(provider: &Connection<'_>) -> Result<(), ProviderError> {
    start(provider).await.map(drop)
}

async fn start(provider: &Connection<'_>) -> Result<Flow, ProviderError> {
    let (redirect, response) = provider.authorize(Method::Password, RESPONSE_MODE).await?;
    let state = State::read(provider, Stage::Authorize, &response, TO_AUTHORIZE);
    let state = match state {
        Ok(state) if state.status == Status::Password => state,
        // An identifier first, another identity provider: no user's password is taken.
        Ok(_) | Err(ProviderError::Rejected(_)) => return Err(Stage::Authorize.misconfigured(OTHER_POLICY)),
        Err(error) => return Err(error),
    };
    let mut jar = Jar::default();
    jar.take(&response)?;
    Ok(Flow { id: state.id, jar, redirect, asked: Asked::Password })
}

/// Signs in with a name and a password, which are sent once.
pub(super) async fn begin(
    provider: &Connection<'_>,
    username: &str,
    password: &SecretString,
) -> Result<Begun, ProviderError> {
    provider.ready_for(Method::Password).await?;
    let mut flow = start(provider).await?;
    let body = json!({ "username": username, "password": password.expose_secret() });
    let state = flow.act(provider, "usernamePassword.check", &body, TO_A_PASSWORD).await?;
    flow.go_on(provider, state).await
}

/// Goes on with the user's answer.
pub(super) async fn answer(
    provider: &Connection<'_>,
    pending: &Pending,
    answer: Answer<'_>,
) -> Result<Begun, ProviderError> {
    let unasked = || Stage::Attempt.refused(Check::Unasked);
    let mut flow = Flow::deserialize(&pending.0).map_err(|_| unasked())?;
    let state = match (flow.asked.clone(), answer) {
        (Asked::Code(_), Answer::Code(code)) => {
            let state = flow.act(provider, "otp.check", &json!({ "otp": code.expose_secret() }), TO_A_FACTOR).await?;
            state.unless_asked_again(Status::Code)?
        }
        (Asked::Verification, Answer::Code(code)) => {
            let body = json!({ "verificationCode": code.expose_secret() });
            let state = flow.act(provider, "user.verify", &body, TO_A_FACTOR).await?;
            state.unless_asked_again(Status::Verification)?
        }
        // The same device chosen again: PingOne sends another code.
        (Asked::Code(Some(device)), Answer::Resend) => flow.select(provider, &device).await?,
        (Asked::Verification, Answer::Resend) => {
            flow.act(provider, "user.sendVerificationCode", &json!({}), TO_A_FACTOR).await?
        }
        (Asked::Device(devices), Answer::Choose(chosen)) if devices.iter().any(|device| device == chosen) => {
            flow.select(provider, chosen).await?
        }
        (Asked::Push, Answer::Poll) => {
            let request = Request::get(flow.address(provider).await?);
            flow.send(provider, request, TO_A_FACTOR).await?
        }
        (Asked::NewPassword, Answer::NewPassword { new, current: Some(current) }) => {
            let body = json!({ "currentPassword": current.expose_secret(), "newPassword": new.expose_secret() });
            let response = flow.post(provider, "password.reset", &body).await?;
            if is_refused_password(&response) {
                return flow.ask(Challenge::NewPassword { current: true, refused: true }, Asked::NewPassword);
            }
            let state = flow.read(provider, &response, TO_A_NEW_PASSWORD)?;
            state.unless_asked_again(Status::NewPassword)?
        }
        _ => return Err(unasked()),
    };
    flow.go_on(provider, state).await
}

/// Whether a new password does not fit the password policy: the user may choose another one.
fn is_refused_password(response: &Response) -> bool {
    OauthError::of(response).is_some_and(|error| {
        let is_about_it = error.code == "INVALID_VALUE" && error.description == "newPassword";
        is_about_it || error.code == "PASSWORD_REQUIREMENTS_NOT_MET"
    })
}

impl State {
    /// Some answer a wrong code or password with the same question again.
    fn unless_asked_again(self, status: Status) -> Result<Self, ProviderError> {
        match status {
            _ if self.status != status => Ok(self),
            Status::NewPassword => Err(ProviderError::Rejected(Rejection::InvalidCredentials)),
            _ => Err(ProviderError::Rejected(Rejection::OtpInvalid)),
        }
    }
}

impl Flow {
    /// What a state means: the next question, or the end.
    async fn go_on(self, provider: &Connection<'_>, state: State) -> Result<Begun, ProviderError> {
        match state.status {
            Status::Password => Err(ProviderError::Rejected(Rejection::InvalidCredentials)),
            Status::Completed => self.finish(provider, state).await,
            Status::Code => {
                let device = state.device();
                // A phone with the app shows a code as well.
                let factor = match device.map(|device| device.factor) {
                    None | Some(Factor::Push) => Factor::Totp,
                    Some(factor) => factor,
                };
                let to = device.and_then(|device| device.to.clone());
                let resend = device.is_some() && factor != Factor::Totp;
                let asked = Asked::Code(state.selected.clone().filter(|_| resend));
                self.ask(Challenge::Code { factor, digits: None, to, resend }, asked)
            }
            // None of them can be used without a browser: security keys, for example.
            Status::Device if state.devices.is_empty() => Err(ProviderError::Rejected(Rejection::InteractionRequired)),
            Status::Device => {
                let asked = Asked::Device(state.devices.iter().map(|device| device.id.clone()).collect());
                self.ask(Challenge::Choose { choices: state.devices }, asked)
            }
            Status::Push => {
                let to = state.device().and_then(|device| device.to.clone());
                self.ask(Challenge::Wait { to, number: None, every: POLL_EVERY }, Asked::Push)
            }
            Status::NewPassword => {
                self.ask(Challenge::NewPassword { current: true, refused: false }, Asked::NewPassword)
            }
            Status::Verification => {
                let challenge = Challenge::Code { factor: Factor::EmailOtp, digits: None, to: None, resend: true };
                self.ask(challenge, Asked::Verification)
            }
        }
    }

    fn ask(self, challenge: Challenge, asked: Asked) -> Result<Begun, ProviderError> {
        let pending = serde_json::to_value(Self { asked, ..self }).map(Pending);
        pending.map(|pending| Begun::Ask(challenge, pending)).map_err(|_| Stage::Attempt.refused(Check::Format))
    }

    /// The answer to the authorization request, which has the code.
    async fn finish(mut self, provider: &Connection<'_>, state: State) -> Result<Begun, ProviderError> {
        let returned = match state.returned {
            Some(returned) => Some(returned),
            None => {
                let mut url = beside(&provider.authorization_endpoint().await?, "/as/resume")?;
                url.query_pairs_mut().append_pair("flowId", &self.id);
                self.send(provider, Request::get(url), TO_A_PASSWORD).await?.returned
            }
        };
        let returned = returned.ok_or(Stage::Token.unavailable(Outage::Protocol))?;
        let parameters = returned.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        let callback = Callback::read(parameters).ok_or(Stage::Callback.refused(Check::Format))?;
        let headers = self.jar.headers()?;
        Ok(Begun::Returned(Box::new(Returned { redirect: self.redirect, callback, headers })))
    }

    async fn select(&mut self, provider: &Connection<'_>, device: &str) -> Result<State, ProviderError> {
        self.act(provider, "device.select", &json!({ "device": { "id": device } }), TO_A_FACTOR).await
    }

    async fn act(
        &mut self,
        provider: &Connection<'_>,
        action: &str,
        body: &Value,
        refusals: &[&Refusals],
    ) -> Result<State, ProviderError> {
        let response = self.post(provider, action, body).await?;
        self.read(provider, &response, refusals)
    }

    /// An action of the user's. Which it is, its media type says.
    async fn post(&self, provider: &Connection<'_>, action: &str, body: &Value) -> Result<Response, ProviderError> {
        let media_type = HeaderValue::try_from(format!("application/vnd.pingidentity.{action}+json"));
        let media_type = media_type.map_err(|_| Stage::Token.refused(Check::Format))?;
        let request = Request::post_json(self.address(provider).await?, body).header(CONTENT_TYPE, media_type);
        provider.send(self.jar.put_on(request)?).await
    }

    async fn send(
        &mut self,
        provider: &Connection<'_>,
        request: Request,
        refusals: &[&Refusals],
    ) -> Result<State, ProviderError> {
        let response = provider.send(self.jar.put_on(request)?).await?;
        self.read(provider, &response, refusals)
    }

    fn read(
        &mut self,
        provider: &Connection<'_>,
        response: &Response,
        refusals: &[&Refusals],
    ) -> Result<State, ProviderError> {
        let state = State::read(provider, Stage::Token, response, refusals)?;
        self.jar.take(response)?;
        Ok(state)
    }

    async fn address(&self, provider: &Connection<'_>) -> Result<Url, ProviderError> {
        beside(&provider.authorization_endpoint().await?, &format!("/flows/{}", self.id))
    }
}

/// An address of the same environment.
fn beside(authorization_endpoint: &Url, path: &str) -> Result<Url, ProviderError> {
    let environment = authorization_endpoint.path().strip_suffix("/as/authorize").ok_or(NO_FLOWS)?;
    let mut url = authorization_endpoint.clone();
    url.set_path(&format!("{environment}{path}"));
    url.set_query(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_beside_the_authorization_endpoint() {
        for (endpoint, expected) in [
            ("https://auth.pingone.eu/env/as/authorize", Some("https://auth.pingone.eu/env/flows/id")),
            ("https://login.acme.com/as/authorize?a=b", Some("https://login.acme.com/flows/id")),
            ("https://login.acme.com/authorize", None),
        ] {
            let found = beside(&Url::parse(endpoint).unwrap(), "/flows/id").ok();
            assert_eq!(found.as_ref().map(Url::as_str), expected);
        }
    }
}
