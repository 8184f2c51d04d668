//! Small maps made by hand.

use osm::{Builder, Data, Kind};
use tiles::mvt::GeometryType;
use tiles::{TileSource, Tiles};

use crate::support::{Decoded, Drawn, Map, at, import};

/// A block of 0.01 degrees with nodes `row * 10 + column` 0.001 degrees apart, north-eastwards from 60 N 25.01 E.
fn town() -> Builder {
    (0..100).fold(Data::builder(), |builder, id| {
        let (row, column) = (f64::from(id / 10), f64::from(id % 10));
        builder.node(id.into(), 60.0 + row * 0.001, 25.01 + column * 0.001, &[])
    })
}

fn drawn(builder: Builder, zoom: u8) -> (Map, Decoded) {
    let map = import(&builder.build());
    let (decoded, _) = at(&map.tiles, zoom, 60.0045, 25.0145);
    (map, decoded)
}

fn only<'a>(decoded: &'a Decoded, layer: &str) -> &'a Drawn {
    let features = &decoded[layer];
    assert_eq!(features.len(), 1, "{features:?}");
    &features[0]
}

#[test]
fn a_street_has_its_class_and_name_and_its_parts_are_one_line() {
    let street = [("highway", "residential"), ("name", "Kauppakatu"), ("name:sv", "Handelsgatan")];
    let (_, decoded) = drawn(town().way(1, &[44, 45], &street).way(2, &[46, 45], &street), 14);
    let road = only(&decoded, "roads");
    assert_eq!(road.text("kind"), Some("minor_road"));
    assert_eq!(road.text("kind_detail"), Some("residential"));
    assert_eq!(road.text("name"), Some("Kauppakatu"));
    assert_eq!(road.text("name:sv"), Some("Handelsgatan"));
    assert_eq!(road.number("min_zoom"), Some(13));
    assert_eq!((road.kind, road.parts.len()), (GeometryType::LineString, 1));
}

#[test]
fn a_bridge_a_tunnel_and_a_slip_road_are_marked_and_a_planned_road_is_not_drawn() {
    let town = town()
        .way(1, &[40, 41], &[("highway", "primary"), ("bridge", "yes")])
        .way(2, &[42, 43], &[("highway", "primary"), ("tunnel", "yes")])
        .way(3, &[44, 45], &[("highway", "motorway_link"), ("oneway", "yes")])
        .way(4, &[46, 47], &[("highway", "proposed")]);
    let (map, decoded) = drawn(town, 14);
    let roads = &decoded["roads"];
    assert_eq!(roads.len(), 3);
    assert!(roads.iter().any(|road| road.flag("is_bridge") && road.text("kind") == Some("major_road")));
    assert!(roads.iter().any(|road| road.flag("is_tunnel")));
    assert!(roads.iter().any(|road| road.flag("is_link") && road.text("oneway") == Some("yes")));
    let (coarse, _) = at(&map.tiles, 10, 60.0045, 25.0145);
    assert!(coarse["roads"].iter().all(|road| !road.flag("is_bridge") && road.text("oneway").is_none()));
}

#[test]
fn a_lake_with_an_island_has_a_hole_and_its_name_lies_on_the_water() {
    let lake = [("type", "multipolygon"), ("natural", "water"), ("water", "lake"), ("name", "Järvi")];
    let town = town().way(1, &[11, 18, 88, 81, 11], &[]).way(2, &[33, 36, 66, 63, 33], &[]).relation(
        1,
        &[(Kind::Way, 1, "outer"), (Kind::Way, 2, "inner")],
        &lake,
    );
    let (map, decoded) = drawn(town, 15);
    let island = at(&map.tiles, 15, 60.0045, 25.0145).1;
    let (shore, water) = at(&map.tiles, 15, 60.002, 25.0145);
    assert!(!decoded["water"].iter().any(|feature| feature.covers(island)));
    assert!(
        shore["water"].iter().any(|feature| feature.covers(water) && feature.text("kind") == Some("water"))
    );
    let named: Vec<Decoded> = [(60.002, 25.012), (60.007, 25.017), (60.002, 25.017), (60.007, 25.012)]
        .map(|(lat, lon)| at(&map.tiles, 15, lat, lon).0)
        .into();
    let labels = |decoded: &Decoded| {
        decoded
            .get("water")
            .map_or(0, |water| water.iter().filter(|feature| feature.kind == GeometryType::Point).count())
    };
    assert!(named.iter().any(|decoded| labels(decoded) == 1));
}

