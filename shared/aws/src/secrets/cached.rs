//! A cache for secrets in the function's memory.
//!
//! A value is used for [`FRESH`]. Then the next request reads the secret again, and concurrent requests wait for that
//! read. While the source is down, the old value is used for up to [`USABLE`]; after that, requests fail. Absence is
//! not cached: a secret may be stored at any moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::RequestContext;
use secrecy::SecretString;

/// The age at which a value is read again. A rotated secret is used everywhere after this time.
pub(super) const FRESH: TimeDelta = TimeDelta::minutes(5);

/// The maximum age of a value while the source is down, since it was last read.
pub(super) const USABLE: TimeDelta = TimeDelta::hours(24);

/// The pause after a failed read, if there is a value to use. Also the pause between forced reads, so that a wrong
/// secret does not cause a read per login.
pub(super) const RETRY_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// A read failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadError {
    /// The source failed.
    Failed,
    /// The request had no time left. Another request may succeed.
    TimedOut,
}

/// The result of a read: `None` if there is no such secret.
type Reading = Result<Option<SecretString>, ReadError>;

/// Secrets by name.
#[derive(Default)]
pub(super) struct CachedSecret(Mutex<BTreeMap<String, Arc<Entry>>>);

#[derive(Default)]
struct Entry {
    known: Mutex<Known>,
    /// Held during a read.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    value: Option<SecretString>,
    /// When the value was read.
    read: DateTime<Utc>,
    /// When a read last failed since then.
    down: Option<DateTime<Utc>>,
    /// When the last forced read was.
    forced: Option<DateTime<Utc>>,
    /// The number of finished reads, and whether the last one found no secret (and did not fail).
    ended: u64,
    absent: bool,
}

impl CachedSecret {
    /// The value of `name`, from the cache or by `read`.
    pub(super) async fn get(&self, cx: &RequestContext, name: &str, read: impl ReadSecret) -> Reading {
        let entry = self.entry(name);
        let ended = {
            let known = entry.known();
            if let Some(value) = known.current(cx.now) {
                return Ok(Some(value));
            }
            known.ended
        };
        let cx = &entry.with_time_limit(cx);
        let Ok(_reading) = tokio::time::timeout(cx.remaining(), entry.reading.lock()).await else {
            return entry.known().usable(cx.now).map(Some).ok_or(ReadError::TimedOut);
        };
        {
            // Another request has read the secret meanwhile: use its result, also if it failed.
            let known = entry.known();
            if let Some(value) = known.current(cx.now) {
                return Ok(Some(value));
            }
            if known.ended != ended {
                return if known.absent { Ok(None) } else { Err(ReadError::Failed) };
            }
        }
        entry.read(cx, read).await
    }

    /// The value of `name` by `read`, unless the last forced read was a moment ago.
    pub(super) async fn reread(&self, cx: &RequestContext, name: &str, read: impl ReadSecret) -> Reading {
        let entry = self.entry(name);
        let cx = &entry.with_time_limit(cx);
        let Ok(_reading) = tokio::time::timeout(cx.remaining(), entry.reading.lock()).await else {
            return entry.known().usable(cx.now).map(Some).ok_or(ReadError::TimedOut);
        };
        {
            let mut known = entry.known();
            if let Some(value) = known.usable(cx.now).filter(|_| within(RETRY_PAUSE, known.forced, cx.now)) {
                return Ok(Some(value));
            }
            known.forced = Some(cx.now);
        }
        entry.read(cx, read).await
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(name.to_owned()).or_default())
    }
}

/// Reads a secret within the request's time.
pub(super) trait ReadSecret: AsyncFnOnce(&RequestContext) -> Reading {}

impl<F: AsyncFnOnce(&RequestContext) -> Reading> ReadSecret for F {}

impl Entry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request with the time limit for waiting and reading. If there is a value to fall back on, only a quarter of
    /// the time: the rest is for the work that needs the secret.
    fn with_time_limit(&self, cx: &RequestContext) -> RequestContext {
        cx.within_quarters(if self.known().usable(cx.now).is_some() { 1 } else { 4 })
    }

    /// Reads the secret and updates the cache. If the read fails, returns the old value while it is usable.
    async fn read(&self, cx: &RequestContext, read: impl ReadSecret) -> Reading {
        let reading = read(cx).await;
        let mut known = self.known();
        let fallback = known.usable(cx.now);
        match (reading, fallback) {
            (Ok(value), _) => {
                *known = Known {
                    absent: value.is_none(),
                    value: value.clone(),
                    read: cx.now,
                    down: None,
                    forced: known.forced,
                    ended: known.ended + 1,
                };
                Ok(value)
            }
            (Err(_), Some(value)) => {
                (known.down, known.ended) = (Some(cx.now), known.ended + 1);
                Ok(Some(value))
            }
            (Err(unread), None) => {
                // A timeout concerns only this request: the waiting requests read themselves.
                if unread == ReadError::Failed {
                    (known.absent, known.ended) = (false, known.ended + 1);
                }
                Err(unread)
            }
        }
    }
}

impl Known {
    /// The value, if no read is needed.
    fn current(&self, now: DateTime<Utc>) -> Option<SecretString> {
        self.usable(now).filter(|_| within(FRESH, Some(self.read), now) || within(RETRY_PAUSE, self.down, now))
    }

    /// The value, if it may still be used.
    fn usable(&self, now: DateTime<Utc>) -> Option<SecretString> {
        self.value.clone().filter(|_| within(USABLE, Some(self.read), now))
    }
}

/// Whether `since` is less than `age` ago. If the clock was set back, the value counts as old. Otherwise it would stay
/// young for too long.
fn within(age: TimeDelta, since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    since.is_some_and(|since| (now - since).abs() < age)
}

impl fmt::Debug for CachedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedSecret")
    }
}
