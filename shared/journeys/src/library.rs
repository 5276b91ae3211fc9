//! A cache of compiled journeys.

use std::sync::Arc;

use chrono::TimeDelta;
use connectors::Connectors;
use domain::{Cache, JourneyId, RequestContext};
use store::Store;

use crate::{Journey, JourneyError, StepTypes};

/// Compiled journeys in memory. A version never changes; the live version is read again after [`Connectors::MAX_AGE`].
#[derive(Debug)]
pub(crate) struct Library {
    store: Store,
    types: StepTypes,
    live: Cache<JourneyId, u32>,
    journeys: Cache<(JourneyId, u32), Arc<Journey>>,
}

impl Library {
    /// The journeys in `store`, with these step types.
    pub(crate) fn new(store: Store, types: StepTypes) -> Self {
        let (live, journeys) = (Cache::new(Connectors::MAX_AGE), Cache::new(TimeDelta::days(1)));
        Self { store, types, live, journeys }
    }

    /// The journey that new sessions run.
    pub(crate) async fn live_journey(
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

    /// The version with which a session started.
    pub(crate) async fn journey(
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
        journey.ok_or(JourneyError::Broken("a session's journey does not exist any more"))
    }
}
