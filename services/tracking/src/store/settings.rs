//! The settings of an organisation.

use jiff_sqlx::ToSqlx;
use platform::Result;
use platform::db::Tx;

/// Who makes arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalPolicy {
    /// Positions only suggest them; the driver makes them.
    Suggest,
    /// Positions make them.
    Make,
}

impl ArrivalPolicy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Suggest => "suggest",
            Self::Make => "make",
        }
    }
}

/// The settings; what holds where nothing was set is their default, with version 0.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Settings {
    /// Version, 0 for the default.
    pub version: i64,
    /// Who makes arrivals.
    pub arrivals: ArrivalPolicy,
    /// How long positions are kept.
    pub retention_days: i32,
    /// From where on a courier is "nearly there".
    pub arriving_distance_m: i32,
    /// Whether customers see the courier's first name and vehicle.
    pub show_driver: bool,
    /// Whether customers see where the courier is.
    pub show_position: bool,
    /// Whether customers see the shop's number.
    pub show_phone: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 0,
            arrivals: ArrivalPolicy::Make,
            retention_days: 30,
            arriving_distance_m: 300,
            show_driver: true,
            show_position: true,
            show_phone: true,
        }
    }
}

/// The settings of the transaction's organisation.
pub async fn find(tx: &mut Tx) -> Result<Settings> {
    let org = tx.org()?;
    let row = sqlx::query!(
        "SELECT version, arrivals, retention_days, arriving_distance_m, show_driver, show_position, show_phone
           FROM tracking.settings WHERE org_id = $1",
        org.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(Settings::default, |row| Settings {
        version: row.version,
        arrivals: if row.arrivals == "suggest" { ArrivalPolicy::Suggest } else { ArrivalPolicy::Make },
        retention_days: row.retention_days,
        arriving_distance_m: row.arriving_distance_m,
        show_driver: row.show_driver,
        show_position: row.show_position,
        show_phone: row.show_phone,
    }))
}

/// Writes settings over those of one version before; false when somebody else was faster.
pub async fn save(tx: &mut Tx, settings: &Settings) -> Result<bool> {
    let (org, now) = (tx.org()?, tx.now());
    let done = sqlx::query!(
        "INSERT INTO tracking.settings (org_id, version, arrivals, retention_days, arriving_distance_m, show_driver,
                                        show_position, show_phone, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (org_id) DO UPDATE
            SET version = excluded.version, arrivals = excluded.arrivals, retention_days = excluded.retention_days,
                arriving_distance_m = excluded.arriving_distance_m, show_driver = excluded.show_driver,
                show_position = excluded.show_position, show_phone = excluded.show_phone,
                updated_at = excluded.updated_at
          WHERE settings.version = excluded.version - 1",
        org.uuid(),
        settings.version,
        settings.arrivals.as_str(),
        settings.retention_days,
        settings.arriving_distance_m,
        settings.show_driver,
        settings.show_position,
        settings.show_phone,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}
