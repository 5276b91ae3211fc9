//! What Cognito refuses, by kind of request.
//!
//! The API's types of errors are documented, their messages are not: those come from reports, and Cognito may change them. Of a
//! `NotAuthorizedException` with other words the call decides what it means.

use domain::{Channel, Factor};

use crate::refusals::{At, Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const TRIGGERS: &str =
    "<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>";
const INITIATE: &str =
    "<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>";
const RESPOND: &str =
    "<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>";
const EXISTENCE: &str =
    "<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>";
const AUTHENTICATION: &str = "<https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html>";
const FLOWS: &str = "<https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html>";
const HASH: &str = "<https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html>";
const DISABLED: &str = "<https://github.com/aws-amplify/amplify-js/issues/5503>";
const IMPORTED: &str = "<https://github.com/aws-amplify/amplify-js/issues/4516>";
const SESSIONS: &str = "<https://github.com/aws-amplify/amplify-js/issues/13123>";
const LAMBDA: &str = "<https://github.com/aws-amplify/amplify-js/issues/9127>";
const RATE: &str = "<https://github.com/aws-amplify/amplify-js/issues/3554>";
const ATTEMPTS: &str = "<https://github.com/aws-amplify/aws-sdk-android/issues/627>";
const EXPIRED: &str = "<https://github.com/aws-amplify/amplify-flutter/issues/1128>";

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const fn client(hint: &'static str) -> ProviderError {
    Stage::ClientAuthentication.misconfigured(hint)
}

const fn token(hint: &'static str) -> ProviderError {
    Stage::Token.misconfigured(hint)
}

/// A second factor after a code.
pub(super) const MFA_REQUIRED: ProviderError = token(
    "the pool requires MFA, which excludes a code as the first factor: set Authentication > Sign-in > Multi-factor authentication to \
     Optional MFA or No MFA",
);
/// Why a code was not sent.
pub(super) const NOT_OFFERED: &str = "the pool offers this user no such code, or the user is unknown: switch on the code under Authentication > Sign-in > Options for \
     choice-based sign-in, and set Multi-factor authentication to Optional MFA or No MFA; the user needs a verified address, a \
     password that is not temporary, and no MFA of their own";

const NOT_AUTHORIZED: &str = "NotAuthorizedException";
const INVALID: &str = "InvalidParameterException";
const WRONG_SECRET: ProviderError = client(
    "Cognito does not accept the client's secret: Applications > App clients > the app client > App client information: compare \
     Client ID and Client secret",
);
const THROTTLED: ProviderError = ProviderError::Throttled { retry_after: None };
const ITS_LAMBDA: ProviderError = Stage::Token.unavailable(Outage::ServerError);
const SENDS_NO_SMS: ProviderError = token(
    "the pool may not send SMS: Authentication > Authentication methods > SMS: choose an IAM role that Cognito may assume",
);
const WRONG_PLAN: ProviderError = token(
    "the pool does not support this sign-in: Settings > Feature plan: codes as the first factor need Essentials or Plus; in a replica \
     Region, use the primary one in settings.region",
);

/// What the answers to a password mean.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_PASSWORD, &OF_THE_API, &ANY_PASSWORD];
/// To a code that shall be sent.
pub(super) const TO_SENDING: &[&Refusals] = &[&OF_SENDING, &OF_THE_API, &ANY_SENDING];
/// To a code, or to a choice of one.
pub(super) const TO_AN_ANSWER: &[&Refusals] = &[&OF_AN_ANSWER, &OF_THE_API, &ANY_ANSWER];
/// To a new password.
pub(super) const TO_A_NEW_PASSWORD: &[&Refusals] = &[&OF_A_NEW_PASSWORD, &OF_THE_API, &ANY_ANSWER];

const SENDING: &[At] = &[At::Sending(Channel::Email), At::Sending(Channel::Sms)];
const ANSWER: &[At] = &[
    At::Sent(Channel::Email),
    At::Sent(Channel::Sms),
    At::Factor(Factor::SmsOtp),
    At::Factor(Factor::EmailOtp),
    At::Factor(Factor::Totp),
];

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password],
    rows: &[
        Row::error(NOT_AUTHORIZED, rejected(Rejection::AccountLocked), AUTHENTICATION)
            .mentioning("Password attempts exceeded")
            .note("locked after five failures, for a second at first, for 15 minutes at most"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::AccountDisabled), DISABLED)
            .mentioning("User is disabled")
            .note("only after the right password"),
        Row::error("UserNotFoundException", rejected(Rejection::InvalidCredentials), EXISTENCE)
            .note("the app client's setting Prevent user existence errors is off"),
        Row::error("UserNotConfirmedException", rejected(Rejection::Declined), INITIATE)
            .note("signed up, and never confirmed"),
        Row::error("PasswordResetRequiredException", rejected(Rejection::PasswordExpired), EXISTENCE)
            .note("an administrator's reset, or an import"),
        Row::error(INVALID, rejected(Rejection::PasswordExpired), IMPORTED)
            .mentioning("Invalid input given")
            .note("seen for imported users"),
        Row::error(INVALID, rejected(Rejection::InvalidCredentials), INITIATE)
            .mentioning("Missing required parameter USERNAME")
            .note("no name was typed"),
        Row::error(INVALID, rejected(Rejection::InvalidCredentials), INITIATE)
            .mentioning("Missing required parameter PASSWORD")
            .note("no password was typed"),
        Row::error(
            INVALID,
            token(
                "the app client may not sign users in by password: Applications > App clients > the app client > Edit > Authentication \
                 flows: choose ALLOW_USER_PASSWORD_AUTH (Sign in with username and password)",
            ),
            INITIATE,
        )
        .mentioning("flow not enabled"),
    ],
};

