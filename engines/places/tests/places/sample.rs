//! Questions about the addresses of an extract, written in the ways people write them, and whether an answer is right.
//!
//! The addresses are read from the tags of the extract, not from the import, so that an import that loses or moves one fails.

use osm::{Data, Point, Tags, areas};
use places::{Hit, HouseNumber, Level};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

/// An address as the extract writes it.
#[derive(Clone, Debug)]
pub struct Truth {
    pub street: String,
    pub number: String,
    pub postcode: String,
    pub city: String,
    pub point: Point,
}

/// A way to write an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    StreetNumberCity,
    NumberStreetPostcode,
    OneTypo,
    OneTypoInALetter,
    TwoTypos,
    CityFirst,
    WithoutCity,
    Abbreviated,
    Anglicised,
    SplitOrJoined,
    ExtraWords,
    BeginningOfTheStreet,
    UnfinishedNumber,
}

pub const KINDS: [Kind; 13] = [
    Kind::StreetNumberCity,
    Kind::NumberStreetPostcode,
    Kind::OneTypo,
    Kind::OneTypoInALetter,
    Kind::TwoTypos,
    Kind::CityFirst,
    Kind::WithoutCity,
    Kind::Abbreviated,
    Kind::Anglicised,
    Kind::SplitOrJoined,
    Kind::ExtraWords,
    Kind::BeginningOfTheStreet,
    Kind::UnfinishedNumber,
];

impl Kind {
    pub fn is_autocomplete(self) -> bool {
        matches!(self, Self::BeginningOfTheStreet | Self::UnfinishedNumber)
    }

    /// The text for an address.
    pub fn text(self, truth: &Truth, rng: &mut ChaCha8Rng) -> String {
        let Truth { street, number, postcode, city, .. } = truth;
        let text = match self {
            Self::StreetNumberCity => format!("{street} {number} {city}"),
            Self::NumberStreetPostcode => format!("{number} {street}, {postcode}"),
            Self::OneTypo => format!("{} {number} {city}", mistype(street, rng, char::is_alphanumeric)),
            Self::OneTypoInALetter => {
                format!("{} {number} {city}", mistype(street, rng, char::is_alphabetic))
            }
            Self::TwoTypos => {
                let once = mistype(street, rng, char::is_alphabetic);
                format!("{} {number} {city}", mistype(&once, rng, char::is_alphabetic))
            }
            Self::CityFirst => format!("{postcode} {city}, {number} {street}"),
            Self::Abbreviated => format!("{} {number}, {city}", abbreviate(street)),
            Self::Anglicised => format!("{} {number} {city}", without_umlauts(street, rng)).to_uppercase(),
            Self::SplitOrJoined => format!("{} {number} {city}", split_or_join(street)),
            Self::ExtraWords => format!("c/o Meier, {street} {number}, 2nd floor, {city}, doorbell left"),
            Self::BeginningOfTheStreet => {
                let letters = (street.chars().count() * 6).div_ceil(10);
                street.chars().take(letters).collect()
            }
            Self::WithoutCity | Self::UnfinishedNumber => format!("{street} {number}"),
        };
        text.trim().trim_end_matches(',').to_owned()
    }

    /// Whether the text says where the street is, so that only the house at that place is right.
    fn says_where(self, truth: &Truth) -> bool {
        match self {
            Self::WithoutCity | Self::BeginningOfTheStreet | Self::UnfinishedNumber => false,
            Self::NumberStreetPostcode => !truth.postcode.is_empty(),
            _ => !truth.city.is_empty(),
        }
    }

    /// Whether `hit` answers the question.
    pub fn is_right(self, truth: &Truth, hit: &Hit) -> bool {
        let same_street =
            hit.street.as_deref().is_some_and(|street| street.to_lowercase() == truth.street.to_lowercase());
        if self == Self::BeginningOfTheStreet {
            return same_street;
        }
        let number =
            |text: &str| HouseNumber::parse(text).map_or_else(|| text.to_lowercase(), |number| number.text);
        let same_number =
            hit.house_number.as_deref().is_some_and(|other| number(other) == number(&truth.number));
        let metres = hit.point.distance_m(truth.point);
        // The map itself writes some streets in two ways: the same number at the same place is the same house.
        let is_there = if same_street { !self.says_where(truth) || metres < 150.0 } else { metres < 20.0 };
        hit.level == Level::House && same_number && is_there
    }
}

/// All addresses with a street, those with a list of numbers left out.
pub fn truths(data: &Data) -> Vec<Truth> {
    let of = |tags: Tags<'_>, point: Point| {
        let get = |key: &str| tags.get(key).unwrap_or_default().trim().to_owned();
        let truth = Truth {
            street: get("addr:street"),
            number: get("addr:housenumber"),
            postcode: get("addr:postcode"),
            city: get("addr:city"),
            point,
        };
        let usable =
            !truth.street.is_empty() && !truth.number.is_empty() && !truth.number.contains([';', ',']);
        (usable && tags.get("addr:interpolation").is_none()).then_some(truth)
    };
    let nodes = data.nodes().filter_map(|node| of(node.tags, node.point));
    let ways = data.ways().filter(|way| way.tags.get("addr:housenumber").is_some()).filter_map(|way| {
        let ring = areas::of_way(data, &way)?.polygons.into_iter().next()?.outer;
        let middle = osm::Bounds::around(ring.iter().copied())?.centre();
        of(way.tags, middle)
    });
    nodes.chain(ways).collect()
}

