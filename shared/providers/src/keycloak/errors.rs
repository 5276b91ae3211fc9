//! What Keycloak's token endpoint refuses, by kind of request.

use crate::refusals::{At, Refusals, Row};
use crate::{Check, ProviderError, Rejection, Stage};

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

const fn client(hint: &'static str) -> ProviderError {
    Stage::ClientAuthentication.misconfigured(hint)
}

const fn token(hint: &'static str) -> ProviderError {
    Stage::Token.misconfigured(hint)
}

pub(super) const WRONG_KIND_OF_CLIENT: &str =
    "the client is no OpenID Connect client that may log users in: create one with client authentication on";
pub(super) const REALM_DISABLED: &str = "the realm is disabled: Realm settings > Enabled";
pub(super) const HTTPS_REQUIRED: &str = "the realm requires https: use the https address in settings.url";

const WRONG_KIND: ProviderError = client(WRONG_KIND_OF_CLIENT);
const CODE_OF_ANOTHER: ProviderError = Stage::Token.refused(Check::Code);
const NO_NAME: &str = "Missing parameter: username";
const SEE_THE_LOG: &str = "For more on this error consult the server log.";

const CLIENTS: &str = "Server Administration Guide, \"Managing OpenID Connect clients\"";
const CREDENTIALS: &str = "Server Administration Guide, \"Confidential client credentials\"";
const BRUTE_FORCE: &str = "Server Administration Guide, \"Password guess: brute force attacks\"";
const CODE_GRANT: &str = "keycloak/keycloak, `AuthorizationCodeGrantType.java`";
const PKCE: &str = "RFC 7636 section 4.6; keycloak/keycloak, `PkceUtils.java`";
const CODE_USE: &str = "RFC 6749 section 4.1.3";
const RFC: &str = "RFC 6749 section 5.2";

/// What the answers to an authorization code mean.
pub(super) const TO_A_CODE: &[&Refusals] = &[&OF_A_CODE, &OF_ANYTHING];
/// What a grant with a password may be answered.
pub(super) const TO_A_PASSWORD: &[&Refusals] = &[&OF_A_DIRECT_GRANT, &OF_A_PASSWORD, &OF_ANYTHING];
/// What a grant with a code and no password may be answered.
pub(super) const TO_A_TOTP: &[&Refusals] = &[&OF_A_DIRECT_GRANT, &OF_A_TOTP, &OF_ANYTHING];
/// What a grant with neither name nor password is answered where all is right that is looked at before them.
pub(super) const TO_NO_NAME: &[&Refusals] = &[&OF_A_DIRECT_GRANT, &OF_NO_NAME, &OF_ANYTHING];
/// What a grant with a name alone is answered where a code is asked for.
pub(super) const TO_A_NAME: &[&Refusals] = &[&OF_A_DIRECT_GRANT, &OF_A_NAME, &OF_ANYTHING];

pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password, with a code or without",
    at: &[At::Password],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), BRUTE_FORCE)
            .note("wrong password, unknown user, one-time code wrong or missing, locked: all have one message"),
        // An empty name is something a user types, not something an administrator can repair.
        Row::error("invalid_request", rejected(Rejection::InvalidCredentials), "RFC 6749 section 4.3.2")
            .saying(NO_NAME)
            .note("no name was typed"),
    ],
};

pub(super) const OF_A_TOTP: Refusals = Refusals {
    to: "a code without a password",
    at: &[At::Totp],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::OtpInvalid), BRUTE_FORCE),
        Row::error("invalid_request", rejected(Rejection::OtpInvalid), "RFC 6749 section 4.3.2")
            .saying(NO_NAME)
            .note("no name was typed"),
        // Not an outage, and it tells an attacker nothing new: anyone can type such a user's name.
        Row::error("unknown_error", rejected(Rejection::OtpInvalid), "keycloak/keycloak, `ValidateOTP.java`")
            .saying(SEE_THE_LOG)
            .note("the user has no one-time code, which the server reads before it asks whether there is one"),
    ],
};

const OF_NO_NAME: Refusals = Refusals {
    to: "a grant without a name",
    at: &[],
    rows: &[
        Row::error("invalid_request", rejected(Rejection::InvalidCredentials), RFC).saying(NO_NAME),
        Row::error(
            "invalid_grant",
            token("the grant is refused before a name is asked for: see the realm's client policies"),
            RFC,
        ),
    ],
};

const OF_A_NAME: Refusals = Refusals {
    to: "a name alone",
    at: &[],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), RFC),
        // The flow asks for a one-time code, and the user has none. Keycloak's internal errors look the same, but it has just
        // answered this client without one.
        Row::error("unknown_error", rejected(Rejection::OtpInvalid), RFC).saying(SEE_THE_LOG),
    ],
};

pub(super) const OF_A_DIRECT_GRANT: Refusals = Refusals {
    to: "a password or a code, before anything else",
    at: &[At::Password, At::Totp],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::AccountDisabled), "pull requests 1803, 46607")
            .saying("Account disabled"),
        // "Verify e-mail" and "accept the terms" say the same: only the browser login can tell them apart and resolve them.
        Row::error("invalid_grant", rejected(Rejection::PasswordExpired), "pull request 5610")
            .saying("Account is not fully set up")
            .note("a required action is pending; which one is not said"),
        Row::error(
            "invalid_grant",
            token("a client policy forbids the password grant: Realm settings > Client policies"),
            "Server Administration Guide, \"Client Policies\"",
        )
        .saying("resource owner password credentials grant is prohibited."),
        Row::error(
            "unauthorized_client",
            token("switch on Direct access grants: Clients > the client > Settings > Capability config"),
            CLIENTS,
        )
        .saying("Client not allowed for direct access grants"),
        Row::error("unsupported_grant_type", token("the server does not offer the password grant"), RFC),
    ],
};

