//! Security event tokens (RFC 8417): signed like ID tokens, about accounts, and sent unasked.

use chrono::{DateTime, Utc};
use domain::{Notice, NotificationId};
use serde_json::{Map, Value};
use url::Url;

use super::connection::Connection;
use super::id_token::{LEEWAY, time};
use super::jws::Unverified;
use crate::notification::{accepted_until, issued_at};
use crate::{Acknowledgement, Check, Notification, ProviderError, Stage};

/// The longest `jti`. Honest ones are UUIDs or alike.
const MAX_ID: usize = 256;

/// A security event token that the provider has signed.
#[derive(Debug)]
pub struct SecurityEvent {
    /// Its claims.
    pub claims: Map<String, Value>,
    /// When it was issued (`iat`).
    pub issued_at: DateTime<Utc>,
    id: NotificationId,
}

fn refused(check: Check) -> ProviderError {
    Stage::Notification.refused(check)
}

impl SecurityEvent {
    /// Verifies `token`, which has to be signed by one of the keys at `jwks_uri` and to be for a client of the connector, or
    /// for one of its `trusted_audiences`. `is_issuer` says whether the claims name the right issuer.
    ///
    /// `exp` is checked if it is there and `expires` says so: RFC 8417 section 2.2 wants none.
    pub async fn verify(
        provider: &Connection<'_>,
        jwks_uri: &Url,
        is_issuer: impl Fn(&Map<String, Value>) -> bool,
        expires: bool,
        token: &str,
    ) -> Result<Self, ProviderError> {
        let (cx, options) = (provider.cx, &provider.registration.options);
        let token = Unverified::read(Stage::Notification, token.trim())?;
        // Before any key is fetched: a token that could never be good costs no call.
        let algorithm = token.check_header(&options.algorithms)?;
        if !is_issuer(&token.claims) {
            return Err(refused(Check::Issuer));
        }
        check_audience(provider, &token.claims)?;
        let issued_at = check_times(&token.claims, expires, cx.now())?;
        let id = token.claims.get("jti").and_then(Value::as_str).filter(|id| (1..=MAX_ID).contains(&id.len()));
        let id = NotificationId::of(&[id.ok_or_else(|| refused(Check::Format))?]);
        cx.providers.issuers.verify(cx, jwks_uri, &token, algorithm).await?;
        Ok(Self { claims: token.claims, issued_at, id })
    }

    /// When something happened according to one of its events, in seconds or milliseconds since 1970; when the token was
    /// issued, if that is not known or after it.
    pub fn happened(&self, event: &Map<String, Value>, name: &str) -> DateTime<Utc> {
        /// In seconds this is in the year 5138, in milliseconds in 1973.
        const MILLISECONDS_FROM: i64 = 100_000_000_000;
        let found = time(event, name, f64::floor).flatten();
        let at = found.and_then(|number| match number {
            MILLISECONDS_FROM.. => DateTime::from_timestamp_millis(number),
            _ => DateTime::from_timestamp(number, 0),
        });
        at.map_or(self.issued_at, |at| at.min(self.issued_at))
    }

    /// The notification, which tells `notices`.
    pub fn telling(self, notices: Vec<Notice>, answer: Acknowledgement) -> Notification {
        Notification { id: self.id, until: accepted_until(self.issued_at), answer, notices }
    }
}

/// One of those that it is for is enough: all clients of a project or a team get the same token.
fn check_audience(provider: &Connection<'_>, claims: &Map<String, Value>) -> Result<(), ProviderError> {
    let registration = provider.registration;
    let audiences = match claims.get("aud") {
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(Value::Array(all)) => all,
        _ => &[],
    };
    let (document, trusted) = (&registration.document, &registration.options.trusted_audiences);
    let clients = document.methods.keys().filter_map(|method| document.client_for(*method)).map(|client| &client.id);
    let ours: Vec<_> = clients.chain(trusted).collect();
    let is_ours = |audience: &Value| ours.iter().any(|our| audience == *our);
    if audiences.iter().any(is_ours) { Ok(()) } else { Err(refused(Check::Audience)) }
}

fn check_times(claims: &Map<String, Value>, expires: bool, now: DateTime<Utc>) -> Result<DateTime<Utc>, ProviderError> {
    let issued_at = issued_at(claims, "iat", now)?;
    let ends = time(claims, "exp", f64::floor)
        .map(|ends| ends.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(refused(Check::Format)))
        .transpose()?;
    if ends.is_some_and(|ends| expires && ends <= now - LEEWAY) {
        return Err(refused(Check::Expired));
    }
    Ok(issued_at)
}
