//! What may be read, and why something was not.

use std::io;

/// Bounds on what one file may contain. The default holds a metropolitan area of some ten million people; a larger
/// extract is cut to the area that the shop serves before it is imported. At these bounds the data takes about 2 GB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes.
    pub max_file_bytes: u64,
    /// Size of one block in bytes, as stored and as unpacked. The format itself allows 32 MiB.
    pub max_blob_bytes: u32,
    /// Nodes, with or without tags.
    pub max_nodes: u64,
    /// Ways.
    pub max_ways: u64,
    /// Node references over all ways.
    pub max_way_nodes: u64,
    /// Relations.
    pub max_relations: u64,
    /// Members over all relations.
    pub max_members: u64,
    /// Tags over all elements.
    pub max_tags: u64,
    /// Bytes of all different keys, values and roles.
    pub max_text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 2 << 30,
            max_blob_bytes: 32 << 20,
            max_nodes: 40_000_000,
            max_ways: 8_000_000,
            max_way_nodes: 60_000_000,
            max_relations: 500_000,
            max_members: 5_000_000,
            max_tags: 40_000_000,
            max_text_bytes: 256 << 20,
        }
    }
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk said no.
    #[error("the map file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Another format.
    #[error("this is not an .osm.pbf file")]
    NotOsmPbf,
    /// Cut off.
    #[error("the map file ends in the middle of a block: it was probably not downloaded completely")]
    Truncated,
    /// Complete, but not as the format says.
    #[error("the map file is damaged: {0}")]
    Damaged(&'static str),
    /// A compression or a feature of the format that no extract for maps has.
    #[error("the map file uses {0}, which is not supported")]
    Unsupported(String),
    /// A limit was reached: which one, and its value.
    #[error("the map file has more than {limit} {what}: cut it to the area that is served")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most that is read.
        limit: u64,
    },
    /// Nothing to make a map of.
    #[error("the map file contains no nodes")]
    Empty,
}