pub(super) const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code",
    at: &[At::Redemption],
    rows: &[
        Row::error("invalid_grant", CODE_OF_ANOTHER, CODE_USE).saying("Incorrect redirect_uri").note("another's code"),
        Row::error("invalid_grant", CODE_OF_ANOTHER, CODE_USE)
            .saying("Auth error: Found different client_id in clientSession")
            .note("another client's code"),
        Row::error("invalid_grant", CODE_OF_ANOTHER, PKCE).saying("PKCE verification failed: Code mismatch"),
        Row::error("invalid_grant", CODE_OF_ANOTHER, PKCE).saying("PKCE verification failed: Invalid code verifier"),
        Row::error("invalid_grant", CODE_OF_ANOTHER, PKCE).saying("PKCE code verifier not specified"),
        Row::error("invalid_grant", CODE_OF_ANOTHER, PKCE)
            .saying("PKCE code verifier specified but challenge not present in authorization"),
        Row::error("invalid_grant", rejected(Rejection::AccountDisabled), CODE_GRANT).saying("User disabled"),
        Row::error(
            "invalid_grant",
            token("switch on Standard flow: Clients > the client > Settings > Capability config"),
            CODE_GRANT,
        )
        .saying("Client not allowed to exchange code"),
        Row::error("invalid_grant", rejected(Rejection::InteractionRequired), "RFC 6749 section 4.1.2")
            .note("\"Code not valid\" and others: used, expired or ended; only a new redirect brings a new code"),
        Row::error("invalid_scope", rejected(Rejection::InteractionRequired), CODE_GRANT)
            .saying("Client no longer has requested consent from user")
            .note("the consent was taken back meanwhile"),
        Row::error(
            "unsupported_grant_type",
            token("the token endpoint does not redeem authorization codes: check settings.url"),
            RFC,
        ),
    ],
};

pub(super) const OF_ANYTHING: Refusals = Refusals {
    to: "any of them, after these",
    at: &[At::Redemption, At::Password, At::Totp],
    rows: &[
        Row::error("unauthorized_client", WRONG_KIND, CLIENTS).saying("Bearer-only not allowed"),
        Row::error(
            "unauthorized_client",
            client("the client secret is wrong or missing: Clients > the client > Credentials > Client secret"),
            CREDENTIALS,
        ),
        Row::error(
            "invalid_client",
            token("switch off Consent required: Clients > the client > Settings > Login settings"),
            "Server Administration Guide, \"Consent screen\" settings of a client",
        )
        .saying("Client requires user consent"),
        Row::error(
            "invalid_client",
            client(
                "the client authenticates with a signed JWT: choose Client Id and Secret under Clients > the client > \
                 Credentials",
            ),
            CREDENTIALS,
        )
        .saying("Parameter client_assertion_type is missing"),
        Row::error("invalid_client", WRONG_KIND, "Server Administration Guide, \"Creating a SAML client\"")
            .saying("Wrong client protocol."),
        Row::error("invalid_client", WRONG_KIND, CLIENTS).saying("Bearer-only not allowed"),
        Row::error(
            "invalid_client",
            client("the realm has no enabled client of this id: check client.id and Clients > the client"),
            CLIENTS,
        ),
        Row::error(
            "invalid_scope",
            token("one of settings.scopes is not among the client's: Clients > the client > Client scopes"),
            "Server Administration Guide, \"Client scopes\"",
        ),
        Row::error(
            "not_allowed",
            token("leave offline_access out of settings.scopes, or grant users the role offline_access"),
            "Server Administration Guide, \"Offline access\"",
        ),
        Row::error("access_denied", token(REALM_DISABLED), "Server Administration Guide, \"Configuring realms\"")
            .saying("Realm not enabled"),
        Row::error(
            "invalid_request",
            token(HTTPS_REQUIRED),
            "Server Administration Guide, \"Configuring SSL for a realm\"",
        )
        .saying("HTTPS required"),
        Row::error(
            "invalid_request",
            token("Keycloak does not take the request: is the token endpoint that of a Keycloak 26?"),
            RFC,
        ),
        Row::error(
            "Realm does not exist",
            token("there is no such realm: check settings.realm, which is case-sensitive"),
            "Securing applications, \"OpenID Connect\"",
        ),
        Row::error(
            "Unable to find matching target resource method",
            token("there is no Keycloak at this path: check the relative path in settings.url"),
            "Server guide, \"Configuring the hostname\"",
        ),
        Row::page(401, rejected(Rejection::Declined), "Server Administration Guide, \"Authentication flows\"")
            .note("the flow ends in \"Deny access\""),
        Row::page(403, rejected(Rejection::Declined), "Server Administration Guide, \"Authentication flows\"")
            .note("the flow ends in \"User session limits\""),
        Row::status(
            404,
            token("there is no Keycloak at this address: check settings.url, with its path if it has one"),
            "RFC 9110 section 15.5.5",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusals::tests::assert_each_row_counts;

    #[test]
    fn each_row_counts_among_the_tables_it_is_asked_with() {
        for tables in [TO_A_CODE, TO_A_PASSWORD, TO_A_TOTP, TO_NO_NAME, TO_A_NAME] {
            assert_each_row_counts(tables);
        }
    }
}
