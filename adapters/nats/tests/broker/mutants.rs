//! Consumers that trust the broker instead of the database: each loses or doubles an effect where ours does not.

use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures::StreamExt as _;
use kernel::ids::{EventId, OrgId, Uuid};
use platform::bus::Runner;
use platform::db::Scope;
use testkit::NatsServer;
use testkit::demo::{World, consumer};

use crate::support::{admin, broker, fresh_stream, patient, relay, run, runner};

/// Handles what the broker delivers, without a cursor and without an inbox.
async fn trusting(world: &World, server: &NatsServer, stream: &str, ack_first: bool, dies: bool) {
    let stream = admin(server).await.get_stream(stream).await.unwrap();
    let config = pull::Config {
        durable_name: Some("trusting".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer("trusting", config).await.unwrap();
    let mut messages = consumer.fetch().max_messages(100).messages().await.unwrap();
    while let Some(Ok(message)) = messages.next().await {
        let header = |name: &str| message.headers.as_ref().unwrap().get(name).unwrap().as_str().to_owned();
        if ack_first {
            message.double_ack().await.unwrap();
        }
        let mut tx =
            world.db.begin(&Scope::system(header("org_id").parse::<OrgId>().unwrap())).await.unwrap();
        sqlx::query("INSERT INTO demo.effects (org_id, event_id, account, version) VALUES ($1, $2, $3, $4)")
            .bind(tx.org().unwrap().uuid())
            .bind(header("event_id").parse::<EventId>().unwrap().uuid())
            .bind(header("key").parse::<Uuid>().unwrap())
            .bind(header("version").parse::<i64>().unwrap())
            .execute(tx.conn())
            .await
            .unwrap();
        if dies {
            // Between the two, whatever their order.
            return tx.rollback().await.unwrap();
        }
        tx.commit().await.unwrap();
        message.double_ack().await.unwrap();
    }
}

async fn set_up() -> (NatsServer, String, World) {
    let (server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    Runner::new(world.db.clone(), consumer()).declare().await.unwrap();
    let (org, key) = (world.org(), Uuid::from_u128(1));
    world.publish_many(&(1..=10).map(|version| (org, key, version)).collect::<Vec<_>>()).await;
    world.advance().await;
    (server, stream, world)
}

/// Waits until a relay has filled the stream again.
async fn refill(server: &NatsServer, stream: &str, world: &World) {
    world.sql("UPDATE bus.broker SET holder = NULL").await;
    relay(&broker(server, stream, world).await, world).drain().await.unwrap();
}

#[tokio::test]
async fn mutant_that_trusts_message_ids_doubles_effects_when_the_store_is_deleted() {
    let (mut server, stream, world) = set_up().await;
    refill(&server, &stream, &world).await;
    trusting(&world, &server, &stream, false, false).await;
    assert_eq!(world.effects().await.len(), 10);
    server.wipe().unwrap();
    refill(&server, &stream, &world).await;
    trusting(&world, &server, &stream, false, false).await;
    assert_eq!(world.effects().await.len(), 20, "the ids of before were forgotten with the store");
}

#[tokio::test]
async fn mutant_that_acknowledges_before_it_commits_loses_an_effect() {
    let (server, stream, world) = set_up().await;
    refill(&server, &stream, &world).await;
    trusting(&world, &server, &stream, true, true).await;
    trusting(&world, &server, &stream, true, false).await;
    let versions: Vec<i64> = world.effects().await.into_iter().map(|(_, version)| version).collect();
    assert!(!versions.contains(&1), "{versions:?}");
}

#[tokio::test]
async fn the_product_does_neither() {
    let (mut server, stream, world) = set_up().await;
    refill(&server, &stream, &world).await;
    let source = patient(&broker(&server, &stream, &world).await);
    assert_eq!(run(&runner(&world, &source)).await, 10);
    server.wipe().unwrap();
    world.sql("UPDATE bus.cursors SET last_offset = 0").await;
    refill(&server, &stream, &world).await;
    let source = patient(&broker(&server, &stream, &world).await);
    assert_eq!(run(&runner(&world, &source)).await, 0, "delivered again, done once");
    assert_eq!(world.effects().await.len(), 10);
}