/// A sample that is the same in every run.
pub fn sample(truths: &[Truth], count: usize, rng: &mut ChaCha8Rng) -> Vec<Truth> {
    truths.sample(rng, count.min(truths.len())).cloned().collect()
}

/// One letter left out, doubled wrongly, replaced, or swapped with the next.
fn mistype(text: &str, rng: &mut ChaCha8Rng, may_change: fn(char) -> bool) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (0..letters.len()).filter(|at| may_change(letters[*at])).collect();
    let Some(&at) = places.choose(rng) else { return text.to_owned() };
    let other = char::from(b'a' + rng.random_range(0..26));
    match rng.random_range(0..4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, other),
        2 => letters[at] = other,
        _ if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters[at] = other,
    }
    letters.into_iter().collect()
}

fn abbreviate(street: &str) -> String {
    let mut text = street.to_owned();
    for (long, short) in [
        ("strasse", "str."),
        ("straße", "str."),
        ("Strasse", "Str."),
        ("Street", "St"),
        ("Avenue", "Ave"),
        ("Boulevard", "Blvd"),
        ("Drive", "Dr"),
        ("Road", "Rd"),
        ("Place", "Pl"),
        ("Alley", "Aly"),
        ("Court", "Ct"),
        ("Terrace", "Ter"),
        ("Lane", "Ln"),
        ("katu", "k."),
        ("gatan", "g."),
        ("North", "N"),
        ("South", "S"),
        ("platz", "pl."),
        ("Rua ", "R. "),
        ("Avenida", "Av."),
    ] {
        text = text.replace(long, short);
    }
    text
}

fn without_umlauts(street: &str, rng: &mut ChaCha8Rng) -> String {
    let spelled = rng.random_bool(0.5);
    street
        .chars()
        .map(|c| match (c, spelled) {
            ('ä' | 'Ä', true) => "ae".to_owned(),
            ('ö' | 'Ö', true) => "oe".to_owned(),
            ('ü' | 'Ü', true) => "ue".to_owned(),
            ('ä' | 'Ä' | 'å' | 'Å', _) => "a".to_owned(),
            ('ö' | 'Ö', _) => "o".to_owned(),
            ('ü' | 'Ü', _) => "u".to_owned(),
            ('ß', _) => "ss".to_owned(),
            (c, _) => c.to_string(),
        })
        .collect()
}

/// Names of several words are written together, others fall into two at the kind of street.
fn split_or_join(street: &str) -> String {
    if street.contains([' ', '-']) {
        return street.replace([' ', '-'], "");
    }
    for kind in ["strasse", "straße", "katu", "gasse", "weg", "gatan", "platz"] {
        if let Some(stem) = street.strip_suffix(kind).filter(|stem| stem.chars().count() > 2) {
            return format!("{stem} {kind}");
        }
    }
    street.to_owned()
}

/// A point up to `most_m` metres away, every place in the circle equally likely.
pub fn jitter(point: Point, most_m: f64, rng: &mut ChaCha8Rng) -> Point {
    let metres = most_m * rng.random::<f64>().sqrt();
    let angle = rng.random_range(0.0..std::f64::consts::TAU);
    let lat = point.lat() + metres * angle.sin() / 111_195.0;
    let lon = point.lon() + metres * angle.cos() / (111_195.0 * point.lat().to_radians().cos());
    Point::from_degrees(lat, lon)
}

/// Whether the nearest address to `point` is another one than that which is meant: what nobody can know who is told only the
/// point. Lists of numbers are no addresses here, hence it happens a little more often.
pub fn another_is_nearer(truth: &Truth, point: Point, truths: &[Truth]) -> bool {
    let number =
        |text: &str| HouseNumber::parse(text).map_or_else(|| text.to_lowercase(), |number| number.text);
    let is_meant = |other: &Truth| {
        other.street.to_lowercase() == truth.street.to_lowercase()
            && number(&other.number) == number(&truth.number)
    };
    let distance = |other: &&Truth| other.point.distance_m(point);
    let nearest = truths.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.is_some_and(|nearest| !is_meant(nearest))
}

/// The outlines of all buildings, to tell whether two points are in the same one.
pub struct Buildings {
    rings: Vec<(osm::Bounds, Vec<Point>)>,
}

impl Buildings {
    pub fn of(data: &Data) -> Self {
        let ways = data.ways().filter(|way| way.tags.get("building").is_some());
        let areas = ways.filter_map(|way| areas::of_way(data, &way)).chain(
            data.relations()
                .filter(|relation| relation.tags.get("building").is_some())
                .filter_map(|relation| areas::of_relation(data, &relation).ok()),
        );
        let rings = areas
            .flat_map(|area| area.polygons)
            .filter_map(|polygon| Some((osm::Bounds::around(polygon.outer.iter().copied())?, polygon.outer)));
        Self { rings: rings.collect() }
    }

    fn share(&self, a: Point, b: Point) -> bool {
        let holds = |bounds: &osm::Bounds, ring: &[Point], point| {
            bounds.contains(point) && areas::ring_contains(ring, point)
        };
        self.rings.iter().any(|(bounds, ring)| holds(bounds, ring, a) && holds(bounds, ring, b))
    }
}

/// Whether the hit is the house asked about: by its number, and by standing in the same building, where several numbers share one.
pub fn is_right_house(truth: &Truth, hit: Option<&Hit>, buildings: &Buildings) -> (bool, bool) {
    let Some(hit) = hit.filter(|hit| hit.level == Level::House) else { return (false, false) };
    let number = Kind::StreetNumberCity.is_right(truth, hit);
    (number, number || buildings.share(truth.point, hit.point) || hit.point.distance_m(truth.point) < 2.0)
}
