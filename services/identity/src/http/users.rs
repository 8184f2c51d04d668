//! People.

mod me;
mod read;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

pub(in crate::http) use view::User;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(me::get_me, me::update_me)).routes(routes!(read::get_user))
}
