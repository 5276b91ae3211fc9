//! Secrets in the function's memory, and when they are read again.
//!
//! A value is in use for [`FRESH`]; then the next request that needs it reads it, and whoever needs it meanwhile waits for
//! that read. While the source is down the value serves on until it is [`USABLE`] no more, and then nobody gets it. Absence
//! is not kept: a secret may be stored any moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::RequestContext;
use secrecy::SecretString;

/// How old a value is when it is read again: a rotated secret is in use everywhere after that.
pub(super) const FRESH: TimeDelta = TimeDelta::minutes(5);

/// How old a value may get while the source is down, counted from when it was last read.
pub(super) const USABLE: TimeDelta = TimeDelta::hours(24);

/// How long the source is left alone once it was down, as long as there is something to use; and how long after a forced
/// read the next one has to wait, so that a wrong secret does not cost a read per login.
pub(super) const REST: TimeDelta = TimeDelta::seconds(30);

/// A read brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The source failed.
    Failed,
    /// The request had no more time. One that has may be luckier.
    TimedOut,
}

/// What a read brought: `None` where there is no such secret.
type Reading = Result<Option<SecretString>, Unread>;

/// Secrets by name.
#[derive(Default)]
pub(super) struct CachedSecret(Mutex<BTreeMap<String, Arc<Entry>>>);

#[derive(Default)]
struct Entry {
    known: Mutex<Known>,
    /// Held by whoever reads.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    value: Option<SecretString>,
    /// When it was read.
    read: DateTime<Utc>,
    /// When the source was last found to be down, since then.
    down: Option<DateTime<Utc>>,
    /// When it was last read by force.
    forced: Option<DateTime<Utc>>,
    /// How many reads have ended, and whether the last found no secret rather than no source.
    ended: u64,
    absent: bool,
}

impl CachedSecret {
    /// The value of `name`, from memory or by `read`.
    pub(super) async fn get(&self, cx: &RequestContext, name: &str, read: impl ReadSecret) -> Reading {
        let entry = self.entry(name);
        let ended = {
            let known = entry.known();
            if let Some(value) = known.current(cx.now) {
                return Ok(Some(value));
            }
            known.ended
        };
        let cx = &entry.hurried(cx);
        let Ok(_turn) = tokio::time::timeout(cx.remaining(), entry.turn.lock()).await else {
            return entry.known().usable(cx.now).map(Some).ok_or(Unread::TimedOut);
        };
        {
            // Whoever was first has read for all who waited, whatever it brought.
            let known = entry.known();
            if let Some(value) = known.current(cx.now) {
                return Ok(Some(value));
            }
            if known.ended != ended {
                return if known.absent { Ok(None) } else { Err(Unread::Failed) };
            }
        }
        entry.read(cx, read).await
    }

    /// The value of `name` by `read`, unless that was done by force a moment ago.
    pub(super) async fn reread(&self, cx: &RequestContext, name: &str, read: impl ReadSecret) -> Reading {
        let entry = self.entry(name);
        let cx = &entry.hurried(cx);
        let Ok(_turn) = tokio::time::timeout(cx.remaining(), entry.turn.lock()).await else {
            return entry.known().usable(cx.now).map(Some).ok_or(Unread::TimedOut);
        };
        {
            let mut known = entry.known();
            if let Some(value) = known.usable(cx.now).filter(|_| within(REST, known.forced, cx.now)) {
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

/// How a secret is read, in the time that the request has.
pub(super) trait ReadSecret: AsyncFnOnce(&RequestContext) -> Reading {}

impl<F: AsyncFnOnce(&RequestContext) -> Reading> ReadSecret for F {}

impl Entry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as waiting and reading may use it: where there is something to fall back on, most of the time is for
    /// what the secret is needed for.
    fn hurried(&self, cx: &RequestContext) -> RequestContext {
        cx.within_quarters(if self.known().usable(cx.now).is_some() { 1 } else { 4 })
    }

    /// Reads, for whoever's turn it is: what is usable serves on where that brings nothing.
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
                // Too little time is one request's own: those who waited try for themselves.
                if unread == Unread::Failed {
                    (known.absent, known.ended) = (false, known.ended + 1);
                }
                Err(unread)
            }
        }
    }
}

impl Known {
    /// The value, if there is no need to read.
    fn current(&self, now: DateTime<Utc>) -> Option<SecretString> {
        self.usable(now).filter(|_| within(FRESH, Some(self.read), now) || within(REST, self.down, now))
    }

    /// The value, if it may be used at all.
    fn usable(&self, now: DateTime<Utc>) -> Option<SecretString> {
        self.value.clone().filter(|_| within(USABLE, Some(self.read), now))
    }
}

/// A clock that went back makes things old, not young for ever.
fn within(age: TimeDelta, since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    since.is_some_and(|since| (now - since).abs() < age)
}

impl fmt::Debug for CachedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedSecret")
    }
}
