//! An owner's own map: a PMTiles archive, version 3
//! (<https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>), read from a local file.
//!
//! Nothing in the file is trusted: directories and tiles are bounded in size, nesting is bounded, and every position is
//! checked against the length of the file.

mod directory;
mod header;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use moka::sync::Cache;
use serde_json::{Value, json};

use crate::error::Error;
use crate::source::{Tile, TileSource, gunzip};
use directory::{Directory, Entry};
use header::{Compression, Header};

/// Bounds on single parts, packed or not. The specification keeps the root directory below 16 KiB.
const MOST_ROOT_BYTES: u64 = 16 << 10;
const MOST_DIRECTORY_BYTES: u64 = 4 << 20;
const MOST_METADATA_BYTES: u64 = 4 << 20;
const MOST_TILE_BYTES: u64 = 8 << 20;
/// What is kept of leaf directories that were read. One of a whole planet has some ten thousand entries.
const LEAVES_BYTES: u64 = 8 << 20;
/// Layers of the Protomaps basemap without any of which its styles draw next to nothing.
const LAYERS: [&str; 3] = ["earth", "water", "roads"];
/// Directories in directories: writers use two levels, the specification allows for a few more.
const MOST_DEPTH: usize = 4;

/// An opened archive of vector tiles.
pub struct Archive {
    file: Mutex<File>,
    length: u64,
    header: Header,
    root: Directory,
    /// Leaf directories by where they start: neighbouring tiles are in the same one.
    leaves: Cache<u64, Arc<Directory>>,
    metadata: Value,
    version: String,
}

impl Archive {
    /// Opens and checks the archive.
    ///
    /// # Errors
    /// What is cut off, has tiles other than vector tiles, layers of another schema, or another compression than gzip.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut start = vec![0; header::BYTES];
        if length < start.len() as u64 {
            return Err(Error::Archive("it is too short for a map archive"));
        }
        file.read_exact(&mut start)?;
        let header = Header::read(&start)?;
        if [header.root, header.metadata, header.leaves, header.tiles].iter().any(|part| part.end() > length)
        {
            return Err(Error::Archive("it is shorter than it says: it was not copied to its end"));
        }
        let mut archive = Self {
            file: Mutex::new(file),
            length,
            header,
            root: Directory::default(),
            leaves: Cache::builder()
                .max_capacity(LEAVES_BYTES)
                .weigher(|_, leaf: &Arc<Directory>| u32::try_from(leaf.bytes()).unwrap_or(u32::MAX))
                .build(),
            metadata: Value::Null,
            version: String::new(),
        };
        let root = archive.bytes(header.root, MOST_ROOT_BYTES)?;
        archive.root = archive.directory(&root)?;
        let metadata = archive.bytes(header.metadata, MOST_METADATA_BYTES)?;
        let metadata = archive.unpack(&metadata, MOST_METADATA_BYTES)?;
        archive.metadata = serde_json::from_slice(&metadata).unwrap_or(Value::Null);
        if !has_known_layers(&archive.metadata) {
            let reason =
                "its layers are not those of the Protomaps basemap, and nothing of it would be drawn";
            return Err(Error::Archive(reason));
        }
        archive.version = version(&[&start, &root, &metadata], length);
        Ok(archive)
    }

    fn bytes(&self, part: header::Part, most: u64) -> Result<Vec<u8>, Error> {
        if part.length > most || part.end() > self.length {
            return Err(Error::Archive("a part of it lies beyond its end or is too large"));
        }
        let mut bytes = vec![0; usize::try_from(part.length).unwrap_or(0)];
        // A panic while the lock was held leaves nothing but a position, which is set anew.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(part.start))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn unpack(&self, bytes: &[u8], most: u64) -> Result<Vec<u8>, Error> {
        match self.header.internal {
            Compression::None => Ok(bytes.to_vec()),
            Compression::Gzip => gunzip(bytes, most),
        }
    }

    fn directory(&self, bytes: &[u8]) -> Result<Directory, Error> {
        let plain = self.unpack(bytes, MOST_DIRECTORY_BYTES)?;
        Directory::read(&plain).ok_or(Error::Archive("a directory in it is damaged"))
    }

    fn leaf(&self, part: header::Part) -> Result<Arc<Directory>, Error> {
        if let Some(leaf) = self.leaves.get(&part.start) {
            return Ok(leaf);
        }
        let bytes = self.bytes(part, MOST_DIRECTORY_BYTES)?;
        let leaf = Arc::new(self.directory(&bytes)?);
        self.leaves.insert(part.start, Arc::clone(&leaf));
        Ok(leaf)
    }

    fn find(&self, id: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut found = self.root.find(id);
        for _ in 0..MOST_DEPTH {
            match found {
                None => return Ok(None),
                Some(Entry { run: 1.., start, length, .. }) => {
                    let part = self.header.tiles.part(start, length);
                    return self.bytes(part, MOST_TILE_BYTES).map(Some);
                }
                Some(Entry { start, length, .. }) => {
                    found = self.leaf(self.header.leaves.part(start, length))?.find(id);
                }
            }
        }
        Err(Error::Archive("its directories are nested too deeply"))
    }
}

