//! What a browser brings back from the authorization endpoint (RFC 6749 sections 4.1.2 and 4.1.2.1, OIDC Core 3.1.2.6).

use super::discovery::Metadata;
use super::profile::Profile;
use crate::answers::OauthError;
use crate::refusals::{self, At, Refusals, Row};
use crate::{Callback, Check, Outage, ProviderError, Rejection, Stage};

const STAGE: Stage = Stage::Callback;

const REQUEST: ProviderError = STAGE.misconfigured(
    "the provider does not take the authorization request: check prompt, acr_values, authorize_params and pkce in the \
     settings, and what the provider demands of this client",
);
const DECLINED: ProviderError = ProviderError::Rejected(Rejection::Declined);
const INTERACTION: ProviderError = ProviderError::Rejected(Rejection::InteractionRequired);
const AWAY: ProviderError = STAGE.unavailable(Outage::ServerError);

const RFC: &str = "RFC 6749 section 4.1.2.1";
const CORE: &str = "OIDC Core 3.1.2.6";

/// To an authorization request, at the callback, by `error`. An unknown error is treated as declined.
pub const OF_A_REDIRECT: Refusals = Refusals {
    to: "an authorization request, at the callback",
    at: &[At::Redirect],
    rows: &[
        Row::error("access_denied", DECLINED, RFC).note("the user or the provider refused"),
        Row::error("login_required", DECLINED, CORE).note("no session there, and `prompt=none` forbade to ask"),
        Row::error(
            "unmet_authentication_requirements",
            DECLINED,
            "OpenID Connect Core Error Code unmet_authentication_requirements 1.0",
        )
        .note("`acr_values` asks for more than the user has"),
        Row::error("interaction_required", INTERACTION, CORE),
        Row::error("consent_required", INTERACTION, CORE),
        Row::error("account_selection_required", INTERACTION, CORE),
        Row::error("temporarily_unavailable", AWAY, RFC),
        Row::error("server_error", AWAY, RFC),
        Row::error(
            "unauthorized_client",
            STAGE.misconfigured(
                "the provider does not let this client use the authorization code flow: switch it on for the client",
            ),
            RFC,
        ),
        Row::error(
            "unsupported_response_type",
            STAGE.misconfigured("the provider does not offer the authorization code flow, or not to this client"),
            RFC,
        ),
        Row::error(
            "invalid_scope",
            STAGE.misconfigured("one of settings.scopes is unknown to the provider, or not granted to this client"),
            RFC,
        ),
        Row::error("invalid_request", REQUEST, RFC),
        Row::error("invalid_target", REQUEST, "RFC 8707 section 2"),
        Row::error("invalid_request_uri", REQUEST, CORE),
        Row::error("invalid_request_object", REQUEST, CORE),
        Row::error("request_not_supported", REQUEST, CORE),
        Row::error("request_uri_not_supported", REQUEST, CORE),
        Row::error("registration_not_supported", REQUEST, CORE),
    ],
};

/// Whether an error means that the request was valid but the user must interact (OIDC Core 3.1.2.6): the expected answer to
/// `prompt=none`.
pub(super) fn wants_a_person(error: &str) -> bool {
    matches!(error, "login_required" | "interaction_required" | "consent_required" | "account_selection_required")
}

/// The authorization code, if this is an answer of the provider the browser was sent to.
pub(super) fn code<'a>(
    metadata: &Metadata,
    profile: &Profile,
    callback: &'a Callback,
) -> Result<&'a str, ProviderError> {
    // Before anything is believed or sent: an answer that an attacker's provider has mixed in would have us give it the
    // code of the right one, or the right one a code of its own (RFC 9207 section 2.4).
    match callback.get("iss") {
        Some(issuer) if metadata.is_issuer(issuer) => {}
        None if !metadata.names_itself => {}
        _ => return Err(STAGE.refused(Check::Issuer)),
    }
    // Meta says some errors by their number alone.
    let number = callback.get("error_code").and_then(|number| number.parse().ok());
    if callback.get("error").is_some() || (number.is_some() && callback.get("code").is_none()) {
        let text = |name: &str| callback.get(name).unwrap_or_default().to_owned();
        let numbers = number.into_iter().collect();
        let error = OauthError { code: text("error"), description: text("error_description"), numbers };
        // An unknown one: the provider has refused, and there is nothing to try again.
        return Err(refusals::of_error(profile.of_a_redirect, &error).unwrap_or(DECLINED));
    }
    callback.get("code").ok_or_else(|| STAGE.refused(Check::Format))
}
