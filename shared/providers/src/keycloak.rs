//! Keycloak 26: users by password (the direct access grant).
//!
//! Settings:
//!
//! ```yaml
//! provider: keycloak
//! client: { id: landfall, secret: keycloak-prod } # "Direct access grants" on, "Consent required" off
//! methods: { password: {} }
//! settings:
//!   url: https://id.example.com # with the relative path, if the server has one: https://id.example.com/auth
//!   realm: acme
//!   scopes: [openid, profile, email] # these, unless it says otherwise
//! ```
//!
//! A direct grant is one request, username, password and one-time code together; Keycloak never asks back. A user with a
//! one-time code who sends none is answered exactly as one with a wrong password, so there is no telling who has one.
//!
//! # What Keycloak answers, and what it means
//!
//! By `error` and `error_description`, never by the status: 26.6.0 moved `invalid_grant` from 401 to 400 without a change
//! of words (Upgrading Guide, "Migrating to 26.6.0"; pull request 46528).
//!
//! | `error` | `error_description` | outcome | source |
//! |---|---|---|---|
//! | `invalid_grant` | Invalid user credentials | `rejected.invalid_credentials`: wrong password, unknown user, one-time code wrong or missing, locked | Server Administration Guide, "Password guess: brute force attacks": a locked user gets the ordinary message |
//! | `invalid_grant` | Account disabled | `rejected.account_disabled` | pull requests 1803, 46607 |
//! | `invalid_grant` | Account is not fully set up | `rejected.password_expired`: a required action is pending; which one is not said | pull request 5610 |
//! | `invalid_grant` | resource owner password credentials grant is prohibited. | `unavailable.misconfigured` | Server Administration Guide, "Client Policies" |
//! | `invalid_grant` | anything else | `rejected.invalid_credentials` | RFC 6749 section 5.2 |
//! | `unauthorized_client` | Client not allowed for direct access grants | `unavailable.misconfigured` | Server Administration Guide, "Managing OpenID Connect clients", Capability config |
//! | `unauthorized_client` | Invalid client or Invalid client credentials | `unavailable.misconfigured`: the client secret | Server Administration Guide, "Confidential client credentials" |
//! | `unauthorized_client` | Bearer-only not allowed | `unavailable.misconfigured` | Server Administration Guide, "Managing OpenID Connect clients" |
//! | `invalid_client` | Invalid client or Invalid client credentials | `unavailable.misconfigured`: the client id, or a disabled client | Server Administration Guide, "Managing OpenID Connect clients" |
//! | `invalid_client` | Client requires user consent | `unavailable.misconfigured` | Server Administration Guide, "Consent screen" settings of a client |
//! | `invalid_client` | Parameter client_assertion_type is missing | `unavailable.misconfigured`: the client wants a signed JWT | Server Administration Guide, "Confidential client credentials" |
//! | `invalid_client` | Wrong client protocol. | `unavailable.misconfigured` | Server Administration Guide, "Creating a SAML client" |
//! | `invalid_client` | Bearer-only not allowed | `unavailable.misconfigured` | as above |
//! | `invalid_scope` | any | `unavailable.misconfigured` | Server Administration Guide, "Client scopes" |
//! | `not_allowed` | Offline tokens not allowed for the user or client | `unavailable.misconfigured` | Server Administration Guide, "Offline access" |
//! | `access_denied` | Realm not enabled | `unavailable.misconfigured` | Server Administration Guide, "Configuring realms" |
//! | `invalid_request` | HTTPS required | `unavailable.misconfigured` | Server Administration Guide, "Configuring SSL for a realm" |
//! | `invalid_request` | Missing parameter: username | `rejected.invalid_credentials`: the user typed none | RFC 6749 section 4.3.2 |
//! | `invalid_request`, `unsupported_grant_type` | any other | `unavailable.misconfigured` | RFC 6749 section 5.2 |
//! | `Realm does not exist` | | `unavailable.misconfigured` | Securing applications, "OpenID Connect": the realm is part of every endpoint |
//! | `Unable to find matching target resource method` | | `unavailable.misconfigured`: the path in `url` | Server guide, "Configuring the hostname" |
//! | 401 or 403 with an HTML page | | `rejected.declined`: the flow ends in "Deny access" or "User session limits" | Server Administration Guide, "Authentication flows" |
//! | 429 | | `unavailable.throttled`: Keycloak has no limit of its own, a proxy before it may | RFC 6585 section 4 |
//! | any other 5xx | | `unavailable.timeout` | |
//!
//! Sources: <https://www.keycloak.org/docs/latest/server_admin/>, <https://www.keycloak.org/docs/latest/upgrading/>,
//! <https://www.keycloak.org/securing-apps/oidc-layers>, <https://www.keycloak.org/server/hostname>,
//! `https://github.com/keycloak/keycloak/pull/<number>`.

mod errors;
mod settings;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConnectorDocument, Method, MethodSet};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};

use crate::oidc::{self, TokenAnswer};
use crate::registry::{self, InvalidConnector, Provider};
use crate::{Attempt, Cx, Progress, ProviderAdapter, ProviderError, Stage};
use settings::Settings;

pub(crate) const PROVIDER: Provider = Provider::new("keycloak", &[Method::Password], build);

#[derive(Debug)]
struct Keycloak {
    document: ConnectorDocument,
    issuer: String,
    scope: String,
}

fn build(document: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
    let settings: Settings = registry::settings(document)?;
    Ok(Arc::new(Keycloak { document: document.clone(), issuer: settings.issuer()?, scope: settings.scope()? }))
}

#[async_trait]
impl ProviderAdapter for Keycloak {
    fn methods(&self) -> MethodSet {
        self.document.methods.keys().copied().collect()
    }

    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError> {
        match attempt {
            Attempt::Password { username, password, otp } => self.password(cx, username, password, otp).await,
        }
    }
}

impl Keycloak {
    /// The resource owner password credentials grant (RFC 6749 section 4.3).
    async fn password(
        &self,
        cx: &Cx<'_>,
        username: &str,
        password: &SecretString,
        otp: Option<&SecretString>,
    ) -> Result<Progress, ProviderError> {
        let Some(client) = self.document.client_for(Method::Password) else {
            return Err(Stage::Attempt.misconfigured("the password method is not switched on for this connector"));
        };
        // Discovery and keys before the password: if the answer could not be verified, nothing secret is sent.
        let metadata = cx.providers.issuers.metadata(cx, &self.issuer).await?;
        cx.providers.issuers.keys(cx, &metadata, None).await?;

        let mut grant = vec![
            ("grant_type", "password"),
            ("scope", &self.scope),
            ("username", username),
            ("password", password.expose_secret()),
        ];
        grant.extend(otp.map(|code| ("totp", code.expose_secret())));
        let response = oidc::post_as_client(cx, &metadata, client, &grant).await?;
        if response.status != StatusCode::OK {
            return Err(errors::classify(cx.now(), &response));
        }

        let answer = TokenAnswer::read(&response)?;
        let vouched = oidc::vouched_by(cx, &metadata, &client.id, &answer).await?;
        // `session_state` is the same where an administrator's mappers leave `sid` out.
        let session = vouched.text("sid").map(str::to_owned).or(answer.session_state);
        Ok(Progress::Done(vouched.into_identity(cx, &self.document, Method::Password, session)))
    }
}
