//! The log under load, under kills and at its edges.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contracts::Event;
use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use platform::bus::{self, Consumer, Runner, Sequencer, listen};
use platform::db::{Db, PoolOptions, Scope, SystemDb, Wake};
use platform::lifecycle::pause;
use sqlx::{Connection, Row};
use testkit::Proof;
use testkit::schedule::{Stepped, percentile};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::demo::{Changed, World, change, consumer, publish_sql};

/// What a writer knows to have committed: key, version and the server's time just before the commit.
type Committed = Arc<Mutex<Vec<(Uuid, i64, f64)>>>;

#[derive(Clone)]
struct Writer {
    db: Db,
    org: OrgId,
    accounts: Arc<Vec<Uuid>>,
    random: Random,
    longest_ms: u64,
    committed: Committed,
}

impl Writer {
    async fn run(self, until: Instant) {
        while Instant::now() < until {
            self.one().await;
        }
    }

    async fn one(&self) {
        let mut tx = self.db.begin(&Scope::system(self.org)).await.unwrap();
        let mut picked = vec![self.pick()];
        if self.random.below(4) == 0 {
            picked.push(self.pick());
            picked.sort_unstable();
            picked.dedup();
        }
        // Half of the writers wait before the outbox is written, half between the outbox and the commit.
        let by_hand = self.random.below(2) == 0;
        let mut wrote = Vec::new();
        for account in picked {
            let version = if by_hand {
                self.by_hand(&mut tx, account).await
            } else {
                change(&mut tx, account, 1).await.unwrap()
            };
            wrote.push((account, version));
        }
        pause(Duration::from_millis(self.random.below(self.longest_ms))).await;
        if self.random.below(20) == 0 {
            return tx.rollback().await.unwrap();
        }
        let at: f64 = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8")
            .fetch_one(tx.conn())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.committed.lock().unwrap().extend(wrote.into_iter().map(|(key, version)| (key, version, at)));
    }

    async fn by_hand(&self, tx: &mut platform::db::Tx, account: Uuid) -> i64 {
        let version = sqlx::query_scalar(
            "UPDATE demo.accounts SET version = version + 1 WHERE id = $1 RETURNING version",
        )
        .bind(account)
        .fetch_one(tx.conn())
        .await
        .unwrap();
        let sql = publish_sql(self.random.uuid_v7(tx.now()), self.org, account, version);
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(tx.conn()).await.unwrap();
        version
    }

    fn pick(&self) -> Uuid {
        self.accounts[usize::try_from(self.random.below(self.accounts.len() as u64)).unwrap()]
    }
}

