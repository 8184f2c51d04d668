//! What an import has gathered, before it is packed: streets with their houses, points of interest, places.

use osm::Point;

/// Where something belongs. Empty text means unknown.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Belongs {
    pub postcode: String,
    pub city: String,
    pub district: String,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
}

/// A name and the language it is in; empty for the name on the sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    pub language: String,
    pub text: String,
}

impl Name {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { language: String::new(), text: text.into() }
    }
}

/// One street, or what addresses use in its place, within one town.
#[derive(Clone, Debug)]
pub(crate) struct Street {
    /// The first is the one on the sign.
    pub names: Vec<Name>,
    pub point: Point,
    pub belongs: Belongs,
    pub lines: Vec<Vec<Point>>,
    pub origin: Origin,
}

/// One address.
#[derive(Clone, Debug)]
pub(crate) struct House {
    /// Index of the street.
    pub street: u32,
    pub number: String,
    /// The name of the house, or empty.
    pub name: String,
    pub point: Point,
    pub belongs: Belongs,
    /// Made from an `addr:interpolation` way.
    pub interpolated: bool,
    /// Where else the map writes this address: the entrance of the building, a shop in it.
    pub doors: Vec<Point>,
    pub origin: Origin,
}

impl House {
    /// Where the map writes this address, its own point first.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        std::iter::once(self.point).chain(self.doors.iter().copied())
    }
}

/// What a spot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SpotKind {
    Poi,
    Place,
}

/// A point of interest or a place.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub kind: SpotKind,
    pub names: Vec<Name>,
    /// `key=value`.
    pub category: String,
    /// 0 to 100: a city is more often meant than a hamlet of the same name.
    pub weight: u32,
    pub point: Point,
    pub street: String,
    pub number: String,
    pub belongs: Belongs,
    pub origin: Origin,
}

/// The outline of a building that holds houses.
#[derive(Clone, Debug)]
pub(crate) struct Footprint {
    pub ring: Vec<Point>,
    /// Indices of the houses in it.
    pub houses: Vec<u32>,
}

/// Everything that can be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gazetteer {
    pub streets: Vec<Street>,
    /// Sorted by street, then number.
    pub houses: Vec<House>,
    pub spots: Vec<Spot>,
    pub footprints: Vec<Footprint>,
}

/// What it was made from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Origin {
    Node(i64),
    Way(i64),
    Relation(i64),
    /// A row of an official list.
    Row(i64),
    /// Put together from several.
    Made(i64),
}

impl Origin {
    /// A letter for the kind, and the id.
    pub fn parts(self) -> (u8, i64) {
        match self {
            Self::Node(id) => (b'n', id),
            Self::Way(id) => (b'w', id),
            Self::Relation(id) => (b'r', id),
            Self::Row(id) => (b'c', id),
            Self::Made(id) => (b'm', id),
        }
    }
}
