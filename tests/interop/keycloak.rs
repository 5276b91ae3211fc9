//! A real Keycloak on loopback, with the users of `keycloak/landfall-realm.json`.
//!
//! Needs Java 17 or newer and `mvn` on the PATH. The server is installed once into `target/interop`; its log is there
//! too, one file per start. If the server cannot be started, the tests fail; they are never skipped.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use landfall_tests::TestApp;

use crate::landfall::landfall_with;
use crate::server::{self, Server};

/// The realm of every server.
pub(crate) const REALM: &str = "landfall-test";
/// A confidential client that may use the password grant and the code flow.
pub(crate) const CLIENT_ID: &str = "landfall";
/// A confidential client without direct access grants.
pub(crate) const NO_GRANTS_CLIENT_ID: &str = "no-grants";
/// A client of the code flow with consent.
pub(crate) const CONSENT_CLIENT_ID: &str = "consent";
/// A client of the code flow that requires PKCE with S256.
pub(crate) const PKCE_CLIENT_ID: &str = "pkce";
/// A client of the code flow whose ID tokens are signed with ES256.
pub(crate) const ES256_CLIENT_ID: &str = "es256";
/// A client of the code flow whose ID tokens are signed with HS256.
pub(crate) const HS256_CLIENT_ID: &str = "hs256";
/// The secret of all clients.
pub(crate) const CLIENT_SECRET: &str = "interop-client-secret";

/// A user of the realm, who signs in by e-mail address.
pub(crate) struct User {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
}

/// A user with a verified e-mail address, and a password of 92 bytes in UTF-8 with characters that a form must escape.
pub(crate) const ADA: User = User {
    email: "ada@example.org",
    password: "Überlänge schützt: größere Wörter, süße Äpfel & 100 % Öl = Füße+Grüße 🔑🦀",
};
/// A user whose e-mail address is not verified.
pub(crate) const GRACE: User = User { email: "grace@example.org", password: "grace-password" };
/// A disabled user.
pub(crate) const DISABLED: User = User { email: "disabled@example.org", password: "disabled-password" };
/// A user who must first change the password.
pub(crate) const TODO: User = User { email: "todo@example.org", password: "todo-password" };
/// A user who must first change the password, for a test that changes it.
pub(crate) const DUTIFUL: User = User { email: "dutiful@example.org", password: "dutiful-password" };

/// The definition of [`REALM`].
pub(crate) const REALM_FILE: &str = include_str!("keycloak/landfall-realm.json");

/// The time limit of a start. The first start on a machine also builds the server: 45 seconds on two idle cores.
const START_LIMIT: Duration = Duration::from_secs(300);

/// The administrator, in the realm `master`.
pub(crate) const ADMIN: User = User { email: "admin", password: "interop-admin-password" };

/// A running server with its own database in memory. Ends when dropped.
pub(crate) struct Keycloak(Server);

impl Keycloak {
    /// The server for all tests that do not change it or its realm. The first call starts it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Keycloak> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Installs Keycloak if needed, starts it, and waits until the realm answers.
    ///
    /// Blocks for about 20 seconds; the first time in a checkout, for a minute or two.
    pub(crate) fn start() -> Self {
        // Held until the server runs: the first start writes to the shared installation.
        let _lock = server::lock("keycloak");
        let home = server::install("install-keycloak.sh");
        write_realm(&home);
        // If the first start was killed during its build, the installation cannot start.
        let advice = format!("Removing {} installs it anew.", home.display());
        let mut command = server::supervised(&home.join("bin/kc.sh"));
        command
            .args(["start-dev", "--import-realm", "--db=dev-mem", "--http-host=127.0.0.1", "--http-port=0"])
            // Without the second JIT compiler the server starts in two thirds of the time.
            .env("JAVA_OPTS_APPEND", "-XX:TieredStopAtLevel=1")
            .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m")
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", ADMIN.email)
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", ADMIN.password);
        let server = Server::start("keycloak", command, START_LIMIT, &advice);
        let status = discovery_status(server.address()).expect("the server answers");
        assert!(status.ends_with(b" 200"), "the realm is not there. {advice}");
        Self(server)
    }

    /// Scheme, host and port, without a slash at the end. Stays the same after [`Server::stop`].
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }
}

impl Deref for Keycloak {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Keycloak {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}

/// Landfall's connector to Keycloak.
#[derive(Clone)]
pub(crate) struct Connector<'a> {
    pub(crate) url: String,
    pub(crate) realm: &'a str,
    pub(crate) client: &'a str,
    /// The client of the method `totp`, if it is enabled.
    pub(crate) otp_client: Option<&'a str>,
    pub(crate) secret: &'static str,
    /// More settings, in YAML flow style.
    pub(crate) settings: &'static str,
    /// Journeys in addition to those of every connector.
    pub(crate) journeys: &'static [&'static str],
}

impl Connector<'_> {
    pub(crate) fn to(keycloak: &Keycloak) -> Self {
        Self {
            url: keycloak.base_url(),
            realm: REALM,
            client: CLIENT_ID,
            otp_client: None,
            secret: CLIENT_SECRET,
            settings: "",
            journeys: &[],
        }
    }

    /// The connector document, with the id `real`.
    pub(crate) fn document(&self) -> String {
        let Self { url, realm, client, otp_client, settings, .. } = self;
        let totp = otp_client.map(|client| format!(", totp: {{ client: {{ id: {client}, secret: of-the-client }} }}"));
        let totp = totp.unwrap_or_default();
        format!(
            r#"
  - id: real
    provider: keycloak
    name: A real Keycloak
    client: {{ id: {client}, secret: of-the-client }}
    methods: {{ oidc: {{}}, password: {{}}{totp} }}
    settings: {{ url: "{url}", realm: {realm}{settings} }}
"#
        )
    }

    pub(crate) async fn landfall(&self) -> TestApp {
        landfall_with(&self.document(), self.secret, self.journeys).await
    }
}

/// Writes the realm to the folder from which Keycloak imports it.
fn write_realm(home: &Path) {
    let import = home.join("data/import");
    fs::create_dir_all(&import).expect("the import folder can be made");
    // Keycloak refuses a file named `*-realm.json` that is not named after its realm.
    fs::write(import.join(format!("{REALM}-realm.json")), REALM_FILE).expect("the realm can be handed to Keycloak");
}

fn discovery_status(address: SocketAddr) -> io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /realms/{REALM}/.well-known/openid-configuration HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    Ok(status)
}
