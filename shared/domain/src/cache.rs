//! An in-memory cache for values that are read often and change rarely.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Values by key, each at most `max_age` old. Absence is not cached: the missing value may be created at any moment,
/// and unknown keys would fill the memory.
pub struct Cache<K, V> {
    max_age: TimeDelta,
    entries: Mutex<BTreeMap<K, (DateTime<Utc>, V)>>,
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    /// An empty cache.
    pub fn new(max_age: TimeDelta) -> Self {
        Self { max_age, entries: Mutex::default() }
    }

    /// The value of `key`, from memory or from `load`.
    pub async fn get_or<E>(
        &self,
        now: DateTime<Utc>,
        key: &K,
        load: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.fresh(now, key) {
            return Ok(Some(value));
        }
        // The lock is not held while loading: two concurrent requests may both load, and neither waits for the other.
        let loaded = load.await?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match &loaded {
            Some(value) => entries.insert(key.clone(), (now, value.clone())),
            None => entries.remove(key),
        };
        Ok(loaded)
    }

    fn fresh(&self, now: DateTime<Utc>, key: &K) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // If the clock was set back, the entry is stale. Otherwise it would live too long.
        let (loaded_at, value) = entries.get(key)?;
        (TimeDelta::zero()..self.max_age).contains(&(now - *loaded_at)).then(|| value.clone())
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn get(cache: &Cache<&'static str, u8>, second: i64, loaded: Option<u8>) -> Option<u8> {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let future = pin!(cache.get_or(now, &"key", async move { Ok::<_, Infallible>(loaded) }));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(value)) => value,
            Poll::Pending => panic!("the loader is ready"),
        }
    }

    #[test]
    fn a_value_is_cached_for_its_age_and_absence_is_not() {
        let cache = Cache::new(TimeDelta::seconds(60));
        assert_eq!(get(&cache, 0, None), None);
        assert_eq!(get(&cache, 0, Some(1)), Some(1));
        assert_eq!(get(&cache, 59, Some(2)), Some(1));
        assert_eq!(get(&cache, 60, Some(2)), Some(2));
        assert_eq!(get(&cache, 0, Some(3)), Some(3));
    }
}
