//! Identities that providers assert.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{Claims, ConnectorId, ProviderKind, RawClaims, Source};

/// An authentication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The provider's own page, by redirect (OpenID Connect).
    Oidc,
    /// Username and password, which Landfall sends to the provider.
    Password,
    /// A one-time code that the provider sends by e-mail.
    EmailOtp,
    /// A one-time code that the provider sends by SMS.
    SmsOtp,
    /// A one-time code from the user's authenticator app (RFC 6238).
    Totp,
}

impl Method {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Oidc => "oidc",
            Method::Password => "password",
            Method::EmailOtp => "email_otp",
            Method::SmsOtp => "sms_otp",
            Method::Totp => "totp",
        }
    }
}

/// The methods that a connector supports.
pub type MethodSet = BTreeSet<Method>;

/// An identity that a provider has just asserted.
///
/// The adapter makes `issuer_key` and `subject_key` canonical, so that all methods of a connector give one account the
/// same pair. `issuer_key` often differs from `iss`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredIdentity", into = "StoredIdentity")]
pub struct ExternalIdentity {
    /// The connector.
    pub connector: ConnectorId,
    /// The pool of accounts.
    pub source: Source,
    /// The kind of provider.
    pub provider: ProviderKind,
    /// The authentication method.
    pub method: Method,
    /// The canonical issuer.
    pub issuer_key: String,
    /// The canonical subject at that issuer: stable, never reused, never an e-mail address.
    pub subject_key: String,
    /// The claims about the user.
    pub claims: Claims,
    /// All claims, for mappings. Not stored: present only in the turn in which the provider asserted the identity.
    pub raw: RawClaims,
    /// The provider's tokens, if the connector says `tokens: keep`. Not stored, and nothing keeps them yet: the code that
    /// will must take them in the same turn and seal them.
    pub tokens: Option<UpstreamTokens>,
    /// The provider's own session (`sid`), for its logout.
    pub upstream_session: Option<String>,
    /// The time of the authentication.
    pub authenticated_at: DateTime<Utc>,
    /// When the provider asserted it, if it is a provider that sends notifications: one of them ends logins from before.
    pub notified_since: Option<DateTime<Utc>>,
}

/// The tokens that a provider issued for a login. They give access to the user's account there.
#[derive(Clone)]
pub struct UpstreamTokens {
    /// The access token, if it is a bearer token (RFC 6750).
    pub access: Option<SecretString>,
    /// The refresh token.
    pub refresh: Option<SecretString>,
    /// The ID token.
    pub id: Option<SecretString>,
    /// When the access token expires, if the provider says so.
    pub expires_at: Option<DateTime<Utc>>,
}

impl PartialEq for UpstreamTokens {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &Option<SecretString>, other: &Option<SecretString>| match (one, other) {
            (Some(one), Some(other)) => one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into(),
            (one, other) => one.is_none() && other.is_none(),
        };
        same(&self.access, &other.access)
            && same(&self.refresh, &other.refresh)
            && same(&self.id, &other.id)
            && self.expires_at == other.expires_at
    }
}

impl Eq for UpstreamTokens {}

impl fmt::Debug for UpstreamTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamTokens")
    }
}

/// An identity as a session stores it. The session's item should stay within 1 KB, which one write unit covers. So
/// names are short, and a `source` that can be derived is left out.
#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    #[serde(rename = "c")]
    connector: ConnectorId,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(rename = "p")]
    provider: ProviderKind,
    #[serde(rename = "m")]
    method: Method,
    #[serde(rename = "i")]
    issuer_key: String,
    #[serde(rename = "u")]
    subject_key: String,
    #[serde(rename = "d", default, skip_serializing_if = "Claims::is_empty")]
    claims: Claims,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    upstream_session: Option<String>,
    #[serde(rename = "t", with = "chrono::serde::ts_seconds")]
    authenticated_at: DateTime<Utc>,
    #[serde(
        rename = "n",
        default,
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_milliseconds_option"
    )]
    notified_since: Option<DateTime<Utc>>,
}