pub(super) const OF_SENDING: Refusals = Refusals {
    to: "an address that a code shall be sent to; a rejection is for the log alone, and the user is asked for a code all the same",
    at: SENDING,
    rows: &[
        Row::error(NOT_AUTHORIZED, rejected(Rejection::AccountDisabled), DISABLED).mentioning("User is disabled"),
        Row::error("UserNotFoundException", rejected(Rejection::InvalidCredentials), EXISTENCE)
            .note("the app client's setting Prevent user existence errors is off"),
        Row::error("UserNotConfirmedException", rejected(Rejection::Declined), INITIATE),
        Row::error("PasswordResetRequiredException", rejected(Rejection::PasswordExpired), INITIATE),
        Row::error(INVALID, rejected(Rejection::InvalidCredentials), INITIATE)
            .mentioning("Missing required parameter USERNAME")
            .note("no address was typed"),
        Row::error(
            INVALID,
            token(
                "the app client may not use choice-based sign-in: Applications > App clients > the app client > Edit > Authentication \
                 flows: choose ALLOW_USER_AUTH (Choice-based sign-in)",
            ),
            INITIATE,
        )
        .mentioning("flow not enabled"),
        Row::error(
            INVALID,
            token(
                "the pool sends no codes as the first factor: Authentication > Sign-in > Options for choice-based sign-in: switch on the \
                 code, and set Multi-factor authentication to Optional MFA or No MFA, because required MFA excludes it",
            ),
            FLOWS,
        )
        .note("which words Cognito has for it is not documented"),
    ],
};

pub(super) const OF_AN_ANSWER: Refusals = Refusals {
    to: "a code, first factor or second",
    at: ANSWER,
    rows: &[
        Row::error("CodeMismatchException", rejected(Rejection::OtpInvalid), RESPOND)
            .note("the `Session` stays alive: another code may be given"),
        Row::error("ExpiredCodeException", rejected(Rejection::OtpExpired), EXPIRED)
            .note("expired, or the code of an authenticator app that was used before"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::OtpExpired), SESSIONS)
            .mentioning("Invalid session for the user")
            .note("the `Session` has expired, or was used before"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::AccountDisabled), DISABLED).mentioning("User is disabled"),
        Row::error("UserNotFoundException", rejected(Rejection::OtpInvalid), RESPOND),
        Row::error("UserNotConfirmedException", rejected(Rejection::Declined), RESPOND),
        Row::error("PasswordResetRequiredException", rejected(Rejection::PasswordExpired), RESPOND),
        Row::error("AliasExistsException", rejected(Rejection::Declined), RESPOND)
            .note("another account has the address that the code would verify"),
    ],
};

pub(super) const OF_A_NEW_PASSWORD: Refusals = Refusals {
    to: "a new password; the user is asked for another one after `rejected.password_expired`",
    at: &[At::NewPassword],
    rows: &[
        Row::error("InvalidPasswordException", rejected(Rejection::PasswordExpired), RESPOND)
            .note("against the pool's password policy"),
        Row::error("PasswordHistoryPolicyViolationException", rejected(Rejection::PasswordExpired), RESPOND)
            .note("used before"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::AccountDisabled), DISABLED).mentioning("User is disabled"),
    ],
};

