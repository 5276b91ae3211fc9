//! Applications' registrations at our issuer.

use serde::{Deserialize, Serialize};

use crate::{ClientId, ConnectorId, JourneyId};

/// Who may use the journey API for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectApi {
    /// No application: the client signs its users in by redirect.
    #[default]
    Off,
    /// Any application that knows the client id: a browser or native application.
    Public,
    /// A backend that authenticates as the client.
    Confidential,
}

/// The kind of application (OpenID Connect Dynamic Client Registration 1.0 section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// A web application: pages in a browser.
    #[default]
    Web,
    /// Installed on the user's device (RFC 8252).
    Native,
}

/// A client document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// The name that people see.
    pub name: String,
    /// The kind of application.
    #[serde(default, skip_serializing_if = "is_web")]
    pub application_type: ApplicationType,
    /// Whether it is the company's own application: only those may use the journey API.
    #[serde(default)]
    pub first_party: bool,
    /// Who may use the journey API for it.
    #[serde(default)]
    pub direct_api: DirectApi,
    /// The name of the client secret, which is stored at `clients/<name>` among the deployment's secrets. A client that
    /// has one must authenticate at every endpoint that accepts client authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The journeys it may start.
    #[serde(default)]
    pub journeys: Vec<JourneyId>,
    /// The connectors that its users may choose from. If absent: all connectors that the journey offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Vec<ConnectorId>>,
    /// The origins of its pages, as browsers send them in `Origin`: `https://shop.example`. Compared exactly.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Its redirect URIs, compared exactly (RFC 9700 section 2.1). Text, not URLs: a parser would make different
    /// spellings equal. Only the port of a native application's loopback address may differ: see
    /// [`Client::allows_redirect_uri`].
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

/// A client document is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClient {
    /// A confidential client without a secret cannot authenticate.
    #[error("direct_api: confidential needs secret: the name of its client secret")]
    NoSecret,
    /// The redirect URI is unusable or unsafe.
    #[error(
        "redirect_uris: {0:?} is not allowed: use https://, or http:// on this machine (127.0.0.1, [::1], localhost), or, with application_type: native, a private-use scheme with a dot in it (com.example.app:/)"
    )]
    RedirectUri(String),
}

fn is_web(kind: &ApplicationType) -> bool {
    *kind == ApplicationType::Web
}

impl Client {
    /// Whether this client may start `journey` through the API. A confidential client must have authenticated first.
    pub fn may_start(&self, journey: &JourneyId) -> bool {
        self.first_party && self.direct_api != DirectApi::Off && self.journeys.contains(journey)
    }

    /// Whether `uri` is one of the client's redirect URIs, compared exactly.
    ///
    /// A native application on loopback gets its port from the system when a login starts. So the port is not compared
    /// for native applications on a loopback address (RFC 8252 section 7.3). It is compared for the name `localhost`,
    /// which may resolve to another machine (section 8.3).
    pub fn allows_redirect_uri(&self, uri: &str) -> bool {
        let on_loopback = match self.application_type {
            ApplicationType::Native => without_port(uri),
            ApplicationType::Web => None,
        };
        self.redirect_uris
            .iter()
            .any(|listed| listed == uri || on_loopback.is_some_and(|address| without_port(listed) == Some(address)))
    }

    /// Checks what can be checked without other documents.
    ///
    /// # Errors
    /// The first problem found.
    pub fn check(&self) -> Result<(), InvalidClient> {
        if self.direct_api == DirectApi::Confidential && self.secret.is_none() {
            return Err(InvalidClient::NoSecret);
        }
        let wrong = self.redirect_uris.iter().find(|uri| !self.may_register(uri));
        wrong.map_or(Ok(()), |uri| Err(InvalidClient::RedirectUri(uri.clone())))
    }

