//! What organisations learned, as it was last read: it changes once a night and is needed all day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::ids::OrgId;
use kernel::time::Timestamp;

/// One thing for each organisation, with when it was learned.
#[derive(Debug)]
pub struct Held<T> {
    known: Mutex<HashMap<OrgId, (Timestamp, Arc<T>)>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { known: Mutex::default() }
    }
}

impl<T> Held<T> {
    /// What was learned then, if it is held.
    pub fn get(&self, org: OrgId, learned_at: Timestamp) -> Option<Arc<T>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&org).filter(|(at, _)| *at == learned_at).map(|(_, held)| Arc::clone(held))
    }

    /// Holds what was learned then, in place of what was before.
    pub fn put(&self, org: OrgId, learned_at: Timestamp, learned: T) -> Arc<T> {
        let held = Arc::new(learned);
        let entry = (learned_at, Arc::clone(&held));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(org, entry);
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::Uuid;

    #[test]
    fn what_was_learned_since_is_read_anew() {
        let (one, other) = (OrgId::new(Uuid::from_u128(1)), OrgId::new(Uuid::from_u128(2)));
        let (monday, tuesday) = (Timestamp::from_second(0).unwrap(), Timestamp::from_second(86_400).unwrap());
        let held = Held::default();
        held.put(one, monday, "slow");
        assert_eq!(held.get(one, monday).as_deref(), Some(&"slow"));
        assert_eq!(held.get(one, tuesday), None);
        assert_eq!(held.get(other, monday), None);
        held.put(one, tuesday, "fast");
        assert_eq!((held.get(one, monday), held.get(one, tuesday).as_deref()), (None, Some(&"fast")));
    }
}
