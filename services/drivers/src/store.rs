//! The SQL of drivers. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod documents;
pub mod drivers;
pub mod history;
pub mod ratings;
pub mod shifts;
pub mod vehicles;

use platform::vault::SealedColumn;

/// What is sealed with the key of a driver.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: "drivers.drivers", column: "name", row: "id", subject: "id" },
    SealedColumn { table: "drivers.drivers", column: "phone", row: "id", subject: "id" },
    SealedColumn { table: "drivers.drivers", column: "notes", row: "id", subject: "id" },
    SealedColumn { table: "drivers.documents", column: "number", row: "id", subject: "driver_id" },
    platform::files::SEALED,
];
