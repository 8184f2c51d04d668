//! A link to a picture.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a picture is, for a while. Whoever has the link has the picture: give it only to those who may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PictureLink {
    /// Address of the picture, valid for one to two hours; the same for an hour.
    #[schema(format = "uri", example = "https://dropmate.example.org/api/v1/files/identity/AZ3u")]
    url: String,
}

impl PictureLink {
    pub fn new(url: String) -> Self {
        Self { url }
    }
}
