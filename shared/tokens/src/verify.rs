//! Verification of our own tokens, as any application should do it: with the issuer's published keys, and with checks
//! of algorithm, type, issuer, audience and times.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::issue::{ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE};

/// The kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For the application: `typ` is `JWT`, `aud` its client id.
    IdToken,
    /// For an API: `typ` is `at+jwt` (RFC 9068), `aud` the API.
    AccessToken,
}

/// The expected properties of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The kind. A token of the other kind is refused.
    pub kind: TokenKind,
    /// The issuer, which must be known beforehand and never taken from the token.
    pub issuer: &'a str,
    /// The audience.
    pub audience: &'a str,
}

/// Why a token is refused. Names the failed check, never the token's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The text is not a signed JWT.
    #[error("this is not a signed JWT")]
    Malformed,
    /// An ID token where an access token is expected, or the reverse.
    #[error("this is a token of another type")]
    Type,
    /// Not ES256.
    #[error("the token is signed with another algorithm")]
    Algorithm,
    /// The issuer does not publish this key.
    #[error("the token is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The issuer is wrong.
    #[error("the token is from another issuer")]
    Issuer,
    /// The audience is wrong.
    #[error("the token is for another audience")]
    Audience,
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token was issued more than a minute in the future.
    #[error("the token was issued in the future: check the clocks")]
    FromTheFuture,
}

/// The claims of a verified token.
pub struct Verified(pub Map<String, Value>);

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified")
    }
}

/// The tolerated difference between clocks.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Verifies `token` with the issuer's published `keys`.
pub fn verify(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
    now: DateTime<Utc>,
) -> Result<Verified, VerifyError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Malformed)?;
    if header.alg != Algorithm::ES256 {
        return Err(VerifyError::Algorithm);
    }
    let typ = match expected.kind {
        TokenKind::IdToken => ID_TOKEN_TYPE,
        TokenKind::AccessToken => ACCESS_TOKEN_TYPE,
    };
    if header.typ.as_deref() != Some(typ) {
        return Err(VerifyError::Type);
    }
    // Never use `jku`, `jwk`, `x5u` or `x5c` of the header: an attacker could name their own key there.
    let jwk = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(VerifyError::UnknownKey)?;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| VerifyError::UnknownKey)?;
    let mut signature_only = Validation::new(Algorithm::ES256);
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    signature_only.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &signature_only)
        .map_err(|_| VerifyError::Signature)?
        .claims;

    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(VerifyError::Issuer);
    }
    if claims.get("aud").and_then(Value::as_str) != Some(expected.audience) {
        return Err(VerifyError::Audience);
    }
    let time = |name| claims.get(name).and_then(Value::as_i64);
    if time("exp").is_none_or(|exp| now.timestamp() >= exp.saturating_add(LEEWAY.num_seconds())) {
        return Err(VerifyError::Expired);
    }
    if time("iat").is_none_or(|iat| iat > (now + LEEWAY).timestamp()) {
        return Err(VerifyError::FromTheFuture);
    }
    Ok(Verified(claims))
}
