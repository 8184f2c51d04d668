//! Reads an OpenStreetMap extract (`.osm.pbf`) into memory.
//!
//! The file comes from outside, so nothing in it is trusted: the size of the file, of each block and the number of
//! elements are bounded by [`Limits`], and whatever is malformed is a [`ReadError`] and never a panic. The format is
//! read here and not by the crate `osmpbf`, because that one multiplies coordinates and adds up deltas unchecked
//! (a panic on hostile input) and decodes into messages that take up to forty times the bytes that they came from.
//! Format: <https://wiki.openstreetmap.org/wiki/PBF_Format>.
//!
//! Coordinates are WGS 84 in units of 1e-7 degrees, the precision of OpenStreetMap itself.

pub mod areas;
mod blob;
mod block;
mod builder;
mod data;
mod error;
mod point;
mod read;
mod strings;
mod wire;

pub use builder::Builder;
pub use data::{Data, Header, Kind, Member, Node, Relation, Tags, Way};
pub use error::{Limits, ReadError};
pub use point::{Bounds, Point};
