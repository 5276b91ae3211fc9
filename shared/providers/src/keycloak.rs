//! Keycloak 26: users by redirect (the authorization code flow), by password, or by a one-time code alone (the direct
//! access grant).
//!
//! Settings:
//!
//! ```yaml
//! provider: keycloak
//! client: { id: landfall, secret: keycloak-prod }
//! methods:
//!   oidc: {} # "Standard flow" on, {base}/v1/callback/{connector id} among the "Valid redirect URIs"
//!   password: {} # "Direct access grants" on, "Consent required" off
//!   totp: # as password, with a flow of its own: see below
//!     client: { id: landfall-otp, secret: keycloak-otp }
//! settings:
//!   url: https://id.example.com # with the relative path, if the server has one: https://id.example.com/auth
//!   realm: acme
//!   scopes: [openid, profile, email] # these, unless it says otherwise
//!   # and, for the redirect: redirect_uri, response_mode, prompt, acr_values, authorize_params, pkce, algorithms as every
//!   # OpenID Connect connector has them
//! ```
//!
//! All methods name one person by one key: the realm's issuer and the user's id. A client with a pairwise subject mapper
//! has other ids: the clients of one connector need the same mapper or, better, none.
//!
//! A direct grant is one request, username, password and one-time code together; Keycloak never asks back. A user with a
//! one-time code who sends none is answered exactly as one with a wrong password, so there is no telling who has one: ask
//! for the code on the same form (`otp` of the step `authenticate_password`), and leave it empty for who has none, or send
//! such users to the browser. Never ask for the password first and for the code after it failed: each try without the code
//! counts as a failed login, and locks them. A user without a one-time code may send any: it is not looked at.
//!
//! # A one-time code without a password
//!
//! The client of `totp` is one of its own, because its direct grant is another flow:
//!
//! 1. Authentication > Create flow: "Username Validation" and "OTP" (of the "Direct Grant" kind), both *Required*.
//! 2. On its "OTP": Settings > Authenticator Reference `otp`, Authenticator Reference Max Age 300.
//! 3. Clients > the client > Advanced > Authentication flow overrides > Direct grant flow: that flow.
//! 4. Clients > the client > Client scopes > its dedicated scope: the mapper "Authentication Method Reference (AMR)".
//!
//! 5. Realm settings > Security defenses > Brute force detection: on. It is off in a new realm, and six digits alone are
//!    guessed in hours by whoever may try as often as they like.
//!
//! Steps 2 and 4 are what proves it. A flow whose "OTP" is *Conditional*, *Alternative* or *Disabled* gives tokens to
//! whoever types a name, so nobody is believed whose ID token does not say `otp` in its `amr`.
//!
//! # What the connector test sees, and what it does not
//!
//! A grant without a name shows that the client, its secret, "Direct access grants", consent, policies and scopes are right.
//! Whether the flow of `totp` is bound and asks for a code shows only with the name of a test user who has none: Keycloak
//! breaks (500) where it is, asks for the password where it is not, which counts as a failed login of the test user, and
//! gives tokens, with a session, to a name alone. That `amr` says `otp` shows in a login only. A pairwise subject mapper does
//! not show at all.
//!
//! # What Keycloak answers, and what it means
//!
//! At the callback as any provider, see `openid_connect`: `access_denied` is `rejected.declined` (consent refused),
//! `login_required` too (`prompt=none`), `temporarily_unavailable` is `unavailable.timeout`, the rest of what it sends is for
//! the administrator. It names itself in all of them (RFC 9207). The token endpoint has words of its own.
//!
//! By `error` and `error_description`, never by the status: 26.6.0 moved `invalid_grant` from 401 to 400 without a change
//! of words (Upgrading Guide, "Migrating to 26.6.0"; pull request 46528).
//!
//! | `error` | `error_description` | outcome | source |
//! |---|---|---|---|
//! | `invalid_grant` | Invalid user credentials | `rejected.invalid_credentials`: wrong password, unknown user, one-time code wrong or missing, locked; without a password `rejected.otp_invalid` | Server Administration Guide, "Password guess: brute force attacks": a locked user gets the ordinary message |
//! | `unknown_error`, without a password | For more on this error consult the server log. (500) | `rejected.otp_invalid`: the user has no one-time code. No outage: anybody can name such a user | keycloak/keycloak, `ValidateOTP.java`: its credential is read before anybody asks whether there is one |
//! | (200) | `amr` without `otp`, without a password | `rejected.otp_invalid`; without any `amr` `unavailable.misconfigured` | Server Administration Guide, "Authentication Method Reference (AMR)" |
//! | `invalid_grant` | Account disabled | `rejected.account_disabled` | pull requests 1803, 46607 |
//! | `invalid_grant` | Account is not fully set up | `rejected.password_expired`: a required action is pending; which one is not said | pull request 5610 |
//! | `invalid_grant` | resource owner password credentials grant is prohibited. | `unavailable.misconfigured` | Server Administration Guide, "Client Policies" |
//! | `invalid_grant` | anything else, to a password or one-time code | as "Invalid user credentials" | RFC 6749 section 5.2 |
//! | `invalid_grant` | Code not valid; anything else, to a code | `rejected.interaction_required`: used, expired or ended; only a new redirect brings a new one | RFC 6749 section 4.1.2 |
//! | `invalid_grant` | User disabled, to a code | `rejected.account_disabled` | keycloak/keycloak, `AuthorizationCodeGrantType.java` |
//! | `invalid_grant` | Client not allowed to exchange code | `unavailable.misconfigured` | as above |
//! | `invalid_scope` | Client no longer has requested consent from user | `rejected.interaction_required`: the consent was taken back meanwhile | as above |
//! | `invalid_grant` | Incorrect redirect_uri; Auth error: Found different client_id in clientSession | refused: the code is another's | RFC 6749 section 4.1.3 |
//! | `invalid_grant` | PKCE verification failed: Code mismatch; ... Invalid code verifier; PKCE code verifier not specified; ... specified but challenge not present in authorization | refused: the code is another request's | RFC 7636 section 4.6; keycloak/keycloak, `PkceUtils.java` |
//! | `unauthorized_client` | Client not allowed for direct access grants | `unavailable.misconfigured` | Server Administration Guide, "Managing OpenID Connect clients", Capability config |
//! | `unauthorized_client` | Invalid client or Invalid client credentials | `unavailable.misconfigured`: the client secret, unless it has been rotated and the new one is taken | Server Administration Guide, "Confidential client credentials" |
//! | `unauthorized_client` | Bearer-only not allowed | `unavailable.misconfigured` | Server Administration Guide, "Managing OpenID Connect clients" |
//! | `invalid_client` | Invalid client or Invalid client credentials | `unavailable.misconfigured`: the client id, or a disabled client | Server Administration Guide, "Managing OpenID Connect clients" |
//! | `invalid_client` | Client requires user consent | `unavailable.misconfigured` | Server Administration Guide, "Consent screen" settings of a client |
//! | `invalid_client` | Parameter client_assertion_type is missing | `unavailable.misconfigured`: the client wants a signed JWT | Server Administration Guide, "Confidential client credentials" |
//! | `invalid_client` | Wrong client protocol. | `unavailable.misconfigured` | Server Administration Guide, "Creating a SAML client" |
//! | `invalid_client` | Bearer-only not allowed | `unavailable.misconfigured` | as above |
//! | `invalid_scope` | any other | `unavailable.misconfigured` | Server Administration Guide, "Client scopes" |
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
mod probe;
mod settings;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Method;
use egress::Response;
use secrecy::ExposeSecret;

