//! Signing in and out, tokens, links and sessions.

mod email;
mod first_run;
mod invitation;
mod password;
mod register;
mod sessions;
mod sign_in;
mod tokens;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_in_second_factor))
        .routes(routes!(register::register))
        .routes(routes!(tokens::refresh_token))
        .routes(routes!(tokens::sign_out))
        .routes(routes!(tokens::switch_organization))
        .routes(routes!(first_run::get_first_run, first_run::first_run))
        .routes(routes!(invitation::look_up_invitation))
        .routes(routes!(invitation::accept_invitation))
        .routes(routes!(password::forgot_password))
        .routes(routes!(password::reset_password))
        .routes(routes!(password::change_password))
        .routes(routes!(email::change_email))
        .routes(routes!(email::confirm_email))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::revoke_session))
}
