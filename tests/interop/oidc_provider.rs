//! npm's oidc-provider on loopback, with the accounts and clients of `oidc-provider/server.mjs`.
//!
//! Needs Node 20.12 or newer and `npm` on the PATH. It is installed once into `target/interop`; its log is there too, one
//! file per start. A server that cannot be had panics: the suite fails, it never skips.

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
/// An issuer that keeps them for userinfo (OIDC Core 5.4).
pub(crate) const LEAN: &str = "lean";
/// An issuer like [`FULL`], for a test that changes its keys.
pub(crate) const ROTATING: &str = "rotating";

/// A client, as it is registered.
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

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, which ends when dropped. What it has issued it forgets when it stops.
pub(crate) struct OidcProvider(Server);

impl OidcProvider {
    /// The server that all tests share which leave [`FULL`] and [`LEAN`] as they are. The first to ask starts it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<OidcProvider> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Installs it if it is not there yet, and starts it.
    pub(crate) fn start() -> Self {
        Self::start_at(0)
    }

    /// Stops it, and starts another at the same address: with other keys, and with nothing of what was issued.
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
        // Beside its node_modules: where Node looks for what it imports.
        let script = home.join("server.mjs");
        fs::write(&script, include_str!("oidc-provider/server.mjs")).expect("the script can be put there");
        let mut command = server::supervised(Path::new("node"));
        command.arg(&script).arg(port.to_string());
        let advice = format!("Removing {} installs it anew.", home.display());
        Self(Server::start("oidc-provider", command, PATIENCE, &advice))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The issuer of that name.
    pub(crate) fn issuer(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address())
    }

    /// Has an issuer sign with new keys. The old ones stay published.
    pub(crate) async fn rotate_keys(&self, issuer: &str) {
        assert_eq!(wire::post_form(&format!("{}/test/rotate", self.issuer(issuer)), &[]).await.0, 204);
    }
}

/// What an administrator has told Landfall about it.
pub(crate) struct Connector {
    pub(crate) issuer: String,
    pub(crate) client: Client,
    /// More of its settings, as YAML has them within braces.
    pub(crate) settings: String,
    pub(crate) journeys: &'static [&'static str],
}

impl Connector {
    /// Through [`POST`], unless it says otherwise.
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

/// Opens an address, signs in as `account`, agrees, and is sent back.
pub(crate) async fn come_back(url: &str, account: &str) -> Return {
    let browser = Browser::default();
    let login = browser.open(url).await;
    let consent = browser.fill_in(login, &[("login", account), ("password", "any")]).await;
    match browser.fill_in(consent, &[]).await {
        Shown::Back(back) => back,
        page => panic!("not sent back: {page:?}"),
    }
}

/// Opens an address and takes the page's way out, which is a link.
pub(crate) async fn abort(url: &str) -> Return {
    let browser = Browser::default();
    let Shown::Page { html, .. } = browser.open(url).await else { panic!("no page") };
    let links = html.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let way_out = links.into_iter().find(|link| link.ends_with("/abort")).unwrap_or_else(|| panic!("none in {html}"));
    match browser.open(way_out).await {
        Shown::Back(back) => back,
        page => panic!("not sent back: {page:?}"),
    }
}
