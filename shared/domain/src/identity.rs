//! Identities that providers assert.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, ProviderKind, Source, email};

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

    /// The Authentication Method Reference in our tokens (RFC 8176 section 2); `None` if only the provider knows how
    /// the user authenticated.
    pub fn amr(self) -> Option<&'static str> {
        match self {
            Method::Oidc => None,
            Method::Password => Some("pwd"),
            Method::EmailOtp | Method::Totp => Some("otp"),
            Method::SmsOtp => Some("sms"),
        }
    }
}

/// The methods that a connector supports.
pub type MethodSet = BTreeSet<Method>;

/// Claims about a user, by their OpenID Connect names (OIDC Core 5.1). Personal data: never log the values.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<String, Value>);

/// The claims that are copied from a provider to the directory, each with the scope that releases it to an application
/// (OIDC Core 5.4).
const MAPPED: &[(&str, &str)] = &[
    ("email", "email"),
    ("email_verified", "email"),
    ("name", "profile"),
    ("given_name", "profile"),
    ("family_name", "profile"),
    ("preferred_username", "profile"),
    ("locale", "profile"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
];

/// Claims and their `_verified` flags. A flag is valid only for the value in the same document.
pub const FLAGGED: &[(&str, &str)] = &[("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// The longest claim value, in bytes.
const MAX_CLAIM: usize = 1024;

/// Whether a claim has its standard type and a plausible size. Some applications would accept the text "true" in our ID
/// token as verified. Very large claims would make the user's item too large to store.
fn is_valid(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("email_verified" | "phone_number_verified", value) => value.is_boolean(),
        ("email", Value::String(text)) => email::is_address(text),
        (_, Value::String(text)) => text.len() <= MAX_CLAIM,
        _ => false,
    }
}

impl Claims {
    /// Selects the claims that are copied. Each is checked separately: an invalid claim is dropped, the others stay.
    pub fn mapped(all: &serde_json::Map<String, Value>) -> Self {
        let kept =
            MAPPED.iter().filter_map(|(name, _)| Some((*name, all.get(*name).filter(|value| is_valid(name, value))?)));
        let mut claims: BTreeMap<String, Value> = kept.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        for (value, flag) in FLAGGED {
            if !claims.contains_key(*value) {
                claims.remove(*flag);
            }
        }
        Self(claims)
    }

    /// The names of the claims that [`Claims::mapped`] drops because they have the wrong type or form (OIDC Core 5.1)
    /// or are too long.
    pub fn left_out(all: &serde_json::Map<String, Value>) -> Vec<&'static str> {
        let invalid = |name: &&str| all.get(*name).is_some_and(|value| !value.is_null() && !is_valid(name, value));
        MAPPED.iter().map(|(name, _)| *name).filter(invalid).collect()
    }

    /// Whether this scope releases claims.
    pub fn is_scope(scope: &str) -> bool {
        MAPPED.iter().any(|(_, releases)| *releases == scope)
    }

    /// The claims that these scopes release to an application.
    pub fn released_by<'a>(&self, scopes: impl Iterator<Item = &'a str> + Clone) -> Self {
        let released =
            |name: &str| MAPPED.iter().any(|(mapped, scope)| *mapped == name && scopes.clone().any(|s| s == *scope));
        Self(
            self.0
                .iter()
                .filter(|(name, _)| released(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// The value of a text claim.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The e-mail address, if the provider has verified it: `email_verified` must be the boolean `true`.
    pub fn verified_email(&self) -> Option<&str> {
        self.text("email").filter(|_| self.0.get("email_verified") == Some(&Value::Bool(true)))
    }

    /// Whether there are no claims.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

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
    /// The provider's own session (`sid`), for its logout.
    pub upstream_session: Option<String>,
    /// The time of the authentication.
    pub authenticated_at: DateTime<Utc>,
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
            upstream_session: stored.upstream_session,
            authenticated_at: stored.authenticated_at,
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
        IdentityKey { source: self.source.clone(), hash: hash_parts(&[&self.issuer_key, &self.subject_key]) }
    }
}

impl IdentityKey {
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

    fn claims(value: Value) -> Claims {
        Claims::mapped(value.as_object().unwrap())
    }

    #[test]
    fn only_the_boolean_true_verifies_an_email() {
        assert_eq!(claims(json!({"email": "a@b", "email_verified": true})).verified_email(), Some("a@b"));
        for not_true in [json!("true"), json!(1), json!(null), json!(false), json!(["true"])] {
            assert_eq!(claims(json!({"email": "a@b", "email_verified": not_true})).verified_email(), None);
        }
        assert_eq!(claims(json!({"email": "a@b"})).verified_email(), None);
    }

    #[test]
    fn a_claim_of_wrong_type_or_size_is_dropped() {
        let invalid = json!({
            "email": "a@x.org, b@y.org", "email_verified": true, "phone_number": 49, "name": ["A"],
            "given_name": "a".repeat(1025), "family_name": null, "locale": "de",
        });
        assert_eq!(Claims::left_out(invalid.as_object().unwrap()), ["email", "name", "given_name", "phone_number"]);
        assert_eq!(claims(invalid), claims(json!({ "locale": "de" })));
    }

    #[test]
    fn scopes_release_claims() {
        let all = claims(json!({"email": "a@b", "name": "A", "phone_number": "1", "roles": ["admin"]}));
        assert_eq!(all.released_by("openid email".split(' ')), claims(json!({"email": "a@b"})));
        assert_eq!(all.released_by("openid".split(' ')), Claims::default());
        assert!(all.text("roles").is_none());
    }

    #[test]
    fn separators_do_not_merge_two_accounts() {
        let parts = [["a#b", "c"], ["a", "b#c"], ["a", "#bc"], ["", "a#bc"], ["a\0b", "c"], ["a", "b\0c"]];
        let hashes: BTreeSet<_> = parts.iter().map(|parts| hash_parts(parts)).collect();
        assert_eq!(hashes.len(), parts.len());
    }

    #[test]
    fn claims_are_printed_by_name_only() {
        assert_eq!(format!("{:?}", claims(json!({"email": "a@b"}))), r#"{"email"}"#);
    }
}
