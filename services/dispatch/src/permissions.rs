//! The rows of the permission table for the operations of dispatch.

use platform::auth::Role;
use platform::permissions::{Permission, Tenant};

/// Who dispatches, and integrations with the scope.
const DISPATCHERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Service];
/// The same, and drivers for what is their own.
const DRIVERS_TOO: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];
/// Who decides how it is done.
const MANAGERS: &[Role] = &[Role::Owner, Role::Manager];

const fn row(operation: &'static str, roles: &'static [Role], scope: Option<&'static str>) -> Permission {
    Permission { operation, roles, scope, tenant: Tenant::Own }
}

const READ: Option<&str> = Some("routes:read");
const WRITE: Option<&str> = Some("routes:write");

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    row("get_dispatch_policy", DISPATCHERS, READ),
    row("put_dispatch_policy", MANAGERS, None),
    row("list_dispatch_queue", DISPATCHERS, READ),
    row("get_order_candidates", DISPATCHERS, READ),
    row("list_decisions", DISPATCHERS, READ),
    row("get_decision", DISPATCHERS, READ),
    row("list_routes", DRIVERS_TOO, READ),
    row("get_route", DRIVERS_TOO, READ),
    row("update_route", DISPATCHERS, WRITE),
    row("update_route_stop", DISPATCHERS, WRITE),
    row("move_route", DISPATCHERS, WRITE),
    row("list_offers", DRIVERS_TOO, READ),
    row("accept_offer", &[Role::Driver], None),
    row("decline_offer", &[Role::Driver], None),
];
