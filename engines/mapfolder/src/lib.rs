//! One folder that holds what a map import made.
//!
//! ```text
//! <map folder>/
//!   current          the id of the version in use, replaced by a rename: the switch is atomic
//!   .lock            held while an import writes
//!   .building/       what an import writes; never read, removed by the next import
//!   v-<id>/          one finished version, never changed afterwards
//!     manifest.json  format, source, and length and BLAKE3 of every file
//!     roads/...      the parts
//! ```
//!
//! The id of a version is the hash of its manifest, so that whoever opens it can tell that the manifest is whole, and
//! the manifest says whether every file is. Opening reads every file once to check it.
//!
//! Files are memory-mapped through `mmap-io`, whose safe function relies on files not being changed while they are
//! mapped. That is kept: a finished version is never written to, and its files are read-only.

mod error;
mod folder;
mod manifest;
mod name;
mod writer;

pub use bytes::Bytes;
pub use error::Error;
pub use folder::Folder;
pub use manifest::{ATTRIBUTION, FORMAT, Manifest, Part, Source};
pub use writer::Writer;

/// The file that names the version in use.
const CURRENT: &str = "current";
const MANIFEST: &str = "manifest.json";

/// The folder of a version.
fn version_folder(id: &str) -> String {
    format!("v-{id}")
}
