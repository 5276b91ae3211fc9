//! npm's oidc-provider on loopback, with the accounts and clients of `oidc-provider/server.mjs`.
//!
//! Needs Node 20.12 or newer and `npm` on the PATH. It is installed once into `target/interop`; its log is there too,
//! one file per start. If the server cannot be started, the tests fail; they are never skipped.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use landfall_tests::{Browser, Return, Shown, TestApp};

use crate::landfall::landfall_with;
use crate::server::{self, Server};
use crate::wire;

/// An issuer whose ID tokens have the claims of all scopes.
pub(crate) const FULL: &str = "full";
/// An issuer that returns claims only from userinfo (OIDC Core 5.4).
pub(crate) const LEAN: &str = "lean";
/// An issuer like [`FULL`], for a test that changes its keys.
pub(crate) const ROTATING: &str = "rotating";

/// A registered client.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) secret: Option<&'static str>,
    pub(crate) method: &'static str,
}

const SECRET: &str = "interop-client-secret";

pub(crate) const POST: Client = Client { id: "post", secret: Some(SECRET), method: "client_secret_post" };
pub(crate) const BASIC: Client = Client { id: "basic", secret: Some("a+b%20c:d/e&f=g"), method: "client_secret_basic" };
pub(crate) const PUBLIC: Client = Client { id: "public", secret: None, method: "none" };
/// Its ID tokens are signed with ES256.
pub(crate) const ES256: Client = Client { id: "es256", ..POST };
/// Its ID tokens are signed with EdDSA.
pub(crate) const EDDSA: Client = Client { id: "eddsa", ..POST };
/// Its userinfo is a JWT, signed with ES256.
pub(crate) const SIGNED_USERINFO: Client = Client { id: "signed-userinfo", ..POST };

const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server. Ends when dropped. Its tokens and sessions are lost when it stops.
pub(crate) struct OidcProvider(Server);

impl OidcProvider {
    /// The server for all tests that do not change [`FULL`] and [`LEAN`]. The first call starts it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<OidcProvider> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Installs the server if needed, and starts it.
    pub(crate) fn start() -> Self {
        Self::start_at(0)
    }

    /// Stops the server and starts another one at the same address, with new keys and without the old tokens.
    pub(crate) fn start_over(&mut self) {
        self.0.stop();
        self.0 = Self::start_at(self.address().port()).0;
    }

    /// Ends the server at once; when this returns, its port refuses connections.
    pub(crate) fn stop(&mut self) {
        self.0.stop();
    }

    fn start_at(port: u16) -> Self {
        let _lock = server::lock("oidc-provider");
        let home = server::install("install-oidc-provider.sh");
        // Beside node_modules, where Node looks for imports.
        let script = home.join("server.mjs");
        fs::write(&script, include_str!("oidc-provider/server.mjs")).expect("the script can be put there");
        let mut command = server::supervised(Path::new("node"));
        command.arg(&script).arg(port.to_string());
        let advice = format!("Removing {} installs it anew.", home.display());
        Self(Server::start("oidc-provider", command, START_LIMIT, &advice))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The URL of this issuer.
    pub(crate) fn issuer(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address())
    }

    /// Lets an issuer sign with new keys. The old keys stay published.
    pub(crate) async fn rotate_keys(&self, issuer: &str) {
        assert_eq!(wire::post_form(&format!("{}/test/rotate", self.issuer(issuer)), &[]).await.0, 204);
    }
}

/// Landfall's connector to the provider.
pub(crate) struct Connector {
    pub(crate) issuer: String,
    pub(crate) client: Client,
    /// More settings, in YAML flow style.
    pub(crate) settings: String,
    pub(crate) journeys: &'static [&'static str],
}

impl Connector {
    /// A connector with the client [`POST`].
    pub(crate) fn to(provider: &OidcProvider, issuer: &str) -> Self {
        Self { issuer: provider.issuer(issuer), client: POST, settings: String::new(), journeys: &[] }
    }

    pub(crate) async fn landfall(self) -> TestApp {
        let Self { issuer, client: Client { id, secret, method }, settings, journeys } = self;
        let named = if secret.is_some() { ", secret: of-the-client" } else { "" };
        let document = format!(
            r#"
  - id: certified
    provider: oidc
    name: A certified provider
    client: {{ id: {id}{named}, token_endpoint_auth_method: {method} }}
    methods: {{ oidc: {{}} }}
    settings: {{ issuer: "{issuer}"{settings} }}
"#
        );
        landfall_with(&document, secret.unwrap_or_default(), journeys).await
    }
}

/// Opens the URL, signs in as `account`, consents, and returns the callback.
pub(crate) async fn come_back(url: &str, account: &str) -> Return {
    let browser = Browser::default();
    let login = browser.open(url).await;
    let consent = browser.fill_in(login, &[("login", account), ("password", "any")]).await;
    match browser.fill_in(consent, &[]).await {
        Shown::Back(back) => back,
        page => panic!("not sent back: {page:?}"),
    }
}

/// Opens the URL, follows the page's abort link, and returns the callback.
pub(crate) async fn abort(url: &str) -> Return {
    let browser = Browser::default();
    let Shown::Page { html, .. } = browser.open(url).await else { panic!("no page") };
    let links = html.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let abort =
        links.into_iter().find(|link| link.ends_with("/abort")).unwrap_or_else(|| panic!("no abort link in {html}"));
    match browser.open(abort).await {
        Shown::Back(back) => back,
        page => panic!("not sent back: {page:?}"),
    }
}
