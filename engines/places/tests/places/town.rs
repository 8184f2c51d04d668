//! A town made for tests: two villages with a road of the same name, a numbered grid, a bilingual street, stacked numbers.

use std::sync::OnceLock;

use osm::{Builder, Data, Kind, Point};

use crate::support::{Imported, import};

/// Nodes of ways get ids from here.
const CORNERS: i64 = 100_000;

/// Adds a closed building with its south-west corner there, about 10 m wide.
fn building(builder: Builder, id: i64, lat: f64, lon: f64, tags: &[(&str, &str)]) -> Builder {
    let corners = [(0.0, 0.0), (0.0, 0.000_13), (0.000_09, 0.000_13), (0.000_09, 0.0)];
    let first = CORNERS + id * 10;
    let builder = corners
        .iter()
        .zip(0..)
        .fold(builder, |builder, ((dlat, dlon), at)| builder.node(first + at, lat + dlat, lon + dlon, &[]));
    builder.way(id, &[first, first + 1, first + 2, first + 3, first], tags)
}

fn line(builder: Builder, id: i64, points: &[(f64, f64)], tags: &[(&str, &str)]) -> Builder {
    let first = CORNERS + id * 10;
    let builder = points
        .iter()
        .zip(first..)
        .fold(builder, |builder, ((lat, lon), id)| builder.node(id, *lat, *lon, &[]));
    let mut ids: Vec<i64> = (first..).take(points.len()).collect();
    if points.first() == points.last() {
        ids.pop();
        ids.push(first);
    }
    builder.way(id, &ids, tags)
}

fn boundary(
    builder: Builder,
    id: i64,
    (south, west, north, east): (f64, f64, f64, f64),
    tags: &[(&str, &str)],
) -> Builder {
    let corners = [(south, west), (south, east), (north, east), (north, west), (south, west)];
    let builder = line(builder, id, &corners, &[]);
    builder.relation(id, &[(Kind::Way, id, "outer")], tags)
}

pub fn data() -> Data {
    stacked(named(roads(villages(Data::builder())))).build()
}

fn villages(mut builder: Builder) -> Builder {
    // Two villages, side by side; the border runs at 9.55.
    builder = boundary(
        builder,
        9001,
        (47.0, 9.50, 47.2, 9.55),
        &[("type", "boundary"), ("boundary", "administrative"), ("admin_level", "8"), ("name", "Oberdorf")],
    );
    builder = boundary(
        builder,
        9002,
        (47.0, 9.55, 47.2, 9.60),
        &[("type", "boundary"), ("boundary", "administrative"), ("admin_level", "8"), ("name", "Unterdorf")],
    );
    builder = boundary(
        builder,
        9003,
        (46.9, 9.40, 47.3, 9.70),
        &[
            ("type", "boundary"),
            ("boundary", "administrative"),
            ("admin_level", "2"),
            ("ISO3166-1", "LI"),
            ("name", "Liechtenstein"),
        ],
    );
    builder = boundary(
        builder,
        9004,
        (47.0, 9.50, 47.2, 9.55),
        &[("type", "boundary"), ("boundary", "postal_code"), ("postal_code", "9490")],
    );
    builder = boundary(
        builder,
        9005,
        (47.0, 9.55, 47.2, 9.60),
        &[("type", "boundary"), ("boundary", "postal_code"), ("postal_code", "9494")],
    );
    builder =
        builder.node(1, 47.10, 9.52, &[("place", "village"), ("name", "Oberdorf"), ("name:fr", "Villhaut")]);
    builder = builder.node(2, 47.10, 9.58, &[("place", "village"), ("name", "Unterdorf")]);
    builder
}

