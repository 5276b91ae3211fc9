//! What Entra refuses, by the numbers of its error reference: several have one `error`, and a number that is in no table
//! counts by its `error`.

use crate::refusals::{At, Refusals, Row};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

const CODES: &str = "<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>";
const AUTHCODE: &str = "<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>";
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

/// To an authorization request, at the callback.
pub(super) const OF_A_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[
        Row::error("invalid_resource", Stage::Callback.misconfigured(SCOPES), AUTHCODE),
        Row::error("unauthorized_client", Stage::Callback.misconfigured(NO_APP), AUTHCODE),
    ],
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
            client("the app has to authenticate, and no secret was sent: name the secret in client.secret"),
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
            &[90_006, 90_024, 90_033, 90_090, 50_033, 70_012],
            Stage::Token.unavailable(Outage::ServerError),
            CODES,
        ),
        // Beside another number it says no more than that one.
        Row::numbered(
            &[70_002],
            client("the client's credentials are not accepted: see client.id and the secret"),
            CODES,
        ),
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