/// Two sequencers; every `every` one of them is killed: its backends are terminated, or its task is dropped.
async fn candidates(world: &World, every: Duration, until: Instant) -> u32 {
    let mut kills = 0;
    let mut tasks = JoinSet::new();
    let start = |tasks: &mut JoinSet<()>| {
        tasks.spawn(Sequencer::new(world.test.system()).run(CancellationToken::new()))
    };
    let mut handles = [start(&mut tasks), start(&mut tasks)];
    while Instant::now() < until {
        pause(every).await;
        kills += 1;
        if kills % 2 == 0 {
            world.terminate("dropmate_system").await;
        } else {
            let victim = usize::try_from(kills / 2 % 2).unwrap();
            handles[victim].abort();
            handles[victim] = start(&mut tasks);
        }
    }
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_outbox() {
    let proof = Proof::new("outbox");
    let (run, kill, hold, longest_ms) = proof.size((3.0, 0.5, 1.5, 60), (30.0, 3.0, 10.0, 200));
    let seed = testkit::schedule::seed(20);
    let world = World::new().await;
    let org = world.org();
    let mut accounts = Vec::new();
    for _ in 0..proof.size(60, 200) {
        accounts.push(world.account(org).await);
    }
    let sleeper = world.account(org).await;
    let db = world.test.db_with("demo", PoolOptions { max_connections: 20, ..PoolOptions::default() });
    let writer = Writer {
        db: db.clone(),
        org,
        accounts: Arc::new(accounts),
        random: Random::seeded(seed),
        longest_ms,
        committed: Committed::default(),
    };
    let until = Instant::now() + Duration::from_secs_f64(run);
    let mut writers = JoinSet::new();
    for _ in 0..16 {
        writers.spawn(writer.clone().run(until));
    }
    // Its outbox row is written, its position is drawn, and it does not commit.
    let long = async {
        pause(Duration::from_millis(300)).await;
        let mut tx = db.begin(&Scope::system(org)).await.unwrap();
        let version = writer.by_hand(&mut tx, sleeper).await;
        let times = "SELECT extract(epoch FROM clock_timestamp())::float8";
        let from: f64 = sqlx::query_scalar(times).fetch_one(tx.conn()).await.unwrap();
        pause(Duration::from_secs_f64(hold)).await;
        let to: f64 = sqlx::query_scalar(times).fetch_one(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        writer.committed.lock().unwrap().push((sleeper, version, to));
        (from, to)
    };
    let (kills, (from, to)) = tokio::join!(candidates(&world, Duration::from_secs_f64(kill), until), long);
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    world.advance().await;
    let written = Log::read(&world).await;
    let committed = writer.committed.lock().unwrap().clone();
    written.assert_holds_exactly(&committed);
    let all = written.lags(&committed, |_| true);
    let during = written.lags(&committed, |at| at > from && at < to);
    assert!(during.len() > 50, "enough was written while one was held: {}", during.len());
    assert!(
        percentile(&during, 0.99) < 1.0,
        "others were delayed by the held one: {} s",
        percentile(&during, 0.99)
    );
    proof.report(&format!(
        "seed {seed}: {} events of 16 writers, {kills} kills, 1 transaction held {hold} s: 0 lost, 0 doubled, 0 out of \
         order, offsets 1..{}; commit to log p50 {:.0} ms, p99 {:.0} ms; while one was held p99 {:.0} ms",
        committed.len(),
        written.rows.len(),
        percentile(&all, 0.5) * 1000.0,
        percentile(&all, 0.99) * 1000.0,
        percentile(&during, 0.99) * 1000.0,
    ));
}

struct Log {
    rows: Vec<(i64, Uuid, i64, f64)>,
}

impl Log {
    async fn read(world: &World) -> Self {
        let rows = sqlx::query(
            "SELECT \"offset\", key, version, extract(epoch FROM logged_at)::float8 FROM bus.log ORDER BY \"offset\"",
        )
        .fetch_all(&mut world.test.admin().await)
        .await
        .unwrap();
        Self { rows: rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect() }
    }

    fn assert_holds_exactly(&self, committed: &[(Uuid, i64, f64)]) {
        let offsets: Vec<i64> = self.rows.iter().map(|row| row.0).collect();
        assert_eq!(
            offsets,
            (1..=i64::try_from(self.rows.len()).unwrap()).collect::<Vec<_>>(),
            "gapless from 1"
        );
        let mut logged: Vec<(Uuid, i64)> = self.rows.iter().map(|row| (row.1, row.2)).collect();
        let mut expected: Vec<(Uuid, i64)> = committed.iter().map(|row| (row.0, row.1)).collect();
        logged.sort_unstable();
        expected.sort_unstable();
        assert!(logged == expected, "{} in the log, {} committed", logged.len(), expected.len());
        let mut versions = HashMap::new();
        for (offset, key, version, _) in &self.rows {
            let before = versions.insert(*key, *version).unwrap_or(1);
            assert_eq!(*version, before + 1, "key {key} at offset {offset}");
        }
    }

    /// Seconds between commit and log of the events that committed at a time of interest, sorted.
    fn lags(&self, committed: &[(Uuid, i64, f64)], wanted: impl Fn(f64) -> bool) -> Vec<f64> {
        let logged: HashMap<(Uuid, i64), f64> = self.rows.iter().map(|row| ((row.1, row.2), row.3)).collect();
        let mut lags: Vec<f64> = committed
            .iter()
            .filter(|row| wanted(row.2))
            .map(|row| (logged[&(row.0, row.1)] - row.2).max(0.0))
            .collect();
        lags.sort_by(f64::total_cmp);
        lags
    }
}

/// A consumer that measures: the event's number says when its commit began.
fn stopwatch(begun: &Arc<Mutex<HashMap<i64, Instant>>>, seen: &Arc<Mutex<Vec<f64>>>) -> Consumer {
    let (begun, seen) = (Arc::clone(begun), Arc::clone(seen));
    Consumer::new("demo.stopwatch").on::<Changed, _>(move |tx, delivery, event| {
        let since = begun.lock().unwrap()[&event.by].elapsed().as_secs_f64();
        seen.lock().unwrap().push(since);
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO demo.effects (org_id, event_id, account, version) VALUES ($1, $2, $3, $4)",
            )
            .bind(delivery.org.uuid())
            .bind(delivery.event_id.uuid())
            .bind(delivery.key)
            .bind(delivery.version)
            .execute(tx.conn())
            .await?;
            Ok(())
        })
    })
}