#[test]
fn a_building_has_a_height_and_its_number_is_a_label_at_the_deepest_zoom_only() {
    let building = [
        ("building", "apartments"),
        ("building:levels", "4"),
        ("addr:housenumber", "12 B"),
        ("addr:street", "X"),
    ];
    let (map, deepest) = drawn(town().way(1, &[44, 45, 55, 54, 44], &building), 15);
    let labels: Vec<&Drawn> =
        deepest["buildings"].iter().filter(|feature| feature.text("kind") == Some("address")).collect();
    assert_eq!(labels.len(), 1);
    assert_eq!(labels[0].text("addr_housenumber"), Some("12 B"));
    let (coarser, _) = at(&map.tiles, 14, 60.0045, 25.0145);
    let outline = only(&coarser, "buildings");
    assert_eq!(outline.text("kind"), Some("building"));
    assert_eq!(outline.attributes["height"].double_value, Some(15.0));
}

#[test]
fn a_meadow_in_a_wood_is_drawn_after_it_and_squares_and_piers_are_areas() {
    let town = town()
        .way(1, &[44, 45, 55, 54, 44], &[("natural", "grassland")])
        .way(2, &[0, 9, 99, 90, 0], &[("natural", "wood")])
        .way(3, &[46, 47, 57, 56, 46], &[("highway", "pedestrian"), ("area", "yes")])
        .way(4, &[61, 62, 72, 71, 61], &[("man_made", "pier")]);
    let (_, decoded) = drawn(town, 13);
    let kinds: Vec<&str> = decoded["landuse"].iter().filter_map(|feature| feature.text("kind")).collect();
    assert_eq!(kinds[0], "wood");
    for kind in ["grassland", "pedestrian", "pier"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert!(!decoded.contains_key("roads"));
}

#[test]
fn places_shops_boundaries_and_ferries_are_drawn() {
    let town = town()
        .node(200, 60.004, 25.014, &[("place", "town"), ("name", "Kylä"), ("population", "12000")])
        .node(201, 60.005, 25.015, &[("shop", "supermarket"), ("name", "Kauppa")])
        .node(202, 60.005, 25.016, &[("highway", "crossing")])
        .way(1, &[41, 42], &[("route", "ferry"), ("name", "Lautta")])
        .way(2, &[51, 52], &[])
        .way(3, &[61, 62], &[("railway", "tram")])
        .relation(
            1,
            &[(Kind::Way, 2, "outer")],
            &[("type", "boundary"), ("boundary", "administrative"), ("admin_level", "8")],
        );
    let (_, decoded) = drawn(town, 14);
    let place = only(&decoded, "places");
    assert_eq!((place.text("kind"), place.number("population_rank")), (Some("locality"), Some(6)));
    assert_eq!(only(&decoded, "pois").text("kind"), Some("supermarket"));
    let boundary = only(&decoded, "boundaries");
    assert_eq!((boundary.text("kind"), boundary.number("kind_detail")), (Some("locality"), Some(8)));
    let kinds: Vec<&str> = decoded["roads"].iter().filter_map(|road| road.text("kind")).collect();
    assert!(kinds.contains(&"ferry") && kinds.contains(&"rail"));
}

#[test]
fn a_coast_through_the_town_has_water_on_its_right_and_land_on_its_left() {
    // From west to east, hence the water in the south.
    let (map, decoded) = drawn(town().way(1, &[40, 45, 49], &[("natural", "coastline")]), 14);
    assert!(map.summary.has_sea);
    assert_eq!(map.summary.warnings, Vec::<String>::new());
    let (_, south) = at(&map.tiles, 14, 60.002, 25.0145);
    let (_, north) = at(&map.tiles, 14, 60.006, 25.0145);
    let is = |layer: &str, spot| decoded[layer].iter().any(|feature| feature.covers(spot));
    assert!(is("water", south) && !is("water", north));
    assert!(is("earth", north) && !is("earth", south));
}

#[test]
fn without_a_coast_everything_is_land_and_there_is_no_tile_outside_of_the_map() {
    let (map, decoded) = drawn(town().way(1, &[44, 45], &[("highway", "path")]), 14);
    assert!(!map.summary.has_sea);
    assert_eq!(only(&decoded, "earth").text("kind"), Some("earth"));
    assert_eq!(map.tiles.tile(14, 0, 0), None);
    let coarsest = crate::support::decode(&map.tiles.tile(0, 0, 0).unwrap());
    assert!(coarsest.keys().all(|layer| layer == "earth"));
}

#[test]
fn numbers_that_no_tile_has_give_no_tile() {
    let (map, _) = drawn(town().way(1, &[44, 45], &[("highway", "path")]), 14);
    for (z, x, y) in [(16, 0, 0), (255, 0, 0), (3, 8, 0), (15, u32::MAX, u32::MAX), (0, 1, 1), (31, 1, 1)] {
        assert_eq!(map.tiles.tile(z, x, y), None);
        assert_eq!(TileSource::tile(&map.tiles, z, x, y).unwrap(), None);
    }
}

#[test]
fn the_tile_json_tells_the_area_and_the_attribution_and_tiles_have_an_etag() {
    let (map, _) = drawn(town().way(1, &[44, 45], &[("highway", "path")]), 14);
    let json = map.tiles.tile_json("/map/tiles/{z}/{x}/{y}");
    assert_eq!(json["tilejson"], "3.0.0");
    assert_eq!(json["tiles"][0], "/map/tiles/{z}/{x}/{y}");
    assert_eq!(json["attribution"], "© OpenStreetMap contributors");
    assert_eq!(json["maxzoom"], 15);
    let bounds: Vec<f64> =
        json["bounds"].as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
    for (found, expected) in bounds.iter().zip([25.01, 60.0, 25.019, 60.009]) {
        assert!((found - expected).abs() < 1e-6, "{bounds:?}");
    }
    assert!(json["vector_layers"].as_array().unwrap().iter().any(|layer| layer["id"] == "roads"));
    let etag = map.tiles.etag(14, 1, 2);
    assert!(etag.starts_with('"') && etag.ends_with("-14-1-2\""), "{etag}");
}

#[test]
fn the_same_map_gives_the_same_bytes() {
    let town = || {
        let coast = [("natural", "coastline")];
        let street = [("highway", "service")];
        town().way(1, &[40, 45, 49], &coast).way(2, &[55, 66], &street).way(3, &[77, 66], &street)
    };
    let (first, second): (Tiles, Tiles) = (import(&town().build()).tiles, import(&town().build()).tiles);
    let tile = |tiles: &Tiles| {
        let id = tiles::TileId::at(14, tiles.rect().centre());
        tiles.tile(14, id.x(), id.y())
    };
    assert_eq!(tile(&first), tile(&second));
    assert_eq!(first.version(), second.version());
}

#[test]
fn an_extract_that_claims_half_of_the_world_is_a_map_of_what_it_contains() {
    let world =
        osm::Bounds { min: osm::Point::from_degrees(0.0, 0.0), max: osm::Point::from_degrees(90.0, 180.0) };
    let map = import(
        &town()
            .header(osm::Header { bbox: Some(world), ..osm::Header::default() })
            .way(1, &[0, 99], &[("highway", "path")])
            .build(),
    );
    let (north_west, south_east) = (map.tiles.rect().min.point(), map.tiles.rect().max.point());
    assert!((north_west.lat() - 60.009).abs() < 1e-6 && (south_east.lon() - 25.019).abs() < 1e-6);
}
