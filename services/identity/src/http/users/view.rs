//! A person as the API shows them.

use kernel::ids::{FileId, UserId};
use kernel::time::Timestamp;
use platform::http::openapi::{optional_type_id, type_id};
use serde::Serialize;
use utoipa::ToSchema;

use crate::entities;

/// A person who can sign in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct User {
    /// Identifier.
    #[schema(schema_with = type_id::<UserId>)]
    id: UserId,
    /// As the person wants to be called.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// To sign in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    /// To sign in with, in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+4930901820")]
    phone: Option<String>,
    /// Whether this person runs the installation.
    #[schema(example = false)]
    operator: bool,
    /// The photo, if there is one. Another photo has another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = optional_type_id::<FileId>)]
    photo: Option<FileId>,
    /// When the account was made.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
}

impl From<entities::User> for User {
    fn from(user: entities::User) -> Self {
        Self {
            id: user.id,
            name: user.name.reveal().to_owned(),
            email: user.email.map(|email| email.reveal().to_owned()),
            phone: user.phone.map(|phone| phone.reveal().to_owned()),
            operator: user.operator,
            photo: user.photo,
            created_at: user.created_at,
        }
    }
}
