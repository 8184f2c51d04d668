//! Refusing a PostgreSQL that may forget what it acknowledged.

use sqlx::{PgConnection, Row};

use super::error::PostgresError;

/// What was found, when it is good enough to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durability {
    /// Whether torn or rotten pages are noticed. Off is worth a warning, not a refusal: it cannot be changed in use.
    pub data_checksums: bool,
}

/// Refuses when `fsync`, `full_page_writes` or `synchronous_commit` is off; warns when data checksums are off.
///
/// It asks for the settings of this connection, so ask on one that is opened in the way that writes are.
pub async fn check_durability(connection: &mut PgConnection) -> Result<Durability, PostgresError> {
    const QUERY: &str = "SELECT name, setting FROM pg_settings \
        WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums') ORDER BY name";
    let mut unsafe_settings: Vec<String> = Vec::new();
    let mut data_checksums = false;
    for row in sqlx::query(QUERY).fetch_all(connection).await? {
        let (name, setting): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        match (name.as_str(), setting.as_str()) {
            ("data_checksums", value) => data_checksums = value == "on",
            (_, "off") => unsafe_settings.push(name),
            _ => {}
        }
    }
    if let Some(first) = unsafe_settings.first() {
        let settings =
            unsafe_settings.iter().map(|name| format!("{name} = off")).collect::<Vec<_>>().join(", ");
        return Err(PostgresError::NotDurable { settings, first: first.clone() });
    }
    if !data_checksums {
        tracing::warn!(
            "this PostgreSQL runs without data checksums: damaged pages are not noticed (pg_checksums)"
        );
    }
    Ok(Durability { data_checksums })
}
