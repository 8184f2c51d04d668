//! Live stores.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use kernel::time::{ManualClock, SignedDuration, Timestamp};
use platform::live::{Change, Entry, Live, Subscription, Topic};

const MINUTE: Duration = Duration::from_mins(1);

/// Runs the suite; `make` gives two handles on one empty store that read this clock, as two processes have them.
pub async fn live<F>(make: F)
where
    F: AsyncFn(ManualClock) -> [Arc<dyn Live>; 2],
{
    the_newest_wins_in_whatever_order(&make).await;
    a_removal_has_a_time_too(&make).await;
    values_end_by_the_clock_and_belong_to_their_topic(&make).await;
    subscribers_hear_newer_and_newer(&make).await;
}

fn clock() -> ManualClock {
    ManualClock::at(crate::database::START.parse::<Timestamp>().expect("a moment"))
}

fn topic(name: &'static str, org: u128) -> Topic {
    Topic { name, org: OrgId::new(Uuid::from_u128(org)) }
}

fn entry(key: &str, second: i64) -> Entry {
    let start: Timestamp = crate::database::START.parse().expect("a moment");
    let at = start + SignedDuration::from_secs(second);
    Entry { key: key.to_owned(), at, value: Some(Bytes::from(format!("{key} at {second}\0\u{1f69a}"))) }
}

fn removal(key: &str, second: i64) -> Entry {
    Entry { value: None, ..entry(key, second) }
}

async fn the_newest_wins_in_whatever_order(make: &impl AsyncFn(ManualClock) -> [Arc<dyn Live>; 2]) {
    let (stores, random, topic) = (make(clock()).await, Random::seeded(3), topic("drivers", 1));
    for round in 0..30 {
        let key = format!("driver {round}");
        let mut best: Option<i64> = None;
        for _ in 0..8 {
            let second = i64::try_from(random.below(20)).expect("small");
            let store = &stores[usize::try_from(random.below(2)).expect("small")];
            let taken = store.put(topic, entry(&key, second), MINUTE).await;
            assert_eq!(taken, best.is_none_or(|best| best < second), "{second} after {best:?}");
            best = best.max(Some(second));
        }
        for store in &stores {
            assert_eq!(store.get(topic, &key).await, best.map(|second| entry(&key, second)));
        }
    }
    assert_eq!(stores[0].list(topic).await.len(), 30);
    assert_eq!(stores[0].list(topic).await, stores[1].list(topic).await);
}

async fn a_removal_has_a_time_too(make: &impl AsyncFn(ManualClock) -> [Arc<dyn Live>; 2]) {
    let ([one, other], topic) = (make(clock()).await, topic("drivers", 1));
    one.put(topic, entry("a", 5), MINUTE).await;
    one.put(topic, entry("b", 5), MINUTE).await;
    assert!(!other.put(topic, removal("a", 4), MINUTE).await, "older than the value");
    assert!(other.put(topic, removal("a", 6), MINUTE).await);
    for store in [&one, &other] {
        assert_eq!(store.get(topic, "a").await, None);
        assert_eq!(store.list(topic).await, [entry("b", 5)]);
        assert!(!store.put(topic, entry("a", 5), MINUTE).await, "it comes too late");
    }
    assert!(one.put(topic, entry("a", 7), MINUTE).await);
    assert_eq!(other.get(topic, "a").await, Some(entry("a", 7)));
}

async fn values_end_by_the_clock_and_belong_to_their_topic(
    make: &impl AsyncFn(ManualClock) -> [Arc<dyn Live>; 2],
) {
    let clock = clock();
    let [one, other] = make(clock.clone()).await;
    let (mine, foreign, kind) = (topic("drivers", 1), topic("drivers", 2), topic("presence", 1));
    one.put(mine, entry("a", 1), MINUTE).await;
    one.put(mine, entry("b", 1), MINUTE * 3).await;
    one.put(foreign, entry("a", 9), MINUTE * 3).await;
    assert_eq!(other.list(mine).await, [entry("a", 1), entry("b", 1)]);
    assert_eq!(other.list(kind).await, []);
    assert_eq!(other.get(foreign, "a").await, Some(entry("a", 9)));
    clock.advance(SignedDuration::from_secs(60));
    for store in [&one, &other] {
        assert_eq!(store.get(mine, "a").await, None);
        assert_eq!(store.list(mine).await, [entry("b", 1)]);
    }
    assert!(other.put(mine, entry("a", 0), MINUTE).await, "nothing is left of the one that has ended");
}

async fn subscribers_hear_newer_and_newer(make: &impl AsyncFn(ManualClock) -> [Arc<dyn Live>; 2]) {
    let ([one, other], mine, foreign) = (make(clock()).await, topic("drivers", 1), topic("drivers", 2));
    let mut subscriptions = [one.subscribe(mine), other.subscribe(mine)];
    for second in [1, 3, 2, 5, 4] {
        one.put(foreign, entry("a", 100 + second), MINUTE).await;
        one.put(mine, entry("a", second), MINUTE).await;
        other.put(mine, entry("b", second), MINUTE).await;
    }
    one.put(mine, removal("a", 6), MINUTE).await;
    for subscription in &mut subscriptions {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        while a.last() != Some(&removal("a", 6)) || b.last() != Some(&entry("b", 5)) {
            let heard = next(subscription).await;
            if heard.key == "a" { a.push(heard) } else { b.push(heard) }
        }
        assert_eq!(a, [entry("a", 1), entry("a", 3), entry("a", 5), removal("a", 6)]);
        assert_eq!(b, [entry("b", 1), entry("b", 3), entry("b", 5)]);
    }
}

async fn next(subscription: &mut Subscription) -> Entry {
    let heard = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await;
    match heard.expect("something is heard in time") {
        Some(Change::Entry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}
