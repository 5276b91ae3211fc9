//! What a token endpoint's refusal of an authorization code means by the standard (RFC 6749 section 5.2).

use crate::refusals::{Refusals, Row};
use crate::{Outage, ProviderError, Rejection, Stage};

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "the provider does not accept the client's credentials: check client.id, the secret and client.token_endpoint_auth_method",
);

const RFC: &str = "RFC 6749 section 5.2";

/// To an authorization code.
pub const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code",
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
    use chrono::DateTime;
    use egress::Response;
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::refusals::classify;

    fn outcome(status: u16, media_type: &str, body: &str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        classify(DateTime::UNIX_EPOCH, Stage::Token, &response, &[&OF_A_CODE]).outcome()
    }

    #[test]
    fn every_error_of_the_standard_has_its_outcome() {
        for (error, outcome_of_400) in [
            ("invalid_grant", "rejected.interaction_required"),
            ("access_denied", "rejected.declined"),
            ("invalid_client", "unavailable.misconfigured"),
            ("unauthorized_client", "unavailable.misconfigured"),
            ("unsupported_grant_type", "unavailable.misconfigured"),
            ("invalid_scope", "unavailable.misconfigured"),
            ("invalid_request", "unavailable.misconfigured"),
            ("temporarily_unavailable", "unavailable.timeout"),
            ("server_error", "unavailable.timeout"),
            ("something_new", "unavailable"),
        ] {
            for status in [400, 401, 403] {
                // A 401 with an unknown error is about the client: nothing else authenticates there.
                let unknown_401 = (status, outcome_of_400) == (401, "unavailable");
                let expected = if unknown_401 { "unavailable.misconfigured" } else { outcome_of_400 };
                let body = format!(r#"{{"error":"{error}"}}"#);
                assert_eq!(outcome(status, "application/json", &body), Some(expected), "{status} {error}");
            }
        }
    }

    #[test]
    fn too_many_calls_come_first_and_pages_are_read_by_their_status() {
        for (status, expected) in [
            (401, "unavailable.misconfigured"),
            (404, "unavailable.misconfigured"),
            (429, "unavailable.throttled"),
            (500, "unavailable.timeout"),
            (503, "unavailable.timeout"),
            (302, "unavailable"),
            (403, "unavailable"),
        ] {
            assert_eq!(outcome(status, "text/html", "<html>"), Some(expected), "{status}");
        }
    }
}
