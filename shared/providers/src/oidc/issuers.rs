//! The cache of each issuer's discovery document and keys, in the function's memory.
//!
//! Both are fetched when first needed, and refreshed by the first request after [`FRESH`]. If the provider is down, the cached
//! ones are used until [`USABLE`] has passed; after that, every login of this issuer fails. If none of the cached keys has
//! signed a token, the provider may have rotated them, with a new id or with the old one: they are fetched again, at most
//! once in [`COOL_DOWN`], so that a flood of forged tokens costs the provider one call (two, if the first one fails:
//! [`Cx::read`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::RequestContext;
use url::Url;

use super::discovery::{self, Document, Endpoints};
use super::issuer::IssuerPolicy;
use super::jws::{Algorithm, Unverified};
use super::keys::Keys;
use crate::{Check, Cx, Outage, ProviderError, Stage};

const FRESH: TimeDelta = TimeDelta::hours(1);
const USABLE: TimeDelta = TimeDelta::hours(24);
const COOL_DOWN: TimeDelta = TimeDelta::minutes(1);

/// Documents and keys by address, because two connectors to one issuer may name different addresses. Connectors that trust
/// different certificates do not share them.
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
    /// The last refresh that failed or that a token of an unknown key caused, and how it failed.
    tried: Option<(DateTime<Utc>, Option<ProviderError>)>,
}

impl<T> Cached<T> {
    fn new(value: T, now: DateTime<Utc>) -> Self {
        Self { value: Arc::new(value), fetched: now, tried: None }
    }

    /// By the absolute difference: otherwise a clock that is set back would keep old values fresh.
    fn is(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        (now - self.fetched).abs() < age
    }

    fn rests(&self, now: DateTime<Utc>) -> bool {
        self.tried.is_some_and(|(tried, _)| (now - tried).abs() < COOL_DOWN)
    }
}

impl IssuerCache {
    /// The discovery document of `issuer`, which is where `pinned` says if that says it.
    pub(crate) async fn document(
        &self,
        cx: &Cx<'_>,
        issuer: &IssuerPolicy,
        pinned: &Endpoints,
    ) -> Result<Arc<Document>, ProviderError> {
        let at = discovery::address(issuer, pinned).ok_or(discovery::NO_ADDRESS)?;
        let slot = slot(&self.documents, &cx.trusted(at.as_str()));
        let mut cached = lock(cx, Stage::Discovery, &slot).await?;
        let request = hurried(cx, &cached);
        let document = current(cx.now(), &mut cached, discovery::fetch(&cx.during(&request), &at)).await?;
        // It may also have been fetched for a connector that takes another spelling.
        let checked = discovery::check_issuer(issuer, &document);
        if checked.is_err() {
            // Nothing of it is used, and the next login fetches it again.
            *cached = None;
        }
        checked.map(|()| document)
    }

    /// Makes sure that there are keys at `url`.
    pub(crate) async fn keys(&self, cx: &Cx<'_>, url: &Url) -> Result<(), ProviderError> {
        self.current_keys(cx, url).await.map(drop)
    }

    /// Whether one of the keys at `url` has signed `token`. If none of the cached ones has, and that may help, they are
    /// fetched once more.
    pub(super) async fn verify(
        &self,
        cx: &Cx<'_>,
        url: &Url,
        token: &Unverified<'_>,
        algorithm: &Algorithm,
    ) -> Result<(), ProviderError> {
        let (keys, are_new) = self.current_keys(cx, url).await?;
        match keys.verify(token, algorithm) {
            // No other key would help.
            Err(refused @ ProviderError::Refused { check: Check::Key | Check::Signature, .. }) if !are_new => {
                match self.newer_keys(cx, url, &keys, refused).await? {
                    Some(newer) => newer.verify(token, algorithm),
                    None => Err(refused),
                }
            }
            verified => verified,
        }
    }

