//! The rows of the permission table for the operations of storefront.

use platform::auth::Role;
use platform::permissions::{Permission, Tenant};

/// Shops are shown to everybody who belongs to the organisation.
const SHOP_READERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer, Role::Service];
/// Zones name pools of drivers, which are no customer's business.
const ZONE_READERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];
/// Shops and zones are settings.
const WRITERS: &[Role] = &[Role::Owner, Role::Manager, Role::Service];
/// Who may ask what a delivery costs.
const ASKERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Customer, Role::Service];

const fn row(operation: &'static str, roles: &'static [Role], scope: &'static str) -> Permission {
    Permission { operation, roles, scope: Some(scope), tenant: Tenant::Own }
}

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    row("list_shops", SHOP_READERS, "shops:read"),
    row("get_shop", SHOP_READERS, "shops:read"),
    row("create_shop", WRITERS, "shops:write"),
    row("update_shop", WRITERS, "shops:write"),
    row("delete_shop", WRITERS, "shops:write"),
    row("list_zones", ZONE_READERS, "shops:read"),
    row("get_zone", ZONE_READERS, "shops:read"),
    row("create_zone", WRITERS, "shops:write"),
    row("update_zone", WRITERS, "shops:write"),
    row("delete_zone", WRITERS, "shops:write"),
    row("create_quote", ASKERS, "quotes:write"),
];
