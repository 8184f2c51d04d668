//! Turns rows into hits.

use osm::Point;

use crate::book::{HouseRow, SpotRow, StreetRow};
use crate::hit::{Hit, Level};

/// Countries that write the number before the street.
const NUMBER_FIRST: [&str; 16] =
    ["US", "GB", "FR", "IE", "CA", "AU", "NZ", "LU", "ZA", "IN", "MY", "SG", "HK", "PH", "TH", "MT"];

/// Countries that write the postcode behind the town.
const POSTCODE_LAST: [&str; 9] = ["US", "GB", "IE", "CA", "AU", "NZ", "ZA", "IN", "SG"];

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name of a street in `language`, else the one on the sign.
fn street_name<'a>(street: StreetRow<'a>, language: Option<&str>) -> &'a str {
    let in_language = language.and_then(|language| street.names().find(|name| name.language == language));
    in_language.or_else(|| street.names().next()).map_or("", |name| name.text)
}

fn empty(id: String, level: Level, point: Point) -> Hit {
    Hit {
        id,
        level,
        label: String::new(),
        name: None,
        category: None,
        house_number: None,
        street: None,
        postcode: None,
        city: None,
        district: None,
        country: None,
        point,
        address_point: None,
        distance_m: None,
        confidence: 1.0,
    }
}

/// The street as a whole.
pub(crate) fn street_hit(street: StreetRow<'_>, language: Option<&str>) -> Hit {
    let hit = Hit {
        street: some(street_name(street, language)),
        postcode: some(street.postcode()),
        city: some(street.city()),
        district: some(street.district()),
        country: some(street.country()),
        ..empty(format!("street/{}", street.origin()), Level::Street, street.point())
    };
    labelled(hit)
}

/// A house.
pub(crate) fn house_hit(house: HouseRow<'_>, language: Option<&str>) -> Hit {
    let level = if house.is_interpolated() { Level::Interpolated } else { Level::House };
    let street = house.street().map_or("", |street| street_name(street, language));
    let hit = Hit {
        name: some(house.name()),
        house_number: some(house.number()),
        street: some(street),
        postcode: some(house.postcode()),
        city: some(house.city()),
        district: some(house.district()),
        country: some(house.country()),
        // One element may carry several numbers.
        ..empty(format!("{}/{}/{}", level.name(), house.origin(), house.key()), level, house.point())
    };
    labelled(hit)
}

/// A number put between its neighbours.
pub(super) fn interpolated_hit(
    street: StreetRow<'_>,
    number: &str,
    point: Point,
    language: Option<&str>,
) -> Hit {
    let id = format!("interpolated/{}/{number}", street.origin());
    let hit = Hit {
        house_number: some(number),
        id,
        level: Level::Interpolated,
        point,
        ..street_hit(street, language)
    };
    labelled(hit)
}

/// A point of interest or place; `matched` is the name by which it was found.
pub(super) fn spot_hit(spot: SpotRow<'_>, matched: &str, language: Option<&str>) -> Hit {
    let in_language = language.and_then(|language| spot.names().find(|name| name.language == language));
    let name = in_language.or_else(|| spot.names().next()).map_or(matched, |name| name.text);
    let level = if spot.is_place() { Level::Place } else { Level::Poi };
    let hit = Hit {
        name: some(name),
        category: some(spot.category()),
        house_number: some(spot.number()),
        street: some(spot.street()),
        postcode: some(spot.postcode()),
        city: some(spot.city()),
        district: some(spot.district()),
        country: some(spot.country()),
        ..empty(format!("{}/{}", level.name(), spot.origin()), level, spot.point())
    };
    labelled(hit)
}

/// Writes the one line, in the order of the country.
pub(crate) fn labelled(mut hit: Hit) -> Hit {
    let country = hit.country.as_deref().unwrap_or_default();
    let join = |parts: [Option<&str>; 2]| {
        let present: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        present.join(" ")
    };
    let (street, number) = (hit.street.as_deref(), hit.house_number.as_deref());
    let line = if NUMBER_FIRST.contains(&country) { join([number, street]) } else { join([street, number]) };
    let name = hit.name.as_deref().filter(|_| hit.level >= Level::Poi);
    let city = hit.city.as_deref().filter(|city| Some(*city) != name);
    let postcode = hit.postcode.as_deref().filter(|postcode| Some(*postcode) != name);
    let town = if POSTCODE_LAST.contains(&country) { join([city, postcode]) } else { join([postcode, city]) };
    let parts = [name.unwrap_or_default(), line.as_str(), town.as_str()];
    let present: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    hit.label = present.join(", ");
    hit
}
