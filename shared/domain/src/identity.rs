//! Who a provider says somebody is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, ProviderKind, Source, email};

/// How a provider checks a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The provider's own page, by redirect (OpenID Connect).
    Oidc,
    /// Username and password, sent by us.
    Password,
    /// A one-time code that the provider sends by e-mail.
    EmailOtp,
    /// A one-time code that the provider sends by SMS.
    SmsOtp,
    /// A one-time code from the user's authenticator app (RFC 6238).
    Totp,
}

impl Method {
    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Oidc => "oidc",
            Method::Password => "password",
            Method::EmailOtp => "email_otp",
            Method::SmsOtp => "sms_otp",
            Method::Totp => "totp",
        }
    }

    /// The Authentication Method Reference for our own tokens (RFC 8176 section 2); `None` where only the provider knows
    /// how it recognised the user.
    pub fn amr(self) -> Option<&'static str> {
        match self {
            Method::Oidc => None,
            Method::Password => Some("pwd"),
            Method::EmailOtp | Method::Totp => Some("otp"),
            Method::SmsOtp => Some("sms"),
        }
    }
}

/// The methods a connector can do.
pub type MethodSet = BTreeSet<Method>;

/// Claims about a user, by their OpenID Connect names (OIDC Core 5.1). They describe a person: not for logs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<String, Value>);

/// The claims that are carried from a provider into the directory, with the scope that releases each to an application
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

/// A flag speaks only for the value beside it in the same document.
pub const FLAGGED: &[(&str, &str)] = &[("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// In bytes.
const MAX_CLAIM: usize = 1024;

/// Of its own type only: a provider's "true" in our ID token would be true to some application. And no larger than a person
/// could mean, or one account's claims would make its item too large to be written at all.
fn fits(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("email_verified" | "phone_number_verified", value) => value.is_boolean(),
        ("email", Value::String(text)) => email::is_address(text),
        (_, Value::String(text)) => text.len() <= MAX_CLAIM,
        _ => false,
    }
}

impl Claims {
    /// Of all that a provider says, what is carried on: each claim by itself, so that one that does not fit costs nothing
    /// but itself.
    pub fn mapped(all: &serde_json::Map<String, Value>) -> Self {
        let kept =
            MAPPED.iter().filter_map(|(name, _)| Some((*name, all.get(*name).filter(|value| fits(name, value))?)));
        let mut claims: BTreeMap<String, Value> = kept.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        for (value, flag) in FLAGGED {
            if !claims.contains_key(*value) {
                claims.remove(*flag);
            }
        }
        Self(claims)
    }

    /// The names of the claims that [`Claims::mapped`] leaves out of what a provider says, because they are of another type
    /// or form than OIDC Core 5.1 gives them, or too long.
    pub fn left_out(all: &serde_json::Map<String, Value>) -> Vec<&'static str> {
        let odd = |name: &&str| all.get(*name).is_some_and(|value| !value.is_null() && !fits(name, value));
        MAPPED.iter().map(|(name, _)| *name).filter(odd).collect()
    }

    /// Whether a scope is one that releases claims.
    pub fn is_scope(scope: &str) -> bool {
        MAPPED.iter().any(|(_, releases)| *releases == scope)
    }

    /// What an application with these scopes may see.
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

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The e-mail address, if the provider vouches for it: `email_verified` is the boolean `true` and nothing like it.
    pub fn verified_email(&self) -> Option<&str> {
        self.text("email").filter(|_| self.0.get("email_verified") == Some(&Value::Bool(true)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Somebody a provider has just vouched for.
///
/// The adapter makes `issuer_key` and `subject_key` canonical, so that every method of a connector names one person by
/// one pair: often not `iss`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredIdentity", into = "StoredIdentity")]
pub struct ExternalIdentity {
    /// Through which connector.
    pub connector: ConnectorId,
    /// From which pool of accounts.
    pub source: Source,
    /// Of which kind.
    pub provider: ProviderKind,
    /// How they were checked.
    pub method: Method,
    /// The pool's authority, canonical.
    pub issuer_key: String,
    /// The person at that authority, canonical: stable, never reused, never an e-mail address.
    pub subject_key: String,
    /// What the provider says about them.
    pub claims: Claims,
    /// The provider's own session (`sid`), for its logout.
    pub upstream_session: Option<String>,
    /// When.
    pub authenticated_at: DateTime<Utc>,
}

/// An identity as a session keeps it, between a redirect's halves or two turns: the item it is in should stay within the
/// kilobyte that one write unit pays for, so names are short, and what repeats is left out.
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
        let repeats = identity.source == Source::of_issuer(&identity.issuer_key);
        Self {
            source: (!repeats).then_some(identity.source),
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
    fn from(kept: StoredIdentity) -> Self {
        Self {
            source: kept.source.unwrap_or_else(|| Source::of_issuer(&kept.issuer_key)),
            connector: kept.connector,
            provider: kept.provider,
            method: kept.method,
            issuer_key: kept.issuer_key,
            subject_key: kept.subject_key,
            claims: kept.claims,
            upstream_session: kept.upstream_session,
            authenticated_at: kept.authenticated_at,
        }
    }
}

/// Which account at a provider: source, issuer key and subject key in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdentityKey {
    source: Source,
    hash: String,
}

impl ExternalIdentity {
    /// Which account this is, whoever asked and however.
    pub fn key(&self) -> IdentityKey {
        IdentityKey { source: self.source.clone(), hash: hash_parts(&[&self.issuer_key, &self.subject_key]) }
    }
}

impl IdentityKey {
    /// The pool of accounts.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Issuer and subject, hashed.
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

/// SHA-256 over length-prefixed parts, base64url: for keys with parts that come from outside, where a separator inside a
/// part must not make two keys one.
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
    fn a_claim_of_another_type_or_size_is_not_carried_on() {
        let odd = json!({
            "email": "a@x.org, b@y.org", "email_verified": true, "phone_number": 49, "name": ["A"],
            "given_name": "a".repeat(1025), "family_name": null, "locale": "de",
        });
        assert_eq!(Claims::left_out(odd.as_object().unwrap()), ["email", "name", "given_name", "phone_number"]);
        assert_eq!(claims(odd), claims(json!({ "locale": "de" })));
    }

    #[test]
    fn scopes_release_claims() {
        let all = claims(json!({"email": "a@b", "name": "A", "phone_number": "1", "roles": ["admin"]}));
        assert_eq!(all.released_by("openid email".split(' ')), claims(json!({"email": "a@b"})));
        assert_eq!(all.released_by("openid".split(' ')), Claims::default());
        assert!(all.text("roles").is_none());
    }

    #[test]
    fn separators_make_no_two_accounts_one() {
        let parts = [["a#b", "c"], ["a", "b#c"], ["a", "#bc"], ["", "a#bc"], ["a\0b", "c"], ["a", "b\0c"]];
        let hashes: BTreeSet<_> = parts.iter().map(|parts| hash_parts(parts)).collect();
        assert_eq!(hashes.len(), parts.len());
    }

    #[test]
    fn claims_are_printed_by_name_only() {
        assert_eq!(format!("{:?}", claims(json!({"email": "a@b"}))), r#"{"email"}"#);
    }
}
