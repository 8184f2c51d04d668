//! An import as the API shows it. Only the answer to the file itself shows what its rows say.

use kernel::ids::{ImportId, OrderId, ShopId};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::openapi::{optional_type_id, type_id};
use platform::vault::Private;
use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::create::NewOrder;
use crate::commands::imports::NewImport;
use crate::domain::import::RowError;
use crate::domain::import::columns::Mapping;
use crate::domain::sheet::Format;
use crate::entities::import::{Import, ImportRow};
use crate::http::orders::view::{OrderCash, OrderPosition, OrderWindow};

/// Rows that a preview shows as orders.
const SHOWN: usize = 20;
/// Wrong rows that a preview shows; the others are among its rows.
const WRONG: usize = 100;

/// One column of a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportColumn {
    /// Its heading.
    #[schema(example = "ZIP")]
    heading: String,
    /// What it is; absent: nothing is read from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "postcode")]
    field: Option<&'static str>,
}

fn columns(mapping: &Mapping) -> Vec<OrderImportColumn> {
    let column = |one: &crate::domain::import::columns::Column| OrderImportColumn {
        heading: one.heading.clone(),
        field: one.field.map(crate::domain::import::columns::Field::word),
    };
    mapping.0.iter().map(column).collect()
}

/// How a file is written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportFormat {
    /// `csv` or `xlsx`.
    #[schema(example = "csv")]
    kind: String,
    /// What separates values.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = ";")]
    delimiter: Option<String>,
    /// How characters are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "utf-8")]
    encoding: Option<String>,
}

impl From<&Format> for OrderImportFormat {
    fn from(format: &Format) -> Self {
        Self {
            kind: format.kind.clone(),
            delimiter: format.delimiter.map(String::from),
            encoding: format.encoding.clone(),
        }
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportError {
    /// The heading of the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Phone")]
    column: Option<String>,
    /// Where it would be in the body of an order.
    #[schema(example = "/dropoff/contact/phone")]
    pointer: String,
    /// What is wrong.
    #[schema(example = "needs + and the country code, as +44 20 7946 0018")]
    text: String,
}

impl From<&RowError> for OrderImportError {
    fn from(error: &RowError) -> Self {
        Self { column: error.column.clone(), pointer: error.pointer.clone(), text: error.text.clone() }
    }
}

/// A wrong row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportWrongRow {
    /// The line or row of the file, counted from 1.
    #[schema(example = 3)]
    number: u32,
    /// What is wrong.
    errors: Vec<OrderImportError>,
}

/// A row as the order that it will be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportOrder {
    /// The line or row of the file, counted from 1.
    #[schema(example = 2)]
    number: u32,
    /// What an outside system calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "web-10042")]
    reference: Option<String>,
    /// Street and house number.
    #[schema(example = "Hämeentie 5")]
    street: String,
    /// Postcode.
    #[schema(example = "00530")]
    postcode: String,
    /// City.
    #[schema(example = "Helsinki")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "FI")]
    country: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<OrderPosition>,
    /// Who is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grace Hopper")]
    contact_name: Option<String>,
    /// Their number, in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+358401234567")]
    contact_phone: Option<String>,
    /// Floor, code, bell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "B 12")]
    door: Option<String>,
    /// For the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ring twice.")]
    notes: Option<String>,
    /// When somebody should come.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<OrderWindow>,
    /// When the goods are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:15:00Z")]
    ready_at: Option<Timestamp>,
    /// Higher goes first.
    #[schema(example = 0)]
    priority: i16,
    /// Cash to collect at the door.
    #[serde(skip_serializing_if = "Option::is_none")]
    cash: Option<OrderCash>,
    /// Words to find it by.
    #[schema(example = json!(["breakfast"]))]
    tags: Vec<String>,
    /// How many packages.
    #[schema(example = 1)]
    packages: usize,
    /// Grams of all packages.
    #[schema(example = 1200)]
    weight_g: u64,
}

impl OrderImportOrder {
    fn new(number: u32, order: &NewOrder) -> Self {
        let said = |text: &Option<Private>| text.as_ref().map(|text| text.reveal().to_owned());
        let (place, contact) = (order.dropoff.place.clone(), &order.dropoff.contact);
        Self {
            number,
            reference: order.reference.clone(),
            street: place.street,
            postcode: place.postcode,
            city: place.city,
            country: place.country,
            position: place.position.map(OrderPosition::from),
            contact_name: said(&contact.name),
            contact_phone: said(&contact.phone),
            door: said(&contact.door),
            notes: said(&contact.notes),
            window: OrderWindow::new(order.dropoff.not_before, order.dropoff.not_after),
            ready_at: order.ready_at,
            priority: order.priority,
            cash: order.cash.map(OrderCash::from),
            tags: order.tags.clone(),
            packages: order.packages.len().max(1),
            weight_g: order.packages.iter().map(|package| u64::from(package.load.weight_g)).sum(),
        }
    }
}

