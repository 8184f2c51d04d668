//! The rows of the permission table for the operations of drivers.
//!
//! Where the role `driver` stands, a driver reaches what is their own; anything else is 404 (`crate::access`).

use platform::auth::Role;
use platform::permissions::{MANAGERS, PUBLIC, Permission, Tenant};

/// Who sees all drivers.
const COORDINATORS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Service];
/// Coordinators, and drivers about themselves.
const COORDINATORS_AND_SELF: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];
/// Profiles and vehicles are settings.
const WRITERS: &[Role] = &[Role::Owner, Role::Manager, Role::Service];
/// Documents are between a driver and those who run the business.
const MANAGERS_AND_SELF: &[Role] = &[Role::Owner, Role::Manager, Role::Driver];

const fn row(
    operation: &'static str,
    roles: &'static [Role],
    scope: Option<&'static str>,
    tenant: Tenant,
) -> Permission {
    Permission { operation, roles, scope, tenant }
}

const fn read(operation: &'static str, roles: &'static [Role]) -> Permission {
    row(operation, roles, Some("drivers:read"), Tenant::Own)
}

const fn write(operation: &'static str, roles: &'static [Role]) -> Permission {
    row(operation, roles, Some("drivers:write"), Tenant::Own)
}

const fn people(operation: &'static str, roles: &'static [Role]) -> Permission {
    row(operation, roles, None, Tenant::Own)
}

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    read("list_drivers", COORDINATORS),
    people("get_my_driver", &[Role::Driver]),
    read("get_driver", COORDINATORS_AND_SELF),
    write("create_driver", WRITERS),
    write("update_driver", WRITERS),
    write("set_driver_availability", COORDINATORS_AND_SELF),
    read("list_vehicles", COORDINATORS_AND_SELF),
    read("get_vehicle", COORDINATORS_AND_SELF),
    write("create_vehicle", WRITERS),
    write("update_vehicle", WRITERS),
    write("delete_vehicle", WRITERS),
    read("list_shifts", COORDINATORS_AND_SELF),
    write("create_shift", COORDINATORS),
    write("update_shift", COORDINATORS),
    write("delete_shift", COORDINATORS),
    people("list_driver_documents", MANAGERS_AND_SELF),
    people("create_driver_document", MANAGERS),
    people("update_driver_document", MANAGERS),
    people("delete_driver_document", MANAGERS),
    people("get_driver_document_photo", MANAGERS_AND_SELF),
    people("put_driver_document_photo", MANAGERS_AND_SELF),
    people("delete_driver_document_photo", MANAGERS),
    row("get_drivers_file", PUBLIC, None, Tenant::None),
];
