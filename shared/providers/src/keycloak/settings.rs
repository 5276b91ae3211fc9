//! A Keycloak connector's settings.

use serde::Deserialize;
use url::Url;

use crate::InvalidConnector;
use crate::oidc::check_address;

/// `settings` of a connector document, but for those of all OpenID Connect connectors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The server's public address, with the relative path if it has one.
    url: Url,
    /// The realm's name, as it stands in the issuer: case-sensitive, not percent-encoded.
    realm: String,
}

impl Settings {
    /// `{url}/realms/{realm}`, as Keycloak writes `iss`.
    pub(super) fn issuer(&self) -> Result<String, InvalidConnector> {
        let invalid = |reason: &str| Err(InvalidConnector::at("settings.url", reason));
        if let Err(reason) = check_address(&self.url) {
            return invalid(reason);
        }
        if self.url.query().is_some() {
            return invalid("has a query: give the server's address, with its relative path if it has one");
        }
        // A path of `.` or `..` is taken away from URLs, wherever it comes from.
        if self.realm.is_empty() || matches!(self.realm.as_str(), "." | "..") || self.realm.contains(char::is_control) {
            return Err(InvalidConnector::at("settings.realm", "is not the name of a realm"));
        }
        let mut issuer = self.url.clone();
        match issuer.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().push("realms").push(&self.realm),
            Err(()) => return invalid("is not an address with a path"),
        };
        Ok(issuer.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(url: &str, realm: &str) -> Settings {
        serde_json::from_value(json!({ "url": url, "realm": realm })).unwrap()
    }

    #[test]
    fn the_issuer_is_written_as_keycloak_writes_it() {
        for (url, realm, issuer) in [
            ("https://id.example.com", "acme", "https://id.example.com/realms/acme"),
            ("https://id.example.com/", "acme", "https://id.example.com/realms/acme"),
            ("https://id.example.com:443/auth", "acme", "https://id.example.com/auth/realms/acme"),
            ("https://id.example.com/auth/", "Acme", "https://id.example.com/auth/realms/Acme"),
            ("http://localhost:8080", "two words", "http://localhost:8080/realms/two%20words"),
            ("https://id.example.com", "a/b?c#d", "https://id.example.com/realms/a%2Fb%3Fc%23d"),
        ] {
            assert_eq!(settings(url, realm).issuer().unwrap(), issuer);
        }
    }

    #[test]
    fn an_address_or_realm_that_cannot_be_one_is_named() {
        for (url, realm, place) in [
            ("ftp://id.example.com", "acme", "settings.url"),
            ("https://a:b@id.example.com", "acme", "settings.url"),
            ("https://id.example.com?a=b", "acme", "settings.url"),
            ("https://id.example.com/#a", "acme", "settings.url"),
            ("mailto:ada@example.com", "acme", "settings.url"),
            ("https://id.example.com", "", "settings.realm"),
            ("https://id.example.com", "..", "settings.realm"),
            ("https://id.example.com", "a\nb", "settings.realm"),
        ] {
            assert_eq!(settings(url, realm).issuer().unwrap_err().place(), place, "{url} {realm}");
        }
    }
}
