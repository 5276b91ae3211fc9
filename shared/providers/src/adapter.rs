//! The interface of an identity provider to the rest of Landfall.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use domain::{CallbackState, Challenge, Channel, ExternalIdentity, Method, MethodSet, Pending, Source};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::oidc::{AuthorizeParams, ClaimsRequest};
use crate::{Check, Cx, Notification, Probe, ProviderError, Received, Report, Stage};

/// One configured connector.
#[async_trait]
pub trait ProviderAdapter: Debug + Send + Sync {
    /// Methods this connector can do, as configured.
    fn methods(&self) -> MethodSet;

    /// Starts a method: may be done at once (password), ask for more (a code), or need the browser (redirect).
    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError>;

    /// Continues after `begin` or an earlier answer. Any answer may lead to any progress: a second factor asks again, with a
    /// new `pending`. To a [`Answer::Poll`] of a user who has not confirmed yet, the adapter asks the same again.
    ///
    /// After `rejected.otp_invalid`, and after an outage, the same `pending` may be tried again; after any other rejection it
    /// may not. If the provider cancels a challenge after the first wrong code, the adapter returns `rejected.otp_expired`.
    ///
    /// Adapters that neither ask nor hop keep this body: an answer to a question that was not asked is refused.
    async fn answer(&self, _cx: &Cx<'_>, _pending: &Pending, _answer: Answer<'_>) -> Result<Progress, ProviderError> {
        Err(ProviderError::Refused { stage: Stage::Attempt, check: Check::Unasked })
    }

    /// Where the browser goes for a [`Progress::Hop`], with the `state` it has to bring back. The same for the same
    /// `pending`, so that a page that is loaded again shows the same way out. Always a GET.
    ///
    /// Adapters that never hop keep this body.
    async fn hop(&self, _cx: &Cx<'_>, _pending: &Pending, _state: &CallbackState) -> Result<Url, ProviderError> {
        Err(ProviderError::Refused { stage: Stage::Attempt, check: Check::Unasked })
    }

    /// What a request tells that the provider sends unasked, once its signature, its audience and its age are checked.
    ///
    /// Adapters whose provider sends none keep this body.
    async fn notification(&self, _cx: &Cx<'_>, _received: &Received<'_>) -> Result<Notification, ProviderError> {
        Err(ProviderError::Refused { stage: Stage::Notification, check: Check::Unasked })
    }

    /// Itemised connector test. Writes nothing anywhere, and spends no failed login of a real user. What has been kept of
    /// the provider is not looked at: everything is fetched anew.
    async fn probe(&self, cx: &Cx<'_>, with: &Probe<'_>) -> Report;

    /// The authority whose accounts it vouches for: the issuer key of every identity it gives. `None` where that is not known
    /// before a login.
    fn issuer_key(&self) -> Option<&str> {
        None
    }

    /// The source of every identity it gives. `None` where that is not known before a login.
    fn source(&self) -> Option<&Source> {
        None
    }

    /// The parameters that the provider sends with the first callback of a user only, a name for example. The session keeps what
    /// a callback has of them, and hands it over again with a later callback that lacks it.
    fn first_only(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where the provider sends the browser back, if that is an address of the application's own: it then hands us what it
    /// received.
    fn callback_of_application(&self) -> Option<&str> {
        None
    }
}

/// A method that the connector's document does not name.
pub fn not_switched_on(method: Method) -> ProviderError {
    Stage::Attempt.misconfigured(match method {
        Method::Oidc => "the oidc method is not switched on for this connector",
        Method::Password => "the password method is not switched on for this connector",
        Method::EmailOtp => "the email_otp method is not switched on for this connector",
        Method::SmsOtp => "the sms_otp method is not switched on for this connector",
        Method::Totp => "the totp method is not switched on for this connector",
    })
}

/// Where an attempt stands.
#[derive(Debug)]
pub enum Progress {
    /// The provider has authenticated the user.
    Done(Box<ExternalIdentity>),
    /// The provider wants something more of the user; what to keep until they answer.
    Ask(Challenge, Pending),
    /// The provider wants to see the user's browser: [`ProviderAdapter::hop`] says where; what to keep until it is back.
    Hop(Pending),
}

/// What the user signs in with.
#[derive(Clone, Copy)]
pub enum Attempt<'a> {
    /// The provider's own page, by redirect.
    Redirect(Hints<'a>),
    /// A name and a password, byte for byte as typed, sent to the provider by us.
    Password {
        /// As the provider knows the user.
        username: &'a str,
        /// Their password.
        password: &'a SecretString,
        /// A one-time code, for providers that take it beside the password.
        otp: Option<&'a SecretString>,
    },
    /// An address that the provider shall send a code to. An unknown address is asked for a code, too: otherwise the
    /// answer would tell who has an account.
    Otp {
        /// By which way.
        channel: Channel,
        /// As the provider knows the user: mostly the address itself.
        to: &'a str,
    },
    /// A name and a code from an authenticator app, without a password.
    Totp {
        /// As the provider knows the user.
        username: &'a str,
        /// As typed.
        code: &'a SecretString,
    },
}

impl Attempt<'_> {
    /// Which method this is an attempt at.
    pub fn method(&self) -> Method {
        match self {
            Attempt::Redirect(_) => Method::Oidc,
            Attempt::Password { .. } => Method::Password,
            Attempt::Otp { channel, .. } => channel.method(),
            Attempt::Totp { .. } => Method::Totp,
        }
    }
}

