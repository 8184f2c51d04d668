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

/// The value below which this fraction of the sorted samples lies (nearest rank); 0 without samples.
pub fn percentile(sorted: &[f64], fraction: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank"
    )]
    let rank = (sorted.len() as f64 * fraction).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The seed of a test's random choices: `DROPMATE_SEED`, or the default; printed, so that a failure can be repeated.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("DROPMATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("seed {seed} (repeat with DROPMATE_SEED={seed})");
    seed
}
