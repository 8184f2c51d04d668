//! Events of the identity service.

use kernel::ids::{OrgId, UserId, Uuid};
use serde::{Deserialize, Serialize};

use crate::Event;

/// An organisation exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCreated {
    /// The organisation.
    pub org_id: OrgId,
    /// Who created it.
    pub created_by: UserId,
}

impl Event for OrganizationCreated {
    const SUBJECT: &'static str = "organization.created.v1";
    const WHEN: &'static str = "An organisation was created.";
    fn example() -> Self {
        Self { org_id: OrgId::new(Uuid::from_u128(1)), created_by: UserId::new(Uuid::from_u128(2)) }
    }
}

/// A user became a member of the organisation for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCreated {
    /// The user.
    pub user_id: UserId,
    /// As what: `owner`, `manager`, `dispatcher`, `driver` or `customer`.
    pub role: String,
}

impl Event for UserCreated {
    const SUBJECT: &'static str = "user.created.v1";
    const WHEN: &'static str = "A user became a member of the organisation.";
    fn example() -> Self {
        Self { user_id: UserId::new(Uuid::from_u128(2)), role: "driver".to_owned() }
    }
}

/// Something about a user changed; ask identity for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUpdated {
    /// The user.
    pub user_id: UserId,
    /// Names of the fields that changed, never their values.
    pub changed: Vec<String>,
}

impl Event for UserUpdated {
    const SUBJECT: &'static str = "user.updated.v1";
    const WHEN: &'static str = "A user's name, e-mail address, phone or state changed.";
    fn example() -> Self {
        Self { user_id: UserId::new(Uuid::from_u128(2)), changed: vec!["email".to_owned()] }
    }
}

/// A member has another role, or none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRoleChanged {
    /// The user.
    pub user_id: UserId,
    /// The role before.
    pub from: String,
    /// The role now; `None` when the membership ended.
    pub to: Option<String>,
}

impl Event for UserRoleChanged {
    const SUBJECT: &'static str = "user.role_changed.v1";
    const WHEN: &'static str = "A member was given another role, or left the organisation.";
    fn example() -> Self {
        Self { user_id: UserId::new(Uuid::from_u128(2)), from: "driver".to_owned(), to: None }
    }
}
