//! Measures import and drawing for extracts and prints JSON, one object for each.
//!
//! ```text
//! cargo run --release -p tiles --example measure_tiles -- demo/helsinki.osm.pbf ...
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tiles::{TileId, Tiles};

fn main() -> Result<(), Box<dyn Error>> {
    for map in std::env::args().skip(1) {
        println!("{}", measure(Path::new(&map))?);
    }
    Ok(())
}

fn measure(map: &Path) -> Result<Value, Box<dyn Error>> {
    let start = Instant::now();
    let data = osm::Data::read(map, &osm::Limits::default(), &mut |_| {})?;
    let read_ms = ms(start);
    let folder = tempfile::tempdir()?;
    let mut writer = mapfolder::Writer::begin(folder.path())?;
    let start = Instant::now();
    let summary = tiles::import(&data, &mut writer, &mut |_| {})?;
    let import_ms = ms(start);
    writer.finish(mapfolder::Source::of(&data, "map.osm.pbf"))?;
    let folder = mapfolder::Folder::open(folder.path())?;
    let start = Instant::now();
    let tiles = Tiles::open(&folder)?;
    let open_ms = ms(start);
    let zooms: Vec<Value> = [15, 14, 13, 12, 10, 8].iter().map(|zoom| draw_all(&tiles, *zoom)).collect();
    Ok(json!({
        "map": map.file_name().and_then(|name| name.to_str()),
        "read_ms": read_ms,
        "import_ms": import_ms,
        "open_ms": open_ms,
        "features": summary.features,
        "file_bytes": summary.bytes,
        "incomplete_areas": summary.incomplete_areas,
        "has_sea": summary.has_sea,
        "warnings": summary.warnings,
        "zooms": zooms,
    }))
}

fn draw_all(tiles: &Tiles, zoom: u8) -> Value {
    let (first, last) = (TileId::at(zoom, tiles.rect().min), TileId::at(zoom, tiles.rect().max));
    let (mut durations, mut sizes) = (Vec::new(), Vec::new());
    for x in first.x()..=last.x() {
        for y in first.y()..=last.y() {
            let start = Instant::now();
            let Some(bytes) = tiles.tile(zoom, x, y) else { continue };
            durations.push(ms(start));
            sizes.push(tiles::gzip(&bytes).map_or(0, |bytes| bytes.len()));
        }
    }
    durations.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        durations.get((durations.len() * percent / 100).min(durations.len().max(1) - 1)).copied()
    };
    json!({
        "zoom": zoom,
        "tiles": durations.len(),
        "median_ms": at(50),
        "p99_ms": at(99),
        "max_ms": at(100),
        "largest_gzip_bytes": sizes.iter().max(),
        "total_gzip_bytes": sizes.iter().sum::<usize>(),
    })
}

fn ms(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
