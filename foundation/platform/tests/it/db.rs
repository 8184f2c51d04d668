//! Pools and transactions when something goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use platform::Kind;
use platform::db::{Db, PoolOptions, Scope};
use platform::lifecycle::pause;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor, Row};
use testkit::sandbox::{Proxy, Upstream};

use crate::demo::{World, change};

#[tokio::test]
async fn a_full_pool_answers_in_time_and_says_when_to_come_back() {
    let world = World::new().await;
    let options = PoolOptions {
        max_connections: 1,
        acquire_timeout: Duration::from_millis(200),
        ..PoolOptions::default()
    };
    let db = world.test.db_with("demo", options);
    let scope = Scope::system(world.org());
    let held = db.begin(&scope).await.unwrap();
    let begun = Instant::now();
    let error = db.begin(&scope).await.unwrap_err();
    assert_eq!((error.kind(), error.kind().status()), (Kind::Unavailable, 503));
    assert!(error.retry_after().is_some());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
    db.begin(&scope).await.unwrap();
}

/// A router forgot its table: nobody says that the connection is gone, and nothing arrives any more.
#[tokio::test]
async fn a_connection_that_is_dead_without_a_word_is_left_behind_at_the_next_begin() {
    let world = World::new().await;
    let admin = world.test.admin_options();
    let socket = admin.get_socket().unwrap().join(format!(".s.PGSQL.{}", admin.get_port()));
    let proxy = Proxy::to(Upstream::Unix(socket)).await.unwrap();
    let connect = PgConnectOptions::new_without_pgpass()
        .host(&proxy.address().ip().to_string())
        .port(proxy.address().port())
        .database(world.test.name())
        .username("dropmate_demo")
        .password(&testkit::database::role_passwords().password("dropmate_demo"));
    let (clock, random, wake) =
        (world.test.shared_clock(), world.test.random.clone(), world.test.wake.clone());
    let options = PoolOptions { max_connections: 2, ..PoolOptions::default() };
    let db = Db::new("demo", connect, options, clock, random, wake);
    let scope = Scope::system(world.org());
    db.begin(&scope).await.unwrap().rollback().await.unwrap();
    proxy.forget();
    proxy.heal();
    let begun = Instant::now();
    db.begin(&scope).await.unwrap().rollback().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_was_ended_is_replaced_at_the_next_begin() {
    let world = World::new().await;
    let scope = Scope::system(world.org());
    let mut tx = world.db.begin(&scope).await.unwrap();
    assert!(world.terminate("dropmate_demo").await >= 1);
    let error = platform::Error::from(tx.conn().execute("SELECT 1").await.unwrap_err());
    assert_eq!(error.kind(), Kind::Unavailable, "{}", error.chain());
    drop(tx);
    for _ in 0..4 {
        let tx = world.db.begin(&scope).await.unwrap_or_else(|error| panic!("{}", error.chain()));
        tx.commit().await.unwrap();
    }
    // Also one that was ended while it lay in the pool.
    world.terminate("dropmate_demo").await;
    pause(Duration::from_millis(50)).await;
    world.db.begin(&scope).await.unwrap_or_else(|error| panic!("{}", error.chain())).commit().await.unwrap();
}

#[tokio::test]
async fn a_serialization_failure_is_run_again_and_any_other_failure_is_not() {
    let world = World::new().await;
    let (org, scope) = (world.org(), Scope::system(world.org()));
    let account = world.account(org).await;
    let ran = Arc::new(AtomicU32::new(0));
    let scope = scope.within(org);
    let version = world
        .db
        .run(&scope, |tx| {
            let (ran, db, scope) = (Arc::clone(&ran), world.db.clone(), tx.scope().clone());
            Box::pin(async move {
                tx.conn().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
                tx.conn().execute("SELECT count(*) FROM demo.accounts").await?;
                if ran.fetch_add(1, Ordering::Relaxed) == 0 {
                    let mut other = db.begin(&scope).await?;
                    change(&mut other, account, 1).await?;
                    other.commit().await?;
                }
                change(tx, account, 1).await
            })
        })
        .await
        .unwrap();
    assert_eq!((version, ran.load(Ordering::Relaxed)), (3, 2));
    assert_eq!(world.count("SELECT balance FROM demo.accounts").await, 2, "no effect twice, none lost");
    for (sql, times) in [("SELECT 1 / 0", 1), ("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", 5)] {
        let ran = AtomicU32::new(0);
        let failed = world
            .db
            .run(&scope, |tx| {
                ran.fetch_add(1, Ordering::Relaxed);
                Box::pin(async move { Ok(tx.conn().execute(sql).await.map(|_| ())?) })
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(ran.load(Ordering::Relaxed), times, "{sql}");
    }
}

#[tokio::test]
async fn a_deadlock_is_run_again() {
    let world = World::new().await;
    let org = world.org();
    let pair = [world.account(org).await, world.account(org).await];
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let scope = Scope::system(org);
    let cross = async |one: usize| {
        let (first, second, met) = (pair[one], pair[1 - one], Arc::new(AtomicU32::new(0)));
        world
            .db
            .run(&scope, |tx| {
                let (both, met) = (Arc::clone(&both), Arc::clone(&met));
                Box::pin(async move {
                    change(tx, first, 1).await?;
                    if met.fetch_add(1, Ordering::Relaxed) == 0 {
                        both.wait().await;
                    }
                    change(tx, second, 1).await
                })
            })
            .await
    };
    let (a, b) = tokio::join!(cross(0), cross(1));
    a.unwrap();
    b.unwrap();
    assert_eq!(world.count("SELECT sum(balance)::bigint FROM demo.accounts").await, 4);
}

#[tokio::test]
async fn what_runs_waits_or_sits_too_long_is_ended() {
    let world = World::new().await;
    let org = world.org();
    let account = world.account(org).await;
    let scope = Scope::system(org);
    let short = Duration::from_millis(150);
    let options = PoolOptions {
        statement_timeout: short * 2,
        lock_timeout: short,
        idle_in_transaction_timeout: short,
        ..PoolOptions::default()
    };
    let db = world.test.db_with("demo", options);
    let mut tx = db.begin(&scope).await.unwrap();
    let slow = platform::Error::from(tx.conn().execute("SELECT pg_sleep(5)").await.unwrap_err());
    assert_eq!((slow.kind(), slow.sqlstate().as_deref()), (Kind::Unavailable, Some("57014")));
    tx.rollback().await.unwrap();
    let mut holder = world.db.begin(&scope).await.unwrap();
    change(&mut holder, account, 1).await.unwrap();
    let mut second = db.begin(&scope).await.unwrap();
    let waited = change(&mut second, account, 1).await.unwrap_err();
    assert_eq!((waited.kind(), waited.sqlstate().as_deref()), (Kind::Unavailable, Some("55P03")));
    second.rollback().await.unwrap();
    holder.rollback().await.unwrap();
    let mut idle = db.begin(&scope).await.unwrap();
    change(&mut idle, account, 1).await.unwrap();
    pause(short * 3).await;
    let ended = idle.commit().await.unwrap_err();
    assert_eq!(ended.kind(), Kind::Unavailable, "{}", ended.chain());
    assert_eq!(world.change(org, account, 1).await, 2, "its lock is gone and its change with it");
}

#[tokio::test]
async fn a_transaction_whose_statement_failed_does_not_pretend_to_commit() {
    let world = World::new().await;
    let org = world.org();
    let scope = Scope::system(org);
    let mut tx = world.db.begin(&scope).await.unwrap();
    crate::demo::insert(&mut tx, world.uuid()).await;
    tx.conn().execute("SELECT 1 / 0").await.ok();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("25P02"), "{}", error.chain());
    assert_eq!(world.count("SELECT count(*) FROM demo.accounts").await, 0);
}

#[tokio::test]
async fn a_begin_that_is_cancelled_leaves_no_open_transaction_in_the_pool() {
    let world = World::new().await;
    let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let db = world.test.db_with("demo", options);
    let scope = Scope::system(world.org());
    db.begin(&scope).await.unwrap().commit().await.unwrap();
    for micros in 0..120 {
        tokio::time::timeout(Duration::from_micros(micros * 10), db.begin(&scope)).await.ok();
        // The next user is not inside a transaction that somebody else began.
        let row = db.pool().fetch_one("SELECT now() <> statement_timestamp()").await.unwrap();
        assert!(!row.get::<bool, _>(0), "cancelled after {} us", micros * 10);
    }
}

#[tokio::test]
async fn a_begin_that_fails_leaves_no_aborted_transaction_in_the_pool() {
    let world = World::new().await;
    let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let db = world.test.db_with("demo", options);
    // The mutant is what sqlx does by itself.
    let failing = "BEGIN; SELECT 1 / 0";
    begin_with_sqlx(db.pool(), failing).await.unwrap_err();
    let next = db.pool().fetch_one("SELECT 1").await.unwrap_err();
    assert_eq!(next.as_database_error().unwrap().code().as_deref(), Some("25P02"));
    db.pool().execute("ROLLBACK").await.unwrap();
    // Ours: a claim that says no is such a begin.
    let scope = Scope::system(world.org());
    for _ in 0..2 {
        let key = platform::idempotency::Key::new("k", [0; 32]).unwrap();
        let call = platform::idempotency::Call {
            key: Some(key),
            ..platform::idempotency::Call::new(scope.clone(), "op")
        };
        call.run(&db, |_tx| Box::pin(async { Err(platform::Error::not_found("account")) })).await.ok();
        db.pool().fetch_one("SELECT 1").await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the mutant")]
async fn begin_with_sqlx(pool: &sqlx::PgPool, sql: &'static str) -> Result<(), sqlx::Error> {
    pool.begin_with(sql).await.map(|_| ())
}
