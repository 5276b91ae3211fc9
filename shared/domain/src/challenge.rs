//! A provider's question to the user, and the state that is kept until the answer.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, ExternalIdentity, Failure, Method};

/// A provider's next question to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Challenge {
    /// A one-time code.
    Code {
        /// How the code reaches the user, and what a right code proves.
        factor: Factor,
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
    /// One of several factors or devices.
    Choose {
        /// At least one.
        choices: Vec<Choice>,
    },
    /// A confirmation on another device: the provider is asked again until the user has confirmed.
    Wait {
        /// The device, as the provider names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// The number that the user must choose on the other device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
        /// Seconds between two requests to the provider.
        every: u8,
    },
    /// A new password, which replaces the user's at the provider.
    NewPassword {
        /// Whether the provider demands the current password again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        current: bool,
        /// Whether the provider has just refused a new password by its password policy.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refused: bool,
    },
}

/// A factor or device that the user may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the provider calls it.
    pub id: String,
    /// The factor.
    pub factor: Factor,
    /// The destination or the device, as the provider masks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What the user proves: by a connector's method, or by the answer to a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// The provider's own page.
    Oidc,
    /// A password.
    Password,
    /// A code that the provider sends by e-mail.
    EmailOtp,
    /// A code that the provider sends by SMS.
    SmsOtp,
    /// A code from an authenticator app.
    Totp,
    /// A code that the provider reads out on the phone.
    VoiceOtp,
    /// A confirmation in the provider's app.
    Push,
    /// A recovery code.
    RecoveryCode,
}

impl Factor {
    /// The name in views.
    pub fn as_str(self) -> &'static str {
        match self {
            Factor::Oidc => "oidc",
            Factor::Password => "password",
            Factor::EmailOtp => "email_otp",
            Factor::SmsOtp => "sms_otp",
            Factor::Totp => "totp",
            Factor::VoiceOtp => "voice_otp",
            Factor::Push => "push",
            Factor::RecoveryCode => "recovery_code",
        }
    }

    /// The Authentication Method Reference in our tokens (RFC 8176 section 2); `None` if only the provider knows how
    /// the user authenticated.
    pub fn amr(self) -> Option<&'static str> {
        match self {
            Factor::Oidc => None,
            Factor::Password => Some("pwd"),
            Factor::EmailOtp | Factor::Totp | Factor::RecoveryCode => Some("otp"),
            Factor::SmsOtp => Some("sms"),
            Factor::VoiceOtp => Some("tel"),
            // The app proves that it has a key (RFC 8176 has no value for the message itself).
            Factor::Push => Some("swk"),
        }
    }
}

impl From<Method> for Factor {
    fn from(method: Method) -> Self {
        match method {
            Method::Oidc => Factor::Oidc,
            Method::Password => Factor::Password,
            Method::EmailOtp => Factor::EmailOtp,
            Method::SmsOtp => Factor::SmsOtp,
            Method::Totp => Factor::Totp,
        }
    }
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
    /// The factors that the user has proven since the first method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven: Vec<Factor>,
    /// When the provider may be asked again whether the user has confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
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
