//! Keys of one kind that follow each other, each in force from its time on.
//!
//! An instance may know an older ring than another: it reads its secrets again after minutes, or after a day while Secrets
//! Manager is down. So a new key is announced [`Ring::AHEAD`] of its time, and whoever has to use it knows it by then; and one
//! that has been replaced is kept for [`Ring::KEPT`], longer than anything lives that was made with it.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Entropy;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, KeyKind};

/// Keys in the order of their times, never none.
#[derive(Debug, Clone)]
pub struct Ring<K>(Vec<Dated<K>>);

#[derive(Debug, Clone)]
struct Dated<K> {
    from: DateTime<Utc>,
    key: K,
}

/// As it is stored: `{ "keys": [ { "from": "2026-01-02T03:04:05Z", "key": "..." } ] }`.
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
    /// How long before its time a new key is known: longer than an instance goes on with what it has read.
    pub const AHEAD: TimeDelta = TimeDelta::hours(25);

    /// How long a key is known after another has taken its place: longer than a session or a token lives.
    pub const KEPT: TimeDelta = TimeDelta::hours(25);

    /// The key in force at a time. Before all of them, the first.
    pub fn in_force(&self, at: DateTime<Utc>) -> Option<&K> {
        let begun = self.0.iter().rev().find(|dated| dated.from <= at);
        begun.or(self.0.first()).map(|dated| &dated.key)
    }

    /// All that may have been used, are, or will be.
    pub fn known(&self, now: DateTime<Utc>) -> impl Iterator<Item = &K> {
        let kept = self.0.iter().enumerate().filter(move |(at, _)| self.is_kept(*at, now));
        kept.map(|(_, dated)| &dated.key)
    }

    fn is_kept(&self, at: usize, now: DateTime<Utc>) -> bool {
        self.0.get(at + 1).is_none_or(|next| now < next.from + Self::KEPT)
    }

    /// The same ring of what its keys are.
    pub(crate) fn try_map<T, E>(&self, read: impl Fn(&K) -> Result<T, E>) -> Result<Ring<T>, E> {
        let read = self.0.iter().map(|Dated { from, key }| Ok(Dated { from: *from, key: read(key)? }));
        read.collect::<Result<_, E>>().map(Ring)
    }
}

impl Ring<SecretString> {
    /// A new one, whose key is in force at once.
    pub fn generate(kind: KeyKind, now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        Ok(Self(vec![Dated { from: now, key: kind.generate(entropy)? }]))
    }

    /// Announces a new key, and forgets what nobody needs any more. When the new one will be in force.
    ///
    /// # Errors
    /// [`KeyError::Announced`] if there is one already whose time has not come.
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

    /// As it was stored.
    pub fn read(kind: KeyKind, stored: &SecretString) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed(kind.secret());
        // What is wrong with it may quote it.
        let document: Document<SecretString> = serde_json::from_str(stored.expose_secret()).map_err(|_| malformed())?;
        let keys: Vec<_> = document.keys.into_iter().map(|Entry { from, key }| Dated { from, key }).collect();
        if keys.is_empty() || !keys.is_sorted_by(|a, b| a.from < b.from) {
            return Err(malformed());
        }
        Ok(Self(keys))
    }

    /// As it is stored.
    pub fn to_secret(&self) -> Result<SecretString, KeyError> {
        let keys = self.0.iter().map(|Dated { from, key }| Entry { from: *from, key: key.expose_secret() });
        let document = Document { keys: keys.collect() };
        serde_json::to_string(&document).map(SecretString::from).map_err(|_| KeyError::Generate)
    }
}
