//! Who may give whom which role.
//!
//! | actor | may invite, change and end |
//! |---|---|
//! | owner | every role |
//! | manager | dispatcher, driver, customer |
//! | others | nobody |
//!
//! An organisation always keeps at least one owner.

use platform::auth::Role;
use platform::{Error, Kind, Result};

/// Roles that a membership can have.
pub const MEMBER_ROLES: [Role; 5] =
    [Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer];

/// Whether `actor` may make somebody a `role`, or take it away.
pub fn may_grant(actor: Role, role: Role) -> bool {
    match actor {
        Role::Owner => MEMBER_ROLES.contains(&role),
        Role::Manager => matches!(role, Role::Dispatcher | Role::Driver | Role::Customer),
        _ => false,
    }
}

/// Refuses a grant that the actor may not make.
pub fn check_grant(actor: Role, role: Role) -> Result<()> {
    if may_grant(actor, role) { Ok(()) } else { Err(Error::forbidden()) }
}

/// Refuses to take the role from the last owner.
pub fn check_owner_remains(from: Role, to: Option<Role>, owners: i64) -> Result<()> {
    if from == Role::Owner && to != Some(Role::Owner) && owners <= 1 {
        return Err(Error::new(
            Kind::Conflict,
            "last_owner",
            "An organisation needs an owner: make somebody else an owner first.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_module_holds() {
        for actor in Role::ALL {
            for role in Role::ALL {
                let expected = match actor {
                    Role::Owner => MEMBER_ROLES.contains(&role),
                    Role::Manager => [Role::Dispatcher, Role::Driver, Role::Customer].contains(&role),
                    _ => false,
                };
                assert_eq!(may_grant(actor, role), expected, "{actor} -> {role}");
            }
        }
    }

    #[test]
    fn the_last_owner_stays() {
        assert!(check_owner_remains(Role::Owner, None, 1).is_err());
        assert!(check_owner_remains(Role::Owner, Some(Role::Manager), 1).is_err());
        assert!(check_owner_remains(Role::Owner, Some(Role::Owner), 1).is_ok());
        assert!(check_owner_remains(Role::Owner, None, 2).is_ok());
        assert!(check_owner_remains(Role::Driver, None, 1).is_ok());
    }
}
