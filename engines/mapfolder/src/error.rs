//! Why a map folder is not written or not opened.

use std::io;
use std::path::{Path, PathBuf};

/// Messages are for the person who runs the installation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder that was wanted.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Nothing was imported yet, or only half.
    #[error("{} holds no finished map: import one first", .0.display())]
    NoMap(PathBuf),
    /// The folder belongs to something else.
    #[error("{} is not a map folder", .0.display())]
    Foreign(PathBuf),
    /// Written by a newer version of the product.
    #[error("the map has format {found}, this version reads up to {known}: import the map again or update")]
    NewerFormat {
        /// Format of the folder.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// A file is not what was written.
    #[error("the map is damaged ({part}: {what}): import it again")]
    Damaged {
        /// The file.
        part: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The map was imported without this part.
    #[error("the map has no part {0}: import it again")]
    NoSuchPart(String),
    /// A part's name is not a plain relative path.
    #[error("{0:?} cannot be the name of a part")]
    BadName(String),
    /// Another import holds the folder.
    #[error("another import into {} is running", .0.display())]
    Busy(PathBuf),
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(part: &str, what: &'static str) -> Self {
        Self::Damaged { part: part.to_owned(), what }
    }
}
