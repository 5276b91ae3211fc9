//! Connectors as administrators deal with them: tested as they are saved, or before they are.

use std::sync::Arc;

use domain::{ConnectorDocument, ConnectorId, RequestContext};
use providers::{InvalidConnector, Probe, ProviderAdapter, Providers, Registry, Report};
use serde_json::{Map, Value};
use store::{Store, StoreError};

/// Connectors, to be tested. A test writes nothing anywhere, and reads nothing that was kept of an earlier one or of a login.
#[derive(Debug)]
pub struct Connectors {
    store: Store,
    registry: Registry,
    providers: Arc<Providers>,
}

/// There is nothing to test.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// No saved connector has this id.
    #[error("there is no such connector")]
    Unknown,
    /// The document describes none, or one that must not be tried.
    #[error(transparent)]
    Invalid(#[from] InvalidConnector),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Connectors {
    /// Those of `store` that lead to the providers in `registry`.
    pub fn new(store: Store, registry: Registry, providers: Arc<Providers>) -> Self {
        Self { store, registry, providers }
    }

    /// Tests a connector as it is saved now, switched on or not.
    pub async fn test_saved(
        &self,
        cx: &RequestContext,
        id: &ConnectorId,
        with: &Probe<'_>,
    ) -> Result<Report, ConnectorError> {
        let document = self.store.get_connector(cx, id).await?.ok_or(ConnectorError::Unknown)?;
        let adapter = self.registry.adapter(&document)?;
        Ok(self.test(cx, id, adapter.as_ref(), with).await)
    }

    /// Tests a connector that is not saved.
    ///
    /// A secret that a saved connector uses goes where that one goes, and nowhere else: or whoever may have drafts tested
    /// could have it sent to an address of their own.
    pub async fn test_draft(
        &self,
        cx: &RequestContext,
        draft: Map<String, Value>,
        with: &Probe<'_>,
    ) -> Result<Report, ConnectorError> {
        let document = providers::document(draft)?;
        let adapter = self.registry.adapter(&document)?;
        let leads_elsewhere =
            |saved: &&ConnectorDocument| (&saved.provider, &saved.settings) != (&document.provider, &document.settings);
        let saved = self.store.list_connectors(cx).await?;
        for other in saved.iter().filter(leads_elsewhere) {
            let theirs = |secret: &str| other.secrets().chain(other.client.secret.as_deref()).any(|own| own == secret);
            if document.secrets().any(theirs) {
                return Err(InvalidConnector::at(
                    "client.secret",
                    format!(
                        "is the secret of the connector {}, whose settings are others: give the draft a secret of its own",
                        other.id
                    ),
                )
                .into());
            }
        }
        Ok(self.test(cx, &document.id, adapter.as_ref(), with).await)
    }

    async fn test(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        adapter: &dyn ProviderAdapter,
        with: &Probe<'_>,
    ) -> Report {
        let report = adapter.probe(&self.providers.afresh().cx(cx), with).await;
        tracing::info!(event = "connector_tested", %connector, ok = report.ok);
        report
    }
}
