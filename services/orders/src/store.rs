//! The SQL of orders. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod counters;
pub mod events;
pub mod import_rows;
pub mod imports;
mod kept;
pub mod occurrences;
pub mod orders;
pub mod packages;
pub mod pins;
pub mod proofs;
pub mod recurrences;
pub mod scans;
pub mod shops;
pub mod stops;
pub mod terms;
pub mod zones;

use kernel::geo::Position;
use kernel::ids::{SubjectId, Uuid};
use platform::Result;
use platform::db::Tx;
use platform::vault::{Place, Private, SealedColumn, Subject, Vault};

/// What is sealed with the key of a stop, a customer, a recurrence or an import.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: stops::TABLE, column: "name", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "phone", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "door", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "notes", row: "id", subject: "subject_id" },
    SealedColumn { table: events::TABLE, column: "note", row: "id", subject: "subject_id" },
    SealedColumn { table: scans::TABLE, column: "note", row: "id", subject: "subject_id" },
    SealedColumn { table: proofs::TABLE, column: "signature_name", row: "id", subject: "subject_id" },
    SealedColumn { table: proofs::TABLE, column: "notes", row: "id", subject: "subject_id" },
    SealedColumn { table: pins::TABLE, column: "pin", row: "id", subject: "subject_id" },
    SealedColumn { table: recurrences::TABLE, column: "template", row: "id", subject: "subject_id" },
    SealedColumn { table: import_rows::TABLE, column: "content", row: "id", subject: "subject_id" },
    platform::files::SEALED,
];

/// A position of two columns.
fn position(lat: Option<f64>, lon: Option<f64>) -> Option<Position> {
    Position::new(lat?, lon?).ok()
}

/// What was said about somebody, or to them, as it is stored. Work goes on when somebody was erased meanwhile: what is said about them then is not kept.
async fn seal_said(
    tx: &mut Tx,
    vault: &Vault,
    subject: SubjectId,
    place: Place,
    said: Option<&Private>,
) -> Result<Option<Vec<u8>>> {
    let Some(said) = said else { return Ok(None) };
    let org = tx.org()?;
    match vault.subject(tx, Subject::of_org(org, subject)).await {
        Ok(key) => key.seal(place, said).map(Some),
        Err(error) if error.code() == "erased" => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same as it was said; nothing of somebody who was erased.
async fn open_said(
    tx: &mut Tx,
    vault: &Vault,
    subject: Option<Uuid>,
    place: Place,
    said: Option<&Vec<u8>>,
) -> Result<Option<Private>> {
    let (Some(said), Some(subject)) = (said, subject) else { return Ok(None) };
    let org = tx.org()?;
    let key = vault.existing(tx, Subject::of_org(org, subject)).await?;
    key.map(|key| key.open(place, said)).transpose()
}
