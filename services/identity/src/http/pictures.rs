//! Pictures: photos of people, logos of organisations, and the links that lead to them.

mod file;
mod logo;
mod photo;
mod view;

use platform::files::Fit;
use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Identity;

/// Shown in lists and on cards, sharp on screens of double density.
const FIT: Fit = Fit { longest_side: 512 };

pub(super) fn routes(api: Api<Identity>) -> Api<Identity> {
    api.routes(routes!(photo::put_my_photo, photo::delete_my_photo))
        .routes(routes!(photo::get_user_photo))
        .routes(routes!(
            logo::get_organization_logo,
            logo::put_organization_logo,
            logo::delete_organization_logo
        ))
        .routes(routes!(file::get_identity_file))
}