use crate::oidc::{self, OidcDialect, Probing, Proof, RelyingParty, VerifiedClaims};
use crate::registry::{InvalidConnector, Provider};
use crate::report::NotPassed;
use crate::{Attempt, Cx, Finding, Progress, ProviderError, Rejection, Stage};
use settings::Keycloak;

pub(crate) const PROVIDER: Provider = Provider::oidc::<Keycloak>("keycloak");

const CODE_NOT_CHECKED: &str = "a login by code came through whose code was not looked at: set OTP to Required in the direct \
                                grant flow of totp's client, and its Authenticator Reference to otp";

#[async_trait]
impl OidcDialect for Keycloak {
    const METHODS: &'static [Method] = &[Method::Oidc, Method::Password, Method::Totp];

    const ANOTHER_ISSUER: &'static str = "the server calls itself otherwise: put into settings.url exactly the address that stands \
                                          before /realms in the issuer that was found, or have the server started with that \
                                          address as its hostname";

    const ANY_SECRET: NotPassed = NotPassed::Failed(
        "the client is public, a wrong secret is taken like the right one: switch on Client \
                                      authentication under Clients > the client > Settings > Capability config",
    );

    fn issuer(&self) -> Result<String, InvalidConnector> {
        self.address()
    }

    fn exchange_failed(&self, now: DateTime<Utc>, response: &Response) -> ProviderError {
        errors::classify(now, response, errors::OF_A_CODE)
    }

