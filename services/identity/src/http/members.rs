//! Members of the caller's organisation and invitations to become one.

mod invitations;
mod list;
mod update;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Identity;

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(list::list_members))
        .routes(routes!(update::update_member, update::remove_member))
        .routes(routes!(update::sign_out_member))
        .routes(routes!(invitations::list_invitations, invitations::create_invitation))
        .routes(routes!(invitations::revoke_invitation))
}