#[derive(Default)]
struct Stopwatch {
    begun: Arc<Mutex<HashMap<i64, Instant>>>,
    seen: Arc<Mutex<Vec<f64>>>,
}

impl Stopwatch {
    async fn publish(&self, db: &Db, org: OrgId, account: Uuid, number: i64) {
        let mut tx = db.begin(&Scope::system(org)).await.unwrap();
        change(&mut tx, account, number).await.unwrap();
        self.begun.lock().unwrap().insert(number, Instant::now());
        tx.commit().await.unwrap();
    }

    async fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while self.seen.lock().unwrap().len() < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "the consumer did not get everything");
            pause(Duration::from_millis(2)).await;
        }
    }
}

/// 500 events a second for `seconds`; the 50th and 99th percentile from the beginning of the commit to the handler.
async fn measure(seconds: u32) -> (f64, f64) {
    let world = World::new().await;
    let org = world.org();
    let mut accounts = Vec::new();
    for _ in 0..100 {
        accounts.push(world.account(org).await);
    }
    let watch = Arc::new(Stopwatch::default());
    let runner = Runner::new(world.test.db("demo"), stopwatch(&watch.begun, &watch.seen));
    runner.declare().await.unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(world.sequencer.clone().run(stop.clone()));
    tasks.spawn(runner.run(0, stop.clone()));
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let mut writers = JoinSet::new();
    let total = i64::from(seconds * 500);
    for number in 1..=total {
        ticks.tick().await;
        let (watch, db) = (Arc::clone(&watch), world.db.clone());
        let account = accounts[usize::try_from(number).unwrap() % accounts.len()];
        writers.spawn(async move { watch.publish(&db, org, account, number).await });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    watch.wait_for(usize::try_from(total).unwrap()).await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    world.test.assert_nothing_left().await;
    let mut seen = watch.seen.lock().unwrap().clone();
    seen.sort_by(f64::total_cmp);
    (percentile(&seen, 0.5), percentile(&seen, 0.99))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_latency() {
    let proof = Proof::new("latency");
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(measure(proof.size(1, 10)).await);
        // The small size is content with the first run that is good enough.
        if !proof.is_full() && runs.last().is_some_and(|run| run.1 < 0.1) {
            break;
        }
    }
    let best = runs.iter().map(|run| run.1).fold(f64::INFINITY, f64::min);
    let all: Vec<String> =
        runs.iter().map(|run| format!("p50 {:.1} ms p99 {:.1} ms", run.0 * 1000.0, run.1 * 1000.0)).collect();
    proof.report(&format!("500 events/s, commit to handler: {}", all.join("; ")));
    assert!(best < 0.1, "best p99 {best} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_event_of_a_burst_does_not_wait_for_the_poll_of_another_process() {
    let world = World::new().await;
    let org = world.org();
    let account = world.account(org).await;
    let watch = Stopwatch::default();
    // The consumer's process: bells of its own, rung by what it hears from the database.
    let wake = Wake::default();
    let options = PoolOptions { max_connections: 3, ..PoolOptions::default() };
    let system = SystemDb::new(world.test.options("dropmate_system"), options, wake.clone());
    let (clock, random) = (world.test.shared_clock(), world.test.random.clone());
    let db = Db::new("demo", world.test.options("dropmate_demo"), options, clock, random, wake);
    let runner = Runner::new(db, stopwatch(&watch.begun, &watch.seen));
    runner.declare().await.unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(world.sequencer.clone().run(stop.clone()));
    tasks.spawn(listen(system, stop.clone()));
    tasks.spawn(runner.run(0, stop.clone()));
    pause(Duration::from_millis(100)).await;
    for round in 0..6 {
        watch.publish(&world.db, org, account, 2 * round).await;
        pause(Duration::from_millis(6)).await;
        watch.publish(&world.db, org, account, 2 * round + 1).await;
        watch.wait_for(usize::try_from(2 * round + 2).unwrap()).await;
    }
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    let slowest = watch.seen.lock().unwrap().iter().copied().fold(0.0, f64::max);
    assert!(slowest < 0.3, "{slowest} s");
}

async fn declared(world: &World) -> Runner {
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.unwrap();
    runner
}

#[tokio::test]
async fn a_hole_in_the_log_stops_the_consumer() {
    let world = World::new().await;
    let runner = declared(&world).await;
    let org = world.org();
    let account = world.account(org).await;
    for _ in 0..3 {
        world.change(org, account, 1).await;
    }
    world.advance().await;
    world.sql("DELETE FROM bus.log WHERE \"offset\" = 2").await;
    let error = runner.run_batch(0).await.unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("DM011"), "{}", error.chain());
    assert_eq!(world.effects().await, [], "nothing was skipped in silence");
    assert_eq!(world.count("SELECT last_offset FROM bus.cursors").await, 0);
}

/// Moves the first two events to a day long ago.
async fn age_the_first_two(world: &World) {
    world
        .sql(
            "CREATE TABLE bus.log_20200101 PARTITION OF bus.log FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
             CREATE TABLE bus.log_20200102 PARTITION OF bus.log FOR VALUES FROM ('2020-01-02') TO ('2020-01-03');
             ALTER TABLE bus.log_20200101 OWNER TO dropmate_owner; ALTER TABLE bus.log_20200102 OWNER TO dropmate_owner;
             UPDATE bus.log SET logged_on = '2020-01-01' WHERE \"offset\" <= 2",
        )
        .await;
}

#[tokio::test]
async fn a_consumer_behind_retention_is_told_and_skips_nothing() {
    let world = World::new().await;
    let (runner, org) = (declared(&world).await, world.org());
    let account = world.account(org).await;
    for _ in 0..3 {
        world.change(org, account, 1).await;
    }
    world.advance().await;
    age_the_first_two(&world).await;
    let mut system = Stepped::new(world.test.connect("dropmate_system").await);
    assert_eq!(system.step("SELECT bus.drop_partitions('2020-06-01')::text").await.unwrap(), ["2"]);
    let error = runner.run_batch(0).await.unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("DM010"), "{}", error.chain());
    assert_eq!(world.effects().await, []);
    assert_eq!(world.count("SELECT first_offset FROM bus.head").await, 3);
    // One that had read them goes on.
    world.sql("UPDATE bus.cursors SET last_offset = 2").await;
    assert_eq!(runner.run_batch(0).await.unwrap().handled, 1);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn partitions_are_dropped_under_the_lock_of_the_sequencer() {
    let world = World::new().await;
    let org = world.org();
    let account = world.account(org).await;
    world.change(org, account, 1).await;
    let mut advancing = Stepped::new(world.test.connect("dropmate_system").await);
    let mut dropping = Stepped::new(world.test.connect("dropmate_system").await);
    advancing.step("BEGIN").await.unwrap();
    advancing.step("SELECT bus.advance(10)").await.unwrap();
    dropping.step("SET lock_timeout = '150ms'").await.unwrap();
    let error = dropping.step("SELECT bus.drop_partitions('2020-06-01')").await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("55P03"));
    advancing.step("COMMIT").await.unwrap();
    dropping.step("SELECT bus.drop_partitions('2020-06-01')").await.unwrap();
}

