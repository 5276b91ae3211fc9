#![doc = include_str!("../guides/google.md")]

use async_trait::async_trait;
use domain::{Method, Notice, NoticeKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    AuthorizeParams, Connection, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, SecurityEvent,
    VerifiedClaims, is_host,
};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{Acknowledgement, Callback, Check, Notification, ProviderError, Received, Rejection, Stage};

pub(crate) const PROVIDER: Provider =
    Provider::oidc("google", &[Method::Oidc], &[&OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE], Google::read);

const ERRORS: &str = "<https://developers.google.com/identity/protocols/oauth2/web-server>";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Google does not accept the client's credentials: Google Auth Platform > Clients > the client: compare Client ID and Client \
     secret; a deleted client can be restored for 30 days",
);

/// What Google adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("invalid_client", CLIENT, ERRORS),
        Row::error("deleted_client", CLIENT, "<https://support.google.com/cloud/answer/15549257>"),
        Row::error("unauthorized_client", CLIENT, ERRORS).note("the client is not of type Web application"),
        Row::error(
            "redirect_uri_mismatch",
            Stage::Token.misconfigured(
                "the redirect URI is not registered: Google Auth Platform > Clients > the client > Authorized redirect URIs",
            ),
            ERRORS,
        ),
        Row::error(
            "org_internal",
            Stage::Token.misconfigured(
                "the application is internal to its organization: Google Auth Platform > Audience > User type has to be External",
            ),
            ERRORS,
        ),
        Row::error("admin_policy_enforced", ProviderError::Rejected(Rejection::Declined), ERRORS)
            .note("the administrator of the user's Workspace does not let the application in"),
    ],
};

const GOOGLE: &str = "https://accounts.google.com";

/// Google's spellings of itself in notifications, whose configuration has a slash at the end.
const NOTIFIER: [&str; 2] = ["https://accounts.google.com/", GOOGLE];

/// The events of Cross-Account Protection that are about an account, and what they mean here:
/// <https://developers.google.com/identity/protocols/risc#supported_event_types>. `token-revoked` names a token, of which nothing
/// is kept, and `verification` only tests the way.
const EVENTS: &[(&str, NoticeKind)] = &[
    ("https://schemas.openid.net/secevent/risc/event-type/account-disabled", NoticeKind::AccountDisabled),
    ("https://schemas.openid.net/secevent/risc/event-type/account-enabled", NoticeKind::AccountEnabled),
    (
        "https://schemas.openid.net/secevent/risc/event-type/account-credential-change-required",
        NoticeKind::CredentialsAtRisk,
    ),
    ("https://schemas.openid.net/secevent/risc/event-type/sessions-revoked", NoticeKind::SessionsRevoked),
    ("https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked", NoticeKind::ConsentRevoked),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The Workspace whose accounts may sign in, by its primary domain; absent: any Google account.
    hosted_domain: Option<String>,
}

#[derive(Debug)]
struct Google {
    profile: Profile,
    hosted_domain: Option<String>,
}

impl Google {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { hosted_domain } = document::settings(settings)?;
        if hosted_domain.as_deref().is_some_and(|domain| !is_host(domain)) {
            return Err(InvalidConnector::at(
                "settings.hosted_domain",
                format!(
                    "{:?} is not a Workspace's primary domain, such as acme.com",
                    hosted_domain.unwrap_or_default()
                ),
            ));
        }
        let issuer = IssuerPolicy::any_of([GOOGLE.to_owned(), "accounts.google.com".to_owned()]);
        let profile = Profile {
            // Google's page then offers the accounts of this domain.
            authorize_params: AuthorizeParams::of([("hd", hosted_domain.clone())]),
            of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
            refused_page: "Google refuses on a page of its own: Google Auth Platform > Clients > the client > Authorized redirect \
                           URIs: add the redirect URI exactly as it stands in the detail; compare Client ID with client.id",
            sends_notifications: true,
            ..Profile::new(issuer)
        };
        Ok(Box::new(Self { profile, hosted_domain }))
    }
}

#[async_trait]
impl OidcProvider for Google {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// `hd` in the request is a hint for Google's page; the signed claim decides.
    fn identify(&self, _: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        match &self.hosted_domain {
            Some(domain) if claims.text("hd") != Some(domain) => Err(Stage::IdToken.refused(Check::Tenant)),
            _ => Ok(()),
        }
    }

    /// Google is the authority for Gmail's addresses and for those of the account's own Workspace. Of any other address it once
    /// saw that the user could read its mail, which may have changed since:
    /// <https://developers.google.com/identity/gsi/web/guides/verify-google-id-token>.
    fn describe(&self, claims: &mut VerifiedClaims) {
        let is_gmail = claims.email_domain().as_deref() == Some("gmail.com");
        if !is_gmail && claims.text("hd").is_none() {
            claims.email_is_verified(false);
        }
    }

