//! What is read often and changes seldom, kept in the function's memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Values by key, each as old as `max_age` at most. Absence is not kept: a name that nobody has yet may be given any
/// moment, and names that nobody has are not worth memory.
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
        // Not held while waiting: two requests at once may both load, and neither waits for the other's luck.
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
        // A clock that went back makes an entry stale, not immortal.
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
    fn a_value_is_kept_for_its_age_and_absence_is_not() {
        let cache = Cache::new(TimeDelta::seconds(60));
        assert_eq!(get(&cache, 0, None), None);
        assert_eq!(get(&cache, 0, Some(1)), Some(1));
        assert_eq!(get(&cache, 59, Some(2)), Some(1));
        assert_eq!(get(&cache, 60, Some(2)), Some(2));
        assert_eq!(get(&cache, 0, Some(3)), Some(3));
    }
}
