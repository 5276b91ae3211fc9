//! Connectors: the identity providers that a company has configured. Finds them with their adapters for logins, tests
//! saved connectors and drafts for administrators, and receives what providers send unasked.
//!
//! **Must not know**: HTTP, journeys, and the kinds of providers (it only uses adapters).
//!
//! **To add one more** operation on connectors: a method of [`Connectors`]. Kinds of providers are in `providers`.

mod notifications;

use std::sync::Arc;

use base::Base;
use chrono::TimeDelta;
use domain::{Cache, Code, ConnectorDocument, ConnectorId, ErrorAnswer, RequestContext};
use egress::{Egress, EgressError};
pub use notifications::{NotificationError, Notifications};
use providers::{InvalidConnector, Probe, ProviderAdapter, Providers, Registry, Report};
use serde_json::{Map, Value};
use store::{Store, StoreError};

/// The connectors of a deployment. Created once per process: it caches configuration and providers' metadata.
#[derive(Debug)]
pub struct Connectors {
    store: Store,
    registry: Registry,
    providers: Providers,
    found: Cache<ConnectorId, Arc<Connector>>,
}

/// An enabled connector.
#[derive(Debug)]
pub struct Connector {
    /// Its document.
    pub document: ConnectorDocument,
    /// The adapter for its provider; `None` if this version of the code does not accept the document.
    pub adapter: Option<Arc<dyn ProviderAdapter>>,
}

/// The connector cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// No saved connector has this id.
    #[error("there is no such connector")]
    Unknown,
    /// The document is invalid, or the connector must not be tested.
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
            // The detail may quote the document, because it is the administrator's own.
            ConnectorError::Invalid(error) => Self { detail: Some(error.to_string()), ..Code::InvalidConnector.into() },
            ConnectorError::Store(error) => error.into(),
        }
    }
}

impl Connectors {
    /// The maximum age of cached configuration: a disabled connector stops working within this time.
    pub const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

    /// Connectors to the kinds of providers in `registry`.
    ///
    /// # Errors
    /// The HTTP client cannot be created. This is logged, and the function does not start.
    pub fn new(base: &Base, registry: Registry) -> Result<Self, EgressError> {
        let egress = Egress::new(base.reach).inspect_err(|error| tracing::error!(event = "start_failed", %error))?;
        let (secrets, entropy) = (Arc::clone(&base.secrets), Arc::clone(&base.entropy));
        // The issuer's URL is the base of the redirect URIs at providers.
        let providers = Providers::new(egress, secrets, entropy, base.issuer.clone());
        Ok(Self { store: base.store.clone(), registry, providers, found: Cache::new(Self::MAX_AGE) })
    }

    /// A connector; `None` if it does not exist or is disabled.
    pub async fn find(&self, cx: &RequestContext, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
        // Boxed: the SDK's futures are large, and would make the futures of steps larger.
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

    /// The context for an adapter's calls in `request`.
    pub fn cx<'a>(&'a self, request: &'a RequestContext) -> providers::Cx<'a> {
        self.providers.cx(request)
    }

    /// Tests a saved connector, enabled or not. A test writes nothing, and uses no cached results of earlier tests or
    /// logins.
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
    /// A draft may use the secret of a saved connector only if both have the same destination. Otherwise an
    /// administrator who may test drafts could let a secret be sent to their own address.
    pub async fn test_draft(
        &self,
        cx: &RequestContext,
        draft: Map<String, Value>,
        with: &Probe<'_>,
    ) -> Result<Report, ConnectorError> {
        let document = providers::document(draft)?;
        let adapter = self.registry.adapter(&document)?;
        // The trusted CA certificates also decide who can receive a secret.
        fn destination(document: &ConnectorDocument) -> impl PartialEq {
            (&document.provider, &document.settings, &document.ca_certificates)
        }
        let has_other_destination = |saved: &&ConnectorDocument| destination(saved) != destination(&document);
        let saved = self.store.list_connectors(cx).await?;
        for other in saved.iter().filter(has_other_destination) {
            let theirs = |secret: &str| other.secrets().chain(other.client.secret.as_deref()).any(|own| own == secret);
            if document.secrets().any(theirs) {
                return Err(InvalidConnector::at(
                    "client.secret",
                    format!(
                        "is the secret of the connector {}, which has other settings: use a different secret for the draft",
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