impl From<ExternalIdentity> for StoredIdentity {
    fn from(identity: ExternalIdentity) -> Self {
        let is_derived = identity.source == Source::of_issuer(&identity.issuer_key);
        Self {
            source: (!is_derived).then_some(identity.source),
            connector: identity.connector,
            provider: identity.provider,
            method: identity.method,
            issuer_key: identity.issuer_key,
            subject_key: identity.subject_key,
            claims: identity.claims,
            upstream_session: identity.upstream_session,
            authenticated_at: identity.authenticated_at,
            notified_since: identity.notified_since,
        }
    }
}

impl From<StoredIdentity> for ExternalIdentity {
    fn from(stored: StoredIdentity) -> Self {
        Self {
            source: stored.source.unwrap_or_else(|| Source::of_issuer(&stored.issuer_key)),
            connector: stored.connector,
            provider: stored.provider,
            method: stored.method,
            issuer_key: stored.issuer_key,
            subject_key: stored.subject_key,
            claims: stored.claims,
            raw: RawClaims::default(),
            tokens: None,
            upstream_session: stored.upstream_session,
            authenticated_at: stored.authenticated_at,
            notified_since: stored.notified_since,
        }
    }
}

/// The key of an account at a provider: from source, issuer key and subject key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdentityKey {
    source: Source,
    hash: String,
}

impl ExternalIdentity {
    /// The account's key: the same for every connector and method.
    pub fn key(&self) -> IdentityKey {
        IdentityKey::of(&self.source, &self.issuer_key, &self.subject_key)
    }
}

impl IdentityKey {
    /// The key of a subject of an issuer.
    pub fn of(source: &Source, issuer_key: &str, subject_key: &str) -> Self {
        Self { source: source.clone(), hash: hash_parts(&[issuer_key, subject_key]) }
    }

    /// The pool of accounts.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The hash of issuer key and subject key.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Debug for ExternalIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connector, method, claims, .. } = self;
        f.debug_struct("ExternalIdentity")
            .field("connector", connector)
            .field("method", method)
            .field("claims", claims)
            .finish_non_exhaustive()
    }
}

/// SHA-256 over length-prefixed parts, base64url. For keys whose parts come from outside: the length prefix keeps two
/// different lists of parts from having the same key.
pub fn hash_parts(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ReadClaims;

    #[test]
    fn separators_do_not_merge_two_accounts() {
        let parts = [["a#b", "c"], ["a", "b#c"], ["a", "#bc"], ["", "a#bc"], ["a\0b", "c"], ["a", "b\0c"]];
        let hashes: BTreeSet<_> = parts.iter().map(|parts| hash_parts(parts)).collect();
        assert_eq!(hashes.len(), parts.len());
    }

    #[test]
    fn what_is_not_stored_is_neither_written_nor_printed() {
        let secret = |text: &str| Some(SecretString::from(text));
        let said = json!({ "sub": "1", "canary": "canary", "name": "Ada" });
        let said = ReadClaims::of(said.as_object().unwrap());
        let identity = ExternalIdentity {
            connector: "staff".parse().unwrap(),
            source: "people".parse().unwrap(),
            provider: "keycloak".parse().unwrap(),
            method: Method::Oidc,
            issuer_key: "https://id.example".into(),
            subject_key: "1".into(),
            claims: said.claims,
            raw: said.raw,
            tokens: Some(UpstreamTokens {
                access: secret("canary"),
                refresh: secret("canary"),
                id: secret("canary"),
                expires_at: None,
            }),
            upstream_session: None,
            authenticated_at: DateTime::UNIX_EPOCH,
            notified_since: Some(DateTime::UNIX_EPOCH),
        };
        let stored = serde_json::to_string(&identity).unwrap();
        assert!(!format!("{identity:?} {:?} {:?} {stored}", identity.raw, identity.tokens).contains("canary"));
        let read: ExternalIdentity = serde_json::from_str(&stored).unwrap();
        let other = UpstreamTokens { access: secret("other"), ..identity.tokens.clone().unwrap() };
        assert_ne!(identity.tokens, Some(other));
        assert_eq!(read, ExternalIdentity { raw: RawClaims::default(), tokens: None, ..identity });
    }
}
