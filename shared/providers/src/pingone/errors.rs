//! What PingOne refuses. Its API has error objects: the code of the first detail counts, or else the object's own; what the detail
//! is about (`target`) stands in the place of a description. `INVALID_VALUE` is the user's fault for what the user has typed,
//! and the connector's for anything else.

use domain::{Factor, Method};

use crate::refusals::{At, Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const AUTH: &str = "<https://docs.pingidentity.com/pingone/applications/p1_token_endpoint_authentication_methods.html>";
const FLOWS: &str = "<https://developer.pingidentity.com/pingone-api/auth/flows/flows-1.html>";
const CHECK: &str = "<https://developer.pingidentity.com/pingone-api/auth/flows/flows-1/check-username-password.html>";
const ERRORS: &str = "<https://developer.pingidentity.com/pingone-api/platform/reference/error-codes.html>";
const ACCOUNTS: &str = "<https://developer.pingidentity.com/pingone-api/platform/users/user-accounts.html>";
const SAMPLE: &str = "pingidentity/pingone-sample-custom-signon, `react/src/sdk`";
const SDK: &str = "ForgeRock/ping-javascript-sdk, `packages/davinci-client`";
const APPS: &str = "101digital/auth-user-component, `auth-services.ts`";
const LIMITS: &str = "<https://docs.pingidentity.com/pingone/settings/p1_rate_limits.html>";
const RFC: &str = "RFC 6749 section 5.2";
const ASSUMED: &str = "assumed: no documented answer";

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "PingOne does not accept the client's credentials, and says no more: Applications > the application > Overview: compare Client \
     ID and Client Secret; Configuration > Token Endpoint Authentication Method has to be client.token_endpoint_auth_method",
);
const LOST: ProviderError = Stage::Token.misconfigured(
    "PingOne does not know the login that it has begun itself: see that settings.region, settings.custom_domain and \
     settings.authorization_endpoint lead to one server, and that nothing in between takes cookies away",
);
const REQUEST: &str = "PingOne does not take the authorization request: Applications > the application has to be switched on, with \
                       Response Type Code, Grant Type Authorization Code, and the scopes of settings.scopes under Resources";
const NO_GRANT: ProviderError = Stage::Token.misconfigured(
    "the environment has no resource owner password grant, which PingOne does not document any more: leave out \
     settings.password_flow",
);

/// What the redirect URI's refusal says to do.
const REDIRECT_URI: &str = "register the redirect URI, which a login without a browser names, too: Applications > the application > \
                            Configuration > Redirect URIs";

/// What the first call of a login by password may be answered.
pub(super) const TO_AUTHORIZE: &[&Refusals] = &[&OF_AUTHORIZE];
/// What a password may be answered, by whichever way it is sent.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_PASSWORD, &OF_ANYTHING, &OF_A_GRANT];
/// What a password may be answered that is sent to the token endpoint.
pub(super) const TO_A_GRANT: &[&Refusals] = &[&OF_A_GRANT];
/// What the answer to a second factor may be answered.
pub(super) const TO_A_FACTOR: &[&Refusals] = &[&OF_A_FACTOR, &OF_ANYTHING];
/// What a new password may be answered.
pub(super) const TO_A_NEW_PASSWORD: &[&Refusals] = &[&OF_A_NEW_PASSWORD, &OF_ANYTHING];

/// What PingOne adds to the standard's errors of a code.
pub(super) const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption, At::Call(Method::Password, "/as/token")],
    rows: &[Row::error("invalid_client", CLIENT, AUTH), Row::status(401, CLIENT, AUTH)],
};

