//! Configuration as the engine wants it: journeys compiled, connectors with their adapters, read seldom.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{Cache, ConnectorDocument, ConnectorId, JourneyId, RequestContext};
use providers::{ProviderAdapter, Registry};
use store::{Store, StoreError};

use crate::{Journey, JourneyError, StepTypes};

/// A connector that is switched on.
#[derive(Debug)]
pub struct Connector {
    /// Its document.
    pub document: ConnectorDocument,
    /// What talks to its provider; `None` if the document no longer makes sense to this code.
    pub adapter: Option<Arc<dyn ProviderAdapter>>,
}

/// Configuration, kept in memory for [`Library::MAX_AGE`]: what is switched off stops within that.
#[derive(Debug)]
pub struct Library {
    store: Store,
    registry: Registry,
    types: StepTypes,
    connectors: Cache<ConnectorId, Arc<Connector>>,
    live: Cache<JourneyId, u32>,
    journeys: Cache<(JourneyId, u32), Arc<Journey>>,
}

impl Library {
    /// How old configuration may be.
    pub const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

    /// A library over `store`, whose connectors are to the providers in `registry` and whose steps are of these types.
    pub fn new(store: Store, registry: Registry, types: StepTypes) -> Self {
        Self {
            store,
            registry,
            types,
            connectors: Cache::new(Self::MAX_AGE),
            live: Cache::new(Self::MAX_AGE),
            // A version never changes.
            journeys: Cache::new(TimeDelta::days(1)),
        }
    }

    /// A connector, unless there is none or it is switched off.
    pub async fn connector(&self, cx: &RequestContext, id: &ConnectorId) -> Result<Option<Arc<Connector>>, StoreError> {
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
        Ok(self.connectors.get_or::<StoreError>(cx.now, id, load).await?.filter(|connector| connector.document.enabled))
    }

    /// The journey that new sessions run.
    pub async fn live_journey(
        &self,
        cx: &RequestContext,
        id: &JourneyId,
    ) -> Result<Option<Arc<Journey>>, JourneyError> {
        let version = self.live.get_or(cx.now, id, self.store.get_live_version(cx, id)).await?;
        match version {
            Some(version) => self.journey(cx, id, version).await.map(Some),
            None => Ok(None),
        }
    }

    /// A version that a session has pinned.
    pub async fn journey(
        &self,
        cx: &RequestContext,
        id: &JourneyId,
        version: u32,
    ) -> Result<Arc<Journey>, JourneyError> {
        let key = (id.clone(), version);
        let load = async {
            let Some(document) = self.store.get_journey(cx, id, version).await? else { return Ok(None) };
            let journey = Journey::compile(document, version, self.types).map_err(|errors| {
                for error in errors {
                    tracing::error!(event = "journey_broken", journey = %id, version, %error);
                }
                JourneyError::Broken("a stored journey no longer compiles")
            })?;
            Ok(Some(Arc::new(journey)))
        };
        let journey = self.journeys.get_or::<JourneyError>(cx.now, &key, load).await?;
        journey.ok_or(JourneyError::Broken("a session's journey is gone"))
    }
}
