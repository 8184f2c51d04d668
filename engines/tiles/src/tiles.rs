//! Tiles drawn from an imported extract.

use bytes::Bytes;
use mapfolder::Folder;
use serde_json::{Value, json};

use crate::draw;
use crate::error::Error;
use crate::feature::Layer;
use crate::import::PART;
use crate::mercator::{MAX_ZOOM, Rect, TileId};
use crate::pack::Pack;
use crate::source::{Tile, TileSource};

/// The map of an opened folder. Its file stays mapped as long as this lives.
pub struct Tiles {
    pack: Pack<Bytes>,
    version: String,
    attribution: String,
}

impl Tiles {
    /// Opens the features of a map folder and checks them.
    pub fn open(folder: &Folder) -> Result<Self, Error> {
        let manifest = folder.manifest();
        Ok(Self {
            pack: Pack::open(folder.map(PART)?)?,
            version: manifest.version.clone(),
            attribution: manifest.source.attribution.clone(),
        })
    }

    /// The tile in the tile format, version 2; `None` outside of the map and for numbers that no tile has. Pure: the
    /// same map and the same numbers give the same bytes.
    pub fn tile(&self, z: u8, x: u32, y: u32) -> Option<Vec<u8>> {
        draw::tile(&self.pack, TileId::new(z, x, y)?)
    }

    /// The area of the map.
    pub fn rect(&self) -> Rect {
        self.pack.rect()
    }

    /// Number of features in all layers.
    pub fn len(&self) -> usize {
        self.pack.len()
    }

    /// Nothing was imported.
    pub fn is_empty(&self) -> bool {
        self.pack.is_empty()
    }
}

impl TileSource for Tiles {
    fn tile(&self, z: u8, x: u32, y: u32) -> Result<Option<Tile>, Error> {
        Ok(self.tile(z, x, y).map(|bytes| Tile::Plain(bytes.into())))
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn tile_json(&self, url: &str) -> Value {
        let rect = self.pack.rect();
        let (north_west, south_east, centre) = (rect.min.point(), rect.max.point(), rect.centre().point());
        json!({
            "tilejson": "3.0.0",
            "name": "DropMate",
            "tiles": [url],
            "scheme": "xyz",
            "minzoom": 0,
            "maxzoom": MAX_ZOOM,
            "bounds": [north_west.lon(), south_east.lat(), south_east.lon(), north_west.lat()],
            "center": [centre.lon(), centre.lat(), 13],
            "attribution": self.attribution,
            "version": "4.0.0",
            "vector_layers": Layer::ALL.map(vector_layer),
        })
    }
}

/// The attributes that a style may use, by layer. Names in other languages stand as `name:xx` beside `name`.
fn vector_layer(layer: Layer) -> Value {
    let fields: &[(&str, &str)] = match layer {
        Layer::Earth => &[("kind", "String"), ("name", "String"), ("min_zoom", "Number")],
        Layer::Landuse => &[("kind", "String"), ("sort_rank", "Number")],
        Layer::Water => &[
            ("kind", "String"),
            ("kind_detail", "String"),
            ("name", "String"),
            ("min_zoom", "Number"),
            ("sort_rank", "Number"),
            ("layer", "Number"),
            ("bridge", "String"),
            ("tunnel", "String"),
        ],
        Layer::Roads => &[
            ("kind", "String"),
            ("kind_detail", "String"),
            ("name", "String"),
            ("ref", "String"),
            ("min_zoom", "Number"),
            ("sort_rank", "Number"),
            ("is_link", "Boolean"),
            ("is_bridge", "Boolean"),
            ("is_tunnel", "Boolean"),
            ("oneway", "String"),
            ("access", "String"),
            ("service", "String"),
            ("network", "String"),
            ("route", "String"),
        ],
        Layer::Buildings => &[
            ("kind", "String"),
            ("kind_detail", "String"),
            ("height", "Number"),
            ("min_height", "Number"),
            ("layer", "Number"),
            ("sort_rank", "Number"),
            ("addr_housenumber", "String"),
        ],
        Layer::Boundaries => {
            &[("kind", "String"), ("kind_detail", "Number"), ("sort_rank", "Number"), ("disputed", "Boolean")]
        }
        Layer::Places => &[
            ("kind", "String"),
            ("kind_detail", "String"),
            ("name", "String"),
            ("min_zoom", "Number"),
            ("population", "Number"),
            ("population_rank", "Number"),
            ("sort_key", "Number"),
            ("capital", "String"),
            ("wikidata", "String"),
        ],
        Layer::Pois => &[
            ("kind", "String"),
            ("kind_detail", "String"),
            ("name", "String"),
            ("min_zoom", "Number"),
            ("iata", "String"),
        ],
    };
    let fields: serde_json::Map<String, Value> =
        fields.iter().map(|(name, kind)| ((*name).to_owned(), json!(kind))).collect();
    json!({ "id": layer.name(), "fields": fields, "minzoom": 0, "maxzoom": MAX_ZOOM })
}