pub(super) const OF_AUTHORIZE: Refusals = Refusals {
    to: "the authorization request of a login by password",
    at: &[At::Authorize(Method::Password)],
    rows: &[
        Row::error("INVALID_VALUE", Stage::Authorize.misconfigured(REDIRECT_URI), ERRORS).saying("redirect_uri"),
        Row::error("INVALID_VALUE", Stage::Authorize.misconfigured(REQUEST), ERRORS),
        Row::error("INVALID_DATA", Stage::Authorize.misconfigured(REQUEST), ERRORS),
        Row::error("ACCESS_FAILED", Stage::Authorize.misconfigured(REQUEST), ERRORS),
        Row::error("UNEXPECTED_ERROR", Stage::Authorize.unavailable(Outage::ServerError), ERRORS),
        Row::status(404, Stage::Authorize.misconfigured(REQUEST), ASSUMED),
    ],
};

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password, At::Call(Method::Password, "/as/resume")],
    rows: &[
        Row::error("INVALID_VALUE", rejected(Rejection::InvalidCredentials), CHECK)
            .saying("username")
            .note("unknown user, wrong password, no password, another population: all alike"),
        Row::error("INVALID_VALUE", rejected(Rejection::InvalidCredentials), SDK).saying("password"),
        Row::error("INVALID_CREDENTIALS", rejected(Rejection::InvalidCredentials), SAMPLE),
        Row::error("NO_PASSWORD", rejected(Rejection::InvalidCredentials), SAMPLE)
            .note("an account of another identity provider"),
        Row::error("PASSWORD_LOCKED_OUT", rejected(Rejection::AccountLocked), ACCOUNTS),
        Row::error("NO_USABLE_DEVICES", rejected(Rejection::InteractionRequired), APPS)
            .note("a second factor is demanded, and the user has none: only PingOne's own page can enrol one"),
        Row::error("INVALID_TOKEN", LOST, ERRORS),
        Row::error("ACCESS_FAILED", LOST, ERRORS),
        Row::status(401, LOST, ERRORS),
        Row::status(404, LOST, ASSUMED),
    ],
};

pub(super) const OF_A_FACTOR: Refusals = Refusals {
    to: "a second factor",
    at: &[
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::EmailOtp),
        At::Factor(Factor::VoiceOtp),
        At::Factor(Factor::Totp),
        At::Factor(Factor::Push),
    ],
    rows: &[
        Row::error("INVALID_OTP", rejected(Rejection::OtpInvalid), "device authentication API, by its error codes"),
        Row::error("INVALID_VALUE", rejected(Rejection::OtpInvalid), ERRORS).saying("otp"),
        Row::error("INVALID_VALUE", rejected(Rejection::OtpInvalid), ERRORS).saying("verificationCode"),
        Row::error("QUOTA_EXCEEDED", ProviderError::Throttled { retry_after: None }, LIMITS).note("too many codes"),
        Row::error("INVALID_TOKEN", rejected(Rejection::OtpExpired), ERRORS).note("the login is over"),
        Row::error("ACCESS_FAILED", rejected(Rejection::OtpExpired), ERRORS).note("the login is over"),
        Row::status(401, rejected(Rejection::OtpExpired), ERRORS).note("the login is over"),
        Row::status(404, rejected(Rejection::OtpExpired), ASSUMED).note("the login is over"),
    ],
};

pub(super) const OF_A_NEW_PASSWORD: Refusals = Refusals {
    to: "a new password",
    at: &[At::NewPassword],
    rows: &[
        Row::error("INVALID_VALUE", rejected(Rejection::InvalidCredentials), ASSUMED)
            .saying("currentPassword")
            .note("the current password was asked again, and is wrong"),
        Row::error("INVALID_CREDENTIALS", rejected(Rejection::InvalidCredentials), SAMPLE),
        Row::error("PASSWORD_LOCKED_OUT", rejected(Rejection::AccountLocked), ACCOUNTS),
        Row::error("INVALID_TOKEN", rejected(Rejection::PasswordExpired), ERRORS).note("the login is over"),
        Row::error("ACCESS_FAILED", rejected(Rejection::PasswordExpired), ERRORS).note("the login is over"),
        Row::status(401, rejected(Rejection::PasswordExpired), ERRORS).note("the login is over"),
        Row::status(404, rejected(Rejection::PasswordExpired), ASSUMED).note("the login is over"),
    ],
};

pub(super) const OF_ANYTHING: Refusals = Refusals {
    to: "any of them, after these",
    at: &[
        At::Password,
        At::Call(Method::Password, "/as/resume"),
        At::NewPassword,
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::Push),
    ],
    rows: &[
        Row::error("UNEXPECTED_ERROR", Stage::Token.unavailable(Outage::ServerError), ERRORS),
        Row::error("INVALID_VALUE", Stage::Token.misconfigured(REQUEST), FLOWS),
        Row::error("INVALID_DATA", Stage::Token.misconfigured(REQUEST), FLOWS),
    ],
};

pub(super) const OF_A_GRANT: Refusals = Refusals {
    to: "a password, with `password_flow: grant`",
    at: &[At::Password],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), RFC),
        Row::error("invalid_client", CLIENT, AUTH),
        Row::error("unauthorized_client", NO_GRANT, RFC),
        Row::error("unsupported_grant_type", NO_GRANT, RFC),
        Row::error(
            "invalid_scope",
            Stage::Token
                .misconfigured("one of settings.scopes is not allowed: Applications > the application > Resources"),
            RFC,
        ),
        Row::error("invalid_request", NO_GRANT, RFC),
    ],
};
