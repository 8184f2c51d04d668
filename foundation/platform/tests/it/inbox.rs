//! One effect per event, whatever is delivered again, killed or panics; and who may do what with a consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::ids::Uuid;
use kernel::random::Random;
use kernel::time::SignedDuration;
use platform::bus::{self, Consumer, Progress, Runner};
use platform::db::{Locked, PoolOptions, Scope, Tx};
use platform::lifecycle::pause;
use testkit::Proof;
use testkit::schedule::seed;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::demo::{Changed, World, change, consumer};

async fn write_effect(tx: &mut Tx, delivery: &bus::Delivery) -> platform::Result<()> {
    sqlx::query("INSERT INTO demo.effects (org_id, event_id, account, version) VALUES ($1, $2, $3, $4)")
        .bind(delivery.org.uuid())
        .bind(delivery.event_id.uuid())
        .bind(delivery.key)
        .bind(delivery.version)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends the connection of the running transaction, as a crash of the process would.
async fn kill_own_backend(tx: &mut Tx) {
    sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(tx.conn()).await.ok();
}

/// Writes an effect; every `fatal`-th time the connection dies between the effect and the commit.
fn mortal(handled: Arc<AtomicU64>, fatal: u64) -> Consumer {
    Consumer::new("demo.effects").partitioned(4).on::<Changed, _>(move |tx, delivery, _event| {
        let nth = handled.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move {
            write_effect(tx, delivery).await?;
            if nth.is_multiple_of(fatal) {
                kill_own_backend(tx).await;
            }
            Ok(())
        })
    })
}

/// Four processes with all partitions each.
struct Instances {
    tasks: JoinSet<()>,
    handles: Vec<Vec<tokio::task::AbortHandle>>,
    handled: Arc<AtomicU64>,
}

impl Instances {
    fn start(world: &World) -> Self {
        let mut all = Self { tasks: JoinSet::new(), handles: Vec::new(), handled: Arc::default() };
        for _ in 0..4 {
            let handles = all.instance(world);
            all.handles.push(handles);
        }
        all
    }

    fn instance(&mut self, world: &World) -> Vec<tokio::task::AbortHandle> {
        let db = world.test.db_with("demo", PoolOptions { max_connections: 4, ..PoolOptions::default() });
        let runner = Runner::new(db, mortal(Arc::clone(&self.handled), 331));
        (0..4).map(|part| self.tasks.spawn(runner.clone().run(part, CancellationToken::new()))).collect()
    }

