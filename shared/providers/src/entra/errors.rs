//! What Entra refuses, by the numbers of its error reference: several have one `error`, and a number that is in no table
//! counts by its `error`.

use domain::{Channel, Method};

use crate::refusals::{At, Refusals, Row};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

const CODES: &str = "<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>";
const AUTHCODE: &str = "<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>";
const ROPC: &str = "<https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>";
const HDINSIGHT: &str =
    "<https://learn.microsoft.com/azure/hdinsight/domain-joined/domain-joined-authentication-issues>";
const CLAIMS_CHALLENGE: &str = "<https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/5491>";
const NO_PASSWORD: &str = "<https://github.com/MicrosoftDocs/azure-docs/issues/49763>";
const NATIVE: &str = "<https://learn.microsoft.com/entra/identity-platform/reference-native-authentication-api>";
const RFC: &str = "RFC 6749 section 5.2";
const THROTTLING: &str = "<https://learn.microsoft.com/entra/msal/dotnet/advanced/client-and-server-throttling>";

const fn client(hint: &'static str) -> ProviderError {
    Stage::ClientAuthentication.misconfigured(hint)
}

const fn token(hint: &'static str) -> ProviderError {
    Stage::Token.misconfigured(hint)
}

const fn rejected(rejection: Rejection) -> ProviderError {
    ProviderError::Rejected(rejection)
}

pub(super) const NO_TENANT: &str = "Entra knows no such tenant: compare settings.tenant and settings.cloud with Entra ID > Overview > Tenant ID and Primary domain";
const NO_APP: &str = "the tenant has no app of this id: compare client.id with App registrations > the app > Overview > Application \
                      (client) ID, and settings.tenant with the Directory (tenant) ID beside it";
const ONE_TENANT: &str = "the app is for its own tenant only: put that tenant into settings.tenant, or choose another one under App \
                          registrations > the app > Authentication > Supported account types";
const NO_CONSENT: &str = "the tenant has not consented to the scopes: App registrations > the app > API permissions > Grant admin \
                          consent, or ask for fewer in settings.scopes";
const SCOPES: &str = "one of settings.scopes is unknown, or the app may not ask for it: App registrations > the app > API \
                      permissions";
const REDIRECT_URI: &str = "register the redirect URI: App registrations > the app > Authentication > Add a platform > Web, exactly as \
                            it stands in the detail";
const DISABLED: &str =
    "the app is switched off: Enterprise applications > the app > Properties > Enabled for users to sign in";

const CREDENTIALS: &str = "the client's credentials are not accepted: see client.id and the secret";
const NOT_SERVED: &str = "Entra takes no passwords at this address: put the tenant's id or one of its domains into settings.tenant, or \
                          organizations";
const MALFORMED: &str =
    "Entra does not take the request: compare client.id and settings.scopes with the app's registration";
const NATIVE_OFF: &str = "the app may not use native authentication: set App registrations > the app > Authentication > Allow public client \
                          flows and Enable native authentication to Yes, and add the app to a user flow (External Identities > User \
                          flows > the flow > Applications)";
const AGENT: &str = "the agent of pass-through authentication cannot read passwords, or its clock is wrong: renew its keys, and set the \
                     server's clock";

/// To an authorization request, at the callback.
pub(super) const OF_A_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("invalid_resource", Stage::Callback.misconfigured(SCOPES), AUTHCODE),
        Row::error("unauthorized_client", Stage::Callback.misconfigured(NO_APP), AUTHCODE),
    ],
};

/// The calls of native authentication.
const INITIATED: At = At::Call(Method::Password, "/initiate");
const ASKED: At = At::Call(Method::Password, "/challenge");
const GIVEN: At = At::Call(Method::Password, "/token");
const SENDING: At = At::Sending(Channel::Email);
const SENT_FOR: At = At::Call(Method::EmailOtp, "/challenge");
const SENT: At = At::Sent(Channel::Email);

/// What a call of native authentication may be answered.
pub(super) const TO_NATIVE: &[&Refusals] = &[&OF_NATIVE, &OF_A_PASSWORD, &OF_ANYTHING, &OF_A_PASSWORD_BY_ERROR];
/// What a code may be answered.
pub(super) const TO_A_SENT_CODE: &[&Refusals] =
    &[&OF_NATIVE, &OF_A_PASSWORD, &OF_ANYTHING, &OF_A_SENT_CODE, &OF_A_PASSWORD_BY_ERROR];

