//! The contents and signatures of tokens.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Session, SessionUser};
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use serde_json::Value;

use crate::{GrantError, Issuer};

/// The lifetimes of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// ID tokens: the time in which an application must verify one.
    pub id_token: TimeDelta,
    /// Access tokens. Short, because they cannot be revoked.
    pub access_token: TimeDelta,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { id_token: TimeDelta::minutes(10), access_token: TimeDelta::minutes(10) }
    }
}

/// `typ` of an access token (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// `typ` of an ID token.
pub(crate) const ID_TOKEN_TYPE: &str = "JWT";

/// The protocol claims of an ID token (OIDC Core 2). They are written after the user's claims, so that a provider's
/// claim cannot replace a protocol claim.
#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    amr: BTreeSet<&'static str>,
    at_hash: String,
}

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Serialize)]
struct AccessToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl Issuer {
    pub(crate) fn access_token(
        &self,
        now: DateTime<Utc>,
        session: &Session,
        user: &SessionUser,
    ) -> Result<String, GrantError> {
        let claims = AccessToken {
            iss: &self.url,
            sub: &user.subject,
            aud: &self.url,
            client_id: session.request.client_id.as_str(),
            iat: now.timestamp(),
            exp: (now + self.lifetimes.access_token).timestamp(),
            jti: URL_SAFE_NO_PAD.encode(self.entropy.bytes::<16>()),
            scope: session.request.scope.as_deref(),
        };
        self.sign(now, ACCESS_TOKEN_TYPE, &claims)
    }

    pub(crate) fn id_token(
        &self,
        now: DateTime<Utc>,
        session: &Session,
        user: &SessionUser,
        access_token: &str,
    ) -> Result<String, GrantError> {
        let proofs = &session.run.proofs;
        let protocol = IdToken {
            iss: &self.url,
            sub: &user.subject,
            aud: session.request.client_id.as_str(),
            iat: now.timestamp(),
            exp: (now + self.lifetimes.id_token).timestamp(),
            auth_time: proofs.iter().map(|proof| proof.at.timestamp()).max(),
            nonce: session.request.nonce.as_deref(),
            amr: proofs.iter().filter_map(|proof| proof.factor.amr()).collect(),
            at_hash: half_hash(access_token),
        };
        let mut claims = serde_json::Map::new();
        for (name, value) in user.claims.released_by(session.request.scopes()).iter() {
            claims.insert(name.to_owned(), value.clone());
        }
        if let Value::Object(protocol) = serde_json::to_value(&protocol).map_err(|_| GrantError::Signing)? {
            claims.extend(protocol);
        }
        self.sign(now, ID_TOKEN_TYPE, &claims)
    }

    /// Signs a JWS (RFC 7515 section 3.1) with a key that is already parsed. `jsonwebtoken` would parse it for each
    /// token.
    fn sign(&self, now: DateTime<Utc>, typ: &str, claims: &impl Serialize) -> Result<String, GrantError> {
        let signing = self.keys.signing(now)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(signing.kid.clone());
        let mut token = part(&header)?;
        token.push('.');
        token.push_str(&part(claims)?);
        let signature = signing.sign(token.as_bytes()).ok_or(GrantError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn part(of: &impl Serialize) -> Result<String, GrantError> {
    serde_json::to_vec(of).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| GrantError::Signing)
}

/// OIDC Core 3.1.3.6: the left half of the hash, base64url.
fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, token.as_bytes()).as_ref()[..16])
}
