//! What a provider has vouched for.

use std::fmt;

use chrono::DateTime;
use domain::claims::FLAGGED;
use domain::{ExternalIdentity, Method, ReadClaims, UpstreamTokens};
use serde_json::{Map, Value};

use super::connection::Registration;
use super::id_token;
use crate::{Check, Cx, ProviderError, Stage};

/// The scope that asks for a claim which userinfo may have (OIDC Core 5.4).
const SCOPES: &[(&str, &str)] = &[("email", "email"), ("email_verified", "email"), ("name", "profile")];

/// Verified claims about one subject of one issuer.
pub struct VerifiedClaims {
    issuer_key: String,
    /// As the provider wrote it.
    subject: String,
    /// By which the account is known, if not by that.
    key: Option<String>,
    claims: Map<String, Value>,
    /// What the provider has, but not here.
    left_out: Vec<&'static str>,
}

impl VerifiedClaims {
    /// Claims whose `sub` is what OIDC Core section 2 says: there, and at most 255 characters.
    pub(crate) fn new(stage: Stage, issuer_key: &str, claims: Map<String, Value>) -> Result<Self, ProviderError> {
        match claims.get("sub").and_then(Value::as_str) {
            Some(subject) if (1..=255).contains(&subject.len()) => {
                let (issuer_key, subject) = (issuer_key.to_owned(), subject.to_owned());
                Ok(Self { issuer_key, subject, key: None, claims, left_out: Vec::new() })
            }
            _ => Err(stage.refused(Check::Subject)),
        }
    }

    /// A claim as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The provider has this claim but left it out. The login goes on without it, and the log says so.
    pub fn leave_out(&mut self, name: &'static str) {
        self.claims.remove(name);
        self.left_out.push(name);
    }

    /// A claim that is a list of texts, or one text alone, as some providers write a list of one.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.claims.get(name)? {
            Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect()),
            one => Some(vec![one.as_str()?]),
        }
    }

    /// Adds a claim that comes by another way than the ID token, which counts if it has the claim as well.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.entry(name).or_insert_with(|| value.into());
    }

    /// Identifies the account by `subject` instead of `sub`, for providers whose `sub` differs between clients. It must be
    /// the same for every method and client of the provider, must never change, and the user must not be able to change it.
    pub fn known_as(&mut self, subject: impl Into<String>) {
        self.key = Some(subject.into());
    }

    /// Reads a claim that is the text `true` or `false` as the boolean it stands for.
    pub fn read_as_boolean(&mut self, name: &str) {
        let read = match self.text(name) {
            Some("true") => true,
            Some("false") => false,
            _ => return,
        };
        self.claims.insert(name.to_owned(), Value::Bool(read));
    }

    /// Whether the e-mail is verified, by the provider's own documentation. Replaces `email_verified`.
    pub fn email_is_verified(&mut self, verified: bool) {
        self.claims.insert("email_verified".to_owned(), Value::Bool(verified));
    }

    /// The domain of the e-mail, in lower case, if it has one.
    pub fn email_domain(&self) -> Option<String> {
        self.text("email").and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_ascii_lowercase())
    }

    /// Whether one of these claims is missing that userinfo may have, where these are the scopes that were asked for.
    pub(crate) fn lacks(&self, wanted: &[&str], scopes: &[String]) -> bool {
        let was_asked = |claim: &str| {
            SCOPES.iter().any(|(name, scope)| *name == claim && scopes.iter().any(|asked| asked == scope))
        };
        let has = |claim: &str| self.claims.get(claim).is_some_and(|value| value.is_boolean() || value.is_string());
        wanted.iter().any(|claim| !has(claim) && was_asked(claim))
    }

    /// The ID token's claims; those that it lacks are taken from userinfo. Both must have the same subject (OIDC Core
    /// 5.3.2): otherwise an attacker could substitute another user's access token.
    pub(crate) fn completed_by(mut self, mut told: VerifiedClaims) -> Result<Self, ProviderError> {
        if told.subject != self.subject {
            return Err(Stage::Userinfo.refused(Check::Subject));
        }
        for (value, flag) in FLAGGED {
            // For the same value, userinfo adds what the ID token leaves open.
            if self.text(value).is_some() && self.text(value) == told.text(value) && !self.claims.contains_key(*flag) {
                continue;
            }
            let silent = if self.text(value).is_some() { &mut told } else { &mut self };
            silent.claims.remove(*value);
            silent.claims.remove(*flag);
        }
        for (name, value) in told.claims {
            self.claims.entry(name).or_insert(value);
        }
        Ok(self)
    }

    /// The identity, as sessions and the directory know it.
    pub(crate) fn into_identity(
        self,
        cx: &Cx<'_>,
        registration: &Registration,
        method: Method,
        upstream_session: Option<String>,
        tokens: Option<UpstreamTokens>,
    ) -> ExternalIdentity {
        // With a session of its own, a provider may have seen the user hours ago (OIDC Core 2, `auth_time`).
        let auth_time = id_token::time(&self.claims, "auth_time", f64::floor);
        // An unreadable time counts as long ago, so that it satisfies no demand for a recent login.
        let authenticated_at = auth_time.map_or_else(
            || cx.now(),
            |time| {
                let time = time.and_then(|time| DateTime::from_timestamp(time, 0));
                time.filter(|time| *time <= cx.now() + id_token::LEEWAY).unwrap_or_default().min(cx.now())
            },
        );
        let document = &registration.document;
        let ReadClaims { claims, raw, mut left_out } = ReadClaims::of(&self.claims);
        left_out.known.extend(self.left_out);
        if !left_out.is_empty() {
            cx.request.count(|counts| counts.claims_left_out += left_out.len() as u64);
            let (names, others) = (left_out.known.join(" "), left_out.others);
            tracing::warn!(event = "claims_left_out", connector = %document.id, claims = names, others);
        }
        ExternalIdentity {
            connector: document.id.clone(),
            source: registration.source.clone(),
            provider: document.provider.clone(),
            method,
            issuer_key: self.issuer_key,
            subject_key: self.key.unwrap_or(self.subject),
            claims,
            raw,
            tokens,
            // It is stored, so its length is limited. Real session ids are shorter.
            upstream_session: upstream_session.filter(|session| session.len() <= 255),
            authenticated_at,
            notified_since: registration.profile.sends_notifications.then(|| cx.now()),
        }
    }
}

