//! The packed file of everything that can be found, read in place.
//!
//! Layout, all numbers 32-bit little-endian words: magic, format, then for each table its first word and its number of words;
//! then the tables. A row has a fixed number of words; a text is an offset into the table of texts, where two bytes give its
//! length and UTF-8 follows. Offset 0 is the empty text. Every access is checked against the file, so a damaged file gives
//! missing answers, never a panic; that it is whole is checked where the map folder is opened.

mod grid;
mod read;
mod rows;
mod write;

pub(crate) use read::Book;
pub(crate) use rows::{HouseRow, SpotRow, StreetRow};
pub(crate) use write::pack;

/// "DMPL".
const MAGIC: u32 = 0x4c50_4d44;

/// Raised with every change of the layout.
const FORMAT: u32 = 2;

/// The format before houses had doors; its files are still read.
const WITHOUT_DOORS: u32 = 1;

/// The tables in their order, each with the words of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Table {
    Texts,
    Names,
    Streets,
    Houses,
    Spots,
    Lines,
    Points,
    Footprints,
    FootprintHouses,
    HouseCells,
    FootprintCells,
    LineCells,
    Doors,
    DoorCells,
}

const TABLES: usize = 14;

/// The tables of a format; `None` for one that is not known.
const fn tables_of(format: u32) -> Option<usize> {
    match format {
        FORMAT => Some(TABLES),
        WITHOUT_DOORS => Some(TABLES - 2),
        _ => None,
    }
}

impl Table {
    const fn width(self) -> usize {
        match self {
            Self::Texts | Self::FootprintHouses => 1,
            Self::Names
            | Self::Lines
            | Self::HouseCells
            | Self::FootprintCells
            | Self::LineCells
            | Self::Doors
            | Self::DoorCells => 3,
            Self::Streets => 15,
            Self::Houses | Self::Spots => 16,
            Self::Points => 2,
            Self::Footprints => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Book, pack};
    use crate::import::{Listed, gather_listed};
    use crate::model::Belongs;
    use crate::reverse::reverse;

    #[test]
    fn a_file_without_doors_is_still_read() {
        let door = osm::Point::from_degrees(47.1, 9.501_5);
        let listed = [osm::Point::from_degrees(47.1, 9.501), door].map(|point| Listed {
            street: "Landstrasse".to_owned(),
            number: "5".to_owned(),
            point,
            belongs: Belongs::default(),
            line: 2,
        });
        let mut bytes = pack(&gather_listed(listed.into()));
        let doors = |bytes: &[u8]| {
            let book = Book::open(Box::new(bytes.to_vec())).unwrap();
            (book.houses(), book.doors_near(door, 1.0).filter(|(point, _)| *point == door).count())
        };
        assert_eq!(doors(&bytes), (1, 1), "a twin of the house is its door");
        bytes[4] = 1;
        assert_eq!(doors(&bytes), (1, 0));
        bytes[4] = 3;
        assert!(Book::open(Box::new(bytes)).is_err(), "a later format is refused");
    }

    fn packed() -> Vec<u8> {
        let listed = (1..40).map(|number| Listed {
            street: "Landstrasse".to_owned(),
            number: number.to_string(),
            point: osm::Point::from_degrees(47.1, 9.5 + f64::from(number) * 1e-4),
            belongs: Belongs { city: "Vaduz".to_owned(), ..Belongs::default() },
            line: 2,
        });
        pack(&gather_listed(listed.collect()))
    }

    /// The folder refuses such files by their checksum; this is the second wall.
    #[test]
    fn a_flipped_or_cut_file_gives_wrong_answers_but_no_panic() {
        let whole = packed();
        let point = osm::Point::from_degrees(47.1, 9.502);
        assert_eq!(reverse(&Book::open(Box::new(whole.clone())).unwrap(), point, 1).len(), 1);
        for at in (0..whole.len()).step_by(3) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            for bytes in [flipped, whole[..at].to_vec()] {
                let Ok(book) = Book::open(Box::new(bytes)) else { continue };
                assert!(reverse(&book, point, 3).len() <= 3);
                for index in 0..book.houses().min(50) {
                    let street = book.house(index).and_then(super::HouseRow::street);
                    assert!(street.is_none_or(|street| street.names().count() < 1_000));
                }
            }
        }
    }
}
