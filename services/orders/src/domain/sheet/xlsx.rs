//! The first sheet of a workbook. Numbers become what people would have typed, times of the spreadsheet ISO 8601.

use std::io::{Cursor, Read as _};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx};
use jiff::civil::{DateTime, date};

use super::{Builder, Format, Sheet, SheetError};

/// Bytes that a workbook may hold when it is unpacked.
const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
const UNREADABLE: SheetError = SheetError::Unreadable("XLSX");

/// Reads a workbook.
pub fn read(bytes: &[u8]) -> Result<Sheet, SheetError> {
    fits(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_damaged| UNREADABLE)?;
    let name = book.sheet_names().first().cloned().ok_or(UNREADABLE)?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(|_damaged| UNREADABLE)?;
    let mut builder = Builder::new();
    while let Some(cell) = cells.next_cell().map_err(|_damaged| UNREADABLE)? {
        let (row, column) = cell.get_position();
        let column = usize::try_from(column).map_err(|_many| SheetError::Columns)?;
        builder.cell(row.saturating_add(1), column, &text(cell.get_value()))?;
    }
    builder.finish(Format { kind: "xlsx".to_owned(), delimiter: None, encoding: None })
}

/// Unpacks everything once and keeps nothing: what the archive says about its own size may be a lie.
fn fits(bytes: &[u8]) -> Result<(), SheetError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_damaged| UNREADABLE)?;
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_damaged| UNREADABLE)?;
        let unpacked = std::io::copy(&mut file.take(left + 1), &mut std::io::sink());
        left = left.checked_sub(unpacked.map_err(|_damaged| UNREADABLE)?).ok_or(SheetError::Large)?;
    }
    Ok(())
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(time) => moment(time),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// A date with its time, or a time alone; to the second, because halves of minutes come from fractions of days.
fn moment(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, millisecond) = time.to_ymd_hms_milli();
    let small = |value: u8| i8::try_from(value).unwrap_or_default();
    let year = i16::try_from(year).unwrap_or_default();
    let at = DateTime::new(year, small(month), small(day), small(hour), small(minute), small(second), 0);
    let up = jiff::SignedDuration::from_secs(i64::from(millisecond >= 500));
    let at = at.unwrap_or(DateTime::ZERO).saturating_add(up);
    if time.is_duration() || at.date() < date(1904, 1, 3) {
        return at.strftime("%H:%M:%S").to_string();
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime as Written, Format as Look, Workbook};

    fn book(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut book = Workbook::new();
        fill(book.add_worksheet());
        book.save_to_buffer().unwrap()
    }

    #[test]
    fn cells_become_what_people_would_have_typed() {
        let (at, time) =
            (Look::new().set_num_format("yyyy-mm-dd hh:mm"), Look::new().set_num_format("hh:mm"));
        let bytes = book(|sheet| {
            sheet.write(0, 0, "a").unwrap();
            sheet.write(0, 5, "f").unwrap();
            sheet.write(2, 0, 1200).unwrap();
            sheet.write(2, 1, 12.5).unwrap();
            sheet.write(2, 2, "Märchenweg 1").unwrap();
            let moment = Written::parse_from_str("2026-11-20T12:40:00").unwrap();
            sheet.write_with_format(2, 3, &moment, &at).unwrap();
            sheet.write_with_format(2, 4, Written::from_hms(9, 5, 0.0).unwrap(), &time).unwrap();
            sheet.write(2, 5, true).unwrap();
        });
        let sheet = read(&bytes).unwrap();
        assert_eq!(sheet.heading, ["a", "", "", "", "", "f"]);
        assert_eq!(sheet.lines[0].number, 3);
        assert_eq!(
            sheet.lines[0].cells,
            ["1200", "12.5", "Märchenweg 1", "2026-11-20T12:40:00", "09:05:00", "true"]
        );
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        for none in [&b"a,b\n1,2"[..], b"", b"PK\x03\x04"] {
            assert_eq!(read(none).unwrap_err(), UNREADABLE);
        }
        let mut damaged = book(|sheet| {
            sheet.write(0, 0, "a").unwrap();
        });
        damaged.truncate(damaged.len() / 2);
        assert_eq!(read(&damaged).unwrap_err(), UNREADABLE);
        assert_eq!(read(&book(|_| {})).unwrap_err(), SheetError::Empty);
    }

    #[test]
    fn a_workbook_that_grows_beyond_measure_is_refused() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default()).unwrap();
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..65 {
            std::io::Write::write_all(&mut archive, &zeros).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        assert_eq!(read(&bytes).unwrap_err(), SheetError::Large);
        // One long text in every cell is small as a file.
        let long = "x".repeat(3_900);
        let bytes = book(|sheet| {
            for row in 0..5_000 {
                sheet.write(row, 0, long.as_str()).unwrap();
            }
        });
        assert!(bytes.len() < 1 << 20);
        assert_eq!(read(&bytes).unwrap_err(), SheetError::Large);
    }
}
