//! Providers whose settings are known: what their documentation says, as a document would.

use domain::ClientAuthMethod;

use super::{OF_A_CODE, OF_A_REDIRECT, OF_AN_API};
use crate::refusals::{Refusals, Row};
use crate::{ProviderError, Rejection, Stage};

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
pub(super) const PRESETS: &[Preset] = &[GITHUB];

/// The tables of all presets, and the standard's.
pub(super) const REFUSALS: &[&Refusals] =
    &[&GITHUB_REDIRECT, &OF_A_REDIRECT, &GITHUB_CODE, &OF_A_CODE, &GITHUB_API, &OF_AN_API];

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
    rows: &[Row::status(403, GITHUB_EMAILS, GITHUB_REST), Row::status(404, GITHUB_EMAILS, GITHUB_REST)],
};
