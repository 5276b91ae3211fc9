#![doc = include_str!("../guides/pingone.md")]

use domain::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, is_guid, is_host};
use crate::refusals::{At, Refusals, Row};
use crate::registry::Provider;
use crate::{ProviderError, Stage};

pub(crate) const PROVIDER: Provider =
    Provider::oidc("pingone", &[Method::Oidc], &[&OF_A_REDIRECT, &REFUSED_CODE, &OF_A_CODE], read);

const REFERENCE: &str =
    "<https://docs.pingidentity.com/pingone/applications/p1_token_endpoint_authentication_methods.html>";

const CLIENT: ProviderError = Stage::ClientAuthentication.misconfigured(
    "PingOne does not accept the client's credentials, and says no more: Applications > the application > Overview: compare Client \
     ID and Client Secret; Configuration > Token Endpoint Authentication Method has to be client.token_endpoint_auth_method",
);

/// What PingOne adds to the standard's errors of a code.
const REFUSED_CODE: Refusals = Refusals {
    to: "an authorization code, before the standard's",
    at: &[At::Redemption],
    rows: &[Row::error("invalid_client", CLIENT, REFERENCE), Row::status(401, CLIENT, REFERENCE)],
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// A UUID, by which the environment's users are known in every region and behind a custom domain.
    environment_id: String,
    /// Where the environment is.
    region: Region,
    /// The environment's custom domain, if it has one.
    custom_domain: Option<String>,
}

/// A region, as the console names it: <https://docs.pingidentity.com/pingone/developer_tools/p1_ip_address_domain_reference.html>.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Region {
    /// North America.
    Na,
    /// Canada.
    Ca,
    /// Europe.
    Eu,
    /// Australia.
    Au,
    /// Singapore.
    Sg,
    /// Asia-Pacific, for customers who are there already.
    Ap,
}

impl Region {
    fn top_level_domain(self) -> &'static str {
        match self {
            Region::Na => "com",
            Region::Ca => "ca",
            Region::Eu => "eu",
            Region::Au => "com.au",
            Region::Sg => "sg",
            Region::Ap => "asia",
        }
    }
}

fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
    let Settings { environment_id, region, custom_domain } = document::settings(settings)?;
    if !is_guid(&environment_id) {
        return Err(InvalidConnector::at(
            "settings.environment_id",
            format!(
                "{environment_id:?} is not the environment's id, a UUID in lower case (Settings > Environment Properties)"
            ),
        ));
    }
    if custom_domain.as_deref().is_some_and(|custom| !is_host(custom) || custom.starts_with("auth.pingone.")) {
        return Err(InvalidConnector::at(
            "settings.custom_domain",
            format!("{:?} is not a domain of your own, such as login.acme.com", custom_domain.unwrap_or_default()),
        ));
    }
    let own = format!("https://auth.pingone.{}/{environment_id}/as", region.top_level_domain());
    let endpoints = Endpoints::keys_of_own_host(custom_domain.is_some(), &format!("{own}/jwks"));
    // Once there is a custom domain, the environment names itself by it; by either, it is the same.
    let issuers = custom_domain.map(|custom| format!("https://{custom}/as")).into_iter().chain([own]);
    Ok(Box::new(Profile {
        endpoints,
        another_issuer: "the discovery document names another issuer: compare settings.environment_id, settings.region and \
                         settings.custom_domain with the issuer that was found (Applications > the application > Overview > \
                         Issuer ID)",
        of_a_code: &[&REFUSED_CODE, &OF_A_CODE],
        refused_page: "PingOne refuses on a page of its own: Applications > the application has to be switched on, and its \
                       Configuration > Redirect URIs has to have the redirect URI exactly as it stands in the detail; \
                       compare Overview > Client ID with client.id",
        ..Profile::new(IssuerPolicy::any_of(issuers).known_as(format!("pingone:{environment_id}")))
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oidc::complaint_about;

    #[test]
    fn a_wrong_setting_names_itself_and_what_is_right() {
        const ID: &str = "11111111-2222-4333-8444-555555555555";
        for (settings, expected) in [
            (json!({ "environment_id": ID, "region": "NA" }), "none"),
            (json!({ "environment_id": ID, "region": "AP", "custom_domain": "login.acme.com" }), "none"),
            (json!({ "environment_id": ID }), "settings: missing field `region`"),
            (
                json!({ "environment_id": "acme", "region": "EU" }),
                "settings.environment_id: \"acme\" is not the environment's id, a UUID in lower case (Settings > Environment \
                 Properties)",
            ),
            (
                json!({ "environment_id": ID, "region": "eu" }),
                "settings.region: unknown variant `eu`, expected one of `NA`, `CA`, `EU`, `AU`, `SG`, `AP`",
            ),
            (
                json!({ "environment_id": ID, "region": "EU", "custom_domain": "https://login.acme.com" }),
                "settings.custom_domain: \"https://login.acme.com\" is not a domain of your own, such as login.acme.com",
            ),
        ] {
            assert_eq!(complaint_about("pingone", settings), expected);
        }
    }
}
