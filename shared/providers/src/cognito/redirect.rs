//! What Cognito adds to the standard's errors of the authorization code flow.

use crate::refusals::{At, Refusals, Row};
use crate::{ProviderError, Rejection, Stage};

const TRIGGERS: &str =
    "<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>";
const TOKEN: &str = "<https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>";

pub(super) const REFUSED_REDIRECT: Refusals = Refusals {
    to: "an authorization request, before the standard's",
    at: &[At::Redirect],
    rows: &[Row::error("invalid_request", ProviderError::Rejected(Rejection::Declined), TRIGGERS)
        .mentioning("failed with error")
        .note("a Lambda trigger of the pool, such as PreSignUp, refused the user")],
};

pub(super) const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error(
            "invalid_client",
            Stage::ClientAuthentication.misconfigured(
                "Cognito does not accept the client's credentials: Applications > App clients > the app client > App client \
                 information: compare Client ID and Client secret",
            ),
            TOKEN,
        ),
        Row::error(
            "unauthorized_client",
            Stage::Token.misconfigured(
                "the app client may not redeem codes, or not for this redirect URI: Applications > App clients > the app client \
                 > Login pages: switch on Authorization code grant, and compare Allowed callback URLs to the last slash",
            ),
            TOKEN,
        ),
    ],
};
