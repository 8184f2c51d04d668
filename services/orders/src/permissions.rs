//! The rows of the permission table for the operations of orders.

use platform::auth::Role;
use platform::permissions::{MANAGERS, PUBLIC, Permission, Tenant};

/// Those who run the day, and integrations with the scope.
const COORDINATORS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Service];
/// They, and drivers for the orders that they have.
const WORKERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];
/// They, and customers for the orders that they placed.
const READERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer, Role::Service];
/// Who places orders.
const PLACERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Customer, Role::Service];

const fn row(operation: &'static str, roles: &'static [Role], scope: &'static str) -> Permission {
    Permission { operation, roles, scope: Some(scope), tenant: Tenant::Own }
}

/// Who reports what was scanned.
const REPORTERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Device, Role::Service];

const fn public(operation: &'static str) -> Permission {
    Permission { operation, roles: PUBLIC, scope: None, tenant: Tenant::None }
}

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    row("create_order", PLACERS, "orders:write"),
    row("list_orders", READERS, "orders:read"),
    row("count_orders", READERS, "orders:read"),
    row("get_order", READERS, "orders:read"),
    row("get_order_summary", READERS, "orders:read"),
    row("list_order_events", WORKERS, "orders:read"),
    row("update_order", COORDINATORS, "orders:write"),
    row("duplicate_order", COORDINATORS, "orders:write"),
    row("report_order_status", WORKERS, "orders:write"),
    row("cancel_order", COORDINATORS, "orders:write"),
    row("reattempt_order", WORKERS, "orders:write"),
    row("prepare_order", COORDINATORS, "orders:write"),
    row("assign_order", COORDINATORS, "orders:write"),
    row("unassign_order", COORDINATORS, "orders:write"),
    row("hand_over_order", WORKERS, "orders:write"),
    row("bulk_orders", COORDINATORS, "orders:write"),
    row("create_recurring_order", COORDINATORS, "orders:write"),
    row("preview_recurring_order", COORDINATORS, "orders:read"),
    row("list_recurring_orders", COORDINATORS, "orders:read"),
    row("get_recurring_order", COORDINATORS, "orders:read"),
    row("list_recurring_order_occurrences", COORDINATORS, "orders:read"),
    row("update_recurring_order", COORDINATORS, "orders:write"),
    row("delete_recurring_order", COORDINATORS, "orders:write"),
    row("create_order_import", COORDINATORS, "orders:write"),
    row("list_order_imports", COORDINATORS, "orders:read"),
    row("get_order_import", COORDINATORS, "orders:read"),
    row("list_order_import_rows", COORDINATORS, "orders:read"),
    row("confirm_order_import", COORDINATORS, "orders:write"),
    row("undo_order_import", COORDINATORS, "orders:write"),
    Permission { operation: "correct_order", roles: MANAGERS, scope: None, tenant: Tenant::Own },
    row("create_package", COORDINATORS, "packages:write"),
    row("list_packages", READERS, "packages:read"),
    row("update_package", COORDINATORS, "packages:write"),
    row("delete_package", COORDINATORS, "packages:write"),
    row("report_package_status", REPORTERS, "report:packages"),
    row("list_package_locations", WORKERS, "packages:read"),
    // Anybody who has the number: what they see depends on who they are.
    public("get_package"),
    row("capture_proof", WORKERS, "orders:write"),
    row("list_proofs", WORKERS, "orders:read"),
    row("put_proof_photo", WORKERS, "orders:write"),
    row("put_proof_signature", WORKERS, "orders:write"),
    Permission { operation: "set_order_pin", roles: MANAGERS, scope: None, tenant: Tenant::Own },
    public("get_orders_file"),
];
