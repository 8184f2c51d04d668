//! A driver as the table holds it. It can be written into a cache: what is personal is sealed in it.

use contracts::drivers::Availability;
use jiff::civil::Date;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTime};
use kernel::geo::Position;
use kernel::ids::{DriverId, UserId, Uuid, VehicleId};
use kernel::time::Timestamp;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::entities::{Driver, Personal, Plain};

#[expect(clippy::struct_excessive_bools, reason = "columns, each a question of its own")]
pub(super) struct Row {
    pub id: Uuid,
    pub version: i64,
    pub user_id: Option<Uuid>,
    pub name: Option<Vec<u8>>,
    pub phone: Option<Vec<u8>>,
    pub notes: Option<Vec<u8>>,
    pub vehicle_id: Option<Uuid>,
    pub skills: Vec<String>,
    pub home_lat: Option<f64>,
    pub home_lon: Option<f64>,
    pub active: bool,
    pub follows_shifts: bool,
    pub documents_lapsed: bool,
    pub availability: String,
    pub availability_since: SqlTime,
    pub tapped_at: SqlTime,
    pub stars: i64,
    pub ratings: i64,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub documents_until: Option<SqlDate>,
    pub documents_required: bool,
}

/// A driver as stored: plain facts, and sealed bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredDriver {
    /// Identifier.
    pub id: DriverId,
    /// Version, for ETags and events.
    pub version: i64,
    /// The account, if the driver signs in.
    pub user_id: Option<UserId>,
    #[serde(with = "hexadecimal")]
    pub(super) name: Option<Vec<u8>>,
    #[serde(with = "hexadecimal")]
    pub(super) phone: Option<Vec<u8>>,
    #[serde(with = "hexadecimal")]
    pub(super) notes: Option<Vec<u8>>,
    /// What is not personal.
    pub plain: Plain,
    /// The last day of the required document that ends first.
    pub documents_until: Option<Date>,
    /// Whether any document is required.
    pub documents_required: bool,
    pub(super) stars: i64,
    pub(super) ratings: i64,
    pub(super) created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl StoredDriver {
    pub(super) fn new(id: DriverId, user_id: Option<UserId>, plain: Plain, now: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            user_id,
            name: None,
            phone: None,
            notes: None,
            plain,
            documents_until: None,
            documents_required: false,
            stars: 0,
            ratings: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a name is stored, whoever may open it.
    pub fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// The driver with what was opened.
    pub fn with(self, personal: Personal) -> Driver {
        Driver {
            id: self.id,
            version: self.version,
            user_id: self.user_id,
            personal,
            plain: self.plain,
            documents_until: self.documents_until,
            documents_required: self.documents_required,
            stars: self.stars,
            ratings: self.ratings,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl TryFrom<Row> for StoredDriver {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let home = row.home_lat.zip(row.home_lon).map(|(lat, lon)| Position::new(lat, lon));
        let availability = Availability::parse(&row.availability)
            .ok_or_else(|| Error::internal(format!("no availability: {}", row.availability)))?;
        Ok(Self {
            id: DriverId::new(row.id),
            version: row.version,
            user_id: row.user_id.map(UserId::new),
            name: row.name,
            phone: row.phone,
            notes: row.notes,
            plain: Plain {
                vehicle_id: row.vehicle_id.map(VehicleId::new),
                skills: row.skills.into_iter().collect(),
                home: home.transpose().map_err(Error::internal)?,
                active: row.active,
                follows_shifts: row.follows_shifts,
                documents_lapsed: row.documents_lapsed,
                availability,
                availability_since: row.availability_since.to_jiff(),
                tapped_at: row.tapped_at.to_jiff(),
            },
            documents_until: row.documents_until.map(SqlDate::to_jiff),
            documents_required: row.documents_required,
            stars: row.stars,
            ratings: row.ratings,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// Bytes as hexadecimal digits.
mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(hex::encode).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| hex::decode(text).map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_comes_back_from_a_cache_as_it_was() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut driver = StoredDriver::new(DriverId::new(Uuid::from_u128(1)), None, Plain::new(now), now);
        driver.name = Some(vec![1, 254, 3]);
        driver.documents_until = Some(jiff::civil::date(2027, 5, 31));
        let text = serde_json::to_string(&driver).unwrap();
        assert!(text.contains("\"01fe03\""), "{text}");
        let back: StoredDriver = serde_json::from_str(&text).unwrap();
        assert_eq!((back.name, back.phone, back.plain), (driver.name, None, driver.plain));
        assert_eq!(back.documents_until, driver.documents_until);
    }
}
