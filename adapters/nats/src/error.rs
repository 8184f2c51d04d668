//! What can go wrong with a broker: it is away, or it is not one that DropMate works with.

/// Why the broker cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is set in a way that would lose events or let strangers in: somebody has to change something.
    #[error("{0}")]
    Refused(String),
    /// It does not answer, or not in time: it is tried again.
    #[error("the broker cannot be used at the moment: {0}")]
    Away(String),
    /// The database.
    #[error("{}", .0.chain())]
    Database(#[from] platform::Error),
}

impl Error {
    pub(crate) fn away(error: impl std::fmt::Display) -> Self {
        Self::Away(error.to_string())
    }

    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }
}

/// The result of asking the broker.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
