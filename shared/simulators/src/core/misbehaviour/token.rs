//! ID tokens that are wrong in one respect.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Misbehaviour, OTHER_ISSUER, WRONG_PARTY, put_over};
use crate::core::signer::{self, ShortKey, SignError, SigningKey};

/// Stands for a number that `serde_json` cannot hold until the claims are text.
const BEYOND_F64: &str = "1e400";
/// What back-channel logout is about (OIDC Back-Channel Logout 1.0 section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl Misbehaviour {
    /// Changes the claims of an ID token; `now` in seconds.
    pub(crate) fn spoil_claims(&self, claims: &mut Map<String, Value>, now: i64) {
        let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
        match self {
            Self::Claims(over) => {
                put_over(claims, over);
                None
            }
            Self::WrongIssuer => set("iss", json!(OTHER_ISSUER)),
            Self::WrongAudience => set("aud", json!(WRONG_PARTY)),
            Self::SeveralAudiences => {
                let client = claims.get("aud").cloned();
                claims.insert("azp".into(), json!(client));
                claims.insert("aud".into(), json!([client, WRONG_PARTY]))
            }
            Self::WrongAuthorizedParty => set("azp", json!(WRONG_PARTY)),
            Self::Expired => {
                set("iat", json!(now - 3_900));
                set("exp", json!(now - 3_600))
            }
            Self::IssuedInTheFuture => {
                set("iat", json!(now + 3_600));
                set("exp", json!(now + 3_900))
            }
            Self::NotYetValid => {
                set("nbf", json!(now + 3_600));
                set("exp", json!(now + 3_900))
            }
            Self::ExpiryAsText => set("exp", json!((now + 300).to_string())),
            Self::ExpiryAsFraction => set("exp", json!(now as f64 + 300.5)),
            Self::ExpiryNegative => set("exp", json!(-(now + 300))),
            Self::ExpiryBeyondNumbers => set("exp", json!(BEYOND_F64)),
            Self::NoExpiry => claims.remove("exp"),
            Self::NoIssuedAt => claims.remove("iat"),
            Self::WrongNonce => set("nonce", json!(WRONG_PARTY)),
            Self::NoNonce => claims.remove("nonce"),
            Self::NoSubject => claims.remove("sub"),
            Self::LogoutToken => {
                claims.retain(|name, _| matches!(name.as_str(), "iss" | "aud" | "sub" | "sid" | "iat" | "jti"));
                claims.insert("exp".into(), json!(now + 120));
                claims.insert("events".into(), json!({ LOGOUT_EVENT: {} }));
                claims.insert("typ".into(), json!("Logout"))
            }
            _ => None,
        };
    }

    /// Signs an ID token as it should not be; `None` where the signature is not what is wrong.
    pub(crate) fn sign(
        &self,
        owner: &str,
        key: &SigningKey,
        client_secret: &str,
        payload: &str,
    ) -> Option<Result<String, SignError>> {
        let with = |changed: &[(&str, Value)]| {
            let mut header = key.header();
            if let Some(header) = header.as_object_mut() {
                put_over(header, &changed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
            }
            header
        };
        Some(match self {
            Self::ForgedSignature => key.forged().sign(payload),
            Self::AlteredPayload => key.sign(payload).map(|token| altered(&token, payload)),
            Self::UnknownKey => SigningKey::foreign().sign(payload),
            Self::EncryptionKey => SigningKey::encryption(owner).sign(payload),
            Self::ShortKeySignature => Ok(ShortKey::sign(&key.header(), payload)),
            Self::EmbeddedKey => embedded_key().and_then(|header| SigningKey::foreign().sign_under(&header, payload)),
            Self::Unsigned => Ok(signer::unsigned(payload)),
            Self::UnsignedAs(algorithm) => Ok(signer::unsigned_under(&with(&[("alg", json!(algorithm))]), payload)),
            Self::EmptySignature => Ok(signer::unsigned_under(&key.header(), payload)),
            Self::HmacWithPublicKey => signer::sign_hs256(key.kid(), key.public_pem().as_bytes(), payload),
            Self::HmacWithClientSecret => signer::sign_hs256(key.kid(), client_secret.as_bytes(), payload),
            Self::NoKid => key.sign_under(&with(&[("kid", Value::Null)]), payload),
            Self::KidIsAPath => key.sign_under(&with(&[("kid", json!("../../../../../../dev/null"))]), payload),
            Self::KidIsHuge => key.sign_under(&with(&[("kid", json!("k".repeat(1_000_000)))]), payload),
            Self::KidIsAList => key.sign_under(&with(&[("kid", json!([key.kid()]))]), payload),
            Self::UnknownCritical => {
                let unknown = "https://attacker.example/unknown";
                key.sign_under(&with(&[("crit", json!([unknown])), (unknown, json!(true))]), payload)
            }
            Self::UnencodedPayload => {
                key.sign_under(&with(&[("crit", json!(["b64"])), ("b64", json!(false))]), payload)
            }
            Self::LogoutToken => key.sign_under(&with(&[("typ", json!("logout+jwt"))]), payload),
            Self::ExpiryBeyondNumbers => key.sign(&payload.replacen(&format!("\"{BEYOND_F64}\""), BEYOND_F64, 1)),
            Self::DuplicateClaims => key.sign(&payload.replacen('{', &format!(r#"{{"sub":"{WRONG_PARTY}","#), 1)),
            Self::GarbageIdToken => Ok("bm90.YQ.dG9rZW4".to_owned()),
            _ => return None,
        })
    }
}

/// The token of a payload, with another subject in it.
fn altered(token: &str, payload: &str) -> String {
    let mut claims: Value = serde_json::from_str(payload).unwrap_or_default();
    claims["sub"] = json!(WRONG_PARTY);
    token.replacen(&URL_SAFE_NO_PAD.encode(payload), &URL_SAFE_NO_PAD.encode(claims.to_string()), 1)
}

/// A header that brings its own key, in every way there is (RFC 7515 section 4.1.2 to 4.1.6).
fn embedded_key() -> Result<Value, SignError> {
    let key = SigningKey::foreign();
    let mut header = key.header();
    header["jwk"] = key.jwk()?;
    header["jku"] = json!("https://attacker.example/jwks.json");
    header["x5u"] = json!("https://attacker.example/certificate.pem");
    header["x5c"] = json!([signer::foreign_certificate()]);
    Ok(header)
}
