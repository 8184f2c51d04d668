//! The whole store of the broker is deleted under load: nothing is lost, nothing is done twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::ids::Uuid;
use kernel::random::Random;
use nats::{Broker, JetStream};
use platform::bus::{Runner, Source};
use platform::db::PoolOptions;
use platform::lifecycle::pause;
use testkit::demo::{World, consumer};
use testkit::schedule::seed;
use testkit::{NatsServer, Proof};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{broker, fresh_stream, relay};

const PARTS: i32 = 4;

/// One process: a connection to the broker, a relay, all partitions of the consumer.
struct Process {
    source: Arc<JetStream>,
}

impl Process {
    async fn start(
        world: &World,
        server: &NatsServer,
        stream: &str,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Self {
        let broker: Broker = broker(server, stream, world).await;
        let source = Arc::new(broker.source());
        let db = world.test.db_with("demo", PoolOptions { max_connections: 5, ..PoolOptions::default() });
        let runner = Runner::over(Arc::clone(&source) as Arc<dyn Source>, db, consumer().partitioned(PARTS));
        runner.declare().await.unwrap();
        for part in 0..PARTS {
            tasks.spawn(runner.clone().run(part, stop.clone()));
        }
        tasks.spawn(relay(&broker, world).run(stop.clone()));
        let stop = stop.clone();
        tasks.spawn(async move { broker.watch(stop, |_state| ()).await });
        Self { source }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_broker_loss() {
    let proof = Proof::new("broker loss");
    let (events, deletions) = proof.size((2_000_i64, 2_u64), (50_000, 10));
    let random = Random::seeded(seed(9));
    let (mut server, stream, world) = (NatsServer::start().unwrap(), fresh_stream(), World::new().await);
    let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
    tasks.spawn(world.sequencer.clone().run(stop.clone()));
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(Process::start(&world, &server, &stream, &mut tasks, &stop).await);
    }
    let org = world.org();
    let keys: Vec<Uuid> = (0..100).map(|_| world.uuid()).collect();
    let all: Vec<_> =
        (0..events).map(|n| (org, keys[usize::try_from(n % 100).unwrap()], 1 + n / 100)).collect();
    let begun = Instant::now();
    let chunk = usize::try_from(events).unwrap() / 40;
    let mut deleted = 0;
    for (n, part) in (0_u64..).zip(all.chunks(chunk)) {
        world.publish_many(part).await;
        world.test.wake.ring_outbox();
        if deleted < deletions && n * deletions / 40 >= deleted && n > 2 {
            // Somewhere in the middle of what is under way.
            pause(Duration::from_millis(20 + random.below(80))).await;
            server.wipe().unwrap();
            deleted += 1;
        }
        pause(Duration::from_millis(20)).await;
    }
    caught_up(&world).await;
    let took = begun.elapsed();
    check(&world, events).await;
    // Afterwards the broker carries again.
    let before: u64 = processes.iter().map(|process| process.source.seen().broker).sum();
    let (waiting, mut total, mut carried, mut read) = (Instant::now(), events, 0, 0);
    while carried <= before {
        assert!(waiting.elapsed() < Duration::from_mins(1), "the broker does not carry any more");
        let more = total..total + 100;
        let more: Vec<_> =
            more.map(|n| (org, keys[usize::try_from(n % 100).unwrap()], 1 + n / 100)).collect();
        world.publish_many(&more).await;
        world.test.wake.ring_outbox();
        total += 100;
        caught_up(&world).await;
        let seen: Vec<_> = processes.iter().map(|process| process.source.seen()).collect();
        (carried, read) = seen.iter().fold((0, 0), |sum, one| (sum.0 + one.broker, sum.1 + one.log));
    }
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    check(&world, total).await;
    world.test.assert_nothing_left().await;
    proof.report(&format!(
        "{events} events, {deleted} times the server killed and its whole store deleted under load, 2 relays, 2 instances x {PARTS} \
         partitions: 0 lost, 0 doubled, each key in order; caught up after {:.1} s; {carried} batches through the broker, \
         {read} from the log",
        took.as_secs_f64()
    ));
}

async fn caught_up(world: &World) {
    let begun = Instant::now();
    while world
        .count("SELECT (SELECT count(*) FROM bus.outbox) + (SELECT count(*) FROM bus.cursors c, bus.head h WHERE c.last_offset < h.next_offset - 1)")
        .await
        > 0
    {
        assert!(begun.elapsed() < Duration::from_mins(2), "the consumers did not catch up");
        pause(Duration::from_millis(50)).await;
    }
}

async fn check(world: &World, events: i64) {
    assert_eq!(world.count("SELECT count(*) FROM demo.effects").await, events, "one effect per event");
    assert_eq!(world.count("SELECT count(DISTINCT event_id) FROM demo.effects").await, events);
    let disorder = "SELECT count(*) FROM (SELECT version - lag(version, 1, 0::bigint) OVER (PARTITION BY account ORDER BY id)
                      AS step FROM demo.effects) s WHERE step <> 1";
    assert_eq!(world.count(disorder).await, 0, "the effects of a key are in the order of its versions");
}
