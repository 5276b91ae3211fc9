//! The checks of a start's authorization request.

use std::collections::BTreeMap;

use domain::{AuthorizationRequest, Client, Code};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::JourneyError;

/// An authorization request from an application.
#[derive(Debug, Deserialize)]
pub(super) struct Requested {
    /// The members that are stored with the session.
    #[serde(flatten)]
    pub(super) kept: AuthorizationRequest,
    /// All other members; only their presence matters.
    #[serde(flatten)]
    others: BTreeMap<String, Option<IgnoredAny>>,
}

/// The longest nonce or hint, in bytes. Legitimate ones are shorter, and every byte is stored and billed.
pub(super) const MAX_PARAMETER: usize = 1024;

/// The longest redirect URI, in bytes. It is most of a `Location` header, and API Gateway allows 10,240 bytes of
/// headers in total.
const MAX_REDIRECT_URI: usize = 2048;

/// The longest `acr_values`, in bytes. Providers' adapters drop longer hints.
const MAX_ACR_VALUES: usize = 254;

/// The `prompt` of a silent sign-in.
const NONE: &str = "none";

/// The supported values of `prompt` (OIDC Core 3.1.2.1).
const PROMPTS: &[&str] = &["login", "select_account", "consent"];

/// Unsupported members that would change the login, each with the error code (from OIDC Core 3.1.2.6, if it defines
/// one) and the advice. If they were ignored, an application would wrongly believe that they took effect.
const UNSUPPORTED: &[(&str, Code, &str)] = &[
    ("max_age", Code::InvalidRequest, "is not supported; use prompt: login, so that the provider asks the user again"),
    ("request", Code::RequestNotSupported, "is not supported; write its members into the request itself"),
    ("request_uri", Code::RequestUriNotSupported, "is not supported; write its members into the request itself"),
    ("response_mode", Code::InvalidRequest, "is not supported; the code is in the answer that completes the session"),
    ("claims", Code::InvalidRequest, "is not supported; use scope to choose the claims of the ID token"),
    ("id_token_hint", Code::InvalidRequest, "is not supported; use login_hint to name the expected user"),
    (
        "registration",
        Code::RegistrationNotSupported,
        "is not supported; register the application with a client document",
    ),
    ("display", Code::InvalidRequest, "is not supported; the application shows the steps itself"),
];

impl Requested {
    /// Refuses what this client, or any client, must not request.
    pub(super) fn check(&self, client: &Client) -> Result<(), JourneyError> {
        let request = &self.kept;
        // First, so that no other error is ever sent to a redirect URI that is not the client's.
        if !client.allows_redirect_uri(&request.redirect_uri) || request.redirect_uri.len() > MAX_REDIRECT_URI {
            return Err(JourneyError::Refused(Code::InvalidRedirectUri));
        }
        let optional = [&request.scope, &request.nonce, &request.login_hint, &request.idp_hint, &request.ui_locales];
        let too_long = optional.into_iter().flatten().any(|value| value.len() > MAX_PARAMETER);
        if too_long || request.response_type.as_deref().is_some_and(|kind| kind != "code") {
            return Err(JourneyError::Refused(Code::InvalidRequest));
        }
        self.check_unsupported()?;
        request.prompt.as_deref().map_or(Ok(()), check_prompt)?;
        request.acr_values.as_deref().map_or(Ok(()), check_acr_values)?;
        // RFC 7636 section 4.2: base64url of a SHA-256. The method `plain`, which is also the default, gives no
        // protection.
        let challenge = request.code_challenge.as_deref().unwrap_or_default();
        let is_s256 = request.code_challenge_method.as_deref() == Some("S256")
            && challenge.len() == 43
            && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_s256 { Ok(()) } else { Err(JourneyError::Refused(Code::PkceRequired)) }
    }

    fn check_unsupported(&self) -> Result<(), JourneyError> {
        let is_asked = |member: &str| self.others.get(member).is_some_and(Option::is_some);
        match UNSUPPORTED.iter().find(|(member, ..)| is_asked(member)) {
            Some(&(member, code, problem)) => Err(JourneyError::Member { code, member, problem }),
            None => Ok(()),
        }
    }
}

fn check_prompt(prompt: &str) -> Result<(), JourneyError> {
    let refused = |code, problem| Err(JourneyError::Member { code, member: "prompt", problem });
    // OIDC Core 3.1.2.6: the error of a silent request if no user is signed in.
    if prompt == NONE {
        return refused(Code::LoginRequired, "none is not supported: no user can be signed in silently; leave it out");
    }
    let words: Vec<_> = prompt.split(' ').collect();
    let is_repeated = |word| words.iter().filter(|other| *other == word).count() > 1;
    if words.iter().any(|word| !PROMPTS.contains(word) || is_repeated(word)) {
        return refused(
            Code::InvalidRequest,
            "is not a list of login, select_account and consent: name each at most once, with one space between them",
        );
    }
    Ok(())
}

fn check_acr_values(values: &str) -> Result<(), JourneyError> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if values.len() <= MAX_ACR_VALUES && values.split(' ').all(is_word) {
        return Ok(());
    }
    let problem = "is not a list of ASCII words: put one space between them, with at most 254 bytes in total";
    Err(JourneyError::Member { code: Code::InvalidRequest, member: "acr_values", problem })
}
