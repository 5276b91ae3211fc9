//! Providers whose settings are known: what their documentation says, as a document would.

use domain::ClientAuthMethod;

use super::{OF_A_CODE, OF_A_REDIRECT, OF_AN_API};
use crate::refusals::{At, Refusals, Row};
use crate::{Check, ProviderError, Rejection, Stage};

/// A provider without OpenID Connect.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// By which its users are known, whatever its hosts are called.
    pub(super) issuer: &'static str,
    /// How it names itself at the callback (RFC 9207), if it does.
    pub(super) names_itself: &'static str,
    /// Whether each client knows a user by another id.
    pub(super) is_pairwise: bool,
    pub(super) authorization_endpoint: &'static str,
    pub(super) token_endpoint: &'static str,
    pub(super) api: &'static str,
    pub(super) scopes: &'static [&'static str],
    pub(super) pkce: bool,
    pub(super) client_auth: ClientAuthMethod,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// As in a document.
    pub(super) userinfo: &'static str,
    pub(super) of_a_redirect: &'static [&'static Refusals],
    pub(super) of_a_code: &'static [&'static Refusals],
    pub(super) of_api: &'static [&'static Refusals],
}

/// One line per preset.
pub(super) const PRESETS: &[Preset] = &[GITHUB, X, LINKEDIN];

/// The tables of all presets, and the standard's.
pub(super) const REFUSALS: &[&Refusals] = &[
    &GITHUB_REDIRECT,
    &LINKEDIN_REDIRECT,
    &OF_A_REDIRECT,
    &GITHUB_CODE,
    &X_CODE,
    &LINKEDIN_CODE,
    &OF_A_CODE,
    &GITHUB_API,
    &OF_AN_API,
];

const DECLINED: ProviderError = ProviderError::Rejected(Rejection::Declined);
const ANOTHER_CODE: ProviderError = ProviderError::Rejected(Rejection::InteractionRequired);

/// <https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>. The login can be changed, the id cannot.
const GITHUB: Preset = Preset {
    name: "github",
    issuer: "https://github.com",
    // <https://docs.github.com/apps/github-authentication-discovery-endpoints>, since 2026; older servers leave it out.
    names_itself: "https://github.com/login/oauth",
    is_pairwise: false,
    authorization_endpoint: "https://github.com/login/oauth/authorize",
    token_endpoint: "https://github.com/login/oauth/access_token",
    api: "https://api.github.com",
    scopes: &["read:user", "user:email"],
    pkce: true,
    client_auth: ClientAuthMethod::ClientSecretPost,
    // With any other `Accept`, the token endpoint answers with a form.
    headers: &[("accept", "application/json"), ("x-github-api-version", "2022-11-28")],
    // The `email` of `/user` is the one that the user shows to the public, verified or not.
    userinfo: r#"[
        { "url": "/user", "claims": {
            "sub": "/id", "name": "/name", "preferred_username": "/login", "picture": "/avatar_url", "profile": "/html_url" } },
        { "url": "/user/emails?per_page=100", "where": { "primary": true }, "claims": {
            "email": "/email", "email_verified": "/verified" } }
    ]"#,
    of_a_redirect: &[&GITHUB_REDIRECT, &OF_A_REDIRECT],
    of_a_code: &[&GITHUB_CODE, &OF_A_CODE],
    of_api: &[&GITHUB_API, &OF_AN_API],
};

const GITHUB_AUTHORIZE: &str =
    "<https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors>";
const GITHUB_TOKEN: &str = "<https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>";

const GITHUB_CALLBACK: &str = "the redirect URI is not the registered one or below it: Settings > Developer settings > OAuth Apps > the app > \
                               Authorization callback URL";

const GITHUB_REDIRECT: Refusals = Refusals {
    to: "an authorization request at GitHub, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("redirect_uri_mismatch", Stage::Callback.misconfigured(GITHUB_CALLBACK), GITHUB_AUTHORIZE),
        Row::error(
            "application_suspended",
            Stage::Callback.misconfigured("GitHub has suspended the app: ask GitHub's support"),
            GITHUB_AUTHORIZE,
        ),
    ],
};

const GITHUB_CODE: Refusals = Refusals {
    to: "an authorization code at GitHub, which says it with status 200, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("bad_verification_code", ANOTHER_CODE, GITHUB_TOKEN).note("wrong, used before, or older than 10 minutes"),
        Row::error(
            "incorrect_client_credentials",
            Stage::ClientAuthentication.misconfigured(
                "GitHub does not accept the client's credentials: Settings > Developer settings > OAuth Apps > the app: compare \
                 Client ID, and generate a new client secret if the old one is lost",
            ),
            GITHUB_TOKEN,
        ),
        Row::error("redirect_uri_mismatch", Stage::Token.misconfigured(GITHUB_CALLBACK), GITHUB_TOKEN),
        Row::error("unverified_user_email", DECLINED, GITHUB_TOKEN)
            .note("the user has to verify the primary e-mail at GitHub first"),
    ],
};

const GITHUB_EMAILS: ProviderError = Stage::Userinfo.misconfigured(
    "GitHub does not give the e-mail addresses: leave user:email among settings.scopes; a GitHub App needs Permissions & events > Account \
     permissions > Email addresses: Read-only",
);

const GITHUB_REST: &str = "<https://docs.github.com/rest/users/emails>";

