//! What was captured at stops.

use std::collections::BTreeSet;

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kernel::geo::Position;
use kernel::ids::{FileId, OrderId, ProofId, SubjectId, Uuid};
use platform::db::{Locked, Tx};
use platform::vault::{Place, Subject, SubjectKey, Vault};
use platform::{Error, Result};

use super::{position, seal_said};
use crate::domain::proof::{Kind, Stop};
use crate::entities::Proof;

/// For sealed columns.
pub const TABLE: &str = "orders.proofs";

struct Row {
    id: Uuid,
    order_id: Uuid,
    version: i64,
    stop: String,
    attempt: i16,
    at: SqlTime,
    recorded_at: SqlTime,
    by: String,
    lat: Option<f64>,
    lon: Option<f64>,
    subject_id: Uuid,
    signature_name: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    barcodes: Vec<String>,
    pin: bool,
    age_confirmed: bool,
    photo: Option<Uuid>,
    signature: Option<Uuid>,
}

impl Row {
    fn open(self, key: Option<&SubjectKey>) -> Result<Proof> {
        let open = |column, value: &Option<Vec<u8>>| match (key, value) {
            (Some(key), Some(value)) => key.open(Place::new(TABLE, column, self.id), value).map(Some),
            _ => Ok(None),
        };
        Ok(Proof {
            signature_name: open("signature_name", &self.signature_name)?,
            notes: open("notes", &self.notes)?,
            id: ProofId::new(self.id),
            order_id: OrderId::new(self.order_id),
            version: self.version,
            stop: Stop::parse(&self.stop).ok_or_else(|| Error::internal("orders.proofs.stop cannot be"))?,
            attempt: self.attempt,
            at: self.at.to_jiff(),
            recorded_at: self.recorded_at.to_jiff(),
            by: self.by,
            position: position(self.lat, self.lon),
            subject: SubjectId::new(self.subject_id),
            barcodes: self.barcodes,
            pin: self.pin,
            age_confirmed: self.age_confirmed,
            photo: self.photo.map(FileId::new),
            signature: self.signature.map(FileId::new),
        })
    }
}

/// Writes what was captured at a stop of a locked order.
pub async fn insert(tx: &mut Tx, vault: &Vault, proof: &Proof) -> Result<()> {
    let org = tx.org()?;
    let place = |column| Place::new(TABLE, column, proof.id);
    let (subject, name, said) = (proof.subject, proof.signature_name.as_ref(), proof.notes.as_ref());
    let signature_name = seal_said(tx, vault, subject, place("signature_name"), name).await?;
    let notes = seal_said(tx, vault, subject, place("notes"), said).await?;
    sqlx::query!(
        "INSERT INTO orders.proofs (org_id, id, order_id, version, stop, attempt, at, recorded_at, by, lat, lon, subject_id,
                                    signature_name, notes, barcodes, pin, age_confirmed)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        org.uuid(),
        proof.id.uuid(),
        proof.order_id.uuid(),
        proof.stop.as_str(),
        proof.attempt,
        proof.at.to_sqlx() as _,
        proof.recorded_at.to_sqlx() as _,
        proof.by,
        proof.position.map(Position::lat),
        proof.position.map(Position::lon),
        proof.subject.uuid(),
        signature_name,
        notes,
        &proof.barcodes,
        proof.pin,
        proof.age_confirmed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The proofs of an order, oldest first.
pub async fn of_order(tx: &mut Tx, vault: &Vault, order: OrderId) -> Result<Vec<Proof>> {
    let org = tx.org()?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, order_id, version, stop, attempt, at AS "at: SqlTime", recorded_at AS "recorded_at: SqlTime", by, lat,
                  lon, subject_id, signature_name, notes, barcodes, pin, age_confirmed, photo, signature
             FROM orders.proofs WHERE org_id = $1 AND order_id = $2 ORDER BY id"#,
        org.uuid(),
        order.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut proofs = Vec::with_capacity(rows.len());
    for row in rows {
        let key = vault.existing(tx, Subject::of_org(org, SubjectId::new(row.subject_id))).await?;
        proofs.push(row.open(key.as_ref())?);
    }
    Ok(proofs)
}

/// Names another picture of a proof whose order is locked.
pub async fn set_picture(tx: &mut Tx, id: ProofId, kind: Kind, file: FileId) -> Result<Locked> {
    let org = tx.org()?;
    let (photo, signature) = match kind {
        Kind::Signature => (None, Some(file.uuid())),
        _ => (Some(file.uuid()), None),
    };
    let version = sqlx::query_scalar!(
        "UPDATE orders.proofs
            SET photo = coalesce($3, photo), signature = coalesce($4, signature), version = version + 1
          WHERE org_id = $1 AND id = $2 RETURNING version",
        org.uuid(),
        id.uuid(),
        photo,
        signature,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(id, version))
}

/// What was captured at a stop in an attempt, all proofs together. Barcodes are returned as they were read.
pub async fn captured(
    tx: &mut Tx,
    order: OrderId,
    stop: Stop,
    attempt: u16,
) -> Result<(BTreeSet<Kind>, Vec<String>)> {
    let org = tx.org()?;
    let rows = sqlx::query!(
        r#"SELECT photo IS NOT NULL AS "photo!", signature IS NOT NULL AS "signature!", notes IS NOT NULL AS "notes!", pin,
                  age_confirmed, barcodes
             FROM orders.proofs WHERE org_id = $1 AND order_id = $2 AND stop = $3 AND attempt = $4"#,
        org.uuid(),
        order.uuid(),
        stop.as_str(),
        i16::try_from(attempt).map_err(Error::internal)?,
    )
    .fetch_all(tx.conn())
    .await?;
    let (mut kinds, mut barcodes) = (BTreeSet::new(), Vec::new());
    for row in rows {
        let had = [
            (Kind::Photo, row.photo),
            (Kind::Signature, row.signature),
            (Kind::Pin, row.pin),
            (Kind::Notes, row.notes),
            (Kind::MinimumAge, row.age_confirmed),
            (Kind::Barcodes, !row.barcodes.is_empty()),
        ];
        kinds.extend(had.into_iter().filter(|(_, had)| *had).map(|(kind, _)| kind));
        barcodes.extend(row.barcodes);
    }
    Ok((kinds, barcodes))
}