/// To any call of native authentication. A `suberror` counts before the rest.
pub(super) const OF_NATIVE: Refusals = Refusals {
    to: "native authentication, by `suberror` or `error`",
    at: &[INITIATED, ASKED, GIVEN, SENDING, SENT_FOR, SENT],
    rows: &[
        Row::error("invalid_oob_value", rejected(Rejection::OtpInvalid), NATIVE),
        Row::error("registration_required", rejected(Rejection::InteractionRequired), NATIVE)
            .note("a second factor has to be enrolled: only the redirect can do that"),
        Row::error("nativeauthapi_disabled", token(NATIVE_OFF), NATIVE),
        Row::error("invalid_client", token(NATIVE_OFF), NATIVE),
        Row::error("expired_token", rejected(Rejection::OtpExpired), NATIVE),
        Row::numbered(&[552_003], rejected(Rejection::OtpExpired), NATIVE),
        Row::error("user_not_found", rejected(Rejection::InvalidCredentials), NATIVE)
            .note("a user who wants a code is asked for one all the same"),
        Row::error("unsupported_challenge_type", token(MALFORMED), NATIVE),
        Row::numbered(&[901_007], token(MALFORMED), NATIVE),
    ],
};

/// To a code that was sent, where no number is in a table.
pub(super) const OF_A_SENT_CODE: Refusals = Refusals {
    to: "a code that was sent",
    at: &[SENT],
    rows: &[Row::error("invalid_grant", rejected(Rejection::OtpExpired), NATIVE)
        .note("the login that the code is for is over")],
};

/// To an authorization code.
pub(super) const OF_A_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::numbered(&[54_005, 70_008, 9_002_313], rejected(Rejection::InteractionRequired), CODES)
            .note("redeemed before, expired, or not to be read: only a new redirect brings a new code"),
        Row::numbered(&[501_481], Stage::Token.refused(Check::Code), CODES).note("PKCE: a code of another request"),
        Row::numbered(&[700_005], Stage::Token.refused(Check::Code), CODES).note("a code of another tenant"),
    ],
};

/// To a password. The number of the credentials stands before that of the client, which may stand beside it: 70002 with 50126 is
/// a wrong password.
pub(super) const OF_A_PASSWORD: Refusals = Refusals {
    to: "a password",
    at: &[At::Password, INITIATED, ASKED, GIVEN, SENDING, SENT_FOR, SENT],
    rows: &[
        Row::numbered(&[50_126], rejected(Rejection::InvalidCredentials), HDINSIGHT)
            .note("wrong; or right, of a federated user whose home-realm policy has no AllowCloudPasswordValidation"),
        Row::numbered(&[50_034, 51_004, 50_064], rejected(Rejection::InvalidCredentials), HDINSIGHT)
            .note("the tenant has no such user"),
        Row::numbered(&[50_056], rejected(Rejection::InvalidCredentials), NO_PASSWORD).note("the user has no password"),
        Row::numbered(&[50_020], rejected(Rejection::InvalidCredentials), CODES)
            .note("an account of another tenant or provider"),
        Row::numbered(&[50_053], rejected(Rejection::AccountLocked), HDINSIGHT).note(
            "smart lockout, or an address that Microsoft takes for malicious: it says nothing about the password",
        ),
        Row::numbered(&[50_055, 50_144, 50_135], rejected(Rejection::PasswordExpired), CODES)
            .note("expired, given for the first sign-in only, or to be changed because of a risk"),
        Row::numbered(&[50_076], rejected(Rejection::InteractionRequired), CLAIMS_CHALLENGE)
            .note("the password is right, and a second factor is demanded: only the redirect can ask for it"),
        Row::numbered(
            &[50_072, 50_074, 50_078, 50_079, 50_158, 53_004],
            rejected(Rejection::InteractionRequired),
            CODES,
        )
        .note("a second factor has to be enrolled or given: only the redirect can ask for it"),
        Row::numbered(
            &[53_000, 53_001, 53_002, 53_003, 50_131, 530_032, 530_035],
            rejected(Rejection::InteractionRequired),
            CODES,
        )
        .note("Conditional Access or security defaults: the browser may pass"),
        Row::numbered(&[80_012], rejected(Rejection::Declined), CODES)
            .note("outside the hours in which the user may sign in"),
        Row::numbered(&[90_010, 9_001_023], token(NOT_SERVED), ROPC),
        Row::numbered(&[90_014, 900_144, 9_002_313], token(MALFORMED), CODES),
        Row::numbered(&[80_001, 80_002, 80_005, 80_007, 80_014], Stage::Token.unavailable(Outage::Timeout), CODES)
            .note("pass-through authentication: its agent or the directory behind it does not answer"),
        Row::numbered(&[80_010, 80_013], token(AGENT), CODES),
        Row::error("user_password_expired", rejected(Rejection::PasswordExpired), HDINSIGHT),
    ],
};

