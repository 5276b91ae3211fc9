//! How Ada signs in, step by step.

use std::time::Duration;

use domain::{CallbackState, Challenge, Channel, Clock, ExternalIdentity, Factor, Method, Pending};
use secrecy::SecretString;
use simulators::keycloak::totp;
use simulators::{Browser, Return};
use url::Url;

use super::{Bench, EMAIL, IN_TIME, PASSWORD, PHONE, SEED};
use crate::{Answer, Attempt, Callback, Hints, Progress, ProviderError};

impl Bench {
    /// Ada logs in, in time, by the connector's method.
    pub(crate) async fn login(&self) -> Result<ExternalIdentity, ProviderError> {
        self.login_within(IN_TIME).await
    }

    /// The same where the request that sends the code or the password has this much time.
    pub(crate) async fn login_within(&self, budget: Duration) -> Result<ExternalIdentity, ProviderError> {
        match self.method {
            Method::Oidc => {
                let pending = self.begin().await?;
                let returned = self.visit(&pending).await?;
                self.answer_within(&pending, &returned, budget).await
            }
            Method::Password => self.attempt("ada", PASSWORD, None, budget).await,
            Method::Totp => {
                // An app set up anew has shown no code before.
                self.subject.give_factors("ada", &[(Factor::Totp, SEED)]);
                let login = self.attempt_totp_within("ada", &totp(SEED, self.clock.now()), budget).await;
                self.subject.give_factors("ada", &[]);
                login
            }
            Method::EmailOtp => self.code_login(Channel::Email, EMAIL, budget).await,
            Method::SmsOtp => {
                self.subject.give_factors("ada", &[(Factor::SmsOtp, PHONE)]);
                let login = self.code_login(Channel::Sms, PHONE, budget).await;
                self.subject.give_factors("ada", &[]);
                login
            }
        }
    }

    /// Ada lets herself be sent a code, and types it.
    async fn code_login(
        &self,
        channel: Channel,
        to: &str,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let pending = self.ask_for_code(channel, to, budget).await?;
        let code = self.subject.sent().pop().unwrap().code;
        self.give(&pending, Answer::Code(&code.into()), budget).await.and_then(done)
    }

