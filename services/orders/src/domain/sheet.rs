//! Tables that somebody sends: a heading and rows of texts, whatever the file is.
//!
//! A file is not trusted: rows, columns and characters are counted while it is read, and a workbook is unpacked within a
//! limit before anything looks at it.

mod csv;
mod xlsx;

use serde::{Deserialize, Serialize};

pub use csv::read as read_csv;
pub use xlsx::read as read_xlsx;

/// Rows below the heading.
pub const MAX_ROWS: usize = 5_000;
/// Columns.
pub const MAX_COLUMNS: usize = 100;
/// Bytes of one cell: more than any field of an order takes.
const MAX_CELL: usize = 4_000;
/// Bytes of all cells: one text of a workbook can stand in every cell.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// `csv` or `xlsx`.
    pub kind: String,
    /// What separates values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// How characters are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// How it was written.
    pub format: Format,
    /// The first row with something in it.
    pub heading: Vec<String>,
    /// The others with something in them.
    pub lines: Vec<Line>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line or row of the file, counted from 1.
    pub number: u32,
    /// Its cells, without blanks around them.
    pub cells: Vec<String>,
}

/// Why a file is no table of orders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// It is damaged, or something else.
    #[error("The file cannot be read as {0}.")]
    Unreadable(&'static str),
    /// Nothing below the heading.
    #[error("The file has no rows below its heading.")]
    Empty,
    /// Too many rows.
    #[error("The file has more than {MAX_ROWS} rows.")]
    Rows,
    /// Too many columns.
    #[error("The file has more than {MAX_COLUMNS} columns.")]
    Columns,
    /// Too much text.
    #[error("The file holds more text than {MAX_ROWS} orders have.")]
    Large,
}

/// Collects rows within the limits.
struct Builder {
    lines: Vec<Line>,
    bytes: usize,
}

impl Builder {
    fn new() -> Self {
        Self { lines: Vec::new(), bytes: 0 }
    }

    /// Adds a cell; rows come in their order.
    fn cell(&mut self, number: u32, column: usize, text: &str) -> Result<(), SheetError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        self.bytes += text.len();
        if text.len() > MAX_CELL || self.bytes > MAX_TEXT {
            return Err(SheetError::Large);
        }
        if column >= MAX_COLUMNS {
            return Err(SheetError::Columns);
        }
        if self.lines.last().is_none_or(|line| line.number != number) {
            if self.lines.len() > MAX_ROWS {
                return Err(SheetError::Rows);
            }
            self.lines.push(Line { number, cells: Vec::new() });
        }
        if let Some(line) = self.lines.last_mut() {
            line.cells.resize(line.cells.len().max(column + 1), String::new());
            if let Some(cell) = line.cells.get_mut(column) {
                text.clone_into(cell);
            }
        }
        Ok(())
    }

    fn finish(self, format: Format) -> Result<Sheet, SheetError> {
        let mut lines = self.lines.into_iter();
        let heading = lines.next().map(|line| line.cells).unwrap_or_default();
        let lines: Vec<Line> = lines.collect();
        if lines.is_empty() { Err(SheetError::Empty) } else { Ok(Sheet { format, heading, lines }) }
    }
}
