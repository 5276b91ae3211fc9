//! Connectors: the identity providers that a company has configured. A login finds them with their adapters; an
//! administrator has them tested, as they are saved or before they are.
//!
//! **Must not know**: HTTP, journeys, and which provider is which (an adapter is an adapter).
//!
//! **To add one more** thing that is done with a connector: a method of [`Connectors`]. A kind of provider goes into
//! `providers`.

use std::sync::Arc;

use base::Base;
use chrono::TimeDelta;
use domain::{Cache, Code, ConnectorDocument, ConnectorId, ErrorAnswer, RequestContext};
use egress::{Egress, EgressError};
use providers::{InvalidConnector, Probe, ProviderAdapter, Providers, Registry, Report};
use serde_json::{Map, Value};
use store::{Store, StoreError};

/// The connectors of a deployment. One for the life of the process: configuration and what is known of providers is kept.
#[derive(Debug)]
pub struct Connectors {
    store: Store,
    registry: Registry,
    providers: Providers,
    found: Cache<ConnectorId, Arc<Connector>>,
}

/// A connector that is switched on.
#[derive(Debug)]
pub struct Connector {
    /// Its document.
    pub document: ConnectorDocument,
    /// What talks to its provider; `None` if the document no longer makes sense to this code.
    pub adapter: Option<Arc<dyn ProviderAdapter>>,
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

impl From<ConnectorError> for ErrorAnswer {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Unknown => Code::UnknownConnector.into(),
            // An administrator's own document: what is wrong with it may quote it.
            ConnectorError::Invalid(error) => Self { detail: Some(error.to_string()), ..Code::InvalidConnector.into() },
            ConnectorError::Store(error) => error.into(),
        }
    }
}

impl Connectors {
    /// How old configuration may be: what is switched off stops within that.
    pub const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

    /// Those that lead to the kinds of providers in `registry`.
    ///
    /// # Errors
    /// The HTTP client cannot be made, which is logged: the function does not start.
    pub fn new(base: &Base, registry: Registry) -> Result<Self, EgressError> {
        let egress = Egress::new(base.reach).inspect_err(|error| tracing::error!(event = "start_failed", %error))?;
        let (secrets, entropy) = (Arc::clone(&base.secrets), Arc::clone(&base.entropy));
        // They send browsers back to this deployment's own address.
        let providers = Providers::new(egress, secrets, entropy, base.issuer.clone());
        Ok(Self { store: base.store.clone(), registry, providers, found: Cache::new(Self::MAX_AGE) })
    }

    /// A connector, unless there is none or it is switched off.
    pub async fn find(&self, cx: &RequestContext, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
        // Boxed: the SDK's futures nest deep, and a step that calls a provider stands on top of them.
        let load = Box::pin(async {
            let Some(document) = self.store.get_connector(cx, id).await? else { return Ok(None) };
            let adapter = self
                .registry
                .adapter(&document)
                .inspect_err(|error| tracing::error!(event = "connector_broken", connector = %id, %error))
                .ok();
            Ok(Some(Arc::new(Connector { document, adapter })))
        });
        Ok(self.found.get_or::<StoreError>(cx.now, id, load).await?.filter(|connector| connector.document.enabled))
    }

    /// What an adapter needs to serve `request`.
    pub fn cx<'a>(&'a self, request: &'a RequestContext) -> providers::Cx<'a> {
        self.providers.cx(request)
    }

    /// Tests a connector as it is saved now, switched on or not. A test writes nothing anywhere, and reads nothing that was
    /// kept of an earlier one or of a login.
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
    /// A secret that a saved connector uses goes where that one goes, and nowhere else: otherwise an administrator who may test drafts could have it sent to an address of their own.
    pub async fn test_draft(
        &self,
        cx: &RequestContext,
        draft: Map<String, Value>,
        with: &Probe<'_>,
    ) -> Result<Report, ConnectorError> {
        let document = providers::document(draft)?;
        let adapter = self.registry.adapter(&document)?;
        // Whose certificates are trusted decides where a secret goes, too.
        fn destination(document: &ConnectorDocument) -> impl PartialEq {
            (&document.provider, &document.settings, &document.ca_certificates)
        }
        let leads_elsewhere = |saved: &&ConnectorDocument| destination(saved) != destination(&document);
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
