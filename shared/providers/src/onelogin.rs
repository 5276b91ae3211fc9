#![doc = include_str!("../guides/onelogin.md")]

use domain::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::oidc::{IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Profile, is_label};
use crate::registry::{self, InvalidConnector, Provider};

pub(crate) const PROVIDER: Provider =
    Provider::oidc("onelogin", &[Method::Oidc], &[&OF_A_REDIRECT, &OF_A_CODE], OneLogin::read);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What stands before `.onelogin.com` in the account's address.
    subdomain: String,
}

#[derive(Debug)]
struct OneLogin(Profile);

impl OneLogin {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { subdomain } = registry::settings(settings)?;
        if !is_label(&subdomain) {
            return Err(InvalidConnector::at(
                "settings.subdomain",
                format!("{subdomain:?} is not what stands before .onelogin.com in the account's address, such as acme"),
            ));
        }
        let issuer = IssuerPolicy::exact(format!("https://{subdomain}.onelogin.com/oidc/2"));
        Ok(Box::new(Self(Profile {
            another_issuer: "the account calls itself otherwise: put into settings.subdomain what stands before .onelogin.com \
                             in the issuer that was found",
            ..Profile::new(issuer)
        })))
    }
}

impl OidcProvider for OneLogin {
    fn profile(&self) -> &Profile {
        &self.0
    }
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
