//! The ID token, clause by clause (OIDC Core 3.1.3.7). Strict about what decides: `iss`, `sub`, `aud`, `azp`, `exp`, `iat`,
//! `nbf`, `nonce`, `alg` and the key. Blind to the rest: a claim that decides nothing refuses no login.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::Nonce;
use serde_json::{Map, Value};

use super::VerifiedClaims;
use super::discovery::Metadata;
use super::jws::{Expected, Unverified};
use crate::{Check, Cx, ProviderError, Stage};

/// How far a provider's clock may differ from ours.
pub(crate) const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Who `token` is about. Without a `nonce` none is asked for: tokens of a direct grant carry none, and only the token
/// endpoint can have put them into our hands.
pub(crate) async fn verify(
    cx: &Cx<'_>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    nonce: Option<&Nonce>,
    token: &str,
) -> Result<VerifiedClaims, ProviderError> {
    let token = Unverified::read(Stage::IdToken, token)?;
    // Before any key is fetched: a token that could never be good costs no call. Clauses 7 and 8.
    let algorithm = token.check_header(expected.algorithms)?;
    check_claims(&token.claims, metadata, expected, nonce, cx.now())?;
    // Clause 6.
    cx.providers.issuers.verify(cx, metadata.jwks_uri()?, &token, algorithm).await?;
    VerifiedClaims::new(Stage::IdToken, &metadata.issuer_key, token.claims)
}

fn refused(check: Check) -> ProviderError {
    Stage::IdToken.refused(check)
}

pub(super) fn check_claims(
    claims: &Map<String, Value>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    nonce: Option<&Nonce>,
    now: DateTime<Utc>,
) -> Result<(), ProviderError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // Clause 2.
    if !metadata.is_issuer_of(claims) {
        return Err(refused(Check::Issuer));
    }
    check_audience(claims, expected)?;
    check_times(claims, now)?;
    // Clause 11. `Nonce` compares hashes, so the time a comparison takes tells nothing.
    match nonce {
        Some(sent) if text("nonce").map(|found| Nonce::new(found.to_owned())).as_ref() != Some(sent) => {
            Err(refused(Check::Nonce))
        }
        _ => Ok(()),
    }
}

/// Clauses 3 to 5.
fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderError> {
    let audiences = match claims.get("aud") {
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(Value::Array(all)) => all,
        _ => return Err(refused(Check::Audience)),
    };
    let is_us = |audience: &Value| audience.as_str() == Some(expected.client_id);
    let is_trusted = |audience: &Value| expected.trusted_audiences.iter().any(|trusted| audience == trusted);
    if !audiences.iter().any(is_us) || !audiences.iter().all(|audience| is_us(audience) || is_trusted(audience)) {
        return Err(refused(Check::Audience));
    }
    match claims.get("azp") {
        Some(party) if is_us(party) => Ok(()),
        None if audiences.iter().all(is_us) => Ok(()),
        _ => Err(refused(Check::AuthorizedParty)),
    }
}

/// Clauses 9 and 10, and `nbf` (RFC 7519 section 4.1.5).
fn check_times(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(), ProviderError> {
    let latest = (now + LEEWAY).timestamp();
    let earliest = (now - LEEWAY).timestamp();
    let (Some(Some(expires)), Some(Some(issued))) = (time(claims, "exp", f64::floor), time(claims, "iat", f64::ceil))
    else {
        return Err(refused(Check::Format));
    };
    let valid_from = match time(claims, "nbf", f64::ceil) {
        None => issued,
        Some(time) => time.ok_or_else(|| refused(Check::Format))?,
    };
    if expires <= earliest {
        return Err(refused(Check::Expired));
    }
    if issued.max(valid_from) > latest { Err(refused(Check::NotYetValid)) } else { Ok(()) }
}

/// A NumericDate (RFC 7519 section 2), which may be a fraction: rounded against the bearer. `Some(None)` for text, negative
/// numbers and what no clock shows, which parsers read as they like.
pub(crate) fn time(claims: &Map<String, Value>, name: &str, round: fn(f64) -> f64) -> Option<Option<i64>> {
    /// Whole seconds up to here are exact in both kinds of number.
    const LAST: f64 = 9_007_199_254_740_992.0;
    let value = claims.get(name)?;
    let whole = value.as_u64().and_then(|seconds| i64::try_from(seconds).ok());
    let fraction = || value.as_f64().filter(|seconds| (0.0..LAST).contains(seconds));
    #[expect(clippy::cast_possible_truncation, reason = "within the bounds of whole numbers, and rounded")]
    let rounded = || fraction().map(|seconds| round(seconds) as i64);
    Some(whole.or_else(rounded))
}

#[cfg(test)]
mod tests;
