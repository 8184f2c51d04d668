//! SQL. Row types stay here.

pub mod deliveries;
pub mod devices;
pub mod doors;
pub mod drivers;
pub mod learned;
pub mod legs;
pub mod positions;
pub mod predictions;
pub mod ratings;
pub mod routes;
pub mod settings;
pub mod shops;
pub mod updates;

use jiff_sqlx::Timestamp as SqlTime;
use kernel::geo::Position;
use kernel::time::Timestamp;
use platform::vault::SealedColumn;
use platform::{Error, Result};

/// Columns that are sealed with the keys of people.
pub const SEALED: &[SealedColumn] =
    &[SealedColumn { table: "tracking.ratings", column: "comment", row: "id", subject: "subject" }];

/// From so many rows something is learned: more would tell of days that were different.
const LEARNED_FROM: i64 = 20_000;

/// A place that the database holds; only places went in.
fn place(lat: f64, lon: f64) -> Result<Position> {
    Position::new(lat, lon).map_err(Error::internal)
}

fn time(at: Option<SqlTime>) -> Option<Timestamp> {
    at.map(SqlTime::to_jiff)
}
