//! What a token endpoint's refusal of an authorization code means (RFC 6749 section 5.2).

use chrono::{DateTime, Utc};
use egress::Response;
use http::StatusCode;

use crate::answers::{OauthError, throttled};
use crate::{Outage, ProviderError, Rejection, Stage};

const fn misconfigured(stage: Stage, hint: &'static str) -> ProviderError {
    ProviderError::Misconfigured { stage, hint }
}

const CLIENT: ProviderError = misconfigured(
    Stage::ClientAuthentication,
    "the provider does not accept the client's credentials: check client.id, the secret and \
     client.token_endpoint_auth_method",
);

const ERRORS: &[(&str, ProviderError)] = &[
    // Expired, used before, or ended meanwhile: only a new one helps.
    ("invalid_grant", ProviderError::Rejected(Rejection::InteractionRequired)),
    ("invalid_client", CLIENT),
    (
        "unauthorized_client",
        misconfigured(
            Stage::Token,
            "the provider does not let this client redeem codes: switch the code flow on for it",
        ),
    ),
    (
        "unsupported_grant_type",
        misconfigured(Stage::Token, "the token endpoint does not redeem authorization codes: check its address"),
    ),
    (
        "invalid_scope",
        misconfigured(Stage::Token, "one of settings.scopes is unknown to the provider, or not granted to this client"),
    ),
    (
        "invalid_request",
        misconfigured(
            Stage::Token,
            "the token endpoint does not take the request: check client.token_endpoint_auth_method, pkce and the endpoints \
             in the settings",
        ),
    ),
    ("access_denied", ProviderError::Rejected(Rejection::Declined)),
    ("temporarily_unavailable", ProviderError::Unavailable { stage: Stage::Token, outage: Outage::ServerError }),
    ("server_error", ProviderError::Unavailable { stage: Stage::Token, outage: Outage::ServerError }),
];

/// What an answer other than 200 means, by the standard.
pub(super) fn classify(now: DateTime<Utc>, response: &Response) -> ProviderError {
    if let Some(throttled) = throttled(now, response) {
        return throttled;
    }
    let error = OauthError::of(response);
    // Only who could not authenticate is answered 401; some, Keycloak among them, call a wrong secret something else.
    if response.status == StatusCode::UNAUTHORIZED
        && error.as_ref().is_some_and(|error| error.code == "unauthorized_client")
    {
        return CLIENT;
    }
    if let Some((_, meaning)) = error.and_then(|error| ERRORS.iter().find(|(code, _)| *code == error.code)) {
        return *meaning;
    }
    match response.status {
        status if status.is_server_error() => Stage::Token.unavailable(Outage::ServerError),
        StatusCode::UNAUTHORIZED => CLIENT,
        StatusCode::NOT_FOUND => {
            misconfigured(Stage::Token, "there is no token endpoint at the address that is named for it")
        }
        _ => Stage::Token.unavailable(Outage::Protocol),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_TYPE;

    use super::*;

    fn meaning(status: u16, media_type: &str, body: &str) -> ProviderError {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        classify(DateTime::UNIX_EPOCH, &Response { status, headers, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn every_error_of_the_standard_has_its_outcome() {
        for (error, outcome) in [
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
                let error = meaning(status, "application/json", &format!(r#"{{"error":"{error}"}}"#));
                // A 401 for a reason nobody knows is about the client: nobody else authenticates there.
                let outcome =
                    if (status, outcome) == (401, "unavailable") { "unavailable.misconfigured" } else { outcome };
                assert_eq!(error.outcome(), Some(outcome), "{status} {error}");
            }
        }
    }

    #[test]
    fn too_many_calls_come_first_and_pages_are_read_by_their_status() {
        let throttled = meaning(429, "application/json", r#"{"error":"invalid_grant"}"#);
        assert_eq!(throttled, ProviderError::Throttled { retry_after: None });
        for (status, outcome) in [
            (401, "unavailable.misconfigured"),
            (404, "unavailable.misconfigured"),
            (500, "unavailable.timeout"),
            (503, "unavailable.timeout"),
            (302, "unavailable"),
            (403, "unavailable"),
        ] {
            assert_eq!(meaning(status, "text/html", "<html>").outcome(), Some(outcome), "{status}");
        }
    }
}
