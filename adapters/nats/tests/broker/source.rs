//! A consumer behind a broker that forgets, repeats and shuffles.

use std::sync::Arc;
use std::time::Duration;

use kernel::ids::Uuid;
use platform::bus::Runner;
use testkit::NatsServer;
use testkit::demo::{World, consumer};

use crate::support::{admin, broker, fresh_stream, patient, relay, run, runner};

async fn publish(world: &World, key: u128, versions: std::ops::RangeInclusive<i64>) {
    let (org, key) = (world.org(), Uuid::from_u128(key));
    let events: Vec<_> = versions.map(|version| (org, key, version)).collect();
    world.publish_many(&events).await;
    world.advance().await;
}

async fn versions(world: &World) -> Vec<i64> {
    world.effects().await.into_iter().map(|(_, version)| version).collect()
}

#[tokio::test]
async fn what_a_dead_instance_had_received_comes_from_the_log_and_in_order() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    Runner::new(world.db.clone(), consumer()).declare().await.unwrap();
    publish(&world, 1, 1..=150).await;
    relay(&broker, &world).drain().await.unwrap();
    // It received 100 events and died before its transaction committed.
    let dead = patient(&broker);
    let mut tx = world.db.begin(&platform::db::Scope::installation()).await.unwrap();
    let request = platform::bus::Request { consumer: "demo.effects", part: 0, limit: 100 };
    let batch = platform::bus::Source::receive(dead.as_ref(), &mut tx, request).await.unwrap().unwrap();
    assert_eq!(batch.deliveries.len(), 100);
    tx.rollback().await.unwrap();
    drop(dead);
    // The next one is given 101 to 150 by the broker.
    let source = patient(&broker);
    assert_eq!(run(&runner(&world, &source)).await, 150);
    assert_eq!(versions(&world).await, (1..=150).collect::<Vec<_>>());
    let seen = source.seen();
    assert!(seen.log >= 1 && seen.broker >= 1, "the hole from the log, the rest from the broker: {seen:?}");
}

#[tokio::test]
async fn a_silent_broker_is_not_waited_for_forever() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    Runner::new(world.db.clone(), consumer()).declare().await.unwrap();
    publish(&world, 1, 1..=10).await;
    relay(&broker, &world).drain().await.unwrap();
    admin(&server).await.get_stream(&stream).await.unwrap().purge().await.unwrap();
    let source = Arc::new(broker.source().patient(Duration::from_millis(50)));
    let runner = runner(&world, &source);
    assert_eq!(run(&runner).await, 0, "not yet");
    platform::lifecycle::pause(Duration::from_millis(60)).await;
    assert_eq!(run(&runner).await, 10);
    assert_eq!(source.seen().log, 1);
}

#[tokio::test]
async fn consumers_go_on_from_the_log_while_the_broker_is_away() {
    let (mut server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    Runner::new(world.db.clone(), consumer()).declare().await.unwrap();
    let (mut relay, source) = (relay(&broker, &world), patient(&broker));
    let runner = runner(&world, &source);
    publish(&world, 1, 1..=10).await;
    relay.drain().await.unwrap();
    assert_eq!(run(&runner).await, 10);
    server.kill();
    publish(&world, 1, 11..=20).await;
    relay.drain().await.unwrap_err();
    assert_eq!(run(&runner).await, 10, "they do not wait");
    server.restart().unwrap();
    let begun = std::time::Instant::now();
    while relay.drain().await.is_err() {
        assert!(begun.elapsed().as_secs() < 20);
        platform::lifecycle::pause(Duration::from_millis(50)).await;
    }
    publish(&world, 1, 21..=30).await;
    relay.drain().await.unwrap();
    let before = source.seen();
    assert_eq!(run(&runner).await, 10);
    assert!(source.seen().broker > before.broker, "the broker carries again");
    assert_eq!(versions(&world).await, (1..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_that_is_too_large_for_the_broker_keeps_its_place() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    Runner::new(world.db.clone(), consumer()).declare().await.unwrap();
    publish(&world, 1, 1..=3).await;
    world.sql("UPDATE bus.log SET payload = jsonb_build_object('by', 1, 'text', repeat('x', 2000000)) WHERE \"offset\" = 2").await;
    relay(&broker, &world).drain().await.unwrap();
    let source = patient(&broker);
    assert_eq!(run(&runner(&world, &source)).await, 3);
    assert_eq!(versions(&world).await, [1, 2, 3]);
}

#[tokio::test]
async fn partitions_get_their_own_keys_whatever_their_number() {
    for parts in [1, 3, 5] {
        let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
        let broker = broker(&server, &stream, &world).await;
        let source = patient(&broker);
        let runner = Runner::over(source.clone(), world.db.clone(), consumer().partitioned(parts));
        runner.declare().await.unwrap();
        for key in 0..20 {
            publish(&world, key, 1..=5).await;
        }
        relay(&broker, &world).drain().await.unwrap();
        let mut handled = 0;
        for part in 0..parts {
            loop {
                let progress = runner.run_batch(part).await.unwrap();
                handled += progress.handled;
                if progress.handled == 0 {
                    break;
                }
            }
        }
        assert_eq!((handled, source.seen().log), (100, 0), "{parts} partitions");
        let disorder = "SELECT count(*) FROM (SELECT version - lag(version, 1, 0::bigint) OVER
                          (PARTITION BY account ORDER BY id) AS step FROM demo.effects) s WHERE step <> 1";
        assert_eq!(world.count(disorder).await, 0);
    }
}
