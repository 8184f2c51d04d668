//! Imports extracts and reads tiles back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tiles::mvt::{self, GeometryType, TileLayer, TileValue};
use tiles::{Spot, Summary, TileId, Tiles};

/// An imported map; the folder lives as long as this does.
pub struct Map {
    pub tiles: Tiles,
    pub summary: Summary,
    _folder: TempDir,
}

pub fn import(data: &osm::Data) -> Map {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = mapfolder::Writer::begin(folder.path()).unwrap();
    let summary = tiles::import(data, &mut writer, &mut |_| {}).unwrap();
    writer.finish(mapfolder::Source::of(data, "test.osm.pbf")).unwrap();
    let tiles = Tiles::open(&mapfolder::Folder::open(folder.path()).unwrap()).unwrap();
    Map { tiles, summary, _folder: folder }
}

pub fn read(path: &Path) -> osm::Data {
    osm::Data::read(path, &osm::Limits::default(), &mut |_| {}).unwrap()
}

/// The extract that is part of the repository.
pub fn helsinki() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/helsinki.osm.pbf")
}

/// A larger extract, which is not part of the repository; `None` and a message when it is not at hand.
pub fn extract(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("DROPMATE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = data.join("osm").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there (set DROPMATE_DATA)", path.display());
    None
}

/// A decoded feature.
#[derive(Debug)]
pub struct Drawn {
    pub attributes: BTreeMap<String, TileValue>,
    pub kind: GeometryType,
    pub parts: Vec<Vec<Spot>>,
}

impl Drawn {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key)?.string_value.as_deref()
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        self.attributes.get(key)?.int_value
    }

    pub fn flag(&self, key: &str) -> bool {
        self.attributes.get(key).and_then(|value| value.bool_value) == Some(true)
    }

    /// Inside of one of the polygons of an area, in steps of the tile.
    pub fn covers(&self, spot: Spot) -> bool {
        if self.kind != GeometryType::Polygon {
            return false;
        }
        let (mut inside, mut any) = (false, false);
        for ring in &self.parts {
            // An outer ring begins a polygon; holes follow it.
            if twice_area(ring) > 0 {
                any |= inside;
                inside = contains(ring, spot);
            } else {
                inside &= !contains(ring, spot);
            }
        }
        any || inside
    }
}

pub fn twice_area(ring: &[Spot]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(a, b)| i64::from(a.x) * i64::from(b.y) - i64::from(b.x) * i64::from(a.y))
        .sum()
}

fn contains(ring: &[Spot], spot: Spot) -> bool {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).fold(false, |inside, (a, b)| {
        let crosses = (a.y > spot.y) != (b.y > spot.y);
        let x = || f64::from(a.x) + f64::from(b.x - a.x) * f64::from(spot.y - a.y) / f64::from(b.y - a.y);
        inside ^ (crosses && f64::from(spot.x) < x())
    })
}

/// A tile by layers.
pub type Decoded = BTreeMap<String, Vec<Drawn>>;

pub fn decode(bytes: &[u8]) -> Decoded {
    let tile = mvt::decode(bytes).expect("a tile of the tile format");
    let count = tile.layers.len();
    let layers: Decoded = tile.layers.iter().map(|layer| (layer.name.clone(), features(layer))).collect();
    assert_eq!(layers.len(), count, "a layer occurs twice");
    layers
}

fn features(layer: &TileLayer) -> Vec<Drawn> {
    assert_eq!((layer.version, layer.extent), (2, Some(4096)));
    layer
        .features
        .iter()
        .map(|feature| {
            let pairs = feature.tags.chunks(2);
            Drawn {
                attributes: pairs
                    .map(|pair| {
                        (layer.keys[pair[0] as usize].clone(), layer.values[pair[1] as usize].clone())
                    })
                    .collect(),
                kind: GeometryType::try_from(feature.r#type.unwrap()).unwrap(),
                parts: mvt::parts(&feature.geometry).expect("commands that the format allows"),
            }
        })
        .collect()
}

/// The tile of this zoom at a place, and the place in its steps.
pub fn at(tiles: &Tiles, zoom: u8, lat: f64, lon: f64) -> (Decoded, Spot) {
    let spot = Spot::of(osm::Point::from_degrees(lat, lon));
    let id = TileId::at(zoom, spot);
    (decode(&tiles.tile(zoom, id.x(), id.y()).expect("a tile of the map")), steps_in(id, spot))
}

/// A place in the steps of a tile.
pub fn steps_in(id: TileId, spot: Spot) -> Spot {
    let min = id.rect().min;
    Spot { x: (spot.x - min.x) >> id.shift(), y: (spot.y - min.y) >> id.shift() }
}
