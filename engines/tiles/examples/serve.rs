//! Shows an extract in a browser, for looking at what was drawn.
//!
//! ```text
//! cargo run --release -p tiles --example serve -- demo/helsinki.osm.pbf node_modules/maplibre-gl/dist 8099
//! ```
//!
//! The second argument is the folder with `maplibre-gl.mjs` (or `.js`) and `maplibre-gl.css` of the npm package. A PMTiles
//! archive can stand in the place of the extract.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tiles::{Archive, Cached, Theme, TileSource, Tiles};

type Answer = Option<(&'static str, Vec<u8>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, map, library, port] = arguments.as_slice() else {
        return Err("arguments: map, folder of maplibre, port".into());
    };
    let folder = std::env::temp_dir().join(format!("tiles-serve-{port}"));
    let source = Cached::new(source(Path::new(map), &folder)?, 64 << 20);
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    println!("http://127.0.0.1:{port}/?theme=light#13/60.17/24.94");
    for stream in listener.incoming() {
        answer(stream?, &source, Path::new(library)).unwrap_or_else(|error| eprintln!("{error}"));
    }
    Ok(())
}

fn source(map: &Path, folder: &Path) -> Result<Arc<dyn TileSource>, Box<dyn Error>> {
    if map.extension().is_some_and(|extension| extension == "pmtiles") {
        return Ok(Arc::new(Archive::open(map)?));
    }
    let data = osm::Data::read(map, &osm::Limits::default(), &mut |_| {})?;
    let mut writer = mapfolder::Writer::begin(folder)?;
    let summary = tiles::import(&data, &mut writer, &mut |_| {})?;
    writer.finish(mapfolder::Source::of(&data, "map.osm.pbf"))?;
    println!("{summary:?}");
    Ok(Arc::new(Tiles::open(&mapfolder::Folder::open(folder)?)?))
}

fn answer(mut stream: TcpStream, source: &Cached, library: &Path) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().ok_or("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let (status, (kind, body)) = match route(path, &query, source, library)? {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("text/plain", Vec::new())),
    };
    let encoding =
        if kind == "application/vnd.mapbox-vector-tile" { "Content-Encoding: gzip\r\n" } else { "" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{encoding}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)?;
    Ok(())
}

fn route(
    path: &str,
    query: &HashMap<&str, &str>,
    source: &Cached,
    library: &Path,
) -> Result<Answer, Box<dyn Error>> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    Ok(match parts.as_slice() {
        [""] => Some(("text/html", PAGE.as_bytes().to_vec())),
        ["tiles", z, x, y] => {
            let tile = source.tile(z.parse()?, x.parse()?, y.parse()?)?;
            tile.map(|tile| tile.gzip())
                .transpose()?
                .map(|bytes| ("application/vnd.mapbox-vector-tile", bytes.to_vec()))
        }
        ["tiles.json"] => {
            let host = query.get("host").copied().unwrap_or("");
            let json = source.tile_json(&format!("http://{host}/tiles/{{z}}/{{x}}/{{y}}"));
            Some(("application/json", json.to_string().into_bytes()))
        }
        ["style.json"] => {
            let theme = if query.get("theme") == Some(&"dark") { Theme::Dark } else { Theme::Light };
            let host = query.get("host").copied().unwrap_or("");
            let style = match query.get("blank") {
                Some(_) => tiles::blank_style(theme, osm::Point::from_degrees(60.17, 24.94)),
                None => tiles::style(theme, &format!("http://{host}/tiles.json?host={host}")),
            };
            Some(("application/json", style.to_string().into_bytes()))
        }
        ["lib", name] => library_file(library, name),
        _ => None,
    })
}

fn library_file(library: &Path, name: &str) -> Answer {
    let path: PathBuf = library.join(name);
    let kind = match path.extension()?.to_str()? {
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        _ => return None,
    };
    fs::read(path).ok().map(|bytes| (kind, bytes))
}

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/lib/maplibre-gl.css">
<style>body{margin:0}#map{height:100vh}</style><div id="map"></div>
<script type="module">
import * as maplibregl from "/lib/maplibre-gl.mjs";
const query = new URLSearchParams(location.search);
const style = `/style.json?host=${location.host}&theme=${query.get("theme")}${query.has("blank") ? "&blank=1" : ""}`;
const map = new maplibregl.Map({ container: "map", hash: true, style, fadeDuration: 0 });
window.problems = [];
map.on("error", (event) => window.problems.push(String(event.error?.message ?? event.error)));
map.on("idle", () => { window.ready = true; });
window.map = map;
</script>"#;
