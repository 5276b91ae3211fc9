//! The table of [`super`], as data.

use chrono::{DateTime, Utc};
use egress::Response;
use http::StatusCode;

use crate::answers::{OauthError, throttled};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const fn client(hint: &'static str) -> ProviderError {
    ProviderError::Misconfigured { stage: Stage::ClientAuthentication, hint }
}

const fn token(hint: &'static str) -> ProviderError {
    ProviderError::Misconfigured { stage: Stage::Token, hint }
}

pub(super) const WRONG_KIND_OF_CLIENT: &str =
    "the client is no OpenID Connect client that may log users in: create one with client authentication on";
pub(super) const REALM_DISABLED: &str = "the realm is disabled: Realm settings > Enabled";
pub(super) const HTTPS_REQUIRED: &str = "the realm requires https: use the https address in settings.url";

const WRONG_KIND: ProviderError = client(WRONG_KIND_OF_CLIENT);

const CODE_OF_ANOTHER: ProviderError = ProviderError::Refused { stage: Stage::Token, check: Check::Code };

const SEE_THE_LOG: &str = "For more on this error consult the server log.";

/// `error`, `error_description` (`None`: any), meaning. The first that fits counts.
pub(super) type Row = (&'static str, Option<&'static str>, ProviderError);

/// To a password, with a code or without.
pub(super) const OF_A_PASSWORD: &[&[Row]] = &[
    OF_A_DIRECT_GRANT,
    &[
        ("invalid_grant", None, rejected(Rejection::InvalidCredentials)),
        // An empty name is something a user types, not something an administrator can repair.
        ("invalid_request", Some("Missing parameter: username"), rejected(Rejection::InvalidCredentials)),
    ],
    OF_ANYTHING,
];

/// To a code without a password.
pub(super) const OF_A_TOTP: &[&[Row]] = &[
    OF_A_DIRECT_GRANT,
    &[
        ("invalid_grant", None, rejected(Rejection::OtpInvalid)),
        ("invalid_request", Some("Missing parameter: username"), rejected(Rejection::OtpInvalid)),
        // What it says of a user who has no one-time code. That is nobody's outage, and no secret to be told.
        ("unknown_error", Some(SEE_THE_LOG), rejected(Rejection::OtpInvalid)),
    ],
    OF_ANYTHING,
];

/// To neither name nor password: all is right that is looked at before them.
pub(super) const OF_NOBODY: &[&[Row]] = &[
    OF_A_DIRECT_GRANT,
    &[
        ("invalid_request", Some("Missing parameter: username"), rejected(Rejection::InvalidCredentials)),
        (
            "invalid_grant",
            None,
            token("the grant is refused before a name is asked for: see the realm's client policies"),
        ),
    ],
    OF_ANYTHING,
];

/// To a name alone, where a code is asked for.
pub(super) const OF_A_NAME: &[&[Row]] = &[
    OF_A_DIRECT_GRANT,
    &[
        ("invalid_grant", None, rejected(Rejection::InvalidCredentials)),
        // Of a user who has no one-time code, where one is asked for. It says so of errors of its own as well, but has
        // just answered the same client well.
        ("unknown_error", Some(SEE_THE_LOG), rejected(Rejection::OtpInvalid)),
    ],
    OF_ANYTHING,
];

/// To an authorization code.
pub(super) const OF_A_CODE: &[&[Row]] = &[OF_A_REDIRECT, OF_ANYTHING];

const OF_A_DIRECT_GRANT: &[Row] = &[
    ("invalid_grant", Some("Account disabled"), rejected(Rejection::AccountDisabled)),
    // "Verify e-mail" and "accept the terms" say the same: only the browser login can tell them apart and resolve them.
    ("invalid_grant", Some("Account is not fully set up"), rejected(Rejection::PasswordExpired)),
    (
        "invalid_grant",
        Some("resource owner password credentials grant is prohibited."),
        token("a client policy forbids the password grant: Realm settings > Client policies"),
    ),
    (
        "unauthorized_client",
        Some("Client not allowed for direct access grants"),
        token("switch on Direct access grants: Clients > the client > Settings > Capability config"),
    ),
    ("unsupported_grant_type", None, token("the server does not offer the password grant")),
];