    /// A code that nobody has looked at is no code: the realm has to say that it did (RFC 8176 section 2, `otp`).
    fn check(&self, method: Method, claims: &VerifiedClaims) -> Result<(), ProviderError> {
        if method != Method::Totp {
            return Ok(());
        }
        match claims.texts("amr") {
            Some(references) if references.contains(&"otp") => Ok(()),
            // As for any user who has no one-time code, or it would tell who has none; but not unnoticed.
            Some(_) => {
                tracing::error!(event = "code_not_checked", hint = CODE_NOT_CHECKED);
                Err(ProviderError::Rejected(Rejection::OtpInvalid))
            }
            None => Err(Stage::IdToken.misconfigured(
                "the ID token has no amr: add the mapper Authentication Method Reference (AMR) under Clients > the client of \
                 totp > Client scopes > its dedicated scope",
            )),
        }
    }

    fn refused_page(&self, page: &Response) -> Option<&'static str> {
        probe::about_a_page(page)
    }

    async fn probe(&self, probing: &Probing<'_, Self>) -> Vec<Finding> {
        probe::checks(probing).await
    }

    /// The resource owner password credentials grant (RFC 6749 section 4.3), without a password where its flow takes none.
    async fn begin(
        &self,
        party: &RelyingParty<Self>,
        cx: &Cx<'_>,
        attempt: Attempt<'_>,
    ) -> Result<Progress, ProviderError> {
        let client = party.client(attempt.method())?;
        let (username, password, code, rows) = match attempt {
            Attempt::Password { username, password, otp } => (username, Some(password), otp, errors::OF_A_PASSWORD),
            Attempt::Totp { username, code } => (username, None, Some(code), errors::OF_A_TOTP),
            Attempt::Redirect(_) | Attempt::Otp { .. } => return Err(oidc::not_switched_on(attempt.method())),
        };
        // Discovery and keys before password and code: if the answer could not be verified, nothing secret is sent.
        let metadata = party.metadata(cx).await?;
        cx.providers.issuers.keys(cx, &metadata.jwks_uri, None).await?;

        let mut grant = vec![("grant_type", "password"), ("scope", party.scope()), ("username", username)];
        grant.extend(password.map(|password| ("password", password.expose_secret())));
        grant.extend(code.map(|code| ("totp", code.expose_secret())));
        let failed = |response: &Response| errors::classify(cx.now(), response, rows);
        let answer = oidc::redeem(cx, &metadata, client, &grant, failed).await?;
        party.identify(cx, &metadata, attempt.method(), &answer, Proof::DirectGrant).await
    }
}
