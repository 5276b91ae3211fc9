//! What OneLogin refuses, by kind of request.
//!
//! What it answers to a wrong password is documented nowhere: only that there is an `error_description`
//! (<https://github.com/onelogin/onelogin-oidc-node>, "Password Grant"). So the standard's `invalid_grant` and `access_denied` count as the
//! user's fault, and an unknown answer as the administrator's: a wrong guess would tell every user that their password is wrong.

use crate::oidc::OF_A_CODE;
use crate::refusals::{At, Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const REFERENCE: &str = "<https://developers.onelogin.com/openid-connect/api/authorization-code-grant>";
const PASSWORD: &str = "<https://developers.onelogin.com/openid-connect/api/password-grant>";
const PASSWORD_V1: &str = "<https://developers.onelogin.com/openid-connect/api-v1/password-grant>";
const SAMPLE: &str = "<https://github.com/onelogin/onelogin-oidc-node>";
const RFC: &str = "RFC 6749 section 5.2";

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "OneLogin does not accept the client's credentials: Applications > the application > SSO: compare Client ID, Client Secret and \
     Token Endpoint > Authentication Method with client.id, the secret and client.token_endpoint_auth_method",
);
pub(super) const NO_GRANT: ProviderError =
    Stage::Token.misconfigured("OneLogin does not offer the password grant to this application");
const UNKNOWN: ProviderError = Stage::Token.misconfigured(
    "OneLogin refuses the password grant in words that Landfall does not know: see the application's events in OneLogin. Assigned \
     users with the right password and without MFA have to be able to sign in",
);

/// What the answers to an authorization code mean.
pub(super) const TO_A_CODE: &[&Refusals] = &[&REFUSED_CODE, &OF_A_CODE];
/// What a grant with a password may be answered.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_PASSWORD];

/// What OneLogin adds to the standard's errors of a code.
pub(super) const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("invalid_client", CLIENT, REFERENCE),
        Row::error("invalid_request", CLIENT, PASSWORD_V1).saying("Resource not found"),
        Row::status(401, CLIENT, REFERENCE),
    ],
};

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password],
    rows: &[
        Row::error("invalid_client", CLIENT, RFC),
        Row::error("unauthorized_client", NO_GRANT, RFC),
        Row::error("unsupported_grant_type", NO_GRANT, PASSWORD_V1),
        Row::error("invalid_request", CLIENT, PASSWORD_V1).saying("Resource not found"),
        Row::error("invalid_grant", rejected(Rejection::InteractionRequired), SAMPLE)
            .mentioning("MFA")
            .note("a policy demands a second factor, which this grant cannot ask for. The text is an assumption"),
        Row::error("access_denied", rejected(Rejection::InteractionRequired), SAMPLE)
            .mentioning("MFA")
            .note("likewise"),
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), RFC)
            .note("wrong password, unknown user, not assigned, locked, expired: not told apart (an assumption)"),
        Row::error("access_denied", rejected(Rejection::InvalidCredentials), RFC).note("likewise"),
        Row::error("server_error", Stage::Token.unavailable(Outage::ServerError), RFC),
        Row::error("temporarily_unavailable", Stage::Token.unavailable(Outage::ServerError), RFC),
        Row::status(401, CLIENT, PASSWORD_V1).note("a text about the Authorization header"),
        Row::status(400, UNKNOWN, PASSWORD),
        Row::status(403, UNKNOWN, PASSWORD),
        Row::status(404, UNKNOWN, PASSWORD),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusals::tests::assert_each_row_counts;

    #[test]
    fn each_row_counts_among_the_tables_it_is_asked_with() {
        assert_each_row_counts(TO_A_PASSWORD);
    }
}
