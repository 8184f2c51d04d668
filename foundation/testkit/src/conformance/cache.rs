//! Caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::{OrgId, Uuid};
use kernel::time::{ManualClock, SignedDuration, Timestamp};
use platform::Error;
use platform::cache::{Cache, Key, Loading};

const MINUTE: Duration = Duration::from_mins(1);

/// Runs the suite; `make` gives an empty cache that reads this clock.
pub async fn cache<F>(make: F)
where
    F: AsyncFn(ManualClock) -> Arc<dyn Cache>,
{
    what_was_put_is_found_under_its_own_name(&make).await;
    a_value_ends_by_the_clock(&make).await;
    one_caller_makes_what_many_ask_for(&make).await;
}

fn clock() -> ManualClock {
    ManualClock::at(crate::database::START.parse::<Timestamp>().expect("a moment"))
}

fn org(n: u128) -> OrgId {
    OrgId::new(Uuid::from_u128(n))
}

async fn what_was_put_is_found_under_its_own_name(make: &impl AsyncFn(ManualClock) -> Arc<dyn Cache>) {
    let cache = make(clock()).await;
    let keys = [
        Key::of("one", org(1), "a"),
        Key::of("one", org(2), "a"),
        Key::of("two", org(1), "a"),
        Key::of("one", org(1), "b"),
        Key::global("one", "a"),
        Key::global("one", format!("{}:a", org(1).uuid())),
    ];
    let values: Vec<Bytes> =
        (0_u8..).zip(&keys).map(|(n, _)| Bytes::from(vec![n, 0, 255, b'\n', n])).collect();
    for (key, value) in keys.iter().zip(&values) {
        assert_eq!(cache.get(key).await, None);
        cache.put(key, value.clone(), MINUTE).await;
    }
    for (key, value) in keys.iter().zip(&values) {
        assert_eq!(cache.get(key).await.as_ref(), Some(value), "{key}");
    }
    cache.put(&keys[0], Bytes::new(), MINUTE).await;
    assert_eq!(cache.get(&keys[0]).await, Some(Bytes::new()), "an empty value is a value");
    cache.put(&keys[0], Bytes::from(vec![7; 300_000]), MINUTE).await;
    assert_eq!(cache.get(&keys[0]).await.map(|value| value.len()), Some(300_000));
    cache.delete(&keys[0]).await;
    cache.delete(&keys[0]).await;
    assert_eq!(cache.get(&keys[0]).await, None);
    assert_eq!(cache.get(&keys[1]).await.as_ref(), Some(&values[1]), "its neighbour stays");
}

async fn a_value_ends_by_the_clock(make: &impl AsyncFn(ManualClock) -> Arc<dyn Cache>) {
    let clock = clock();
    let cache = make(clock.clone()).await;
    let key = Key::global("one", "a");
    cache.put(&key, Bytes::from("first"), MINUTE).await;
    clock.advance(SignedDuration::from_secs(59));
    assert_eq!(cache.get(&key).await, Some(Bytes::from("first")));
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(cache.get(&key).await, None, "to the second");
    cache.put(&key, Bytes::from("second"), MINUTE).await;
    cache.put(&key, Bytes::from("third"), MINUTE * 3).await;
    clock.advance(SignedDuration::from_mins(2));
    assert_eq!(cache.get(&key).await, Some(Bytes::from("third")), "the last one's time counts");
}

async fn one_caller_makes_what_many_ask_for(make: &impl AsyncFn(ManualClock) -> Arc<dyn Cache>) {
    let loading = Loading::new(make(clock()).await);
    let (key, loads) = (Key::global("one", "a"), AtomicUsize::new(0));
    let failed = loading.get_or_load(&key, MINUTE, async { Err(Error::unavailable("source")) }).await;
    assert!(failed.is_err());
    let all = (0..50).map(|_| {
        loading.get_or_load(&key, MINUTE, async {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Bytes::from("made"))
        })
    });
    for value in futures::future::join_all(all).await {
        assert_eq!(value.expect("a value"), Bytes::from("made"));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1, "a failure is not kept, and one made it for all");
}
