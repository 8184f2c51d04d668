//! Who may call the gateway's own operations: everybody; `metrics` checks its caller itself.

use platform::permissions::{PUBLIC, Permission, Tenant};

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
    public("get_openapi"),
    public("get_api_page"),
    public("get_api_page_style"),
    public("get_jwks"),
    public("get_home_page"),
    public("get_welcome_page"),
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