    /// Drops one process with everything it is doing and starts another.
    fn replace(&mut self, world: &World, index: usize) {
        let fresh = self.instance(world);
        for task in std::mem::replace(&mut self.handles[index], fresh) {
            task.abort();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_inbox() {
    let proof = Proof::new("inbox");
    let (events, rewinds) = proof.size((2_000_i64, 40), (20_000, 400));
    let random = Random::seeded(seed(4));
    let world = World::new().await;
    let org = world.org();
    let keys: Vec<Uuid> = (0..200).map(|_| world.uuid()).collect();
    let all: Vec<_> =
        (0..events).map(|n| (org, keys[usize::try_from(n % 200).unwrap()], 1 + n / 200)).collect();
    world.publish_many(&all).await;
    world.advance().await;
    Runner::new(world.db.clone(), mortal(Arc::default(), 331)).declare().await.unwrap();
    let mut instances = Instances::start(&world);
    let mut admin = world.test.admin().await;
    let (mut again, mut kills) = (0_i64, 0);
    for round in 0..rewinds {
        pause(Duration::from_millis(25)).await;
        // A cursor goes back by a random way: what lies between is delivered again, to another instance, out of order.
        let back = i64::try_from(random.below(u64::try_from(events / 4).unwrap())).unwrap();
        let part = i32::try_from(random.below(4)).unwrap();
        let moved: i64 = sqlx::query_scalar(
            "WITH old AS (SELECT last_offset FROM bus.cursors WHERE part = $2 FOR UPDATE)
             UPDATE bus.cursors c SET last_offset = greatest(0, c.last_offset - $1) FROM old WHERE part = $2
             RETURNING old.last_offset - c.last_offset",
        )
        .bind(back)
        .bind(part)
        .fetch_one(&mut admin)
        .await
        .unwrap();
        again += moved / 4;
        if round % 4 == 1 {
            instances.replace(&world, usize::try_from(random.below(4)).unwrap());
            kills += 1;
        } else if round % 4 == 3 {
            world.terminate("dropmate_demo").await;
            kills += 1;
        }
    }
    let begun = Instant::now();
    while world
        .count("SELECT count(*) FROM bus.cursors c, bus.head h WHERE c.last_offset < h.next_offset - 1")
        .await
        > 0
    {
        assert!(begun.elapsed() < Duration::from_mins(1), "the consumers did not catch up");
        pause(Duration::from_millis(20)).await;
    }
    kills += instances.handled.load(Ordering::Relaxed) / 331;
    instances.tasks.shutdown().await;
    assert_eq!(world.count("SELECT count(*) FROM demo.effects").await, events, "one effect per event");
    assert_eq!(world.count("SELECT count(DISTINCT event_id) FROM demo.effects").await, events);
    let disorder = "SELECT count(*) FROM (SELECT version - lag(version, 1, 0::bigint) OVER (PARTITION BY account ORDER BY id) AS step
                      FROM demo.effects) s WHERE step <> 1";
    assert_eq!(world.count(disorder).await, 0, "the effects of a key are in the order of its versions");
    world.test.assert_nothing_left().await;
    proof.report(&format!(
        "{events} events, about {again} of them delivered again ({rewinds} rewinds), 4 instances x 4 partitions, {kills} kills: {events} effects, each key in order"
    ));
}

/// The mutant commits its effect apart from the inbox row; the connection of the inbox dies in between.
#[tokio::test]
async fn mutant_that_writes_its_effect_in_another_transaction_does_it_twice() {
    for (apart, effects) in [(true, 2), (false, 1)] {
        let world = World::new().await;
        let (db, first) = (world.db.clone(), Arc::new(AtomicU64::new(0)));
        let runner = Runner::new(
            world.db.clone(),
            Consumer::new("demo.effects").on::<Changed, _>(move |tx, delivery, _event| {
                let (db, first) = (db.clone(), Arc::clone(&first));
                Box::pin(async move {
                    if apart {
                        let mut own = db.begin(&Scope::system(delivery.org)).await?;
                        write_effect(&mut own, delivery).await?;
                        own.commit().await?;
                    } else {
                        write_effect(tx, delivery).await?;
                    }
                    if first.fetch_add(1, Ordering::Relaxed) == 0 {
                        kill_own_backend(tx).await;
                    }
                    Ok(())
                })
            }),
        );
        runner.declare().await.unwrap();
        let org = world.org();
        let account = world.account(org).await;
        world.change(org, account, 1).await;
        world.advance().await;
        runner.run_batch(0).await.unwrap_err();
        assert_eq!(runner.run_batch(0).await.unwrap().handled, 1);
        assert_eq!(world.effects().await.len(), effects, "apart: {apart}");
    }
}

/// Publishes a change of the same account again, then fails when the number says so.
fn echo() -> Consumer {
    Consumer::new("demo.echo").max_attempts(2).on::<Changed, _>(|tx, delivery, event| {
        Box::pin(async move {
            if event.by >= 100 {
                return Ok(());
            }
            write_effect(tx, delivery).await?;
            change(tx, delivery.key, 100 + event.by).await?;
            match event.by {
                13 => Err(platform::Error::internal("thirteen")),
                14 => panic!("fourteen"),
                15 => {
                    // A failed statement aborts the transaction up to its savepoint, and no further.
                    sqlx::query("SELECT 1 / 0").execute(tx.conn()).await?;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    })
}

#[tokio::test]
async fn what_a_failing_event_wrote_and_published_vanishes_and_its_neighbours_stay() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), echo());
    runner.declare().await.unwrap();
    let org = world.org();
    let mut accounts = Vec::new();
    for by in [1, 13, 14, 15, 2] {
        let account = world.account(org).await;
        world.change(org, account, by).await;
        accounts.push(account);
    }
    world.advance().await;
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress { handled: 2, deferred: 3, moved: true });
    assert_eq!(world.effects().await, [(accounts[0], 2), (accounts[4], 2)]);
    assert_eq!(world.advance().await, 2, "only the two that succeeded published");
    assert_eq!(
        world.count("SELECT sum(balance)::bigint FROM demo.accounts").await,
        1 + 13 + 14 + 15 + 2 + 101 + 102
    );
    world.test.clock.advance(SignedDuration::from_mins(10));
    while runner.run_deferred().await.unwrap() {}
    let dead = bus::dead_letters(&world.system).await.unwrap();
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().any(|letter| letter.last_error.as_deref().unwrap().contains("panicked")));
    assert_eq!(world.count("SELECT count(*) FROM bus.inbox").await, 2);
    for letter in dead {
        assert!(world.operator().skip("demo.echo", letter.event_id).await.unwrap());
        assert!(!world.operator().skip("demo.echo", letter.event_id).await.unwrap(), "once");
    }
    runner.run_batch(0).await.unwrap();
    world.test.assert_nothing_left().await;
}

/// Fails on negative changes until it is told to be lenient.
fn moody(name: &'static str, lenient: &Arc<AtomicU64>) -> Consumer {
    let lenient = Arc::clone(lenient);
    Consumer::new(name).max_attempts(2).on::<Changed, _>(move |tx, delivery, event| {
        let fails = event.by < 0 && lenient.load(Ordering::Relaxed) == 0;
        Box::pin(async move {
            write_effect(tx, delivery).await?;
            if fails { Err(platform::Error::internal("negative")) } else { Ok(()) }
        })
    })
}

#[tokio::test]
async fn a_dead_letter_that_is_replayed_comes_before_what_waited_behind_it() {
    let world = World::new().await;
    let lenient = Arc::new(AtomicU64::new(0));
    let runner = Runner::new(world.db.clone(), moody("demo.moody", &lenient));
    runner.declare().await.unwrap();
    let org = world.org();
    let account = world.account(org).await;
    for by in [1, -1, 1, 1] {
        world.change(org, account, by).await;
    }
    world.advance().await;
    runner.run_batch(0).await.unwrap();
    world.test.clock.advance(SignedDuration::from_mins(10));
    while runner.run_deferred().await.unwrap() {}
    let dead = bus::dead_letters(&world.system).await.unwrap().remove(0);
    // A replay without a repair leads back to the same place.
    assert!(world.operator().replay("demo.moody", dead.event_id).await.unwrap());
    assert!(!world.operator().replay("demo.moody", dead.event_id).await.unwrap(), "it is not dead any more");
    while runner.run_deferred().await.unwrap() {
        world.test.clock.advance(SignedDuration::from_mins(10));
    }
    let dead = bus::dead_letters(&world.system).await.unwrap().remove(0);
    assert_eq!((dead.attempts, dead.waiting), (2, 2));
    let trail = "SELECT count(*) FROM platform.audit_entries WHERE action = 'bus.replay'";
    assert_eq!(world.count(trail).await, 1, "a decision about nothing leaves no trace");
    lenient.store(1, Ordering::Relaxed);
    assert!(world.operator().replay("demo.moody", dead.event_id).await.unwrap());
    while runner.run_deferred().await.unwrap() {}
    assert_eq!(world.effects().await, [2, 3, 4, 5].map(|version| (account, version)));
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_dead_letter_that_is_delivered_again_stays_dead() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer().max_attempts(1));
    runner.declare().await.unwrap();
    let org = world.org();
    let account = world.account(org).await;
    world.change(org, account, -1).await;
    world.advance().await;
    runner.run_batch(0).await.unwrap();
    let before = bus::dead_letters(&world.system).await.unwrap();
    world.sql("UPDATE bus.cursors SET last_offset = 0").await;
    runner.run_batch(0).await.unwrap();
    assert!(!runner.run_deferred().await.unwrap());
    assert_eq!(bus::dead_letters(&world.system).await.unwrap(), before);
    assert_eq!(before.len(), 1);
    // After a skip, too, another delivery does nothing.
    world.operator().skip("demo.effects", before[0].event_id).await.unwrap();
    world.sql("UPDATE bus.cursors SET last_offset = 0").await;
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress { handled: 0, deferred: 0, moved: true });
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_parked_key_is_parked_for_its_consumer_only() {
    let world = World::new().await;
    let (strict, lenient) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(1)));
    let one = Runner::new(world.db.clone(), moody("demo.strict", &strict));
    let other = Runner::new(world.db.clone(), moody("demo.lenient", &lenient));
    let org = world.org();
    let account = world.account(org).await;
    for runner in [&one, &other] {
        runner.declare().await.unwrap();
    }
    world.change(org, account, -1).await;
    world.change(org, account, 1).await;
    world.advance().await;
    assert_eq!(one.run_batch(0).await.unwrap(), Progress { handled: 0, deferred: 2, moved: true });
    assert_eq!(other.run_batch(0).await.unwrap(), Progress { handled: 2, deferred: 0, moved: true });
    assert!(!other.run_deferred().await.unwrap());
}

