//! PKCE (RFC 7636).

use super::signer;

/// What PKCE is to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// The verifier has to fit the challenge.
    Checked,
    /// Parameters that it does not know, and ignores.
    Ignored,
    /// A verifier makes it refuse the code.
    Refused,
}

/// The half of PKCE that comes with the authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// What the verifier has to be, or to have as its SHA-256.
    value: String,
    hashed: bool,
}

impl Challenge {
    /// A challenge that is the verifier.
    pub(crate) fn plain(value: String) -> Result<Self, &'static str> {
        Self::of(value, false)
    }

    /// A challenge that is the verifier's hash.
    pub(crate) fn s256(value: String) -> Result<Self, &'static str> {
        Self::of(value, true)
    }

    fn of(value: String, hashed: bool) -> Result<Self, &'static str> {
        if is_well_formed(&value) { Ok(Self { value, hashed }) } else { Err("Invalid parameter: code_challenge") }
    }

    /// What is wrong with the verifier that came with a code, if anything is.
    pub(crate) fn check(challenge: Option<&Self>, verifier: Option<&str>) -> Result<(), WrongVerifier> {
        match (challenge, verifier) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(WrongVerifier::Unasked),
            (Some(_), None) => Err(WrongVerifier::Missing),
            (Some(_), Some(verifier)) if !is_well_formed(verifier) => Err(WrongVerifier::Malformed),
            (Some(challenge), Some(verifier)) if !challenge.accepts(verifier) => Err(WrongVerifier::Mismatch),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    fn accepts(&self, verifier: &str) -> bool {
        self.value == if self.hashed { signer::s256(verifier) } else { verifier.to_owned() }
    }
}

/// Why a verifier is not the right one (section 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongVerifier {
    /// There was no challenge.
    Unasked,
    Missing,
    Malformed,
    Mismatch,
}

/// RFC 7636 section 4.1.
fn is_well_formed(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}
