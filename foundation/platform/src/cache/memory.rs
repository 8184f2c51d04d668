//! A cache in the memory of this process, with a limit in bytes.

use std::time::Duration;

use bytes::Bytes;
use kernel::time::{SharedClock, SignedDuration, Timestamp};

use super::{Cache, Key};
use crate::db::BoxFuture;

/// What an entry costs besides its bytes.
const OVERHEAD: usize = 160;

/// Forgets what was used least when it is full.
#[derive(Clone)]
pub struct MemoryCache {
    clock: SharedClock,
    entries: moka::sync::Cache<Key, (Timestamp, Bytes)>,
}

impl std::fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryCache").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

impl MemoryCache {
    /// Holds about so many bytes.
    pub fn new(clock: SharedClock, bytes: u64) -> Self {
        let weigh = |key: &Key, value: &(Timestamp, Bytes)| {
            u32::try_from(key.name.len() + value.1.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self { clock, entries: moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build() }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// How many bytes it holds, with what its entries cost.
    pub fn weight(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }

    fn find(&self, key: &Key) -> Option<Bytes> {
        let (end, value) = self.entries.get(key)?;
        if self.clock.now() < end {
            return Some(value);
        }
        self.entries.invalidate(key);
        None
    }
}

impl Cache for MemoryCache {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(std::future::ready(self.find(key)))
    }

    fn put<'a>(&'a self, key: &'a Key, value: Bytes, ttl: Duration) -> BoxFuture<'a, ()> {
        self.entries.insert(key.clone(), (ends(self.clock.now(), ttl), value));
        Box::pin(std::future::ready(()))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, ()> {
        self.entries.invalidate(key);
        Box::pin(std::future::ready(()))
    }
}

/// When something ends that is kept for so long.
pub(crate) fn ends(now: Timestamp, ttl: Duration) -> Timestamp {
    let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::time::ManualClock;

    use super::*;

    #[tokio::test]
    async fn memory_is_bounded() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let cache = MemoryCache::new(clock, 100_000);
        for n in 0..2000 {
            let key = Key::global("test", n);
            cache.put(&key, Bytes::from(vec![0; 1000]), Duration::from_mins(1)).await;
        }
        assert!(cache.weight() <= 100_000, "{}", cache.weight());
        assert!(cache.weight() > 50_000, "{}", cache.weight());
    }
}
