//! Separated values, as spreadsheet programs of all countries write them: commas, semicolons or tabs; UTF-8 or UTF-16 with a
//! byte order mark, UTF-8 without one, else Windows-1252.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{Builder, Format, Sheet, SheetError};

const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// Reads a file.
pub fn read(bytes: &[u8]) -> Result<Sheet, SheetError> {
    let unreadable = || SheetError::Unreadable("CSV");
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => WINDOWS_1252,
    };
    let (text, _, damaged) = encoding.decode(bytes);
    if damaged || text.contains('\0') {
        return Err(unreadable());
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let delimiter = delimiter(&text);
    let mut reader = csv::ReaderBuilder::new();
    let separator = u8::try_from(delimiter).map_err(|_wide| unreadable())?;
    let mut reader =
        reader.has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let mut builder = Builder::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|_damaged| unreadable())?;
        // The reader says where it was before it skipped empty lines.
        let from = record.position().map_or(0, csv::Position::byte);
        let from = usize::try_from(from).map_err(|_large| SheetError::Large)?;
        let begins =
            from + text.get(from..).map_or(0, |rest| rest.len() - rest.trim_start_matches('\n').len());
        line += text.get(counted..begins).map_or(0, |passed| passed.matches('\n').count());
        counted = begins;
        let number = u32::try_from(line).map_err(|_many| SheetError::Rows)?;
        for (column, text) in record.iter().enumerate() {
            builder.cell(number, column, text)?;
        }
    }
    let encoding = encoding.name().to_lowercase();
    builder.finish(Format { kind: "csv".to_owned(), delimiter: Some(delimiter), encoding: Some(encoding) })
}

/// The sign that stands most often in the heading, outside quotes.
fn delimiter(text: &str) -> char {
    let heading = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut counts = [0; DELIMITERS.len()];
    let mut quoted = false;
    for sign in heading.chars() {
        quoted ^= sign == '"';
        if let Some(at) = DELIMITERS.iter().position(|one| *one == sign && !quoted) {
            counts[at] += 1;
        }
    }
    // Of equals the first: the comma gives the name.
    let best = (0..DELIMITERS.len()).rev().max_by_key(|at| counts[*at]).unwrap_or_default();
    DELIMITERS[best]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        read(bytes).unwrap().lines.into_iter().map(|line| line.cells).collect()
    }

    #[test]
    fn the_separator_is_found() {
        for (text, found) in [
            ("a,b\n1,2", ','),
            ("a;b,c;d\n1;2;3", ';'),
            ("a\tb\n1\t2", '\t'),
            ("\"x;y;z\",b\n1,2", ','),
            ("a\n1", ','),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().format.delimiter, Some(found), "{text}");
        }
    }

    #[test]
    fn letters_are_right_in_every_encoding() {
        let utf16: Vec<u8> = "\u{feff}city\nKöln".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, encoding) in [
            ("city\nKöln".as_bytes(), "utf-8"),
            ("\u{feff}city\nKöln".as_bytes(), "utf-8"),
            (b"city\nK\xf6ln", "windows-1252"),
            (&utf16, "utf-16le"),
        ] {
            let sheet = read(bytes).unwrap();
            assert_eq!(
                (sheet.heading, sheet.format.encoding),
                (vec!["city".to_owned()], Some(encoding.to_owned()))
            );
            assert_eq!(cells(bytes), [["Köln"]]);
        }
    }

    #[test]
    fn rows_keep_their_line_when_others_are_empty_or_long() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "a,b\n\n1,\"two\nlines\"\n,\n 3 ,\n4".replace('\n', end);
            let sheet = read(text.as_bytes()).unwrap();
            let numbers: Vec<u32> = sheet.lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, [3, 6, 7], "{end:?}");
            assert_eq!(sheet.lines[0].cells, ["1", "two\nlines"]);
            assert_eq!(sheet.lines[1].cells, ["3"]);
        }
    }

    #[test]
    fn limits_hold() {
        let rows = |count: usize| format!("a\n{}", "1\n".repeat(count));
        assert_eq!(read(rows(5_000).as_bytes()).unwrap().lines.len(), 5_000);
        assert_eq!(read(rows(5_001).as_bytes()).unwrap_err(), SheetError::Rows);
        assert_eq!(read(format!("{}a\n1", "a,".repeat(100)).as_bytes()).unwrap_err(), SheetError::Columns);
        assert_eq!(read(format!("a\n{}", "x".repeat(4_001)).as_bytes()).unwrap_err(), SheetError::Large);
        for empty in ["", "\n\n", "a,b\n", "a\n,\n"] {
            assert_eq!(read(empty.as_bytes()).unwrap_err(), SheetError::Empty);
        }
        assert_eq!(read(b"a\n\0").unwrap_err(), SheetError::Unreadable("CSV"));
    }
}
