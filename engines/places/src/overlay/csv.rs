//! Reads an official address list.

use std::io::{self, Read};

use csv::StringRecord;
use osm::Point;

use crate::Error;
use crate::import::Listed;
use crate::model::Belongs;

/// Bounds of an address list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsvLimits {
    /// Rows beyond this refuse the whole list.
    pub max_rows: u64,
    /// Bytes beyond this are not read.
    pub max_bytes: u64,
    /// Errors that are kept; the others are counted.
    pub max_errors: usize,
}

impl Default for CsvLimits {
    /// A country of a few million houses is cut to the area of the shop first.
    fn default() -> Self {
        Self { max_rows: 1_000_000, max_bytes: 256 << 20, max_errors: 100 }
    }
}

/// What became of a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CsvReport {
    /// Rows after the header.
    pub rows: u64,
    /// Rows that are used.
    pub accepted: u64,
    /// Rows that are left out.
    pub refused: u64,
    /// Why, for the first of them.
    pub errors: Vec<RowError>,
}

/// Why a row is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowError {
    /// Line in the file, the header being 1.
    pub line: u64,
    /// What is wrong.
    pub problem: RowProblem,
}

/// What can be wrong with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RowProblem {
    /// No street.
    #[error("the street is missing")]
    NoStreet,
    /// No house number.
    #[error("the house number is missing")]
    NoNumber,
    /// Latitude or longitude is no number, outside of the globe, or exactly 0, 0.
    #[error("the position is not a latitude and longitude in degrees")]
    BadPosition,
    /// A field with more than 200 letters.
    #[error("a field is too long")]
    TooLong,
    /// Not UTF-8, or another number of fields than the header.
    #[error("the row is not text with the columns of the header")]
    Malformed,
}

const LONGEST_FIELD: usize = 200;

/// Bytes in which the separator is looked for.
const HEAD_BYTES: u64 = 4096;

/// Columns by position.
struct Columns {
    street: usize,
    number: usize,
    postcode: Option<usize>,
    city: Option<usize>,
    district: Option<usize>,
    lat: usize,
    lon: usize,
}

const STREET: &[&str] = &[
    "street",
    "streetname",
    "addrstreet",
    "road",
    "roadname",
    "strasse",
    "straße",
    "strassenname",
    "str",
    "rue",
    "rua",
    "calle",
    "via",
    "katu",
    "gata",
    "ulica",
];
const NUMBER: &[&str] = &[
    "housenumber",
    "number",
    "addrhousenumber",
    "streetnumber",
    "hausnummer",
    "hausnr",
    "hnr",
    "houseno",
    "no",
    "nr",
    "num",
    "numero",
    "número",
];
const POSTCODE: &[&str] =
    &["postcode", "addrpostcode", "postalcode", "zip", "zipcode", "plz", "codepostal", "cap", "cp"];
const CITY: &[&str] = &[
    "city",
    "addrcity",
    "town",
    "ort",
    "ortsname",
    "municipality",
    "gemeinde",
    "locality",
    "ville",
    "commune",
    "cidade",
    "ciudad",
];
const DISTRICT: &[&str] = &["district", "suburb", "ortsteil", "bezirk"];
const LAT: &[&str] = &["lat", "latitude", "y", "breite", "breitengrad"];
const LON: &[&str] = &["lon", "lng", "long", "longitude", "x", "laenge", "länge", "längengrad"];

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, Error> {
        let plain = |name: &str| {
            let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
            letters.to_lowercase()
        };
        let names: Vec<String> = header.iter().map(plain).collect();
        // In the order of the list: `city` is better than `municipality` when both are there.
        let find =
            |known: &[&str]| known.iter().find_map(|known| names.iter().position(|name| name == known));
        Ok(Self {
            street: find(STREET).ok_or(Error::NoColumn("the street"))?,
            number: find(NUMBER).ok_or(Error::NoColumn("the house number"))?,
            postcode: find(POSTCODE),
            city: find(CITY),
            district: find(DISTRICT),
            lat: find(LAT).ok_or(Error::NoColumn("the latitude"))?,
            lon: find(LON).ok_or(Error::NoColumn("the longitude"))?,
        })
    }

    fn read(&self, row: &StringRecord, line: u64) -> Result<Listed, RowProblem> {
        let get = |column: usize| row.get(column).unwrap_or_default().trim().to_owned();
        let maybe = |column: Option<usize>| column.map(get).unwrap_or_default();
        if row.iter().any(|field| field.chars().count() > LONGEST_FIELD) {
            return Err(RowProblem::TooLong);
        }
        let (street, number) = (get(self.street), get(self.number));
        if crate::text::name_key(&street).is_empty() {
            return Err(RowProblem::NoStreet);
        }
        if crate::text::name_key(&number).is_empty() {
            return Err(RowProblem::NoNumber);
        }
        let point = position(&get(self.lat), &get(self.lon)).ok_or(RowProblem::BadPosition)?;
        let belongs = Belongs {
            postcode: maybe(self.postcode),
            city: maybe(self.city),
            district: maybe(self.district),
            country: String::new(),
        };
        Ok(Listed { street, number, point, belongs, line })
    }
}

