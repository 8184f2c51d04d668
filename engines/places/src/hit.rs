//! What is asked and what is answered.

use osm::{Bounds, Point};

/// Which kinds of answer are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four kinds, each wanted or not")]
pub struct Layers {
    /// Houses, and house numbers put between two known ones.
    pub addresses: bool,
    /// Streets as a whole.
    pub streets: bool,
    /// Shops, offices, sights and other named points of interest.
    pub pois: bool,
    /// Cities, villages, districts, postcodes.
    pub places: bool,
}

impl Default for Layers {
    fn default() -> Self {
        Self { addresses: true, streets: true, pois: true, places: true }
    }
}

/// A search by text.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// What was typed: an address, a name, a postcode, in any order.
    pub text: String,
    /// The most answers wanted; at least 1, at most 50.
    pub limit: usize,
    /// Answers near this point come first when the text fits several equally well.
    pub near: Option<Point>,
    /// Only answers in this rectangle.
    pub bounds: Option<Bounds>,
    /// Which kinds of answer are wanted.
    pub layers: Layers,
    /// The last word may be unfinished.
    pub autocomplete: bool,
    /// Names are given in this language (ISO 639) where the map knows them.
    pub language: Option<String>,
}

impl Query {
    /// A search for `text`, ten answers, every kind.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), limit: 10, ..Self::default() }
    }
}

/// How exact an answer is, the most exact first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// The house itself.
    House,
    /// The house number is not in the map: the point was put between its neighbours.
    Interpolated,
    /// A named point of interest.
    Poi,
    /// The street; the house was not found or not asked for.
    Street,
    /// A city, village, district or postcode.
    Place,
}

impl Level {
    /// The name of the level in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::House => "house",
            Self::Interpolated => "interpolated",
            Self::Street => "street",
            Self::Poi => "poi",
            Self::Place => "place",
        }
    }
}

/// One answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Hit {
    /// Stable within one import; made of the level and the id in OpenStreetMap where there is one.
    pub id: String,
    /// How exact the answer is.
    pub level: Level,
    /// One line that names it.
    pub label: String,
    /// The name of a point of interest, a house or a place.
    pub name: Option<String>,
    /// What a point of interest or a place is, as `key=value` of OpenStreetMap.
    pub category: Option<String>,
    /// As written on the map.
    pub house_number: Option<String>,
    /// The street's name.
    pub street: Option<String>,
    /// The postcode.
    pub postcode: Option<String>,
    /// The town or village.
    pub city: Option<String>,
    /// The part of the town.
    pub district: Option<String>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// Where to go: the learned door where there is one, else the point of the address.
    pub point: Point,
    /// The point of the address itself, when `point` is a learned door.
    pub address_point: Option<Point>,
    /// From the point asked about (reverse) or from `near` (search).
    pub distance_m: Option<f64>,
    /// 0 to 1: how much of the question the answer explains.
    pub confidence: f32,
}
