//! Statements of several connections in a chosen order: what random load hides, a schedule shows.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

/// A connection that is stepped by hand.
#[derive(Debug)]
pub struct Stepped {
    conn: PgConnection,
}

impl Stepped {
    /// Takes over a connection.
    pub fn new(conn: PgConnection) -> Self {
        Self { conn }
    }

    /// Runs one statement; returns its rows' first column as text.
    pub async fn step(&mut self, sql: &str) -> Result<Vec<String>, sqlx::Error> {
        let rows = self.conn.fetch_all(AssertSqlSafe(sql.to_owned())).await?;
        Ok(rows
            .iter()
            .filter_map(|row| row.try_get_unchecked::<Option<String>, _>(0).ok().flatten())
            .collect())
    }
}
