//! Keys in memory: for a minute at most, never of somebody who was erased.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kernel::ids::Uuid;

use super::scope::ScopeKey;
use super::subject::{Subject, Version};

/// The longest a key is used without asking the database whether it still exists.
pub(super) const CACHED: Duration = Duration::from_mins(1);
/// How long a destroyed key is kept out of the cache: longer than any transaction that could still see it.
const BARRED: Duration = Duration::from_mins(10);
/// Subjects kept in memory at a time.
const MAX_CACHED: usize = 10_000;

struct Cached<V> {
    value: V,
    read_at: Instant,
}

type Timed<K, V> = HashMap<K, Cached<V>>;

/// What this process knows.
#[derive(Clone, Default)]
pub(super) struct Cache {
    scopes: Arc<Mutex<Timed<Uuid, Arc<ScopeKey>>>>,
    subjects: Arc<Mutex<Subjects>>,
}

/// The cached keys of subjects, and the subjects whose keys must not be cached.
#[derive(Default)]
struct Subjects {
    keys: Timed<Subject, Arc<[Version]>>,
    /// Destroyed, perhaps in a transaction that has not committed: a reader that still sees the key must not bring it
    /// back into the cache.
    barred: HashMap<Subject, Instant>,
}

impl Cache {
    pub fn scope(&self, scope: Uuid) -> Option<Arc<ScopeKey>> {
        hit(&mut lock(&self.scopes), &scope)
    }

    pub fn keep_scope(&self, scope: Uuid, key: Arc<ScopeKey>) {
        remember(&mut lock(&self.scopes), scope, key);
    }

    pub fn forget_scope(&self, scope: Uuid) {
        lock(&self.scopes).remove(&scope);
    }

    pub fn subject(&self, subject: Subject) -> Option<Arc<[Version]>> {
        hit(&mut lock(&self.subjects).keys, &subject)
    }

    pub fn keep_subject(&self, subject: Subject, versions: Arc<[Version]>) {
        let mut subjects = lock(&self.subjects);
        if subjects.barred.get(&subject).is_none_or(|since| since.elapsed() > BARRED) {
            remember(&mut subjects.keys, subject, versions);
        }
    }

    /// Drops the key and does not take it back for a while.
    pub fn bar(&self, subject: Subject) {
        let mut subjects = lock(&self.subjects);
        subjects.keys.remove(&subject);
        subjects.barred.retain(|_, since| since.elapsed() < BARRED);
        subjects.barred.insert(subject, Instant::now());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hit<K: Eq + Hash, V: Clone>(cache: &mut Timed<K, V>, key: &K) -> Option<V> {
    let hit = cache.get(key)?;
    if hit.read_at.elapsed() < CACHED {
        return Some(hit.value.clone());
    }
    cache.remove(key);
    None
}

fn remember<K: Eq + Hash, V>(cache: &mut Timed<K, V>, key: K, value: V) {
    if cache.len() >= MAX_CACHED {
        cache.retain(|_, entry| entry.read_at.elapsed() < CACHED);
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
    }
    cache.insert(key, Cached { value, read_at: Instant::now() });
}
