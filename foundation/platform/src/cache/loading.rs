//! A cache with what makes its values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex as AsyncMutex;

use super::{Cache, Key};
use crate::Result;
use crate::telemetry::metrics::CACHE_READS;

/// A value that is being made: empty until it is there.
type Flight = Arc<AsyncMutex<Option<Bytes>>>;

/// Makes what is missing, once for all callers of this process that ask at the same time. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Loading {
    cache: Arc<dyn Cache>,
    flights: Arc<Mutex<HashMap<Key, Flight>>>,
}

impl Loading {
    /// On this cache.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache, flights: Arc::default() }
    }

    /// The cache itself.
    pub fn cache(&self) -> &dyn Cache {
        self.cache.as_ref()
    }

    /// The value; made by `load` when it is missing. A failure is not kept: the next caller tries again.
    pub async fn get_or_load<F>(&self, key: &Key, ttl: Duration, load: F) -> Result<Bytes>
    where
        F: Future<Output = Result<Bytes>>,
    {
        if let Some(value) = self.cache.get(key).await {
            metrics::counter!(CACHE_READS, "namespace" => key.namespace(), "outcome" => "hit").increment(1);
            return Ok(value);
        }
        metrics::counter!(CACHE_READS, "namespace" => key.namespace(), "outcome" => "miss").increment(1);
        let flight = Landing::join(&self.flights, key);
        let mut slot = flight.flight.lock().await;
        if let Some(value) = &*slot {
            return Ok(value.clone());
        }
        let value = load.await?;
        // First the cache, then the waiting ones: whoever comes after them finds it there.
        self.cache.put(key, value.clone(), ttl).await;
        *slot = Some(value.clone());
        Ok(value)
    }
}

/// Takes part in a flight; the last one to leave clears it away, also when callers are dropped.
struct Landing<'a> {
    flights: &'a Mutex<HashMap<Key, Flight>>,
    key: &'a Key,
    flight: Flight,
}

impl<'a> Landing<'a> {
    fn join(flights: &'a Mutex<HashMap<Key, Flight>>, key: &'a Key) -> Self {
        let mut all = flights.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = Arc::clone(all.entry(key.clone()).or_default());
        Self { flights, key, flight }
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut all = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own and this one: nobody else waits.
        if Arc::strong_count(&self.flight) <= 2 {
            all.remove(self.key);
        }
    }
}
