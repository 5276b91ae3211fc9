//! What an identity provider is to the rest of Landfall.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use domain::{Challenge, ExternalIdentity, MethodSet, Pending};
use secrecy::SecretString;

use crate::{Check, Cx, ProviderError, Stage};

/// One configured connector.
#[async_trait]
pub trait ProviderAdapter: Debug + Send + Sync {
    /// Methods this connector can do, as configured.
    fn methods(&self) -> MethodSet;

    /// Starts a method: may be done at once (password) or ask for more (a code).
    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError>;

    /// Goes on from where `begin` or an earlier answer stopped; `pending` stays valid for another try where the provider
    /// allows one.
    ///
    /// Adapters that never ask keep this body: an answer to a question that was not asked is refused. No step answers
    /// yet: the first adapter that asks brings the step that does.
    async fn answer(&self, _cx: &Cx<'_>, _pending: &Pending, _answer: Answer<'_>) -> Result<Progress, ProviderError> {
        Err(ProviderError::Refused { stage: Stage::Attempt, check: Check::Unasked })
    }
}

/// Where an attempt stands.
#[derive(Debug)]
pub enum Progress {
    /// The provider vouches for somebody.
    Done(ExternalIdentity),
    /// The provider wants something more of the user; what to keep until they answer.
    Ask(Challenge, Pending),
}

/// What a user offers to be recognised by.
#[derive(Clone, Copy)]
pub enum Attempt<'a> {
    /// A name and a password, byte for byte as typed, sent to the provider by us.
    Password {
        /// As the provider knows the user.
        username: &'a str,
        /// Their password.
        password: &'a SecretString,
        /// A one-time code, for providers that take it beside the password.
        otp: Option<&'a SecretString>,
    },
}

impl fmt::Debug for Attempt<'_> {
    // A name is as personal as the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attempt::Password { .. } => f.write_str("Password"),
        }
    }
}

/// What a user says to a [`Challenge`].
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// A one-time code.
    Code(&'a SecretString),
}
