//! Where tiles come from: an imported extract or an owner's archive, behind one trait, and a cache in front of either.

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use moka::sync::Cache;
use serde_json::Value;

use crate::error::Error;
use crate::mercator::TileId;

/// No tile is larger unpacked; an archive that says otherwise is refused.
const MOST_TILE_BYTES: u64 = 16 << 20;

/// A source of vector tiles in the Protomaps basemap schema.
pub trait TileSource: Send + Sync {
    /// `None` for a tile that this source does not have.
    fn tile(&self, z: u8, x: u32, y: u32) -> Result<Option<Tile>, Error>;

    /// Changes whenever the tiles may have changed. Letters, digits and hyphens only.
    fn version(&self) -> &str;

    /// TileJSON 3.0 (<https://github.com/mapbox/tilejson-spec/tree/master/3.0.0>). `url` is the address of the tiles
    /// with `{z}`, `{x}` and `{y}` in it.
    fn tile_json(&self, url: &str) -> Value;

    /// A strong ETag, quotes included: the version and the numbers of the tile.
    fn etag(&self, z: u8, x: u32, y: u32) -> String {
        format!("\"{}-{z}-{x}-{y}\"", self.version())
    }
}

/// The bytes of one tile, as they are at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tile {
    /// The tile format itself.
    Plain(Bytes),
    /// `Content-Encoding: gzip`.
    Gzip(Bytes),
}

impl Tile {
    /// The bytes to send to a client that takes gzip.
    pub fn gzip(&self) -> Result<Bytes, Error> {
        match self {
            Self::Plain(bytes) => Ok(gzip(bytes)?.into()),
            Self::Gzip(bytes) => Ok(bytes.clone()),
        }
    }

    /// The bytes of the tile format itself.
    pub fn plain(&self) -> Result<Bytes, Error> {
        match self {
            Self::Plain(bytes) => Ok(bytes.clone()),
            Self::Gzip(bytes) => Ok(gunzip(bytes, MOST_TILE_BYTES)?.into()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Plain(bytes) | Self::Gzip(bytes) => bytes.len(),
        }
    }
}

/// Packs with the usual effort.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Unpacks at most so many bytes.
pub(crate) fn gunzip(bytes: &[u8], most: u64) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(most + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > most {
        return Err(Error::Archive("something in it is larger than anything in a map archive should be"));
    }
    Ok(plain)
}

/// Keeps the tiles that were asked for last, packed.
pub struct Cached {
    source: Arc<dyn TileSource>,
    tiles: Cache<TileId, Option<Tile>>,
}

impl Cached {
    /// Keeps tiles of so many bytes together. A cache belongs to one source: a new version of the map gets a new one.
    pub fn new(source: Arc<dyn TileSource>, most_bytes: u64) -> Self {
        // What the bookkeeping of an entry takes, about.
        const ENTRY_BYTES: usize = 100;
        let weight = |_: &TileId, tile: &Option<Tile>| {
            let bytes = tile.as_ref().map_or(0, Tile::len) + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self { source, tiles: Cache::builder().max_capacity(most_bytes).weigher(weight).build() }
    }
}

impl TileSource for Cached {
    fn tile(&self, z: u8, x: u32, y: u32) -> Result<Option<Tile>, Error> {
        // Beyond the numbers that are kept an archive may still have tiles.
        let Some(id) = TileId::new(z, x, y) else { return self.source.tile(z, x, y) };
        if let Some(tile) = self.tiles.get(&id) {
            return Ok(tile);
        }
        let tile = match self.source.tile(z, x, y)? {
            Some(tile) => Some(Tile::Gzip(tile.gzip()?)),
            None => None,
        };
        self.tiles.insert(id, tile.clone());
        Ok(tile)
    }

    fn version(&self) -> &str {
        self.source.version()
    }

    fn tile_json(&self, url: &str) -> Value {
        self.source.tile_json(url)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl TileSource for Counting {
        fn tile(&self, z: u8, _: u32, _: u32) -> Result<Option<Tile>, Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok((z > 0).then(|| Tile::Plain(Bytes::from_static(b"tile tile tile tile"))))
        }

        fn version(&self) -> &'static str {
            "v1"
        }

        fn tile_json(&self, _: &str) -> Value {
            Value::Null
        }
    }

    #[test]
    fn a_tile_is_drawn_once_and_comes_packed_out_of_the_cache() {
        let source = Arc::new(Counting(AtomicUsize::new(0)));
        let cached = Cached::new(source.clone(), 1 << 20);
        for _ in 0..3 {
            let tile = cached.tile(1, 0, 0).unwrap().unwrap();
            assert!(matches!(tile, Tile::Gzip(_)));
            assert_eq!(tile.plain().unwrap(), &b"tile tile tile tile"[..]);
            assert_eq!(cached.tile(0, 0, 0).unwrap(), None);
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 2);
        assert_eq!(cached.etag(1, 0, 0), "\"v1-1-0-0\"");
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = gzip(&vec![0; 1 << 20]).unwrap();
        assert!(matches!(gunzip(&bomb, 1000), Err(Error::Archive(_))));
        assert_eq!(gunzip(&bomb, 1 << 20).unwrap().len(), 1 << 20);
    }
}
