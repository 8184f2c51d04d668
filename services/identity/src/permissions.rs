//! The rows of the permission table for the operations of identity.

use platform::auth::Role;
use platform::permissions::{MANAGERS, PUBLIC, Permission, SIGNED_IN, Tenant};

/// Members who see who else works here.
const COORDINATORS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Service];
/// Managers, and integrations with the scope.
const MANAGERS_AND_KEYS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];
/// People, and integrations with the scope.
const PEOPLE_AND_KEYS: &[Role] = &[
    Role::Operator,
    Role::Owner,
    Role::Manager,
    Role::Dispatcher,
    Role::Driver,
    Role::Customer,
    Role::Service,
];

/// The one thing that a session without the second factor that is asked for may do.
pub const ENROL: &str = "second_factor:enrol";

const fn public(operation: &'static str) -> Permission {
    Permission { operation, roles: PUBLIC, scope: None, tenant: Tenant::None }
}

const fn person(operation: &'static str) -> Permission {
    Permission { operation, roles: SIGNED_IN, scope: None, tenant: Tenant::None }
}

/// About the caller's own account, and open to a session that may only set up a second factor.
const fn enrolment(operation: &'static str) -> Permission {
    Permission { operation, roles: SIGNED_IN, scope: Some(ENROL), tenant: Tenant::None }
}

const fn manager(operation: &'static str) -> Permission {
    Permission { operation, roles: MANAGERS, scope: None, tenant: Tenant::Own }
}

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    public("sign_in"),
    public("sign_in_second_factor"),
    public("begin_passkey_sign_in"),
    public("sign_in_passkey"),
    public("register"),
    public("refresh_token"),
    public("get_first_run"),
    public("first_run"),
    public("look_up_invitation"),
    public("accept_invitation"),
    public("forgot_password"),
    public("reset_password"),
    public("confirm_email"),
    public("get_identity_file"),
    enrolment("sign_out"),
    enrolment("switch_organization"),
    enrolment("reauthenticate"),
    enrolment("get_second_factor"),
    enrolment("enrol_totp"),
    enrolment("confirm_totp"),
    enrolment("begin_passkey"),
    enrolment("register_passkey"),
    enrolment("list_passkeys"),
    person("remove_passkey"),
    person("disable_totp"),
    person("regenerate_recovery_codes"),
    person("list_sessions"),
    person("revoke_session"),
    enrolment("get_me"),
    person("update_me"),
    person("put_my_photo"),
    person("delete_my_photo"),
    person("change_password"),
    person("change_email"),
    enrolment("list_organizations"),
    Permission {
        operation: "create_organization",
        roles: &[Role::Operator],
        scope: None,
        tenant: Tenant::None,
    },
    Permission {
        operation: "get_organization",
        roles: MANAGERS_AND_KEYS,
        scope: Some("organization:read"),
        tenant: Tenant::Own,
    },
    Permission {
        operation: "get_organization_logo",
        roles: MANAGERS_AND_KEYS,
        scope: Some("organization:read"),
        tenant: Tenant::Own,
    },
    manager("update_organization"),
    manager("put_organization_logo"),
    manager("delete_organization_logo"),
    Permission {
        operation: "list_members",
        roles: COORDINATORS,
        scope: Some("members:read"),
        tenant: Tenant::Own,
    },
    Permission {
        operation: "get_user",
        roles: PEOPLE_AND_KEYS,
        scope: Some("members:read"),
        tenant: Tenant::None,
    },
    Permission {
        operation: "get_user_photo",
        roles: PEOPLE_AND_KEYS,
        scope: Some("members:read"),
        tenant: Tenant::None,
    },
    manager("update_member"),
    manager("remove_member"),
    manager("sign_out_member"),
    manager("list_invitations"),
    manager("create_invitation"),
    manager("revoke_invitation"),
    manager("list_api_keys"),
    manager("create_api_key"),
    manager("revoke_api_key"),
];
