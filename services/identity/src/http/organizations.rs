//! Organisations.

mod create;
mod list;
mod read;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

pub(in crate::http) use view::Organization;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(list::list_organizations, create::create_organization))
        .routes(routes!(read::get_organization, update::update_organization))
}
