//! The stream is the log, whatever happens to relays and servers.

use kernel::ids::Uuid;
use platform::bus;
use testkit::NatsServer;
use testkit::demo::World;

use crate::support::{admin, broker, fresh_stream, offsets, options, relay};

async fn publish(world: &World, versions: std::ops::RangeInclusive<i64>) {
    let (org, key) = (world.org(), Uuid::from_u128(7));
    let events: Vec<_> = versions.map(|version| (org, key, version)).collect();
    world.publish_many(&events).await;
    world.advance().await;
}

#[tokio::test]
async fn a_stream_begins_where_somebody_still_waits() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    publish(&world, 1..=30).await;
    world.sql("UPDATE bus.cursors SET last_offset = 20").await;
    assert_eq!(relay(&broker, &world).drain().await.unwrap(), 10);
    assert_eq!(offsets(&server, &stream).await, (21..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_paused_relay_that_comes_back_changes_nothing() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    let (mut paused, mut other) = (relay(&broker, &world), relay(&broker, &world));
    publish(&world, 1..=10).await;
    assert_eq!(paused.drain().await.unwrap(), 10);
    // It sleeps; its turn runs out; another one goes on.
    world.sql("UPDATE bus.broker SET held_until = now() - interval '1 s'").await;
    publish(&world, 11..=20).await;
    assert_eq!(other.drain().await.unwrap(), 10);
    // It still believes that it is its turn, and that the stream is at 10.
    let error = paused.drain().await.unwrap_err();
    assert!(error.to_string().contains("last sequence"), "{error}");
    publish(&world, 21..=30).await;
    world.sql("UPDATE bus.broker SET held_until = now() - interval '1 s'").await;
    let both = futures::join!(paused.drain(), other.drain());
    assert!(both.0.is_ok() || both.1.is_ok(), "{both:?}");
    assert_eq!(offsets(&server, &stream).await, (1..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_store_that_was_deleted_is_filled_again() {
    let (mut server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    let mut relay = relay(&broker, &world);
    publish(&world, 1..=10).await;
    relay.drain().await.unwrap();
    server.wipe().unwrap();
    publish(&world, 11..=12).await;
    let begun = std::time::Instant::now();
    while let Err(error) = relay.drain().await {
        assert!(matches!(error, nats::Error::Away(_)), "{error}");
        assert!(begun.elapsed().as_secs() < 20, "{error}");
        platform::lifecycle::pause(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(offsets(&server, &stream).await, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rebuild_makes_the_stream_anew() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    publish(&world, 1..=10).await;
    relay(&broker, &world).drain().await.unwrap();
    world.sql("UPDATE bus.cursors SET last_offset = 4; UPDATE bus.broker SET holder = NULL").await;
    let rebuilt = relay(&broker, &world).rebuild().await.unwrap();
    assert_eq!(rebuilt, nats::Rebuilt { from: 5, to: 10 });
    assert_eq!(offsets(&server, &stream).await, (5..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_of_before_a_restore_is_made_anew() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    publish(&world, 1..=5).await;
    relay(&broker, &world).drain().await.unwrap();
    bus::new_epoch(&world.system).await.unwrap();
    world.sql("UPDATE bus.broker SET holder = NULL; UPDATE bus.cursors SET last_offset = 2").await;
    assert_eq!(relay(&broker, &world).drain().await.unwrap(), 3);
    assert_eq!(offsets(&server, &stream).await, [3, 4, 5]);
}

#[tokio::test]
async fn what_others_wrote_into_the_stream_is_thrown_away() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    bus::Runner::new(world.db.clone(), testkit::demo::consumer()).declare().await.unwrap();
    publish(&world, 1..=5).await;
    let mut relay = relay(&broker, &world);
    relay.drain().await.unwrap();
    let foreign = format!("{stream}.log.0.account.changed.v1");
    admin(&server).await.publish(foreign, "{}".into()).await.unwrap().await.unwrap();
    publish(&world, 6..=7).await;
    relay.drain().await.unwrap_err();
    relay.drain().await.unwrap();
    assert_eq!(offsets(&server, &stream).await, (1..=7).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_stream_of_another_installation_is_refused() {
    let (server, stream) = (NatsServer::start().unwrap(), fresh_stream());
    let (one, other) = (World::new().await, World::new().await);
    other.sql("UPDATE bus.broker SET log_id = gen_random_uuid()").await;
    relay(&broker(&server, &stream, &one).await, &one).drain().await.unwrap();
    let error = relay(&broker(&server, &stream, &other).await, &other).drain().await.unwrap_err();
    assert!(matches!(&error, nats::Error::Refused(why) if why.contains("another installation")), "{error}");
}

#[tokio::test]
async fn a_stream_that_forgets_is_refused() {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let broker = broker(&server, &stream, &world).await;
    relay(&broker, &world).drain().await.unwrap();
    let context = admin(&server).await;
    let mut config = context.get_stream(&stream).await.unwrap().cached_info().config.clone();
    config.discard = async_nats::jetstream::stream::DiscardPolicy::Old;
    context.update_stream(&config).await.unwrap();
    world.sql("UPDATE bus.broker SET holder = NULL").await;
    let error = relay(&broker, &world).drain().await.unwrap_err().to_string();
    assert!(error.contains("discard") && error.contains("bus rebuild"), "{error}");
    let asked = options(&server, &stream);
    assert_eq!(asked.replicas, 1);
}
