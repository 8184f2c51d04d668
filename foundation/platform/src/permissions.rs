//! The permission table: which role may call which operation, in one place in code.
//!
//! Each service states the rows of its own operations ([`Permission`]) beside its routes; the runtime joins them,
//! `docs/reference/permissions.md` prints them, the gateway enforces them before a request reaches a service, and
//! the service enforces them again. An operation of the OpenAPI document without a row fails the build's tests.

use crate::auth::{Principal, Role, Who};
use crate::{Error, Kind, Result};

/// Which organisation an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenant {
    /// None: public, or about the caller's own account.
    None,
    /// The one that the credential names. Objects of others are 404.
    Own,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The operation id of the OpenAPI document, unique over all services.
    pub operation: &'static str,
    /// Who may call it.
    pub roles: &'static [Role],
    /// The scope that an API key or device key needs; `None` means that keys may not call it at all. A person's session
    /// that is limited to a scope (a second factor is missing) may call only operations that name it.
    pub scope: Option<&'static str>,
    /// On what.
    pub tenant: Tenant,
}

impl Permission {
    /// Whether anybody may call it without a credential.
    pub fn is_public(&self) -> bool {
        self.roles.contains(&Role::Anonymous)
    }

    /// Refuses with 401 when nobody is signed in, with 403 when the role, scope or organisation does not fit.
    pub fn check(&self, principal: &Principal) -> Result<()> {
        if self.is_public() {
            return Ok(());
        }
        if principal.who == Who::Anonymous {
            return Err(Error::unauthenticated());
        }
        let in_scope = self.scope.is_some_and(|scope| principal.scopes.contains(scope));
        let is_key = matches!(principal.who, Who::Key(_));
        let has_org = self.tenant == Tenant::None || principal.org.is_some();
        if !self.roles.contains(&principal.role) || !has_org || (is_key && !in_scope) {
            return Err(Error::forbidden());
        }
        if !principal.scopes.is_empty() && !in_scope {
            return Err(limited());
        }
        Ok(())
    }
}

/// The caller's session is limited to setting up a second factor.
fn limited() -> Error {
    Error::new(
        Kind::Forbidden,
        "second_factor_missing",
        "Your organisation asks for a second factor. Set one up, then refresh your session.",
    )
}

/// Roles of people who belong to an organisation.
pub const MEMBERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer];
/// Roles of people who work for an organisation.
pub const STAFF: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver];
/// Roles that run an organisation's settings.
pub const MANAGERS: &[Role] = &[Role::Owner, Role::Manager];
/// Everybody, signed in or not.
pub const PUBLIC: &[Role] = &Role::ALL;
/// Everybody who is signed in as a person.
pub const SIGNED_IN: &[Role] =
    &[Role::Operator, Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer];

/// The table as a Markdown page.
pub fn to_markdown(rows: &[Permission]) -> String {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| row.operation);
    let mut page = String::from(
        "# Permissions\n\nGenerated from the table in code; do not edit. Every operation of the API, who may call it, \
         the scope a key needs, and whose data it works on.\n\n| operation | ",
    );
    page.push_str(&Role::ALL.map(Role::as_str).join(" | "));
    page.push_str(" | key scope | tenant |\n|---|");
    page.push_str(&"---|".repeat(Role::ALL.len() + 2));
    page.push('\n');
    for row in rows {
        let marks = Role::ALL.map(|role| if row.roles.contains(&role) { "yes" } else { "" }).join(" | ");
        let tenant = if row.tenant == Tenant::Own { "own" } else { "" };
        let scope = row.scope.map(|scope| format!("`{scope}`")).unwrap_or_default();
        page.extend(["| `", row.operation, "` | ", &marks, " | ", &scope, " | ", tenant, " |\n"]);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::{ApiKeyId, OrgId, SessionId, UserId, Uuid};

    fn person(role: Role, org: bool) -> Principal {
        Principal {
            who: Who::User { user: UserId::new(Uuid::nil()), session: SessionId::new(Uuid::nil()) },
            role,
            org: org.then(|| OrgId::new(Uuid::nil())),
            scopes: std::collections::BTreeSet::default(),
        }
    }

    const ROW: Permission =
        Permission { operation: "x", roles: MANAGERS, scope: Some("x:read"), tenant: Tenant::Own };

    #[test]
    fn a_role_outside_the_row_is_refused() {
        assert!(ROW.check(&person(Role::Owner, true)).is_ok());
        assert_eq!(ROW.check(&person(Role::Driver, true)).unwrap_err().kind().status(), 403);
        assert_eq!(ROW.check(&person(Role::Owner, false)).unwrap_err().kind().status(), 403);
        assert_eq!(ROW.check(&Principal::anonymous()).unwrap_err().kind().status(), 401);
    }

    #[test]
    fn a_limited_session_may_only_do_what_it_is_limited_to() {
        let mut owner = person(Role::Owner, true);
        owner.scopes.insert("second_factor:enrol".to_owned());
        assert_eq!(ROW.check(&owner).unwrap_err().code(), "second_factor_missing");
        assert_eq!(
            Permission { scope: None, ..ROW }.check(&owner).unwrap_err().code(),
            "second_factor_missing"
        );
        assert!(Permission { scope: Some("second_factor:enrol"), ..ROW }.check(&owner).is_ok());
        owner.role = Role::Driver;
        assert_eq!(ROW.check(&owner).unwrap_err().code(), "forbidden");
    }

    #[test]
    fn a_key_needs_the_scope() {
        let mut key = person(Role::Manager, true);
        key.who = Who::Key(ApiKeyId::new(Uuid::nil()));
        assert!(ROW.check(&key).is_err());
        key.scopes.insert("x:read".to_owned());
        assert!(ROW.check(&key).is_ok());
    }
}