fn position(lat: &str, lon: &str) -> Option<Point> {
    // A comma is the decimal sign of half of Europe.
    let degrees =
        |text: &str| text.replace(',', ".").parse::<f64>().ok().filter(|degrees| degrees.is_finite());
    let (lat, lon) = (degrees(lat)?, degrees(lon)?);
    let on_globe = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
    (on_globe && (lat != 0.0 || lon != 0.0)).then(|| Point::from_degrees(lat, lon))
}

/// Reads a list.
pub(super) fn read(file: impl Read, limits: &CsvLimits) -> Result<(Vec<Listed>, CsvReport), Error> {
    let mut file = file.take(limits.max_bytes);
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .from_reader(io::Cursor::new(text).chain(file));
    let columns = Columns::of(reader.headers()?)?;
    let width = reader.headers()?.len();
    let mut listed = Vec::new();
    let mut report = CsvReport::default();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row)? {
        report.rows += 1;
        if report.rows > limits.max_rows {
            return Err(Error::TooManyRows(limits.max_rows));
        }
        let line = row.position().map_or(0, csv::Position::line);
        let text = StringRecord::from_byte_record(row.clone()).ok().filter(|row| row.len() == width);
        match text.ok_or(RowProblem::Malformed).and_then(|row| columns.read(&row, line)) {
            Ok(address) => listed.push(address),
            Err(problem) => {
                report.refused += 1;
                if report.errors.len() < limits.max_errors {
                    report.errors.push(RowError { line, problem });
                }
            }
        }
    }
    report.accepted = report.rows - report.refused;
    Ok((listed, report))
}

/// The sign that the first line has most of.
fn separator(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |sign: u8| line.split(|byte| *byte == sign).count();
    [b',', b';', b'\t', b'|'].into_iter().max_by_key(|sign| (count(*sign), *sign == b',')).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Vec<Listed>, CsvReport) {
        read(text.as_bytes(), &CsvLimits::default()).unwrap()
    }

    #[test]
    fn the_columns_of_openaddresses_are_understood() {
        let (listed, report) = rows(
            "LON,LAT,NUMBER,STREET,UNIT,CITY,DISTRICT,REGION,POSTCODE,ID,HASH\n9.52,47.14,12,Landstrasse,,Vaduz,,,9490,,a1\n",
        );
        assert_eq!((report.accepted, report.refused), (1, 0));
        assert_eq!(listed[0].street, "Landstrasse");
        assert_eq!(listed[0].belongs.postcode, "9490");
        assert_eq!(listed[0].point, Point::from_degrees(47.14, 9.52));
    }

    #[test]
    fn semicolons_decimal_commas_and_a_byte_order_mark_are_understood() {
        let (listed, _) = rows("\u{feff}Straße;Hausnummer;PLZ;Ort;Lat;Lon\nAu;3a;9490;Vaduz;47,14;9,52\n");
        assert_eq!(listed[0].number, "3a");
        assert_eq!(listed[0].point, Point::from_degrees(47.14, 9.52));
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_the_others_are_used() {
        let mut text =
            "street,number,lat,lon\n,1,47,9\nA,,47,9\nA,1,x,9\nA,1,0,0\nA,1,91,0\nA,1\nA,2,47.1,9.1\n"
                .to_owned();
        text.extend(["x".repeat(300).as_str(), ",1,47,9\n"]);
        let (listed, report) = rows(&text);
        assert_eq!(listed.len(), 1);
        assert_eq!((report.rows, report.accepted, report.refused), (8, 1, 7));
        let problems: Vec<(u64, RowProblem)> =
            report.errors.iter().map(|error| (error.line, error.problem)).collect();
        assert_eq!(
            problems,
            [
                (2, RowProblem::NoStreet),
                (3, RowProblem::NoNumber),
                (4, RowProblem::BadPosition),
                (5, RowProblem::BadPosition),
                (6, RowProblem::BadPosition),
                (7, RowProblem::Malformed),
                (9, RowProblem::TooLong),
            ]
        );
    }

    #[test]
    fn bytes_that_are_no_text_refuse_their_row_only() {
        let mut bytes = b"street,number,lat,lon\nA\xff,1,47,9\n".to_vec();
        bytes.extend(b"A,2,47,9\n");
        let (listed, report) = read(bytes.as_slice(), &CsvLimits::default()).unwrap();
        assert_eq!((listed.len(), report.refused), (1, 1));
    }

    #[test]
    fn a_list_without_a_position_or_beyond_its_limit_is_refused() {
        let limits = CsvLimits { max_rows: 1, ..CsvLimits::default() };
        assert!(matches!(
            read("street,number\nA,1\n".as_bytes(), &limits),
            Err(Error::NoColumn("the latitude"))
        ));
        let two = "street,number,lat,lon\nA,1,47,9\nA,2,47,9\n";
        assert!(matches!(read(two.as_bytes(), &limits), Err(Error::TooManyRows(1))));
        assert!(matches!(read("".as_bytes(), &limits), Err(Error::NoColumn(_))));
    }
}
