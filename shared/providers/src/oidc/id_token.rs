//! The ID token, clause by clause (OIDC Core 3.1.3.7).
//!
//! openidconnect verifies the signature, issuer, audience and expiry; what it leaves open is decided here: which
//! algorithms, `azp`, `nbf`, an `iat` in the future, times that are no whole numbers, names that appear twice.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::CoreIdToken;
use openidconnect::{ClaimsVerificationError, ClientId, IdTokenVerifier, IssuerUrl, Nonce, SignatureVerificationError};

use super::VerifiedClaims;
use super::discovery::Metadata;
use super::jws::{Expected, Unverified};
use super::keys::Keys;
use crate::{Check, Cx, ProviderError, Stage};

/// How far a provider's clock may differ from ours.
pub(super) const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Who `token` is about. Without a `nonce` none is asked for: tokens of a direct grant carry none, and nobody but the
/// token endpoint could have put them in our hands.
pub(crate) async fn verify(
    cx: &Cx<'_>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    nonce: Option<&Nonce>,
    token: &str,
) -> Result<VerifiedClaims, ProviderError> {
    let unverified = Unverified::read(Stage::IdToken, token)?;
    // Before any key is fetched: a token that could never be good costs no call.
    unverified.check_header(expected.algorithms)?;
    check_times(&unverified, cx.now())?;
    let keys = cx.providers.issuers.keys(cx, &metadata.jwks_uri, unverified.kid()?).await?;
    check_signed(cx.now(), &metadata.issuer, expected, nonce, &keys, token)?;

    // Clause 5. openidconnect leaves it to its users.
    if unverified.claims.get("azp").is_some_and(|party| party.as_str() != Some(expected.client_id)) {
        return Err(refused(Check::AuthorizedParty));
    }
    VerifiedClaims::new(Stage::IdToken, &metadata.issuer, unverified.claims)
}

fn refused(check: Check) -> ProviderError {
    Stage::IdToken.refused(check)
}

fn check_times(token: &Unverified<'_>, now: DateTime<Utc>) -> Result<(), ProviderError> {
    let latest = (now + LEEWAY).timestamp();
    let earliest = (now - LEEWAY).timestamp();
    let time =
        |name: &str| token.claims.get(name).map(|value| value.as_u64().and_then(|time| i64::try_from(time).ok()));
    // Whole seconds, not text, fractions or negative numbers, which parsers round as they like.
    let (Some(Some(expires)), Some(Some(issued))) = (time("exp"), time("iat")) else {
        return Err(refused(Check::Format));
    };
    let valid_from = match time("nbf") {
        None => issued,
        Some(time) => time.ok_or_else(|| refused(Check::Format))?,
    };
    if expires <= earliest {
        return Err(refused(Check::Expired));
    }
    if issued.max(valid_from) > latest { Err(refused(Check::NotYetValid)) } else { Ok(()) }
}

/// Signature, issuer, audience (others beside us refused), expiry, nonce.
fn check_signed(
    now: DateTime<Utc>,
    issuer: &str,
    expected: &Expected<'_>,
    nonce: Option<&Nonce>,
    keys: &Keys,
    token: &str,
) -> Result<(), ProviderError> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| refused(Check::Issuer))?;
    let earliest = now - LEEWAY;
    // As a public client: the client secret is no key here, whatever `alg` says.
    let client_id = ClientId::new(expected.client_id.to_owned());
    let verifier = IdTokenVerifier::new_public_client(client_id, issuer, keys.set())
        .set_allowed_algs(expected.algorithms.iter().map(|algorithm| algorithm.core().clone()))
        .set_other_audience_verifier_fn(|_| false)
        .set_time_fn(move || earliest);

    let token = CoreIdToken::from_str(token).map_err(|_| refused(Check::Format))?;
    // `Nonce` compares hashes, so the time a comparison takes tells nothing.
    let same = |found: Option<&Nonce>| match nonce {
        Some(sent) if found != Some(sent) => Err(String::new()),
        _ => Ok(()),
    };
    token.claims(&verifier, same).map(|_| ()).map_err(|error| refused(failed_check(&error)))
}

fn failed_check(error: &ClaimsVerificationError) -> Check {
    match error {
        ClaimsVerificationError::InvalidIssuer(_) => Check::Issuer,
        ClaimsVerificationError::InvalidAudience(_) => Check::Audience,
        ClaimsVerificationError::Expired(_) => Check::Expired,
        ClaimsVerificationError::InvalidNonce(_) => Check::Nonce,
        ClaimsVerificationError::Unsupported(_) => Check::Header,
        ClaimsVerificationError::SignatureVerification(error) => match error {
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_)
            | SignatureVerificationError::NoSignature => Check::Algorithm,
            SignatureVerificationError::NoMatchingKey
            | SignatureVerificationError::InvalidKey(_)
            | SignatureVerificationError::AmbiguousKeyId(_) => Check::Key,
            _ => Check::Signature,
        },
        _ => Check::Format,
    }
}

#[cfg(test)]
mod tests;