#[tokio::test]
async fn two_instances_never_run_the_same_batch() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.unwrap();
    let org = world.org();
    let account = world.account(org).await;
    world.change(org, account, 1).await;
    world.advance().await;
    // The other instance is inside its batch: it holds the cursor.
    let mut other = world.db.begin(&Scope::installation()).await.unwrap();
    let rows =
        sqlx::query("SELECT * FROM bus.fetch('demo.effects', 0, 10)").fetch_all(other.conn()).await.unwrap();
    assert_eq!(rows.len(), 2, "the event and where the cursor may go");
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress::default());
    other.rollback().await.unwrap();
    assert_eq!(runner.run_batch(0).await.unwrap().handled, 1);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn another_number_of_partitions_repeats_no_effect() {
    let world = World::new().await;
    let org = world.org();
    let mut accounts = Vec::new();
    for _ in 0..8 {
        accounts.push(world.account(org).await);
    }
    for parts in [1, 4, 3] {
        let runner = Runner::new(world.db.clone(), consumer().partitioned(parts));
        runner.declare().await.unwrap();
        for account in &accounts {
            world.change(org, *account, 1).await;
        }
        world.advance().await;
        for part in 0..parts {
            while runner.run_batch(part).await.unwrap().moved {}
        }
    }
    assert_eq!(world.effects().await.len(), 24);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn an_event_is_published_only_by_the_service_that_owns_its_subject() {
    let world = World::new().await;
    world.sql("UPDATE bus.subjects SET source = 'somebody'").await;
    let org = world.org();
    let account = world.account(org).await;
    let mut tx = world.db.begin(&Scope::system(org)).await.unwrap();
    tx.publish(Locked::new(account, 2), &Changed { by: 1 }).unwrap();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("42501"), "{}", error.chain());
}

