//! Passkeys: registering, listing, removing, and signing in with one.

mod manage;
mod sign_in;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(manage::begin_passkey))
        .routes(routes!(manage::list_passkeys, manage::register_passkey))
        .routes(routes!(manage::remove_passkey))
        .routes(routes!(sign_in::begin_passkey_sign_in))
        .routes(routes!(sign_in::sign_in_passkey))
}
