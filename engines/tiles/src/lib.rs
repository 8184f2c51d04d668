//! Vector tiles of the area that a shop serves, drawn on request: a live map without a key and without a request to
//! anybody else.
//!
//! An import ([`import()`]) picks the features out of an OpenStreetMap extract and puts them into one file of the map
//! folder; [`Tiles`] maps that file and draws a tile in a millisecond or so, hence nothing has to be made in advance.
//! The layers and attributes are those of the Protomaps basemap schema, version 4: its styles ([`style`]) work
//! unchanged, and an owner's own PMTiles archive ([`Archive`]) takes the place of the extract behind [`TileSource`].
//!
//! ```text
//! osm::Data -> schema (what is drawn) + coast (sea and land) -> pack (file) -> draw (tile)
//! ```
//!
//! Map data is © OpenStreetMap contributors (ODbL 1.0); the attribution in [`TileSource::tile_json`] has to be shown.

mod archive;
mod coast;
mod draw;
mod error;
mod feature;
mod geometry;
mod import;
mod mercator;
mod pack;
mod schema;
mod source;
mod style;
mod tiles;

pub use archive::Archive;
pub use coast::Surface;
pub use draw::mvt;
pub use error::Error;
pub use import::{PART, Summary, features, import};
pub use mercator::{MAX_ZOOM, Rect, Spot, TileId};
pub use pack::Damaged;
pub use source::{Cached, Tile, TileSource, gzip};
pub use style::{Theme, blank_style, style};
pub use tiles::Tiles;
