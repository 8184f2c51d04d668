//! A file becomes rows, and each row an order that the API would accept, or what is wrong with it. A row is read as the body of
//! `POST /orders`: the same rules, the same words.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::tz::TimeZone;
use platform::auth::Role;
use platform::http::extract::parse;
use platform::http::upload::SheetKind;
use platform::{Error, Kind, Result};

use crate::commands::create::check;
use crate::domain::import::RowError;
use crate::domain::import::cells::{self, Setting};
use crate::domain::import::columns::Mapping;
use crate::domain::sheet::{self, Format, SheetError};
use crate::entities::import::Read;
use crate::http::orders::create::NewOrderBody;

/// A file that was read.
#[derive(Debug)]
pub(super) struct File {
    /// How it is written.
    pub format: Format,
    /// Which column is which field.
    pub mapping: Mapping,
    /// Its rows.
    pub rows: Vec<Read>,
}

/// Reads a file. It keeps a core busy: call it where that disturbs nobody.
pub(super) fn read(
    kind: SheetKind,
    body: &Bytes,
    said: &BTreeMap<String, String>,
    setting: &Setting,
) -> Result<File> {
    let sheet = match kind {
        SheetKind::Csv => sheet::read_csv(body),
        SheetKind::Xlsx => sheet::read_xlsx(body),
    };
    let sheet = sheet.map_err(|error| refused(&error))?;
    let mapping = Mapping::detect(&sheet.heading, said);
    let mapping = mapping.map_err(|error| Error::invalid_field("mapping", error.to_string()))?;
    let row = |line: sheet::Line| Read { number: line.number, order: order(&mapping, &line.cells, setting) };
    let rows = sheet.lines.into_iter().map(row).collect();
    Ok(File { format: sheet.format, mapping, rows })
}

fn refused(error: &SheetError) -> Error {
    Error::new(Kind::Invalid, "invalid_file", error.to_string())
}

/// The order of a row, or everything that is wrong with it.
fn order(
    mapping: &Mapping,
    cells: &[String],
    setting: &Setting,
) -> Result<crate::commands::create::NewOrder, Vec<RowError>> {
    let (body, mut errors) = cells::read(mapping, cells, setting);
    let order = serde_json::to_vec(&body).map_err(Error::internal).and_then(|body| {
        let mut order = parse::<NewOrderBody>(&body)?.read(Role::Service)?;
        order.source = "import";
        check(&order)?;
        Ok(order)
    });
    match order {
        Ok(order) if errors.is_empty() => Ok(order),
        Ok(_) => Err(errors),
        Err(refusal) => {
            errors.extend(RowError::of(&refusal, mapping));
            Err(errors)
        }
    }
}

/// The setting of a shop's files.
pub(super) fn setting(
    shop_id: kernel::ids::ShopId,
    shop: &contracts::storefront::ShopFacts,
    now: kernel::time::Timestamp,
) -> Setting {
    let zone = TimeZone::get(&shop.time_zone).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(now).date();
    Setting { shop_id, zone, currency: shop.currency, today }
}
