//! A provider's question to the user, and the state that is kept until the answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, ExternalIdentity, Failure, Method};

/// A provider's next question to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Challenge {
    /// A one-time code.
    Code {
        /// The code method: how the code reaches the user, and what a right code proves.
        method: Method,
        /// The number of digits, if the provider tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digits: Option<u8>,
        /// The destination as the provider masks it: `a***@e***`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Whether the provider can send another code.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resend: bool,
    },
}

/// The channel through which a provider sends a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To an e-mail address.
    Email,
    /// To a phone.
    Sms,
}

impl Channel {
    /// The method that uses this channel.
    pub fn method(self) -> Method {
        match self {
            Channel::Email => Method::EmailOtp,
            Channel::Sms => Method::SmsOtp,
        }
    }
}

/// An interaction with a provider that waits for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// The connector.
    pub connector: ConnectorId,
    /// The connector's method.
    pub method: Method,
    /// The question; `None` while the user is at the provider's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The number of wrong answers. A challenge that replaces this one continues the count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wrong: u8,
    /// How often the provider was asked to send another code. A replacing challenge continues the count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resent: u8,
    /// The hash of the account under which its attempts are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The methods that the user has passed before this challenge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered: Vec<Method>,
    /// The adapter's state.
    pub pending: Pending,
}

fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// The outcome of a call to a provider. After a redirect it is kept until the client presents the session token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderOutcome {
    /// The provider asserts an identity.
    Identity(ExternalIdentity),
    /// The provider asks the user another question.
    Interaction(Interaction),
    /// The provider asserts no identity.
    Failed(Failure),
}

/// The adapter's state between two answers of one user. Only the adapter reads it; it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pending(pub Value);

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