/// What a file becomes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportPreview {
    /// To confirm it by; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ImportId>)]
    id: Option<ImportId>,
    /// An import of the same file in the last 24 hours that was not undone: perhaps this one is a mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ImportId>)]
    duplicate_of: Option<ImportId>,
    /// How it is written.
    format: OrderImportFormat,
    /// Which column is which field.
    columns: Vec<OrderImportColumn>,
    /// Rows that will be orders.
    #[schema(example = 118)]
    valid: i32,
    /// Rows that will not.
    #[schema(example = 2)]
    invalid: i32,
    /// The first 100 wrong rows.
    errors: Vec<OrderImportWrongRow>,
    /// The first 20 of the others, as the orders that they will be.
    orders: Vec<OrderImportOrder>,
}

impl OrderImportPreview {
    pub(super) fn new(
        file: &NewImport,
        import: Option<&Import>,
        duplicate_of: Option<ImportId>,
    ) -> Result<Self> {
        let counts = file.counts()?;
        let wrong = file.rows.iter().filter_map(|row| Some((row.number, row.order.as_ref().err()?)));
        let right = file.rows.iter().filter_map(|row| Some((row.number, row.order.as_ref().ok()?)));
        let errors = |(number, errors): (u32, &Vec<RowError>)| OrderImportWrongRow {
            number,
            errors: errors.iter().map(OrderImportError::from).collect(),
        };
        Ok(Self {
            id: import.map(|import| import.id),
            duplicate_of,
            format: (&file.format).into(),
            columns: columns(&file.mapping),
            valid: counts.valid,
            invalid: counts.invalid,
            errors: wrong.take(WRONG).map(errors).collect(),
            orders: right.take(SHOWN).map(|(number, order)| OrderImportOrder::new(number, order)).collect(),
        })
    }
}

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct OrderImportCounts {
    /// Wait for their order.
    #[schema(example = 0)]
    valid: i32,
    /// Are wrong.
    #[schema(example = 2)]
    invalid: i32,
    /// Have an order.
    #[schema(example = 118)]
    created: i32,
    /// Were refused, although they seemed right.
    #[schema(example = 0)]
    failed: i32,
    /// Had an order that was called off.
    #[schema(example = 0)]
    undone: i32,
    /// Have an order that could not be called off.
    #[schema(example = 0)]
    kept: i32,
}

/// An import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportView {
    /// Identifier.
    #[schema(schema_with = type_id::<ImportId>)]
    id: ImportId,
    /// Counts changes.
    #[schema(example = 6)]
    version: i64,
    /// `previewed`, `running`, `done`, `undoing` or `undone`.
    #[schema(example = "done")]
    state: &'static str,
    /// The shop that its orders come from.
    #[schema(schema_with = type_id::<ShopId>)]
    shop_id: ShopId,
    /// An import of the same file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<ImportId>)]
    duplicate_of: Option<ImportId>,
    /// How the file is written.
    format: OrderImportFormat,
    /// Which column is which field.
    columns: Vec<OrderImportColumn>,
    /// Rows by what became of them.
    rows: OrderImportCounts,
    /// When the file was sent.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When the last row was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:01:00Z")]
    finished_at: Option<Timestamp>,
    /// When it last changed.
    #[schema(example = "2026-11-20T12:01:00Z")]
    updated_at: Timestamp,
}

impl From<&Import> for OrderImportView {
    fn from(import: &Import) -> Self {
        let counts = import.counts;
        Self {
            id: import.id,
            version: import.version,
            state: import.state.as_str(),
            shop_id: import.shop_id,
            duplicate_of: import.duplicate_of,
            format: (&import.format).into(),
            columns: columns(&import.mapping),
            rows: OrderImportCounts {
                valid: counts.valid,
                invalid: counts.invalid,
                created: counts.created,
                failed: counts.failed,
                undone: counts.undone,
                kept: counts.kept,
            },
            created_at: import.created_at,
            finished_at: import.finished_at,
            updated_at: import.updated_at,
        }
    }
}

/// A row of an import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderImportRow {
    /// The line or row of the file, counted from 1.
    #[schema(example = 2)]
    number: i32,
    /// `valid`, `invalid`, `created`, `failed`, `undone` or `kept`.
    #[schema(example = "created")]
    state: String,
    /// Its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<OrderId>)]
    order_id: Option<OrderId>,
    /// What is wrong with it, or why it could not be undone.
    errors: Vec<OrderImportError>,
}

impl From<ImportRow> for OrderImportRow {
    fn from(row: ImportRow) -> Self {
        Self {
            number: row.number,
            state: row.state,
            order_id: row.order_id,
            errors: row.errors.iter().map(OrderImportError::from).collect(),
        }
    }
}