impl fmt::Debug for Attempt<'_> {
    // A name is as personal as the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({})", self.method().as_str())
    }
}

/// Hints for the provider's page, which may ignore them.
#[derive(Clone, Copy, Default)]
pub struct Hints<'a> {
    /// Who is expected (OIDC Core 3.1.2.1 `login_hint`).
    pub login: Option<&'a str>,
    /// Languages, preferred first (`ui_locales`).
    pub locales: Option<&'a str>,
    /// `login`, `consent`, `select_account` (`prompt`); instead of what the connector says.
    pub prompt: Option<&'a str>,
    /// Space-separated (`acr_values`); instead of what the connector says.
    pub acr_values: Option<&'a str>,
    /// Claims to ask for (`claims`); instead of those that the connector asks for.
    pub claims: Option<&'a ClaimsRequest>,
    /// The provider's own parameters. They replace the connector's of the same name.
    pub params: Option<&'a AuthorizeParams>,
    /// What the application asked for.
    pub wishes: Wishes<'a>,
}

/// What the application asked for. It counts only if neither the hints nor the connector set a value: otherwise an
/// application could ask for less than they require.
#[derive(Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Space-separated (`prompt`).
    pub prompt: Option<&'a str>,
    /// Space-separated (`acr_values`).
    pub acr_values: Option<&'a str>,
}

/// All parameters that a provider's callback brought, each once.
#[derive(Default)]
pub struct Callback(BTreeMap<String, SecretString>);

impl Callback {
    /// From what a browser brought; `None` if a parameter is there twice (RFC 6749 section 3.1).
    pub fn read(parameters: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let mut callback = Self::default();
        for (name, value) in parameters {
            if callback.0.insert(name, value.into()).is_some() {
                return None;
            }
        }
        Some(callback)
    }

    /// What it has of these parameters.
    pub fn only(&self, names: &[&str]) -> BTreeMap<String, String> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.get(name)?.to_owned()))).collect()
    }

    /// With parameters of an earlier callback in place of those that this one lacks.
    #[must_use]
    pub fn completed_by(mut self, earlier: BTreeMap<String, String>) -> Self {
        for (name, value) in earlier {
            self.0.entry(name).or_insert_with(|| value.into());
        }
        self
    }

    /// A parameter. One without a value counts as omitted (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose_secret()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// The user's answer to a [`Challenge`], or what the browser brings back from a [`Progress::Hop`].
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// The parameters of the provider's callback. Its `state` has been checked already.
    Callback(&'a Callback),
    /// A one-time code.
    Code(&'a SecretString),
    /// No code has arrived: the provider shall send another one.
    Resend,
    /// The id of one of the choices.
    Choose(&'a str),
    /// Whether the user has confirmed by now.
    Poll,
    /// A new password. If the provider refuses it by its password policy, the adapter asks again
    /// ([`Challenge::NewPassword`], `refused`).
    NewPassword {
        /// Byte for byte as typed.
        new: &'a SecretString,
        /// The current one, if the challenge asks for it.
        current: Option<&'a SecretString>,
    },
}
