//! What Okta refuses, by kind of request. Many errors have one `error`, and the description alone tells them apart.

use domain::{Factor, Method};

use crate::refusals::{At, Refusals, Row};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

const ERRORS: &str = "<https://developer.okta.com/docs/reference/error-codes/>";
const LIMITS: &str = "<https://developer.okta.com/docs/reference/rl2-limits/>";
const RFC: &str = "RFC 6749 section 5.2";
const JAVA: &str = "okta/okta-idx-java, `api/src/test/resources`";
const WIDGET: &str = "okta/okta-signin-widget, `playground/mocks/data/idp/idx`";
const NO_POLICY: &str = "no access policy of the authorization server lets this client in: Security > API > Authorization Servers \
                         > the server > Access Policies: add a policy for the client with a rule for the Authorization Code \
                         grant and the scopes";
const NO_RULE: &str = "no access policy of the authorization server lets this client in: Security > API > Authorization Servers \
                       > the server > Access Policies: add a policy for the client with a rule for the method's grant and the \
                       scopes";
const NETWORK: &str = "Okta does not take calls from here: add Landfall's public addresses to the network zone of the client, or \
                       lift it, under Applications > the application > General > Network";
const INTERACTION_CODE: &str = "the interaction code flow is off: Settings > Account > Embedded widget sign-in support > Interaction \
                                Code, and Applications > the application > General > Grant type > Interaction Code; the org has \
                                to be an Identity Engine";
const REDIRECT_URI: &str = "the redirect URI is not registered: Applications > the application > General > Sign-in redirect URIs: add \
                            the connector's callback URL";
const CHALLENGE: &str = "/v1/challenge";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Okta does not accept the client's credentials: Applications > Applications > the application > General > Client Credentials: \
     compare Client ID, Client secret and Client authentication with client.id, the secret and \
     client.token_endpoint_auth_method",
);
const DECLINED: ProviderError = rejected(Rejection::Declined);
const CODE_OF_ANOTHER: ProviderError = Stage::Token.refused(Check::Code);
const THROTTLED: ProviderError = ProviderError::Throttled { retry_after: None };
const SERVER_ERROR: ProviderError = Stage::Token.unavailable(Outage::ServerError);

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const fn at_token(hint: &'static str) -> ProviderError {
    Stage::Token.misconfigured(hint)
}

const fn denied(text: &'static str, meaning: ProviderError) -> Row {
    Row::error("access_denied", meaning, ERRORS).mentioning(text)
}

const fn invalid_grant(text: &'static str, meaning: ProviderError) -> Row {
    Row::error("invalid_grant", meaning, ERRORS).mentioning(text)
}

/// What a password may be answered.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_PASSWORD, &OF_ANY_GRANT];
/// What a second factor's code may be answered.
pub(super) const TO_A_SECOND_CODE: &[&Refusals] = &[&OF_A_SECOND_CODE, &OF_ANY_GRANT];
/// What is answered when a second factor is begun.
pub(super) const TO_A_CHALLENGE: &[&Refusals] = &[&OF_ANY_GRANT];
/// What a question after a push may be answered.
pub(super) const TO_A_PUSH: &[&Refusals] = &[&OF_A_PUSH, &OF_ANY_GRANT];
/// What the OTP grant may be answered.
pub(super) const TO_A_CODE_ALONE: &[&Refusals] = &[&OF_A_CODE_ALONE, &OF_ANY_GRANT];
/// What the first call of the interaction code flow may be answered.
pub(super) const TO_AN_INTERACTION: &[&Refusals] = &[&OF_AN_INTERACTION, &OF_ANY_GRANT];
/// What its steps may be answered.
pub(super) const TO_A_STEP: &[&Refusals] = &[&OF_A_STEP];
/// What its last call may be answered.
pub(super) const TO_AN_INTERACTION_CODE: &[&Refusals] = &[&OF_AN_INTERACTION_CODE, &OF_ANY_GRANT];

pub(super) const OF_A_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("access_denied", Stage::Callback.misconfigured(NO_POLICY), ERRORS)
            .mentioning("Policy evaluation failed"),
        Row::error("access_denied", Stage::Callback.misconfigured(NO_POLICY), ERRORS).mentioning("no_matching_policy"),
    ],
};

