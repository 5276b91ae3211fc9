//! What a client signs with a private key to say who it is: JWTs by RFC 7523 section 3.

use std::fmt;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{AssertionAlgorithm, ConnectorClient};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{Cx, ProviderError, Stage};

/// `client_assertion_type` (RFC 7523 section 2.2).
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// In seconds. It is used at once; providers' clocks may differ by some of it.
const LIFETIME: i64 = 60;

const NO_KEY: ProviderError = Stage::ClientAuthentication.misconfigured(
    "private_key_jwt needs a private key, and the secret that client.secret names is not one: store the key in PEM \
     (-----BEGIN PRIVATE KEY-----, not encrypted)",
);
const OTHER_KEY: ProviderError = Stage::ClientAuthentication.misconfigured(
    "this kind of private key is not supported: it has to be an RSA key of 2048 to 8192 bits, or one on the curve \
     P-256",
);
const OTHER_CERTIFICATE: ProviderError = Stage::ClientAuthentication.misconfigured(
    "no certificate in the secret belongs to the private key: store the key with the certificate that the provider \
     has, or without any",
);
const OTHER_ALGORITHM: ProviderError = Stage::ClientAuthentication.misconfigured(
    "the private key cannot sign as client.token_endpoint_auth_signing_alg says: RS256 and PS256 need an RSA key, ES256 one on \
     P-256",
);

/// Whether a secret is a private key, which must never be sent.
pub(crate) fn is_private_key(secret: &SecretString) -> bool {
    secret.expose_secret().contains("PRIVATE KEY-----")
}

/// A private key, and the certificate by which the provider knows it, if any.
pub(crate) struct PrivateKey {
    pair: Pair,
    certificate: Option<CertificateDer<'static>>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl PrivateKey {
    /// Out of PEM (RFC 7468): the key in PKCS #8, or in the form OpenSSL gave it formerly, with certificates before or after
    /// it, or none.
    pub(crate) fn read(pem: &SecretString) -> Result<Self, ProviderError> {
        let pem = pem.expose_secret().as_bytes();
        let pair = Pair::read(&PrivateKeyDer::from_pem_slice(pem).map_err(|_| NO_KEY)?).ok_or(OTHER_KEY)?;
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| OTHER_CERTIFICATE)?;
        // A certificate holds its public key as it is here (RFC 5280 section 4.1.2.7), and those of its authorities others.
        let public = pair.public();
        let is_own = |certificate: &CertificateDer<'_>| certificate.windows(public.len()).any(|part| part == public);
        let found_any = !certificates.is_empty();
        let certificate = certificates.into_iter().find(is_own);
        if found_any && certificate.is_none() { Err(OTHER_CERTIFICATE) } else { Ok(Self { pair, certificate }) }
    }

    /// These claims as a JWT. Without an algorithm, the one that every provider takes of such a key.
    pub(crate) fn sign(
        &self,
        algorithm: Option<AssertionAlgorithm>,
        key_id: Option<&str>,
        claims: &Value,
    ) -> Result<SecretString, ProviderError> {
        let algorithm = algorithm.unwrap_or_else(|| self.pair.usual());
        let mut header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
        if let Some(key_id) = key_id {
            header["kid"] = json!(key_id);
        }
        if let Some(certificate) = &self.certificate {
            // RFC 7515 sections 4.1.7 and 4.1.8: some providers know the older one only.
            header["x5t"] = json!(encoded(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate)));
            header["x5t#S256"] = json!(encoded(digest::digest(&SHA256, certificate)));
        }
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.pair.sign(algorithm, message.as_bytes()).ok_or(OTHER_ALGORITHM)?;
        Ok(format!("{message}.{}", encoded(signature)).into())
    }
}

impl Pair {
    fn read(key: &PrivateKeyDer<'_>) -> Option<Self> {
        let p256 = |der| EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok().map(Self::P256);
        match key {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).ok().map(Self::Rsa),
            PrivateKeyDer::Sec1(key) => p256(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa).or_else(|| p256(der))
            }
            _ => None,
        }
    }

    /// As a certificate holds it.
    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }

    fn usual(&self) -> AssertionAlgorithm {
        match self {
            Self::Rsa(_) => AssertionAlgorithm::Rs256,
            Self::P256(_) => AssertionAlgorithm::Es256,
        }
    }

    fn sign(&self, algorithm: AssertionAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        let digest = digest::digest(&SHA256, message);
        let rsa = |pair: &RsaKeyPair, padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign_digest(padding, &digest, &mut signature).ok().map(|()| signature)
        };
        match (self, algorithm) {
            (Self::Rsa(pair), AssertionAlgorithm::Rs256) => rsa(pair, &RSA_PKCS1_SHA256),
            (Self::Rsa(pair), AssertionAlgorithm::Ps256) => rsa(pair, &RSA_PSS_SHA256),
            (Self::P256(pair), AssertionAlgorithm::Es256) => Some(pair.sign_digest(&digest).ok()?.as_ref().to_vec()),
            _ => None,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// Signs the assertion that authenticates `client` to `audience` (OIDC Core 9). It is valid once, and for this audience
/// only: a dishonest provider cannot use it at another one.
pub(super) fn of_client(
    cx: &Cx<'_>,
    client: &ConnectorClient,
    key: &PrivateKey,
    audience: &str,
) -> Result<SecretString, ProviderError> {
    let now = cx.now().timestamp();
    let claims = json!({
        "iss": client.id,
        "sub": client.id,
        "aud": audience,
        "jti": encoded(cx.entropy().bytes::<16>()),
        "iat": now,
        "exp": now + LIFETIME,
    });
    key.sign(client.token_endpoint_auth_signing_alg, client.key_id.as_deref(), &claims)
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
