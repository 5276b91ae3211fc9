//! `landfall apply`: gives a deployment its connectors, journeys and clients.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use aws::{Config, Reach, SecretsManager, SystemClock, SystemEntropy};
use clap::{ArgGroup, Args};
use domain::{Client, ConnectorDocument, JourneyDocument, RequestContext, SecretError, SecretName, SecretSource};
use providers::{Registry, callback_url};
use store::Store;

use crate::documents;
use crate::error::CommandError;
use crate::serve::read;

/// Saves connectors, journeys and clients in the deployment that the environment names (`LANDFALL_*`, `AWS_*`). They are
/// checked whole first, and with them that their secrets are in Secrets Manager. In use within a minute.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("documents").args(["connectors", "journeys", "clients"]).multiple(true).required(true))]
pub struct Apply {
    /// A file of connectors, as `landfall serve --connectors` takes it.
    #[arg(long, value_name = "FILE")]
    connectors: Option<PathBuf>,
    /// A journey; may be given again. Sessions that run keep the version they began with.
    #[arg(long = "journey", value_name = "FILE")]
    journeys: Vec<PathBuf>,
    /// A file of clients, as `landfall serve --clients` takes it.
    #[arg(long, value_name = "FILE")]
    clients: Option<PathBuf>,
}

impl Apply {
    /// Saves them, and says what is saved.
    pub async fn run(self) -> Result<(), CommandError> {
        let (connectors, journeys, clients) = (self.connectors()?, self.journeys()?, self.clients()?);
        let config = Config::from_env(Reach::Local)?;
        let secrets = SecretsManager::connect(&config).await?;
        let store = aws::store(&config, Arc::new(SystemEntropy)).await?;
        let cx = aws::context(Arc::new(SystemClock), &SystemEntropy);
        let of_connectors = connectors.iter().flat_map(|connector| {
            connector.secrets().map(move |name| (format!("connector {}", connector.id), SecretName::connector(name)))
        });
        let of_clients = clients.iter().filter_map(|client| {
            let name = client.secret.as_deref()?;
            Some((format!("client {}", client.id), SecretName::client(name)))
        });
        for (whose, name) in of_connectors.chain(of_clients) {
            match secrets.get(&cx, &name).await {
                Ok(_) => {}
                Err(SecretError::Unknown(_)) => {
                    return Err(CommandError::NotStored { whose, name: format!("{}{name}", config.secrets_prefix) });
                }
                Err(error) => return Err(CommandError::Keys(error.into())),
            }
        }
        check_journeys(&store, &cx, &clients, &journeys).await?;

        documents::publish(&store, &cx, &connectors, &journeys, &clients).await?;
        let mut out = std::io::stdout();
        let saved = connectors.iter().map(|connector| {
            let callback = callback_url(&config.issuer, &connector.id);
            format!("connector {} is saved; its redirect URI, where it has one: {callback}", connector.id)
        });
        let mut saved = saved
            .chain(journeys.iter().map(|journey| format!("journey {} is live", journey.id)))
            .chain(clients.iter().map(|client| format!("client {} is saved", client.id)));
        saved.try_for_each(|line| writeln!(out, "{line}")).map_err(CommandError::Output)
    }

    fn connectors(&self) -> Result<Vec<ConnectorDocument>, CommandError> {
        let Some(path) = &self.connectors else { return Ok(Vec::new()) };
        documents::connectors(&Registry::default(), &path.display().to_string(), &read(path)?)
    }

    fn journeys(&self) -> Result<Vec<JourneyDocument>, CommandError> {
        let journey = |path: &PathBuf| documents::journey(&path.display().to_string(), &read(path)?);
        self.journeys.iter().map(journey).collect()
    }

    fn clients(&self) -> Result<Vec<Client>, CommandError> {
        let Some(path) = &self.clients else { return Ok(Vec::new()) };
        documents::clients(&path.display().to_string(), &read(path)?)
    }
}

/// A client that names a journey nobody has saved would be found out by its first user.
async fn check_journeys(
    store: &Store,
    cx: &RequestContext,
    clients: &[Client],
    saved: &[JourneyDocument],
) -> Result<(), CommandError> {
    for client in clients {
        for journey in &client.journeys {
            let known = saved.iter().any(|document| document.id == *journey)
                || store.get_live_version(cx, journey).await?.is_some();
            if !known {
                let (client, journey) = (client.id.to_string(), journey.to_string());
                return Err(CommandError::UnsavedJourney { client, journey });
            }
        }
    }
    Ok(())
}