pub(super) const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        denied("Policy evaluation failed", at_token(NO_POLICY)),
        denied("permitted network zones", at_token(NETWORK)),
        Row::error("invalid_client", CLIENT, ERRORS),
        Row::status(401, CLIENT, ERRORS).note("an unknown client has its error in `errorCode`"),
    ],
};

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password],
    rows: &[
        invalid_grant("Password has expired.", rejected(Rejection::PasswordExpired)),
        invalid_grant("cannot be used with MFA enabled", rejected(Rejection::InteractionRequired))
            .note("a policy wants a second factor, and the client has no grant of direct authentication"),
        invalid_grant("denied by sign on policy", DECLINED),
        invalid_grant("The user does not configure a password.", DECLINED),
        invalid_grant("The user has multiple passwords.", DECLINED),
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), ERRORS)
            .note("\"The credentials provided were invalid.\": wrong password, unknown user, locked"),
        // An empty name or password is something a user types, not something an administrator can repair.
        Row::error("invalid_request", rejected(Rejection::InvalidCredentials), ERRORS)
            .mentioning("'username' is missing"),
        Row::error("invalid_request", rejected(Rejection::InvalidCredentials), ERRORS)
            .mentioning("'password' is missing"),
    ],
};

pub(super) const OF_A_SECOND_CODE: Refusals = Refusals {
    to: "a second factor's code",
    at: &[At::Factor(Factor::Totp), At::Factor(Factor::SmsOtp), At::Factor(Factor::VoiceOtp)],
    rows: &[Row::error("invalid_grant", rejected(Rejection::OtpInvalid), ERRORS)
        .note("\"The 'otp' provided is either empty or incorrect\"")],
};

pub(super) const OF_A_PUSH: Refusals = Refusals {
    to: "the question whether the user has confirmed",
    at: &[At::Factor(Factor::Push)],
    rows: &[Row::error("invalid_grant", DECLINED, ERRORS).note("\"User rejected out-of-band authentication prompt.\"")],
};

pub(super) const OF_A_CODE_ALONE: Refusals = Refusals {
    to: "a code without a password (`totp_flow: otp_grant`)",
    // Another flow is the default.
    at: &[At::Preset],
    rows: &[
        invalid_grant("'login_hint' does not uniquely identify", rejected(Rejection::InvalidCredentials)),
        Row::error("invalid_grant", rejected(Rejection::OtpInvalid), ERRORS)
            .note("\"The 'otp' provided is either empty or incorrect\""),
    ],
};

pub(super) const OF_AN_INTERACTION: Refusals = Refusals {
    to: "the first call of the interaction code flow",
    at: &[At::Call(Method::Totp, "/v1/interact")],
    rows: &[
        denied("Interaction Code flow", at_token(INTERACTION_CODE)),
        Row::error("unauthorized_client", at_token(INTERACTION_CODE), ERRORS),
        Row::error("invalid_request", at_token(REDIRECT_URI), ERRORS).mentioning("'redirect_uri'"),
    ],
};

pub(super) const OF_A_STEP: Refusals = Refusals {
    to: "a step of the interaction code flow",
    at: &[
        At::Call(Method::Totp, "/idp/idx/introspect"),
        At::Call(Method::Totp, "/idp/idx/identify"),
        At::Call(Method::Totp, "/idp/idx/challenge"),
        At::Call(Method::Totp, "/idp/idx/challenge/answer"),
    ],
    rows: &[
        Row::error("idx.unknown.user", rejected(Rejection::InvalidCredentials), WIDGET).with_status(200),
        Row::error("incorrectPassword", rejected(Rejection::InvalidCredentials), JAVA),
        Row::error("errors.E0000004", rejected(Rejection::InvalidCredentials), JAVA)
            .note("suspended, deactivated, and sometimes locked"),
        Row::error("authfactor.challenge.suspended_factor", rejected(Rejection::AccountLocked), WIDGET)
            .note("too many failures"),
        Row::error("api.authn.error.PASSCODE_INVALID", rejected(Rejection::OtpInvalid), WIDGET),
        Row::error("authfactor.challenge.soft_token.invalid_passcode", rejected(Rejection::OtpInvalid), WIDGET),
        Row::error("authfactor.challenge.soft_token.used_passcode", rejected(Rejection::OtpInvalid), WIDGET),
        Row::error("idx.session.expired", rejected(Rejection::OtpExpired), JAVA),
        Row::error("core.system.transaction_resource_not_found", rejected(Rejection::OtpExpired), WIDGET),
        Row::error("idx.error.user.not.assigned.to.app", DECLINED, WIDGET),
        Row::error("idx.error.code.user_not_assigned", DECLINED, WIDGET),
        Row::error("security.access_denied", DECLINED, WIDGET),
        Row::error("oie.assurance.unsatisfiable", DECLINED, WIDGET).note("the user cannot meet the policy"),
        Row::error("api.authn.poll.error.push_rejected", DECLINED, WIDGET),
        Row::error("idx.error.code.no_matching_policy", at_token(NO_RULE), "okta/okta-idx-java, issue 201"),
        Row::error("tooManyRequests", THROTTLED, WIDGET),
        Row::error("E0000047", THROTTLED, ERRORS).with_status(429),
        Row::error("E0000009", SERVER_ERROR, ERRORS),
        Row::error("E0000010", SERVER_ERROR, ERRORS).note("the org is read-only for now"),
    ],
};