#[tokio::test]
async fn partitions_of_the_days_to_come_are_made_once() {
    let world = World::new().await;
    let days = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'bus.log'::regclass";
    assert_eq!(world.count(days).await, 9, "today, seven days and the default");
    let mut system = Stepped::new(world.test.connect("dropmate_system").await);
    // The database was made before midnight, perhaps.
    system.step("SELECT bus.ensure_partitions(7)::text").await.unwrap();
    assert_eq!(system.step("SELECT bus.ensure_partitions(9)::text").await.unwrap(), ["2"]);
    assert_eq!(system.step("SELECT bus.ensure_partitions(9)::text").await.unwrap(), ["0"]);
    // A day without a partition is caught by the default one, and nothing is lost.
    world
        .sql(
            "DO $$ DECLARE t text; BEGIN FOR t IN SELECT inhrelid::regclass FROM pg_inherits
                WHERE inhparent = 'bus.log'::regclass AND inhrelid <> 'bus.log_default'::regclass LOOP
                EXECUTE 'DROP TABLE ' || t; END LOOP; END $$",
        )
        .await;
    let org = world.org();
    let account = world.account(org).await;
    let runner = declared(&world).await;
    world.change(org, account, 1).await;
    assert_eq!(world.advance().await, 1);
    assert_eq!(runner.run_batch(0).await.unwrap().handled, 1);
    world.sequencer.open().await.unwrap();
    assert_eq!(world.count(days).await, 8, "the day that is in the default partition stays there");
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn another_database_under_the_log_starts_a_new_epoch() {
    let world = World::new().await;
    let epoch = async || bus::status(&world.system).await.unwrap().epoch;
    world.sequencer.open().await.unwrap();
    assert_eq!(epoch().await, 1);
    for change in ["system_identifier = 'another'", "timeline = timeline + 1"] {
        let before = epoch().await;
        world.sql(&format!("UPDATE bus.head SET {change}")).await;
        world.sequencer.open().await.unwrap();
        world.sequencer.open().await.unwrap();
        assert_eq!(epoch().await, before + 1, "once: {change}");
    }
    let mut system = Stepped::new(world.test.connect("dropmate_system").await);
    system.step("SELECT bus.open_log(true)").await.unwrap();
    assert_eq!(epoch().await, 4, "a restore says so itself");
}

#[tokio::test]
async fn an_event_whose_version_was_published_before_is_set_aside_and_the_log_goes_on() {
    let world = World::new().await;
    let (org, key, other) = (world.org(), world.uuid(), world.uuid());
    world.publish_many(&[(org, key, 1)]).await;
    world.advance().await;
    world.publish_many(&[(org, key, 1), (org, other, 1), (org, key, 2)]).await;
    assert_eq!(world.advance().await, 2, "a faulty service does not stop the others");
    let status = bus::status(&world.system).await.unwrap();
    assert_eq!((status.rejected, status.outbox, status.next_offset), (1, 0, 4));
    assert_eq!(world.count("SELECT count(*) FROM bus.rejected WHERE version = 1").await, 1);
    // While the first one is still in the outbox the publisher itself is refused.
    let mut demo = world.test.connect("dropmate_demo").await;
    sqlx::query(sqlx::AssertSqlSafe(publish_sql(world.uuid(), org, key, 3)))
        .execute(&mut demo)
        .await
        .unwrap();
    let again =
        sqlx::query(sqlx::AssertSqlSafe(publish_sql(world.uuid(), org, key, 3))).execute(&mut demo).await;
    assert_eq!(again.unwrap_err().as_database_error().unwrap().code().as_deref(), Some("23505"));
    demo.close().await.unwrap();
    world.advance().await;
    assert_eq!(Changed::SUBJECT, "account.changed.v1");
}
