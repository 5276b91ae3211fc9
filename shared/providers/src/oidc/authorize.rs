//! The way out: what is remembered of a redirect, and the address it goes to (RFC 6749 section 4.1.1, OIDC Core 3.1.2.1,
//! RFC 7636).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::identity::hash_parts;
use domain::{Entropy, Method, Pending};
use openidconnect::{Nonce, PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use url::Url;

use super::connection::Connection;
use super::discovery::Metadata;
use super::parameters::{AuthorizeParams, ClaimsRequest};
use crate::{Check, Hints, ProviderError, Stage};

/// Parameters that are the protocol's own: what a connector adds may not be one of them. Those of a request object would
/// take the place of all the others, and a `max_age` would have to be checked in what comes back.
const RESERVED: &[&str] = &[
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "ui_locales",
    "acr_values",
    "claims",
    "max_age",
    "request",
    "request_uri",
    "registration",
];

pub(super) fn is_reserved(parameter: &str) -> bool {
    RESERVED.contains(&parameter)
}

/// What is stored of a redirect until its callback. It is kept small: values of the connector are left out, and secrets are
/// derived from a seed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PendingRedirect {
    #[serde(rename = "s")]
    seed: String,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(super) login_hint: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) ui_locales: Option<String>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) acr_values: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) claims: Option<String>,
    #[serde(rename = "x", default, skip_serializing_if = "AuthorizeParams::is_empty")]
    pub(super) params: AuthorizeParams,
}

impl fmt::Debug for PendingRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingRedirect")
    }
}

/// In bytes, of the random seed.
const SEED: usize = 16;
/// In bytes, of each hint: an e-mail address has at most 254 (RFC 5321 section 4.5.3.1.3). A longer one is not kept, and
/// the provider's page goes without it.
const HINT: usize = 254;

impl PendingRedirect {
    pub(super) fn new(entropy: &dyn Entropy, hints: Hints<'_>) -> Self {
        let kept = |hint: Option<&str>| hint.filter(|hint| (1..=HINT).contains(&hint.len())).map(str::to_owned);
        Self {
            seed: URL_SAFE_NO_PAD.encode(entropy.bytes::<SEED>()),
            login_hint: kept(hints.login),
            ui_locales: kept(hints.locales),
            prompt: kept(hints.prompt),
            acr_values: kept(hints.acr_values),
            claims: hints.claims.map(|claims| claims.as_str().to_owned()),
            params: hints.params.cloned().unwrap_or_default(),
        }
    }

    /// The stored state; refused if it was not stored by this method.
    pub(super) fn of(pending: &Pending) -> Result<Self, ProviderError> {
        let unasked = || Stage::Attempt.refused(Check::Unasked);
        let departure = Self::deserialize(&pending.0).map_err(|_| unasked())?;
        let seeded = URL_SAFE_NO_PAD.decode(&departure.seed).is_ok_and(|seed| seed.len() == SEED);
        if seeded { Ok(departure) } else { Err(unasked()) }
    }

    pub(super) fn into_pending(self) -> Result<Pending, ProviderError> {
        serde_json::to_value(self).map(Pending).map_err(|_| Stage::Attempt.refused(Check::Format))
    }

    /// Comes back in the ID token, so that a code or token of another browser's redirect is refused.
    pub(super) fn nonce(&self) -> Nonce {
        Nonce::new(hash_parts(&["nonce", &self.seed]))
    }

    /// 43 characters of RFC 7636 section 4.1. It cannot be computed from the nonce, which browsers see.
    pub(super) fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(hash_parts(&["code_verifier", &self.seed]))
    }

    /// The `state` of a request that no browser makes: the session makes that of the others.
    pub(super) fn state(&self) -> String {
        hash_parts(&["state", &self.seed])
    }

    pub(super) fn challenge(&self) -> PkceCodeChallenge {
        PkceCodeChallenge::from_code_verifier_sha256(&self.verifier())
    }
}

/// Where a browser is sent (RFC 6749 section 4.1.1), for the client that `method` uses.
pub(super) fn url(
    Connection { cx, registration }: Connection<'_>,
    method: Method,
    metadata: &Metadata,
    redirect: &PendingRedirect,
    state: &str,
    response_mode: Option<&str>,
) -> Result<Url, ProviderError> {
    let client = registration.client(method)?;
    let mut url = metadata.authorization_endpoint()?.clone();
    let (redirect_uri, options) = (registration.redirect_uri(cx), &registration.options);
    let (nonce, challenge) = (redirect.nonce(), options.pkce.then(|| redirect.challenge()));
    // What the endpoint's query has already stays (RFC 6749 section 3.1).
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", &redirect_uri);
    if !registration.scope().is_empty() {
        query.append_pair("scope", registration.scope());
    }
    query.append_pair("state", state);
    // It comes back in an ID token or not at all.
    if registration.profile.identity.is_signed() {
        query.append_pair("nonce", nonce.secret());
    }
    if let Some(challenge) = &challenge {
        query.append_pair("code_challenge", challenge.as_str()).append_pair("code_challenge_method", "S256");
    }
    for (name, value) in [
        ("response_mode", response_mode),
        ("login_hint", redirect.login_hint.as_deref()),
        ("ui_locales", redirect.ui_locales.as_deref()),
        ("prompt", redirect.prompt.as_deref().or(options.prompt.as_deref())),
        ("acr_values", redirect.acr_values.as_deref().or(options.acr_values.as_deref())),
        ("claims", redirect.claims.as_deref().or(options.claims.as_ref().map(ClaimsRequest::as_str))),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let own = &registration.profile.authorize_params;
    query.extend_pairs(AuthorizeParams::together(&[&redirect.params, &options.authorize_params, own]));
    drop(query);
    Ok(url)
}
