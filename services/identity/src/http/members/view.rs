//! A member as the API shows them.

use kernel::ids::{MembershipId, UserId};
use kernel::time::Timestamp;
use platform::http::openapi::type_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entities::{Membership, User};

/// Roles that a member can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MemberRole {
    /// Owns the organisation.
    Owner,
    /// Runs deliveries and settings.
    Manager,
    /// Dispatches.
    Dispatcher,
    /// Delivers.
    Driver,
    /// Orders and receives.
    Customer,
}

impl From<MemberRole> for platform::auth::Role {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Owner => Self::Owner,
            MemberRole::Manager => Self::Manager,
            MemberRole::Dispatcher => Self::Dispatcher,
            MemberRole::Driver => Self::Driver,
            MemberRole::Customer => Self::Customer,
        }
    }
}

/// One person in the organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Member {
    /// Identifier of the membership.
    #[schema(schema_with = type_id::<MembershipId>)]
    id: MembershipId,
    /// The person.
    #[schema(schema_with = type_id::<UserId>)]
    user_id: UserId,
    /// As what.
    #[schema(example = "driver")]
    role: &'static str,
    /// As the person wants to be called; absent after an erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grace Hopper")]
    name: Option<String>,
    /// The person's address, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "grace@example.org")]
    email: Option<String>,
    /// The person's number, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+4930901820")]
    phone: Option<String>,
    /// For `If-Match`.
    #[schema(example = 1)]
    version: i64,
    /// Since when.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
}

impl Member {
    /// The view of a membership with its person.
    pub(crate) fn new(membership: &Membership, user: Option<User>) -> Self {
        let (name, email, phone) =
            user.map_or((None, None, None), |user| (Some(user.name), user.email, user.phone));
        let reveal =
            |value: &Option<platform::vault::Private>| value.as_ref().map(|value| value.reveal().to_owned());
        Self {
            id: membership.id,
            user_id: membership.user_id,
            role: membership.role.as_str(),
            name: reveal(&name),
            email: reveal(&email),
            phone: reveal(&phone),
            version: membership.version,
            created_at: membership.created_at,
        }
    }
}
