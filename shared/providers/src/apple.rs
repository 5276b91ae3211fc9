#![doc = include_str!("../guides/apple.md")]

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use domain::{Method, NoticeKind, json};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Connection, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, ResponseMode, SecurityEvent,
    SignedSecret, VerifiedClaims,
};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{Acknowledgement, Callback, Check, Notification, ProviderError, Received, Rejection, Stage};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "apple",
    &[Method::Oidc],
    &[&REFUSED_REDIRECT, &OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE],
    Apple::read,
);

const REDIRECT: &str = "<https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization>";
const TN3107: &str =
    "<https://developer.apple.com/documentation/technotes/tn3107-resolving-sign-in-with-apple-response-errors>";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Apple does not accept the client secret: Certificates, Identifiers & Profiles > Keys > the key: compare its Key ID and Team ID \
     with settings.key_id and settings.team_id, and its Sign in with Apple > Configure > Primary App ID with that of the Services ID; \
     client.id is the Services ID's Identifier; a client secret that is signed already ends after six months at most",
);

/// What Apple adds to the standard's errors at the callback.
const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, at the callback, before the standard's",
    at: &[At::Redirect],
    rows: &[Row::error("user_cancelled_authorize", ProviderError::Rejected(Rejection::Declined), REDIRECT)
        .note("the user cancelled; no other error is documented")],
};

/// What Apple says otherwise to a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("invalid_client", CLIENT, TN3107),
        Row::error("invalid_request", Stage::Token.refused(Check::Code), TN3107)
            .note("the code has another form, or the user has revoked the authorization meanwhile"),
        Row::error(
            "unauthorized_client",
            Stage::Token.misconfigured(
                "Apple does not let the client redeem codes: Certificates, Identifiers & Profiles > Identifiers > the Services ID > \
                 Sign in with Apple has to be enabled, with a primary App ID that has the capability",
            ),
            TN3107,
        ),
    ],
};

/// Apple's names for itself: in June 2025 its discovery document had the second for a while, and its ID tokens the first.
const ISSUERS: [&str; 2] = ["https://appleid.apple.com", "https://account.apple.com"];
/// The domain of the addresses that hide the user's own.
const RELAY: &str = "privaterelay.appleid.com";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The developer team: all its apps know a user by the same `sub`, and no other team does.
    team_id: String,
    /// The key that the client secret is signed with; absent: the secret is a client secret that is signed already.
    key_id: Option<String>,
}

#[derive(Debug)]
struct Apple {
    profile: Profile,
}

impl Apple {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { team_id, key_id } = document::settings(settings)?;
        for (setting, id) in [("team_id", Some(&team_id)), ("key_id", key_id.as_ref())] {
            if let Some(id) = id.filter(|id| !is_id(id)) {
                let reason = format!("{id:?} is no id of Apple's: ten capital letters and digits, such as ABCDE12345");
                return Err(InvalidConnector::at(format!("settings.{setting}"), reason));
            }
        }
        let issuer = IssuerPolicy::any_of(ISSUERS.map(str::to_owned)).known_as(format!("apple:{team_id}"));
        let signed_secret = key_id.map(|key_id| SignedSecret { issuer: team_id, key_id, audience: ISSUERS[0] });
        let profile = Profile {
            // There is no userinfo endpoint.
            userinfo_for: &[],
            scopes: &["openid", "name", "email"],
            // Apple demands it of who asks for a name or an e-mail.
            response_mode: Some(ResponseMode::FormPost),
            first_only: &["user"],
            signed_secret,
            of_a_redirect: &[&REFUSED_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
            refused_page: "Apple refuses on a page of its own: Certificates, Identifiers & Profiles > Identifiers > Services IDs > the \
                           Services ID > Sign in with Apple > Configure > Return URLs: add the redirect URI exactly as it stands in \
                           the detail (https, no IP address, not localhost); compare its Identifier with client.id",
            sends_notifications: true,
            ..Profile::new(issuer)
        };
        Ok(Box::new(Self { profile }))
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[async_trait]
impl OidcProvider for Apple {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The name is in no ID token, but in the form field `user` of a user's first callback:
    /// <https://developer.apple.com/documentation/signinwithapple/incorporating-sign-in-with-apple-into-other-platforms>. It is not
    /// signed, so that nothing else is taken of it.
    fn identify(
        &self,
        _: Method,
        claims: &mut VerifiedClaims,
        callback: Option<&Callback>,
    ) -> Result<(), ProviderError> {
        let user =
            callback.and_then(|callback| callback.get("user")).and_then(|user| json::object(user.as_bytes()).ok());
        if let Some(user) = user.filter(|user| is_of(user, claims)) {
            let part = |name: &str| user.get("name")?.get(name)?.as_str().filter(|part| !part.is_empty());
            let parts = [("given_name", part("firstName")), ("family_name", part("lastName"))];
            let whole: Vec<_> = parts.iter().filter_map(|(_, part)| *part).collect();
            if !whole.is_empty() {
                claims.add("name", whole.join(" "));
            }
            for (claim, part) in parts {
                part.into_iter().for_each(|part| claims.add(claim, part));
            }
        }
        Ok(())
    }

    /// Booleans may be text: <https://developer.apple.com/documentation/signinwithapple/authenticating-users-with-sign-in-with-apple>.
    fn describe(&self, claims: &mut VerifiedClaims) {
        claims.read_as_boolean("email_verified");
        claims.read_as_boolean("is_private_email");
        claims.add("is_private_email", claims.email_domain().as_deref() == Some(RELAY));
    }

    /// `{"payload": token}`, whose claim `events` is one event, as an object or as the text of one:
    /// <https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts>.
    async fn notification(
        &self,
        provider: &Connection<'_>,
        received: &Received<'_>,
    ) -> Result<Notification, ProviderError> {
        let format = || Stage::Notification.refused(Check::Format);
        let body = json::object(received.body).map_err(|_| format())?;
        let token = body.get("payload").and_then(Value::as_str).ok_or_else(format)?;
        let metadata = provider.metadata().await?;
        let is_issuer = |claims: &Map<String, Value>| metadata.is_issuer_of(claims);
        let signed = SecurityEvent::verify(provider, metadata.jwks_uri()?, is_issuer, true, token).await?;
        let event = match signed.claims.get("events") {
            Some(Value::Object(event)) => event.clone(),
            Some(Value::String(event)) => json::object(event.as_bytes()).map_err(|_| format())?,
            _ => return Err(format()),
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let kind = match text("type") {
            // The first is what Apple sends, the second what its documentation says.
            Some("account-delete" | "account-deleted") => NoticeKind::AccountDeleted,
            Some("consent-revoked") => NoticeKind::ConsentRevoked,
            Some("email-disabled") => NoticeKind::EmailDisabled,
            Some("email-enabled") => NoticeKind::EmailEnabled,
            _ => return Ok(signed.telling(Vec::new(), Acknowledgement::Ok)),
        };
        let subject = text("sub").ok_or(Stage::Notification.refused(Check::Subject))?;
        let at = signed.happened(&event, "event_time");
        Ok(signed.telling(vec![provider.notice(subject, kind, at)], Acknowledgement::Ok))
    }
}

/// Whether `user`, which may be of an earlier callback, is about the same account: it has the same e-mail, unless one of the two
/// has none. In one session, two people may have tried.
fn is_of(user: &Map<String, Value>, claims: &VerifiedClaims) -> bool {
    let named = user.get("email").and_then(Value::as_str);
    named.zip(claims.text("email")).is_none_or(|(named, signed)| named.eq_ignore_ascii_case(signed))
}
