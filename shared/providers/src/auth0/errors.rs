//! What Auth0 refuses, by kind of request.
//!
//! Auth0 says that descriptions may change (<https://auth0.com/docs/get-started/applications/set-up-cors>), but some outcomes differ in
//! nothing else, and statuses differ between its pages. So 429 decides first, then `error`, then a description that is known.

use domain::Factor;

use crate::oidc::{OF_A_CODE, OF_A_REDIRECT};
use crate::refusals::{At, Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const BLOCKED: &str = "<https://auth0.com/docs/manage-users/user-accounts/block-and-unblock-users>";
const REFERENCE: &str = "<https://auth0.com/docs/api/authentication>";
const BRUTE_FORCE: &str = "<https://auth0.com/docs/secure/attack-protection/brute-force-protection>";
const SUSPICIOUS_ADDRESS: &str = "<https://auth0.com/docs/secure/attack-protection/suspicious-ip-throttling>";
const BOTS: &str = "<https://auth0.com/docs/secure/attack-protection/bot-detection>";
const GRANT_TYPES: &str = "<https://auth0.com/docs/get-started/applications/update-grant-types>";
const LEGACY: &str = "auth0/docs, `articles/api/authentication/errors/_oauth-ro.md`";
const STANDARD: &str = "auth0/docs, `articles/api/authentication/errors/_errors.md`";
const PITFALLS: &str = "<https://auth0.com/docs/get-started/authentication-and-authorization-flow/resource-owner-password-flow/avoid-common-issues-with-resource-owner-password-flow-and-attack-protection>";
const ROPG: &str =
    "<https://auth0.com/docs/get-started/authentication-and-authorization-flow/resource-owner-password-flow>";
const MFA: &str = "<https://auth0.com/docs/secure/multi-factor-authentication/authenticate-using-ropg-flow-with-mfa>";
const CHALLENGE: &str = "<https://auth0.com/docs/api/authentication/multi-factor-authentication/request-mfa-challenge>";
const OUT_OF_BAND: &str =
    "<https://auth0.com/docs/api/authentication/multi-factor-authentication/verify-with-out-of-band>";
const SWIFT: &str = "auth0/Auth0.swift, `AuthenticationErrorSpec.swift`";
const JAVA: &str = "auth0/auth0-java, `src/test/resources/auth`";
const JAVASCRIPT: &str = "auth0/auth0-auth-js, `mfa-client.spec.ts`";

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const THROTTLED: ProviderError = ProviderError::Throttled { retry_after: None };

const WRONG_SECRET: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Auth0 does not accept the client's credentials: Applications > the application > Settings: compare Client ID and Client \
     Secret, and Credentials > Authentication Method with client.token_endpoint_auth_method",
);
pub(super) const NO_API: ProviderError = Stage::Token
    .misconfigured("the tenant knows no API of settings.audience: Applications > APIs > the API > Identifier");
pub(super) const GRANT_OFF: ProviderError = Stage::Token.misconfigured(
    "the application may not use the grant: Applications > the application > Settings > Advanced Settings > Grant Types: \
     switch on Password, and MFA where users have a second factor",
);
pub(super) const NO_DIRECTORY: ProviderError = Stage::Token.misconfigured(
    "the tenant has no default connection: name one in settings.connection, or in Tenant Settings > API Authorization \
     Settings > Default Directory",
);
pub(super) const NO_CONNECTION: ProviderError = Stage::Token.misconfigured(
    "the connection of settings.connection does not exist, or is not switched on for the application: Applications > the \
     application > Connections. It has to be one with passwords of its own",
);
const NOT_TAKEN: ProviderError = Stage::Token.misconfigured(
    "Auth0 does not take the request: compare settings.scopes, settings.audience and settings.connection with the tenant",
);
const NOT_OFFERED: ProviderError =
    Stage::Token.misconfigured("the tenant does not offer this: check settings.domain and settings.custom_domains");

