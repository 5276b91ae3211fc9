//! Verifying our own tokens, as any application should: by the issuer's published keys, with the algorithm, type,
//! issuer, audience and times checked one by one.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::issue::{ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE};

/// Which of our tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For the application: `typ` is `JWT`, `aud` its client id.
    IdToken,
    /// For an API: `typ` is `at+jwt` (RFC 9068), `aud` the API.
    AccessToken,
}

/// What a token must be to be accepted.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Which of the two: each is refused where the other is expected.
    pub kind: TokenKind,
    /// Who signed it: known beforehand, never taken from the token.
    pub issuer: &'a str,
    /// For whom it is.
    pub audience: &'a str,
}

/// Why a token is refused. Names the check, never the token's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// No signed JWT.
    #[error("this is not a signed JWT")]
    Malformed,
    /// An ID token where an access token is expected, or the reverse.
    #[error("this is a token of another type")]
    Type,
    /// Not ES256.
    #[error("the token is signed with another algorithm")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature is wrong")]
    Signature,
    /// From somebody else.
    #[error("the token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Too late.
    #[error("the token has expired")]
    Expired,
    /// Too early: made more than a minute in the future.
    #[error("the token is from the future")]
    FromTheFuture,
}

/// The claims of a token that is all it must be.
pub struct Verified(pub Map<String, Value>);

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified")
    }
}

/// Clocks may differ by a minute.
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
    // `jku`, `jwk`, `x5u` and `x5c` of the header are never looked at.
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