/// To a password, where no number is in a table.
pub(super) const OF_A_PASSWORD_BY_ERROR: Refusals = Refusals {
    to: "a password, after these",
    at: &[At::Password, INITIATED, ASKED, GIVEN, SENDING, SENT_FOR, SENT],
    rows: &[
        Row::error("invalid_grant", rejected(Rejection::InvalidCredentials), RFC),
        Row::error("invalid_client", client(CREDENTIALS), RFC),
        Row::error("unauthorized_client", token(NO_APP), RFC),
        Row::error("unsupported_grant_type", token(NOT_SERVED), RFC),
        Row::error("invalid_scope", token(SCOPES), RFC),
        Row::error("invalid_request", token(MALFORMED), RFC),
        Row::error(
            "temporarily_unavailable",
            Stage::Token.unavailable(Outage::ServerError),
            "RFC 6749 section 4.1.2.1",
        ),
        Row::error("server_error", Stage::Token.unavailable(Outage::ServerError), "RFC 6749 section 4.1.2.1"),
        Row::status(401, client(CREDENTIALS), "RFC 9110 section 15.5.2"),
    ],
};

/// To a password as to a code.
pub(super) const OF_ANYTHING: Refusals = Refusals {
    to: "a code or a password",
    at: &[At::Redemption, At::Password, INITIATED, ASKED, GIVEN, SENDING, SENT_FOR, SENT],
    rows: &[
        Row::numbered(
            &[7_000_215],
            client(
                "the client secret is wrong: store the secret's Value, not its Secret ID (App registrations > the app > \
                 Certificates & secrets)",
            ),
            CODES,
        ),
        Row::numbered(
            &[7_000_222],
            client(
                "the client secret has expired: add a new one under App registrations > the app > Certificates & secrets, and \
                 store its Value",
            ),
            CODES,
        ),
        Row::numbered(
            &[7_000_218],
            client(
                "the app has to authenticate, and no secret was sent: name the secret in client.secret, or, for passwords alone, \
                 set Allow public client flows to Yes (App registrations > the app > Authentication)",
            ),
            CODES,
        ),
        Row::numbered(
            &[700_025],
            client(
                "a secret was sent, and the app is a public client: register the redirect URI under the platform Web (App \
                 registrations > the app > Authentication), or leave out client.secret",
            ),
            CODES,
        ),
        Row::numbered(
            &[700_027, 50_012],
            client(
                "the client's signed JWT is not accepted: upload its certificate under App registrations > the app > \
                 Certificates & secrets > Certificates",
            ),
            CODES,
        ),
        Row::numbered(&[700_016, 700_011], token(NO_APP), CODES),
        Row::numbered(&[70_001, 7_000_112], token(DISABLED), CODES),
        Row::numbered(&[90_002, 90_019, 50_059, 50_128], token(NO_TENANT), CODES),
        Row::numbered(&[50_194], token(ONE_TENANT), CODES),
        Row::numbered(&[65_001, 90_094, 90_095], token(NO_CONSENT), CODES),
        Row::numbered(&[70_011, 28_002, 500_011, 650_052, 650_057], token(SCOPES), CODES),
        Row::numbered(&[50_105], rejected(Rejection::Declined), CODES)
            .note("not assigned to the app: Enterprise applications > the app > Users and groups"),
        Row::numbered(&[65_004, 53_011], rejected(Rejection::Declined), CODES)
            .note("the user declined to consent, or is blocked for a risk"),
        Row::numbered(&[50_057], rejected(Rejection::AccountDisabled), CODES),
        Row::numbered(&[50_196, 90_055], ProviderError::Throttled { retry_after: None }, THROTTLING)
            .note("the same request too often, or the tenant has too many"),
        Row::numbered(&[90_012], Stage::Token.unavailable(Outage::Timeout), CODES),
        Row::numbered(
            &[90_006, 90_024, 90_033, 90_090, 50_033, 50_087, 70_012],
            Stage::Token.unavailable(Outage::ServerError),
            CODES,
        ),
        // Beside another number it says no more than that one.
        Row::numbered(&[70_002], client(CREDENTIALS), CODES),
        Row::error("interaction_required", rejected(Rejection::InteractionRequired), AUTHCODE)
            .note("a second factor, or Conditional Access: the browser may pass"),
        Row::error("invalid_resource", token(SCOPES), AUTHCODE),
        Row::error("invalid_tenant", token(NO_TENANT), CODES),
    ],
};

/// Numbers on the page that browsers are shown in place of a callback.
const PAGES: &[(&str, &str)] = &[
    ("AADSTS50011:", REDIRECT_URI),
    ("AADSTS500113:", REDIRECT_URI),
    ("AADSTS900971:", REDIRECT_URI),
    ("AADSTS700016:", NO_APP),
    ("AADSTS90002:", NO_TENANT),
    ("AADSTS50194:", ONE_TENANT),
    ("AADSTS7000112:", DISABLED),
];

/// What to do about a page.
pub(super) fn of_a_page(page: &[u8]) -> Option<&'static str> {
    let page = std::str::from_utf8(page).ok()?;
    PAGES.iter().find(|(number, _)| page.contains(number)).map(|(_, hint)| *hint)
}
