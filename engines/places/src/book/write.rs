//! Packs a gazetteer.

use std::collections::HashMap;

use osm::Point;

use super::grid::{self, Cells};
use super::{FORMAT, MAGIC, TABLES, Table};
use crate::model::{Belongs, Footprint, Gazetteer, House, Name, Origin, Spot, SpotKind, Street};
use crate::text::{HouseNumber, name_key};

/// A building larger than this many cells is a mistake in the data; it stays findable by its points.
const MOST_CELLS: u32 = 400;

/// The packed file.
pub(crate) fn pack(gazetteer: &Gazetteer) -> Vec<u8> {
    let mut writer = Writer::new();
    for (index, house) in gazetteer.houses.iter().enumerate() {
        writer.house(id(index), house);
    }
    let mut first_house = 0;
    for (index, street) in gazetteer.streets.iter().enumerate() {
        let houses = &gazetteer.houses[first_house..];
        let count = houses.iter().take_while(|house| house.street == id(index)).count();
        writer.street(id(index), street, (id(first_house), id(count)));
        first_house += count;
    }
    for spot in &gazetteer.spots {
        writer.spot(spot);
    }
    for (index, footprint) in gazetteer.footprints.iter().enumerate() {
        writer.footprint(id(index), footprint);
    }
    writer.finish()
}

/// Counts stay far below 2^32: the extract itself is bounded.
fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

struct Writer {
    texts: Vec<u8>,
    known: HashMap<String, u32>,
    tables: [Vec<u32>; TABLES],
}

impl Writer {
    fn new() -> Self {
        Self { texts: vec![0, 0], known: HashMap::from([(String::new(), 0)]), tables: Default::default() }
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(offset) = self.known.get(text) {
            return *offset;
        }
        let end = (0..=text.len().min(usize::from(u16::MAX)))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let offset = id(self.texts.len());
        self.texts.extend(u16::try_from(end).unwrap_or(0).to_le_bytes());
        self.texts.extend(&text.as_bytes()[..end]);
        self.known.insert(text.to_owned(), offset);
        offset
    }

    fn rows(&self, table: Table) -> u32 {
        id(self.tables[table as usize].len() / table.width())
    }

    fn push<const N: usize>(&mut self, table: Table, row: [u32; N]) {
        debug_assert_eq!(N, table.width(), "a row of {table:?}");
        self.tables[table as usize].extend(row);
    }

    fn names(&mut self, names: &[Name]) -> (u32, u32) {
        let first = self.rows(Table::Names);
        for name in names {
            let row = [self.text(&name.language), self.text(&name.text), self.text(&name_key(&name.text))];
            self.push(Table::Names, row);
        }
        (first, id(names.len()))
    }

    fn points(&mut self, points: &[Point]) -> (u32, u32) {
        let first = self.rows(Table::Points);
        for point in points {
            self.push(Table::Points, point_words(*point));
        }
        (first, id(points.len()))
    }

    fn belongs(&mut self, belongs: &Belongs) -> [u32; 4] {
        [
            self.text(&belongs.postcode),
            self.text(&belongs.city),
            self.text(&belongs.district),
            self.text(&belongs.country),
        ]
    }

    fn street(&mut self, index: u32, street: &Street, houses: (u32, u32)) {
        let names = self.names(&street.names);
        let [lat, lon] = point_words(street.point);
        let [postcode, city, district, country] = self.belongs(&street.belongs);
        let lines = self.lines(index, &street.lines);
        let [kind, low, high] = origin_words(street.origin);
        let row = [
            names.0, names.1, lat, lon, postcode, city, district, country, houses.0, houses.1, lines.0,
            lines.1, kind, low, high,
        ];
        self.push(Table::Streets, row);
    }

    fn lines(&mut self, street: u32, lines: &[Vec<Point>]) -> (u32, u32) {
        let first = self.rows(Table::Lines);
        for line in lines {
            let (point, count) = self.points(line);
            let index = self.rows(Table::Lines);
            self.push(Table::Lines, [point, count, street]);
            for (a, b) in line.iter().zip(line.iter().skip(1)) {
                self.cells(Table::LineCells, grid::covering(&[*a, *b]), index);
            }
        }
        (first, id(lines.len()))
    }

