//! The caller's second factor: its state, the authenticator app, recovery codes, and proving again who one is.

mod reauthenticate;
mod recovery_codes;
mod state;
mod totp;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(state::get_second_factor))
        .routes(routes!(totp::enrol_totp))
        .routes(routes!(totp::confirm_totp))
        .routes(routes!(totp::disable_totp))
        .routes(routes!(recovery_codes::regenerate_recovery_codes))
        .routes(routes!(reauthenticate::reauthenticate))
}
