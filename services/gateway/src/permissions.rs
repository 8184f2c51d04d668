//! Who may call the gateway's own operations. Most are for everybody; `metrics` checks its caller itself. Views are for people:
//! each of their parts is read with the caller's own rights.

use platform::auth::Role;
use platform::permissions::{PUBLIC, Permission, Tenant};

/// Those who run the day.
const DISPATCHERS: &[Role] = &[Role::Owner, Role::Manager, Role::Dispatcher];
/// Whoever may read an order.
const READERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Customer, Role::Service];
/// Whoever may report positions.
const REPORTERS: &[Role] =
    &[Role::Owner, Role::Manager, Role::Dispatcher, Role::Driver, Role::Device, Role::Service];

const fn people(operation: &'static str, roles: &'static [Role]) -> Permission {
    Permission { operation, roles, scope: None, tenant: Tenant::Own }
}

const fn public(operation: &'static str) -> Permission {
    Permission { operation, roles: PUBLIC, scope: None, tenant: Tenant::None }
}

/// The rows of the permission table.
pub const PERMISSIONS: &[Permission] = &[
    public("get_liveness"),
    public("get_readiness"),
    public("get_metrics"),
    public("get_health"),
    public("get_websocket_probe"),
    public("connect_realtime"),
    public("stream_events"),
    Permission {
        operation: "stream_positions",
        roles: REPORTERS,
        scope: Some("report:positions"),
        tenant: Tenant::Own,
    },
    people("get_overview", DISPATCHERS),
    people("get_stats", DISPATCHERS),
    people("get_driver_day", &[Role::Driver]),
    people("get_live_board", DISPATCHERS),
    people("get_drive_day", &[Role::Driver]),
    Permission {
        operation: "get_order_overview",
        roles: READERS,
        scope: Some("orders:read"),
        tenant: Tenant::Own,
    },
    public("get_openapi"),
    public("get_api_page"),
    public("get_api_page_style"),
    public("get_jwks"),
    public("get_home_page"),
    public("get_sign_in_page"),
    public("get_page_script"),
    public("get_map_script"),
    public("get_live_map_script"),
    public("get_map_library"),
    public("get_live_page"),
    public("get_drive_page"),
    public("get_track_page"),
    public("submit_rating"),
    public("submit_receipt"),
    public("get_page_style"),
    public("get_phone_page"),
    public("get_setup_page"),
    public("submit_setup"),
    public("get_join_page"),
    public("submit_join"),
    public("get_reset_page"),
    public("submit_reset"),
    public("get_confirm_page"),
    public("submit_confirm"),
];