    fn house(&mut self, index: u32, house: &House) {
        let number = HouseNumber::parse(&house.number);
        let (main, last) = number.as_ref().map_or((u32::MAX, u32::MAX), |number| (number.main, number.last));
        let key = number.map_or_else(|| name_key(&house.number), |number| number.text);
        let [south, east] = point_words(house.point);
        let [postcode, city, district, country] = self.belongs(&house.belongs);
        let [kind, low, high] = origin_words(house.origin);
        let row = [
            house.street,
            self.text(&house.number),
            main,
            last,
            self.text(&key),
            self.text(&house.name),
            south,
            east,
            postcode,
            city,
            district,
            country,
            u32::from(house.interpolated),
            kind,
            low,
            high,
        ];
        self.push(Table::Houses, row);
        self.cells(Table::HouseCells, grid::covering(&[house.point]), index);
        for door in &house.doors {
            let row = self.rows(Table::Doors);
            let [south, east] = point_words(*door);
            self.push(Table::Doors, [south, east, index]);
            self.cells(Table::DoorCells, grid::covering(&[*door]), row);
        }
    }

    fn spot(&mut self, spot: &Spot) {
        let names = self.names(&spot.names);
        let [lat, lon] = point_words(spot.point);
        let [postcode, city, district, country] = self.belongs(&spot.belongs);
        let [kind, low, high] = origin_words(spot.origin);
        let row = [
            u32::from(spot.kind == SpotKind::Place),
            names.0,
            names.1,
            self.text(&spot.category),
            spot.weight,
            lat,
            lon,
            self.text(&spot.street),
            self.text(&spot.number),
            postcode,
            city,
            district,
            country,
            kind,
            low,
            high,
        ];
        self.push(Table::Spots, row);
    }

    fn footprint(&mut self, index: u32, footprint: &Footprint) {
        let points = self.points(&footprint.ring);
        let first = self.rows(Table::FootprintHouses);
        for house in &footprint.houses {
            self.push(Table::FootprintHouses, [*house]);
        }
        self.push(Table::Footprints, [points.0, points.1, first, id(footprint.houses.len())]);
        self.cells(Table::FootprintCells, grid::covering(&footprint.ring), index);
    }

    fn cells(&mut self, table: Table, cells: Option<Cells>, index: u32) {
        let Some(Cells { rows, columns }) = cells else { return };
        if (rows.1 - rows.0 + 1).saturating_mul(columns.1 - columns.0 + 1) > MOST_CELLS {
            return;
        }
        for row in rows.0..=rows.1 {
            for column in columns.0..=columns.1 {
                self.push(table, [row, column, index]);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        for table in [Table::HouseCells, Table::FootprintCells, Table::LineCells, Table::DoorCells] {
            let mut rows: Vec<[u32; 3]> =
                self.tables[table as usize].chunks_exact(3).map(|row| [row[0], row[1], row[2]]).collect();
            rows.sort_unstable();
            rows.dedup();
            self.tables[table as usize] = rows.concat();
        }
        self.texts.resize(self.texts.len().next_multiple_of(4), 0);
        self.tables[Table::Texts as usize] = self
            .texts
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let mut words = vec![MAGIC, FORMAT];
        let mut start = words.len() + 2 * TABLES;
        for table in &self.tables {
            words.extend([id(start), id(table.len())]);
            start += table.len();
        }
        words.into_iter().chain(self.tables.into_iter().flatten()).flat_map(u32::to_le_bytes).collect()
    }
}

/// Signed coordinates keep their bits.
fn point_words(point: Point) -> [u32; 2] {
    [point.lat_e7.cast_unsigned(), point.lon_e7.cast_unsigned()]
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
fn origin_words(origin: Origin) -> [u32; 3] {
    let (kind, id) = origin.parts();
    let bits = id.cast_unsigned();
    [u32::from(kind), bits as u32, (bits >> 32) as u32]
}
