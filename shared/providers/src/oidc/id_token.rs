//! The ID token, clause by clause (OIDC Core 3.1.3.7).
//!
//! openidconnect verifies the signature, issuer, audience and expiry; what it leaves open is decided here: which
//! algorithms, `azp`, `nbf`, an `iat` in the future, times that are no whole numbers, names that appear twice.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::json;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm};
use openidconnect::{ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError};
use serde_json::{Map, Value};

use super::Vouched;
use super::discovery::Metadata;
use super::keys::Keys;
use crate::{Check, Cx, ProviderError, Stage};

/// How far a provider's clock may differ from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// The algorithms that are taken, whatever the provider advertises: asymmetric ones only. A shared secret would let
/// whoever knows a client secret sign, and makes a public key one.
const ALGORITHMS: &[(&str, CoreJwsSigningAlgorithm)] = &[
    ("RS256", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
    ("RS384", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384),
    ("RS512", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512),
    ("PS256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
    ("PS384", CoreJwsSigningAlgorithm::RsaSsaPssSha384),
    ("PS512", CoreJwsSigningAlgorithm::RsaSsaPssSha512),
    ("ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
    ("ES384", CoreJwsSigningAlgorithm::EcdsaP384Sha384),
    ("EdDSA", CoreJwsSigningAlgorithm::EdDsa),
];

/// Who `token` is about. Tokens of a direct grant carry no nonce: nobody but the token endpoint could have put them in
/// our hands.
pub(crate) async fn verify(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client_id: &str,
    token: &str,
) -> Result<Vouched, ProviderError> {
    let unverified = Unverified::read(token)?;
    // Before any key is fetched: a token that could never be good costs no call.
    unverified.check_header()?;
    unverified.check_times(cx.now())?;
    let keys = cx.providers.issuers.keys(cx, metadata, unverified.kid()?).await?;
    check_signed(cx.now(), &metadata.issuer, client_id, &keys, token)?;
    unverified.into_vouched(&metadata.issuer, client_id)
}

fn refused(check: Check) -> ProviderError {
    Stage::IdToken.refused(check)
}

/// A token that has been read and not believed.
struct Unverified {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Unverified {
    /// A JWS in compact form (RFC 7515 section 7.1) that says nothing twice.
    fn read(token: &str) -> Result<Self, ProviderError> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refused(Check::Format));
        };
        Ok(Self { header: part(header)?, claims: part(claims)? })
    }

    fn check_header(&self) -> Result<(), ProviderError> {
        let algorithm = self.header.get("alg").and_then(Value::as_str);
        if !ALGORITHMS.iter().any(|(name, _)| algorithm == Some(name)) {
            return Err(refused(Check::Algorithm));
        }
        // Extensions that change what is signed (RFC 7515 section 4.1.11, RFC 7797). Keys and addresses of keys in the
        // header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at by anybody.
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return Err(refused(Check::Header));
        }
        // A logout token is signed by the same keys for the same audience (Back-Channel Logout 1.0 section 2.4).
        if self.claims.contains_key("events") {
            return Err(refused(Check::Header));
        }
        Ok(())
    }

    fn kid(&self) -> Result<Option<&str>, ProviderError> {
        match self.header.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) => Ok(Some(kid)),
            Some(_) => Err(refused(Check::Header)),
        }
    }

    fn check_times(&self, now: DateTime<Utc>) -> Result<(), ProviderError> {
        let latest = (now + LEEWAY).timestamp();
        let earliest = (now - LEEWAY).timestamp();
        let time =
            |name: &str| self.claims.get(name).map(|value| value.as_u64().and_then(|time| i64::try_from(time).ok()));
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

    /// The claims, once the signature over them has been verified.
    fn into_vouched(self, issuer: &str, client_id: &str) -> Result<Vouched, ProviderError> {
        // Clause 5. openidconnect leaves it to its users.
        if self.claims.get("azp").is_some_and(|party| party.as_str() != Some(client_id)) {
            return Err(refused(Check::AuthorizedParty));
        }
        Vouched::new(Stage::IdToken, issuer, self.claims)
    }
}

fn part(text: &str) -> Result<Map<String, Value>, ProviderError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused(Check::Format))?;
    json::object(&bytes).map_err(|error| match error {
        json::JsonError::Malformed => refused(Check::Format),
        json::JsonError::Ambiguous => refused(Check::Json),
    })
}

/// Signature, issuer, audience (others beside us refused), expiry.
fn check_signed(
    now: DateTime<Utc>,
    issuer: &str,
    client_id: &str,
    keys: &Keys,
    token: &str,
) -> Result<(), ProviderError> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| refused(Check::Issuer))?;
    let earliest = now - LEEWAY;
    // As a public client: the client secret is no key here, whatever `alg` says.
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new(client_id.to_owned()), issuer, keys.set())
        .set_allowed_algs(ALGORITHMS.iter().map(|(_, algorithm)| algorithm.clone()))
        .set_other_audience_verifier_fn(|_| false)
        .set_time_fn(move || earliest);

    let token = CoreIdToken::from_str(token).map_err(|_| refused(Check::Format))?;
    let any_nonce = |_: Option<&Nonce>| Ok(());
    token.claims(&verifier, any_nonce).map(|_| ()).map_err(|error| refused(failed_check(&error)))
}

fn failed_check(error: &ClaimsVerificationError) -> Check {
    match error {
        ClaimsVerificationError::InvalidIssuer(_) => Check::Issuer,
        ClaimsVerificationError::InvalidAudience(_) => Check::Audience,
        ClaimsVerificationError::Expired(_) => Check::Expired,
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