/// What a grant with a password may be answered.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_PASSWORD, &OF_A_DIRECT_GRANT];
/// What a grant with the code of a second factor may be answered.
pub(super) const TO_A_FACTORS_CODE: &[&Refusals] = &[&OF_A_FACTORS_CODE, &OF_A_FACTOR, &OF_A_DIRECT_GRANT];
/// What a grant may be answered for which the user has to confirm.
pub(super) const TO_A_CONFIRMATION: &[&Refusals] = &[&OF_A_CONFIRMATION, &OF_A_FACTOR, &OF_A_DIRECT_GRANT];
/// What the MFA API may answer.
pub(super) const TO_A_CHALLENGE: &[&Refusals] = &[&OF_A_FACTOR, &OF_A_DIRECT_GRANT];
/// What an authorization request may be answered, and a code.
pub(super) const TO_A_REDIRECT: &[&Refusals] = &[&REFUSED_REDIRECT, &OF_A_REDIRECT];
pub(super) const TO_A_CODE: &[&Refusals] = &[&REFUSED_CODE, &OF_A_CODE];

/// What Auth0 adds to the standard's errors of an authorization request.
pub(super) const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("unauthorized", rejected(Rejection::AccountDisabled), BLOCKED).mentioning("user is blocked"),
        Row::error("unauthorized", rejected(Rejection::Declined), BLOCKED)
            .note("a text of the tenant's own rule or action"),
    ],
};

/// What Auth0 adds to the standard's errors of a code.
pub(super) const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("access_denied", WRONG_SECRET, "<https://github.com/auth0/node-auth0/issues/195>")
            .saying("Unauthorized"),
        Row::error("invalid_client", WRONG_SECRET, REFERENCE),
        Row::error("access_denied", NO_API, REFERENCE).mentioning("Service not enabled within domain"),
    ],
};

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::AccountDisabled), BLOCKED)
            .mentioning("user is blocked")
            .note("seen at other grants: an assumption"),
        Row::error(
            "invalid_grant",
            rejected(Rejection::InvalidCredentials),
            "<https://github.com/auth0/react-native-auth0/issues/224>",
        )
        .note("\"Wrong email or password.\": wrong password or unknown user"),
        Row::error(
            "invalid_user_password",
            rejected(Rejection::InvalidCredentials),
            "<https://auth0.com/docs/api/authentication>, OpenAPI document",
        ),
        Row::error("password_leaked", rejected(Rejection::PasswordExpired), PITFALLS)
            .note("the password is in a list of stolen ones: no login until the user has changed it"),
        Row::error(
            "mfa_required",
            rejected(Rejection::InteractionRequired),
            "auth0/auth0-server-python, `test_passwordless_client.py`",
        )
        .note("without an `mfa_token`. With one, the user is asked for the second factor"),
        Row::error("unauthorized_client", GRANT_OFF, GRANT_TYPES).mentioning("Grant type"),
        Row::error("server_error", NO_DIRECTORY, ROPG).mentioning("not configured with default connection"),
        Row::error("invalid_request", NO_CONNECTION, LEGACY).mentioning("connection"),
    ],
};

pub(super) const OF_A_FACTORS_CODE: Refusals = Refusals {
    to: "the code of a second factor",
    at: &[
        At::Factor(Factor::Totp),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::VoiceOtp),
        At::Factor(Factor::EmailOtp),
    ],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::OtpExpired), JAVASCRIPT)
            .mentioning("Malformed mfa_token")
            .note("a token of another tenant, if the connector's domain has changed meanwhile"),
        Row::error("invalid_grant", rejected(Rejection::OtpInvalid), JAVA)
            .note("\"Invalid otp_code.\", \"Invalid OTP\", \"Invalid binding_code.\": wrong, used or too old"),
    ],
};

pub(super) const OF_A_CONFIRMATION: Refusals = Refusals {
    to: "the question whether the user has confirmed",
    at: &[At::Factor(Factor::Push)],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::Declined), OUT_OF_BAND).saying("MFA Authorization rejected."),
        Row::error("invalid_grant", rejected(Rejection::OtpExpired), OUT_OF_BAND)
            .note("another text: the question is no longer open (an assumption)"),
    ],
};