    /// A code is sent: what the adapter keeps until it is typed.
    pub(crate) async fn ask_for_code(
        &self,
        channel: Channel,
        to: &str,
        budget: Duration,
    ) -> Result<Pending, ProviderError> {
        let request = self.request(budget);
        match self.adapter.begin(&self.cx(&request), Attempt::Otp { channel, to }).await? {
            Progress::Ask(_, pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Ada signs in by the connector's method as far as the provider asks for nothing more.
    pub(crate) async fn attempt_within(&self, budget: Duration) -> Result<(), ProviderError> {
        let (request, password) = (self.request(budget), SecretString::from(PASSWORD));
        let code = SecretString::from(totp(SEED, self.clock.now()));
        let attempt = match self.method {
            Method::Oidc => Attempt::Redirect(Hints::default()),
            Method::Password => Attempt::Password { username: "ada", password: &password, otp: None },
            Method::EmailOtp => Attempt::Otp { channel: Channel::Email, to: EMAIL },
            Method::SmsOtp => Attempt::Otp { channel: Channel::Sms, to: PHONE },
            Method::Totp => Attempt::Totp { username: "ada", code: &code },
        };
        self.adapter.begin(&self.cx(&request), attempt).await.map(drop)
    }

    /// What the provider asks Ada after her password.
    pub(crate) async fn asked(&self) -> Result<(Challenge, Pending), ProviderError> {
        let (request, password) = (self.request(IN_TIME), SecretString::from(PASSWORD));
        let attempt = Attempt::Password { username: "ada", password: &password, otp: None };
        match self.adapter.begin(&self.cx(&request), attempt).await? {
            Progress::Ask(challenge, pending) => Ok((challenge, pending)),
            other => panic!("{other:?}"),
        }
    }

    /// Ada has given her password, and chosen this factor if there was a choice.
    pub(crate) async fn challenged(&self, factor: Factor) -> Result<Pending, ProviderError> {
        let (challenge, pending) = self.asked().await?;
        let Challenge::Choose { choices } = challenge else { return Ok(pending) };
        let choice = choices.iter().find(|choice| choice.factor == factor).unwrap();
        match self.give(&pending, Answer::Choose(&choice.id), IN_TIME).await? {
            Progress::Ask(_, pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Ada has given a password that she has to change.
    pub(crate) async fn asked_for_new_password(&self) -> Result<Pending, ProviderError> {
        let (challenge, pending) = self.asked().await?;
        assert!(matches!(challenge, Challenge::NewPassword { .. }), "{challenge:?}");
        Ok(pending)
    }

    /// Gives an answer to what the provider has asked.
    pub(crate) async fn give(
        &self,
        pending: &Pending,
        answer: Answer<'_>,
        budget: Duration,
    ) -> Result<Progress, ProviderError> {
        let request = self.request(budget);
        self.adapter.answer(&self.cx(&request), pending, answer).await
    }

    pub(crate) async fn attempt_totp(&self, username: &str, code: &str) -> Result<ExternalIdentity, ProviderError> {
        self.attempt_totp_within(username, code, IN_TIME).await
    }

    async fn attempt_totp_within(
        &self,
        username: &str,
        code: &str,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let (request, code) = (self.request(budget), SecretString::from(code));
        done(self.adapter.begin(&self.cx(&request), Attempt::Totp { username, code: &code }).await?)
    }

    pub(crate) async fn login_as(&self, username: &str, password: &str) -> Result<ExternalIdentity, ProviderError> {
        self.attempt(username, password, None, IN_TIME).await
    }

    pub(crate) async fn attempt(
        &self,
        username: &str,
        password: &str,
        otp: Option<&str>,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let request = self.request(budget);
        let (password, otp) = (SecretString::from(password), otp.map(SecretString::from));
        let attempt = Attempt::Password { username, password: &password, otp: otp.as_ref() };
        done(self.adapter.begin(&self.providers.cx(&request), attempt).await?)
    }

    /// A redirect is about to go out.
    pub(crate) async fn begin(&self) -> Result<Pending, ProviderError> {
        self.begin_with(Hints::default()).await
    }

    pub(crate) async fn begin_with(&self, hints: Hints<'_>) -> Result<Pending, ProviderError> {
        let request = self.request(IN_TIME);
        match self.adapter.begin(&self.cx(&request), Attempt::Redirect(hints)).await? {
            Progress::Hop(pending) => Ok(pending),
            other => panic!("{other:?}"),
        }
    }

    /// Where the browser is sent.
    pub(crate) async fn hop(&self, pending: &Pending) -> Result<Url, ProviderError> {
        let request = self.request(IN_TIME);
        self.adapter.hop(&self.cx(&request), pending, &state()).await
    }

    /// Ada goes there and logs in: what her browser brings back.
    pub(crate) async fn visit(&self, pending: &Pending) -> Result<Return, ProviderError> {
        let url = self.hop(pending).await?;
        Ok(Browser::default().come_back(url.as_str(), "ada", PASSWORD).await)
    }

    pub(crate) async fn answer(&self, pending: &Pending, returned: &Return) -> Result<ExternalIdentity, ProviderError> {
        self.answer_within(pending, returned, IN_TIME).await
    }

    async fn answer_within(
        &self,
        pending: &Pending,
        returned: &Return,
        budget: Duration,
    ) -> Result<ExternalIdentity, ProviderError> {
        let request = self.request(budget);
        let callback = Callback::read(returned.parameters()).unwrap();
        done(self.adapter.answer(&self.cx(&request), pending, Answer::Callback(&callback)).await?)
    }
}

fn done(progress: Progress) -> Result<ExternalIdentity, ProviderError> {
    match progress {
        Progress::Done(identity) => Ok(*identity),
        other => panic!("{other:?}"),
    }
}

/// What the engine would send along.
pub(crate) fn state() -> CallbackState {
    CallbackState::from_derived(&"ses_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), &[7; 32])
}
