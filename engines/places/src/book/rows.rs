//! Rows of the packed file with names for their columns.

use osm::Point;

use super::Table;
use super::read::Book;

/// What the three kinds of rows share.
macro_rules! row {
    ($name:ident, $table:expr, point: $point:expr, belongs: $belongs:expr, origin: $origin:expr) => {
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name<'a> {
            book: &'a Book,
            pub index: u32,
        }

        impl<'a> $name<'a> {
            pub(super) fn new(book: &'a Book, index: u32) -> Self {
                Self { book, index }
            }

            fn word(self, column: usize) -> u32 {
                self.book.word($table, self.index, column)
            }

            fn text(self, column: usize) -> &'a str {
                self.book.text(self.word(column))
            }

            pub fn point(self) -> Point {
                self.book.point($table, self.index, $point)
            }

            pub fn postcode(self) -> &'a str {
                self.text($belongs)
            }

            pub fn city(self) -> &'a str {
                self.text($belongs + 1)
            }

            pub fn district(self) -> &'a str {
                self.text($belongs + 2)
            }

            pub fn country(self) -> &'a str {
                self.text($belongs + 3)
            }

            /// A letter for the kind of what it was made from, and its id.
            pub fn origin(self) -> String {
                let letter = u8::try_from(self.word($origin)).map_or('?', char::from);
                let id = u64::from(self.word($origin + 1)) | (u64::from(self.word($origin + 2)) << 32);
                format!("{letter}{}", id.cast_signed())
            }
        }
    };
}

row!(StreetRow, Table::Streets, point: 2, belongs: 4, origin: 12);
row!(HouseRow, Table::Houses, point: 6, belongs: 8, origin: 13);
row!(SpotRow, Table::Spots, point: 5, belongs: 9, origin: 13);

/// A name: language (empty for the sign), text, and the words that it is compared by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameRow<'a> {
    pub language: &'a str,
    pub text: &'a str,
    pub key: &'a str,
}

fn names(book: &Book, first: u32, count: u32) -> impl Iterator<Item = NameRow<'_>> {
    book.range(Table::Names, first, count).map(|row| NameRow {
        language: book.text(book.word(Table::Names, row, 0)),
        text: book.text(book.word(Table::Names, row, 1)),
        key: book.text(book.word(Table::Names, row, 2)),
    })
}

impl<'a> StreetRow<'a> {
    pub fn names(self) -> impl Iterator<Item = NameRow<'a>> {
        names(self.book, self.word(0), self.word(1))
    }

    /// Its houses, sorted by number.
    pub fn houses(self) -> std::ops::Range<u32> {
        self.book.range(Table::Houses, self.word(8), self.word(9))
    }

    /// Indices of its lines.
    pub fn lines(self) -> std::ops::Range<u32> {
        self.book.range(Table::Lines, self.word(10), self.word(11))
    }
}

impl<'a> HouseRow<'a> {
    pub fn street(self) -> Option<StreetRow<'a>> {
        self.book.street(self.word(0))
    }

    /// As written.
    pub fn number(self) -> &'a str {
        self.text(1)
    }

    /// The first number in it, `u32::MAX` when there is none.
    pub fn main(self) -> u32 {
        self.word(2)
    }

    /// The last number of a range.
    pub fn last(self) -> u32 {
        self.word(3)
    }

    /// The form that numbers are compared by.
    pub fn key(self) -> &'a str {
        self.text(4)
    }

    pub fn name(self) -> &'a str {
        self.text(5)
    }

    pub fn is_interpolated(self) -> bool {
        self.word(12) != 0
    }
}

impl<'a> SpotRow<'a> {
    pub fn is_place(self) -> bool {
        self.word(0) != 0
    }

    pub fn names(self) -> impl Iterator<Item = NameRow<'a>> {
        names(self.book, self.word(1), self.word(2))
    }

    pub fn category(self) -> &'a str {
        self.text(3)
    }

    /// 0 to 100.
    pub fn weight(self) -> u32 {
        self.word(4).min(100)
    }

    pub fn street(self) -> &'a str {
        self.text(7)
    }

    pub fn number(self) -> &'a str {
        self.text(8)
    }
}
