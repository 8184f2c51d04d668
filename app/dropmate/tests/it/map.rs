//! `dropmate map`: made from the extract of the repository, asked, refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Home;

const EXTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/helsinki.osm.pbf");
const LIST: &str = "street,housenumber,postcode,city,lat,lon\n\
    Mannerheimintie,9999,00100,Helsinki,60.1700,24.9400\n\
    Mannerheimintie,,00100,Helsinki,60.1700,24.9400\n";

fn map(home: &Home) -> PathBuf {
    home.path().join("map")
}

/// Runs `dropmate map ...` on the home's map.
fn on_map(home: &Home, args: &[&str]) -> crate::support::Done {
    let folder = map(home);
    let mut all = vec!["map"];
    all.extend(args);
    all.extend(["--map", folder.to_str().unwrap()]);
    home.run(&all)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_map_is_made_told_and_asked() {
    let home = Home::new();
    let list = home.path().join("list.csv");
    fs::write(&list, LIST).unwrap();
    let done = on_map(&home, &["import", EXTRACT, "--profile", "car", "--addresses", list.to_str().unwrap()]);
    assert!(done.err.contains("line 3: the house number is missing"), "{}", done.err);
    let told = done.ok();
    for words in [
        "map of helsinki.osm.pbf",
        "junctions",
        "edges",
        "houses",
        "1 houses of official lists",
        "OpenStreetMap",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let info = json(&on_map(&home, &["info", "--json"]).ok());
    assert_eq!(info["addresses"]["official"], 1);
    assert!(info["addresses"]["houses"].as_u64().unwrap() > 500, "{info}");
    let asked = ["route", "60.1699,24.9384", "60.1756,24.9414"];
    let route = json(&on_map(&home, &[&asked[..], &["--json"]].concat()).ok());
    assert!(
        route["duration_s"].as_f64().unwrap() > 30.0 && route["distance_m"].as_f64().unwrap() > 600.0,
        "{route}"
    );
    assert_eq!(route["geometry"]["type"], "LineString");
    assert!(on_map(&home, &asked).ok().contains(" s, "));
    // Another import takes its place, also where the first one's list is not there any more.
    on_map(&home, &["import", EXTRACT, "--profile", "foot"]).ok();
    let refused = on_map(&home, &asked).refused(1);
    assert!(refused.contains("car") && refused.contains("foot"), "which roads there are: {refused}");
    assert_eq!(json(&on_map(&home, &["info", "--json"]).ok())["addresses"]["official"], 0);
}

#[test]
fn what_is_no_extract_leaves_the_map_as_it_was() {
    let home = Home::new();
    on_map(&home, &["import", EXTRACT, "--profile", "foot"]).ok();
    let before = on_map(&home, &["info", "--json"]).ok();
    let broken = home.path().join("broken.osm.pbf");
    let whole = fs::read(EXTRACT).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let refused = on_map(&home, &["import", broken.to_str().unwrap()]).refused(1);
    assert!(refused.contains("is no extract that can be read"), "{refused}");
    let list = home.path().join("list.csv");
    fs::write(&list, "name,age\nAda,36\n").unwrap();
    let refused = on_map(&home, &["import", EXTRACT, "--addresses", list.to_str().unwrap()]).refused(1);
    assert!(refused.contains("is no list of addresses"), "{refused}");
    assert_eq!(on_map(&home, &["info", "--json"]).ok(), before);
    on_map(&home, &["import", EXTRACT, "--profile", "submarine"]).refused(2);
}

#[test]
fn without_a_map_it_says_how_to_make_one() {
    let home = Home::new();
    for args in [&["info"][..], &["route", "60.17,24.94", "60.18,24.94"]] {
        let refused = on_map(&home, args).refused(1);
        assert!(refused.contains("dropmate map import"), "{args:?}: {refused}");
    }
    assert!(!Path::new(&map(&home)).exists());
    on_map(&home, &["route", "north,24.94", "60.18,24.94"]).refused(2);
}
