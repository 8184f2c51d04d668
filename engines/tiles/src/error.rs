//! Why a map cannot be imported, opened or read.

use std::io;

use crate::pack;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The map folder could not be written or read.
    #[error(transparent)]
    Folder(#[from] mapfolder::Error),
    /// The extract has more features than the file can hold.
    #[error(transparent)]
    TooLarge(#[from] pack::TooLarge),
    /// The file of features is damaged or foreign.
    #[error(transparent)]
    Damaged(#[from] pack::Damaged),
    /// An archive could not be read.
    #[error("the map archive cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not an archive that can be used, and why.
    #[error("the map archive cannot be used: {0}")]
    Archive(&'static str),
}
