//! What is known of each issuer, in the function's memory: its discovery document and its keys.
//!
//! Both are fetched when first needed and again in the path of a request once they are [`FRESH`] no more; while the
//! provider is down they serve on until they are [`USABLE`] no more, and then nothing of that issuer is believed. A key
//! id that is not among the keys means that the provider has rotated them: they are fetched again, at most once in
//! [`COOL_DOWN`], so that a flood of made-up key ids costs the provider one call; two, if the first finds
//! it in trouble ([`Cx::read`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::RequestContext;
use url::Url;

use super::discovery::{self, Document};
use super::keys::Keys;
use crate::{Cx, Outage, ProviderError, Stage};

const FRESH: TimeDelta = TimeDelta::hours(1);
const USABLE: TimeDelta = TimeDelta::hours(24);
const COOL_DOWN: TimeDelta = TimeDelta::minutes(1);

/// Documents by issuer, as the issuer writes itself; keys by the address they are published at, because two connectors of
/// one issuer may name different ones.
#[derive(Debug, Default)]
pub(crate) struct IssuerCache {
    documents: Mutex<BTreeMap<String, Arc<Slot<Document>>>>,
    keys: Mutex<BTreeMap<String, Arc<Slot<Keys>>>>,
}

/// Locked while it is fetched, so that a burst of requests fetches it once.
type Slot<T> = tokio::sync::Mutex<Option<Cached<T>>>;

#[derive(Debug)]
struct Cached<T> {
    value: Arc<T>,
    fetched: DateTime<Utc>,
    /// The last refresh that failed or that an unknown key id caused, and how it failed.
    tried: Option<(DateTime<Utc>, Option<ProviderError>)>,
}

impl<T> Cached<T> {
    fn new(value: T, now: DateTime<Utc>) -> Self {
        Self { value: Arc::new(value), fetched: now, tried: None }
    }

    /// A clock that went back makes things old, not young for ever.
    fn is(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        (now - self.fetched).abs() < age
    }

    fn rests(&self, now: DateTime<Utc>) -> bool {
        self.tried.is_some_and(|(tried, _)| (now - tried).abs() < COOL_DOWN)
    }
}

impl IssuerCache {
    /// The discovery document of `issuer`.
    pub(crate) async fn document(&self, cx: &Cx<'_>, issuer: &str) -> Result<Arc<Document>, ProviderError> {
        let slot = slot(&self.documents, issuer);
        let mut kept = lock(cx, Stage::Discovery, &slot).await?;
        let request = hurried(cx, &kept);
        current(cx.now(), &mut kept, discovery::fetch(&cx.during(&request), issuer)).await
    }

    /// The keys at `url`, fetched again if none of them has the id `kid` and that may help.
    pub(crate) async fn keys(&self, cx: &Cx<'_>, url: &Url, kid: Option<&str>) -> Result<Arc<Keys>, ProviderError> {
        let slot = slot(&self.keys, url.as_str());
        let mut kept = lock(cx, Stage::Keys, &slot).await?;
        let before = kept.as_ref().map(|kept| Arc::clone(&kept.value));
        let request = hurried(cx, &kept);
        let keys = current(cx.now(), &mut kept, Keys::fetch(&cx.during(&request), url)).await?;

        let (now, kept_before) = (cx.now(), before.is_some_and(|before| Arc::ptr_eq(&before, &keys)));
        match kept.as_mut() {
            Some(kept) if kept_before && kid.is_some() && !keys.has(kid) => {
                if kept.rests(now) {
                    // As long as the provider does not give its keys, nobody can say that this one is not among them.
                    return kept.tried.and_then(|(_, failure)| failure).map_or(Ok(keys), Err);
                }
                match Keys::fetch(cx, url).await {
                    Ok(fetched) => *kept = Cached { tried: Some((now, None)), ..Cached::new(fetched, now) },
                    Err(error) => {
                        kept.tried = Some((now, Some(error)));
                        return Err(error);
                    }
                }
                Ok(Arc::clone(&kept.value))
            }
            _ => Ok(keys),
        }
    }
}

fn slot<T>(slots: &Mutex<BTreeMap<String, Arc<Slot<T>>>>, name: &str) -> Arc<Slot<T>> {
    let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(slots.entry(name.to_owned()).or_insert_with(|| Arc::new(Slot::default())))
}

async fn lock<'a, T>(
    cx: &Cx<'_>,
    stage: Stage,
    kept: &'a tokio::sync::Mutex<T>,
) -> Result<tokio::sync::MutexGuard<'a, T>, ProviderError> {
    // Whoever holds it may be waiting for a provider that never answers, with more time left than this request.
    let lock = tokio::time::timeout(cx.request.remaining(), kept.lock()).await;
    lock.map_err(|_| stage.unavailable(Outage::Timeout))
}

/// The request as a refresh may use it: where there is something to fall back on, the login itself keeps most of the time.
fn hurried<T>(cx: &Cx<'_>, kept: &Option<Cached<T>>) -> RequestContext {
    let usable = kept.as_ref().is_some_and(|kept| kept.is(USABLE, cx.now()));
    cx.request.within_quarters(if usable { 1 } else { 4 })
}

/// What is kept, if it is fresh; else what `fetch` brings; else, while the provider is down, what is kept.
async fn current<T>(
    now: DateTime<Utc>,
    kept: &mut Option<Cached<T>>,
    fetch: impl Future<Output = Result<T, ProviderError>>,
) -> Result<Arc<T>, ProviderError> {
    let usable = kept.as_mut().filter(|kept| kept.is(USABLE, now));
    if let Some(kept) = usable.as_ref().filter(|kept| kept.is(FRESH, now) || kept.rests(now)) {
        return Ok(Arc::clone(&kept.value));
    }
    match (fetch.await, usable) {
        (Ok(value), _) => Ok(Arc::clone(&kept.insert(Cached::new(value, now)).value)),
        // An answer that does not pass validation is believed in nothing, also not in that it is a fault. All others may be
        // one, a 403 of something in between among them.
        (Err(error), Some(kept)) if !matches!(error, ProviderError::Refused { .. }) => {
            kept.tried = Some((now, Some(error)));
            Ok(Arc::clone(&kept.value))
        }
        (Err(error), _) => Err(error),
    }
}
