//! A connection inside a transaction that began with several statements in one message.
//!
//! sqlx takes a transaction for begun only when the whole message succeeded. When a later statement of it fails (an
//! idempotency key that was used before), PostgreSQL is inside an aborted transaction and sqlx believes that it is
//! outside of any: the connection would go back to the pool and fail every request that gets it from then on. Hence
//! this: a failed begin is rolled back, and one that was given up half-way closes its connection.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Database, Executor, Postgres, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

use crate::{Error, Result};

type Manager = <Postgres as Database>::TransactionManager;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first message was sent; what the server made of it is not known yet.
    Beginning,
    /// Inside the transaction.
    Begun,
    /// Outside of it again.
    Ended,
}

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub(super) struct Open {
    conn: PoolConnection<Postgres>,
    state: State,
}

impl Open {
    /// Begins with this message.
    pub(super) async fn begin(pool: &PgPool, sql: String) -> Result<Self> {
        let mut this = Self { conn: pool.acquire().await?, state: State::Beginning };
        let begun = Manager::begin(&mut this.conn, Some(AssertSqlSafe(sql).into_sql_str())).await;
        if let Err(error) = begun {
            // Outside of a transaction this is a warning, nothing more. When it fails, the drop closes the connection.
            if this.conn.execute("ROLLBACK").await.is_ok() {
                this.state = State::Ended;
            }
            return Err(error.into());
        }
        this.state = State::Begun;
        Ok(this)
    }

    /// Commits.
    pub(super) async fn commit(mut self) -> Result<()> {
        Manager::commit(&mut self.conn).await?;
        self.state = State::Ended;
        Ok(())
    }

    /// Rolls back now.
    pub(super) async fn rollback(mut self) -> Result<()> {
        Manager::rollback(&mut self.conn).await.map_err(Error::from)?;
        self.state = State::Ended;
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        match self.state {
            State::Beginning => self.conn.close_on_drop(),
            State::Begun => Manager::start_rollback(&mut self.conn),
            State::Ended => {}
        }
    }
}

impl Deref for Open {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}
