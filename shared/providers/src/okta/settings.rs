//! What a connector's settings say of an Okta org.

use domain::Factor;
use serde::{Deserialize, Serialize};

use crate::document::InvalidConnector;
use crate::oidc::is_host;

/// Domains of Okta's own: what stands before them is the name of an org.
const OKTA: &[&str] = &[".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The org's own domain, `acme.okta.com`: by which its users are known, also behind a custom domain.
    pub(super) domain: String,
    /// `default`, or the id of another one (`aus...`); empty: the org's own.
    #[serde(default = "default_server")]
    pub(super) authorization_server: String,
    /// The org's custom domain, if users are to log in there.
    pub(super) custom_domain: Option<String>,
    /// The second factors that are offered after a password if the org wants one.
    #[serde(default = "app_alone")]
    pub(super) mfa: Vec<SecondFactor>,
    /// How a code without a password is checked.
    #[serde(default)]
    pub(super) totp_flow: TotpFlow,
    /// The id of the authenticator that codes come from (`aut...`); otherwise the first that gives codes.
    pub(super) totp_authenticator: Option<String>,
}

/// A second factor of direct authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecondFactor {
    /// A code of an authenticator app.
    Totp,
    /// A confirmation in Okta Verify.
    Push,
    /// A code by SMS.
    Sms,
    /// A code by phone call.
    Voice,
}

impl SecondFactor {
    /// `channel_hint`, and the id of the choice.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Voice => "voice",
        }
    }

    pub(super) fn factor(self) -> Factor {
        match self {
            Self::Totp => Factor::Totp,
            Self::Push => Factor::Push,
            Self::Sms => Factor::SmsOtp,
            Self::Voice => Factor::VoiceOtp,
        }
    }
}

/// How a code without a password is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TotpFlow {
    /// The interaction code flow, which any client may have.
    #[default]
    InteractionCode,
    /// The OTP grant of direct authentication.
    OtpGrant,
}

fn default_server() -> String {
    "default".to_owned()
}

fn app_alone() -> Vec<SecondFactor> {
    vec![SecondFactor::Totp]
}

impl Settings {
    /// What is wrong with them, if anything is.
    pub(super) fn check(&self) -> Result<(), InvalidConnector> {
        check_domain(&self.domain)?;
        let server = &self.authorization_server;
        if !server.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(InvalidConnector::at(
                "settings.authorization_server",
                format!(
                    "{server:?} is neither default, nor the id of an authorization server (aus...), nor empty for the org's own"
                ),
            ));
        }
        if let Some(custom) = self.custom_domain.as_deref().filter(|custom| !is_host(custom) || is_okta(custom)) {
            return Err(InvalidConnector::at(
                "settings.custom_domain",
                format!("{custom:?} is not a domain of your own, such as login.acme.com"),
            ));
        }
        let is_id = |id: &&str| id.starts_with("aut") && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if let Some(id) = self.totp_authenticator.as_deref().filter(|id| !is_id(id)) {
            return Err(InvalidConnector::at(
                "settings.totp_authenticator",
                format!("{id:?} is not the id of an authenticator (aut...)"),
            ));
        }
        Ok(())
    }

    /// How the authorization server names itself: by either domain, as its settings or the request's host have it.
    pub(super) fn issuers(&self) -> impl Iterator<Item = String> + '_ {
        let issuer = |host: &str| match self.authorization_server.as_str() {
            "" => format!("https://{host}"),
            server => format!("https://{host}/oauth2/{server}"),
        };
        self.custom_domain.as_deref().into_iter().chain([self.domain.as_str()]).map(issuer)
    }

    /// Where its keys are, at the org's own domain.
    pub(super) fn keys(&self) -> String {
        match self.authorization_server.as_str() {
            "" => format!("https://{}/oauth2/v1/keys", self.domain),
            server => format!("https://{}/oauth2/{server}/v1/keys", self.domain),
        }
    }
}

fn is_okta(host: &str) -> bool {
    OKTA.iter().any(|domain| host.ends_with(domain))
}

fn check_domain(domain: &str) -> Result<(), InvalidConnector> {
    let invalid = |reason: String| Err(InvalidConnector::at("settings.domain", reason));
    if !is_host(domain) {
        return invalid(format!(
            "{domain:?} is not the org's domain, such as acme.okta.com, without https:// and path"
        ));
    }
    if !is_okta(domain) {
        return invalid(format!(
            "{domain:?} is not a domain of Okta's own: put acme.okta.com here, and a domain of your own into custom_domain"
        ));
    }
    if domain.split('.').next().is_some_and(|org| org.ends_with("-admin")) {
        return invalid(format!("{domain:?} is the address of the admin console: leave out -admin"));
    }
    Ok(())
}