    /// A security event token, by itself. Its keys and its issuer are in a document of their own:
    /// <https://developers.google.com/identity/protocols/risc#validate_tokens>.
    async fn notification(
        &self,
        provider: &Connection<'_>,
        received: &Received<'_>,
    ) -> Result<Notification, ProviderError> {
        let token = str::from_utf8(received.body).map_err(|_| Stage::Notification.refused(Check::Format))?;
        let issuer = IssuerPolicy::any_of(NOTIFIER.map(str::to_owned));
        let (issuer, jwks_uri) = provider.document_beside("risc-configuration", &issuer).await?;
        let is_issuer = |claims: &Map<String, Value>| claims.get("iss").and_then(Value::as_str) == Some(&issuer);
        let signed = SecurityEvent::verify(provider, &jwks_uri, is_issuer, false, token).await?;
        let mut notices = Vec::new();
        for (name, kind) in EVENTS {
            if let Some(event) = signed.claims.get("events").and_then(|events| events.get(name)) {
                notices.push(notice(provider, event, *kind, &signed)?);
            }
        }
        Ok(signed.telling(notices, Acknowledgement::Accepted))
    }
}

fn notice(
    provider: &Connection<'_>,
    event: &Value,
    kind: NoticeKind,
    signed: &SecurityEvent,
) -> Result<Notice, ProviderError> {
    let text = |name: &str| event.get("subject")?.get(name)?.as_str();
    match (text("iss"), text("sub")) {
        (Some(issuer), Some(subject)) if NOTIFIER.contains(&issuer) => {
            Ok(provider.notice(subject, kind, signed.issued_at))
        }
        _ => Err(Stage::Notification.refused(Check::Subject)),
    }
}

#[cfg(test)]
mod tests {
    use egress::Reach;
    use serde_json::json;
    use simulators::Misbehaviour;

    use super::*;
    use crate::bench::Bench;
    use crate::oidc::complaint_about;

    async fn bench(settings: Value) -> Bench {
        let over = json!({ "settings": settings });
        Bench::at(&simulators::google::SIMULATOR, Method::Oidc, Reach::Local, over).await
    }

    fn says(bench: &Bench, claims: &Value) {
        bench.subject.misbehave(claims.as_object().cloned().map(Misbehaviour::Claims));
    }

    #[tokio::test]
    async fn only_googles_own_addresses_are_verified_attack_16() {
        let bench = bench(json!({})).await;
        for (claims, verified) in [
            (json!({ "email": "ada@gmail.com", "hd": null }), true),
            (json!({ "email": "ada@GMAIL.com", "hd": null }), true),
            (json!({ "email": "ada@acme.example", "hd": "acme.example" }), true),
            (json!({ "email": "ada@acme.example", "hd": null }), false),
            (json!({ "email": "ada@gmail.com.evil.example", "hd": null }), false),
            (json!({ "email": "ada@acme.example", "hd": 1 }), false),
            (json!({ "email": "ada@gmail.com", "email_verified": false }), false),
        ] {
            says(&bench, &claims);
            let identity = bench.login().await.unwrap();
            assert_eq!(identity.claims.verified_email().is_some(), verified, "{claims}");
        }
    }

    #[tokio::test]
    async fn an_account_of_another_domain_is_refused() {
        let bench = bench(json!({ "hosted_domain": "acme.example" })).await;
        let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
        assert!(url.as_str().ends_with("&hd=acme.example"), "{url}");
        let refused = Some(Stage::IdToken.refused(Check::Tenant));
        for (claims, expected) in [
            (json!({ "hd": null, "email": "ada@acme.example" }), refused),
            (json!({ "hd": "evil.example", "email": "ada@acme.example" }), refused),
            (json!({ "hd": "ACME.example" }), refused),
            (json!({ "hd": "acme.example" }), None),
        ] {
            says(&bench, &claims);
            assert_eq!(bench.login().await.err(), expected, "{claims}");
        }
    }

    #[tokio::test]
    async fn either_spelling_of_the_issuer_is_one_authority() {
        let bench = bench(json!({})).await;
        let key = bench.login().await.unwrap().key();
        for (issuer, is_google) in [
            ("accounts.google.com", true),
            (GOOGLE, true),
            ("https://accounts.google.com/", false),
            ("http://accounts.google.com", false),
        ] {
            says(&bench, &json!({ "iss": issuer }));
            let identity = bench.login().await;
            assert_eq!(identity.is_ok(), is_google, "{issuer}");
            assert!(identity.is_ok_and(|identity| identity.key() == key) || !is_google, "{issuer}");
        }
    }

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        let wrong = |domain: &str| {
            format!("settings.hosted_domain: {domain:?} is not a Workspace's primary domain, such as acme.com")
        };
        for (settings, expected) in [
            (json!({}), "none".to_owned()),
            (json!({ "hosted_domain": "acme.com" }), "none".to_owned()),
            (json!({ "hosted_domain": "" }), wrong("")),
            (json!({ "hosted_domain": "@acme.com" }), wrong("@acme.com")),
            (json!({ "hosted_domain": "*" }), wrong("*")),
        ] {
            assert_eq!(complaint_about("google", settings), expected);
        }
    }
}
