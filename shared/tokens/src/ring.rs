//! A ring: the keys of one kind in the order of their times. Each is active from its time until the next one's.
//!
//! Instances may have different versions of a ring: an instance reads its secrets again after minutes, or after up to a
//! day while Secrets Manager is down. So a new key is announced [`Ring::AHEAD`] of its time, and all instances know it
//! when it becomes active. A replaced key is kept for [`Ring::KEPT`], longer than any session or token that was made
//! with it.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Entropy;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, KeyKind};

/// Keys in the order of their times, at least one.
#[derive(Debug, Clone)]
pub struct Ring<K>(Vec<Dated<K>>);

#[derive(Debug, Clone)]
struct Dated<K> {
    from: DateTime<Utc>,
    key: K,
}

/// The stored form: `{ "keys": [ { "from": "2026-01-02T03:04:05Z", "key": "..." } ] }`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    keys: Vec<Entry<T>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<T> {
    from: DateTime<Utc>,
    key: T,
}

impl<K> Ring<K> {
    /// How long before its time a new key is announced: longer than an instance uses cached keys.
    pub const AHEAD: TimeDelta = TimeDelta::hours(25);

    /// How long a replaced key is kept: longer than the lifetime of a session or token.
    pub const KEPT: TimeDelta = TimeDelta::hours(25);

    /// The key that is active at a time. Before the first key's time, the first key.
    pub fn active_at(&self, at: DateTime<Utc>) -> Option<&K> {
        let begun = self.0.iter().rev().find(|dated| dated.from <= at);
        begun.or(self.0.first()).map(|dated| &dated.key)
    }

    /// All past, current and future keys that are still kept.
    pub fn known(&self, now: DateTime<Utc>) -> impl Iterator<Item = &K> {
        let kept = self.0.iter().enumerate().filter(move |(at, _)| self.is_kept(*at, now));
        kept.map(|(_, dated)| &dated.key)
    }

    fn is_kept(&self, at: usize, now: DateTime<Utc>) -> bool {
        self.0.get(at + 1).is_none_or(|next| now < next.from + Self::KEPT)
    }

    /// The ring with each key converted by `read`.
    pub(crate) fn try_map<T, E>(&self, read: impl Fn(&K) -> Result<T, E>) -> Result<Ring<T>, E> {
        let read = self.0.iter().map(|Dated { from, key }| Ok(Dated { from: *from, key: read(key)? }));
        read.collect::<Result<_, E>>().map(Ring)
    }
}

impl Ring<SecretString> {
    /// A new ring with one key, which is active immediately.
    pub fn generate(kind: KeyKind, now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        Ok(Self(vec![Dated { from: now, key: kind.generate(entropy)? }]))
    }

    /// Announces a new key and drops expired ones. Returns when the new key becomes active.
    ///
    /// # Errors
    /// / [`KeyError::Announced`] if another key is already announced.
    pub fn rotate(
        &mut self,
        kind: KeyKind,
        now: DateTime<Utc>,
        entropy: &dyn Entropy,
    ) -> Result<DateTime<Utc>, KeyError> {
        if let Some(last) = self.0.last().filter(|last| last.from > now) {
            return Err(KeyError::Announced(last.from));
        }
        let from = now + Self::AHEAD;
        let gone = (0..self.0.len()).take_while(|at| !self.is_kept(*at, now)).count();
        self.0.drain(..gone);
        self.0.push(Dated { from, key: kind.generate(entropy)? });
        Ok(from)
    }

    /// Parses the stored form.
    pub fn read(kind: KeyKind, stored: &SecretString) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed(kind.secret());
        // The parser's message may quote the key, so it is dropped.
        let document: Document<SecretString> = serde_json::from_str(stored.expose_secret()).map_err(|_| malformed())?;
        let keys: Vec<_> = document.keys.into_iter().map(|Entry { from, key }| Dated { from, key }).collect();
        if keys.is_empty() || !keys.is_sorted_by(|a, b| a.from < b.from) {
            return Err(malformed());
        }
        Ok(Self(keys))
    }

    /// The stored form.
    pub fn to_secret(&self) -> Result<SecretString, KeyError> {
        let keys = self.0.iter().map(|Dated { from, key }| Entry { from: *from, key: key.expose_secret() });
        let document = Document { keys: keys.collect() };
        serde_json::to_string(&document).map(SecretString::from).map_err(|_| KeyError::Generate)
    }
}
