//! `landfall serve`: everything on one machine.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{BUDGET, Config, DynamoDb, SystemClock, SystemEntropy};
use axum::Router;
use clap::Args;
use domain::{ConnectorDocument, JourneyDocument};
use egress::Reach;
use store::TableNames;
use tokio::net::TcpListener;
use web::Json;

use crate::embedded::EmbeddedDynamoDb;
use crate::error::CommandError;
use crate::secrets::LocalSecrets;
use crate::transcript::Transcript;
use crate::{demo, documents, routes};

/// Where everything listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8787;

/// Serves everything on this machine: every function on one port of loopback, DynamoDB embedded, and a simulated
/// provider to migrate from.
#[derive(Debug, Args)]
pub struct Serve {
    /// The port to listen on.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// The folder that keeps users, sessions and keys between two starts.
    #[arg(long, default_value = ".landfall", value_name = "FOLDER")]
    data: PathBuf,
    /// Forgets users, sessions and keys first.
    #[arg(long)]
    reset: bool,
    /// Providers of your own instead of the demo's.
    #[arg(long, value_name = "FILE")]
    connectors: Option<PathBuf>,
    /// Their client secrets, `name: value`, by the names that the connectors use.
    #[arg(long, value_name = "FILE", requires = "connectors")]
    secrets: Option<PathBuf>,
}

const DATABASE: &str = "dynamodb.sqlite";
const SECRETS: &str = "secrets.json";

impl Serve {
    /// Serves until it is interrupted.
    pub async fn run(self) -> Result<(), CommandError> {
        web::logs::init(std::io::stderr);
        // All that can be wrong with the documents and the port is found before anything is written.
        let base = format!("http://127.0.0.1:{}", self.port);
        let connectors = self.read_connectors(&base)?;
        let journeys = connectors.iter().map(demo::journey).collect::<Result<Vec<_>, _>>()?;
        let listener = self.listen().await?;
        let secrets = self.open_data()?;
        let dynamodb = EmbeddedDynamoDb::open(&self.data.join(DATABASE)).await?;
        let config = Config {
            issuer: base,
            tables: TableNames::with_prefix("landfall"),
            secrets_prefix: String::new(),
            dynamodb: DynamoDb::At(dynamodb.address()),
            reach: Reach::Local,
            budget: BUDGET,
        };
        tokio::select! {
            ended = dynamodb.serve() => ended,
            ended = self.serve(listener, &config, secrets, &connectors, &journeys) => ended,
        }
    }

    fn read_connectors(&self, base: &str) -> Result<Vec<ConnectorDocument>, CommandError> {
        match &self.connectors {
            Some(path) => documents::connectors(&path.display().to_string(), &read(path)?),
            None => demo::connectors(base),
        }
    }

    async fn listen(&self) -> Result<TcpListener, CommandError> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => CommandError::PortInUse { port: self.port },
            _ => CommandError::Server(error),
        })
    }

    fn open_data(&self) -> Result<LocalSecrets, CommandError> {
        if self.reset {
            for name in [DATABASE, "dynamodb.sqlite-wal", "dynamodb.sqlite-shm", SECRETS] {
                let path = self.data.join(name);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(CommandError::File { path, error });
                    }
                    _ => {}
                }
            }
        }
        fs::create_dir_all(&self.data).map_err(|error| CommandError::File { path: self.data.clone(), error })?;
        let mut secrets = LocalSecrets::open(&self.data.join(SECRETS), &SystemEntropy)?;
        if self.connectors.is_none() {
            secrets.add_connector("keycloak", demo::KEYCLOAK_SECRET.into());
        }
        if let Some(path) = &self.secrets {
            secrets.add_connectors(path)?;
        }
        Ok(secrets)
    }

    async fn serve(
        &self,
        listener: TcpListener,
        config: &Config,
        secrets: LocalSecrets,
        connectors: &[ConnectorDocument],
        journeys: &[JourneyDocument],
    ) -> Result<(), CommandError> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let store = aws::store(config).await?;
        store.create_missing_tables().await?;
        let cx = aws::context(clock.clone(), entropy.as_ref());
        for connector in connectors {
            store.put_connector(&cx, connector).await?;
        }
        for journey in journeys {
            store.publish_journey(&cx, journey).await?;
        }
        store.put_client(&cx, &demo::client(journeys)?).await?;

        let app = aws::app(config, Arc::new(secrets), clock.clone(), entropy.clone()).await?;
        let mut router = web::router(app, routes()).merge(openapi());
        if self.connectors.is_none() {
            let keycloak = demo::keycloak(clock, entropy);
            router = router.route_service(&format!("{}/{{*path}}", demo::KEYCLOAK_PATH), keycloak.router().into_service());
        }
        self.print(config, journeys).map_err(CommandError::Output)?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(interrupted()).await.map_err(CommandError::Server)
    }

    fn print(&self, config: &Config, journeys: &[JourneyDocument]) -> std::io::Result<()> {
        let (base, data) = (&config.issuer, self.data.display());
        let mut out = std::io::stdout();
        writeln!(out, "Landfall is at {base}\n")?;
        for journey in journeys {
            writeln!(out, "  journey   {base}/v1/journeys/{}/start", journey.id)?;
        }
        writeln!(out, "  issuer    {base}  (keys at {base}/oauth2/jwks, tokens at {base}/oauth2/token)")?;
        writeln!(out, "  OpenAPI   {base}/openapi.json")?;
        match &self.connectors {
            Some(path) => writeln!(out, "  providers {}", path.display())?,
            None => writeln!(out, "  provider  a simulated Keycloak at {base}{}/realms/demo", demo::KEYCLOAK_PATH)?,
        }
        writeln!(out, "  data      {data}  (users, sessions, keys; forget them with --reset)\n")?;
        let Some(journey) = journeys.first() else { return out.flush() };
        let user = self.connectors.is_none().then_some((demo::EMAIL, demo::PASSWORD));
        match user {
            Some(_) => writeln!(out, "Migrate the demo user from another terminal, in this folder:\n")?,
            None => writeln!(out, "Migrate a user from another terminal, in this folder; fill in who:\n")?,
        }
        let transcript = Transcript { base, journey: &journey.id, user, entropy: &SystemEntropy };
        writeln!(out, "{transcript}\n")?;
        out.flush()
    }
}

fn openapi() -> Router {
    let (_router, openapi) = routes().split_for_parts();
    Router::new().route("/openapi.json", axum::routing::get(async move || Json(openapi)))
}

fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| CommandError::File { path: path.to_owned(), error })
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            // Where the signal cannot be heard, the other one still can.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
