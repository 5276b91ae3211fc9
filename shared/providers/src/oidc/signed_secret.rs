//! Client secrets that the client signs itself: a JWT that says who it is for a while, sent where others send a shared secret.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::identity::hash_parts;
use domain::{AssertionAlgorithm, ConnectorClient};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::assertion::PrivateKey;
use super::id_token::LEEWAY;
use crate::{Cx, ProviderError, Stage};

/// For how long one is good.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// For how long it is used: a provider whose clock is fast by minutes still takes it.
const USED: TimeDelta = TimeDelta::minutes(30);

const NO_KEY: ProviderError = Stage::ClientAuthentication.misconfigured(
    "the secret that client.secret names is no private key on the curve P-256, with which the client secret is signed: store the key \
     as the provider gave it (-----BEGIN PRIVATE KEY-----), or leave settings.key_id out if it is a client secret that is signed \
     already",
);

/// Who signs a client secret, and for whom: with ES256, by the private key in the place of the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSecret {
    /// `iss`: whom the provider gave the key.
    pub issuer: String,
    /// `kid`: how the provider calls the key.
    pub key_id: String,
    /// `aud`: the provider.
    pub audience: &'static str,
}

/// The secrets that were signed last, in the function's memory.
#[derive(Default)]
pub(crate) struct SignedSecrets(Mutex<BTreeMap<String, Signed>>);

struct Signed {
    secret: SecretString,
    at: DateTime<Utc>,
}

impl Signed {
    /// A clock that went back makes things old, not young for ever.
    fn is_used(&self, now: DateTime<Utc>) -> bool {
        (now - self.at).abs() < USED
    }
}

impl SignedSecrets {
    /// The secret of `client` that this `key` (PEM) has signed: the last one, or a new one long before that ends.
    pub(crate) fn of(
        &self,
        cx: &Cx<'_>,
        client: &ConnectorClient,
        key: &SecretString,
        by: &SignedSecret,
    ) -> Result<SecretString, ProviderError> {
        let now = cx.now();
        let mut signed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signed.retain(|_, signed| signed.is_used(now));
        let name = hash_parts(&[&client.id, &by.issuer, &by.key_id, by.audience, key.expose_secret()]);
        if let Some(last) = signed.get(&name) {
            return Ok(last.secret.clone());
        }
        // A provider whose clock is slow takes it too.
        let issued = now - LEEWAY;
        let claims = json!({
            "iss": by.issuer,
            "sub": client.id,
            "aud": by.audience,
            "iat": issued.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
        });
        let key = PrivateKey::read(key).map_err(|_| NO_KEY)?;
        let secret = key.sign(Some(AssertionAlgorithm::Es256), Some(&by.key_id), &claims).map_err(|_| NO_KEY)?;
        signed.insert(name, Signed { secret: secret.clone(), at: now });
        Ok(secret)
    }
}

impl fmt::Debug for SignedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedSecrets")
    }
}