pub(super) const OF_THE_API: Refusals = Refusals {
    to: "any call of the API, after these",
    at: &[
        At::Password,
        At::Sending(Channel::Email),
        At::Sending(Channel::Sms),
        At::Sent(Channel::Email),
        At::Sent(Channel::Sms),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::EmailOtp),
        At::Factor(Factor::Totp),
        At::NewPassword,
    ],
    rows: &[
        Row::error(
            NOT_AUTHORIZED,
            client("the app client has a secret: name it in client.secret, or create an app client without one"),
            HASH,
        )
        .mentioning("SECRET_HASH was not received"),
        Row::error(NOT_AUTHORIZED, WRONG_SECRET, HASH).mentioning("Unable to verify secret hash"),
        Row::error(NOT_AUTHORIZED, WRONG_SECRET, HASH).mentioning("SecretHash does not match"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::Declined), AUTHENTICATION)
            .mentioning("security reasons")
            .note("threat protection"),
        Row::error(NOT_AUTHORIZED, rejected(Rejection::Declined), LAMBDA)
            .mentioning("failed with error")
            .note("a Lambda trigger of the pool, such as PreAuthentication, refused the user"),
        Row::error("UserLambdaValidationException", rejected(Rejection::Declined), TRIGGERS)
            .note("a Lambda trigger of the pool, such as PreAuthentication, refused the user"),
        Row::error("UnexpectedLambdaException", ITS_LAMBDA, TRIGGERS).note("a Lambda trigger of the pool failed"),
        Row::error("InvalidLambdaResponseException", ITS_LAMBDA, TRIGGERS).note("a Lambda trigger of the pool failed"),
        Row::error("TooManyRequestsException", THROTTLED, RATE).note("a quota of the account is used up"),
        Row::error("LimitExceededException", THROTTLED, ATTEMPTS),
        Row::error("ThrottlingException", THROTTLED, RATE).note("not documented for these calls"),
        Row::error(
            "ResourceNotFoundException",
            token(
                "the Region has no such app client: compare settings.region and client.id with Applications > App clients > the app \
                 client > App client information",
            ),
            INITIATE,
        ),
        Row::error(
            INVALID,
            token("Cognito does not take the request: is settings.api_endpoint, if it is set, the user pools API?"),
            INITIATE,
        ),
        Row::error("UnsupportedOperationException", WRONG_PLAN, INITIATE),
        Row::error("OperationNotEnabledException", WRONG_PLAN, INITIATE),
        Row::error("FeatureUnavailableInTierException", WRONG_PLAN, INITIATE),
        Row::error("InvalidUserPoolConfigurationException", WRONG_PLAN, INITIATE),
        Row::error("InvalidSmsRoleAccessPolicyException", SENDS_NO_SMS, INITIATE),
        Row::error("InvalidSmsRoleTrustRelationshipException", SENDS_NO_SMS, INITIATE),
        Row::error(
            "InvalidEmailRoleAccessPolicyException",
            token(
                "the pool may not send e-mail: Authentication > Authentication methods > Email: check the SES identity and its policy",
            ),
            INITIATE,
        ),
        Row::error(
            "SoftwareTokenMFANotFoundException",
            token(
                "the pool has no authenticator apps: Authentication > Sign-in > Multi-factor authentication > MFA methods",
            ),
            RESPOND,
        ),
        Row::error(
            "MFAMethodNotFoundException",
            token(
                "the pool has no such second factor: Authentication > Sign-in > Multi-factor authentication > MFA methods",
            ),
            RESPOND,
        ),
        Row::error(
            "ForbiddenException",
            token(
                "AWS WAF blocks the request: Security > AWS WAF > the web ACL of the pool: let Landfall's addresses through",
            ),
            INITIATE,
        ),
        Row::error("InternalErrorException", Stage::Token.unavailable(Outage::ServerError), INITIATE),
    ],
};

/// What a `NotAuthorizedException` in other words means.
pub(super) const ANY_PASSWORD: Refusals = Refusals {
    to: "a password, if nothing above fits",
    at: &[At::Password],
    rows: &[Row::error(NOT_AUTHORIZED, rejected(Rejection::InvalidCredentials), EXISTENCE)
        .note("wrong password, unknown user, expired temporary password: all have one message")],
};

pub(super) const ANY_SENDING: Refusals = Refusals {
    to: "an address, if nothing above fits; likewise for the log",
    at: SENDING,
    rows: &[Row::error(NOT_AUTHORIZED, rejected(Rejection::InvalidCredentials), EXISTENCE)],
};

pub(super) const ANY_ANSWER: Refusals = Refusals {
    to: "a code or a new password, if nothing above fits",
    at: &[
        At::Sent(Channel::Email),
        At::Sent(Channel::Sms),
        At::Factor(Factor::SmsOtp),
        At::Factor(Factor::EmailOtp),
        At::Factor(Factor::Totp),
        At::NewPassword,
    ],
    rows: &[Row::error(NOT_AUTHORIZED, rejected(Rejection::OtpExpired), RESPOND).note("the login has to start again")],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusals::tests::assert_each_row_counts;

    #[test]
    fn each_row_counts_among_the_tables_it_is_asked_with() {
        // To an address, one row about parameters comes before the API's.
        for tables in [TO_A_PASSWORD, TO_AN_ANSWER, TO_A_NEW_PASSWORD] {
            assert_each_row_counts(tables);
        }
    }
}
