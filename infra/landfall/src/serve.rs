//! `landfall serve`: everything on one machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{BUDGET, Config, SystemClock, SystemEntropy};
use axum::Router;
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};
use domain::{AdminToken, Client, ConnectorDocument, JourneyDocument};
use egress::Reach;
use providers::{Registry, callback_url};
use secrecy::SecretString;
use simulators::Subject;
use store::{GuessLimits, TableNames};
use tokens::KeyKind;
use tokio::net::TcpListener;
use utoipa::openapi::InfoBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use web::Json;

use crate::banner::Banner;
use crate::data::DataFolder;
use crate::demo::DemoUser;
use crate::embedded::EmbeddedDynamoDb;
use crate::error::CommandError;
use crate::functions::Services;
use crate::log::Logging;
use crate::secrets::LocalSecrets;
use crate::transcript::{Form, Transcript};
use crate::{demo, documents, functions, page, phone};

/// The port without `--port`.
pub const DEFAULT_PORT: u16 = 8787;

/// Serves everything on this machine: every function on one port of loopback, DynamoDB embedded, and a simulated
/// provider to migrate from.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("documents").args(["connectors", "clients"]).multiple(true))]
pub struct Serve {
    /// The port to listen on.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// The folder that keeps users, sessions and keys between two starts.
    #[arg(long, default_value = ".landfall", value_name = "FOLDER")]
    data: PathBuf,
    /// Where the functions are, if `cargo lambda watch` runs them: `http://127.0.0.1:9000`. Their environment variables are
    /// then written to `functions.env` in the data folder.
    #[arg(long, value_name = "URL")]
    functions: Option<String>,
    /// Deletes users, sessions and keys first.
    #[arg(long)]
    reset: bool,
    /// Which simulated providers to migrate from, by name, with commas between them: `okta,auth0`; `all` are all of them.
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',', default_value = "keycloak", value_parser = demo_names(),
        conflicts_with = "connectors")]
    demo: Vec<String>,
    /// Providers of your own instead of the demo's.
    #[arg(long, value_name = "FILE")]
    connectors: Option<PathBuf>,
    /// A journey of your own, beside those that each connector has. May be given again.
    #[arg(long = "journey", value_name = "FILE")]
    journeys: Vec<PathBuf>,
    /// Applications of your own, beside the demo's. May be given again. A client that names no `journeys` may start every
    /// journey that is served.
    #[arg(long, value_name = "FILE")]
    clients: Vec<PathBuf>,
    /// The client secrets of connectors and clients, `name: value`, by the names that those use. May be given again.
    #[arg(long, value_name = "FILE", requires = "documents")]
    secrets: Vec<PathBuf>,
    #[command(flatten)]
    logging: Logging,
}

/// What is served, checked.
struct Documents {
    /// The demo's providers, where those are asked for.
    providers: Vec<demo::Provider>,
    subjects: Vec<Arc<dyn Subject>>,
    connectors: Vec<ConnectorDocument>,
    journeys: Vec<JourneyDocument>,
    clients: Vec<Client>,
}

