//! `landfall apply`: gives a deployment its connectors, journeys and clients.

use std::path::PathBuf;
use std::sync::Arc;

use aws::{Config, Reach, SecretsManager, SystemClock, SystemEntropy};
use clap::{ArgGroup, Args};
use domain::{Client, ConnectorDocument, JourneyDocument, RequestContext, SecretName};
use providers::{Registry, callback_url};
use store::{Document, Store};

use crate::documents;
use crate::error::CommandError;
use crate::keys::say;
use crate::serve::{place, read};

/// Saves connectors, journeys and clients in the deployment that the environment names (`LANDFALL_*`, `AWS_*`). First, all
/// are checked, together with what the deployment has already, and that their secrets are in Secrets Manager. Then they are
/// saved one after the other. Each is in use within a minute. The command may be repeated. If another administrator saves one
/// of them at the same time, theirs is kept, and the command ends there.
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
    /// Saves them, and prints each that is saved.
    pub async fn run(self) -> Result<(), CommandError> {
        let registry = Registry::default();
        let (connectors, journeys, clients) = (self.connectors(&registry)?, self.journeys()?, self.clients()?);
        let config = Config::from_env(Reach::Local)?;
        let secrets = SecretsManager::connect(&config).await?;
        let store = aws::store(&config, Arc::new(SystemEntropy)).await?;
        let of_connectors = connectors.iter().flat_map(|connector| {
            connector.secrets().map(move |name| (format!("connector {}", connector.id), SecretName::connector(name)))
        });
        let of_clients = clients.iter().filter_map(|client| {
            let name = client.secret.as_deref()?;
            Some((format!("client {}", client.id), SecretName::client(name)))
        });
        for (whose, name) in of_connectors.chain(of_clients) {
            if secrets.fetch(&cx(), &name).await?.is_none() {
                return Err(CommandError::NotStored { whose, name: format!("{}{name}", config.secrets_prefix) });
            }
        }
        // Read before the checks: a change by another administrator from here on is a conflict.
        let mut documents = Vec::new();
        for document in documents::in_order(&connectors, &journeys, &clients) {
            let read = store.revision(&cx(), &document).await?;
            documents.push((document, read));
        }
        if !connectors.is_empty() || !journeys.is_empty() {
            let saved = store.list_connectors(&cx()).await?;
            documents::check_callbacks(&registry, &self.place(), &connectors, &saved)?;
            for split in documents::split_pools(&registry, &connectors, &saved) {
                say(&format!("note: {split}"))?;
            }
            documents::check_connectors(&journeys, &[connectors.as_slice(), &saved].concat())?;
        }
        check_journeys(&store, &clients, &journeys).await?;

        // As `documents::publish` does. Each is printed, because a later one may fail when earlier ones are live.
        for (document, read) in documents {
            documents::save(&store, &cx(), &document, read).await?;
            say(&match &document {
                Document::Connector(connector) => {
                    let callback = callback_url(&config.issuer, &connector.id);
                    let issuer =
                        registry.adapter(connector).ok().and_then(|adapter| Some(adapter.issuer_key()?.to_owned()));
                    let issuer = issuer.map(|issuer| format!("; its issuer: {issuer}")).unwrap_or_default();
                    format!("{document} is saved{issuer}; its redirect URI, where it has one: {callback}")
                }
                Document::Journey(_) => format!("{document} is live"),
                Document::Client(_) => format!("{document} is saved"),
            })?;
        }
        Ok(())
    }

    fn connectors(&self, registry: &Registry) -> Result<Vec<ConnectorDocument>, CommandError> {
        let Some(path) = &self.connectors else { return Ok(Vec::new()) };
        documents::connectors(registry, &self.place(), &read(path)?)
    }

    /// The name of the connectors' file in errors.
    fn place(&self) -> String {
        self.connectors.as_deref().map(place).unwrap_or_default()
    }

    fn journeys(&self) -> Result<Vec<JourneyDocument>, CommandError> {
        let journey = |path: &PathBuf| documents::journey(&place(path), &read(path)?);
        self.journeys.iter().map(journey).collect()
    }

    fn clients(&self) -> Result<Vec<Client>, CommandError> {
        let Some(path) = &self.clients else { return Ok(Vec::new()) };
        documents::clients(&place(path), &read(path)?)
    }
}

/// A context for one call: all calls together may take longer.
fn cx() -> RequestContext {
    aws::context(Arc::new(SystemClock), &SystemEntropy)
}

/// The same of the journeys that clients name.
async fn check_journeys(store: &Store, clients: &[Client], saved: &[JourneyDocument]) -> Result<(), CommandError> {
    for client in clients {
        if client.journeys.is_empty() {
            return Err(CommandError::NoJourneys { client: client.id.to_string() });
        }
        for journey in &client.journeys {
            let known = saved.iter().any(|document| document.id == *journey)
                || store.get_live_version(&cx(), journey).await?.is_some();
            if !known {
                let (client, journey) = (client.id.to_string(), journey.to_string());
                return Err(CommandError::UnsavedJourney { client, journey });
            }
        }
    }
    Ok(())
}
