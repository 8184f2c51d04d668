//! The SQL of orders. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod counters;
pub mod events;
pub mod orders;
pub mod packages;
pub mod pins;
pub mod proofs;
pub mod scans;
pub mod shops;
pub mod stops;
pub mod terms;
pub mod zones;

use kernel::geo::Position;
use platform::vault::SealedColumn;

/// What is sealed with the key of a stop or a customer.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: stops::TABLE, column: "name", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "phone", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "door", row: "id", subject: "subject_id" },
    SealedColumn { table: stops::TABLE, column: "notes", row: "id", subject: "subject_id" },
    SealedColumn { table: events::TABLE, column: "note", row: "id", subject: "subject_id" },
    SealedColumn { table: scans::TABLE, column: "note", row: "id", subject: "subject_id" },
    SealedColumn { table: proofs::TABLE, column: "signature_name", row: "id", subject: "subject_id" },
    SealedColumn { table: proofs::TABLE, column: "notes", row: "id", subject: "subject_id" },
    platform::files::SEALED,
];

/// A position of two columns.
fn position(lat: Option<f64>, lon: Option<f64>) -> Option<Position> {
    Position::new(lat?, lon?).ok()
}