impl Serve {
    /// Serves until it is interrupted.
    pub async fn run(self) -> Result<(), CommandError> {
        self.logging.init();
        // Everything that can be wrong with the documents and the port is found before anything is written.
        let base = format!("http://127.0.0.1:{}", self.port);
        let providers = match &self.connectors {
            Some(_) => Vec::new(),
            None => demo::named(&self.demo),
        };
        let subjects = demo::subjects(&providers, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let connectors = self.read_connectors(&providers, &subjects, &base)?;
        let journeys = self.read_journeys(&connectors)?;
        let given_secrets = self.read_secrets()?;
        let connector_secrets = match &self.connectors {
            Some(_) => given_secrets.clone(),
            None => providers.iter().map(|provider| (provider.id.to_owned(), demo::SECRET.into())).collect(),
        };
        check_secrets(&connectors, &connector_secrets)?;
        let clients = self.read_clients(&base, &journeys)?;
        let client_secrets = secrets_of(&clients, &given_secrets)?;
        let listener = self.listen().await?;
        let data = DataFolder::open(&self.data, self.reset)?;
        let secrets = data.secrets().await?;
        for (name, value) in connector_secrets {
            secrets.add_connector(&name, value);
        }
        for (name, value) in client_secrets {
            secrets.add_client(&name, value);
        }
        let admin = AdminToken::generate(&SystemEntropy);
        let secrets = Arc::new(secrets);
        let dynamodb = EmbeddedDynamoDb::open(&data.database()?, &SystemEntropy).await?.beside(Arc::clone(&secrets));
        let config = Config {
            issuer: self.functions.as_ref().map_or(&base, |url| url).trim_end_matches('/').to_owned(),
            tables: TableNames::with_prefix("landfall"),
            secrets_prefix: String::new(),
            dynamodb: dynamodb.location(),
            keys: KeyKind::ALL,
            reach: Reach::Local,
            admin: Some(admin.hash()),
            budget: BUDGET,
            stack: None,
            guesses: GuessLimits::default(),
        };
        if self.functions.is_some() {
            let tables = &config.tables;
            let ours = [
                ("LANDFALL_ISSUER", config.issuer.clone()),
                ("LANDFALL_CONFIG_TABLE", tables.config.clone()),
                ("LANDFALL_DIRECTORY_TABLE", tables.directory.clone()),
                ("LANDFALL_SESSIONS_TABLE", tables.sessions.clone()),
            ];
            data.write_environment(&[ours.as_slice(), &dynamodb.environment()].concat())?;
        }
        let documents = Documents { providers, subjects, connectors, journeys, clients };
        tokio::select! {
            ended = dynamodb.serve() => ended,
            ended = self.serve(listener, &config, secrets, &documents, &data, &admin) => ended,
        }
    }

    fn read_connectors(
        &self,
        providers: &[demo::Provider],
        subjects: &[Arc<dyn Subject>],
        base: &str,
    ) -> Result<Vec<ConnectorDocument>, CommandError> {
        match &self.connectors {
            Some(path) => documents::connectors(&Registry::default(), &place(path), &read(path)?),
            None => demo::connectors(providers, subjects, base),
        }
    }

    fn read_secrets(&self) -> Result<BTreeMap<String, SecretString>, CommandError> {
        let mut secrets = BTreeMap::new();
        for path in &self.secrets {
            for (name, value) in documents::secrets(&place(path), &read(path)?)? {
                let what = format!("the secret {name}");
                if secrets.insert(name, value).is_some() {
                    return Err(CommandError::Twice { place: place(path), what });
                }
            }
        }
        Ok(secrets)
    }

    /// Those of each connector, and those of the files.
    fn read_journeys(&self, connectors: &[ConnectorDocument]) -> Result<Vec<JourneyDocument>, CommandError> {
        let mut journeys = connectors.iter().map(demo::journeys).collect::<Result<Vec<_>, _>>()?.concat();
        for path in &self.journeys {
            let journey = documents::journey(&place(path), &read(path)?)?;
            if journeys.iter().any(|other| other.id == journey.id) {
                return Err(CommandError::Twice { place: place(path), what: format!("journey {}", journey.id) });
            }
            journeys.push(journey);
        }
        documents::check_connectors(&journeys, connectors)?;
        Ok(journeys)
    }

    /// The demo's, and those of the files, each of whose journeys is served.
    fn read_clients(&self, base: &str, journeys: &[JourneyDocument]) -> Result<Vec<Client>, CommandError> {
        let mut clients = vec![demo::client(base, journeys)?];
        for path in &self.clients {
            for client in documents::clients(&place(path), &read(path)?)? {
                if clients.iter().any(|other| other.id == client.id) {
                    return Err(CommandError::Twice { place: place(path), what: format!("client {}", client.id) });
                }
                clients.push(client);
            }
        }
        let served: Vec<_> = journeys.iter().map(|journey| journey.id.as_str()).collect();
        for client in &mut clients {
            if client.journeys.is_empty() {
                client.journeys = journeys.iter().map(|journey| journey.id.clone()).collect();
            }
            if let Some(journey) = client.journeys.iter().find(|journey| !served.contains(&journey.as_str())) {
                let (client, journey) = (client.id.to_string(), journey.to_string());
                return Err(CommandError::NoJourney { client, journey, served: served.join(", ") });
            }
        }
        Ok(clients)
    }

    async fn listen(&self) -> Result<TcpListener, CommandError> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => CommandError::PortInUse { port: self.port },
            _ => CommandError::Server(error),
        })
    }

    async fn serve(
        &self,
        listener: TcpListener,
        config: &Config,
        secrets: Arc<LocalSecrets>,
        documents: &Documents,
        data: &DataFolder,
        admin: &AdminToken,
    ) -> Result<(), CommandError> {
        let Documents { providers, subjects, connectors, journeys, clients } = documents;
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let store = aws::store(config, entropy.clone()).await?;
        store.create_missing_tables().await?;
        let cx = aws::context(clock.clone(), entropy.as_ref());
        documents::publish(&store, &cx, documents::in_order(connectors, journeys, clients)).await?;

        let base = aws::base(config, secrets, clock.clone(), entropy.clone()).await?;
        let services = Services::new(base, Registry::default())?;
        let second_factor: Vec<_> =
            providers.iter().filter(|provider| !provider.factors.is_empty()).map(|provider| provider.name).collect();
        let mut router =
            services.router().merge(openapi()).merge(page::router(connectors, journeys, self.user(), &second_factor));
        router = router.merge(phone::router(providers, subjects, clock.clone()));
        for ((provider, subject), connector) in providers.iter().zip(subjects).zip(connectors) {
            provider.register(subject.as_ref(), &callback_url(&config.issuer, &connector.id));
            // Cognito's API is at the root.
            for path in ["", "{*path}"] {
                let service = subject.router().into_service();
                router = router.route_service(&format!("{}/{path}", provider.path()), service);
            }
        }
        // Before the banner: from then on a signal stops the server.
        let interrupted = interrupted().map_err(CommandError::Server)?;
        self.announce(config, documents, data, admin)?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(interrupted).await.map_err(CommandError::Server)
    }

    /// The user of the demo's provider, where that is served.
    fn user(&self) -> Option<DemoUser> {
        self.connectors.is_none().then_some(demo::USER)
    }

    /// Prints where everything is, and writes the script of a login into the data folder.
    fn announce(
        &self,
        config: &Config,
        documents: &Documents,
        data: &DataFolder,
        admin: &AdminToken,
    ) -> Result<(), CommandError> {
        let Documents { connectors, journeys, .. } = documents;
        let here = format!("http://127.0.0.1:{}", self.port);
        // The script has no browser: it takes a journey that asks for the password.
        let login = journeys.iter().find_map(|journey| Some((journey, Form::of(journey)?)));
        let command = std::env::current_exe().unwrap_or_else(|_| "landfall".into());
        let script = login.map(|(journey, form)| {
            let (user, command, entropy) = (self.user(), command.as_path(), &SystemEntropy);
            Transcript { base: &config.issuer, page: &here, journey, form, user, command, entropy }.to_string()
        });
        data.write_login(script.as_deref())?;
        let at = |provider: &demo::Provider| format!("{here}{} ({})", provider.path(), provider.name);
        let simulated: Vec<_> = documents.providers.iter().map(at).collect();
        let banner = Banner {
            here: &here,
            functions: self.functions.as_ref().map(|_| config.issuer.as_str()),
            journeys,
            connectors,
            simulated: &simulated,
            user: self.user(),
            has_login: script.is_some(),
            data: &self.data,
            admin: admin.expose(),
        };
        let mut out = std::io::stdout();
        write!(out, "{banner}").and_then(|()| out.flush()).map_err(CommandError::Output)
    }
}

