//! The rows of the permission table for the operations of tracking.

use platform::auth::Role;
use platform::permissions::{MANAGERS, PUBLIC, Permission, STAFF, Tenant};

/// Who reports positions: drivers their own, those who run deliveries for them, and machines with the scope.
const REPORTERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Device, Role::Service];
/// Who sees positions and timelines: drivers their own.
const WATCHERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Service];

/// Who sees where everybody is.
const COORDINATORS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Service];

const fn public(operation: &'static str) -> Permission {
    Permission { operation, roles: PUBLIC, scope: None, tenant: Tenant::None }
}

const fn watcher(operation: &'static str) -> Permission {
    Permission { operation, roles: WATCHERS, scope: Some("tracking:read"), tenant: Tenant::Own }
}

const fn staff(operation: &'static str) -> Permission {
    Permission { operation, roles: STAFF, scope: None, tenant: Tenant::Own }
}

/// The rows.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        operation: "report_location",
        roles: REPORTERS,
        scope: Some("report:positions"),
        tenant: Tenant::Own,
    },
    watcher("get_location"),
    watcher("list_locations"),
    Permission {
        operation: "list_last_locations",
        roles: COORDINATORS,
        scope: Some("tracking:read"),
        tenant: Tenant::Own,
    },
    staff("list_devices"),
    staff("add_device"),
    staff("remove_device"),
    public("ingest_owntracks"),
    public("ingest_traccar"),
    public("ingest_traccar_query"),
    public("ingest_gpslogger"),
    public("ingest_overland"),
    public("ingest_overland_token"),
    Permission { operation: "get_tracking_settings", roles: MANAGERS, scope: None, tenant: Tenant::Own },
    Permission { operation: "put_tracking_settings", roles: MANAGERS, scope: None, tenant: Tenant::Own },
    watcher("get_order_tracking"),
    Permission {
        operation: "get_eta_accuracy",
        roles: COORDINATORS,
        scope: Some("tracking:read"),
        tenant: Tenant::Own,
    },
    watcher("search_places"),
    watcher("reverse_place"),
    public("get_map"),
    public("get_map_style"),
    public("get_map_tile"),
    public("get_tracking_page"),
    public("get_tracking_map"),
    public("rate_delivery"),
    public("confirm_receipt"),
];