    fn may_register(&self, uri: &str) -> bool {
        // No fragment (RFC 6749 section 3.1.2), and no character that a browser would rewrite.
        let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\'));
        let authority = |scheme| uri.strip_prefix(scheme)?.split(['/', '?']).next();
        // A host without user information (`user@host`) before it.
        let on_the_web =
            authority("https://").is_some_and(|at| !at.is_empty() && !at.starts_with(':') && !at.contains('@'));
        let on_this_machine = ["127.0.0.1", "[::1]", "localhost"].iter().any(|host| {
            let port = authority("http://").and_then(|authority| authority.strip_prefix(host));
            port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
        // The application's reversed domain name (RFC 8252 section 7.1). The dot makes it unlikely that another
        // application claims it, and excludes `javascript:`, which a browser would execute.
        let private_use_scheme = || {
            let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
            self.application_type == ApplicationType::Native && scheme.contains('.') && is_scheme(scheme)
        };
        is_plain && (on_the_web || on_this_machine || private_use_scheme())
    }

    /// Whether a caller must authenticate with the client's secret.
    pub fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.direct_api == DirectApi::Confidential
    }

    /// Whether its users may choose `connector`.
    pub fn offers(&self, connector: &ConnectorId) -> bool {
        self.connectors.as_ref().is_none_or(|connectors| connectors.contains(connector))
    }

    /// Whether a page of this origin may call for this client. Backends and native applications send no `Origin`.
    pub fn allows_origin(&self, origin: Option<&str>) -> bool {
        origin.is_none_or(|origin| self.origins.iter().any(|listed| listed == origin))
    }
}

/// Host and path of a loopback address; `None` for any other address. Text, not a URL: see [`Client::redirect_uris`].
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let (host, rest) =
        ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|host| Some((host, uri.strip_prefix(host)?)))?;
    let (port, path) = rest.split_at(rest.find('/')?);
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some((host, path))
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_port(digits: &str) -> bool {
    !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            id: "shop".parse().unwrap(),
            name: "Shop".into(),
            application_type: ApplicationType::Web,
            first_party: true,
            direct_api: DirectApi::Public,
            secret: None,
            journeys: vec!["login".parse().unwrap()],
            connectors: None,
            origins: vec!["https://shop.example".into()],
            redirect_uris: vec![],
        }
    }

    #[test]
    fn only_a_first_party_client_starts_only_its_own_journeys() {
        let client = client();
        let login = "login".parse().unwrap();
        assert!(client.may_start(&login));
        assert!(!client.may_start(&"admin".parse().unwrap()));
        assert!(!Client { first_party: false, ..client.clone() }.may_start(&login));
        assert!(!Client { direct_api: DirectApi::Off, ..client }.may_start(&login));
    }

    #[test]
    fn a_backend_without_a_secret_is_refused() {
        let backend = Client { direct_api: DirectApi::Confidential, ..client() };
        assert_eq!(backend.check(), Err(InvalidClient::NoSecret));
        assert_eq!(Client { secret: Some("shop".into()), ..backend }.check(), Ok(()));
    }

    #[test]
    fn redirect_uris_are_https_loopback_or_private_use_schemes() {
        let may = |application_type, uri: &str| {
            let client = Client { application_type, redirect_uris: vec![uri.to_owned()], ..client() };
            client.check() == Ok(())
        };
        for (uri, web, native) in [
            ("https://shop.example/after", true, true),
            ("https://shop.example/after?from=landfall", true, true),
            ("http://127.0.0.1:3000/after", true, true),
            ("http://localhost:3000/after", true, true),
            ("http://[::1]/after", true, true),
            // Only for native applications.
            ("com.example.shop:/after", false, true),
            ("com.example.shop://after", false, true),
            ("com.example.shop-2+x:/after", false, true),
            ("shop:/after", false, false),
            // A dot, but no scheme.
            ("?x.y:/", false, false),
            ("@a.b:", false, false),
            ("1.example:/", false, false),
            ("com.example_shop:/", false, false),
            ("com.example%2Eshop:/", false, false),
            ("./a:b", false, false),
            // No host, or user information before it.
            ("https://", false, false),
            ("https:///after", false, false),
            ("https://?after", false, false),
            ("https://:443/after", false, false),
            ("https://u@shop.example/after", false, false),
            ("https://shop.example@evil.example", false, false),
            ("https://shop.example/@after", true, true),
            ("javascript:alert(1.5)", false, false),
            ("data:text/html,<script>", false, false),
            // Plain http to another host, also where the URI begins like a loopback address.
            ("http://shop.example/after", false, false),
            ("http://127.0.0.1.evil.example/after", false, false),
            ("http://localhost@evil.example/after", false, false),
            ("http://localhost:80@evil.example/after", false, false),
            ("http://localhost:/after", false, false),
            ("https://shop.example/after#there", false, false),
            ("https://shop.example\\@evil.example/", false, false),
            ("https://shop.example/a b", false, false),
            ("//shop.example/after", false, false),
            ("/after.html:", false, false),
            ("", false, false),
        ] {
            assert_eq!(may(ApplicationType::Web, uri), web, "{uri}");
            assert_eq!(may(ApplicationType::Native, uri), native, "{uri}");
        }
    }
}
