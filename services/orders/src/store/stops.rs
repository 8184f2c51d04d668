//! The two ends of an order: the address is plain, what is about people is sealed.

use jiff_sqlx::Timestamp as SqlTime;
use kernel::ids::{OrderId, StopId, SubjectId, Uuid};
use platform::db::Tx;
use platform::vault::{Place as Sealing, Private, Subject, SubjectKey, Vault};
use platform::{Error, Result};

use super::position;
use super::terms::plain;
use crate::entities::{Contact, Order, Place, SealedContact, Stop};

/// For sealed columns.
pub const TABLE: &str = "orders.stops";

struct Row {
    id: Uuid,
    order_id: Uuid,
    kind: String,
    subject_id: Uuid,
    street: String,
    postcode: String,
    city: String,
    country: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    name: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    not_before: Option<SqlTime>,
    not_after: Option<SqlTime>,
    service_s: i32,
}

impl From<Row> for Stop {
    fn from(row: Row) -> Self {
        Self {
            id: StopId::new(row.id),
            subject: SubjectId::new(row.subject_id),
            place: Place {
                street: row.street,
                postcode: row.postcode,
                city: row.city,
                country: row.country,
                position: position(row.lat, row.lon),
            },
            contact: Contact::default(),
            sealed: SealedContact { name: row.name, phone: row.phone, door: row.door, notes: row.notes },
            not_before: row.not_before.map(SqlTime::to_jiff),
            not_after: row.not_after.map(SqlTime::to_jiff),
            service_s: u32::try_from(row.service_s).unwrap_or(0),
        }
    }
}

/// The stops of some orders, closed: order, whether it is the pick-up, stop.
pub async fn of_orders(tx: &mut Tx, orders: &[Uuid]) -> Result<Vec<(Uuid, bool, Stop)>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, order_id, kind, subject_id, street, postcode, city, country, lat, lon, name, phone, door, notes,
                  not_before AS "not_before: SqlTime", not_after AS "not_after: SqlTime", service_s
             FROM orders.stops WHERE org_id = $1 AND order_id = ANY ($2)"#,
        org.uuid(),
        orders,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.order_id, row.kind == "pickup", row.into())).collect())
}

/// Seals what is about people with the key of the stop's subject. The key is made with the first thing to seal.
async fn seal(tx: &mut Tx, vault: &Vault, stop: &Stop) -> Result<SealedContact> {
    if stop.contact.is_empty() {
        return Ok(SealedContact::default());
    }
    let org = tx.org()?;
    let key = vault.subject(tx, Subject::of_org(org, stop.subject)).await?;
    let close = |column, value: &Option<Private>| {
        value.as_ref().map(|text| key.seal(Sealing::new(TABLE, column, stop.id), text)).transpose()
    };
    Ok(SealedContact {
        name: close("name", &stop.contact.name)?,
        phone: close("phone", &stop.contact.phone)?,
        door: close("door", &stop.contact.door)?,
        notes: close("notes", &stop.contact.notes)?,
    })
}

/// Opens what is about people. Of somebody who was erased nothing is left.
async fn open(tx: &mut Tx, vault: &Vault, stop: &Stop) -> Result<Contact> {
    let sealed = &stop.sealed;
    if [&sealed.name, &sealed.phone, &sealed.door, &sealed.notes].iter().all(|one| one.is_none()) {
        return Ok(Contact::default());
    }
    let org = tx.org()?;
    let Some(key) = vault.existing(tx, Subject::of_org(org, stop.subject)).await? else {
        return Ok(Contact::default());
    };
    Ok(Contact {
        name: open_one(&key, stop, "name", sealed.name.as_ref())?,
        phone: open_one(&key, stop, "phone", sealed.phone.as_ref())?,
        door: open_one(&key, stop, "door", sealed.door.as_ref())?,
        notes: open_one(&key, stop, "notes", sealed.notes.as_ref())?,
    })
}

fn open_one(
    key: &SubjectKey,
    stop: &Stop,
    column: &'static str,
    value: Option<&Vec<u8>>,
) -> Result<Option<Private>> {
    value.map(|value| key.open(Sealing::new(TABLE, column, stop.id), value)).transpose()
}

/// Opens both ends of an order.
pub async fn open_both(tx: &mut Tx, vault: &Vault, order: &mut Order) -> Result<()> {
    order.pickup.contact = open(tx, vault, &order.pickup).await?;
    order.dropoff.contact = open(tx, vault, &order.dropoff).await?;
    Ok(())
}

fn seconds(stop: &Stop) -> Result<i32> {
    i32::try_from(stop.service_s).map_err(Error::internal)
}

/// Writes a new stop.
pub async fn insert(tx: &mut Tx, vault: &Vault, order: OrderId, kind: &str, stop: &Stop) -> Result<()> {
    let org = tx.org()?;
    let sealed = seal(tx, vault, stop).await?;
    let place = &stop.place;
    sqlx::query!(
        "INSERT INTO orders.stops (org_id, id, order_id, kind, subject_id, street, street_plain, postcode, city, city_plain,
                                   country, lat, lon, name, phone, door, notes, not_before, not_after, service_s)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        org.uuid(),
        stop.id.uuid(),
        order.uuid(),
        kind,
        stop.subject.uuid(),
        place.street,
        plain(&place.street),
        place.postcode,
        place.city,
        plain(&place.city),
        place.country,
        place.position.map(kernel::geo::Position::lat),
        place.position.map(kernel::geo::Position::lon),
        sealed.name,
        sealed.phone,
        sealed.door,
        sealed.notes,
        stop.not_before.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        stop.not_after.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        seconds(stop)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes a stop of a locked order as it is now.
pub async fn update(tx: &mut Tx, vault: &Vault, stop: &Stop) -> Result<()> {
    let org = tx.org()?;
    let sealed = seal(tx, vault, stop).await?;
    let place = &stop.place;
    sqlx::query!(
        "UPDATE orders.stops
            SET street = $3, street_plain = $4, postcode = $5, city = $6, city_plain = $7, country = $8, lat = $9, lon = $10,
                name = $11, phone = $12, door = $13, notes = $14, not_before = $15, not_after = $16, service_s = $17
          WHERE org_id = $1 AND id = $2",
        org.uuid(),
        stop.id.uuid(),
        place.street,
        plain(&place.street),
        place.postcode,
        place.city,
        plain(&place.city),
        place.country,
        place.position.map(kernel::geo::Position::lat),
        place.position.map(kernel::geo::Position::lon),
        sealed.name,
        sealed.phone,
        sealed.door,
        sealed.notes,
        stop.not_before.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        stop.not_after.map(jiff_sqlx::ToSqlx::to_sqlx) as _,
        seconds(stop)?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