/// What `--demo` takes.
fn demo_names() -> PossibleValuesParser {
    PossibleValuesParser::new(demo::PROVIDERS.iter().map(|provider| provider.id).chain([demo::ALL]))
}

/// Otherwise the first user who signs in would find out that a connector has no secret.
pub(crate) fn check_secrets(
    connectors: &[ConnectorDocument],
    secrets: &BTreeMap<String, SecretString>,
) -> Result<(), CommandError> {
    for connector in connectors {
        if let Some(secret) = connector.secrets().find(|name| !secrets.contains_key(*name)) {
            let whose = format!("connector {}", connector.id);
            return Err(CommandError::NoSecret { whose, secret: secret.to_owned() });
        }
    }
    Ok(())
}

/// The secrets of clients, by name.
fn secrets_of(
    clients: &[Client],
    given: &BTreeMap<String, SecretString>,
) -> Result<BTreeMap<String, SecretString>, CommandError> {
    let named = clients.iter().filter_map(|client| Some((client, client.secret.clone()?)));
    named
        .map(|(client, secret)| match given.get(&secret) {
            Some(value) => Ok((secret, value.clone())),
            None => Err(CommandError::NoSecret { whose: format!("client {}", client.id), secret }),
        })
        .collect()
}

/// The OpenAPI document of all routes. Its title and its security schemes are written here, because no route knows them.
fn openapi() -> Router {
    let mut openapi = functions::openapi();
    openapi.info = InfoBuilder::new()
        .title("Landfall")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Signs users in through their old identity provider and migrates them as they sign in"))
        .build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = openapi.components.get_or_insert_default();
    components.add_security_scheme("session_token", bearer.clone());
    components.add_security_scheme("administrator", bearer);
    Router::new().route("/openapi.json", axum::routing::get(async move || Json(openapi)))
}

/// What errors call a file.
pub(crate) fn place(path: &Path) -> String {
    path.display().to_string()
}

pub(crate) fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| CommandError::File { path: path.to_owned(), error })
}

/// Ready once a signal asks the process to stop. Signals are received from this call on.
fn interrupted() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
