//! What a token endpoint's refusal of an authorization code means by the standard (RFC 6749 section 5.2).

use crate::refusals::{At, Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "the provider does not accept the client's credentials: check client.id, the secret and client.token_endpoint_auth_method",
);

const RFC: &str = "RFC 6749 section 5.2";

/// To an authorization code.
pub const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code",
    at: &[At::Redemption],
    rows: &[
        // Only who could not authenticate is answered 401; some, Keycloak among them, call a wrong secret something else.
        Row::error("unauthorized_client", CLIENT, RFC).with_status(401),
        Row::error("invalid_grant", ProviderError::Rejected(Rejection::InteractionRequired), RFC)
            .note("expired, used before, or ended: only a new redirect brings a new code"),
        Row::error("invalid_client", CLIENT, RFC),
        Row::error(
            "unauthorized_client",
            Stage::Token
                .misconfigured("the provider does not let this client redeem codes: switch the code flow on for it"),
            RFC,
        ),
        Row::error(
            "unsupported_grant_type",
            Stage::Token.misconfigured("the token endpoint does not redeem authorization codes: check its address"),
            RFC,
        ),
        Row::error(
            "invalid_scope",
            Stage::Token
                .misconfigured("one of settings.scopes is unknown to the provider, or not granted to this client"),
            RFC,
        ),
        Row::error(
            "invalid_request",
            Stage::Token.misconfigured(
                "the token endpoint does not take the request: check client.token_endpoint_auth_method, pkce and the \
                 endpoints in the settings",
            ),
            RFC,
        ),
        Row::error("access_denied", ProviderError::Rejected(Rejection::Declined), "RFC 6749 section 8.5")
            .note("a policy of the provider's, applied late"),
        Row::error(
            "temporarily_unavailable",
            Stage::Token.unavailable(Outage::ServerError),
            "RFC 6749 section 4.1.2.1",
        ),
        Row::error("server_error", Stage::Token.unavailable(Outage::ServerError), "RFC 6749 section 4.1.2.1"),
        Row::status(401, CLIENT, "RFC 9110 section 15.5.2"),
        Row::status(
            404,
            Stage::Token.misconfigured("there is no token endpoint at the address that is named for it"),
            "RFC 9110 section 15.5.5",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusals::tests::meaning_in;

    #[test]
    fn status_429_comes_first_and_pages_count_by_status() {
        for (status, expected) in [
            (401, "unavailable.misconfigured"),
            (404, "unavailable.misconfigured"),
            (429, "unavailable.throttled"),
            (500, "unavailable.timeout"),
            (503, "unavailable.timeout"),
            (302, "unavailable"),
            (403, "unavailable"),
        ] {
            let found = meaning_in(&[&OF_A_CODE], status, "text/html", "<html>").outcome();
            assert_eq!(found, Some(expected), "{status}");
        }
        // A 401 with an unknown error is about the client: nothing else authenticates there.
        for (status, expected) in [(400, "unavailable"), (401, "unavailable.misconfigured")] {
            let found = meaning_in(&[&OF_A_CODE], status, "application/json", r#"{"error":"something_new"}"#);
            assert_eq!(found.outcome(), Some(expected), "{status}");
        }
    }
}