const GITHUB_API: Refusals = Refusals {
    to: "the access token at GitHub's API, before the standard's",
    at: &[At::Api],
    rows: &[Row::status(403, GITHUB_EMAILS, GITHUB_REST), Row::status(404, GITHUB_EMAILS, GITHUB_REST)],
};

/// <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>. Its `users/me` needs both `users.read` and
/// `tweet.read`.
const X: Preset = Preset {
    name: "x",
    issuer: "https://x.com",
    names_itself: "https://x.com",
    is_pairwise: false,
    authorization_endpoint: "https://x.com/i/oauth2/authorize",
    token_endpoint: "https://api.x.com/2/oauth2/token",
    api: "https://api.x.com/2",
    scopes: &["users.read", "tweet.read", "users.email"],
    pkce: true,
    client_auth: ClientAuthMethod::ClientSecretBasic,
    headers: &[],
    // An e-mail is there only if X has confirmed it.
    userinfo: r#"[
        { "url": "/users/me?user.fields=confirmed_email,profile_image_url", "claims": {
            "sub": "/data/id", "name": "/data/name", "preferred_username": "/data/username", "picture": "/data/profile_image_url",
            "email": "/data/confirmed_email", "email_verified": true } }
    ]"#,
    of_a_redirect: &[&OF_A_REDIRECT],
    of_a_code: &[&X_CODE, &OF_A_CODE],
    of_api: &[&OF_AN_API],
};

const X_CODE: Refusals = Refusals {
    to: "an authorization code at X, before the standard's",
    at: &[At::Preset],
    rows: &[
        Row::error("invalid_request", ANOTHER_CODE, "<https://github.com/plhery/node-twitter-api-v2/issues/496>")
            .saying("Value passed for the authorization code was invalid.")
            .note("wrong, used before, or older than 30 seconds"),
        Row::error(
            "unauthorized_client",
            Stage::ClientAuthentication.misconfigured(
                "X does not accept the client's credentials: the app > User authentication settings > Type of App has to be Web App; \
                 compare Keys and tokens > OAuth 2.0 Client ID and Client Secret",
            ),
            "<https://github.com/xdevplatform/twitter-api-typescript-sdk/issues/23>",
        ),
    ],
};

/// <https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>. It gives an ID token as well, but
/// without the nonce that was sent, so that it binds nothing that userinfo does not.
const LINKEDIN: Preset = Preset {
    name: "linkedin",
    issuer: "https://www.linkedin.com",
    names_itself: "https://www.linkedin.com/oauth",
    is_pairwise: true,
    authorization_endpoint: "https://www.linkedin.com/oauth/v2/authorization",
    token_endpoint: "https://www.linkedin.com/oauth/v2/accessToken",
    api: "https://api.linkedin.com/v2",
    scopes: &["openid", "profile", "email"],
    // A `code_verifier` is answered with `invalid_client`, unless LinkedIn has allowed it to the application.
    pkce: false,
    client_auth: ClientAuthMethod::ClientSecretPost,
    headers: &[],
    // The flag is documented as a boolean, and has been seen as text.
    userinfo: r#"[
        { "url": "/userinfo", "claims": {
            "sub": "/sub", "name": "/name", "given_name": "/given_name", "family_name": "/family_name", "picture": "/picture",
            "email": "/email", "email_verified": { "at": "/email_verified", "is": [true, "true"] } } }
    ]"#,
    of_a_redirect: &[&LINKEDIN_REDIRECT, &OF_A_REDIRECT],
    of_a_code: &[&LINKEDIN_CODE, &OF_A_CODE],
    of_api: &[&OF_AN_API],
};

const LINKEDIN_FLOW: &str = "<https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow>";

const LINKEDIN_REDIRECT: Refusals = Refusals {
    to: "an authorization request at LinkedIn, before the standard's",
    at: &[At::Preset],
    rows: &[
        Row::error("user_cancelled_login", DECLINED, LINKEDIN_FLOW),
        Row::error("user_cancelled_authorize", DECLINED, LINKEDIN_FLOW),
        Row::error(
            "unauthorized_scope_error",
            Stage::Callback.misconfigured(
                "LinkedIn does not give these scopes to the app: the app > Products: add Sign In with LinkedIn using OpenID Connect",
            ),
            "<https://github.com/keycloak/keycloak/issues/22383>",
        ),
    ],
};

/// One text for five causes.
const LINKEDIN_MISMATCH: &str = "does not match authorization code";

const LINKEDIN_CODE: Refusals = Refusals {
    to: "an authorization code at LinkedIn, before the standard's",
    at: &[At::Preset],
    rows: &[
        Row::error("invalid_request", ANOTHER_CODE, LINKEDIN_FLOW)
            .mentioning("authorization code not found")
            .note("wrong, or used before"),
        Row::error("invalid_request", Stage::Token.refused(Check::Code), LINKEDIN_FLOW)
            .mentioning(LINKEDIN_MISMATCH)
            .note("another client's or another redirect URI's, or older than 30 minutes"),
        Row::error("invalid_redirect_uri", Stage::Token.refused(Check::Code), LINKEDIN_FLOW).mentioning(LINKEDIN_MISMATCH),
        Row::error(
            "invalid_client",
            Stage::ClientAuthentication.misconfigured(
                "LinkedIn does not accept the client's credentials: the app > Auth: compare Client ID and Primary Client Secret; \
                 settings.pkce has to be false",
            ),
            LINKEDIN_FLOW,
        ),
    ],
};
