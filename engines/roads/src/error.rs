//! Why roads are not imported, not opened or not answered.

/// Messages are for the person who runs the installation, except [`Error::TooFar`], which is about one question.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder refused.
    #[error(transparent)]
    Folder(#[from] mapfolder::Error),
    /// A profile's text is wrong.
    #[error("the profile {name} cannot be used: {what}")]
    Profile {
        /// Name of the profile, or what was given for it.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// The extract has no roads for this vehicle.
    #[error("the map has no connected roads for the profile {0}")]
    NoRoads(String),
    /// More roads than numbers of 32 bits can name.
    #[error("the map has too many roads: cut it to the area that is served")]
    TooLarge,
    /// The file of roads is not what an import writes.
    #[error("the roads of the map are damaged ({0}): import it again")]
    Damaged(&'static str),
    /// Nothing to drive on nearby.
    #[error("no road within {limit_m} m of the point")]
    TooFar {
        /// How far was looked.
        limit_m: u32,
    },
    /// There is no way, for example to an island.
    #[error("there is no route between the two points")]
    NoRoute,
    /// More points than a matrix may have.
    #[error("a matrix may have at most {limit} cells")]
    TooManyCells {
        /// The limit.
        limit: usize,
    },
}
