//! What is honoured of the authorization request of a start, and what is refused.

use std::collections::BTreeMap;

use domain::{AuthorizationRequest, Client, Code};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::JourneyError;

/// An authorization request as an application sends it.
#[derive(Debug, Deserialize)]
pub(super) struct Requested {
    /// The members that are kept with the session.
    #[serde(flatten)]
    pub(super) kept: AuthorizationRequest,
    /// All others, of which it matters only that they are there.
    #[serde(flatten)]
    others: BTreeMap<String, Option<IgnoredAny>>,
}

/// No honest nonce or hint is longer, and every byte is stored and billed.
pub(super) const MAX_PARAMETER: usize = 1024;

/// It is most of a `Location`, and API Gateway passes on 10,240 bytes of headers in all.
const MAX_REDIRECT_URI: usize = 2048;

/// What is kept of a hint on the way to a provider. A longer one would be dropped there.
const MAX_ACR_VALUES: usize = 254;

/// A silent sign-in.
const NONE: &str = "none";

/// What a provider may be told to ask (OIDC Core 3.1.2.1).
const PROMPTS: &[&str] = &["login", "select_account", "consent"];

/// Members that change what a login is, and are not supported: the code of their refusal (OIDC Core 3.1.2.6 where it has
/// one), and what would be right. Without the refusal, an application would believe that it got what it asked for.
const UNSUPPORTED: &[(&str, Code, &str)] = &[
    ("max_age", Code::InvalidRequest, "is not supported; prompt: login has the provider ask the user again"),
    ("request", Code::RequestNotSupported, "is not supported; write its members into the request itself"),
    ("request_uri", Code::RequestUriNotSupported, "is not supported; write its members into the request itself"),
    ("response_mode", Code::InvalidRequest, "is not supported; the code is in the answer that completes the session"),
    ("claims", Code::InvalidRequest, "is not supported; scope says which claims the ID token has"),
    ("id_token_hint", Code::InvalidRequest, "is not supported; login_hint says who is expected"),
    ("registration", Code::RegistrationNotSupported, "is not supported; a client document registers the application"),
    ("display", Code::InvalidRequest, "is not supported; the application shows the steps itself"),
];

impl Requested {
    /// Refuses what `client` may not ask for, and what no client may.
    pub(super) fn check(&self, client: &Client) -> Result<(), JourneyError> {
        let request = &self.kept;
        // First: whatever else is wrong must not be told to an address that is not the client's.
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
        // RFC 7636 section 4.2: base64url of a SHA-256. `plain`, or no method at all, which means plain, is no protection.
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
    // OIDC Core 3.1.2.6: the answer to a silent request of a user who is not signed in.
    if prompt == NONE {
        return refused(Code::LoginRequired, "none is not supported: no user can be signed in silently; leave it out");
    }
    let words: Vec<_> = prompt.split(' ').collect();
    let is_repeated = |word| words.iter().filter(|other| *other == word).count() > 1;
    if words.iter().any(|word| !PROMPTS.contains(word) || is_repeated(word)) {
        return refused(
            Code::InvalidRequest,
            "is not a list of login, select_account and consent, each once, with one blank between them",
        );
    }
    Ok(())
}

fn check_acr_values(values: &str) -> Result<(), JourneyError> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if values.len() <= MAX_ACR_VALUES && values.split(' ').all(is_word) {
        return Ok(());
    }
    let problem = "is not a list of words of ASCII with one blank between them, of at most 254 bytes in all";
    Err(JourneyError::Member { code: Code::InvalidRequest, member: "acr_values", problem })
}