#[tokio::test]
async fn a_consumer_belongs_to_the_service_that_declared_it() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.unwrap();
    let org = world.org();
    let account = world.account(org).await;
    world.change(org, account, -1).await;
    world.advance().await;
    world.sql("UPDATE bus.cursors SET service = 'somebody'").await;
    assert_eq!(runner.declare().await.unwrap_err().sqlstate().as_deref(), Some("42501"));
    assert_eq!(runner.run_batch(0).await.unwrap(), Progress::default(), "nothing of another service is read");
    let mut demo = world.test.connect("dropmate_demo").await;
    for forbidden in [
        "SELECT bus.move_cursor('demo.effects', 0, 5)",
        "SELECT bus.claim_inbox('demo.effects', ARRAY[gen_random_uuid()])",
        "SELECT bus.finish_deferred('demo.effects', gen_random_uuid())",
        "SELECT bus.advance(1)",
        "SELECT bus.open_log()",
        "SELECT bus.replay('demo.effects', gen_random_uuid())",
        "SELECT bus.skip('demo.effects', gen_random_uuid())",
        "SELECT bus.drop_partitions('2030-01-01')",
        "SELECT * FROM bus.log",
        "SELECT * FROM bus.outbox",
        "INSERT INTO bus.outbox DEFAULT VALUES",
        "SELECT * FROM bus.dead_letters",
        "UPDATE bus.cursors SET service = 'demo'",
    ] {
        let error = sqlx::query(forbidden).execute(&mut demo).await.unwrap_err();
        assert_eq!(
            error.as_database_error().unwrap().code().as_deref(),
            Some("42501"),
            "{forbidden}: {error}"
        );
    }
}
