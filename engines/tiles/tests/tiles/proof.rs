//! Every tile of zoom 14 of real extracts.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tiles::mvt::GeometryType;
use tiles::{Spot, TileId, Tiles};

use crate::support::{
    Decoded, Drawn, Map, at, decode, extract, helsinki, import, read, steps_in, twice_area,
};

const LAYERS: [&str; 8] = ["earth", "landuse", "water", "roads", "buildings", "boundaries", "places", "pois"];

/// Places whose side of the shore is known: latitude, longitude, whether it is in the sea.
type Sides = &'static [(f64, f64, bool)];

const HELSINKI: Sides = &[
    (60.1695, 24.9525, false), // Senate Square
    (60.1710, 24.9414, false), // Central station
    (60.1769, 24.9460, true),  // Eläintarhanlahti
    (60.1755, 24.9460, false), // botanical garden, on its southern shore
    (60.1665, 24.9450, false), // Esplanadi
];
const SAN_FRANCISCO: Sides = &[
    (37.7880, -122.4075, false), // Union Square
    (37.7890, -122.4010, false), // Market Street
    (37.7920, -122.3850, true),  // the bay off the piers
];
const LIECHTENSTEIN: Sides = &[
    (47.1410, 9.5215, false), // Vaduz
    (47.1660, 9.5095, false), // Schaan
];

#[test]
fn proof_tiles() {
    check("Helsinki", &import(&read(&helsinki())), HELSINKI);
    if std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full") {
        for (name, sides) in [
            ("liechtenstein-full-2024.osm.pbf", LIECHTENSTEIN),
            ("sf-downtown-full-2023.osm.pbf", SAN_FRANCISCO),
        ] {
            if let Some(path) = extract(name) {
                check(name, &import(&read(&path)), sides);
            }
        }
    }
}

fn check(name: &str, map: &Map, sides: Sides) {
    assert_eq!(map.summary.warnings, Vec::<String>::new(), "{name}");
    assert_eq!(map.summary.has_sea, sides.iter().any(|(.., sea)| *sea), "{name}");
    let mut tiles = 0;
    for zoom in [10, 12, 14, 15] {
        for bytes in all(&map.tiles, zoom) {
            let decoded = decode(&bytes);
            layers_are_known_and_geometry_is_valid(&decoded, name);
            tiles += usize::from(zoom == 14);
        }
    }
    assert!(tiles > 0, "{name}");
    for (lat, lon, sea) in sides {
        for zoom in [11, 13, 14, 15] {
            let (decoded, spot) = at(&map.tiles, zoom, *lat, *lon);
            assert_eq!(is_in(&decoded, "ocean", spot), *sea, "sea at {lat} {lon}, zoom {zoom}, {name}");
            assert_eq!(is_in(&decoded, "earth", spot), !*sea, "land at {lat} {lon}, zoom {zoom}, {name}");
        }
    }
    let share = doubtful_share(&map.tiles);
    println!("{name}: {tiles} tiles of zoom 14, {} features, {share} of places doubtful", map.tiles.len());
    assert!(share < 0.005, "{name}: {share} of all places are in land and sea or in neither");
}

fn all(tiles: &Tiles, zoom: u8) -> impl Iterator<Item = Vec<u8>> + '_ {
    let (first, last) = (TileId::at(zoom, tiles.rect().min), TileId::at(zoom, tiles.rect().max));
    (first.x()..=last.x())
        .flat_map(move |x| (first.y()..=last.y()).map(move |y| (x, y)))
        .filter_map(move |(x, y)| tiles.tile(zoom, x, y))
}

fn layers_are_known_and_geometry_is_valid(decoded: &Decoded, name: &str) {
    assert!(decoded.keys().all(|layer| LAYERS.contains(&layer.as_str())), "{name}");
    for feature in decoded.values().flatten() {
        assert!(feature.text("kind").is_some_and(|kind| !kind.is_empty()), "{name}: {feature:?}");
        assert!(!feature.parts.is_empty());
        let near = |value: i32| (-66..=4096 + 66).contains(&value);
        assert!(feature.parts.iter().flatten().all(|spot| near(spot.x) && near(spot.y)), "{feature:?}");
        shape_is_valid(feature);
    }
}

fn shape_is_valid(feature: &Drawn) {
    match feature.kind {
        GeometryType::Polygon => {
            assert!(twice_area(&feature.parts[0]) > 0, "an inner ring comes first: {feature:?}");
            for ring in &feature.parts {
                assert!(ring.len() > 2 && twice_area(ring) != 0 && ring.first() != ring.last());
            }
        }
        GeometryType::LineString => {
            assert!(feature.parts.iter().all(|line| line.len() > 1));
            assert!(feature.parts.iter().flat_map(|line| line.windows(2)).all(|pair| pair[0] != pair[1]));
        }
        GeometryType::Point => assert!(feature.parts.iter().all(|part| part.len() == 1)),
        GeometryType::Unknown => panic!("{feature:?}"),
    }
}

fn is_in(decoded: &Decoded, kind: &str, spot: Spot) -> bool {
    let layer = if kind == "earth" { "earth" } else { "water" };
    let of_kind = |feature: &&Drawn| feature.text("kind") == Some(kind);
    decoded
        .get(layer)
        .is_some_and(|features| features.iter().filter(of_kind).any(|feature| feature.covers(spot)))
}

/// Share of random places of the map that are in both land and sea or in neither: only those right on the shore.
fn doubtful_share(tiles: &Tiles) -> f64 {
    const PLACES: u32 = 2_000;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let rect = tiles.rect();
    let mut tiles_drawn: BTreeMap<TileId, Decoded> = BTreeMap::new();
    let doubtful = (0..PLACES).filter(|_| {
        let spot = Spot {
            x: random.random_range(rect.min.x..rect.max.x),
            y: random.random_range(rect.min.y..rect.max.y),
        };
        let id = TileId::at(14, spot);
        let draw = || decode(&tiles.tile(14, id.x(), id.y()).expect("a tile of the map"));
        let decoded = tiles_drawn.entry(id).or_insert_with(draw);
        let steps = steps_in(id, spot);
        is_in(decoded, "earth", steps) == is_in(decoded, "ocean", steps)
    });
    f64::from(u32::try_from(doubtful.count()).expect("fewer than all places")) / f64::from(PLACES)
}
