//! What a provider asks of a user, and what has to be remembered until they answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, ExternalIdentity, Failure, Method};

/// What a provider asks the user for next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Challenge {
    /// A one-time code.
    Code {
        /// By which of the code methods it reaches the user, and what the right one proves.
        method: Method,
        /// How many digits it has, where the provider says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digits: Option<u8>,
        /// Where it was sent, as the provider masks it: `a***@e***`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Whether the provider sends another if it is asked to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resend: bool,
    },
}

/// By which way a provider sends a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To an e-mail address.
    Email,
    /// To a phone.
    Sms,
}

impl Channel {
    /// The method that it is a part of.
    pub fn method(self) -> Method {
        match self {
            Channel::Email => Method::EmailOtp,
            Channel::Sms => Method::SmsOtp,
        }
    }
}

/// An interaction with a provider that waits for the user, and what its adapter has to remember until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Through which connector.
    pub connector: ConnectorId,
    /// By which of its methods.
    pub method: Method,
    /// The question; `None` while the user is at the provider's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// How many wrong answers it has had. What is asked in its place goes on counting.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wrong: u8,
    /// How often the provider was asked to send another code. Likewise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resent: u8,
    /// Of the account whose code it is, as its attempts are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What the user has answered before this, and proven thereby.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered: Vec<Method>,
    /// What to remember.
    pub pending: Pending,
}

fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// What a call to a provider came to. After a redirect it is kept until the client shows the session's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderOutcome {
    /// The provider asserts an identity.
    Identity(ExternalIdentity),
    /// The provider wants something more.
    Interaction(Interaction),
    /// The provider asserts none.
    Failed(Failure),
}

/// What an adapter has to remember between two answers of one user. Only it can read it; it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pending(pub Value);

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