pub(super) const OF_AN_INTERACTION_CODE: Refusals = Refusals {
    to: "the last call of the interaction code flow",
    at: &[At::Call(Method::Totp, "/v1/token")],
    rows: &[
        invalid_grant("PKCE verification failed", CODE_OF_ANOTHER),
        invalid_grant("Additional user authentication is required", DECLINED),
        Row::error("invalid_grant", rejected(Rejection::OtpExpired), ERRORS)
            .note("\"The interaction code is invalid or has expired.\": only a new login brings a new one"),
    ],
};

pub(super) const OF_ANY_GRANT: Refusals = Refusals {
    to: "a password or a code, after these",
    at: &[
        At::Password,
        At::Begin(Factor::Push, CHALLENGE),
        At::Begin(Factor::SmsOtp, CHALLENGE),
        At::Begin(Factor::VoiceOtp, CHALLENGE),
        At::Factor(Factor::Totp),
        At::Factor(Factor::Push),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::VoiceOtp),
        At::Call(Method::Totp, "/v1/interact"),
        At::Call(Method::Totp, "/v1/token"),
    ],
    rows: &[
        Row::error("invalid_grant", THROTTLED, LIMITS)
            .saying("API call exceeded rate limit due to too many requests.")
            .with_status(429)
            .note("the limit per user name: not a wrong password"),
        denied("The user's password is expired.", rejected(Rejection::PasswordExpired)),
        denied("User is not assigned to the client application.", DECLINED),
        denied("User status is invalid.", rejected(Rejection::AccountDisabled))
            .note("listed among other errors; what a suspended or deactivated user is answered here is not documented"),
        denied("User with lite classification", DECLINED),
        denied("The required authenticator cannot be used", rejected(Rejection::InteractionRequired))
            .note("the user is not enrolled in it"),
        denied("Unable to prompt for the requested authenticators", DECLINED),
        denied("authentication policy wasn't satisfied", DECLINED),
        denied("No supported authenticators", DECLINED),
        denied("has expired. Use a new", rejected(Rejection::OtpExpired)),
        denied(
            "are disabled for the client",
            at_token(
                "a policy wants a grant that the client does not have: Applications > the application > General > Grant type > \
                 Advanced: MFA OTP, MFA OOB",
            ),
        ),
        denied(
            "not sufficient to satisfy the authentication policy",
            at_token("a policy wants a second factor for which the client has no grant"),
        ),
        denied("Policy evaluation failed", at_token(NO_RULE)),
        denied("requested scopes were", at_token(NO_RULE)),
        denied("permitted network zones", at_token(NETWORK)),
        Row::error("access_denied", DECLINED, ERRORS),
        Row::error(
            "unauthorized_client",
            at_token(
                "the client may not use the grant: Applications > the application > General > Grant type > Advanced: Resource \
                 Owner Password, OTP, MFA OTP, MFA OOB or Interaction Code, as the method needs",
            ),
            ERRORS,
        ),
        Row::error(
            "unsupported_grant_type",
            at_token("the authorization server does not offer the grant: check settings.authorization_server"),
            ERRORS,
        ),
        Row::error(
            "invalid_scope",
            at_token(
                "one of settings.scopes is not among the server's: Security > API > Authorization Servers > Scopes",
            ),
            ERRORS,
        ),
        Row::error(
            "consent_required",
            at_token("switch off Require consent: Applications > the application > General > User Consent"),
            ERRORS,
        ),
        Row::error(
            "server_error",
            at_token(
                "the groups claim matches more than 100 groups: narrow it under Security > API > Authorization Servers",
            ),
            ERRORS,
        )
        .mentioning("matched too many groups"),
        Row::error("server_error", SERVER_ERROR, ERRORS),
        Row::error("temporarily_unavailable", SERVER_ERROR, ERRORS),
        Row::error("E0000047", THROTTLED, ERRORS).with_status(429),
        Row::error("E0000009", SERVER_ERROR, ERRORS),
        Row::error("E0000010", SERVER_ERROR, ERRORS).note("the org is read-only for now"),
        Row::error(
            "invalid_request",
            at_token("Okta does not take the request: is the token endpoint that of an Okta org?"),
            RFC,
        ),
        Row::error("invalid_client", CLIENT, ERRORS).note("an unknown client has its error in `errorCode`"),
        Row::status(401, CLIENT, ERRORS),
    ],
};
