//! An answer of the flow API: where a login stands. <https://developer.pingidentity.com/pingone-api/auth/flows/flows-1.html>

use domain::{Choice, Factor};
use egress::Response;
use serde_json::{Map, Value};

use crate::answers::{self, OauthError};
use crate::oidc::Connection;
use crate::refusals::{Refusals, classify};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

pub(super) const DAVINCI: &str = "the application's policy is a DaVinci flow, which has pages of its own: assign a sign-on policy whose \
                                  first action is Login (Applications > the application > Policies)";
pub(super) const OTHER_POLICY: &str = "the application's sign-on policy does not begin with a password: assign one whose first action is \
                                       Login (Applications > the application > Policies)";
const UNKNOWN: &str = "PingOne asks for something that no login without a browser knows: see the actions of the application's sign-on \
                       policy (Authentication > Policies)";

/// In bytes, of an id, which is a UUID.
const MAX_ID: usize = 64;
/// In characters, of a destination or a device's name, which people are shown.
const MAX_TEXT: usize = 64;

/// Where a login stands.
pub(super) struct State {
    pub(super) id: String,
    pub(super) status: Status,
    /// What a code comes to, if it is there already.
    pub(super) returned: Option<Map<String, Value>>,
    /// The devices of the user, as far as they can be used here.
    pub(super) devices: Vec<Choice>,
    /// The device that is being used.
    pub(super) selected: Option<String>,
}

/// What PingOne waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Password,
    Code,
    Device,
    Push,
    NewPassword,
    Verification,
    Completed,
}

impl State {
    /// Of an answer; `refusals` say what one means that is an error.
    pub(super) fn read(
        provider: &Connection<'_>,
        stage: Stage,
        response: &Response,
        refusals: &[&Refusals],
    ) -> Result<Self, ProviderError> {
        let refused = || classify(provider.cx.now(), stage, response, refusals);
        if !response.status.is_success() {
            return Err(refused());
        }
        let answer = answers::object(stage, response)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let Some(status) = text("status") else {
            let is_davinci =
                ["interactionId", "interactionToken", "capabilityName"].iter().any(|name| answer.contains_key(*name));
            return Err(match is_davinci {
                true => stage.misconfigured(DAVINCI),
                // Some errors come with 200.
                false if OauthError::of(response).is_some() => refused(),
                false => stage.unavailable(Outage::Protocol),
            });
        };
        if status == "FAILED" || answer.get("error").is_some_and(Value::is_object) {
            return Err(match refused() {
                // The login has failed, for a reason that no table has: there is nothing to try again.
                ProviderError::Unavailable { outage: Outage::Protocol, .. } if status == "FAILED" => {
                    ProviderError::Rejected(Rejection::Declined)
                }
                other => other,
            });
        }
        let status = Status::named(status).unwrap_or(Err(stage.misconfigured(UNKNOWN)))?;
        let id = text("id").filter(|id| is_id(id)).ok_or(stage.refused(Check::Format))?.to_owned();
        let returned = answer.get("authorizeResponse").and_then(Value::as_object).cloned();
        let devices = answer.get("_embedded").and_then(|embedded| embedded.get("devices")?.as_array());
        let devices = devices.into_iter().flatten().filter_map(choice).collect();
        let selected = answer.get("selectedDevice").and_then(|device| device.get("id")?.as_str());
        let selected = selected.filter(|id| is_id(id)).map(str::to_owned);
        Ok(Self { id, status, returned, devices, selected })
    }

    /// The device that is being used, as far as PingOne tells.
    pub(super) fn device(&self) -> Option<&Choice> {
        let selected = self.selected.as_ref()?;
        self.devices.iter().find(|device| device.id == *selected)
    }
}

impl Status {
    /// By its name; an error where only a browser can go on, `None` where it is not known.
    fn named(name: &str) -> Option<Result<Self, ProviderError>> {
        Some(Ok(match name {
            "USERNAME_PASSWORD_REQUIRED" | "PASSWORD_REQUIRED" | "SIGN_ON_REQUIRED" => Self::Password,
            "OTP_REQUIRED" => Self::Code,
            "DEVICE_SELECTION_REQUIRED" => Self::Device,
            "PUSH_CONFIRMATION_REQUIRED" => Self::Push,
            "MUST_CHANGE_PASSWORD" | "PASSWORD_EXPIRED" => Self::NewPassword,
            "VERIFICATION_CODE_REQUIRED" => Self::Verification,
            "COMPLETED" => Self::Completed,
            "PUSH_CONFIRMATION_TIMED_OUT" => return Some(Err(ProviderError::Rejected(Rejection::OtpExpired))),
            "ASSERTION_REQUIRED"
            | "EXTERNAL_AUTHENTICATION_REQUIRED"
            | "ACCOUNT_LINKING_REQUIRED"
            | "ACCOUNT_CONFIRMATION_REQUIRED"
            | "PROFILE_DATA_REQUIRED"
            | "RECOVERY_CODE_REQUIRED" => return Some(Err(ProviderError::Rejected(Rejection::InteractionRequired))),
            agreement if agreement.starts_with("AGREEMENT_") => {
                return Some(Err(ProviderError::Rejected(Rejection::InteractionRequired)));
            }
            _ => return None,
        }))
    }
}

/// It stands in addresses.
fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A device that a code or a confirmation can come from:
/// <https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/pingone-authentication-flow-states/multi-factor-mfa-action.html>
fn choice(device: &Value) -> Option<Choice> {
    let text = |name: &str| device.get(name).and_then(Value::as_str);
    let id = text("id").filter(|id| is_id(id))?.to_owned();
    let factor = match text("type")? {
        "EMAIL" => Factor::EmailOtp,
        "SMS" => Factor::SmsOtp,
        "VOICE" => Factor::VoiceOtp,
        "TOTP" => Factor::Totp,
        "MOBILE" => Factor::Push,
        _ => return None,
    };
    let is_shown = |to: &&str| to.chars().count() <= MAX_TEXT && !to.contains(char::is_control);
    let to = text("email").or_else(|| text("phone")).filter(is_shown).map(str::to_owned);
    Some(Choice { id, factor, to })
}
