//! Applications' registrations at our issuer.

use serde::{Deserialize, Serialize};

use crate::{ClientId, ConnectorId, JourneyId};

/// Who may use the journey API for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectApi {
    /// Nobody: the client signs its users in by redirect.
    #[default]
    Off,
    /// Anybody who knows the client id: a browser or native application.
    Public,
    /// Whoever authenticates as the client: a backend.
    Confidential,
}

/// What kind of application it is (OpenID Connect Dynamic Client Registration 1.0 section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// Pages, in browsers or from a server.
    #[default]
    Web,
    /// Installed on its user's own device (RFC 8252).
    Native,
}

/// A client document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// For people.
    pub name: String,
    /// What kind of application it is.
    #[serde(default, skip_serializing_if = "is_web")]
    pub application_type: ApplicationType,
    /// Whether it is the company's own: only those may use the journey API.
    #[serde(default)]
    pub first_party: bool,
    /// Whether it may use the journey API.
    #[serde(default)]
    pub direct_api: DirectApi,
    /// The name of its own client secret, found at `clients/<name>` among the deployment's secrets. Who has one
    /// authenticates wherever a client may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The journeys it may start.
    #[serde(default)]
    pub journeys: Vec<JourneyId>,
    /// The connectors its users may choose from; absent: all that a journey offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Vec<ConnectorId>>,
    /// Where its pages live, as browsers write it in `Origin`: `https://shop.example`. Compared exactly.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Where a signed-in user may be sent, compared exactly (RFC 9700 section 2.1). Text, not URLs: a parser would make
    /// different spellings equal. Only the port of a native application's loopback address is free: see
    /// [`Client::redirects_to`].
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

/// A document is no registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClient {
    /// Anybody could say to be it, or nobody could.
    #[error("direct_api: confidential needs secret: the name of its client secret")]
    NoSecret,
    /// Users cannot, or must not, be sent there.
    #[error(
        "redirect_uris: {0:?} is neither https://, nor http:// on this machine (127.0.0.1, [::1], localhost), nor, with application_type: native, a scheme of the application's own, which has a dot in it"
    )]
    RedirectUri(String),
}

fn is_web(kind: &ApplicationType) -> bool {
    *kind == ApplicationType::Web
}

impl Client {
    /// Whether this client may start `journey` through the API, once it has authenticated if it has to.
    pub fn may_start(&self, journey: &JourneyId) -> bool {
        self.first_party && self.direct_api != DirectApi::Off && self.journeys.contains(journey)
    }

    /// Whether its users may be sent to `uri`: one that is registered, to the letter.
    ///
    /// A native application that listens on loopback is given its port by the system when it starts to sign somebody in,
    /// so that for those alone, and on addresses alone, the port is not compared (RFC 8252 section 7.3): a name such as
    /// `localhost` may be another machine's (section 8.3).
    pub fn redirects_to(&self, uri: &str) -> bool {
        let on_loopback = match self.application_type {
            ApplicationType::Native => without_port(uri),
            ApplicationType::Web => None,
        };
        self.redirect_uris
            .iter()
            .any(|listed| listed == uri || on_loopback.is_some_and(|address| without_port(listed) == Some(address)))
    }

    /// Whether this can be a registration, as far as one can tell without the others.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), InvalidClient> {
        if self.direct_api == DirectApi::Confidential && self.secret.is_none() {
            return Err(InvalidClient::NoSecret);
        }
        let wrong = self.redirect_uris.iter().find(|uri| !self.may_register(uri));
        wrong.map_or(Ok(()), |uri| Err(InvalidClient::RedirectUri(uri.clone())))
    }

    fn may_register(&self, uri: &str) -> bool {
        // Without a fragment (RFC 6749 section 3.1.2); as a browser would send it, with nothing that it would change.
        let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\'));
        let authority = |scheme| uri.strip_prefix(scheme)?.split(['/', '?']).next();
        // A host, and nobody's name before it.
        let on_the_web =
            authority("https://").is_some_and(|at| !at.is_empty() && !at.starts_with(':') && !at.contains('@'));
        let on_this_machine = ["127.0.0.1", "[::1]", "localhost"].iter().any(|host| {
            let port = authority("http://").and_then(|authority| authority.strip_prefix(host));
            port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
        // A domain of the application's, backwards (RFC 8252 section 7.1): no other application has it, and no browser
        // runs it, as it would `javascript:`.
        let of_its_own = || {
            let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
            self.application_type == ApplicationType::Native && scheme.contains('.') && is_scheme(scheme)
        };
        is_plain && (on_the_web || on_this_machine || of_its_own())
    }

    /// Whether nobody may act for this client without its secret.
    pub fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.direct_api == DirectApi::Confidential
    }

    /// Whether its users may choose `connector`.
    pub fn offers(&self, connector: &ConnectorId) -> bool {
        self.connectors.as_ref().is_none_or(|connectors| connectors.contains(connector))
    }

    /// Whether a page of this origin may call on its behalf; nobody says where a backend's or native application's lives.
    pub fn admits(&self, origin: Option<&str>) -> bool {
        origin.is_none_or(|origin| self.origins.iter().any(|listed| listed == origin))
    }
}

/// Host and path of an address on loopback; `None` for any other. As text: see [`Client::redirect_uris`].
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
    fn only_a_first_party_client_may_start_and_only_its_own_journeys() {
        let client = client();
        let login = "login".parse().unwrap();
        assert!(client.may_start(&login));
        assert!(!client.may_start(&"admin".parse().unwrap()));
        assert!(!Client { first_party: false, ..client.clone() }.may_start(&login));
        assert!(!Client { direct_api: DirectApi::Off, ..client }.may_start(&login));
    }

    #[test]
    fn a_backend_without_a_secret_is_no_client() {
        let backend = Client { direct_api: DirectApi::Confidential, ..client() };
        assert_eq!(backend.check(), Err(InvalidClient::NoSecret));
        assert_eq!(Client { secret: Some("shop".into()), ..backend }.check(), Ok(()));
    }

    #[test]
    fn users_are_sent_to_https_to_this_machine_or_to_an_application_by_its_own_domain() {
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
            // Of a native application alone.
            ("com.example.shop:/after", false, true),
            ("com.example.shop://after", false, true),
            ("com.example.shop-2+x:/after", false, true),
            ("shop:/after", false, false),
            // No scheme, whatever has a dot in it.
            ("?x.y:/", false, false),
            ("@a.b:", false, false),
            ("1.example:/", false, false),
            ("com.example_shop:/", false, false),
            ("com.example%2Eshop:/", false, false),
            ("./a:b", false, false),
            // No host, or somebody's name before it.
            ("https://", false, false),
            ("https:///after", false, false),
            ("https://?after", false, false),
            ("https://:443/after", false, false),
            ("https://u@shop.example/after", false, false),
            ("https://shop.example@evil.example", false, false),
            ("https://shop.example/@after", true, true),
            ("javascript:alert(1.5)", false, false),
            ("data:text/html,<script>", false, false),
            // Plain http elsewhere, however it begins.
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
