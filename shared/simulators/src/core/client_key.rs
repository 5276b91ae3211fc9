//! The keys that clients sign assertions with, as they are registered, and how an assertion is checked (RFC 7523 section 3).

use std::collections::BTreeSet;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use super::server::Call;

/// The only `client_assertion_type` there is for JWTs.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion may be good, in seconds.
const LONGEST: i64 = 300;

/// A public key or a certificate, in PEM.
#[derive(Clone)]
pub(crate) struct ClientKey(String);

/// What a provider demands of a secret that a client signs itself, with ES256.
#[derive(Debug, Clone, Copy)]
pub struct SignedSecret {
    /// `iss`.
    pub issuer: &'static str,
    /// `kid` of the header.
    pub key_id: &'static str,
    /// `aud`.
    pub audience: &'static str,
    /// How long it may be good from now on, in seconds.
    pub longest: i64,
}

/// The assertions received, by client and `jti`: each is accepted once.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeSet<(String, String)>);

impl ClientKey {
    pub(crate) fn new(pem: &str) -> Self {
        Self(pem.to_owned())
    }

    /// Whether the call brings an assertion of `client`'s, for one of these audiences, that has not come before; otherwise
    /// what is wrong with it.
    pub(crate) fn check(
        &self,
        call: &Call<'_>,
        client: &str,
        audiences: &[String],
        seen: &mut Seen,
    ) -> Result<(), &'static str> {
        if call.form.text("client_assertion_type").as_deref() != Some(TYPE) {
            return Err("no client_assertion_type");
        }
        let assertion = call.form.text("client_assertion").ok_or("no client_assertion")?;
        let (message, signature) = assertion.rsplit_once('.').ok_or("no JWT")?;
        let (header, claims) = message.split_once('.').ok_or("no JWT")?;
        let (header, claims) = (part(header).ok_or("no JWT")?, part(claims).ok_or("no JWT")?);
        if !self.has_signed(&header, message, signature) {
            return Err("wrong signature");
        }
        let is = |name: &str, value: &str| claims[name].as_str() == Some(value);
        if !is("iss", client) || !is("sub", client) {
            return Err("another client's");
        }
        // A text, not a list: an assertion for several audiences could be used at each of them.
        if !audiences.iter().any(|audience| is("aud", audience)) {
            return Err("wrong audience");
        }
        let left = claims["exp"].as_i64().ok_or("no exp")? - call.now.timestamp();
        if !(1..=LONGEST).contains(&left) || claims["iat"].as_i64().is_some_and(|at| at > call.now.timestamp()) {
            return Err("not valid now");
        }
        let id = claims["jti"].as_str().ok_or("no jti")?;
        if seen.0.insert((client.to_owned(), id.to_owned())) { Ok(()) } else { Err("used before") }
    }

    /// Whether `secret` is one that `client` has signed, and is good now.
    pub(crate) fn has_signed_secret(
        &self,
        secret: &str,
        client: &str,
        demanded: &SignedSecret,
        now: DateTime<Utc>,
    ) -> bool {
        let found = || {
            let (message, signature) = secret.rsplit_once('.')?;
            let (header, claims) = message.split_once('.')?;
            let (header, claims) = (part(header)?, part(claims)?);
            let is = |name: &str, value: &str| claims[name].as_str() == Some(value);
            let names = is("iss", demanded.issuer) && is("sub", client) && is("aud", demanded.audience);
            let left = claims["exp"].as_i64()? - now.timestamp();
            let is_good = (1..=demanded.longest).contains(&left) && claims["iat"].as_i64()? <= now.timestamp();
            let is_named = header["kid"].as_str() == Some(demanded.key_id) && header["alg"] == "ES256";
            Some(names && is_good && is_named && self.has_signed(&header, message, signature))
        };
        found().unwrap_or(false)
    }

    /// Whether the call's assertion names the registered certificate by its thumbprint (RFC 7515 sections 4.1.7 and 4.1.8),
    /// or by both that there are; a public key has none.
    pub(crate) fn is_named(&self, call: &Call<'_>) -> bool {
        let Some(der) = certificate(&self.0) else { return true };
        let assertion = call.form.text("client_assertion").unwrap_or_default();
        let header = assertion.split('.').next().and_then(part).unwrap_or_default();
        let named = [("x5t", &SHA1_FOR_LEGACY_USE_ONLY), ("x5t#S256", &SHA256)].map(|(name, hash)| {
            let right = URL_SAFE_NO_PAD.encode(digest::digest(hash, &der));
            header.get(name).map(|thumbprint| *thumbprint == right)
        });
        let named: Vec<bool> = named.into_iter().flatten().collect();
        !named.is_empty() && !named.contains(&false)
    }

    fn has_signed(&self, header: &Value, message: &str, signature: &str) -> bool {
        let (algorithm, key) = match header["alg"].as_str() {
            Some("RS256") => (Algorithm::RS256, DecodingKey::from_rsa_pem(self.0.as_bytes())),
            Some("PS256") => (Algorithm::PS256, DecodingKey::from_rsa_pem(self.0.as_bytes())),
            Some("ES256") => (Algorithm::ES256, DecodingKey::from_ec_pem(self.0.as_bytes())),
            _ => return false,
        };
        let verified = key.and_then(|key| crypto::verify(signature, message.as_bytes(), &key, algorithm));
        verified.unwrap_or(false)
    }
}

fn certificate(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
