//! One open transaction on a pooled connection, begun in one message.
//!
//! Why not `sqlx::Transaction`: when the message that begins it fails behind `BEGIN` (a claim that says no) or is
//! cancelled, sqlx gives the connection back inside an open or aborted transaction, and the next user finds out. And
//! its `commit` reports success for a transaction that PostgreSQL had aborted and rolled back.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Executor, Postgres};

use super::open::Counted;

/// How long a dropped transaction may take to roll back. A connection whose other end is gone never does, and would hold
/// its place in the pool for ever.
const ROLLBACK: Duration = Duration::from_millis(500);

/// How long the first message may go unanswered. It waits for no lock, so a connection that says nothing is one whose way
/// swallows everything; without this limit the request would find out at its own deadline.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub(super) struct Session {
    conn: Option<PoolConnection<Postgres>>,
    _counted: Counted,
}

impl Session {
    /// Sends `sql`, which starts with `BEGIN`, in one message; on another connection when this one turned out to be broken:
    /// nothing of it can have been committed. After a restart of the server every connection of the pool is.
    pub(super) async fn open(pool: &PgPool, sql: String) -> Result<Self, sqlx::Error> {
        for _ in 0..pool.options().get_max_connections() {
            match Self::open_once(pool, sql.clone()).await {
                Err(broken) if is_broken(&broken) => {
                    tracing::debug!(cause = %broken, "a connection was broken; the transaction begins on another one");
                }
                opened => return opened,
            }
        }
        Self::open_once(pool, sql).await
    }

    async fn open_once(pool: &PgPool, sql: String) -> Result<Self, sqlx::Error> {
        // From here on a failure or a cancellation rolls back before anybody else gets the connection.
        let mut session = Self { conn: Some(pool.acquire().await?), _counted: Counted::begin() };
        let begun = tokio::time::timeout(FIRST_ANSWER, session.conn().execute(AssertSqlSafe(sql))).await;
        let silent = |_elapsed| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        match begun.unwrap_or_else(silent) {
            Ok(_) => Ok(session),
            // Its drop closes what cannot be rolled back.
            Err(error) if is_broken(&error) => Err(error),
            Err(error) => {
                session.rollback().await.ok();
                Err(error)
            }
        }
    }

    /// The connection. Only a session that has ended has none, and ending takes it by value.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        self.conn
            .as_deref_mut()
            .unwrap_or_else(|| unreachable!("the connection is taken only when the session ends"))
    }

    /// Commits; an error when a statement failed before, even if its error was ignored.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        // COMMIT alone answers an aborted transaction with ROLLBACK and no error; the empty SELECT raises one.
        self.end("SELECT; COMMIT").await
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.conn().execute(sql).await?;
        self.conn = None;
        Ok(())
    }
}

/// Whether the connection had been cut, or ended by the server while nobody looked.
fn is_broken(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(error, sqlx::Error::Io(_)) || code.is_some_and(|code| code.starts_with("57P"))
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let rolled_back = tokio::time::timeout(ROLLBACK, conn.execute("ROLLBACK")).await;
                    if !matches!(rolled_back, Ok(Ok(_))) {
                        conn.close_on_drop();
                    }
                });
            }
            Err(_) => conn.close_on_drop(),
        }
    }
}