const OF_A_REDIRECT: &[Row] = &[
    ("invalid_grant", Some("Incorrect redirect_uri"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("Auth error: Found different client_id in clientSession"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("PKCE verification failed: Code mismatch"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("PKCE verification failed: Invalid code verifier"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("PKCE code verifier not specified"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("PKCE code verifier specified but challenge not present in authorization"), CODE_OF_ANOTHER),
    ("invalid_grant", Some("User disabled"), rejected(Rejection::AccountDisabled)),
    (
        "invalid_grant",
        Some("Client not allowed to exchange code"),
        token("switch on Standard flow: Clients > the client > Settings > Capability config"),
    ),
    // "Code not valid" and whatever else ended the login meanwhile: only a new code helps.
    ("invalid_grant", None, rejected(Rejection::InteractionRequired)),
    (
        "invalid_scope",
        Some("Client no longer has requested consent from user"),
        rejected(Rejection::InteractionRequired),
    ),
    (
        "unsupported_grant_type",
        None,
        token("the token endpoint does not redeem authorization codes: check settings.url"),
    ),
];

const OF_ANYTHING: &[Row] = &[
    ("unauthorized_client", Some("Bearer-only not allowed"), WRONG_KIND),
    (
        "unauthorized_client",
        None,
        client("the client secret is wrong or missing: Clients > the client > Credentials > Client secret"),
    ),
    (
        "invalid_client",
        Some("Client requires user consent"),
        token("switch off Consent required: Clients > the client > Settings > Login settings"),
    ),
    (
        "invalid_client",
        Some("Parameter client_assertion_type is missing"),
        client(
            "the client authenticates with a signed JWT: choose Client Id and Secret under Clients > the client > Credentials",
        ),
    ),
    ("invalid_client", Some("Wrong client protocol."), WRONG_KIND),
    ("invalid_client", Some("Bearer-only not allowed"), WRONG_KIND),
    (
        "invalid_client",
        None,
        client("the realm has no enabled client of this id: check client.id and Clients > the client"),
    ),
    (
        "invalid_scope",
        None,
        token("one of settings.scopes is not among the client's: Clients > the client > Client scopes"),
    ),
    ("not_allowed", None, token("leave offline_access out of settings.scopes, or grant users the role offline_access")),
    ("access_denied", Some("Realm not enabled"), token(REALM_DISABLED)),
    ("invalid_request", Some("HTTPS required"), token(HTTPS_REQUIRED)),
    (
        "invalid_request",
        None,
        token("Keycloak does not take the request: is the token endpoint that of a Keycloak 26?"),
    ),
    ("Realm does not exist", None, token("there is no such realm: check settings.realm, which is case-sensitive")),
    (
        "Unable to find matching target resource method",
        None,
        token("there is no Keycloak at this path: check the relative path in settings.url"),
    ),
];

/// What an answer of the token endpoint other than 200 means, to what the tables are about.
pub(super) fn classify(now: DateTime<Utc>, response: &Response, tables: &[&[Row]]) -> ProviderError {
    if let Some(throttled) = throttled(now, response) {
        return throttled;
    }
    if let Some(error) = OauthError::of(response) {
        let fits = |row: &&Row| row.0 == error.code && row.1.is_none_or(|description| description == error.description);
        if let Some((_, _, meaning)) = tables.iter().copied().flatten().find(fits) {
            return *meaning;
        }
    }
    match response.status {
        status if status.is_server_error() => Stage::Token.unavailable(Outage::ServerError),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if response.media_type() == "text/html" => {
            rejected(Rejection::Declined)
        }
        StatusCode::NOT_FOUND => {
            token("there is no Keycloak at this address: check settings.url, with its path if it has one")
        }
        _ => Stage::Token.unavailable(Outage::Protocol),
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, RETRY_AFTER};
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;

    fn answer(status: u16, media_type: &'static str, body: &str) -> Response {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (RETRY_AFTER, HeaderValue::from_static("7")),
        ]);
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.as_bytes().to_vec() }
    }

    fn meaning(status: u16, error: &str, description: &str) -> ProviderError {
        meaning_to(OF_A_PASSWORD, status, error, description)
    }

    fn meaning_to(tables: &[&[Row]], status: u16, error: &str, description: &str) -> ProviderError {
        let body = match description {
            "" => json!({ "error": error }),
            description => json!({ "error": error, "error_description": description }),
        };
        classify(DateTime::UNIX_EPOCH, &answer(status, "application/json", &body.to_string()), tables)
    }

    fn page(status: u16) -> ProviderError {
        classify(
            DateTime::UNIX_EPOCH,
            &answer(status, "text/html;charset=utf-8", "<html>Access denied</html>"),
            OF_A_CODE,
        )
    }

    #[test]
    fn every_documented_error_has_its_outcome() {
        const WRONG: &str = "rejected.invalid_credentials";
        const SETUP: &str = "unavailable.misconfigured";
        // With the statuses of 26.7.3 and, where they differ, of 26.4.5.
        for (statuses, error, description, outcome) in [
            (&[400, 401][..], "invalid_grant", "Invalid user credentials", WRONG),
            (&[400], "invalid_grant", "Account disabled", "rejected.account_disabled"),
            (&[400], "invalid_grant", "Account is not fully set up", "rejected.password_expired"),
            (&[400], "invalid_grant", "resource owner password credentials grant is prohibited.", SETUP),
            (&[400], "invalid_grant", "something a later release says", WRONG),
            (&[400], "unauthorized_client", "Client not allowed for direct access grants", SETUP),
            (&[401], "unauthorized_client", "Invalid client or Invalid client credentials", SETUP),
            (&[401], "unauthorized_client", "Bearer-only not allowed", SETUP),
            (&[401], "invalid_client", "Invalid client or Invalid client credentials", SETUP),
            (&[400], "invalid_client", "Client requires user consent", SETUP),
            (&[400], "invalid_client", "Parameter client_assertion_type is missing", SETUP),
            (&[400], "invalid_client", "Wrong client protocol.", SETUP),
            (&[400], "invalid_client", "Bearer-only not allowed", SETUP),
            (&[400], "invalid_scope", "Invalid scopes: openid nope", SETUP),
            (&[400], "not_allowed", "Offline tokens not allowed for the user or client", SETUP),
            (&[401], "invalid_request", "Missing parameter: username", WRONG),
            (&[400], "invalid_request", "duplicated parameter", SETUP),
            (&[400], "invalid_request", "Missing form parameter: grant_type", SETUP),
            (&[400], "unsupported_grant_type", "Unsupported grant_type", SETUP),
            (&[404], "Realm does not exist", "", SETUP),
            (&[404], "Unable to find matching target resource method", "", SETUP),
            (&[403], "access_denied", "Realm not enabled", SETUP),
            (&[403], "invalid_request", "HTTPS required", SETUP),
            (&[500], "unknown_error", "For more on this error consult the server log.", "unavailable.timeout"),
        ] {
            for status in statuses {
                assert_eq!(meaning(*status, error, description).outcome(), Some(outcome), "{error}: {description}");
            }
        }
    }

    #[test]
    fn a_code_that_has_ended_is_asked_for_again_and_one_of_somebody_else_is_refused() {
        let meaning = |status, error, description| meaning_to(OF_A_CODE, status, error, description);
        for ended in ["Code not valid", "something a later release says", ""] {
            assert_eq!(meaning(400, "invalid_grant", ended), rejected(Rejection::InteractionRequired), "{ended}");
        }
        for of_another in [
            "Incorrect redirect_uri",
            "Auth error: Found different client_id in clientSession",
            "PKCE verification failed: Code mismatch",
            "PKCE verification failed: Invalid code verifier",
            "PKCE code verifier not specified",
            "PKCE code verifier specified but challenge not present in authorization",
        ] {
            assert_eq!(meaning(400, "invalid_grant", of_another), Stage::Token.refused(Check::Code), "{of_another}");
        }
        assert_eq!(meaning(400, "invalid_grant", "User disabled"), rejected(Rejection::AccountDisabled));
        let taken_back = meaning(400, "invalid_scope", "Client no longer has requested consent from user");
        assert_eq!(taken_back, rejected(Rejection::InteractionRequired));
        for (status, error, description) in [
            (400, "invalid_grant", "Client not allowed to exchange code"),
            (400, "invalid_scope", "Invalid scopes: openid nope"),
            (401, "unauthorized_client", "Invalid client or Invalid client credentials"),
            (401, "invalid_client", "Invalid client or Invalid client credentials"),
            (400, "unsupported_grant_type", "Unsupported grant_type"),
            (400, "invalid_request", "Missing parameter: code"),
            (403, "access_denied", "Realm not enabled"),
        ] {
            assert_eq!(meaning(status, error, description).outcome(), Some("unavailable.misconfigured"), "{error}");
        }
    }

    #[test]
    fn a_wrong_secret_and_an_unknown_client_are_told_apart() {
        let text = "Invalid client or Invalid client credentials";
        let (secret, id) = (meaning(401, "unauthorized_client", text), meaning(401, "invalid_client", text));
        assert!(secret.to_string().contains("client secret"), "{secret}");
        assert!(id.to_string().contains("client.id"), "{id}");
        assert!(matches!(secret, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. }));
    }

    #[test]
    fn too_many_calls_come_before_anything_else() {
        let throttled = meaning(429, "invalid_grant", "Invalid user credentials");
        assert_eq!(throttled, ProviderError::Throttled { retry_after: Some(std::time::Duration::from_secs(7)) });
    }

    #[test]
    fn pages_are_read_by_their_status() {
        assert_eq!(page(401), rejected(Rejection::Declined));
        assert_eq!(page(403), rejected(Rejection::Declined));
        assert_eq!(page(404).outcome(), Some("unavailable.misconfigured"));
        for status in [500, 502, 503] {
            assert_eq!(page(status), Stage::Token.unavailable(Outage::ServerError));
        }
        for status in [302, 400, 418] {
            assert_eq!(page(status), Stage::Token.unavailable(Outage::Protocol));
        }
    }
}
