//! What the API asks next, and what is kept until the user answers.
//!
//! Names and parameters:
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>.

use chrono::{DateTime, Utc};
use domain::{Challenge, Choice, Factor, Method, Pending};
use serde::{Deserialize, Serialize};

use super::api::{Answered, Api};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

/// A challenge that a user can answer here, by its name in the API.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Name {
    SmsMfa,
    SoftwareTokenMfa,
    EmailOtp,
    SmsOtp,
    SelectMfaType,
    NewPasswordRequired,
}

impl Name {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Name::SmsMfa => "SMS_MFA",
            Name::SoftwareTokenMfa => "SOFTWARE_TOKEN_MFA",
            Name::EmailOtp => "EMAIL_OTP",
            Name::SmsOtp => "SMS_OTP",
            Name::SelectMfaType => "SELECT_MFA_TYPE",
            Name::NewPasswordRequired => "NEW_PASSWORD_REQUIRED",
        }
    }

    /// Those that may follow a password.
    pub(super) fn of_second_step(name: &str) -> Option<Self> {
        let all =
            [Name::SmsMfa, Name::SoftwareTokenMfa, Name::EmailOtp, Name::SelectMfaType, Name::NewPasswordRequired];
        all.into_iter().find(|one| one.as_str() == name)
    }

    /// The factor of a code, and the response that takes it.
    pub(super) fn code(self) -> Option<(Factor, &'static str)> {
        match self {
            Name::SmsMfa => Some((Factor::SmsOtp, "SMS_MFA_CODE")),
            Name::SoftwareTokenMfa => Some((Factor::Totp, "SOFTWARE_TOKEN_MFA_CODE")),
            Name::EmailOtp => Some((Factor::EmailOtp, "EMAIL_OTP_CODE")),
            Name::SmsOtp => Some((Factor::SmsOtp, "SMS_OTP_CODE")),
            Name::SelectMfaType | Name::NewPasswordRequired => None,
        }
    }
}

/// What is remembered of a question: neither password nor code.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "m")]
    pub(super) method: Method,
    /// As the user typed it.
    #[serde(rename = "u")]
    pub(super) typed: String,
    /// By which answers name the user, if that is another name.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) named: Option<String>,
    #[serde(rename = "c")]
    pub(super) challenge: Name,
    /// The newest `Session`; `None`: no code was sent.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    #[serde(rename = "t")]
    pub(super) at: DateTime<Utc>,
}

impl Asked {
    pub(super) fn new(api: &Api<'_>, typed: &str, challenge: Name) -> Self {
        let (method, typed, at) = (api.method, typed.to_owned(), api.provider.cx.now());
        Self { method, typed, named: None, challenge, session: None, at }
    }

    /// After this answer. The pool hashes `USER_ID_FOR_SRP` where it names one, an alias otherwise:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html>.
    pub(super) fn following(self, answered: &Answered) -> Result<Self, ProviderError> {
        // Without it no answer can be given.
        let session = answered.session().ok_or(Stage::Token.unavailable(Outage::Protocol))?;
        let named = answered.parameter("USER_ID_FOR_SRP").map(str::to_owned).or(self.named);
        Ok(Self { named, session: Some(session.to_owned()), ..self })
    }

    pub(super) fn username(&self) -> &str {
        self.named.as_deref().unwrap_or(&self.typed)
    }

    pub(super) fn read(pending: &Pending) -> Result<Self, ProviderError> {
        Self::deserialize(&pending.0).map_err(|_| Stage::Attempt.refused(Check::Unasked))
    }

    pub(super) fn into_pending(self) -> Result<Pending, ProviderError> {
        serde_json::to_value(self).map(Pending).map_err(|_| Stage::Attempt.refused(Check::Format))
    }
}

/// What the user is asked after a password. What only a browser or a device can answer is not ours.
pub(super) fn question(name: Name, answered: &Answered) -> Result<Challenge, ProviderError> {
    let elsewhere = ProviderError::Rejected(Rejection::InteractionRequired);
    if let Some((factor, _)) = name.code() {
        let to = answered.parameter("CODE_DELIVERY_DESTINATION").map(str::to_owned);
        return Ok(Challenge::Code { factor, digits: None, to, resend: false });
    }
    if name == Name::NewPasswordRequired {
        // An attribute that the pool misses is nothing to be asked for here.
        let misses = !answered.list("requiredAttributes").is_empty();
        return if misses { Err(elsewhere) } else { Ok(Challenge::NewPassword { current: false, refused: false }) };
    }
    let choice = |id: String| {
        let (factor, _) = Name::of_second_step(&id)?.code()?;
        Some(Choice { id, factor, to: None })
    };
    // The parameter's name is not in the API's reference, but in AWS's examples.
    let choices: Vec<_> = answered.list("MFAS_CAN_CHOOSE").into_iter().filter_map(choice).collect();
    if choices.is_empty() { Err(elsewhere) } else { Ok(Challenge::Choose { choices }) }
}
