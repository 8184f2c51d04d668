//! What can go wrong.

/// Why addresses cannot be imported, opened or searched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The part is of another format, or damaged.
    #[error("the address part of the map folder cannot be read: import the map again")]
    NotAnAddressFile,
    /// The map folder.
    #[error(transparent)]
    Folder(#[from] mapfolder::Error),
    /// The index of words.
    #[error("the search index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// Reading a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An address list whose header names no street, number or position.
    #[error("the address list has no column for {0}")]
    NoColumn(&'static str),
    /// An address list that is not a table of text.
    #[error("the address list cannot be read: {0}")]
    NotATable(#[from] csv::Error),
    /// An address list beyond its limit.
    #[error("the address list has more than {0} rows")]
    TooManyRows(u64),
}
