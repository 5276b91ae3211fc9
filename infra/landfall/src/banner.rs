//! What `landfall serve` prints once it answers: where everything is, and what to do next.

use std::fmt;
use std::path::Path;

use domain::{ConnectorDocument, JourneyDocument, Method};
use providers::{Registry, callback_url};

use crate::data::{ENVIRONMENT, LOGIN};
use crate::demo::DemoUser;
use crate::documents;
use crate::transcript::quoted;

/// The last line. Everything answers from then on.
pub const READY: &str = "Ctrl-C stops it; its log follows.";

/// What is served, and where.
#[derive(Debug)]
pub struct Banner<'a> {
    /// This process.
    pub here: &'a str,
    /// Where the functions are if `cargo lambda watch` runs them.
    pub functions: Option<&'a str>,
    /// The journeys.
    pub journeys: &'a [JourneyDocument],
    /// The connectors.
    pub connectors: &'a [ConnectorDocument],
    /// The simulated providers.
    pub simulated: &'a [String],
    /// The user of those.
    pub user: Option<DemoUser>,
    /// Whether there is a script of a login.
    pub has_login: bool,
    /// The data folder.
    pub data: &'a Path,
    /// The administrator's token.
    pub admin: &'a str,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { here, functions, journeys, connectors, simulated, user, has_login, data, admin } = self;
        let base = functions.unwrap_or(here);
        let file = |name: &str| quoted(&data.join(name).display().to_string());
        writeln!(f, "Landfall is at {here}\n")?;
        if let Some(functions) = functions {
            let at = functions.trim_start_matches("http://");
            let (address, port) = at.rsplit_once(':').unwrap_or((at, "80"));
            writeln!(
                f,
                "  first     start the functions, in another terminal, in the folder of Landfall's sources:\n            \
                 cargo lambda watch -A {address} -P {port} --disable-cors --features local --env-file {}",
                file(ENVIRONMENT)
            )?;
        }
        match user {
            Some(DemoUser { email, password }) => {
                writeln!(f, "  next      open {here} and sign in as {email}, password: {password}")?;
            }
            None => writeln!(f, "  next      open {here} and sign in as a user of your provider")?,
        }
        if *has_login {
            writeln!(f, "            or run, in another terminal: sh {}  (a login call by call)", file(LOGIN))?;
        }
        let ids: Vec<_> = journeys.iter().map(|journey| journey.id.as_str()).collect();
        writeln!(f, "  journeys  {}", ids.join(", "))?;
        for issuer in *simulated {
            writeln!(f, "  provider  {issuer}, simulated")?;
        }
        for split in documents::split_pools(&Registry::default(), connectors, &[]) {
            writeln!(f, "  note      {split}")?;
        }
        let has_page = |connector: &&ConnectorDocument| connector.methods.contains_key(&Method::Oidc);
        for connector in connectors.iter().filter(has_page).filter(|_| simulated.is_empty()) {
            let callback = callback_url(base, &connector.id);
            writeln!(f, "  callback  {callback}  (register this redirect URI at {})", connector.name)?;
        }
        writeln!(f, "  issuer    {base}  (tokens: /oauth2/token, keys: /oauth2/jwks)")?;
        writeln!(f, "  OpenAPI   {here}/openapi.json")?;
        writeln!(f, "  admin     {admin}  (bearer token of the administrators' routes, until this stops)")?;
        writeln!(f, "  data      {}  (users, sessions, keys; --reset deletes them)\n\n{READY}\n", data.display())
    }
}