impl TileSource for Archive {
    fn tile(&self, z: u8, x: u32, y: u32) -> Result<Option<Tile>, Error> {
        let Some(id) = directory::tile_id(z, x, y) else { return Ok(None) };
        let tile = self.find(id)?.filter(|bytes| !bytes.is_empty());
        Ok(tile.map(|bytes| match self.header.tile {
            Compression::None => Tile::Plain(bytes.into()),
            Compression::Gzip => Tile::Gzip(bytes.into()),
        }))
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn tile_json(&self, url: &str) -> Value {
        let header = &self.header;
        let text = |key: &str| self.metadata.get(key).and_then(Value::as_str);
        json!({
            "tilejson": "3.0.0",
            "name": text("name").unwrap_or("Map archive"),
            "tiles": [url],
            "scheme": "xyz",
            "minzoom": header.min_zoom,
            "maxzoom": header.max_zoom,
            "bounds": header.bounds,
            "center": header.centre,
            "attribution": attribution(text("attribution")),
            "version": "1.0.0",
            "vector_layers": self.metadata.get("vector_layers").cloned().unwrap_or_else(|| json!([])),
        })
    }
}

/// Whether the styles draw anything of it. Archives that do not tell their layers are taken at their word.
fn has_known_layers(metadata: &Value) -> bool {
    let layers = metadata.get("vector_layers").and_then(Value::as_array).filter(|layers| !layers.is_empty());
    let known = |layer: &Value| layer["id"].as_str().is_some_and(|id| LAYERS.contains(&id));
    layers.is_none_or(|layers| layers.iter().any(known))
}

/// Archives of OpenStreetMap data must name it. One whose maker left that out, or wrote only its own name, still gets it.
fn attribution(own: Option<&str>) -> String {
    let own = own.map(without_markup).unwrap_or_default();
    if own.contains("OpenStreetMap") {
        own
    } else if own.is_empty() {
        mapfolder::ATTRIBUTION.to_owned()
    } else {
        format!("{own} {}", mapfolder::ATTRIBUTION)
    }
}

/// Archives carry links in this text. It comes from outside and is shown on pages, hence only its words are kept.
fn without_markup(text: &str) -> String {
    let mut inside = false;
    let words: String = text
        .chars()
        .filter(|c| {
            let keep = !inside && *c != '<' && *c != '>';
            inside = match c {
                '<' => true,
                '>' => false,
                _ => inside,
            };
            keep
        })
        .take(300)
        .collect();
    words.replace("&copy;", "©").trim().to_owned()
}

/// Header and root directory name the contents of an archive, except where one was rewritten in place with tiles of the
/// very same sizes, which no writer does.
fn version(parts: &[&[u8]], length: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.update(&length.to_le_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests;