fn roads(mut builder: Builder) -> Builder {
    // The road of both, even numbers on the north side: 2, 4, 10 in Oberdorf, 2 and 12a in Unterdorf.
    builder = line(
        builder,
        500,
        &[(47.10, 9.520), (47.10, 9.530)],
        &[("highway", "residential"), ("name", "Landstraße")],
    );
    builder = line(
        builder,
        501,
        &[(47.10, 9.570), (47.10, 9.580)],
        &[("highway", "residential"), ("name", "Landstraße")],
    );
    for (id, lon, number) in
        [(10, 9.5210, "2"), (11, 9.5220, "4"), (12, 9.5250, "10"), (13, 9.5710, "2"), (14, 9.5760, "12a")]
    {
        let tags = [("building", "house"), ("addr:street", "Landstraße"), ("addr:housenumber", number)];
        builder = building(builder, id, 47.1001, lon, &tags);
    }
    // A range, and a row of numbers only its ends are written of.
    builder = building(
        builder,
        20,
        47.1050,
        9.52,
        &[("building", "yes"), ("addr:street", "Mühlegasse"), ("addr:housenumber", "12-16")],
    );
    builder = line(
        builder,
        502,
        &[(47.1052, 9.52), (47.1052, 9.53)],
        &[("highway", "residential"), ("name", "Mühlegasse")],
    );
    builder = builder
        .node(31, 47.1060, 9.5200, &[("addr:street", "Äussere Au"), ("addr:housenumber", "1")])
        .node(32, 47.1060, 9.5300, &[("addr:street", "Äussere Au"), ("addr:housenumber", "21")])
        .way(503, &[31, 32], &[("addr:interpolation", "odd")]);
    builder
}

fn named(mut builder: Builder) -> Builder {
    // A numbered grid.
    for (id, name) in [
        (510, "1st Street"),
        (511, "3rd Street"),
        (512, "13th Street"),
        (513, "23rd Street"),
        (514, "North Point Street"),
    ] {
        let lat = 47.11 + 0.001 * f64::from(i32::try_from(id - 510).unwrap());
        builder =
            line(builder, id, &[(lat, 9.52), (lat, 9.53)], &[("highway", "residential"), ("name", name)]);
        let node = 600 + (id - 510);
        builder =
            builder.node(node, lat + 0.0001, 9.525, &[("addr:street", name), ("addr:housenumber", "500")]);
    }
    // One street with two names, and a short one.
    builder = line(
        builder,
        520,
        &[(47.12, 9.52), (47.12, 9.53)],
        &[("highway", "residential"), ("name", "Mannerheimintie"), ("name:sv", "Mannerheimvägen")],
    );
    builder =
        builder.node(40, 47.1201, 9.525, &[("addr:street", "Mannerheimintie"), ("addr:housenumber", "7 B")]);
    builder =
        line(builder, 521, &[(47.121, 9.52), (47.121, 9.53)], &[("highway", "residential"), ("name", "Egg")]);
    builder = line(
        builder,
        523,
        &[(47.123, 9.52), (47.123, 9.53)],
        &[("highway", "residential"), ("name", "Eggerweg")],
    );
    builder = line(
        builder,
        522,
        &[(47.122, 9.52), (47.122, 9.53)],
        &[("highway", "residential"), ("name", "Fünf Linden Weg")],
    );
    builder
}

fn stacked(mut builder: Builder) -> Builder {
    // Stacked numbers: two doors in one building; the neighbour's point stands right at the wall.
    builder = line(
        builder,
        700,
        &[(47.13, 9.52), (47.13, 9.5204), (47.1301, 9.5204), (47.1301, 9.52), (47.13, 9.52)],
        &[("building", "apartments")],
    );
    builder = builder
        .node(50, 47.13005, 9.52005, &[("addr:street", "Egg"), ("addr:housenumber", "1")])
        .node(51, 47.13005, 9.52010, &[("addr:street", "Egg"), ("addr:housenumber", "3")])
        .node(52, 47.13005, 9.52041, &[("addr:street", "Egg"), ("addr:housenumber", "5")]);
    // A shop, and houses whose street only their relation names.
    builder = builder.node(
        60,
        47.1003,
        9.5212,
        &[
            ("shop", "bakery"),
            ("name", "Bäckerei Müller"),
            ("addr:street", "Landstraße"),
            ("addr:housenumber", "2"),
        ],
    );
    builder = building(builder, 70, 47.14, 9.52, &[("building", "yes"), ("addr:housenumber", "8")]);
    builder = builder.relation(
        71,
        &[(Kind::Way, 70, "house")],
        &[("type", "associatedStreet"), ("name", "Kirchstraße")],
    );
    builder.node(80, 47.145, 9.52, &[("addr:housenumber", "99")])
}

/// The imported town.
pub fn town() -> &'static Imported {
    static TOWN: OnceLock<Imported> = OnceLock::new();
    TOWN.get_or_init(|| import(data()))
}

pub fn at(lat: f64, lon: f64) -> Point {
    Point::from_degrees(lat, lon)
}