impl fmt::Debug for VerifiedClaims {
    // Claims describe a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedClaims").field("issuer", &self.issuer_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(mut claims: Value) -> VerifiedClaims {
        claims["sub"] = json!("ada");
        VerifiedClaims::new(Stage::IdToken, "https://id.example", claims.as_object().unwrap().clone()).unwrap()
    }

    fn together(id_token: Value, userinfo: Value) -> Value {
        let mut claims = says(id_token).completed_by(says(userinfo)).unwrap().claims;
        claims.remove("sub");
        Value::Object(claims)
    }

    #[test]
    fn a_verified_flag_speaks_for_the_address_beside_it_only() {
        for (id_token, userinfo, together_they_say) in [
            (
                json!({ "email": "a@example.org" }),
                json!({ "email": "b@example.org", "email_verified": true }),
                json!({ "email": "a@example.org" }),
            ),
            (
                json!({ "email_verified": true }),
                json!({ "email": "b@example.org" }),
                json!({ "email": "b@example.org" }),
            ),
            (
                json!({ "email": null, "email_verified": true }),
                json!({ "email": "b@example.org", "email_verified": false }),
                json!({ "email": "b@example.org", "email_verified": false }),
            ),
            (
                json!({ "email": "a@example.org", "email_verified": false }),
                json!({ "email": "a@example.org", "email_verified": true }),
                json!({ "email": "a@example.org", "email_verified": false }),
            ),
            (
                json!({ "email": "a@example.org" }),
                json!({ "email": "a@example.org", "email_verified": true }),
                json!({ "email": "a@example.org", "email_verified": true }),
            ),
            (
                json!({ "phone_number_verified": true }),
                json!({ "phone_number": "+1", "email": "b@example.org", "email_verified": true }),
                json!({ "phone_number": "+1", "email": "b@example.org", "email_verified": true }),
            ),
        ] {
            assert_eq!(together(id_token, userinfo), together_they_say);
        }
    }

    #[test]
    fn userinfo_does_not_override_the_id_token() {
        let id_token = json!({ "name": "Ada", "iss": "https://id.example" });
        let userinfo = json!({ "name": "Eve", "iss": "https://evil.example", "locale": "de" });
        let expected = json!({ "name": "Ada", "iss": "https://id.example", "locale": "de" });
        assert_eq!(together(id_token, userinfo), expected);
    }

    #[test]
    fn userinfo_of_another_subject_is_refused() {
        let mut other = says(json!({}));
        other.subject = "eve".to_owned();
        let refused = says(json!({})).completed_by(other).err();
        assert_eq!(refused, Some(Stage::Userinfo.refused(Check::Subject)));
    }

    #[test]
    fn userinfo_is_asked_only_for_requested_claims_that_are_missing() {
        let lacks_one = |claims: Value, wanted: &[&str], scopes: &[&str]| {
            says(claims).lacks(wanted, &scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>())
        };
        let verified = &["email", "email_verified"];
        assert!(lacks_one(json!({ "email": "a@example.org" }), verified, &["email"]));
        assert!(!lacks_one(json!({ "email": "a@example.org", "email_verified": false }), verified, &["email"]));
        assert!(!lacks_one(json!({}), &[], &["email"]));
        let lacks = |claims: Value, scopes: &[&str]| lacks_one(claims, &["email"], scopes);
        assert!(lacks(json!({ "name": "Ada" }), &["openid", "email"]));
        assert!(lacks(json!({ "email": 1 }), &["openid", "email"]));
        assert!(!lacks(json!({ "email": "a@example.org" }), &["openid", "profile", "email"]));
        assert!(!lacks(json!({}), &["openid", "profile"]));
    }
}
