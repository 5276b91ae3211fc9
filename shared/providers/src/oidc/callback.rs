//! What a browser brings back from the authorization endpoint (RFC 6749 sections 4.1.2 and 4.1.2.1, OIDC Core 3.1.2.6).

use super::discovery::Metadata;
use crate::{Callback, Check, Outage, ProviderError, Rejection, Stage};

const STAGE: Stage = Stage::Callback;

const REQUEST: ProviderError = ProviderError::Misconfigured {
    stage: STAGE,
    hint: "the provider does not take the authorization request: check prompt, acr_values, authorize_params and pkce in the \
           settings, and what the provider demands of this client",
};

/// `error`, meaning. The description is for people and may be anything: it is not looked at.
const ERRORS: &[(&str, ProviderError)] = &[
    ("access_denied", ProviderError::Rejected(Rejection::Declined)),
    // Nobody is signed in there, and `prompt=none` forbade to ask.
    ("login_required", ProviderError::Rejected(Rejection::Declined)),
    ("unmet_authentication_requirements", ProviderError::Rejected(Rejection::Declined)),
    ("interaction_required", ProviderError::Rejected(Rejection::InteractionRequired)),
    ("consent_required", ProviderError::Rejected(Rejection::InteractionRequired)),
    ("account_selection_required", ProviderError::Rejected(Rejection::InteractionRequired)),
    ("temporarily_unavailable", ProviderError::Unavailable { stage: STAGE, outage: Outage::ServerError }),
    ("server_error", ProviderError::Unavailable { stage: STAGE, outage: Outage::ServerError }),
    (
        "unauthorized_client",
        ProviderError::Misconfigured {
            stage: STAGE,
            hint: "the provider does not let this client use the authorization code flow: switch it on for the client",
        },
    ),
    (
        "unsupported_response_type",
        ProviderError::Misconfigured {
            stage: STAGE,
            hint: "the provider does not offer the authorization code flow, or not to this client",
        },
    ),
    (
        "invalid_scope",
        ProviderError::Misconfigured {
            stage: STAGE,
            hint: "one of settings.scopes is unknown to the provider, or not granted to this client",
        },
    ),
    ("invalid_request", REQUEST),
    ("invalid_target", REQUEST),
    ("invalid_request_uri", REQUEST),
    ("invalid_request_object", REQUEST),
    ("request_not_supported", REQUEST),
    ("request_uri_not_supported", REQUEST),
    ("registration_not_supported", REQUEST),
];

/// Whether an error says that the request was right but for nobody being there to ask (OIDC Core 3.1.2.6): what
/// `prompt=none` comes to where nobody is signed in.
pub(super) fn wants_a_person(error: &str) -> bool {
    matches!(error, "login_required" | "interaction_required" | "consent_required" | "account_selection_required")
}

/// The authorization code, if this is an answer of the provider the browser was sent to.
pub(super) fn code<'a>(metadata: &Metadata, callback: &'a Callback) -> Result<&'a str, ProviderError> {
    // Before anything is believed or sent: an answer that an attacker's provider has mixed in would have us give it the
    // code of the right one, or the right one a code of its own (RFC 9207 section 2.4).
    match callback.get("iss") {
        Some(issuer) if issuer == metadata.issuer => {}
        None if !metadata.names_itself => {}
        _ => return Err(STAGE.refused(Check::Issuer)),
    }
    if let Some(error) = callback.get("error") {
        let row = ERRORS.iter().find(|(code, _)| *code == error);
        // An error nobody knows: the provider has said no, and there is nothing to try again.
        return Err(row.map_or(ProviderError::Rejected(Rejection::Declined), |(_, meaning)| *meaning));
    }
    callback.get("code").ok_or_else(|| STAGE.refused(Check::Format))
}
