//! Documents of drivers, and the links that lead to their photos.

mod create;
mod delete;
mod file;
mod list;
mod photo;
mod update;
mod view;

use platform::files::Fit;
use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Drivers;

/// Large enough to read the small print of a card.
const FIT: Fit = Fit { longest_side: 1600 };

pub(super) fn routes(api: Api<Drivers>) -> Api<Drivers> {
    api.routes(routes!(list::list_driver_documents, create::create_driver_document))
        .routes(routes!(update::update_driver_document, delete::delete_driver_document))
        .routes(routes!(
            photo::get_driver_document_photo,
            photo::put_driver_document_photo,
            photo::delete_driver_document_photo
        ))
        .routes(routes!(file::get_drivers_file))
}
