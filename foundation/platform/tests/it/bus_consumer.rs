//! Consumers: one effect per event, order per key, dead letters that park their key and nothing else.

use kernel::time::SignedDuration;
use platform::bus::{self, Progress, Runner};

use crate::demo::{World, consumer};

#[tokio::test]
async fn an_event_reaches_its_consumer_once_and_in_order() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.unwrap();
    let org = world.org();
    let account = world.account(org).await;
    for _ in 0..3 {
        world.change(org, account, 1).await;
    }
    assert_eq!(world.advance().await, 3);
    let progress = runner.run_batch(0).await.unwrap();
    assert_eq!(progress, Progress { handled: 3, deferred: 0, moved: true });
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress::default());
    assert_eq!(world.effects().await, vec![(account, 2), (account, 3), (account, 4)]);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_failing_event_parks_its_key_and_no_other() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer().max_attempts(3));
    runner.declare().await.unwrap();
    let org = world.org();
    let (bad, good) = (world.account(org).await, world.account(org).await);
    world.change(org, bad, 1).await;
    world.change(org, bad, -1).await;
    world.change(org, bad, 1).await;
    world.change(org, good, 1).await;
    world.advance().await;
    let progress = runner.run_batch(0).await.unwrap();
    assert_eq!(progress, Progress { handled: 2, deferred: 2, moved: true });
    assert_eq!(world.effects().await, vec![(bad, 2), (good, 2)], "the failed effect was rolled back");
    // Not due yet: the retry waits, and the event behind it waits for it.
    assert!(!runner.run_deferred().await.unwrap());
    for _ in 0..2 {
        world.test.clock.advance(SignedDuration::from_mins(10));
        assert!(runner.run_deferred().await.unwrap());
    }
    let dead = bus::dead_letters(&world.system).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].attempts, dead[0].waiting), (3, 1));
    world.test.clock.advance(SignedDuration::from_hours(10));
    assert!(
        !runner.run_deferred().await.unwrap(),
        "a dead letter is not tried by itself, nor is what waits behind it"
    );
    // A later event of the key still waits behind the dead letter.
    world.change(org, bad, 1).await;
    world.advance().await;
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress { handled: 0, deferred: 1, moved: true });
    assert!(world.operator().skip("demo.effects", dead[0].event_id).await.unwrap());
    let trail: Vec<(String, kernel::ids::Uuid, String)> = sqlx::query_as(
        "SELECT actor, org_id, object_id FROM platform.audit_entries WHERE action = 'bus.skip' AND service = 'system'
            AND object_type = 'event' AND detail ->> 'consumer' = 'demo.effects'",
    )
    .fetch_all(world.system.pool())
    .await
    .unwrap();
    assert_eq!(trail, [("operator:cli".to_owned(), org.uuid(), dead[0].event_id.to_string())]);
    while runner.run_deferred().await.unwrap() {}
    assert_eq!(world.effects().await, vec![(bad, 2), (good, 2), (bad, 4), (bad, 5)]);
    world.test.assert_nothing_left().await;
}
