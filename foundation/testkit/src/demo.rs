//! A service as small as possible, `demo`: accounts with a balance, one event, one consumer. The proofs of the platform
//! and of transports run on it.

use std::sync::LazyLock;

use contracts::Event;
use kernel::ids::{OrgId, Uuid};
use platform::bus::{Consumer, Sequencer};
use platform::db::{Db, Locked, Scope, SystemDb, Tx};
use platform::service::Manifest;
use platform::vault::SealedColumn;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::migrate::Migrator;

use crate::TestDb;

static MIGRATIONS: Migrator = sqlx::migrate!("./demo_migrations");

/// The sealed columns of `demo`.
pub const SEALED: &[SealedColumn] =
    &[SealedColumn { table: "demo.accounts", column: "name", row: "id", subject: "id" }];

/// The manifest of `demo`.
pub static MANIFESTS: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    vec![Manifest {
        name: "demo",
        migrations: Some(&MIGRATIONS),
        subjects: &[Changed::SUBJECT],
        permissions: &[],
        sealed: SEALED,
    }]
});

/// An account's balance changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Changed {
    /// In minor units.
    pub by: i64,
}

impl Event for Changed {
    const SUBJECT: &'static str = "account.changed.v1";
    const WHEN: &'static str = "An account's balance changed.";
    fn example() -> Self {
        Self { by: 1 }
    }
}

/// A test's world.
#[derive(Debug)]
pub struct World {
    /// The database, the clock, the seed.
    pub test: TestDb,
    /// The connection of `demo`.
    pub db: Db,
    /// The system's connection.
    pub system: SystemDb,
    /// Moves events to the log when told.
    pub sequencer: Sequencer,
}

impl World {
    /// A fresh one.
    pub async fn new() -> Self {
        let test = TestDb::new(&MANIFESTS).await;
        let (db, system) = (test.db("demo"), test.system());
        Self { sequencer: Sequencer::new(system.clone()), test, db, system }
    }

    /// A new organisation's identifier.
    pub fn org(&self) -> OrgId {
        self.test.random.id(kernel::time::Clock::now(&self.test.clock))
    }

    /// Who decides about dead letters.
    pub fn operator(&self) -> platform::bus::Operator {
        let clock = std::sync::Arc::new(self.test.clock.clone());
        platform::bus::Operator::new(self.system.clone(), clock, self.test.random.clone())
    }

    /// A new account.
    pub async fn account(&self, org: OrgId) -> Uuid {
        let mut tx = self.db.begin(&Scope::system(org)).await.expect("the test database answers");
        let id: Uuid = tx.random().uuid_v7(tx.now());
        insert(&mut tx, id).await;
        tx.commit().await.expect("the test database answers");
        id
    }

    /// Changes a balance and publishes it.
    pub async fn change(&self, org: OrgId, account: Uuid, by: i64) -> i64 {
        let mut tx = self.db.begin(&Scope::system(org)).await.expect("the test database answers");
        let version = change(&mut tx, account, by).await.expect("the test database answers");
        tx.commit().await.expect("the test database answers");
        version
    }

    /// Moves everything from the outbox to the log; how many events that were.
    pub async fn advance(&self) -> usize {
        let mut moved = 0;
        loop {
            match self.sequencer.advance().await.expect("the test database answers") {
                0 => return moved,
                some => moved += some,
            }
        }
    }

    /// What the consumer has done, in order: account and version.
    pub async fn effects(&self) -> Vec<(Uuid, i64)> {
        let rows = sqlx::query("SELECT account, version FROM demo.effects ORDER BY id")
            .fetch_all(&mut self.test.admin().await)
            .await
            .expect("the test database answers");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// Inserts an account.
pub async fn insert(tx: &mut Tx, id: Uuid) {
    let org = tx.org().expect("the test database answers").uuid();
    sqlx::query("INSERT INTO demo.accounts (org_id, id) VALUES ($1, $2)")
        .bind(org)
        .bind(id)
        .execute(tx.conn())
        .await
        .expect("the test database answers");
}

/// Changes a balance and publishes that; the account's new version.
pub async fn change(tx: &mut Tx, account: Uuid, by: i64) -> platform::Result<i64> {
    let version: i64 = sqlx::query_scalar(
        "UPDATE demo.accounts SET balance = balance + $2, version = version + 1 WHERE id = $1 RETURNING version",
    )
    .bind(account)
    .bind(by)
    .fetch_one(tx.conn())
    .await?;
    tx.publish(Locked::new(account, version), &Changed { by })?;
    Ok(version)
}

/// A consumer that writes one row per event; fails when the change is negative.
pub fn consumer() -> Consumer {
    Consumer::new("demo.effects").on::<Changed, _>(|tx, delivery, event| {
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
            if event.by < 0 {
                return Err(platform::Error::internal("negative"));
            }
            Ok(())
        })
    })
}

impl World {
    /// The identifiers of the processes that serve a role in this database.
    pub async fn terminate(&self, role: &str) -> i64 {
        sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
                AND usename = $1",
        )
        .bind(role)
        .fetch_one(&mut self.test.admin().await)
        .await
        .expect("the test database answers")
    }

    /// Publishes `versions` of one account in one statement, without changing the account.
    pub async fn publish_many(&self, events: &[(OrgId, Uuid, i64)]) {
        let mut conn = self.test.connect("dropmate_demo").await;
        for chunk in events.chunks(500) {
            sqlx::query(
                "SELECT bus.publish(array_agg(id), array_agg(org), array_agg('account.changed.v1'::text), array_agg(key),
                        array_agg(version), array_agg('{\"by\":1}'::jsonb), array_agg('test'::text),
                        array_agg(NULL::text), array_agg(now()))
                   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS e (id, org, key, version)",
            )
            .bind(chunk.iter().map(|_| self.uuid()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|event| event.0.uuid()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|event| event.1).collect::<Vec<_>>())
            .bind(chunk.iter().map(|event| event.2).collect::<Vec<_>>())
            .execute(&mut conn)
            .await
            .expect("the test database answers");
        }
    }

    /// A new identifier.
    pub fn uuid(&self) -> Uuid {
        self.test.random.uuid_v7(kernel::time::Clock::now(&self.test.clock))
    }

    /// One number of the superuser's view.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.test.admin().await)
            .await
            .expect("the test database answers")
    }

    /// Statements as the superuser.
    pub async fn sql(&self, sql: &str) {
        let mut conn = self.test.admin().await;
        sqlx::Executor::execute(&mut conn, sqlx::AssertSqlSafe(sql.to_owned()))
            .await
            .expect("the test database answers");
    }
}

/// The statement that publishes one event, for connections that are stepped by hand.
pub fn publish_sql(event: Uuid, org: OrgId, key: Uuid, version: i64) -> String {
    format!(
        "SELECT bus.publish(ARRAY['{event}']::uuid[], ARRAY['{}']::uuid[], ARRAY['account.changed.v1'],
            ARRAY['{key}']::uuid[], ARRAY[{version}]::bigint[], ARRAY['{{\"by\":1}}']::jsonb[], ARRAY['test'],
            ARRAY[NULL]::text[], ARRAY[now()])",
        org.uuid()
    )
}