pub(super) const OF_A_FACTOR: Refusals = Refusals {
    to: "a second factor, and to the calls that begin it",
    at: &[
        At::Factor(Factor::Totp),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::VoiceOtp),
        At::Factor(Factor::EmailOtp),
        At::Factor(Factor::Push),
        At::Begin(Factor::Totp, "/mfa/authenticators"),
        At::Begin(Factor::SmsOtp, "/mfa/challenge"),
    ],
    rows: &[
        Row::error("expired_token", rejected(Rejection::OtpExpired), SWIFT)
            .note("\"mfa_token is expired\", after ten minutes: the login begins anew, with the password"),
        Row::error("invalid_token", rejected(Rejection::OtpExpired), JAVASCRIPT),
        Row::error("invalid_grant", rejected(Rejection::OtpExpired), JAVASCRIPT).note(
            "\"Malformed mfa_token\": a token of another tenant, if the connector's domain has changed meanwhile",
        ),
        Row::error("association_required", rejected(Rejection::InteractionRequired), CHALLENGE)
            .note("the user has not enrolled"),
        Row::error("unsupported_challenge_type", rejected(Rejection::InteractionRequired), CHALLENGE)
            .note("the user has only factors that the MFA API cannot do"),
        Row::error("mfa_required", rejected(Rejection::InteractionRequired), MFA)
            .note("without an `mfa_token`. With one, the user is asked for one more factor"),
        Row::error("unauthorized_client", GRANT_OFF, GRANT_TYPES).mentioning("Grant type"),
    ],
};

pub(super) const OF_A_DIRECT_GRANT: Refusals = Refusals {
    to: "any of these, after them",
    at: &[
        At::Password,
        At::Factor(Factor::Totp),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::VoiceOtp),
        At::Factor(Factor::EmailOtp),
        At::Factor(Factor::Push),
        At::Begin(Factor::Totp, "/mfa/authenticators"),
        At::Begin(Factor::SmsOtp, "/mfa/challenge"),
    ],
    rows: &[
        Row::error("too_many_attempts", rejected(Rejection::AccountLocked), BRUTE_FORCE)
            .mentioning("Your account has been blocked")
            .with_status(429)
            .note("until the user follows the link in Auth0's e-mail, changes the password, or is unblocked"),
        Row::error("too_many_attempts", THROTTLED, SUSPICIOUS_ADDRESS)
            .mentioning("suspicious login behavior")
            .with_status(429)
            .note("too many failures from one address: ours, if the user's is not passed on"),
        Row::error("too_many_attempts", THROTTLED, SUSPICIOUS_ADDRESS)
            .with_status(429)
            .note("any other text: it cannot be told whether the user or the address is meant"),
        Row::error("too_many_logins", THROTTLED, LEGACY).with_status(429),
        Row::error("too_many_requests", THROTTLED, STANDARD).with_status(429),
        Row::error("unauthorized", rejected(Rejection::AccountDisabled), BLOCKED).mentioning("user is blocked"),
        Row::error(
            "blocked_user",
            rejected(Rejection::AccountDisabled),
            "<https://auth0.com/docs/get-started/applications/set-up-cors>",
        ),
        Row::error("unauthorized", rejected(Rejection::Declined), BLOCKED)
            .note("a text of the tenant's own rule or action"),
        Row::error("requires_verification", rejected(Rejection::InteractionRequired), BOTS)
            .note("bot detection wants a CAPTCHA, which only a browser can show"),
        Row::error("access_denied", WRONG_SECRET, "<https://github.com/auth0/node-auth0/issues/195>")
            .saying("Unauthorized"),
        Row::error("access_denied", NO_API, REFERENCE).mentioning("Service not enabled within domain"),
        Row::error(
            "access_denied",
            rejected(Rejection::Declined),
            "<https://auth0.com/docs/customize/rules/raise-errors-from-rules>",
        )
        .note("a text of the tenant's own rule or action; also one that redirects, which a password grant cannot do"),
        Row::error("invalid_client", WRONG_SECRET, REFERENCE),
        Row::error("unauthorized_client", WRONG_SECRET, LEGACY).saying("invalid client"),
        Row::error("unauthorized_client", GRANT_OFF, GRANT_TYPES),
        Row::error("unsupported_grant_type", GRANT_OFF, REFERENCE),
        Row::error("invalid_request", NOT_TAKEN, REFERENCE),
        Row::error("invalid_scope", NOT_TAKEN, REFERENCE),
        Row::error("endpoint_disabled", NOT_OFFERED, STANDARD),
        Row::error("method_not_allowed", NOT_OFFERED, STANDARD),
        Row::error("temporarily_unavailable", Stage::Token.unavailable(Outage::ServerError), REFERENCE),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusals::tests::assert_each_row_counts;

    #[test]
    fn each_row_counts_among_the_tables_it_is_asked_with() {
        for tables in [TO_A_PASSWORD, TO_A_CHALLENGE] {
            assert_each_row_counts(tables);
        }
    }
}