    /// The keys at `url`, and whether they have just been fetched.
    async fn current_keys(&self, cx: &Cx<'_>, url: &Url) -> Result<(Arc<Keys>, bool), ProviderError> {
        let slot = slot(&self.keys, &cx.trusted(url.as_str()));
        let mut cached = lock(cx, Stage::Keys, &slot).await?;
        let before = cached.as_ref().map(|cached| Arc::clone(&cached.value));
        let request = hurried(cx, &cached);
        let keys = current(cx.now(), &mut cached, Keys::fetch(&cx.during(&request), url)).await?;
        let are_new = before.is_none_or(|before| !Arc::ptr_eq(&before, &keys));
        Ok((keys, are_new))
    }

    /// Keys that are newer than `known`, with which a token was refused; `None` if there can be none.
    async fn newer_keys(
        &self,
        cx: &Cx<'_>,
        url: &Url,
        known: &Arc<Keys>,
        refused: ProviderError,
    ) -> Result<Option<Arc<Keys>>, ProviderError> {
        let slot = slot(&self.keys, &cx.trusted(url.as_str()));
        let (mut cached, now) = (lock(cx, Stage::Keys, &slot).await?, cx.now());
        let Some(cached) = cached.as_mut() else { return Ok(None) };
        if !Arc::ptr_eq(&cached.value, known) {
            return Ok(Some(Arc::clone(&cached.value)));
        }
        if cached.rests(now) {
            return match (cached.tried.and_then(|(_, failure)| failure), refused) {
                // While the provider's keys cannot be fetched, the token's key may be among them.
                (Some(failure), _) => Err(failure),
                // The key may have been added after the last fetch: the next attempt may succeed.
                (None, ProviderError::Refused { check: Check::Key, .. }) => Err(Stage::Keys.unavailable(Outage::Keys)),
                (None, _) => Ok(None),
            };
        }
        match Keys::fetch(cx, url).await {
            Ok(fetched) => *cached = Cached { tried: Some((now, None)), ..Cached::new(fetched, now) },
            Err(error) => {
                cached.tried = Some((now, Some(error)));
                return Err(error);
            }
        }
        Ok(Some(Arc::clone(&cached.value)))
    }
}

fn slot<T>(slots: &Mutex<BTreeMap<String, Arc<Slot<T>>>>, name: &str) -> Arc<Slot<T>> {
    let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(slots.entry(name.to_owned()).or_insert_with(|| Arc::new(Slot::default())))
}

async fn lock<'a, T>(
    cx: &Cx<'_>,
    stage: Stage,
    cached: &'a tokio::sync::Mutex<T>,
) -> Result<tokio::sync::MutexGuard<'a, T>, ProviderError> {
    // The request that holds the lock may be waiting for a silent provider, and have more time left than this one.
    let lock = tokio::time::timeout(cx.request.remaining(), cached.lock()).await;
    lock.map_err(|_| stage.unavailable(Outage::Timeout))
}

/// The time that a refresh may take: if a cached value can be used instead, most of it is left for the login.
fn hurried<T>(cx: &Cx<'_>, cached: &Option<Cached<T>>) -> RequestContext {
    let usable = cached.as_ref().is_some_and(|cached| cached.is(USABLE, cx.now()));
    cx.request.within_quarters(if usable { 1 } else { 4 })
}

/// The cached value if it is fresh; otherwise the fetched one; if the fetch fails, the cached one while it is usable.
async fn current<T>(
    now: DateTime<Utc>,
    cached: &mut Option<Cached<T>>,
    fetch: impl Future<Output = Result<T, ProviderError>>,
) -> Result<Arc<T>, ProviderError> {
    let usable = cached.as_mut().filter(|cached| cached.is(USABLE, now));
    if let Some(cached) = usable.as_ref().filter(|cached| cached.is(FRESH, now) || cached.rests(now)) {
        return Ok(Arc::clone(&cached.value));
    }
    match (fetch.await, usable) {
        (Ok(value), _) => Ok(Arc::clone(&cached.insert(Cached::new(value, now)).value)),
        // Every error but a refusal may be temporary, even a 403: a proxy may have sent it. A refused answer may come from an
        // attacker, so the cached value is not used in its place.
        (Err(error), Some(cached)) if !matches!(error, ProviderError::Refused { .. }) => {
            cached.tried = Some((now, Some(error)));
            Ok(Arc::clone(&cached.value))
        }
        (Err(error), _) => Err(error),
    }
}
