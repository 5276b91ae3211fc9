#![doc = include_str!("../guides/onelogin.md")]

use domain::{ClientAuthMethod, Method};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, is_label};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{ProviderError, Stage};

pub(crate) const PROVIDER: Provider =
    Provider::oidc("onelogin", &[Method::Oidc], &[&OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE], read);

const REFERENCE: &str = "<https://developers.onelogin.com/openid-connect/api/authorization-code-grant>";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "OneLogin does not accept the client's credentials: Applications > the application > SSO: compare Client ID, Client Secret and \
     Token Endpoint > Authentication Method with client.id, the secret and client.token_endpoint_auth_method",
);

/// What OneLogin adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[
        Row::error("invalid_client", CLIENT, REFERENCE),
        Row::error("invalid_request", CLIENT, "<https://developers.onelogin.com/openid-connect/api-v1/password-grant>")
            .saying("Resource not found"),
        Row::status(401, CLIENT, REFERENCE),
    ],
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What stands before `.onelogin.com` in the account's address.
    subdomain: String,
}

fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
    let Settings { subdomain } = document::settings(settings)?;
    if !is_label(&subdomain) {
        return Err(InvalidConnector::at(
            "settings.subdomain",
            format!("{subdomain:?} is not what stands before .onelogin.com in the account's address, such as acme"),
        ));
    }
    let issuer = IssuerPolicy::exact(format!("https://{subdomain}.onelogin.com/oidc/2"));
    Ok(Box::new(Profile {
        client_auth: ClientAuthMethod::ClientSecretBasic,
        another_issuer: "the discovery document names another issuer: put into settings.subdomain what stands before .onelogin.com \
                         in the issuer that was found",
        of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
        refused_page: "OneLogin refuses on a page of its own: Applications > the application > Configuration > Redirect URI's: \
                       add the redirect URI exactly as it stands in the detail; compare SSO > Client ID with client.id",
        ..Profile::new(issuer)
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oidc::complaint_about;

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        let wrong = |subdomain: &str| {
            format!(
                "settings.subdomain: {subdomain:?} is not what stands before .onelogin.com in the account's address, such as acme"
            )
        };
        for (settings, expected) in [
            (json!({ "subdomain": "acme" }), "none".to_owned()),
            (json!({}), "settings: missing field `subdomain`".to_owned()),
            (json!({ "subdomain": "acme.onelogin.com" }), wrong("acme.onelogin.com")),
            (json!({ "subdomain": "https://acme" }), wrong("https://acme")),
            (json!({ "subdomain": "evil.example/" }), wrong("evil.example/")),
            (json!({ "subdomain": "" }), wrong("")),
        ] {
            assert_eq!(complaint_about("onelogin", settings), expected);
        }
    }
}
