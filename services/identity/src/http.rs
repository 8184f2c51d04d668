//! The HTTP operations of identity, one file per operation or closely related pair.

mod auth;
mod browser;
pub(crate) mod internal;
mod keys;
mod members;
mod organizations;
mod passkeys;
mod pictures;
mod second_factor;
mod text;
mod users;

use platform::http::openapi::Api;

use crate::context::Identity;

/// All routes.
pub fn routes() -> Api<Identity> {
    let api = Api::new(crate::NAME);
    let api = passkeys::routes(second_factor::routes(users::routes(auth::routes(api))));
    pictures::routes(keys::routes(members::routes(organizations::routes(api))))
}
